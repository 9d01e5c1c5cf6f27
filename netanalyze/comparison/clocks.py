"""How far the clocks of two taps are apart, from packets both ways.

A packet from the client is seen at the near tap, then at the far one; its difference of times is the way
there and what the far clock is ahead. For one from the server it is the way back less that. The quickest
packet each way had the least to wait for; if the ways are equally long, half of the difference of the two is
what the far clock is ahead. That they are cannot be known from times alone: it may be wrong by half of the
shortest round trip between the taps, which is said. Drift is the slope of such estimates over time (Theil and
Sen).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLICES = 24
_LEAST_SLICES = 6
_LEAST_NS = 1_000_000_000
_LEAST_PACKETS = 3  # each way, in a slice


class Clock(Struct, frozen=True):
    """The far clock as the near one sees it.

    Attributes:
        at_ns: time of the near clock at which ``ahead_ns`` holds.
        ahead_ns: how much the far clock shows more.
        unsure_ns: how wrong that may be.
        drift_ppb: how much it gains, in nanoseconds a second; None if it cannot be told.
    """

    at_ns: int
    ahead_ns: int
    unsure_ns: int
    drift_ppb: int | None

    def ahead_at(self, near_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """How much the far clock shows more at times of the near one."""
        gained = (near_ns - self.at_ns).astype(np.float64) * (self.drift_ppb or 0) / 1e9
        return np.rint(gained).astype(np.int64) + self.ahead_ns


def estimate(
    there: tuple[NDArray[np.int64], NDArray[np.int64]], back: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> Clock | None:
    """Estimate the clocks' difference; None unless packets went both ways.

    Args:
        there: times of packets of the client at the near and at the far tap.
        back: times of packets of the server at the near and at the far tap.
    """
    if not len(there[0]) or not len(back[0]):
        return None
    out, home = there[1] - there[0], back[0] - back[1]
    first = int(min(there[0].min(), back[0].min()))
    last = int(max(there[0].max(), back[0].max()))
    middle = (first + last) // 2
    drift = _drift(there[0], out, back[0], home, (first, last))
    gained_out = np.rint((there[0] - middle).astype(np.float64) * drift).astype(np.int64) if drift else 0
    gained_home = np.rint((back[0] - middle).astype(np.float64) * drift).astype(np.int64) if drift else 0
    shortest_out = int((out - gained_out).min())
    shortest_home = int((home + gained_home).min())
    trip = shortest_out + shortest_home
    return Clock(
        middle,
        (shortest_out - shortest_home) // 2,
        max(trip, 0) // 2,
        None if drift is None else round(drift * 1e9),
    )


def _drift(
    out_ns: NDArray[np.int64],
    out: NDArray[np.int64],
    home_ns: NDArray[np.int64],
    home: NDArray[np.int64],
    span: tuple[int, int],
) -> float | None:
    """Nanoseconds a nanosecond; None if there is too little to tell, or no more than estimates vary by."""
    first, last = span
    if last - first < _LEAST_NS:
        return None
    edges = np.linspace(first, last + 1, _SLICES + 1).astype(np.int64)
    quickest = [_quickest(edges, sent, took) for sent, took in ((out_ns, out), (home_ns, home))]
    times, ahead = [], []
    for one, other in zip(*quickest, strict=True):
        if one is not None and other is not None:
            times.append((int(out_ns[one]) + int(home_ns[other])) / 2)
            ahead.append((int(out[one]) - int(home[other])) / 2)
    if len(times) < _LEAST_SLICES:
        return None
    x, y = np.array(times) - times[0], np.array(ahead) - ahead[0]
    earlier, later = np.triu_indices(len(x), 1)
    slopes = (y[later] - y[earlier]) / (x[later] - x[earlier])
    slope = float(np.median(slopes))
    rest = y - slope * x
    spread = float(np.median(np.abs(rest - np.median(rest))))
    # A slope within what single estimates vary by is none.
    return slope if abs(slope) * float(x[-1]) > 4 * spread + 1000 else None


def _quickest(
    edges: NDArray[np.int64], times: NDArray[np.int64], took: NDArray[np.int64]
) -> list[int | None]:
    """For each slice of the time which packet was the quickest, the first of them; None if there are few."""
    slices = np.searchsorted(edges, times, "right").astype(np.int8)  # from 1 on; edges are rounded
    order = np.argsort(slices, kind="stable")
    ends = np.cumsum(np.bincount(slices, minlength=_SLICES + 1)).tolist()
    found: list[int | None] = []
    for begin, end in pairwise(ends[: _SLICES + 1]):
        rows = order[begin:end]
        found.append(int(rows[np.argmin(took[rows])]) if end - begin >= _LEAST_PACKETS else None)
    return found
