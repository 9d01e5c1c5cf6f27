"""The time/sequence diagram of one half-stream: segments, acknowledgements, the window's right edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.report import units
from netanalyze.report.plot import words
from netanalyze.report.plot.half import markers
from netanalyze.report.plot.looks import ACK, AT_THE_ACK, CONTROL, EDGE, SEGMENT
from netanalyze.report.plot.picture import Bars, Dots, Line, Mark, Panel, Scale
from netanalyze.report.plot.thin import thin

if TYPE_CHECKING:
    from netanalyze.report.plot.half import Half, Span
    from netanalyze.report.plot.picture import Floats, Ints, Layer
    from netanalyze.report.plot.series import Rows

_NOT_HERE = frozenset({"window_update"})
"""Events that only the window's diagram shows: here they would hide the acknowledgements."""
_FIN, _SYN, _RST = 1, 2, 4


def sequence_panel(half: Half, span: Span, height: float, notes: list[str]) -> Panel:
    """The diagram of one half-stream.

    Args:
        half: what was sent and what was answered.
        span: the time axis.
        height: in inches.
        notes: lines at the foot of the picture; more may be added.
    """
    sent, answers = half.sent, half.answers
    data = np.flatnonzero(sent.payload > 0)
    control = np.flatnonzero((sent.payload <= 0) & ((sent.flags & (_FIN | _SYN | _RST)) != 0))
    low, high, above = _extent(sent, answers, data)
    drawn = data[thin(sent.time[data], sent.seq[data], sent.end[data], span.start, span.stop)]
    if len(drawn) < len(data):
        notes.append(
            f"{half.name}: {units.count(len(drawn))} of {units.counted(len(data), 'segment')} with data are"
            " drawn: in each stretch of time the first, last, lowest and highest; counts and rates"
            " are of all."
        )
    layers: list[Layer] = []
    marks: list[Mark] = []
    _add_answers(half, span, layers, marks)
    if len(data):
        segments = sent.pick(drawn)
        count = units.counted(len(data), "segment")
        layers.append(Bars(SEGMENT, f"data sent: {count}", segments.time, segments.seq, segments.end))
    in_sight = control[(sent.seq[control] >= low) & (sent.seq[control] <= high)]
    some = in_sight[thin(sent.time[in_sight], sent.seq[in_sight], sent.seq[in_sight], span.start, span.stop)]
    if len(some):
        layers.append(Dots(CONTROL, "SYN, FIN, RST", sent.time[some], sent.seq[some]))
    told = np.union1d(drawn, some)
    events = {kind: event for kind, event in half.events().items() if kind not in _NOT_HERE}
    crowd = sum(len(at) for _, at in events.values())
    extent = (span.start, span.stop, low, high)
    for kind, (rows, at) in events.items():
        y = rows.ack[at] if kind in AT_THE_ACK else _place(rows, at, kind)
        dots, shown = markers(kind, rows, at, y, extent, crowd=crowd)
        layers.append(dots)
        if rows is sent:
            told = np.union1d(told, shown)
        else:
            marks += [
                Mark(float(answers.time[row]), float(answers.ack[row]), words.acknowledgement(answers, row))
                for row in shown.tolist()
            ]
    middle = sent.seq + sent.payload / 2
    marks += [
        Mark(float(sent.time[row]), float(middle[row]), words.segment(sent, row)) for row in told.tolist()
    ]
    return Panel(
        title=f"{half.name}: sequence numbers",
        scale=Scale.BYTES,
        low=low,
        high=high,
        height=height,
        layers=tuple(layers),
        marks=tuple(marks),
        notes=("window edge above this picture", "at times") if above else (),
    )


def _place(rows: Rows, at: Ints, kind: str) -> Floats:
    """Where an event of the sender stands: on its segment, a gap at its upper end."""
    if kind == "lost_segment":
        return rows.seq[at]
    return rows.seq[at] + rows.payload[at] / 2


def _extent(sent: Rows, answers: Rows, data: Ints) -> tuple[float, float, bool]:
    """Ends of the y axis, and whether the right edge of the window lies above at times.

    The data gives the scale; the edge of a window that is much larger than all that was sent, or a
    stray acknowledgement, is left outside rather than pressing everything together.
    """
    rows = sent.pick(data) if len(data) else sent
    if not len(rows):
        return 0.0, 1.0, False
    low, high = float(rows.seq.min()), float(rows.end.max())
    span = max(high - low, 1.0, abs(high) * 1e-9, abs(low) * 1e-9)
    edge = answers.ack + answers.window
    edge = edge[np.isfinite(edge)]
    top = min(float(edge.max()), high + 0.3 * span) if len(edge) else high
    top = max(top, high)
    above = bool((edge > top).any())
    return low - 0.05 * span, top + 0.05 * span, above


def _add_answers(half: Half, span: Span, layers: list[Layer], marks: list[Mark]) -> None:
    """The acknowledgements of the other side and the right edge of the window that they offer."""
    answers = half.answers
    with_ack = np.flatnonzero(np.isfinite(answers.ack))
    if not len(with_ack):
        return
    answers = answers.pick(with_ack)
    edge = answers.ack + answers.window
    some = answers.pick(thin(answers.time, answers.ack, edge, span.start, span.stop))
    if np.isfinite(edge).any():
        edge = some.ack + some.window
        layers.append(Line(EDGE, f"right edge of {half.receiver}'s window", some.time, edge))
        marks += [
            Mark(float(some.time[row]), float(edge[row]), words.acknowledgement(some, row))
            for row in np.flatnonzero(np.isfinite(edge)).tolist()
        ]
    layers.append(Line(ACK, f"acknowledged by the {half.receiver}", some.time, some.ack))
    marks += [
        Mark(float(some.time[row]), float(some.ack[row]), words.acknowledgement(some, row))
        for row in range(len(some))
    ]
