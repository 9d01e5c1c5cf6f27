"""Which stream of one tap is which of the other, and which packet.

Streams are found by their addresses and ports; behind a NAT by their initial sequence numbers; where a
middlebox changes these as well, by how both sides begin to speak. Packets are the same if sequence number,
acknowledgement, length, flags, timestamp and IP identification are; if a middlebox changes the last ones, the
others decide. Copies of a packet are paired in their order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from netanalyze.comparison.packets import Tap

MASK32 = 0xFFFFFFFF
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_LOOKED_AT = FIN | SYN | RST | ACK

BY_ADDRESSES = "addresses"
BY_NUMBERS = "sequence_numbers"
BY_PAYLOAD = "payload"


@dataclass(frozen=True, slots=True)
class Pair:
    """A stream as both taps have it.

    Attributes:
        near, far: its numbers at the client's and the server's tap.
        matched_by: how it was found.
        shifts: what the sequence numbers of client and server are higher by at the far tap, modulo 2**32.
        bases: sequence numbers of the near tap from which offsets count, of client and server.
    """

    near: int
    far: int
    matched_by: str
    shifts: tuple[int, int]
    bases: tuple[int, int]


class _Seen:
    """What is known of the streams of a tap."""

    def __init__(self, tap: Tap) -> None:
        columns = tap.columns
        count = len(tap.ends)
        self.isn: list[list[int | None]] = [[None, None] for _ in range(count)]
        self.first: list[list[int | None]] = [[None, None] for _ in range(count)]
        self.payload: list[list[int]] = [[0, 0] for _ in range(count)]
        if not columns:
            return
        half = 2 * columns["stream"] + columns["sender"]
        for name, rows in (
            ("isn", np.flatnonzero((columns["flags"] & SYN != 0) & (columns["flags"] & RST == 0))),
            ("first", np.arange(len(half))),
            ("payload", np.flatnonzero(columns["payload_hash"] != 0)),
        ):
            found, places = np.unique(half[rows], return_index=True)
            values = columns["payload_hash" if name == "payload" else "seq"][rows[places]]
            table: list[list[Any]] = getattr(self, name)
            for key, value in zip(found.tolist(), values.tolist(), strict=True):
                table[key >> 1][key & 1] = value


class _Search:
    """Streams of two taps that have not been found in the other one yet."""

    def __init__(self, near: Tap, far: Tap) -> None:
        self.sides = ((near, _Seen(near)), (far, _Seen(far)))
        self.left = set(range(len(near.ends))), set(range(len(far.ends)))
        self.found: list[tuple[int, int, str]] = []

    def by(
        self, key_of: Callable[[Tap, _Seen, int], Hashable], matched_by: str, *, only_alike: bool = False
    ) -> None:
        """Pair those with the same key, in order; with ``only_alike`` where there are as many of each."""
        keys: list[dict[Hashable, list[int]]] = [defaultdict(list), defaultdict(list)]
        for place, (tap, seen) in enumerate(self.sides):
            for stream in sorted(self.left[place]):
                key = key_of(tap, seen, stream)
                if key is not None:
                    keys[place][key].append(stream)
        for key, ours in keys[0].items():
            theirs = keys[1].get(key, [])
            if only_alike and len(ours) != len(theirs):
                continue
            for one, other in zip(ours, theirs, strict=False):
                self.left[0].remove(one)
                self.left[1].remove(other)
                self.found.append((one, other, matched_by))


def _addresses(tap: Tap, _: _Seen, stream: int) -> Hashable:
    return tap.ends[stream]


def _addresses_and_number(tap: Tap, seen: _Seen, stream: int) -> Hashable:
    return tap.ends[stream], seen.isn[stream][0]


def _both_numbers(_: Tap, seen: _Seen, stream: int) -> Hashable:
    return tuple(seen.isn[stream]) if None not in seen.isn[stream] else None


def _client_number(_: Tap, seen: _Seen, stream: int) -> Hashable:
    return seen.isn[stream][0]


def _speech(_: Tap, seen: _Seen, stream: int) -> Hashable:
    return tuple(seen.payload[stream]) if any(seen.payload[stream]) else None


def pair_streams(near: Tap, far: Tap) -> list[Pair]:
    """Find the streams that both taps have, in the order of the near one."""
    search = _Search(near, far)
    search.by(_addresses_and_number, BY_ADDRESSES)
    search.by(_addresses, BY_ADDRESSES, only_alike=True)
    search.by(_both_numbers, BY_NUMBERS)
    search.by(_client_number, BY_NUMBERS)
    search.by(_speech, BY_PAYLOAD, only_alike=True)
    (_, ours), (_, theirs) = search.sides
    return [_pair(one, other, how, ours, theirs) for one, other, how in sorted(search.found)]


def _pair(one: int, other: int, how: str, ours: _Seen, theirs: _Seen) -> Pair:
    shifts, bases = [], []
    near: int | None
    far: int | None
    for sender in (0, 1):
        near, far = ours.isn[one][sender], theirs.isn[other][sender]
        if (near is None or far is None) and how == BY_PAYLOAD:
            near, far = ours.first[one][sender], theirs.first[other][sender]
        shifts.append((far - near) & MASK32 if near is not None and far is not None else 0)
        base = ours.isn[one][sender]
        if base is None:
            base = ours.first[one][sender] or 0
        bases.append(base)
    return Pair(one, other, how, (shifts[0], shifts[1]), (bases[0], bases[1]))


@dataclass(frozen=True, slots=True)
class Matched:
    """Which packets of both taps are the same; rows are those of ``Tap.columns``.

    Attributes:
        near, far: rows of packets that are, beside each other.
        near_only, far_only: rows that have no counterpart.
        far_copies, near_copies: of these, those that are one more copy of a packet that has.
        numbers: for each packet of a tap its pair (-1 if its stream is in none) and its sequence number from
            ``Pair.bases`` on.
    """

    near: NDArray[np.int64]
    far: NDArray[np.int64]
    near_only: NDArray[np.int64]
    far_only: NDArray[np.int64]
    near_copies: NDArray[np.bool_]
    far_copies: NDArray[np.bool_]
    numbers: tuple[tuple[NDArray[np.int64], NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]


_EXACT = ("pair", "sender", "offset", "payload_bytes", "flags", "answer", "tsval", "ip_id")
_WITHOUT_ID = ("pair", "sender", "offset", "payload_bytes", "flags", "answer", "tsval")
_BY_NUMBER = ("pair", "sender", "offset", "payload_bytes", "marks")


def match_packets(near: Tap, far: Tap, pairs: list[Pair]) -> Matched:
    """Find the packets that both taps have."""
    sides = (_keys(near, pairs, far=False), _keys(far, pairs, far=True))
    left = [np.flatnonzero(side["pair"] >= 0) for side in sides]
    ours: list[NDArray[np.int64]] = []
    theirs: list[NDArray[np.int64]] = []
    for names in (_EXACT, _WITHOUT_ID, _BY_NUMBER):
        rows = list(left)
        if names is _BY_NUMBER:  # an acknowledgement without its number is any
            rows = [
                rows[place][(side["payload_bytes"][rows[place]] > 0) | (side["marks"][rows[place]] > 0)]
                for place, side in enumerate(sides)
            ]
        one, other = _same(sides, (rows[0], rows[1]), names)
        ours.append(one)
        theirs.append(other)
        left = [np.setdiff1d(left[0], one), np.setdiff1d(left[1], other)]
    one, other = np.concatenate(ours), np.concatenate(theirs)
    order = np.argsort(one, kind="stable")
    one, other = one[order], other[order]
    return Matched(
        one,
        other,
        left[0],
        left[1],
        _copies(sides[0], left[0], one),
        _copies(sides[1], left[1], other),
        ((sides[0]["pair"], sides[0]["offset"]), (sides[1]["pair"], sides[1]["offset"])),
    )


def _keys(tap: Tap, pairs: list[Pair], *, far: bool) -> dict[str, NDArray[np.int64]]:
    """What packets are told apart by, in the numbers of the near tap."""
    columns = tap.columns
    if not columns:
        empty = np.zeros(0, np.int64)
        return dict.fromkeys((*_EXACT, "marks"), empty)
    number: NDArray[np.int64] = np.full(len(tap.ends), -1, np.int64)
    bases = np.zeros((len(tap.ends), 2), np.int64)
    for place, pair in enumerate(pairs):
        row = pair.far if far else pair.near
        number[row] = place
        for sender in (0, 1):
            bases[row, sender] = pair.bases[sender] + (pair.shifts[sender] if far else 0)
    stream, by, flags = columns["stream"], columns["sender"], columns["flags"]
    answer = (columns["ack"] - bases[stream, 1 - by]) & MASK32
    return {
        "pair": number[stream],
        "sender": by,
        "offset": (columns["seq"] - bases[stream, by]) & MASK32,
        "payload_bytes": columns["payload_bytes"],
        "flags": (flags & _LOOKED_AT).astype(np.int64),
        "marks": (flags & (FIN | SYN | RST)).astype(np.int64),
        "answer": np.where(flags & ACK != 0, answer, -1),
        "tsval": columns["tsval"],
        "ip_id": columns["ip_id"].astype(np.int64),
    }


def _same(
    sides: tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.int64]]],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    names: tuple[str, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both sides with the same key, copies in their order."""
    keys = [np.concatenate([sides[0][name][rows[0]], sides[1][name][rows[1]]]) for name in names]
    count = len(rows[0])
    total = count + len(rows[1])
    if not count or total == count:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing
    order = np.lexsort(keys[::-1])  # stable: copies of a side stay in their order, the near ones first
    new = np.zeros(total, np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    group = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    is_far = order >= count
    far_before: NDArray[np.int64] = np.cumsum(is_far) - is_far
    near_before = np.arange(total) - far_before
    start = starts[group]
    rank = np.where(is_far, far_before - far_before[start], near_before - near_before[start])
    near_of = _by_rank(group[~is_far], rank[~is_far], order[~is_far])
    far_of = _by_rank(group[is_far], rank[is_far], order[is_far] - count)
    _, one, other = np.intersect1d(near_of[0], far_of[0], assume_unique=True, return_indices=True)
    return rows[0][near_of[1][one]], rows[1][far_of[1][other]]


def _by_rank(
    group: NDArray[np.int64], rank: NDArray[np.int64], places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number for each group and rank, and the place that has it."""
    return group * (1 << 32) + rank, places


def _copies(
    side: dict[str, NDArray[np.int64]], rows: NDArray[np.int64], matched: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of these are one more copy of a packet that was matched: the same IP packet."""
    known = set(zip(*(side[name][matched].tolist() for name in _EXACT), strict=True))
    mine = zip(*(side[name][rows].tolist() for name in _EXACT), strict=True)
    return np.array([key in known and key[-1] > 0 for key in mine], np.bool_)
