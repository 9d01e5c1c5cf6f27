"""A picture as data: panels one below the other, layers in each, and a text for every point.

Nothing here knows how it is drawn. The x of everything is nanoseconds since the first frame of the
connection; the y is in the panel's unit: bytes, nanoseconds, or bits a second. Coordinates are
floats, exact up to 2**53.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from netanalyze.report.plot.looks import Look

    Floats: TypeAlias = "NDArray[np.float64]"
    Ints: TypeAlias = "NDArray[np.int64]"

    import numpy as np


class Scale(StrEnum):
    """What the y of a panel counts."""

    BYTES = "bytes"
    TIME = "ns"
    RATE = "bit/s"


class Bars(Struct, frozen=True):
    """Vertical bars, one for each x, from ``low`` to ``high``."""

    look: Look
    legend: str
    x: Floats
    low: Floats
    high: Floats


class Line(Struct, frozen=True):
    """Steps: a value holds until the next point, the last to the end. NaN interrupts the line."""

    look: Look
    legend: str
    x: Floats
    y: Floats


class Dots(Struct, frozen=True):
    """Markers.

    Attributes:
        look: how they are drawn.
        legend: what they are.
        x: ns.
        y: in the panel's unit.
        frames: the frame of each, where its number is to be written beside it; else empty.
    """

    look: Look
    legend: str
    x: Floats
    y: Floats
    frames: Sequence[int] = ()


class Columns(Struct, frozen=True):
    """Filled columns that touch: from ``base[i]`` up to ``y[i]``, ``edges[i]`` to ``edges[i + 1]``."""

    look: Look
    legend: str
    edges: Floats
    base: Floats
    y: Floats


class Level(Struct, frozen=True):
    """A horizontal line from ``start`` to ``stop`` (ns)."""

    look: Look
    legend: str
    y: float
    start: float
    stop: float


Layer: TypeAlias = "Bars | Line | Dots | Columns | Level"


class Mark(Struct, frozen=True):
    """A point that tells its frame when it is pointed at."""

    x: float
    y: float
    text: str


class Panel(Struct, frozen=True):
    """One diagram.

    Attributes:
        title: stands above it.
        scale: unit of its y axis.
        low: end of the y axis.
        high: other end of the y axis, above ``low``.
        log: whether the y axis is logarithmic; then ``low`` is above 0.
        height: in inches.
        layers: what is drawn, the later over the earlier.
        marks: the points that tell their frames.
        notes: lines below the legend.
    """

    title: str
    scale: Scale
    low: float
    high: float
    height: float
    layers: tuple[Layer, ...]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()
    log: bool = False


class Plot(Struct, frozen=True):
    """A whole picture.

    Attributes:
        title: first line.
        subtitle: second line.
        start: left end of the time axis, ns.
        stop: right end, above ``start``.
        panels: from top to bottom; none where there is nothing to draw.
        frame_times: ns, ascending: when the frames that the time axis names were captured.
        frames: their numbers.
        notes: lines at the foot.
    """

    title: str
    subtitle: str
    start: float
    stop: float
    panels: tuple[Panel, ...]
    frame_times: Floats
    frames: Ints
    notes: tuple[str, ...] = field(default=())
