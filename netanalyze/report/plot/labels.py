"""Frame numbers beside the markers of events, as many as fit without covering anything.

In a picture that nobody can point at (PNG, paper) they are the way from a marker to its frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from netanalyze.report.plot.picture import Dots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from netanalyze.report.plot.picture import Panel

Box: TypeAlias = "tuple[float, float, float, float]"
"""Left, lower, right and upper end; or left, top, right, bottom where y runs downwards."""

MOST = 60
"""Labels in one panel."""
MOST_TRIED = 600
"""Markers for which a place is looked for."""

_PIXELS_A_CHARACTER = 0.66
"""Width of a digit as a share of the font's height; a little too much, so that labels stay apart."""
_MARGIN = 5.0


def place_labels(ax: Axes, panel: Panel, group: str, points: float) -> None:
    """Write frame numbers beside the markers of a panel.

    Args:
        ax: where its limits are set.
        panel: its ``Dots`` with frames get labels, in the order of the layers.
        group: identifier of the labels in SVG.
        points: size of the font.
    """
    dots = [layer for layer in panel.layers if isinstance(layer, Dots) and len(layer.frames)]
    if not dots:
        return
    pixel = ax.get_figure(root=True).dpi / 72  # type: ignore[union-attr] # axes on a figure have one
    spots = [ax.transData.transform(np.column_stack((layer.x, layer.y))) for layer in dots]
    area = ax.get_window_extent()
    taken = Taken(
        np.concatenate(
            [_around(at, layer.look.size * pixel / 2) for at, layer in zip(spots, dots, strict=True)]
        )
    )
    written = tried = 0
    named: set[int] = set()
    for layer, at in zip(dots, spots, strict=True):
        for frame, (x, y) in zip(layer.frames, at.tolist(), strict=True):
            if frame in named:
                continue
            if written >= MOST or tried >= MOST_TRIED:
                return
            tried += 1
            text = f"#{frame}"
            width, height = len(text) * points * pixel * _PIXELS_A_CHARACTER, points * pixel * 1.15
            box = taken.find(x, y, width, height, (area.x0, area.y0, area.x1, area.y1))
            if box is None:
                continue
            written += 1
            named.add(frame)
            left, lower = ax.transAxes.inverted().transform((box[0], box[1] + height * 0.18))
            label = ax.text(
                left, lower, text, transform=ax.transAxes, fontsize=points, color=layer.look.ink, zorder=4
            )
            label.set_gid(f"{group}{written}")
            label.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.3})


def _around(at: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    return np.column_stack((at - radius, at + radius))


class Taken:
    """Boxes that nothing may be put over."""

    def __init__(self, boxes: NDArray[np.float64]) -> None:
        """Begin with these; a row is left, lower, right, upper."""
        self._boxes = np.concatenate((boxes, np.zeros((MOST, 4))))
        self._count = len(boxes)

    def find(self, x: float, y: float, width: float, height: float, area: Box) -> Box | None:
        """A free place of this size beside a point and within an area; it is taken from now on."""
        for left, lower in (
            (x + _MARGIN, y + 1),
            (x + _MARGIN, y - height - 1),
            (x - _MARGIN - width, y + 1),
            (x - _MARGIN - width, y - height - 1),
            (x - width / 2, y + _MARGIN),
            (x - width / 2, y - _MARGIN - height),
        ):
            right, upper = left + width, lower + height
            if left < area[0] or lower < area[1] or right > area[2] or upper > area[3]:
                continue
            boxes = self._boxes[: self._count]
            apart = (
                (boxes[:, 2] < left) | (boxes[:, 0] > right) | (boxes[:, 3] < lower) | (boxes[:, 1] > upper)
            )
            if apart.all():
                self._boxes[self._count] = (left, lower, right, upper)
                self._count += 1
                return left, lower, right, upper
        return None
