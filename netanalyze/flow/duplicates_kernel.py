"""Frames that were captured before: a mirror port's second copy, ``-i any`` on a router or bridge.

A copy is the same packet: endpoints, IP identification, sequence and acknowledgement numbers, flags,
window, length and transport checksum, seen again within ``WINDOW_NS``. That alone does not tell a
copy from a packet that was sent twice, so one of these must hold too:

- the identification is not 0 and this sender uses new ones (a sender that repeats an identification
  on packets that differ uses a constant, and nothing can be read from it). RFC 6864 leaves the field
  free for unfragmented packets, but Linux, Windows and the BSDs count or draw a new one for a
  retransmission;
- or the two were captured in different places: other link addresses, interface, direction or TTL;
- or it is a TCP segment that takes up sequence space and comes again within ``INSTANT_NS``, sooner than
  any sender can learn that it was lost.

Where none holds (IPv6 or identification 0 on one wire) the packet counts as sent twice.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import codes, packets

DUPLICATE = cython.declare(cython.longlong, codes.DUPLICATE)
DETAIL_BASE = cython.declare(cython.longlong, codes.DETAIL_BASE)
HELD = cython.declare(cython.longlong, codes.FRAGMENT_HELD * codes.DETAIL_BASE)
CARRIER = cython.declare(cython.int, packets.CARRIER)
WINDOW_NS = cython.declare(cython.ulonglong, 10_000_000)
"""How long after the first a copy may come: 10 ms, well below any retransmission timer of TCP."""

COPY_INSTANT_NS = 20_000
INSTANT_NS = cython.declare(cython.ulonglong, COPY_INSTANT_NS)
"""20 µs: less than the shortest round trip, and with it the shortest way to a retransmission."""
FIN_OR_SYN = cython.declare(cython.int, 3)

MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
SIGN = cython.declare(cython.ulonglong, 0x8000000000000000)
MIX1 = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
MIX2 = cython.declare(cython.ulonglong, 0xD6E8FEB86659FD93)


@cython.cfunc
@cython.nogil
@cython.inline
def mix(value: cython.ulonglong, more: cython.ulonglong) -> cython.ulonglong:
    mixed: cython.ulonglong = ((value ^ more) * MIX1) & MASK64
    return mixed ^ (mixed >> 32)


@cython.cfunc
@cython.nogil
@cython.inline
def product(value: cython.ulonglong, key: cython.ulonglong) -> cython.ulonglong:
    """A term of the hash NH (of UMAC, RFC 4418): the halves, each with a half of a key added.

    Whatever two packets differ in, sums of these are the same for one key in 2**32. A plain product
    with a secret number is weaker: of values that only differ in their top bits it shows little.
    """
    return ((value >> 32) + (key >> 32) & MASK32) * (value + key & MASK32)


def mark_duplicates(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    time_ns: cython.longlong[::1],
    interface: cython.int[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    ip_id: cython.int[::1],
    ttl: cython.uchar[::1],
    payload_bytes: cython.longlong[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    window: cython.int[::1],
    checksum: cython.int[::1],
    link_hash: cython.longlong[::1],
    duplicate: cython.uchar[::1],
    verdict: cython.longlong[::1],
    salt: cython.ulonglong,
    recent: cython.ulonglong[:, ::1],
    newest: cython.ulonglong[::1],
    senders: cython.ulonglong[:, ::1],
    counters: cython.ulonglong[::1],
) -> cython.longlong:
    """Set ``duplicate`` for copies and the verdict of their frames.

    Packets are remembered by number, counted from 1: ``recent`` is a ring of the last ones
    (fingerprint, time, place, number of the packet before in the same chain), ``newest`` the last
    number of each chain, of which a fingerprint's low bits choose one. So the last packets are known
    for sure, whatever the salt is, and two runs give the same. ``senders`` is a cache of the last
    identification of each direction and whether it is a constant, in which a newer entry replaces an
    older one. All three have a power of two of lines. ``counters`` holds how many packets were
    remembered so far.

    Returns:
        The number of copies found.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    line: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    copies: cython.longlong = 0
    direction: cython.ulonglong
    print_: cython.ulonglong
    where: cython.ulonglong
    now: cython.ulonglong
    then: cython.ulonglong
    number: cython.ulonglong
    entry: cython.ulonglong
    remembered: cython.ulonglong = counters[0]
    size: cython.ulonglong = recent.shape[0]
    chain_mask: cython.ulonglong = newest.shape[0] - 1
    sender_mask: cython.ulonglong = senders.shape[0] - 1
    place: cython.Py_ssize_t
    kind: cython.int
    told: cython.int
    key1: cython.ulonglong = mix(salt, MIX2)
    key2: cython.ulonglong = mix(key1, MIX2)
    key3: cython.ulonglong = mix(key2, MIX2)
    key4: cython.ulonglong = mix(key3, MIX2)
    key5: cython.ulonglong = mix(key4, MIX2)
    key6: cython.ulonglong = mix(key5, MIX2)
    key7: cython.ulonglong = mix(key6, MIX2)
    key8: cython.ulonglong = mix(key7, MIX2)
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            duplicate[row] = 0
            kind = protocol[row]
            if role[row] > CARRIER or (kind != 6 and kind != 17 and kind != 1 and kind != 58):
                continue
            # Sums of products, which do not wait for each other.
            direction = (
                product(src_hi[row], key1)
                + product(src_lo[row], key2)
                + product(dst_hi[row], key3)
                + product(dst_lo[row], key4)
                + product(
                    (cython.cast(cython.ulonglong, sport[row]) << 32)
                    | (cython.cast(cython.ulonglong, dport[row]) << 16)
                    | cython.cast(cython.ulonglong, kind),
                    key5,
                )
            ) & MASK64
            number = 0
            if ip_id[row] > 0:
                number = ip_id[row]
            print_ = direction + product(
                (cython.cast(cython.ulonglong, checksum[row]) << 48)
                | (number << 32)
                | cython.cast(cython.ulonglong, payload_bytes[row] & MASK32),
                key6,
            )
            if kind == 6:
                print_ = (
                    print_
                    + product(
                        (cython.cast(cython.ulonglong, seq[row]) << 32)
                        | cython.cast(cython.ulonglong, ack[row]),
                        key7,
                    )
                    + product(
                        (cython.cast(cython.ulonglong, flags[row]) << 32)
                        | cython.cast(cython.ulonglong, window[row]),
                        key8,
                    )
                )
            print_ = print_ & MASK64
            print_ = mix(print_, salt)
            now = (time_ns[frame[row]] & MASK64) ^ SIGN  # unsigned, in the order of the times
            where = (
                cython.cast(cython.ulonglong, link_hash[row])
                | (cython.cast(cython.ulonglong, ttl[row]) << 32)
                | (cython.cast(cython.ulonglong, interface[frame[row]] & 0xFFFF) << 40)
            )
            # Which directions share a line must not depend on the salt either.
            place = (src_lo[row] ^ (dst_lo[row] << 1 & MASK64) ^ sport[row] ^ (dport[row] << 4)) & sender_mask
            line = print_ & chain_mask
            told = 0
            entry = newest[line]
            slot = entry & (size - 1)
            # An entry that the ring has overwritten ends the chain: those behind it are older.
            while entry != 0 and remembered - entry < size and recent[slot, 0] != print_:
                entry = recent[slot, 3]
                slot = entry & (size - 1)
            if entry == 0 or remembered - entry >= size:
                slot = -1
            else:
                then = recent[slot, 1]
                then = now - then if now >= then else then - now
                if then <= WINDOW_NS:
                    if recent[slot, 2] != where or (
                        kind == 6
                        and then <= INSTANT_NS
                        and (payload_bytes[row] > 0 or flags[row] & FIN_OR_SYN)
                    ):
                        told = 1
                    elif number != 0:
                        told = 1
                        if senders[place, 0] == direction and senders[place, 1] >> 32:
                            told = 0
            if told:
                duplicate[row] = 1
                if verdict[frame[row]] != HELD:  # the decoder counts fragments, this one too
                    verdict[frame[row]] = DUPLICATE * DETAIL_BASE
                copies += 1
                continue
            told = slot >= 0  # sent again: this packet tells nothing of its sender's identifications
            remembered += 1
            slot = remembered & (size - 1)
            recent[slot, 0] = print_
            recent[slot, 1] = now
            recent[slot, 2] = where
            recent[slot, 3] = newest[line]
            newest[line] = remembered
            if number != 0 and not told:
                if senders[place, 0] != direction:
                    senders[place, 0] = direction
                    senders[place, 1] = number
                elif senders[place, 1] == number:
                    senders[place, 1] = number | (MASK64 << 32 & MASK64)
                elif senders[place, 1] >> 32 == 0:
                    senders[place, 1] = number
    counters[0] = remembered
    return copies
