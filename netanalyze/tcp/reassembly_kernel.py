"""Which bytes of a batch come next in their half-streams, which are missing, and where a side ended.

Goes through the segments of the streams that somebody asked for, and writes reports
(``reassembly_fields``) in the order in which they are to be told. While a half-stream's segments come in
order, which is the usual case, everything is decided here. When one comes too early the half-stream is
``HELD``: its segments are only reported with their offsets until the caller, who keeps them
(``assembler``), has put the row in order again between two batches.

An offset is a sequence number counted on: 64 bits, from the first byte after the SYN. Where no SYN was
captured it counts from what the other side acknowledged before anything was sent, or from the first
segment. There a segment of a single byte counts as a keep-alive probe (RFC 9293 section 3.8.4), whose byte
is none of the stream's.

Bytes are missing for good when the receiver has acknowledged them (it got them, the capture did not) and
after that the sender goes on behind them with payload or a FIN. The acknowledgement alone is not enough:
where two interfaces or queues are captured, an acknowledgement may be written down before the data.

RST ends its side, unless more follows, as it does after one that was forged; what a RST carries is no data
of the stream (RFC 9293 section 3.10.7, RFC 1122 section 4.2.2.12).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import reassembly_fields as fields
from netanalyze.wire import packets

FLAGS = cython.declare(cython.int, fields.FLAGS)
BASE = cython.declare(cython.int, fields.BASE)
NEXT = cython.declare(cython.int, fields.NEXT)
ACKED = cython.declare(cython.int, fields.ACKED)
PROVEN = cython.declare(cython.int, fields.PROVEN)
FIRST_FRAME = cython.declare(cython.int, fields.FIRST_FRAME)
FIRST_NS = cython.declare(cython.int, fields.FIRST_NS)
LAST_FRAME = cython.declare(cython.int, fields.LAST_FRAME)
LAST_NS = cython.declare(cython.int, fields.LAST_NS)
STREAM = cython.declare(cython.int, fields.STREAM)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
RTT_NS = cython.declare(cython.int, fields.RTT_NS)
WORDS = cython.declare(cython.int, fields.WORDS)
KNOWN = cython.declare(cython.longlong, fields.KNOWN)
STARTED = cython.declare(cython.longlong, fields.STARTED)
OPENER = cython.declare(cython.longlong, fields.OPENER)
OPENED = cython.declare(cython.longlong, fields.OPENED)
HELD = cython.declare(cython.longlong, fields.HELD)
FINISHED = cython.declare(cython.longlong, fields.FINISHED)
RESET = cython.declare(cython.longlong, fields.RESET)
SYN_ONCE = cython.declare(cython.longlong, fields.SYN_ONCE)
SYN_AGAIN = cython.declare(cython.longlong, fields.SYN_AGAIN)
TIMED = cython.declare(cython.longlong, fields.TIMED)
ASKED = cython.declare(cython.int, fields.ASKED)
KIND = cython.declare(cython.int, fields.KIND)
KEY = cython.declare(cython.int, fields.KEY)
OFFSET = cython.declare(cython.int, fields.OFFSET)
LENGTH = cython.declare(cython.int, fields.LENGTH)
AT = cython.declare(cython.int, fields.AT)
CAPTURED = cython.declare(cython.int, fields.CAPTURED)
FRAME = cython.declare(cython.int, fields.FRAME)
TIME = cython.declare(cython.int, fields.TIME)
DATA = cython.declare(cython.longlong, fields.DATA)
GAP = cython.declare(cython.longlong, fields.GAP)
TRIPS = cython.declare(cython.longlong, fields.TRIPS)
OPEN = cython.declare(cython.longlong, fields.OPEN)
END_FIN = cython.declare(cython.longlong, fields.FIN)
END_RST = cython.declare(cython.longlong, fields.RST)
CLOSE = cython.declare(cython.longlong, fields.CLOSE)
SEGMENT = cython.declare(cython.longlong, fields.SEGMENT)
LOST = cython.declare(cython.longlong, fields.LOST)
FIN_AT = cython.declare(cython.longlong, fields.FIN_AT)
RST_AT = cython.declare(cython.longlong, fields.RST_AT)
FROM_ARENA = cython.declare(cython.longlong, fields.IN_ARENA)
SIDE_SHIFT = cython.declare(cython.int, fields.SIDE_SHIFT)
SLOTS = cython.declare(cython.int, fields.SLOTS)
FREE = cython.declare(cython.int, fields.FREE)
REPORTS = cython.declare(cython.int, fields.REPORTS)
IMPLAUSIBLE = cython.declare(cython.int, fields.IMPLAUSIBLE)
BEYOND = cython.declare(cython.int, fields.BEYOND)
EARLY = cython.declare(cython.int, fields.EARLY)

CARRIER = cython.declare(cython.int, packets.CARRIER)
ARENA = cython.declare(cython.int, packets.IN_ARENA)
TCP = cython.declare(cython.int, 6)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
REACH = cython.declare(cython.longlong, 1 << 30)
"""No window is larger (RFC 7323 section 2.3), so no true segment is further away from the others."""


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def signed(difference: cython.longlong) -> cython.longlong:
    """The difference of two sequence numbers as a number from -2**31 on (RFC 9293 section 3.4)."""
    return ((difference + HALF) & MASK32) - HALF


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def near(distance: cython.longlong) -> cython.bint:
    """Whether an offset is no further from another one than a window can be."""
    return -REACH < distance < REACH


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def report(
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
    kind: cython.longlong,
    key: cython.longlong,
    offset: cython.longlong,
    length: cython.longlong,
    frame: cython.longlong,
    time: cython.longlong,
) -> cython.Py_ssize_t:
    """Write a report; returns how many there are then."""
    out[KIND, count] = kind
    out[KEY, count] = key
    out[OFFSET, count] = offset
    out[LENGTH, count] = length
    out[AT, count] = 0
    out[CAPTURED, count] = 0
    out[FRAME, count] = frame
    out[TIME, count] = time
    return count + 1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def trip(rows: cython.longlong[:, ::1], half: cython.longlong) -> cython.longlong:
    """Round trip to a side in nanoseconds, -1 if it is not known."""
    return rows[half, RTT_NS] if rows[half, FLAGS] & TIMED else -1


def follow_segments(
    count: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    source: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    payload_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    asked: cython.uchar[:, ::1],
    slot_of: cython.int[:, ::1],
    rows: cython.longlong[:, ::1],
    free: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
    out: cython.longlong[:, ::1],
) -> cython.longlong:
    """Go through the packets of a batch.

    ``asked`` and ``slot_of`` have a row for each stream (a slot's number and one, 0 for none yet, -1 for a
    stream that is over), ``rows`` two for each slot, ``free`` one for each slot that may be free; there is
    room for a new slot a packet. ``out`` has ``REPORT_COLUMNS`` rows of ``REPORTS_A_PACKET`` reports for
    each packet.

    Returns:
        The number of reports.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    s: cython.longlong
    slot: cython.longlong
    f: cython.longlong
    r: cython.longlong
    word: cython.int
    tcp: cython.int
    ours: cython.longlong
    theirs: cython.longlong
    start: cython.longlong
    size: cython.longlong
    captured: cython.longlong
    reference: cython.longlong
    offset: cython.longlong
    skip: cython.longlong
    acked: cython.longlong
    then: cython.longlong
    now: cython.longlong
    number: cython.longlong
    arena: cython.longlong
    told: cython.Py_ssize_t = 0
    with cython.nogil:
        for index in range(count):
            row = order[index]
            if protocol[row] != TCP or role[row] > CARRIER or duplicate[row]:
                continue
            s = stream[row]
            if s < 0 or not asked[s, 0] & ASKED:
                continue
            slot = slot_of[s, 0]
            if slot < 0:
                continue
            tcp = flags[row]
            now = time_ns[frame[row]]
            number = first_frame + frame[row]
            if slot == 0:
                if tcp & RST:
                    continue
                if counters[FREE] > 0:
                    counters[FREE] -= 1
                    slot = free[counters[FREE], 0]
                else:
                    slot = counters[SLOTS]
                    counters[SLOTS] += 1
                slot_of[s, 0] = cython.cast(cython.int, slot + 1)
                for word in range(WORDS):
                    rows[2 * slot, word] = 0
                    rows[2 * slot + 1, word] = 0
                rows[2 * slot, FIRST_FRAME] = number
                rows[2 * slot, FIRST_NS] = now
                rows[2 * slot, STREAM] = s
                rows[2 * slot + 1, STREAM] = s
            else:
                slot -= 1
            f = 2 * slot + (side[row] & 1)
            r = f ^ 1
            rows[f, LAST_FRAME] = number
            rows[f, LAST_NS] = now
            ours = rows[f, FLAGS]
            theirs = rows[r, FLAGS]
            start = seq[row]
            size = min(payload_bytes[row], REACH)  # more cannot be true
            if tcp & (SYN | ACK) and not tcp & RST:
                if tcp & ACK and theirs & SYN_ONCE and not theirs & SYN_AGAIN and not ours & TIMED:
                    if now >= rows[r, SYN_NS]:
                        rows[f, RTT_NS] = now - rows[r, SYN_NS]
                        ours |= TIMED
                if tcp & SYN:
                    ours |= SYN_AGAIN if ours & SYN_ONCE else SYN_ONCE
                    rows[f, SYN_NS] = now
            if tcp & SYN and not tcp & RST:
                start = (start + 1) & MASK32
                if not (ours | theirs) & OPENER:
                    if tcp & ACK:
                        theirs |= OPENER
                    else:
                        ours |= OPENER
                if not ours & KNOWN or (
                    rows[f, NEXT] == 0 and not ours & (HELD | FINISHED) and rows[f, BASE] != start
                ):
                    rows[f, BASE] = start
                    rows[f, ACKED] = 0
                if rows[f, BASE] == start:
                    ours |= KNOWN | STARTED
            elif not ours & KNOWN and not tcp & RST:
                # A single byte may be that of a keep-alive probe.
                rows[f, BASE] = (start + 1) & MASK32 if size == 1 and not tcp & FIN else start
                ours |= KNOWN
            if tcp & ACK and not tcp & RST:
                if theirs & KNOWN:
                    reference = rows[r, ACKED]
                    if reference < rows[r, NEXT]:
                        reference = rows[r, NEXT]
                    acked = reference + signed(ack[row] - rows[r, BASE] - reference)
                    if near(acked - reference):
                        rows[r, ACKED] = acked
                else:
                    rows[r, BASE] = ack[row] & MASK32
                    theirs |= KNOWN
                    if tcp & SYN:
                        theirs |= STARTED
            rows[r, FLAGS] = theirs
            rows[f, FLAGS] = ours
            if not tcp & (FIN | RST) and size <= 0:
                continue
            if tcp & RST:
                if ours & RESET:
                    continue
                if not rows[2 * slot, FLAGS] & OPENED:
                    # Nothing was said: if there is more to come, it is as if the stream began there.
                    slot_of[s, 0] = 0
                    rows[f, STREAM] = -1
                    rows[r, STREAM] = -1
                    free[counters[FREE], 0] = slot
                    counters[FREE] += 1
                    continue
                if ours & HELD:
                    told = report(out, told, RST_AT, f, 0, 0, number, now)
                    continue
                told = report(out, told, END_RST, f, rows[f, NEXT], 0, number, now)
                ours |= RESET
                rows[f, FLAGS] = ours
            else:
                reference = rows[f, ACKED]
                then = rows[f, NEXT]
                if reference < then:
                    reference = then
                offset = reference + signed(start - rows[f, BASE] - reference)
                if not near(offset - reference) and not near(offset - then):
                    counters[IMPLAUSIBLE] += 1
                    continue
                if ours & FINISHED:
                    if offset + size > then:
                        counters[BEYOND] += offset + size - max(offset, then)
                    continue
                if not (rows[2 * slot, FLAGS] & OPENED) and (tcp & FIN or offset + size > then):
                    told = report(
                        out, told, TRIPS, f, trip(rows, 2 * slot), trip(rows, 2 * slot + 1), number, now
                    )
                    told = report(out, told, OPEN, f, rows[2 * slot, FIRST_FRAME], row, number, now)
                    out[AT, told - 1] = rows[2 * slot, FIRST_NS]
                    out[CAPTURED, told - 1] = (rows[2 * slot, FLAGS] & (STARTED | OPENER)) | (
                        (rows[2 * slot + 1, FLAGS] & (STARTED | OPENER)) << SIDE_SHIFT
                    )
                    rows[2 * slot, FLAGS] |= OPENED
                    ours = rows[f, FLAGS]
                acked = rows[f, ACKED]
                if offset >= acked > then:
                    if not ours & HELD:
                        told = report(out, told, GAP, f, then, acked - then, number, now)
                        then = acked
                    elif acked > rows[f, PROVEN]:
                        told = report(out, told, LOST, f, acked, 0, number, now)
                        rows[f, PROVEN] = acked
                if offset < 0:
                    counters[EARLY] += min(size, -offset)
                if size > 0 and offset + size > then:
                    captured = max(min(payload_captured[row], size), 0)
                    arena = FROM_ARENA if source[row] == ARENA else 0
                    if ours & HELD or offset > then:
                        ours |= HELD
                        told = report(out, told, SEGMENT + arena, f, offset, size, number, now)
                        out[AT, told - 1] = payload_offset[row]
                        out[CAPTURED, told - 1] = captured
                    else:
                        skip = then - offset
                        if captured > skip:
                            told = report(out, told, DATA + arena, f, then, captured - skip, number, now)
                            out[AT, told - 1] = payload_offset[row] + skip
                            then = offset + captured
                        if captured < size:
                            told = report(out, told, GAP, f, then, offset + size - then, number, now)
                            then = offset + size
                if tcp & FIN:
                    if ours & HELD or offset + size > then:
                        ours |= HELD
                        told = report(out, told, FIN_AT, f, offset + size, 0, number, now)
                    elif offset + size == then:
                        told = report(out, told, END_FIN, f, then, 0, number, now)
                        ours |= FINISHED
                rows[f, NEXT] = then
                rows[f, FLAGS] = ours
            if ours & (FINISHED | RESET) and theirs & (FINISHED | RESET) and not (ours | theirs) & HELD:
                told = report(out, told, CLOSE, f, 0, 0, number, now)
                slot_of[s, 0] = -1
                rows[f, STREAM] = -1
                rows[r, STREAM] = -1
                free[counters[FREE], 0] = slot
                counters[FREE] += 1
        counters[REPORTS] = told
    return told
