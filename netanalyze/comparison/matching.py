"""Which packet of one tap is which of the other.

Packets are the same if sequence number, acknowledgement, length, flags, timestamp and IP identification are;
if a middlebox changes the last ones, the others decide. Copies of a packet are paired in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from netanalyze.columns import view_of
from netanalyze.comparison.join import same, shared
from netanalyze.comparison.join_kernel import BY_NUMBER, EXACT, WITHOUT_ID, write_packet_keys
from netanalyze.comparison.packets import FIN, RST, SYN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.comparison.packets import Tap
    from netanalyze.comparison.pairing import Pairs

_KEYED = ("stream", "sender", "seq", "ack", "flags", "payload_bytes", "tsval", "ip_id")
_MASK32 = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)


class Matched(Struct, frozen=True):
    """Which packets of both taps are the same; rows are those of ``Tap.columns``.

    Attributes:
        near, far: rows of packets that are, beside each other, in the order of the near ones.
        only: for each tap rows that have no counterpart.
        copies: of these, those that are one more copy of a packet that has.
    """

    near: NDArray[np.int64]
    far: NDArray[np.int64]
    only: tuple[NDArray[np.int64], NDArray[np.int64]]
    copies: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    _keys: tuple[NDArray[np.uint64], NDArray[np.uint64]]

    def ways(self, place: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ways of some packets of a tap (0 or 1): twice the pair, and one more if the server sends."""
        return _number(self._keys[place][rows, 0] >> _HIGH)

    def offsets(self, place: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Their sequence numbers from ``Pairs.bases`` on."""
        return _number(self._keys[place][rows, 0] & _MASK32)

    def answers(self, place: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """What those with ACK acknowledge, from the other side's base on."""
        return _number(self._keys[place][rows, 1] >> _HIGH)


def _number(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    return words.astype(np.int64)


def match_packets(near: Tap, far: Tap, pairs: Pairs) -> Matched:
    """Find the packets that both taps have."""
    taps = (near, far)
    counts = [len(tap.columns["stream"]) for tap in taps]
    keys, paired = _packet_keys(near, far, pairs)
    begins = (0, counts[0])
    left = [np.flatnonzero(part) for part in (paired[: counts[0]], paired[counts[0] :])]
    partner: NDArray[np.int64] = np.full(counts[0], -1, np.int64)
    for masks in (EXACT, WITHOUT_ID, BY_NUMBER):
        rows = left
        if masks is BY_NUMBER:  # an acknowledgement without its number is any
            rows = [some[_numbered(tap, some)] for tap, some in zip(taps, left, strict=True)]
        one, other = same(keys, masks, rows[0], rows[1] + counts[0])
        other -= counts[0]
        partner[one] = other
        left = [_without(some, gone) for some, gone in zip(left, (one, other), strict=True)]
    matched = np.flatnonzero(partner >= 0)
    pair = (matched, partner[matched])
    copies = []
    for place, tap in enumerate(taps):
        found = np.zeros(len(left[place]), np.bool_)
        # One more copy is the same IP packet, which can only be told if it has an identification.
        told = np.flatnonzero(tap.columns["ip_id"][left[place]] > 0)
        found[told] = shared(keys, EXACT, left[place][told] + begins[place], pair[place] + begins[place])
        copies.append(found)
    return Matched(*pair, (left[0], left[1]), (copies[0], copies[1]), (keys[: counts[0]], keys[counts[0] :]))


def _packet_keys(near: Tap, far: Tap, pairs: Pairs) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Keys of the packets of both taps, one tap behind the other, and which are of streams in pairs."""
    counts = [len(tap.columns["stream"]) for tap in (near, far)]
    keys = np.zeros((sum(counts), 3), np.uint64)
    paired = np.zeros(sum(counts), np.uint8)
    for tap, streams, shifts, first in ((near, pairs.near, 0, 0), (far, pairs.far, pairs.shifts, counts[0])):
        pair_of: NDArray[np.int64] = np.full(len(tap.isn), -1, np.int64)
        bases = np.zeros((len(tap.isn), 2), np.int64)
        pair_of[streams] = np.arange(len(pairs))
        bases[streams] = pairs.bases + shifts
        arguments = (
            *(view_of(tap.columns[name]) for name in _KEYED),
            view_of(pair_of), view_of(bases), first, view_of(keys), view_of(paired),
        )  # fmt: skip
        write_packet_keys(*arguments)
    return keys, paired


def _numbered(tap: Tap, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which packets take up sequence numbers, or reset the stream."""
    columns = tap.columns
    found: NDArray[np.bool_] = (columns["payload_bytes"][rows] > 0) | (
        (columns["flags"][rows] & (FIN | SYN | RST)) != 0
    )
    return found


def _without(rows: NDArray[np.int64], gone: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ascending rows but for some of them."""
    if not len(gone):
        return rows
    here = np.ones(int(rows[-1]) + 1, np.bool_)
    here[gone] = False
    return rows[here[rows]]
