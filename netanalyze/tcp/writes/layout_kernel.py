"""Lays messages over segments: which lie in one, which are cut, which share one with others, and why.

A segment is what a receiver that keeps up reads at once. What decides is where the bytes lie in the
half-stream: when a segment came, or how often, does not matter. All that is kept of a half-stream is one row
(``layout_fields``).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp.writes import layout_fields as fields

BYTES = cython.declare(cython.int, fields.BYTES)
SEGMENTS = cython.declare(cython.int, fields.SEGMENTS)
MESSAGES = cython.declare(cython.int, fields.MESSAGES)
ALIGNED = cython.declare(cython.int, fields.ALIGNED)
CASE_A = cython.declare(cython.int, fields.CASE_A)
CAUSE = cython.declare(cython.int, fields.CAUSE)
MESSAGE_SEGMENTS = cython.declare(cython.int, fields.MESSAGE_SEGMENTS)
MOST_SEGMENTS = cython.declare(cython.int, fields.MOST_SEGMENTS)
SMALLEST = cython.declare(cython.int, fields.SMALLEST)
LARGEST = cython.declare(cython.int, fields.LARGEST)
MESSAGE_BYTES = cython.declare(cython.int, fields.MESSAGE_BYTES)
FAILS = cython.declare(cython.int, fields.FAILS)
FAIL_FRAME = cython.declare(cython.int, fields.FAIL_FRAME)
FAIL_BYTES = cython.declare(cython.int, fields.FAIL_BYTES)
FAIL_WHOLE = cython.declare(cython.int, fields.FAIL_WHOLE)
FAIL_PART = cython.declare(cython.int, fields.FAIL_PART)
FAIL_NUMBER = cython.declare(cython.int, fields.FAIL_NUMBER)
FAIL_MESSAGE = cython.declare(cython.int, fields.FAIL_MESSAGE)
FIRST_FRAME = cython.declare(cython.int, fields.FIRST_FRAME)
START = cython.declare(cython.int, fields.START)
START_FRAME = cython.declare(cython.int, fields.START_FRAME)
START_NS = cython.declare(cython.int, fields.START_NS)
MY_SEGMENTS = cython.declare(cython.int, fields.MY_SEGMENTS)
SHARED = cython.declare(cython.int, fields.SHARED)
SPLIT_CAUSE = cython.declare(cython.int, fields.SPLIT_CAUSE)
HOLED = cython.declare(cython.int, fields.HOLED)
FIRST_SEGMENT = cython.declare(cython.int, fields.FIRST_SEGMENT)
LAST_CLASS = cython.declare(cython.int, fields.LAST_CLASS)
LAST_FIRST = cython.declare(cython.int, fields.LAST_FIRST)
LAST_LAST = cython.declare(cython.int, fields.LAST_LAST)
PIECE_BYTES = cython.declare(cython.int, fields.PIECE_BYTES)
PIECE_ROOM = cython.declare(cython.int, fields.PIECE_ROOM)
PIECE_NS = cython.declare(cython.int, fields.PIECE_NS)
PIECE_PUSHED = cython.declare(cython.int, fields.PIECE_PUSHED)
MSS = cython.declare(cython.int, fields.MSS)
OPEN = cython.declare(cython.int, fields.OPEN)
UNFRAMED = cython.declare(cython.int, fields.UNFRAMED)
EAGER = cython.declare(cython.int, fields.EAGER)
LAST_FRAME = cython.declare(cython.int, fields.LAST_FRAME)
HALF = cython.declare(cython.int, fields.HALF)
LENGTH = cython.declare(cython.int, fields.LENGTH)
NUMBER = cython.declare(cython.int, fields.NUMBER)
FRAME = cython.declare(cython.int, fields.FRAME)
END_FRAME = cython.declare(cython.int, fields.END_FRAME)
TIME_NS = cython.declare(cython.int, fields.TIME_NS)
OFFSET = cython.declare(cython.int, fields.OFFSET)
PIECES = cython.declare(cython.int, fields.PIECES)
CLASS = cython.declare(cython.int, fields.CLASS)
WHY = cython.declare(cython.int, fields.WHY)
CASE = cython.declare(cython.int, fields.CASE)
ROW_WORDS = cython.declare(cython.int, fields.ROW_WORDS)
PUSH = cython.declare(cython.int, fields.PUSH)
REPACKED = cython.declare(cython.int, fields.REPACKED)
PROMPTED = cython.declare(cython.int, fields.PROMPTED)

_CLASSES = fields.CLASSES
IS_ALIGNED = cython.declare(cython.int, _CLASSES.index("aligned"))
IS_SPLIT = cython.declare(cython.int, _CLASSES.index("split"))
IS_COALESCED = cython.declare(cython.int, _CLASSES.index("coalesced"))
IS_MIXED = cython.declare(cython.int, _CLASSES.index("mixed"))
_CAUSES = fields.CAUSES
BY_MSS = cython.declare(cython.int, _CAUSES.index("mss"))
BY_WINDOW = cython.declare(cython.int, _CAUSES.index("receiver_window"))
BY_CONGESTION = cython.declare(cython.int, _CAUSES.index("congestion_window"))
BY_NAGLE = cython.declare(cython.int, _CAUSES.index("nagle"))
BY_ONE_WRITE = cython.declare(cython.int, _CAUSES.index("one_write"))
BY_WRITES = cython.declare(cython.int, _CAUSES.index("several_writes"))
BY_OFFLOAD = cython.declare(cython.int, _CAUSES.index("offload"))
BY_REPACKING = cython.declare(cython.int, _CAUSES.index("retransmission"))
PAUSE_NS = cython.declare(cython.longlong, 200_000_000)
"""After this much silence a segment begins another write, whatever the one before looked like."""


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def split_cause(row: cython.longlong[::1], bits: cython.int, before: cython.longlong) -> cython.longlong:
    """Why the message in hand goes on in another segment than the one before.

    ``bits`` and ``before`` are of the next segment: facts, and what was in flight before it, -1 unknown.
    """
    size: cython.longlong = row[PIECE_BYTES]
    mss: cython.longlong = abs(row[MSS])
    room: cython.longlong = row[PIECE_ROOM]
    if bits & REPACKED:
        return BY_REPACKING
    if mss > 0 and size > mss:
        if bits & PROMPTED and size % mss == 0 and (room < 0 or room >= mss):
            return BY_CONGESTION
        return BY_OFFLOAD
    if mss <= 0 or size == mss:
        return BY_MSS
    if 0 <= room < mss:
        return BY_WINDOW
    if bits & PROMPTED and before == 0 and not row[EAGER]:
        return BY_NAGLE
    return BY_WRITES


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def merge_cause(
    row: cython.longlong[::1], bits: cython.int, before: cython.longlong, size: cython.longlong
) -> cython.longlong:
    """Why a segment of ``size`` bytes holds more than one message; else as ``split_cause``."""
    mss: cython.longlong = abs(row[MSS])
    if bits & REPACKED:
        return BY_REPACKING
    if mss > 0 and size > mss:
        return BY_OFFLOAD
    if row[PIECE_BYTES] > 0 and bits & PROMPTED:
        if 0 <= row[PIECE_ROOM] < mss:
            return BY_WINDOW
        if before == 0 and row[PIECE_BYTES] < mss and not row[EAGER]:
            return BY_NAGLE
        if before > 0 and row[PIECE_BYTES] >= mss > 0:
            return BY_CONGESTION
    return BY_ONE_WRITE


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def close_message(
    row: cython.longlong[::1],
    half: cython.longlong,
    end: cython.longlong,
    frame: cython.longlong,
    kind: cython.longlong,
    cause: cython.longlong,
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """The message in hand ends at ``end``, in the segment of ``frame``; returns how many rows ``out`` has."""
    size: cython.longlong = end - row[START]
    segment: cython.longlong = row[SEGMENTS] - 1
    case: cython.longlong = -1
    row[MESSAGES] += 1
    row[MESSAGE_BYTES] += size
    row[MESSAGE_SEGMENTS] += row[MY_SEGMENTS]
    if row[MY_SEGMENTS] > row[MOST_SEGMENTS]:
        row[MOST_SEGMENTS] = row[MY_SEGMENTS]
    if row[MESSAGES] == 1 or size < row[SMALLEST]:
        row[SMALLEST] = size
    if size > row[LARGEST]:
        row[LARGEST] = size
    if row[FAIL_NUMBER] == row[MESSAGES]:
        row[FAIL_MESSAGE] = size
    if row[HOLED]:
        kind = cause = -1
    if kind >= 0:
        row[ALIGNED + kind] += 1
        if row[LAST_CLASS] > 0:
            if kind == IS_ALIGNED and row[LAST_CLASS] - 1 == IS_ALIGNED:
                case = 0
            elif row[LAST_LAST] == row[FIRST_SEGMENT]:
                if row[LAST_FIRST] == row[LAST_LAST]:
                    case = 1 if segment == row[FIRST_SEGMENT] else 2
                elif segment == row[FIRST_SEGMENT]:
                    case = 3
            if case >= 0:
                row[CASE_A + case] += 1
    if cause >= 0:
        row[CAUSE + cause] += 1
    row[LAST_CLASS] = kind + 1
    row[LAST_FIRST] = row[FIRST_SEGMENT]
    row[LAST_LAST] = segment
    row[OPEN] = 0
    if count < out.shape[0]:
        out[count, HALF] = half
        out[count, LENGTH] = size
        if out.shape[1] == ROW_WORDS:
            out[count, NUMBER] = row[MESSAGES]
            out[count, FRAME] = row[START_FRAME]
            out[count, END_FRAME] = frame
            out[count, TIME_NS] = row[START_NS]
            out[count, OFFSET] = row[START]
            out[count, PIECES] = row[MY_SEGMENTS]
            out[count, CLASS] = kind
            out[count, WHY] = cause
            out[count, CASE] = case
        count += 1
    return count


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def open_message(
    row: cython.longlong[::1], at: cython.longlong, frame: cython.longlong, time: cython.longlong
) -> cython.int:
    """A message begins here, in the latest segment."""
    row[OPEN] = 1
    row[START] = at
    row[START_FRAME] = frame
    row[START_NS] = time
    row[MY_SEGMENTS] = 0
    row[SHARED] = 0
    row[SPLIT_CAUSE] = -1
    row[HOLED] = 0
    row[FIRST_SEGMENT] = row[SEGMENTS] - 1
    return 0


def lay(
    row: cython.longlong[::1],
    half: cython.longlong,
    offset: cython.longlong,
    size: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
    bits: cython.int,
    in_flight: cython.longlong,
    window: cython.longlong,
    payload: cython.longlong,
    ends: cython.longlong[::1],
    found: cython.Py_ssize_t,
    begin: cython.longlong,
    stop: cython.longlong,
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Take a segment.

    Args:
        row: what is remembered of the half-stream.
        half: its number.
        offset: of the segment's first new byte.
        size: how many are new.
        frame: of the segment.
        time: of the frame.
        bits: facts about it (``PUSH`` …).
        in_flight: what its sender had in flight after it, -1 if unknown.
        window: what the receiver had offered beyond what it had acknowledged, -1 if unknown.
        payload: all of its payload, new or not.
        ends: where messages end, from the first new byte on.
        found: how many do; -1 where writes are to be told by the segments themselves.
        begin: bytes before belong to a message whose beginning is not known, and nothing is in hand then.
        stop: bytes from here on belong to no message, counted in the same way.
        out: where messages are written to.
        count: how many were before.

    Returns:
        How many there are then.
    """
    index: cython.Py_ssize_t
    at: cython.longlong = begin
    end: cython.longlong
    before: cython.longlong
    inside: cython.longlong
    cause: cython.longlong = -1
    mine: cython.longlong
    kind: cython.longlong
    whole: cython.longlong
    tail: cython.bint
    head: cython.bint
    guess: cython.bint = found < 0
    with cython.nogil:
        before = in_flight - payload if in_flight >= payload else -1
        if row[MSS] <= 0 and -payload < row[MSS]:
            row[MSS] = -payload  # below zero: the largest so far
        if before > 0 and not bits & (PROMPTED | REPACKED):
            if payload < abs(row[MSS]) and 0 < row[PIECE_BYTES] < abs(row[MSS]):
                row[EAGER] = 1
        if guess:
            stop = size
            found = 0
            if row[OPEN] and time - row[PIECE_NS] > PAUSE_NS and before == 0:
                count = close_message(
                    row,
                    half,
                    offset,
                    row[LAST_FRAME],
                    IS_SPLIT if row[MY_SEGMENTS] > 1 else IS_ALIGNED,
                    row[SPLIT_CAUSE],
                    out,
                    count,
                )
            ends[0] = size
            if bits & PUSH or payload < abs(row[MSS]):
                found = 1
        if row[SEGMENTS] == 0:
            row[FIRST_FRAME] = frame
        row[SEGMENTS] += 1
        row[BYTES] += size
        head = row[OPEN] != 0
        whole = found - (1 if head and found > 0 else 0)
        tail = ends[found - 1] < stop if found > 0 else not head and stop > begin
        inside = found + (1 if tail or (head and found == 0) else 0)
        if begin > 0:
            inside += 1
            row[UNFRAMED] += begin
        if head and row[MY_SEGMENTS] > 0:
            cause = split_cause(row, bits, before)
            # The first split that is not for want of room in a segment says most.
            if row[SPLIT_CAUSE] < 0 or row[SPLIT_CAUSE] == BY_MSS:
                row[SPLIT_CAUSE] = cause
        if inside > 1:
            cause = merge_cause(row, bits, before, payload)
        if not (inside == 1 and found == 1 and not head) or stop < size:
            if inside > 0:
                if row[FAILS] == 0:
                    row[FAIL_FRAME] = frame
                    row[FAIL_BYTES] = size
                    row[FAIL_WHOLE] = whole
                    row[FAIL_PART] = (1 if head or begin > 0 else 0) + (
                        2 if tail or (head and found == 0) else 0
                    )
                    row[FAIL_NUMBER] = row[MESSAGES] + 1
                row[FAILS] += 1
        for index in range(found):
            end = ends[index]
            if not row[OPEN]:
                open_message(row, offset + at, frame, time)
            row[MY_SEGMENTS] += 1
            mine = row[MY_SEGMENTS]
            if inside > 1:
                row[SHARED] = 1
            if mine == 1:
                kind = (
                    IS_ALIGNED if inside == 1 else (IS_MIXED if head or tail or begin > 0 else IS_COALESCED)
                )
                count = close_message(
                    row, half, offset + end, frame, kind, cause if inside > 1 else -1, out, count
                )
            else:
                kind = IS_MIXED if row[SHARED] else IS_SPLIT
                count = close_message(row, half, offset + end, frame, kind, row[SPLIT_CAUSE], out, count)
            at = end
        if at < stop:
            if not row[OPEN]:
                open_message(row, offset + at, frame, time)
            row[MY_SEGMENTS] += 1
            if inside > 1:
                row[SHARED] = 1
        if stop < size:
            row[UNFRAMED] += offset + size - row[START] if row[OPEN] else size - at
            row[OPEN] = 0
            row[LAST_CLASS] = 0
        row[PIECE_BYTES] = payload
        row[PIECE_ROOM] = window - in_flight if window >= 0 and in_flight >= 0 else -1
        row[PIECE_NS] = time
        row[PIECE_PUSHED] = bits & PUSH
        row[LAST_FRAME] = frame
    return count


