"""From five-tuple to stream number, and what is counted for each conversation.

A hash table with open addressing finds the conversation; its row (``fields.py``) is the newest one
of these endpoints. Numbers are given as Wireshark gives them: in order of the first packet, and a
SYN whose sequence number is not the one its sender is known to have begun with opens a new stream on
the same endpoints.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.flow import fields
from netanalyze.wire import packets

A_HI = cython.declare(cython.int, fields.A_HI)
A_LO = cython.declare(cython.int, fields.A_LO)
B_HI = cython.declare(cython.int, fields.B_HI)
B_LO = cython.declare(cython.int, fields.B_LO)
PORTS = cython.declare(cython.int, fields.PORTS)
FLAGS = cython.declare(cython.int, fields.FLAGS)
FIRST_FRAME = cython.declare(cython.int, fields.FIRST_FRAME)
LAST_FRAME = cython.declare(cython.int, fields.LAST_FRAME)
FIRST_NS = cython.declare(cython.int, fields.FIRST_NS)
LAST_NS = cython.declare(cython.int, fields.LAST_NS)
PACKETS = cython.declare(cython.int, fields.PACKETS)
PAYLOAD = cython.declare(cython.int, fields.PAYLOAD)
BASE = cython.declare(cython.int, fields.BASE)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
HANDSHAKE_NS = cython.declare(cython.int, fields.HANDSHAKE_NS)
COMPLETENESS = cython.declare(cython.int, fields.COMPLETENESS)
FRAGMENTS = cython.declare(cython.int, fields.FRAGMENTS)
ICMP_ERRORS = cython.declare(cython.int, fields.ICMP_ERRORS)
HASH = cython.declare(cython.int, fields.HASH)
NEXT = cython.declare(cython.int, fields.NEXT)

BASE_KNOWN = cython.declare(cython.ulonglong, fields.BASE_KNOWN)
SYN_SENT = cython.declare(cython.ulonglong, fields.SYN_SENT)
SYN_ACK_SENT = cython.declare(cython.ulonglong, fields.SYN_ACK_SENT)
HANDSHAKE_DONE = cython.declare(cython.ulonglong, fields.HANDSHAKE_DONE)
HAS_SYN = cython.declare(cython.ulonglong, fields.HAS_SYN)
HAS_SYN_ACK = cython.declare(cython.ulonglong, fields.HAS_SYN_ACK)
HAS_ACK = cython.declare(cython.ulonglong, fields.HAS_ACK)
HAS_DATA = cython.declare(cython.ulonglong, fields.HAS_DATA)
HAS_FIN = cython.declare(cython.ulonglong, fields.HAS_FIN)
HAS_RST = cython.declare(cython.ulonglong, fields.HAS_RST)

QUOTED = cython.declare(cython.int, packets.QUOTED)
DAMAGED = cython.declare(cython.int, packets.DAMAGED)
TCP = cython.declare(cython.int, 6)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)

LOOK_AHEAD = 64
"""Rows whose hashes are made at a time; ``scratch`` has one element more."""
AHEAD = cython.declare(cython.Py_ssize_t, LOOK_AHEAD)

MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
SIGN = cython.declare(cython.ulonglong, 0x8000000000000000)
MIX1 = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
MIX2 = cython.declare(cython.ulonglong, 0xD6E8FEB86659FD93)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def endpoint_hash(
    high: cython.ulonglong, low: cython.ulonglong, port: cython.ulonglong, salt: cython.ulonglong
) -> cython.ulonglong:
    """A 64-bit number from an endpoint that differs from run to run.

    Each word is mixed with a secret on its own and folded before the next one comes, so that no
    difference in one word cancels a difference in another whatever the secret is.
    """
    mixed: cython.ulonglong = ((high ^ salt) * MIX2) & MASK64
    mixed ^= mixed >> 32
    mixed = (((mixed + low) & MASK64) * (salt | 1)) & MASK64
    mixed ^= mixed >> 29
    mixed = (((mixed + port) & MASK64) * MIX1) & MASK64
    mixed ^= mixed >> 32
    return (mixed * (salt | 1)) & MASK64


def assign_streams(
    transport: cython.int,
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    ip_version: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    fragments: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    duplicate: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    opens: cython.uchar[::1],
    salt: cython.ulonglong,
    slots: cython.ulonglong[::1],
    state: cython.ulonglong[:, ::1],
    scratch: cython.ulonglong[::1],
    known: cython.longlong,
) -> cython.longlong:
    """Give each packet of this transport its stream and side, and count it.

    The caller has made sure that ``state`` has room for one new stream a row and that ``slots`` (a
    power of two) would be at most half full. ``scratch`` has ``LOOK_AHEAD + 1`` elements.

    Returns:
        The number of streams known afterwards (``known`` before).
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    found: cython.Py_ssize_t
    count: cython.Py_ssize_t = known
    place: cython.ulonglong
    mask: cython.ulonglong = slots.shape[0] - 1
    one: cython.ulonglong
    other: cython.ulonglong
    hashed: cython.ulonglong
    tag: cython.ulonglong
    slot: cython.ulonglong
    forward: cython.ulonglong
    backward: cython.ulonglong
    complete: cython.ulonglong
    bits: cython.ulonglong
    size: cython.ulonglong
    now: cython.ulonglong
    number: cython.ulonglong
    sender: cython.int
    fresh: cython.int
    tcp_flags: cython.int
    look: cython.Py_ssize_t
    ahead: cython.Py_ssize_t = 0
    begin: cython.Py_ssize_t = 0
    warm: cython.ulonglong = 0
    with cython.nogil:
        for index in range(rows):
            if index == ahead:
                # Hashes for the next rows, and a look at what they will touch: with a hundred
                # thousand connections each of these is a cache miss, and here they overlap.
                ahead = min(rows, index + AHEAD)
                for look in range(index, ahead):
                    row = order[look]
                    if protocol[row] == transport:
                        one = endpoint_hash(src_hi[row], src_lo[row], sport[row], salt)
                        other = endpoint_hash(dst_hi[row], dst_lo[row], dport[row], salt)
                        hashed = (one + other) & MASK64  # the same for both directions
                        hashed ^= hashed >> 31
                        scratch[look - index] = hashed
                        warm ^= slots[hashed & mask]
                for look in range(index, ahead):
                    if protocol[order[look]] == transport:
                        slot = slots[scratch[look - index] & mask]
                        if slot != 0:
                            found = (slot & MASK32) - 1
                            warm ^= state[found, 0] ^ state[found, 8] ^ state[found, 16]
                begin = index
            row = order[index]
            if protocol[row] != transport:
                continue
            hashed = scratch[index - begin]
            tag = hashed >> 32
            place = hashed & mask
            forward = (
                (cython.cast(cython.ulonglong, sport[row]) << 32)
                | (cython.cast(cython.ulonglong, dport[row]) << 16)
                | ip_version[row]
            )
            backward = (
                (cython.cast(cython.ulonglong, dport[row]) << 32)
                | (cython.cast(cython.ulonglong, sport[row]) << 16)
                | ip_version[row]
            )
            found = -1
            sender = 0
            while True:
                slot = slots[place]
                if slot == 0:
                    break
                if slot >> 32 == tag:
                    found = (slot & MASK32) - 1
                    if (
                        state[found, PORTS] == forward
                        and state[found, A_LO] == src_lo[row]
                        and state[found, B_LO] == dst_lo[row]
                        and state[found, A_HI] == src_hi[row]
                        and state[found, B_HI] == dst_hi[row]
                    ):
                        sender = 0
                        break
                    if (
                        state[found, PORTS] == backward
                        and state[found, A_LO] == dst_lo[row]
                        and state[found, B_LO] == src_lo[row]
                        and state[found, A_HI] == dst_hi[row]
                        and state[found, B_HI] == src_hi[row]
                    ):
                        sender = 1
                        break
                    found = -1
                place = (place + 1) & mask
            fresh = 0
            tcp_flags = 0
            if role[row] == QUOTED:
                # An error about a conversation that was not seen opens it, as in Wireshark, if it
                # quotes all of the header that counts.
                if found < 0:
                    if flags[row] < 0:
                        continue
                    fresh = 1
            elif found < 0:
                fresh = 1
                tcp_flags = flags[row]
            elif transport == TCP:
                tcp_flags = flags[row]
                if tcp_flags & SYN and duplicate[row] == 0:
                    # The same number again is a retry, even where a RST refused the first one.
                    number = seq[row]
                    if (
                        not tcp_flags & ACK
                        and state[found, FLAGS] & (BASE_KNOWN << sender)
                        and state[found, BASE + sender] != number
                    ):
                        fresh = 1
            opens[row] = 0
            if fresh:
                opens[row] = 1 if found < 0 else 2
                if found >= 0:
                    state[found, NEXT] = count
                found = count
                count += 1
                sender = 0
                slots[place] = (tag << 32) | cython.cast(cython.ulonglong, count)
                state[found, A_HI] = src_hi[row]
                state[found, A_LO] = src_lo[row]
                state[found, B_HI] = dst_hi[row]
                state[found, B_LO] = dst_lo[row]
                state[found, PORTS] = forward
                state[found, HASH] = hashed
                number = first_frame + frame[row]
                state[found, FIRST_FRAME] = number
                state[found, LAST_FRAME] = number
                now = time_ns[frame[row]] & MASK64
                state[found, FIRST_NS] = now
                state[found, LAST_NS] = now
            stream[row] = found
            side[row] = sender
            if duplicate[row]:
                continue
            if role[row] == QUOTED:
                state[found, ICMP_ERRORS] += 1
                continue
            if role[row] == DAMAGED:
                # Not counted, but it opens a stream and sets its number, again as in Wireshark.
                if transport == TCP and not state[found, FLAGS] & (BASE_KNOWN << sender):
                    number = seq[row]
                    state[found, BASE + sender] = number if tcp_flags & SYN else (number - 1) & MASK32
                    state[found, FLAGS] |= BASE_KNOWN << sender
                continue
            # Two's complement in unsigned words; with the sign bit turned over they compare as times.
            now = time_ns[frame[row]] & MASK64
            if now ^ SIGN > state[found, LAST_NS] ^ SIGN:
                state[found, LAST_NS] = now
            elif now ^ SIGN < state[found, FIRST_NS] ^ SIGN:
                state[found, FIRST_NS] = now
            state[found, LAST_FRAME] = first_frame + frame[row]
            size = payload_bytes[row]
            state[found, PACKETS + sender] += 1
            state[found, PAYLOAD + sender] += size
            state[found, FRAGMENTS] += fragments[row]
            if transport != TCP:
                continue
            bits = state[found, FLAGS]
            complete = state[found, COMPLETENESS]
            if not bits & (BASE_KNOWN << sender):
                number = seq[row]
                state[found, BASE + sender] = number if tcp_flags & SYN else (number - 1) & MASK32
                bits |= BASE_KNOWN << sender
            if tcp_flags & ACK and not bits & (BASE_KNOWN << (1 - sender)):
                number = ack[row]
                state[found, BASE + 1 - sender] = (number - 1) & MASK32
                bits |= BASE_KNOWN << (1 - sender)
            if tcp_flags & SYN:
                if not tcp_flags & ACK:
                    if not bits & (SYN_SENT | SYN_SENT << 1):
                        state[found, SYN_NS] = now
                    bits |= SYN_SENT << sender
                    if fresh:
                        complete |= HAS_SYN
                        if size:
                            complete |= HAS_DATA
                else:
                    # Another number than the one known: from now on this is it, as in Wireshark.
                    number = seq[row]
                    state[found, BASE + sender] = number
                    bits |= SYN_ACK_SENT << sender
                    if not fresh:
                        complete |= HAS_SYN_ACK
            elif tcp_flags & ACK:
                if (
                    not bits & HANDSHAKE_DONE
                    and not tcp_flags & RST
                    and bits & (SYN_SENT << sender)
                    and bits & (SYN_ACK_SENT << (1 - sender))
                ):
                    state[found, HANDSHAKE_NS] = now
                    bits |= HANDSHAKE_DONE
                if not fresh:
                    complete |= HAS_DATA if size else HAS_ACK
                    if tcp_flags & FIN:
                        complete |= HAS_FIN
            if tcp_flags & RST and not fresh:
                complete |= HAS_RST
            state[found, FLAGS] = bits
            state[found, COMPLETENESS] = complete
    scratch[AHEAD] = warm  # so that the looks ahead are not optimised away
    return count


