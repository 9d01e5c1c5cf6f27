"""How a report is to be shown."""

from __future__ import annotations

from msgspec import Struct

TEXT_WIDTH = 120
"""Columns of text output at most, unless every column is asked for."""

TEXT_ROWS = 50
"""Rows of a table that text output shows unless told otherwise."""


class Style(Struct, frozen=True):
    """How to show tables.

    Attributes:
        width: columns that a line of text may take.
        wide: show every column, however wide the lines get.
        rows: rows of each table in text at most, None for all.
        ascii_only: keep text to ASCII.
        terminal: whether it goes straight to a terminal.
        hints: whether text may say which options show more.
        verbose: whether findings come with what proves them.
        lossy: whether figures are marked that packets lost while capturing make uncertain.
    """

    width: int = TEXT_WIDTH
    wide: bool = False
    rows: int | None = TEXT_ROWS
    ascii_only: bool = False
    terminal: bool = False
    hints: bool = True
    verbose: bool = False
    lossy: bool = False
