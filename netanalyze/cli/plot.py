"""``--plot``: a picture of one connection in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.cli.output import open_output
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.report.plot.render import Form
    from netanalyze.report.report import Report


def draw_stream(report: Report, number: int, path: str, form: Form, inputs: Sequence[str]) -> None:
    """Draw a stream into a file.

    Args:
        report: with the tables ``streams`` and ``windows``.
        number: of the stream.
        path: of the file.
        form: svg, png or html.
        inputs: files that must not be overwritten.

    Raises:
        UsageError: there is no such stream, or the file cannot be there.
        NetanalyzeError: it cannot be drawn or written.
    """
    from netanalyze.report.overview import ends  # noqa: PLC0415 - help answers faster without
    from netanalyze.report.plot import plot_windows, render  # noqa: PLC0415 - the same

    rows = list(report["streams"].stream(number))
    if not rows:
        message = f"no stream {number}: --report streams lists {len(report['streams'])}, numbered from 0"
        raise UsageError(message)
    client, server, app = ends(rows[0])
    title = f"Stream {number}: {client} → {server}" + (f", {app}" if app else "")
    picture = plot_windows(report["windows"].stream(number), title)
    with open_output(path, inputs) as out:
        out.write([render(picture, form)])
