"""Fewer points where more could not be told apart, without changing what is seen.

A picture is some hundred pixels wide. Of the points that share a column, the first, the last, the
lowest and the highest are kept: lines keep their outline, and everything kept is a real point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import distinct

if TYPE_CHECKING:
    from netanalyze.report.plot.picture import Floats, Ints

FEW = 2_000
"""So many points are always kept."""
COLUMNS = 600
"""Columns that a picture's width is divided into: about a pixel and a half each."""
ROWS = 200
"""Rows that a panel's height is divided into, for markers."""
MOST_MARKERS = 1_000
"""No more markers of one kind are drawn in a panel."""


def bins(values: Floats, low: float, high: float, count: int) -> Ints:
    """Which of ``count`` equal parts of the range each value lies in; those outside count as its ends."""
    span = high - low
    if not span > 0:
        return np.zeros(len(values), np.int64)
    places = np.clip((values - low) / span, 0, 1) * count
    return np.minimum(np.nan_to_num(places), count - 1).astype(np.int64)


def thin(x: Floats, low: Floats, high: Floats, start: float, stop: float) -> Ints:
    """Indices of the points to draw, ascending.

    Args:
        x: ns; not necessarily ascending.
        low: lower end of each point.
        high: upper end of each; the same array where points have no extent.
        start: left end of the time axis.
        stop: right end.
    """
    if len(x) <= FEW:
        return np.arange(len(x))
    column = bins(x, start, stop, COLUMNS)
    order = np.lexsort((np.arange(len(x)), column))
    kept = [_ends(order, column[order])]
    for values in (low, -high):
        order = np.lexsort((np.nan_to_num(values, nan=np.inf), column))  # no number is no extreme
        kept.append(_ends(order, column[order], only_first=True))
    return distinct(np.concatenate(kept))


def _ends(order: Ints, column: Ints, *, only_first: bool = False) -> Ints:
    """The indices in ``order`` that are the first (and the last) of a column."""
    change = column[1:] != column[:-1]
    keep = np.concatenate(([True], change))
    if not only_first:
        keep |= np.concatenate((change, [True]))
    kept: Ints = order[keep]
    return kept


def thin_markers(x: Floats, y: Floats, extent: tuple[float, float, float, float]) -> Ints:
    """Indices of the markers to draw, ascending: one of those that would cover each other.

    Args:
        x: ns.
        y: in the panel's unit.
        extent: left, right, low and high end of the panel.
    """
    if len(x) <= MOST_MARKERS:
        return np.arange(len(x))
    start, stop, low, high = extent
    cell = bins(x, start, stop, COLUMNS) * ROWS + bins(y, low, high, ROWS)
    _, first = np.unique(cell, return_index=True)
    first.sort()
    if len(first) > MOST_MARKERS:
        first = first[np.linspace(0, len(first) - 1, MOST_MARKERS).astype(np.int64)]
    return np.sort(first).astype(np.int64)