def rebuild_slots(
    slots: cython.ulonglong[::1], state: cython.ulonglong[:, ::1], known: cython.longlong
) -> cython.longlong:
    """Fill empty ``slots`` from the rows of ``state``; of several with the same endpoints the newest wins.

    Returns:
        0.
    """
    row: cython.Py_ssize_t
    other: cython.Py_ssize_t
    place: cython.ulonglong
    slot: cython.ulonglong
    mask: cython.ulonglong = slots.shape[0] - 1
    tag: cython.ulonglong
    swapped: cython.ulonglong
    with cython.nogil:
        for row in range(known):
            tag = state[row, HASH] >> 32
            place = state[row, HASH] & mask
            swapped = (
                (((state[row, PORTS] >> 16) & 0xFFFF) << 32)
                | ((state[row, PORTS] >> 32) << 16)
                | (state[row, PORTS] & 0xFFFF)
            )
            while True:
                slot = slots[place]
                if slot == 0:
                    break
                if slot >> 32 == tag:
                    other = (slot & MASK32) - 1
                    if (
                        state[other, PORTS] == state[row, PORTS]
                        and state[other, A_LO] == state[row, A_LO]
                        and state[other, B_LO] == state[row, B_LO]
                        and state[other, A_HI] == state[row, A_HI]
                        and state[other, B_HI] == state[row, B_HI]
                    ) or (
                        state[other, PORTS] == swapped
                        and state[other, A_LO] == state[row, B_LO]
                        and state[other, B_LO] == state[row, A_LO]
                        and state[other, A_HI] == state[row, B_HI]
                        and state[other, B_HI] == state[row, A_HI]
                    ):
                        break
                place = (place + 1) & mask
            slots[place] = (tag << 32) | cython.cast(cython.ulonglong, row + 1)
    return 0
