"""One half-stream and the acknowledgements for it, as the panels want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from netanalyze.columns import distinct
from netanalyze.report import units
from netanalyze.report.plot.looks import ABOUT_WINDOW, AT_THE_ACK, KINDS, OTHER, OTHER_KIND
from netanalyze.report.plot.picture import Dots
from netanalyze.report.plot.series import SIDES, Rows
from netanalyze.report.plot.thin import thin_markers

if TYPE_CHECKING:
    from netanalyze.report.plot.picture import Floats, Ints

Extent: TypeAlias = "tuple[float, float, float, float]"
"""Left, right, low and high end of a panel."""

_ROOMY = 80
"""So many markers in a panel have their full size."""
_SMALLEST = 0.45
"""No marker is smaller than this share of its size."""


class Span(Struct, frozen=True):
    """The time axis: first and last row, and the ends of the axis; all ns."""

    first: float
    last: float
    start: float
    stop: float


class Half(Struct, frozen=True, eq=False):
    """What one side sent, and what the other answered.

    Attributes:
        side: index of the sender in ``SIDES``.
        sent: its segments.
        answers: the segments of the other side.
    """

    side: int
    sent: Rows
    answers: Rows

    @property
    def name(self) -> str:
        """Who sends to whom."""
        return f"{SIDES[self.side]} → {SIDES[1 - self.side]}"

    @property
    def sender(self) -> str:
        """``client`` or ``server``."""
        return SIDES[self.side]

    @property
    def receiver(self) -> str:
        """The other one."""
        return SIDES[1 - self.side]

    @property
    def payload(self) -> float:
        """Bytes sent, repeated ones counted again."""
        return float(self.sent.payload.sum())

    @property
    def has_events(self) -> bool:
        """Whether something happened to what this side sent."""
        return not AT_THE_ACK.issuperset(self.events())

    @property
    def window_matters(self) -> bool:
        """Whether something happened to the window that this side may fill."""
        return not ABOUT_WINDOW.isdisjoint(self.events()) and self.payload > 0

    def events(self) -> dict[str, tuple[Rows, Ints]]:
        """For each kind the rows where it stands, in the order of ``KINDS``, unknown ones together last.

        Events of a receiver (a repeated acknowledgement, a window of zero) are at the other side's
        rows and belong to the half-stream that they answer.
        """
        found: dict[str, tuple[Rows, Ints]] = {}
        other: list[int] = []
        for rows, answers in ((self.sent, False), (self.answers, True)):
            for kind, at in rows.rows_of_kinds().items():
                if (kind in AT_THE_ACK) is answers:
                    if kind in KINDS:
                        found[kind] = (rows, at)
                    else:
                        other += at.tolist()
        ordered = {kind: found[kind] for kind in KINDS if kind in found}
        if other:
            ordered[OTHER_KIND] = (self.sent, distinct(np.array(other, np.int64)))
        return ordered


def markers(  # noqa: PLR0913 - what, where, how far the panel goes, and how
    kind: str, rows: Rows, at: Ints, y: Floats, extent: Extent, *, crowd: int, named: bool = True
) -> tuple[Dots, Ints]:
    """Markers for the events of a kind, and which rows they stand at.

    Args:
        kind: of the events.
        rows: where they are.
        at: the rows that have such an event.
        y: for each of them, in the panel's unit.
        extent: left, right, low and high end of the panel; what lies outside is not drawn.
        crowd: events in the whole panel; where they are many, markers are small.
        named: whether their frames are to be written beside them.
    """
    count = len(at)
    inside = (y >= extent[2]) & (y <= extent[3])
    at, y = at[inside], y[inside]
    look = KINDS.get(kind, OTHER)
    some = thin_markers(rows.time[at], y, extent)
    shown = at[some]
    dots = Dots(
        replace(look, size=look.size * min(1.0, max((_ROOMY / crowd) ** 0.5, _SMALLEST))),
        legend_of(kind, count, len(shown)),
        rows.time[shown],
        y[some],
        tuple(rows.frame[shown].tolist()) if named else (),
    )
    return dots, shown


def legend_of(kind: str, count: int, drawn: int) -> str:
    """A kind with how many there are, and how many of them are drawn where it is not all."""
    text = f"{kind}: {units.count(count)}"
    return text if drawn == count else f"{text}, {units.count(drawn)} drawn"
