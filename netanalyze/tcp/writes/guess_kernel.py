"""Tries framings on the first bytes of both sides of a stream.

Each candidate is followed from message to message. One that runs into a length that cannot be, or that does
not come by where the other side begins to speak, is given up at once: a message has to have ended there.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp.writes import guess_fields as fields

KIND = cython.declare(cython.int, fields.KIND)
SIZE = cython.declare(cython.int, fields.SIZE)
LITTLE = cython.declare(cython.int, fields.LITTLE)
OFFSET = cython.declare(cython.int, fields.OFFSET)
BEHIND = cython.declare(cython.int, fields.BEHIND)
SKIPPED = cython.declare(cython.int, fields.SKIPPED)
SIDE = cython.declare(cython.int, fields.SIDE)
SIDE_WORDS = cython.declare(cython.int, fields.SIDE_WORDS)
ENDS = cython.declare(cython.int, fields.ENDS)
HITS = cython.declare(cython.int, fields.HITS)
TURNS = cython.declare(cython.int, fields.TURNS)
CHANGES = cython.declare(cython.int, fields.CHANGES)
COVERED = cython.declare(cython.int, fields.COVERED)
WRITES = cython.declare(cython.int, fields.WRITES)
ALL_TURNS = cython.declare(cython.int, fields.ALL_TURNS)
ALONE = cython.declare(cython.int, fields.ALONE)
EMPTY = cython.declare(cython.int, fields.EMPTY)
LATEST = cython.declare(cython.int, fields.LATEST)
LOOKED = cython.declare(cython.int, fields.LOOKED)
MARK_WRITE = cython.declare(cython.int, fields.MARK_WRITE)
MARK_TURN = cython.declare(cython.int, fields.MARK_TURN)
LENGTH = cython.declare(cython.longlong, fields.LENGTH)
VARINT = cython.declare(cython.longlong, fields.VARINT)
DELIMITER = cython.declare(cython.longlong, fields.DELIMITER)
MORE = cython.declare(cython.int, fields.MORE)
LONGEST = cython.declare(cython.longlong, 1 << 24)
"""No longer message is taken for one."""
_OFFSETS = fields.OFFSETS
LAST_OFFSET = cython.declare(cython.longlong, 8)
MARKER = cython.declare(cython.longlong, 16)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def message_length(
    data: cython.const[cython.uchar][::1],
    at: cython.Py_ssize_t,
    kind: cython.longlong,
    size: cython.longlong,
    little: cython.longlong,
    offset: cython.longlong,
    behind: cython.longlong,
) -> cython.longlong:
    """Bytes of the message that begins at ``at``; 0 too near to the end to tell, -1 if it is none."""
    end: cython.Py_ssize_t = data.shape[0]
    place: cython.Py_ssize_t = at + offset
    value: cython.longlong = 0
    index: cython.Py_ssize_t
    shift: cython.int = 0
    if kind == VARINT:
        while True:
            if place >= end:
                return 0
            if shift > 28:
                return -1
            value |= cython.cast(cython.longlong, data[place] & 0x7F) << shift
            shift += 7
            place += 1
            if not data[place - 1] & 0x80:
                break
        value += place - at + behind
        return value if value <= LONGEST else -1
    if place + size > end:
        return 0
    for index in range(size):
        value = value << 8 | data[place + (size - 1 - index if little else index)]
        if value > LONGEST:
            return -1
    value += behind
    return value if offset + size <= value <= LONGEST else -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def follow(
    data: cython.const[cython.uchar][::1],
    marks: cython.const[cython.uchar][::1],
    begin: cython.longlong,
    row: cython.longlong[::1],
    base: cython.Py_ssize_t,
) -> cython.bint:
    """Follow the candidate of ``row`` through one side; whether it is possible."""
    at: cython.Py_ssize_t = begin
    end: cython.Py_ssize_t = data.shape[0]
    index: cython.Py_ssize_t
    size: cython.longlong
    before: cython.longlong = -1
    found: cython.longlong = 0
    hits: cython.longlong = 0
    turns: cython.longlong = 0
    all_turns: cython.longlong = 0
    writes: cython.longlong = 0
    changes: cython.longlong = 0
    last: cython.Py_ssize_t = begin
    kind: cython.longlong = row[KIND]
    width: cython.longlong = row[SIZE]
    wanted: cython.longlong = row[BEHIND]
    missed: cython.longlong = 0
    alone: cython.longlong = 0
    empty: cython.longlong = 0
    since: cython.longlong = 0
    tail: cython.longlong = wanted & 0xFF
    fits: cython.bint
    by_turns: cython.bint = False
    if kind == DELIMITER:
        for index in range(begin, end):
            if marks[index + 1] & MARK_TURN:
                by_turns = True
                break
    if kind == DELIMITER:
        for index in range(begin, end):
            if marks[index + 1] & MARK_WRITE:
                writes += 1
            if marks[index + 1] & MARK_TURN:
                all_turns += 1
            fits = data[index] == tail and index + 1 - last >= width
            if fits and width > 1:
                fits = data[index - 1] == (wanted >> 8) & 0xFF
            if fits and width > 2:
                fits = data[index - 2] == (wanted >> 16) & 0xFF and data[index - 3] == (wanted >> 24) & 0xFF
            if fits:
                size = index + 1 - last
                found += 1
                since += 1
                if before >= 0 and size != before:
                    changes += 1
                before = size
                last = index + 1
                if marks[last] & MARK_WRITE:
                    hits += 1
                if marks[last] & MARK_TURN:
                    turns += 1
            elif marks[index + 1] & MARK_TURN:
                missed += 1
                if missed > 2 and missed * 10 > all_turns:
                    return False
            if marks[index + 1] & (MARK_TURN if by_turns else MARK_WRITE):
                if since == 1:
                    alone += 1
                since = 0
    else:
        while at < end:
            size = message_length(data, at, kind, width, row[LITTLE], row[OFFSET], wanted)
            if size < 0:
                return False
            if size == 0 or at + size > end:
                break
            for index in range(at + 1, at + size):
                if marks[index] & MARK_TURN:
                    missed += 1
                    if missed > 2:
                        return False
            at += size
            found += 1
            if kind == LENGTH and size == row[OFFSET] + width:
                empty += 1
            if before >= 0 and size != before:
                changes += 1
            before = size
            last = at
            if marks[at] & MARK_WRITE:
                hits += 1
            if marks[at] & MARK_TURN:
                turns += 1
        for index in range(begin + 1, end + 1):
            if marks[index] & MARK_WRITE:
                writes += 1
            if marks[index] & MARK_TURN:
                all_turns += 1
    row[base + ENDS] = found
    row[base + HITS] = hits
    row[base + TURNS] = turns
    row[base + CHANGES] = changes
    row[base + COVERED] = last - begin
    row[base + WRITES] = writes
    row[base + ALL_TURNS] = all_turns
    row[base + ALONE] = alone
    row[base + EMPTY] = empty
    row[base + LATEST] = before
    row[base + LOOKED] = end - begin
    # One turn in ten may be missed: answers that overtake each other, and what interrupts.
    return all_turns - turns <= all_turns // 10


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def attempt(
    one: cython.const[cython.uchar][::1],
    one_marks: cython.const[cython.uchar][::1],
    other: cython.const[cython.uchar][::1],
    other_marks: cython.const[cython.uchar][::1],
    row: cython.longlong[::1],
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Try the candidate of ``row`` on both sides and write it down if it is possible."""
    word: cython.Py_ssize_t
    if count >= out.shape[0]:
        return count
    if not follow(one, one_marks, row[SKIPPED], row, SIDE):
        return count
    if not follow(other, other_marks, row[SKIPPED + 1], row, SIDE + SIDE_WORDS):
        return count
    for word in range(row.shape[0]):
        out[count, word] = row[word]
    return count + 1


