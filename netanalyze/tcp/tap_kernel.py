"""What segments tell about the capture point: handshake times, TTL, checksums, sizes.

Fills rows of ``tap_fields``; ``tap`` draws the conclusions. Most segments cost one look at a byte of
their stream.

A checksum that is wrong and holds nothing but the sum over the pseudo header is one that the sender's
kernel has left to the network card: the card adds the rest (Linux, Documentation/networking/
checksum-offloads.rst; RFC 1071 for the sum, RFC 9293 section 3.1 and RFC 8200 section 8.1 for the pseudo
header). Only SYNs without payload are summed up.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import tap_fields as fields
from netanalyze.wire import packets

BITS = cython.declare(cython.int, fields.BITS)
SYNS = cython.declare(cython.int, fields.SYNS)
SYN_ACKS = cython.declare(cython.int, fields.SYN_ACKS)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
SYN_ACK_NS = cython.declare(cython.int, fields.SYN_ACK_NS)
SYN_ACK_END = cython.declare(cython.int, fields.SYN_ACK_END)
TO_SERVER = cython.declare(cython.int, fields.TO_SERVER)
TO_CLIENT = cython.declare(cython.int, fields.TO_CLIENT)
TTL = cython.declare(cython.int, fields.TTL)
MSS = cython.declare(cython.int, fields.MSS)
LARGEST = cython.declare(cython.int, fields.LARGEST)
SYN_SEEN = cython.declare(cython.longlong, fields.SYN_SEEN)
SYN_SIDE = cython.declare(cython.longlong, fields.SYN_SIDE)
ANSWERED = cython.declare(cython.longlong, fields.ANSWERED)
ACKED = cython.declare(cython.longlong, fields.ACKED)
CROSSED = cython.declare(cython.longlong, fields.CROSSED)
ABSURD = cython.declare(cython.longlong, fields.ABSURD)
ACK_WITH_DATA = cython.declare(cython.longlong, fields.ACK_WITH_DATA)
LEFT = cython.declare(cython.longlong, fields.LEFT)
TTL_KNOWN = cython.declare(cython.int, fields.TTL_KNOWN)
WAITING = cython.declare(cython.int, fields.WAITING)
SETTLED = cython.declare(cython.int, fields.SETTLED)
ORDINARY_BYTES = cython.declare(cython.longlong, fields.ORDINARY_BYTES)
IN_ARENA = cython.declare(cython.int, packets.IN_ARENA)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)
IPV4 = cython.declare(cython.int, 4)
TCP = cython.declare(cython.longlong, 6)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
TIME_LIMIT = cython.declare(cython.longlong, 1 << 61)
"""Times further from 1970 are damage; the difference of two that are not fits into 64 bits."""


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def folded(total: cython.longlong) -> cython.longlong:
    """The sum of 16-bit words in one's complement (RFC 1071); ``total`` is not negative."""
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def words_of(number: cython.ulonglong) -> cython.longlong:
    """The sum of the four 16-bit words of half an address."""
    return cython.cast(
        cython.longlong,
        (number & 0xFFFF) + ((number >> 16) & 0xFFFF) + ((number >> 32) & 0xFFFF) + (number >> 48),
    )


@cython.cfunc
@cython.nogil
def header_sum(
    buffer: cython.const[cython.uchar][::1], first: cython.longlong, stop: cython.longlong
) -> cython.longlong:
    """The sum of the 16-bit words from ``first`` to ``stop``, an even number of bytes further."""
    at: cython.Py_ssize_t
    total: cython.longlong = 0
    for at in range(first, stop, 2):
        total += (cython.cast(cython.longlong, buffer[at]) << 8) + buffer[at + 1]
    return total


@cython.cfunc
@cython.nogil
def between(then: cython.longlong, now: cython.longlong) -> cython.longlong:
    """Nanoseconds from one time to a later one, -1 if it is none or the times are out of all measure."""
    if then < -TIME_LIMIT or then > TIME_LIMIT or now < then or now > TIME_LIMIT:
        return -1
    return now - then


