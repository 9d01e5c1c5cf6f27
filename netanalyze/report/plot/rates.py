"""Throughput over time."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.report import units
from netanalyze.report.plot import words
from netanalyze.report.plot.looks import HALVES, RESENT
from netanalyze.report.plot.picture import Columns, Level, Mark, Panel, Scale
from netanalyze.report.plot.series import new_payload
from netanalyze.report.plot.thin import bins
from netanalyze.report.plot.ticks import time_step

if TYPE_CHECKING:
    from netanalyze.report.plot.half import Half, Span
    from netanalyze.report.plot.picture import Floats, Ints, Layer
    from netanalyze.report.plot.series import Rows

HEIGHT = 1.6
MOST_BINS = 120
FEWEST_BINS = 12


def throughput_panel(half: Half, span: Span) -> list[Panel]:
    """The panel of a half-stream that carried data for some time; else none.

    What a segment carries counts at the time of its capture, within bins of a round length.
    """
    rows = half.sent.pick(np.flatnonzero(half.sent.payload > 0))
    lasted = float(rows.time[-1] - rows.time[0]) if len(rows) else 0.0
    if lasted < 1:
        return []
    width = _bin_width(span, len(rows))
    first = floor(span.first / width)
    count = floor(span.last / width) - first + 1
    edges: Floats = (first + np.arange(count + 1, dtype=np.float64)) * width
    place = bins(rows.time, float(edges[0]), float(edges[-1]), count)
    new = new_payload(rows.seq, rows.end)
    size: Floats = np.bincount(place, new, count).astype(np.float64)
    bits = 8 * units.SECOND / width
    whole: Floats = np.bincount(place, rows.payload, count).astype(np.float64) * bits
    rate = size * bits
    _, columns, line = HALVES[half.side]
    layers: list[Layer] = []
    if (whole > rate).any():
        layers.append(Columns(RESENT, "sent again", edges, rate, whole))
    layers.append(Columns(columns, "new data", edges, 0 * rate, rate))
    average = float(new.sum()) * 8 * units.SECOND / lasted
    legend = f"new data on average: {units.rate(round(float(new.sum())), round(lasted))}"
    layers.append(Level(line, legend, average, float(rows.time[0]), float(rows.time[-1])))
    return [
        Panel(
            title=f"{half.name}: throughput in bins of {words.duration(width)}",
            scale=Scale.RATE,
            low=0.0,
            high=max(float(whole.max()), average, 1.0) * 1.1,
            height=HEIGHT,
            layers=tuple(layers),
            marks=tuple(_marks(half, rows, place, edges, size)),
        )
    ]


def _bin_width(span: Span, segments: int) -> float:
    """A round number of ns that gives the picture a sensible number of bins, never above ``MOST_BINS``."""
    wanted = min(max(segments // 4, FEWEST_BINS), MOST_BINS - 2)
    return max(1.0, time_step((span.last - span.first) / wanted))


def _marks(half: Half, rows: Rows, place: Ints, edges: Floats, size: Floats) -> list[Mark]:
    found: list[Mark] = []
    used, first = np.unique(place, return_index=True)
    last = np.append(first[1:], len(place)) - 1  # rows are in the order of time, and so are their bins
    for where, begin, end in zip(used.tolist(), first.tolist(), last.tolist(), strict=True):
        frames = f"frame {rows.frame[begin]}"
        if end > begin:
            frames = f"frames {rows.frame[begin]} … {rows.frame[end]}"
        start, stop = float(edges[where]), float(edges[where + 1])
        rate = units.rate(round(float(size[where])), round(stop - start))
        text = words.joined(
            (
                frames,
                f"{words.duration(start)} … {words.duration(stop)}",
                f"{rate} of new data from the {half.sender}",
            )
        )
        found.append(Mark((start + stop) / 2, float(size[where]) * 8 * units.SECOND / (stop - start), text))
    return found
