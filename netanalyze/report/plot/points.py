"""Points that can be pointed at, laid invisibly over a drawn SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from netanalyze.report.plot.draw import Drawing
    from netanalyze.report.plot.picture import Mark, Panel, Plot

RADIUS = 4
MANY = 3_000
"""From so many points in a panel on they are put on a coarse grid, one for each place."""
FINE, COARSE = 0.1, 2
"""Distances of the grid, in points."""
POINTS_AN_INCH = 72
"""matplotlib's SVG is in points."""


def with_points(svg: str, plot: Plot, drawing: Drawing) -> str:
    """The picture with a tooltip for each mark; points that lie outside their panel get none.

    Args:
        svg: what matplotlib made of the drawing.
        plot: the picture.
        drawing: where its panels lie.
    """
    parts = ['<g id="points" fill-opacity="0">\n']
    for index, panel in enumerate(plot.panels):
        parts.append(f'<g id="points{index}">\n')
        marks = [mark for mark in panel.marks if _inside(plot, panel, mark)]
        if marks:
            x, y = drawing.places(
                index, np.array([mark.x for mark in marks]), np.array([mark.y for mark in marks])
            )
            width, height = drawing.figure.get_size_inches() * POINTS_AN_INCH
            grid = FINE if len(marks) <= MANY else COARSE
            # Of several at one place the last counts: it lies on top, as events do.
            places = {
                (round(left * width / grid), round(top * height / grid)): mark.text
                for mark, left, top in zip(marks, x.tolist(), y.tolist(), strict=True)
            }
            parts += [
                f'<circle cx="{left * grid:.1f}" cy="{top * grid:.1f}" r="{RADIUS}">'
                f"<title>{escape(text)}</title></circle>\n"
                for (left, top), text in places.items()
            ]
        parts.append("</g>\n")
    parts.append("</g>\n")
    root = f'<svg role="img" aria-label="{escape(plot.title)}" '
    head, end, tail = svg.replace("<svg ", root, 1).rpartition("</svg>")
    return head + "".join(parts) + end + tail


def _inside(plot: Plot, panel: Panel, mark: Mark) -> bool:
    return plot.start <= mark.x <= plot.stop and panel.low <= mark.y <= panel.high
