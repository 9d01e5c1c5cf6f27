"""The window that a sender may fill, and how much of it is in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.report import units
from netanalyze.report.plot import words
from netanalyze.report.plot.half import markers
from netanalyze.report.plot.looks import ABOUT_WINDOW, AT_THE_ACK, EDGE, FLIGHT, FLIGHT_LIMITED
from netanalyze.report.plot.picture import Dots, Line, Mark, Panel, Scale
from netanalyze.report.plot.thin import thin

if TYPE_CHECKING:
    from netanalyze.report.plot.half import Half, Span
    from netanalyze.report.plot.picture import Floats, Layer
    from netanalyze.report.plot.series import Rows

_UNNAMED = frozenset({"window_update"})
"""Events that are so many and mean so little that their frames are not written beside them."""
_MUCH_LARGER = 4
"""A window that is always so many times what is in flight is left outside, with a note."""


def window_panel(half: Half, span: Span, height: float) -> Panel:
    """The diagram for one half-stream: what its sender may have in flight, and what it has.

    Args:
        half: what was sent and what was answered.
        span: the time axis.
        height: in inches.
    """
    sent = half.sent
    offered = _offered(half)
    # A pure acknowledgement's row repeats what is in flight already.
    flown = sent.pick(np.flatnonzero(np.isfinite(sent.flight) & ((sent.payload > 0) | (sent.flight > 0))))
    low, high, notes = _extent(flown, offered[1])
    layers: list[Layer] = []
    marks: list[Mark] = []
    _add_offered(half, span, offered, layers, marks)
    if len(flown):
        some = flown.pick(thin(flown.time, flown.flight, flown.flight, span.start, span.stop))
        full = _limited(flown)
        full_shown = _limited(some)
        layers.append(Dots(FLIGHT, "bytes in flight", some.time[~full_shown], some.flight[~full_shown]))
        if full.any():
            layers.append(
                Dots(
                    FLIGHT_LIMITED,
                    f"in flight, window used up: {units.count(int(full.sum()))}",
                    some.time[full_shown],
                    some.flight[full_shown],
                )
            )
        marks += [
            Mark(float(some.time[row]), float(some.flight[row]), words.flight(some, row))
            for row in range(len(some))
        ]
    events = {kind: event for kind, event in half.events().items() if kind in ABOUT_WINDOW}
    crowd = sum(len(at) for _, at in events.values())
    extent = (span.start, span.stop, low, high)
    for kind, (rows, at) in events.items():
        y = rows.window[at] if kind in AT_THE_ACK else rows.flight[at]
        named = kind not in _UNNAMED
        dots, shown = markers(kind, rows, at, y, extent, crowd=crowd, named=named)
        layers.append(dots)
        tell = words.acknowledgement if kind in AT_THE_ACK else words.flight
        marks += [
            Mark(x, y, tell(rows, row))
            for x, y, row in zip(dots.x.tolist(), dots.y.tolist(), shown.tolist(), strict=True)
        ]
    return Panel(
        title=f"{half.name}: window and bytes in flight",
        scale=Scale.BYTES,
        low=low,
        high=high,
        height=height,
        layers=tuple(layers),
        marks=tuple(marks),
        notes=notes,
    )


def _offered(half: Half) -> tuple[Rows, Floats]:
    """Rows that tell the window this side may fill, and the window: the other side's own rows if any."""
    answers = half.answers
    if np.isfinite(answers.window).any():
        return answers, answers.window
    return half.sent, half.sent.peer_window


def _limited(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where another segment of the largest size did not fit into the window."""
    if not len(rows):
        return np.zeros(0, np.bool_)
    largest = float(rows.payload.max())
    limited: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
        (rows.flight > 0) & (rows.payload > 0) & (rows.flight + largest > rows.peer_window)
    )
    return limited


def _extent(flown: Rows, window: Floats) -> tuple[float, float, tuple[str, ...]]:
    """Ends of the y axis; a note where the window lies above it."""
    window = window[np.isfinite(window)]
    most = float(flown.flight.max()) if len(flown) else 0.0
    low = min(0.0, float(flown.flight.min()) if len(flown) else 0.0)
    if not len(window):
        return low, max(most, 1.0) * 1.1, ("window not known",)
    least, largest = float(window.min()), float(window.max())
    if most > 0 and least > _MUCH_LARGER * most:
        note = (f"window {words.size(least)} … {words.size(largest)},", "above this picture")
        return low, most * 1.3, note if least < largest else (f"window {words.size(least)},", note[1])
    if most > 0 and largest > 2 * _MUCH_LARGER * most:
        return low, most * _MUCH_LARGER, (f"window up to {words.size(largest)},", "above this picture")
    return low, max(most, largest, 1.0) * 1.1, ()


def _add_offered(
    half: Half, span: Span, offered: tuple[Rows, Floats], layers: list[Layer], marks: list[Mark]
) -> None:
    rows, window = offered
    known = np.flatnonzero(np.isfinite(window))
    if not len(known):
        return
    rows, window = rows.pick(known), window[known]
    some = thin(rows.time, window, window, span.start, span.stop)
    rows, window = rows.pick(some), window[some]
    layers.append(Line(EDGE, f"window offered by the {half.receiver}", rows.time, window))
    marks += [
        Mark(float(rows.time[row]), float(window[row]), _tell_offered(rows, row, float(window[row])))
        for row in range(len(rows))
    ]


def _tell_offered(rows: Rows, row: int, window: float) -> str:
    return words.joined((words.where(rows, row), f"window {words.size(window)}", *rows.events[row]))
