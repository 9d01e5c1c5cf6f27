"""A picture as the bytes of a file."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from netanalyze.errors import NetanalyzeError, UsageError
from netanalyze.report.plot.draw import DPI, draw
from netanalyze.report.plot.page import page
from netanalyze.report.plot.points import with_points
from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.plot.picture import Plot

Form = Literal["svg", "png", "html"]

FORMS: tuple[Form, ...] = ("svg", "png", "html")
"""What a picture can be written as; also the suffixes of the files."""

_SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib
    "svg.fonttype": "none",  # text that can be searched and copied; DejaVu is wider than what may replace it
    "svg.hashsalt": "netanalyze",  # else identifiers are random
    "text.parse_math": False,  # a dollar sign in a title is a dollar sign
    "path.simplify": False,  # points are thinned already
}


def plot_format(path: str) -> Form:
    """What to write into a file of this name, by its suffix.

    Raises:
        UsageError: it is none that a picture can be written as.
    """
    suffix = PurePath(path).suffix.lower().removeprefix(".")
    for form in FORMS:
        if suffix == form:
            return form
    message = f"{printable(path)}: a plot is written to a file whose name ends in .svg, .png or .html"
    raise UsageError(message)


def render(plot: Plot, form: Form) -> bytes:
    """Draw a picture.

    The same picture gives the same bytes, with one version of matplotlib. In SVG and HTML each
    point tells its frame when it is pointed at.

    Args:
        plot: what to draw.
        form: ``svg``, ``png``, or ``html``: one file that needs nothing else, and shows the picture
            without scripts as well.

    Raises:
        NetanalyzeError: matplotlib finds no folder at all that it may write to.
    """
    with _matplotlib():
        drawing = draw(plot)
        out = BytesIO()
        if form == "png":
            drawing.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
            return out.getvalue()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawing.figure.savefig(out, format="svg", metadata=nothing)
        svg = with_points(out.getvalue().decode(), plot, drawing)
    return (page(svg, plot, drawing) if form == "html" else svg).encode()


@contextmanager
def _matplotlib() -> Iterator[None]:
    """Have matplotlib draw as it is shipped, whatever the user's settings, and say nothing.

    It keeps a list of the fonts there are in the user's cache folder; where there is none that can be
    written, in a temporary one that it removes, which it would announce.
    """
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a title in a script that the font does not have
            try:
                import matplotlib as mpl  # noqa: PLC0415 - half a second, and only pictures need it
                import matplotlib.font_manager  # noqa: PLC0415 - looks for fonts as it is imported
            except OSError:
                message = "a plot needs a folder for temporary files: let TMPDIR name one that can be written"
                raise NetanalyzeError(message) from None
            with mpl.rc_context():
                mpl.rcdefaults()
                mpl.rcParams.update(_SETTINGS)
                yield
    finally:
        logger.setLevel(level)
