"""SVG written by hand: text that is safe in it, and a document that looks the same everywhere.

A document has its own background and colours, so that a viewer that is dark shows it all the same,
and refers to nothing outside itself.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAPER = "#ffffff"
TEXT = "#333333"
FAINT = "#6e6e6e"
RULE = "#9a9a9a"
FONT = "DejaVu Sans, Verdana, sans-serif"


def safe(text: str) -> str:
    """Text of any origin, as it may stand in an element or an attribute."""
    return escape(printable(text))


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, kind: str = "", *, turned: float = 0) -> str:
    """Words at a place.

    Args:
        x: where; the class decides whether that is the beginning, the middle or the end.
        y: of the line they stand on.
        words: of any origin.
        kind: classes.
        turned: degrees clockwise around the place.
    """
    turn = f' transform="rotate({turned:.2f} {number(x)} {number(y)})"' if turned else ""
    classes = f' class="{kind}"' if kind else ""
    return f'<text x="{number(x)}" y="{number(y)}"{classes}{turn}>{safe(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    begin, end = (f'x{name}="{number(x)}" y{name}="{number(y)}"' for name, x, y in ((1, x1, y1), (2, x2, y2)))
    return f'<line {begin} {end} class="{kind}"/>'


def group(parts: Iterable[str], title: str = "", **attributes: str) -> str:
    """Elements that belong together, with a text that shows when they are pointed at."""
    told = "".join(
        f' {name.replace("_", "-")}="{safe(value)}"' for name, value in attributes.items() if value
    )
    head = f"<title>{safe(title)}</title>" if title else ""
    return f"<g{told}>{head}{''.join(parts)}</g>"


def arrow_head(name: str, colour: str) -> str:
    """A marker for the end of a line, by name."""
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="10" markerHeight="10"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 1 L10 5 L0 9 z" fill="{colour}"/></marker>'
    )


def document(
    width: float, height: float, title: str, style: Mapping[str, str], parts: Iterable[str]
) -> Iterator[str]:
    """A whole document, line by line.

    Args:
        width: of the picture.
        height: of it.
        title: what it shows, of any origin.
        style: declarations by selector.
        parts: the elements.
    """
    size = f'width="{number(width)}" height="{number(height)}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {number(width)} {number(height)}"'
        f' role="img" aria-label="{safe(title)}">'
    )
    yield f"<title>{safe(title)}</title>"
    yield "<style>"
    yield f"text {{ font: 12px {FONT}; fill: {TEXT}; }}"
    for selector, declarations in style.items():
        yield f"{selector} {{ {declarations} }}"
    yield "</style>"
    yield f'<rect {size} fill="{PAPER}"/>'
    yield from parts
    yield "</svg>"
