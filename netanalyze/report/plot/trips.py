"""Round trip times over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.report import units
from netanalyze.report.plot import words
from netanalyze.report.plot.looks import HALVES
from netanalyze.report.plot.picture import Dots, Mark, Panel, Scale
from netanalyze.report.plot.thin import thin

if TYPE_CHECKING:
    from netanalyze.report.plot.half import Half, Span
    from netanalyze.report.plot.picture import Layer

HEIGHT = 1.5
_LOG_FROM = 20
"""From this ratio of the longest to the shortest the axis is logarithmic."""


def round_trip_panel(halves: list[Half], span: Span) -> list[Panel]:
    """One panel with the samples of both directions, or none without samples."""
    layers: list[Layer] = []
    marks: list[Mark] = []
    ends: list[float] = []
    for half in halves:
        rows = half.answers
        rows = rows.pick(np.flatnonzero(rows.rtt > 0))  # a negative one is a capture out of order
        if not len(rows):
            continue
        ends += [float(rows.rtt.min()), float(rows.rtt.max())]
        median = words.duration(float(np.median(rows.rtt)))
        some = rows.pick(thin(rows.time, rows.rtt, rows.rtt, span.start, span.stop))
        legend = f"to the {half.receiver}: {units.count(len(rows))}, median {median}"
        layers.append(Dots(HALVES[half.side][0], legend, some.time, some.rtt))
        marks += [
            Mark(float(some.time[row]), float(some.rtt[row]), words.round_trip(some, row))
            for row in range(len(some))
        ]
    if not ends:
        return []
    least, most = min(ends), max(ends)
    log = most > _LOG_FROM * least
    return [
        Panel(
            title="round trip time" + (" (logarithmic)" if log else ""),
            scale=Scale.TIME,
            low=least / 1.5 if log else 0.0,
            high=most * 1.5 if log else most * 1.15,
            height=HEIGHT,
            layers=tuple(layers),
            marks=tuple(marks),
            notes=("as seen where it was captured",),
            log=log,
        )
    ]