def try_framings(
    one: cython.const[cython.uchar][::1],
    one_marks: cython.const[cython.uchar][::1],
    other: cython.const[cython.uchar][::1],
    other_marks: cython.const[cython.uchar][::1],
    skips: cython.longlong[:, ::1],
    row: cython.longlong[::1],
    out: cython.longlong[:, ::1],
) -> cython.Py_ssize_t:
    """Try all framings on the two sides of a stream.

    ``one_marks`` has an element more than ``one``: what is true of each offset (``MARK_WRITE`` …). Each row
    of ``skips`` is what to leave out at the beginning of either side. ``row`` is for the kernel's own use.

    Returns:
        How many rows of ``out`` are possible framings.
    """
    count: cython.Py_ssize_t = 0
    skip: cython.Py_ssize_t
    offset: cython.longlong
    size: cython.longlong
    little: cython.longlong
    more: cython.longlong
    with cython.nogil:
        for skip in range(skips.shape[0]):
            row[SKIPPED] = skips[skip, 0]
            row[SKIPPED + 1] = skips[skip, 1]
            offset = 0
            while offset <= MARKER:
                row[OFFSET] = offset
                row[KIND] = LENGTH
                for size in range(1, 9):
                    if 4 < size < 8:
                        continue
                    row[SIZE] = size
                    for little in range(2):
                        if little and size == 1:
                            continue
                        row[LITTLE] = little
                        row[BEHIND] = 0
                        count = attempt(one, one_marks, other, other_marks, row, out, count)
                        for more in range(MORE):
                            row[BEHIND] = offset + size + more
                            count = attempt(one, one_marks, other, other_marks, row, out, count)
                row[KIND] = VARINT
                row[SIZE] = 0
                row[LITTLE] = 0
                row[BEHIND] = 0
                count = attempt(one, one_marks, other, other_marks, row, out, count)
                offset += 1 if offset < LAST_OFFSET else MARKER - LAST_OFFSET
            row[KIND] = DELIMITER
            row[OFFSET] = 0
            row[LITTLE] = 0
            row[SIZE] = 1
            row[BEHIND] = 10
            count = attempt(one, one_marks, other, other_marks, row, out, count)
            row[BEHIND] = 0
            count = attempt(one, one_marks, other, other_marks, row, out, count)
            row[SIZE] = 2
            row[BEHIND] = 0x0D0A
            count = attempt(one, one_marks, other, other_marks, row, out, count)
            row[SIZE] = 4
            row[BEHIND] = 0x0D0A0D0A
            count = attempt(one, one_marks, other, other_marks, row, out, count)
    return count
