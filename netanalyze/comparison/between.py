"""What happened to packets between two taps: which ones died, came from between, took how long.

The near tap (0) is the client's, the far one (1) the server's. What a client sends comes by at the near one
first, what a server sends at the far one. A *way* is one direction of a pair of streams: twice the number of
the pair, and one more for what the server sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct

from netanalyze.comparison.clocks import estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.comparison.clocks import Clock
    from netanalyze.comparison.matching import Matched
    from netanalyze.comparison.packets import Tap

LOST, INJECTED, DOUBLED = "lost", "injected", "doubled"
KINDS = (LOST, DOUBLED, INJECTED)

_SPAN = 1 << 34
"""Numbers that a way has: offsets are below 2**32, and what begins there may be as long."""


class Alone(NamedTuple):
    """Packets of one kind that only one tap has.

    Attributes:
        kind: of ``KINDS``.
        place: the tap that has them.
        rows: of its columns.
    """

    kind: str
    place: int
    rows: NDArray[np.int64]


class Between(Struct, frozen=True):
    """What happened.

    Attributes:
        clock: how the clocks go; None if packets went one way only.
        ways: the way of each pair of packets.
        delays: how long each took from the first tap to the second, in ns; None without a clock.
        alone: packets that only one tap has, and why.
        gone: for each way how many of its packets the first tap alone has.
        resegmented: for each way how many of its packets came in others of another size.
        outside: for each way how many came by while the other capture did not run.
    """

    clock: Clock | None
    ways: NDArray[np.int64]
    delays: NDArray[np.int64] | None
    alone: list[Alone]
    gone: NDArray[np.int64]
    resegmented: NDArray[np.int64]
    outside: NDArray[np.int64]


def happened(taps: tuple[Tap, Tap], matched: Matched, pairs: int) -> Between:
    """Say of each packet what happened to it, and how long it took."""
    ways = matched.ways(0, matched.near)
    near, far = taps[0].columns["time_ns"][matched.near], taps[1].columns["time_ns"][matched.far]
    home = (ways & 1) == 1
    clock = estimate((near[~home], far[~home]), (near[home], far[home]))
    delays = None
    if clock is not None:
        delays = far - clock.ahead_at(near) - near
        delays[home] = -delays[home]
    alone: list[Alone] = []
    gone, resegmented, outside = np.zeros((3, 2 * pairs), np.int64)
    for first in (0, 1):  # the tap that a way comes by first, which is the way's direction as well
        sent, came = matched.only[first], matched.only[1 - first]
        sent = sent[matched.ways(first, sent) & 1 == first]
        # One more copy where a packet is sent need not have gone on.
        sent = sent[taps[first].columns["duplicate"][sent] == 0]
        gone += np.bincount(matched.ways(first, sent), minlength=2 * pairs)
        here = matched.ways(1 - first, came) & 1 == first
        copies = matched.copies[1 - first][here]
        came = came[here]
        doubled, came = came[copies], came[~copies]
        split_sent = _covered(taps, matched, first, sent, came)
        split_came = _covered(taps, matched, 1 - first, came, sent)
        resegmented += np.bincount(matched.ways(first, sent[split_sent]), minlength=2 * pairs)
        sent, came = sent[~split_sent], came[~split_came]
        for place, rows, kind in ((first, sent, LOST), (1 - first, came, INJECTED)):
            away = _outside(taps, clock, place, rows)
            outside += np.bincount(matched.ways(place, rows[away]), minlength=2 * pairs)
            alone.append(Alone(kind, place, rows[~away]))
        alone.append(Alone(DOUBLED, 1 - first, doubled))
    return Between(clock, ways, delays, alone, gone, resegmented, outside)


def _covered(
    taps: tuple[Tap, Tap], matched: Matched, place: int, rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which packets of a tap have payload all of which the other tap's packets of their way have, too.

    Such bytes came in packets of another size: offload, or a middlebox that cuts anew.
    """
    sizes = taps[place].columns["payload_bytes"][rows].astype(np.int64)
    other_sizes = taps[1 - place].columns["payload_bytes"][others].astype(np.int64)
    others, other_sizes = others[other_sizes > 0], other_sizes[other_sizes > 0]
    if not len(rows) or not len(others):
        return np.zeros(len(rows), np.bool_)
    begins = matched.ways(place, rows) * _SPAN + matched.offsets(place, rows)
    spans = matched.ways(1 - place, others) * _SPAN + matched.offsets(1 - place, others)
    order = np.argsort(spans, kind="stable")
    spans = spans[order]
    reached = np.maximum.accumulate(spans + other_sizes[order])
    new = np.flatnonzero(np.concatenate(([True], spans[1:] > reached[:-1])))
    starts, ends = spans[new], reached[np.concatenate((new[1:], [len(spans)])) - 1]
    at = np.searchsorted(starts, begins, "right") - 1
    found: NDArray[np.bool_] = (sizes > 0) & (at >= 0) & (ends[np.maximum(at, 0)] >= begins + sizes)
    return found


def _outside(
    taps: tuple[Tap, Tap], clock: Clock | None, place: int, rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which packets of a tap came by when the other capture had not begun, or was over."""
    other = taps[1 - place]
    if other.first_ns is None or other.last_ns is None or not len(rows):
        return np.ones(len(rows), np.bool_)
    times = taps[place].columns["time_ns"][rows]
    ahead = clock.ahead_at(times) if clock else np.zeros(len(rows), np.int64)
    there = times + ahead if place == 0 else times - ahead
    outside: NDArray[np.bool_] = (there < other.first_ns) | (there > other.last_ns)
    return outside


class Ordered:
    """Values in groups, in order within each."""

    def __init__(self, groups: NDArray[np.int64], values: NDArray[np.int64], count: int) -> None:
        """Take for each value the number of its group, below ``count``."""
        self.sizes = np.bincount(groups, minlength=count)
        self._begins = np.cumsum(self.sizes) - self.sizes
        self._values = _ordered(groups, values, self.sizes)

    def at(self, percent: int) -> NDArray[np.int64]:
        """Of each group the smallest value that at least this share is not above; 0 of an empty one."""
        return self._pick(np.maximum(-(-percent * self.sizes // 100), 1) - 1)

    def medians(self) -> NDArray[np.float64]:
        """Of each group the middle value or the mean of two; 0 of an empty one."""
        lower, upper = (self._pick(np.maximum(self.sizes - back, 0) // 2) for back in (1, 0))
        return (lower + upper) / 2

    def _pick(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.zeros(len(self.sizes), np.int64)
        some = np.flatnonzero(self.sizes)
        found[some] = self._values[(self._begins + ranks)[some]]
        return found


def _ordered(
    groups: NDArray[np.int64], values: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The values group by group, in order within each."""
    if not len(values):
        return values
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span * len(sizes) < 1 << 63:  # one number for both, which numpy sorts several times as fast
        keys = groups * span + (values - low)
        keys.sort()
        keys -= np.repeat(np.arange(len(sizes)) * span, sizes)
        return keys + low
    return values[np.lexsort((values, groups))]
