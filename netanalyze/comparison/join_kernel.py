"""Rows of two tables that have the same key, found by hashing.

A key is a few 64-bit words; masks say which of their bits count. Words that are equal in these are the same
key, whatever the hash is: it only decides how long a search takes, and is mixed with a secret of the run so
that nobody can prepare keys that meet.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

FACTOR = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)

_TSVAL_BITS, _ID_BITS = 33, 17
ID_SHIFT = cython.declare(cython.int, _TSVAL_BITS)
FLAGS_SHIFT = cython.declare(cython.int, _TSVAL_BITS + _ID_BITS)
TSVAL_MASK = cython.declare(cython.longlong, (1 << _TSVAL_BITS) - 1)
ID_MASK = cython.declare(cython.longlong, (1 << _ID_BITS) - 1)
ACK = cython.declare(cython.int, 0x10)
LOOKED_AT = cython.declare(cython.int, 0x17)
"""FIN, SYN, RST and ACK: PSH is what offload engines and middleboxes change."""

ALL = (1 << 64) - 1
EXACT = (ALL, ALL, ALL)
WITHOUT_ID = (ALL, ALL, ALL & ~(((1 << _ID_BITS) - 1) << _TSVAL_BITS))
BY_NUMBER = (ALL, (1 << 32) - 1, 0x07 << (_TSVAL_BITS + _ID_BITS))
"""Masks for keys of packets: all; all but the IP identification; sequence number, length, SYN, FIN, RST."""


def write_packet_keys(
    stream: cython.int[::1], sender: cython.uchar[::1], seq: cython.uint[::1], ack: cython.uint[::1],
    flags: cython.ushort[::1], payload_bytes: cython.uint[::1], tsval: cython.longlong[::1],
    ip_id: cython.int[::1], pair_of: cython.longlong[::1], bases: cython.longlong[:, ::1],
    first: cython.Py_ssize_t, keys: cython.ulonglong[:, ::1], paired: cython.uchar[::1],
) -> None:  # fmt: skip
    """Write three words for each packet of a tap: way and offset, answer and length, flags, IP ID, timestamp.

    A way is twice the number of the pair of streams (``pair_of`` each stream, -1 if it is in none), and one
    more for what the server sends. An offset counts from the sender's base, an answer (an acknowledgement)
    from the other side's; ``bases`` has both for each stream. They stand in ``keys`` and ``paired`` from row
    ``first`` on; the latter is 1 for packets of streams that are in a pair.
    """
    row: cython.Py_ssize_t
    by: cython.Py_ssize_t
    at: cython.longlong
    pair: cython.longlong
    offset: cython.longlong
    answer: cython.longlong
    marks: cython.int
    with cython.nogil:
        for row in range(stream.shape[0]):
            at = stream[row]
            by = sender[row]
            pair = pair_of[at]
            paired[first + row] = pair >= 0
            if pair < 0:
                continue
            marks = flags[row]
            offset = (seq[row] - bases[at, by]) & MASK32
            answer = (ack[row] - bases[at, 1 - by]) & MASK32 if marks & ACK else 0
            keys[first + row, 0] = cython.cast(cython.ulonglong, (2 * pair + by) << 32 | offset)
            keys[first + row, 1] = cython.cast(cython.ulonglong, answer) << 32 | payload_bytes[row]
            keys[first + row, 2] = cython.cast(
                cython.ulonglong,
                cython.cast(cython.longlong, marks & LOOKED_AT) << FLAGS_SHIFT
                | (ip_id[row] & ID_MASK) << ID_SHIFT
                | tsval[row] & TSVAL_MASK,
            )


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def slot_of(
    row: cython.Py_ssize_t, keys: cython.ulonglong[:, ::1], masks: cython.ulonglong[::1],
    salt: cython.ulonglong, slots: cython.int[::1], members: cython.int[::1],
) -> cython.Py_ssize_t:  # fmt: skip
    """The slot of the group that has this row's key; an empty one if none has."""
    word: cython.Py_ssize_t
    other: cython.Py_ssize_t
    hashed: cython.ulonglong = salt
    mask: cython.ulonglong = cython.cast(cython.ulonglong, slots.shape[0] - 1)
    place: cython.Py_ssize_t
    same: cython.int
    for word in range(keys.shape[1]):
        hashed = ((hashed ^ (keys[row, word] & masks[word])) * FACTOR) & MASK64
        hashed ^= hashed >> 29
    place = cython.cast(cython.Py_ssize_t, hashed & mask)
    while slots[place]:
        other = members[slots[place] - 1]
        same = 1
        for word in range(keys.shape[1]):
            if (keys[row, word] ^ keys[other, word]) & masks[word]:
                same = 0
                break
        if same:
            return place
        place = (place + 1) & cython.cast(cython.Py_ssize_t, mask)
    return place


def number_keys(
    rows: cython.longlong[::1], keys: cython.ulonglong[:, ::1], masks: cython.ulonglong[::1],
    salt: cython.ulonglong, slots: cython.int[::1], members: cython.int[::1], groups: cython.int[::1],
) -> cython.longlong:  # fmt: skip
    """Number the different keys of some rows in the order in which they come.

    ``slots`` are zeros, a power of two that is twice as many as rows at least; each gets the number of a
    group plus one. ``members`` gets a row of each group and has room for as many as rows, ``groups`` the
    group of each of the rows.

    Returns:
        How many groups there are.
    """
    index: cython.Py_ssize_t
    place: cython.Py_ssize_t
    count: cython.longlong = 0
    with cython.nogil:
        for index in range(rows.shape[0]):
            place = slot_of(rows[index], keys, masks, salt, slots, members)
            if not slots[place]:
                members[count] = cython.cast(cython.int, rows[index])
                count += 1
                slots[place] = cython.cast(cython.int, count)
            groups[index] = slots[place] - 1
    return count


def mark_groups(
    rows: cython.longlong[::1], keys: cython.ulonglong[:, ::1], masks: cython.ulonglong[::1],
    salt: cython.ulonglong, slots: cython.int[::1], members: cython.int[::1], found: cython.uchar[::1],
) -> None:  # fmt: skip
    """Set ``found`` of each group of ``number_keys`` that one of some other rows belongs to."""
    index: cython.Py_ssize_t
    place: cython.Py_ssize_t
    with cython.nogil:
        for index in range(rows.shape[0]):
            place = slot_of(rows[index], keys, masks, salt, slots, members)
            if slots[place]:
                found[slots[place] - 1] = 1


def pair_up(
    near: cython.int[::1], far: cython.int[::1], heads: cython.int[::1], following: cython.int[::1],
    partners: cython.longlong[::1],
) -> None:  # fmt: skip
    """Pair elements of two lists that are of one group: the first with the first, the second with the second.

    ``near`` and ``far`` have the group of each element. ``heads`` are zeros, one for each group: the next
    element of ``near`` that has no partner, plus one; ``following`` has room for the one behind each of them.
    ``partners`` gets for each element of ``far`` its partner in ``near``, -1 if there is none left.
    """
    index: cython.Py_ssize_t
    group: cython.Py_ssize_t
    head: cython.int
    with cython.nogil:
        for index in range(near.shape[0] - 1, -1, -1):
            group = near[index]
            following[index] = heads[group]
            heads[group] = cython.cast(cython.int, index + 1)
        for index in range(far.shape[0]):
            group = far[index]
            head = heads[group]
            partners[index] = head - 1
            if head:
                heads[group] = following[head - 1]
