"""The picture of a connection, from its rows in the table ``windows``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.report import units
from netanalyze.report.plot.half import Half, Span
from netanalyze.report.plot.picture import Plot
from netanalyze.report.plot.rates import throughput_panel
from netanalyze.report.plot.sequence import sequence_panel
from netanalyze.report.plot.series import SIDES, Rows, read
from netanalyze.report.plot.thin import FEW
from netanalyze.report.plot.trips import round_trip_panel
from netanalyze.report.plot.window import window_panel
from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from netanalyze.report.plot.picture import Floats, Ints, Panel
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.table import Table

_LONGEST_TITLE = 110
_LARGE = 0.05
"""A half-stream with less than this share of the other's payload gets small panels."""
_TALL, _MEDIUM, _SMALL = (3.7, 1.9), (2.8, 1.5), (1.5, 1.2)
"""Heights in inches of the panels for sequence numbers and window; medium where both sides sent much."""


def plot_windows(table: Table[WindowPoint], title: str) -> Plot:
    """What a connection did over time, as panels that share the time axis.

    For each half-stream that carried data, or whose control segments say something: sequence numbers
    with acknowledgements and the right edge of the offered window; the window and the bytes in
    flight; throughput. For both together: round trip times.

    Args:
        table: rows of one connection, in any order. Any number may be absurd.
        title: which connection: its stream number and endpoints.

    Raises:
        UsageError: the table has rows of several connections.
    """
    rows = read(table)
    title = printable(title)
    if len(title) > _LONGEST_TITLE:
        title = title[: _LONGEST_TITLE - 1] + "…"
    if not len(rows):
        empty = np.zeros(0)
        note = "No segments: there is nothing to draw."
        return Plot(title, "", 0.0, 1.0, (), empty, empty.astype(np.int64), (note,))
    span = _span(rows)
    halves = [Half(side, rows.sent_by(side), rows.sent_by(1 - side)) for side in (0, 1)]
    halves.sort(key=lambda half: -half.payload)  # the one with the most data first
    most = max(half.payload for half in halves)
    large = [half for half in halves if half.payload > 0 and half.payload >= _LARGE * most]
    tall = _TALL if len(large) < len(halves) else _MEDIUM
    panels: list[Panel] = []
    notes: list[str] = []
    for half in halves:
        sequence_height, window_height = tall if half in large else _SMALL
        if half.payload or half.has_events or (most == 0 and len(half.sent)):
            panels.append(sequence_panel(half, span, sequence_height, notes))
        if half in large or half.window_matters:
            panels.append(window_panel(half, span, window_height))
    panels += round_trip_panel(halves, span)
    panels += [panel for half in large for panel in throughput_panel(half, span)]
    if not large:
        notes.insert(0, "No data was sent.")
    times, frames = _named_frames(rows)
    return Plot(title, _subtitle(rows), span.start, span.stop, tuple(panels), times, frames, tuple(notes))


def _span(rows: Rows) -> Span:
    """The time axis: from the first row to the last with a little room; never of no length."""
    first, last = float(rows.time[0]), float(rows.time[-1])
    room = max((last - first) * 0.015, abs(last) * 1e-9, abs(first) * 1e-9, 1.0)
    if last - first < 1:
        room = max(room, 500_000.0)
    return Span(first, last, first - room, last + room)


def _subtitle(rows: Rows) -> str:
    parts = [units.counted(len(rows), "segment")]
    for side, name in enumerate(SIDES):
        payload = float(rows.payload[rows.half == side].sum())
        parts.append(f"{units.size(round(payload))} from the {name}")
    parts.append(units.duration(round(float(rows.time[-1] - rows.time[0]))))
    return " · ".join(parts)


def _named_frames(rows: Rows) -> tuple[Floats, Ints]:
    """Frames that ticks of the time axis may name: not more of them than anybody can zoom to."""
    if len(rows) <= FEW:
        return rows.time, rows.frame
    some = np.linspace(0, len(rows) - 1, FEW).astype(np.int64)
    return rows.time[some], rows.frame[some]
