"""Bytes for people: as text where they are text, else in hexadecimal.

Nothing that comes from the network may act on a terminal: what does not simply show is an escape
(``printable``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
"""Control characters that text does not have; BEL to CR and ESC it may."""

_CUT_CHARACTER = 3
"""A character of UTF-8 that is cut has no more bytes left than this."""
_WIDTH = 16
_SHOWN = bytes(byte if 0x20 <= byte < 0x7F else 0x2E for byte in range(256))  # noqa: PLR2004 - printable ASCII


def text_bytes(data: bytes, *, cut: bool = False) -> int:
    """How many of the first bytes are text (UTF-8 without binary characters).

    A character that is cut off at the end does not make bytes binary.

    Args:
        data: the bytes.
        cut: whether they may begin in the middle of a character.
    """
    found = _BINARY.search(data)
    end = found.start() if found else len(data)
    begin = 0
    while cut and begin < min(_CUT_CHARACTER, end) and data[begin] & 0xC0 == 0x80:  # noqa: PLR2004 - RFC 3629
        begin += 1
    try:
        data[begin:end].decode()
    except UnicodeDecodeError as error:
        place = begin + error.start
        cut = error.reason == "unexpected end of data" and place >= len(data) - _CUT_CHARACTER
        return end if cut and end == len(data) else place
    return end


def payload_lines(
    data: bytes, offset: int, *, as_hex: bool, ascii_only: bool, cut: bool = False
) -> Iterator[str]:
    """The lines that show some bytes.

    Args:
        data: the bytes.
        offset: of the first one, for the lines in hexadecimal.
        as_hex: show text in hexadecimal too.
        ascii_only: keep to ASCII.
        cut: whether the bytes may begin in the middle of a character.
    """
    size = 0 if as_hex else text_bytes(data, cut=cut)
    if size < len(data):
        size = data.rfind(b"\n", 0, size) + 1  # text that ends in the middle of a line is more likely none
    yield from text_lines(data[:size], ascii_only=ascii_only)
    yield from hex_lines(data[size:], offset + size)


def text_lines(data: bytes, *, ascii_only: bool) -> Iterator[str]:
    """Text, line by line; a line that ends in CR LF looks as one that ends in LF."""
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    if lines[-1] == "":
        del lines[-1]
    for line in lines:
        parts = line.removesuffix("\r").split("\t")
        yield "\t".join(printable(part, ascii_only=ascii_only) for part in parts)


def hex_lines(data: bytes, offset: int) -> Iterator[str]:
    """Sixteen bytes a line: offset, hexadecimal, ASCII."""
    for place in range(0, len(data), _WIDTH):
        row = data[place : place + _WIDTH]
        halves = f"{row[: _WIDTH // 2].hex(' ')}  {row[_WIDTH // 2 :].hex(' ')}"
        yield f"{offset + place:08x}  {halves:<48}  |{row.translate(_SHOWN).decode('ascii')}|"
