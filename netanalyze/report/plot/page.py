"""A picture in a web page of its own: the SVG, and a script that names the nearest point and zooms."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from netanalyze.report.plot.points import POINTS_AN_INCH

if TYPE_CHECKING:
    from netanalyze.report.plot.draw import Drawing
    from netanalyze.report.plot.picture import Plot

_STYLE = """
body { margin: 1em auto; max-width: 1250px; background: #fff; color: #333; font: 14px sans-serif; }
svg { width: 100%; height: auto; display: block; user-select: none; }
#tip { position: fixed; display: none; padding: 3px 8px; background: #222; color: #fff; border-radius: 3px;
  font-size: 13px; pointer-events: none; max-width: 40em; }
#help { color: #777; font-size: 12px; margin: 0 0 0 8%; }
"""
_HELP = "Point at anything for its frame. Wheel: zoom in time. Drag: move. Double click: all of it again."


def page(svg: str, plot: Plot, drawing: Drawing) -> str:
    """One HTML file that loads nothing.

    Args:
        svg: the picture with its points.
        plot: what it shows.
        drawing: where its panels lie.
    """
    width, height = drawing.figure.get_size_inches() * POINTS_AN_INCH
    facts = {
        "start": plot.start,
        "stop": plot.stop,
        "panels": [
            [
                round(left * width, 2),
                round(top * height, 2),
                round(right * width, 2),
                round(bottom * height, 2),
            ]
            for left, top, right, bottom in drawing.boxes
        ],
        "times": plot.frame_times.tolist(),
        "frames": plot.frames.tolist(),
    }
    data = json.dumps(facts, separators=(",", ":"))  # numbers only: nothing in it ends the element
    script = resources.files("netanalyze.report.plot").joinpath("page.js").read_text(encoding="utf-8")
    picture = svg[svg.index("<svg ") :]
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<title>{escape(plot.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{picture}
<p id="help" hidden>{_HELP}</p>
<div id="tip"></div>
<script type="application/json" id="facts">{data}</script>
<script>
{script}</script>
</body>
</html>
"""
