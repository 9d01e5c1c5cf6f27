"""Text that is safe on a terminal, and how wide it is there.

Names and headers come from the network. Control characters could drive the terminal, direction
overrides could make a line read backwards, invisible characters could hide a difference: all of
them are shown as escapes.
"""

from __future__ import annotations

from unicodedata import category, east_asian_width

_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that show nothing although Unicode calls them printable: fillers, blank Braille."""

_ASCII_FORMS = {"…": "..", "µ": "u", "·": "-", "–": "-", "—": "-", "×": "x"}  # noqa: RUF001 - what is replaced
"""What stands for our own typography where only ASCII can be written."""


def printable(text: str, *, ascii_only: bool = False) -> str:
    """The text with everything that does not simply show as one character written as an escape.

    Args:
        text: of any origin.
        ascii_only: write characters outside ASCII as escapes too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _shows(char, ascii_only) else _escape(char) for char in text)


def _shows(char: str, ascii_only: bool) -> bool:  # noqa: FBT001 - private, one caller
    if char.isascii():
        return char.isprintable()
    # Combining marks print onto their neighbour; any number of them may be piled up.
    return not ascii_only and char.isprintable() and category(char)[0] != "M" and char not in _INVISIBLE


def _escape(char: str) -> str:
    code = ord(char)
    simple = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if simple:
        return simple
    if code <= 0xFF:  # noqa: PLR2004 - two hexadecimal digits hold it
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four digits do


def plain(text: str) -> str:
    """Our own text in ASCII: the few other characters it uses have a plain form."""
    if text.isascii():
        return text
    return "".join(_ASCII_FORMS.get(char, char) for char in text)


def char_width(char: str) -> int:
    """Columns that a printable character takes on a terminal: 2 for East Asian wide ones, else 1."""
    return 2 if east_asian_width(char) in ("W", "F") else 1


def width(text: str) -> int:
    """Columns that printable text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(char_width, text))


def shorten(text: str, limit: int, mark: str = "…", *, middle: bool = False) -> str:
    """The text cut to a number of columns, with a mark where something is missing.

    Args:
        text: printable text.
        limit: columns it may take.
        mark: shows that something was cut.
        middle: cut in the middle and keep both ends.
    """
    if width(text) <= limit:
        return text
    mark = mark[: max(0, limit)]
    room = limit - len(mark)
    tail = _take(text[::-1], room // 2)[::-1] if middle else ""
    return _take(text, room - width(tail)) + mark + tail


def _take(text: str, room: int) -> str:
    """As many characters from the front as fit."""
    if text.isascii():
        return text[: max(0, room)]
    used = 0
    for place, char in enumerate(text):
        used += char_width(char)
        if used > room:
            return text[:place]
    return text
