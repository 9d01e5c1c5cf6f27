"""Draw a picture with matplotlib.

Everything stands at fixed places, so that equal pictures give equal bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from netanalyze.report.plot.labels import Box, place_labels
from netanalyze.report.plot.picture import Bars, Columns, Dots, Level, Line, Panel, Plot, Scale
from netanalyze.report.plot.ticks import linear_ticks, log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from netanalyze.report.plot.looks import Look
    from netanalyze.report.plot.picture import Floats, Layer

DPI = 100
WIDTH = 12.0
LEFT = 0.95
RIGHT = 3.0
"""Inches beside the diagrams: labels of the axis, legend."""
TOP = 0.66
GAP = 0.36
BOTTOM = 0.62
LINE = 0.2
"""Inches for a line of notes, or of a legend."""

TEXT = "#333333"
GRID = "#e4e4e4"
DASHES = (0, (5, 3))
_TIME_TICKS = 9
_INCHES_A_TICK = 0.42
_LABEL_POINTS = 7


class Drawing(Struct, frozen=True):
    """A figure, with where its diagrams lie.

    Attributes:
        figure: matplotlib's.
        axes: one for each panel.
        boxes: of each panel: left, top, right, bottom as shares of the whole, from the upper left.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    boxes: tuple[Box, ...]

    def places(self, panel: int, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where points of a panel lie, as shares of the whole picture, from the upper left."""
        width, height = self.figure.get_size_inches() * DPI
        at = self.axes[panel].transData.transform(np.column_stack((x, y)))
        return at[:, 0] / width, 1 - at[:, 1] / height


def draw(plot: Plot) -> Drawing:
    """Draw everything but what only a viewer that can point at things shows."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, and only pictures need it

    heights = [max(panel.height, LINE * len(_entries(panel)) + 0.05) for panel in plot.panels]
    body = sum(height + GAP for height in heights) if heights else 1.0
    total = TOP + body + BOTTOM + LINE * len(plot.notes)
    figure = Figure(figsize=(WIDTH, total), dpi=DPI, facecolor="white")
    _text(figure, LEFT, total - 0.3, plot.title, size=13, weight="bold")
    _text(figure, LEFT, total - 0.53, plot.subtitle, size=9.5)
    top = total - TOP
    axes: list[Axes] = []
    boxes: list[Box] = []
    plot_width = WIDTH - LEFT - RIGHT
    for index, (panel, height) in enumerate(zip(plot.panels, heights, strict=True)):
        top -= GAP
        _text(figure, LEFT, top + 0.07, panel.title, size=9.5, weight="bold")
        ax = figure.add_axes((LEFT / WIDTH, (top - height) / total, plot_width / WIDTH, height / total))
        _set_axes(ax, plot, panel, height, last=index == len(plot.panels) - 1)
        for number, layer in enumerate(panel.layers):
            for artist in _add(ax, layer, plot.stop, number):
                artist.set_gid(f"panel{index}-layer{number}")
        ax.patch.set_visible(False)
        _legend(ax, panel)
        place_labels(ax, panel, f"panel{index}-labels", _LABEL_POINTS)
        axes.append(ax)
        bottom = top - height
        boxes.append((LEFT / WIDTH, 1 - top / total, (LEFT + plot_width) / WIDTH, 1 - bottom / total))
        top = bottom
    if plot.panels:
        _text(figure, 0.1, top - 0.2, "time", size=8.5)
        _text(figure, 0.1, top - 0.345, "next frame", size=8.5)
    for number, note in enumerate(plot.notes):
        where = LINE * (len(plot.notes) - number) - 0.07
        _text(figure, LEFT, where if plot.panels else total / 2, note, size=8.5 if plot.panels else 12)
    return Drawing(figure, tuple(axes), tuple(boxes))


def _text(  # noqa: PLR0913 - where, what and how
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: str = "normal",
) -> None:
    """Text at a place in inches from the lower left."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, text, fontsize=size, fontweight=weight, color=TEXT)


def frame_at(plot: Plot, time: float) -> str:
    """The first frame captured at a time or later, as ``#12``; empty after the last."""
    place = int(np.searchsorted(plot.frame_times, time))
    return f"#{plot.frames[place]}" if place < len(plot.frames) else ""


def _set_axes(ax: Axes, plot: Plot, panel: Panel, height: float, *, last: bool) -> None:
    ax.set_autoscale_on(False)
    if panel.log:
        ax.set_yscale("log")
        ticks = log_ticks(panel.low, panel.high, panel.scale)
        ticks = ticks if len(ticks) * 0.2 <= height else ticks[:: 1 + int(len(ticks) * 0.2 / height)]
    else:
        ticks = linear_ticks(panel.low, panel.high, max(2, round(height / _INCHES_A_TICK)), panel.scale)
    ax.set_ylim(panel.low, panel.high)
    ax.set_xlim(plot.start, plot.stop)
    ax.set_yticks([value for value, _ in ticks], [label for _, label in ticks])
    times = linear_ticks(plot.start, plot.stop, _TIME_TICKS, Scale.TIME)
    ax.set_xticks([value for value, _ in times])
    if last:
        ax.set_xticklabels([f"{label}\n{frame_at(plot, value)}" for value, label in times])
    else:
        ax.set_xticklabels([])
    ax.minorticks_off()
    ax.tick_params(length=0, labelsize=8.5, labelcolor=TEXT, pad=5)
    ax.grid(visible=True, color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#9a9a9a")


def _add(ax: Axes, layer: Layer, stop: float, number: int) -> list[Any]:
    """Draw one layer; of markers with frames the earlier kinds, which mean more, lie on top."""
    look = layer.look
    style: dict[str, Any] = {"color": look.colour, "linewidth": look.width}
    if isinstance(layer, Bars):
        gaps = np.full(len(layer.x), np.nan)
        x = np.column_stack((layer.x, layer.x, gaps)).ravel()
        y = np.column_stack((layer.low, layer.high, gaps)).ravel()
        return ax.plot(x, y, solid_capstyle="projecting", **style)
    if isinstance(layer, Line):
        x, y = np.append(layer.x, stop), np.append(layer.y, layer.y[-1:])
        return ax.plot(x, y, drawstyle="steps-post", **style)
    if isinstance(layer, Level):
        return ax.plot([layer.start, layer.stop], [layer.y, layer.y], linestyle=DASHES, **style)
    if isinstance(layer, Columns):
        return [
            ax.stairs(layer.y, layer.edges, baseline=layer.base, fill=True, color=look.colour, linewidth=0)
        ]
    return ax.plot(
        layer.x, layer.y, clip_on=False, zorder=4 - number / 100 if layer.frames else 3, **_marker(look)
    )


def _marker(look: Look) -> dict[str, Any]:
    """Arguments for a line of which only the markers are seen."""
    stroke = look.marker in ("x", "+")
    edge = look.colour if look.hollow or stroke else "white"
    return {
        "linestyle": "none",
        "marker": look.marker,
        "markersize": look.size,
        "markerfacecolor": "white" if look.hollow else look.colour,
        "markeredgecolor": edge,
        "markeredgewidth": look.width if look.hollow or stroke else 0.4 if look.size > 4 else 0.0,  # noqa: PLR2004
    }


def _entries(panel: Panel) -> list[str]:
    return [layer.legend for layer in panel.layers if layer.legend] + list(panel.notes)


def _legend(ax: Axes, panel: Panel) -> None:
    """What each layer is, to the right of the diagram, where it covers nothing."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - see above
    from matplotlib.patches import Patch  # noqa: PLC0415 - see above

    handles: list[Any] = []
    for layer in panel.layers:
        look = layer.look
        if not layer.legend:
            continue
        if isinstance(layer, Dots):
            handles.append(
                Line2D([], [], label=layer.legend, **_marker(replace(look, size=max(look.size, 5))))
            )
        elif isinstance(layer, Columns):
            handles.append(Patch(color=look.colour, linewidth=0, label=layer.legend))
        elif isinstance(layer, Bars):
            handles.append(
                Line2D(
                    [], [], color=look.colour, linestyle="none", marker="|", markersize=8, label=layer.legend
                )
            )
        else:
            dashes: Any = DASHES if isinstance(layer, Level) else "-"
            handles.append(
                Line2D(
                    [],
                    [],
                    color=look.colour,
                    linewidth=look.width + 0.4,
                    linestyle=dashes,
                    label=layer.legend,
                )
            )
    handles += [Line2D([], [], linestyle="none", label=note) for note in panel.notes]
    if not handles:
        return
    legend = ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.012, 1.0),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        fontsize=8,
        labelcolor=TEXT,
        handlelength=1.6,
        labelspacing=0.45,
    )
    legend.set_in_layout(False)