def end_here(
    row: cython.longlong[::1],
    half: cython.longlong,
    offset: cython.longlong,
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """The message in hand, if there is one, ends behind the bytes that came last; else as ``lay``."""
    kind: cython.longlong
    with cython.nogil:
        if row[OPEN]:
            if row[MY_SEGMENTS] == 1:
                kind = IS_MIXED if row[SHARED] else IS_ALIGNED
            else:
                kind = IS_MIXED if row[SHARED] else IS_SPLIT
            count = close_message(row, half, offset, row[LAST_FRAME], kind, row[SPLIT_CAUSE], out, count)
    return count


def leap(
    row: cython.longlong[::1],
    half: cython.longlong,
    offset: cython.longlong,
    length: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
    known: cython.int,
    ends: cython.int,
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Take note of missing bytes; else as ``lay``.

    A message with missing bytes has no class, because nobody knows in how many segments they came.

    Args:
        row: what is remembered of the half-stream.
        half: its number.
        offset: of the first missing byte.
        length: how many are missing.
        frame: the frame that proved it.
        time: of the frame.
        known: whether the message in hand goes on to the end of the hole at least.
        ends: whether it ends there.
        out: where messages are written to.
        count: how many were before.

    Returns:
        How many there are then.
    """
    with cython.nogil:
        if row[OPEN]:
            row[HOLED] = 1
            if not known:
                row[UNFRAMED] += offset - row[START]
                row[OPEN] = 0
            elif ends:
                count = close_message(row, half, offset + length, frame, -1, -1, out, count)
        row[LAST_CLASS] = 0
        row[PIECE_BYTES] = 0
        row[PIECE_ROOM] = -1
        row[PIECE_NS] = time
    return count