def note_taps(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    time_ns: cython.longlong[::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    data: cython.const[cython.uchar][::1],
    arena: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    source: cython.uchar[::1],
    ip_version: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    ttl: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    transport_offset: cython.longlong[::1],
    payload_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    checksum: cython.int[::1],
    mss: cython.int[::1],
    analysed: cython.uchar[::1],
    stages: cython.uchar[:, ::1],
    facts: cython.longlong[:, ::1],
) -> cython.longlong:
    """Note what the segments of a batch tell; ``stages`` and ``facts`` have a row for each stream.

    Returns:
        How many segments were looked at more closely.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    s: cython.Py_ssize_t
    who: cython.int
    tcp: cython.int
    stage: cython.int
    bits: cython.longlong
    now: cython.longlong
    took: cython.longlong
    pseudo: cython.longlong
    length: cython.longlong
    stop: cython.longlong
    looked: cython.longlong = 0
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if not analysed[row]:
                continue
            s = stream[row]
            tcp = flags[row]
            stage = stages[s, 0]
            if not tcp & SYN and stage == SETTLED and payload_bytes[row] <= ORDINARY_BYTES:
                continue
            looked += 1
            who = side[row] & 1
            if not stage & (TTL_KNOWN << who):
                stage |= TTL_KNOWN << who
                facts[s, TTL + who] = cython.cast(cython.longlong, ttl[row]) + 1
            if payload_bytes[row] > ORDINARY_BYTES and payload_bytes[row] > facts[s, LARGEST + who]:
                facts[s, LARGEST + who] = payload_bytes[row]
            bits = facts[s, BITS]
            now = time_ns[frame[row]]
            if tcp & SYN:
                if mss[row] > 0:
                    facts[s, MSS + who] = mss[row]
                length = payload_offset[row] - transport_offset[row]
                if source[row] == IN_ARENA:
                    stop = arena.shape[0]
                else:
                    stop = offset[frame[row]] + captured_bytes[frame[row]]
                if payload_bytes[row] == 0 and length >= 20 and payload_offset[row] <= stop:
                    if ip_version[row] == IPV4:
                        pseudo = words_of(src_lo[row]) + words_of(dst_lo[row])
                    else:
                        pseudo = words_of(src_hi[row]) + words_of(src_lo[row])
                        pseudo += words_of(dst_hi[row]) + words_of(dst_lo[row])
                    pseudo = folded(pseudo + TCP + length)
                    if checksum[row] == pseudo:
                        pseudo += header_sum(
                            arena if source[row] == IN_ARENA else data,
                            transport_offset[row],
                            payload_offset[row],
                        )
                        if folded(pseudo) != 0xFFFF:
                            bits |= LEFT << who
                if not tcp & (ACK | RST | FIN):
                    if bits & SYN_SEEN and ((bits & SYN_SIDE) != 0) != (who != 0):
                        bits |= CROSSED
                    elif not bits & ACKED:
                        bits |= SYN_SEEN
                        if who:
                            bits |= SYN_SIDE
                        facts[s, SYNS] += 1
                        facts[s, SYN_NS] = now
                elif tcp & ACK and not tcp & (RST | FIN):
                    if bits & SYN_SEEN and not bits & ACKED and ((bits & SYN_SIDE) != 0) != (who != 0):
                        if not bits & ANSWERED:
                            bits |= ANSWERED
                            took = between(facts[s, SYN_NS], now)
                            if took < 0:
                                bits |= ABSURD
                            facts[s, TO_SERVER] = took
                        facts[s, SYN_ACKS] += 1
                        facts[s, SYN_ACK_NS] = now
                        facts[s, SYN_ACK_END] = (seq[row] + 1) & MASK32
                        stage |= WAITING
            elif stage & WAITING and ((bits & SYN_SIDE) != 0) == (who != 0):
                # Whatever the client sends first: the ACK, or the handshake's end was not captured.
                stage &= ~WAITING
                if tcp & ACK and not tcp & (RST | FIN) and ack[row] == facts[s, SYN_ACK_END]:
                    bits |= ACKED
                    if payload_bytes[row] > 0:
                        bits |= ACK_WITH_DATA
                    took = between(facts[s, SYN_ACK_NS], now)
                    if took < 0:
                        bits |= ABSURD
                    facts[s, TO_CLIENT] = took
            facts[s, BITS] = bits
            stages[s, 0] = stage
    return looked
