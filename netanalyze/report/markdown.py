"""Markdown: tables to paste into a ticket or a wiki, in human units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from netanalyze.report.cells import cells, header
from netanalyze.report.record import NUMBERS, WIDE
from netanalyze.report.text import MARK, marking, report_notes, title
from netanalyze.report.units import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.report import Report
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$@#!])")
"""Characters that Markdown, or a common dialect of it, would act on."""


def render(report: Report, tables: Sequence[Table[Any]], style: Style) -> Iterator[str]:
    """The tables with a heading each, as lines without line ends."""
    style = marking(report, tables, style)
    for place, table in enumerate(tables):
        if place:
            yield ""
        yield from _table(table, style)
    told = any(table.name == "ledger" for table in tables)
    for note in report_notes(report, replace(style, wide=True), ledger_shown=told):  # a paragraph each
        yield ""
        yield escape(note)


def escape(text: str) -> str:
    """Text that shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def _table(table: Table[Any], style: Style) -> Iterator[str]:
    shown = table if style.rows is None else table[: style.rows]
    yield f"### {title(table)}"
    if not len(shown):
        return
    yield ""
    yield from grid(shown, style)
    if len(shown) < table.matched:
        yield ""
        yield f"{count(len(shown))} of these are shown."


def grid(table: Table[Any], style: Style) -> Iterator[str]:
    """All rows of a table, without a heading."""
    from tabulate import tabulate  # noqa: PLC0415 - slow to import, and JSON does without

    columns = [field for field in table.fields if style.wide or field.show < WIDE] or list(table.fields)
    texts = [
        [escape(text) for text in column] for column in cells(table, columns, ascii_only=style.ascii_only)
    ]
    yield from tabulate(
        list(zip(*texts, strict=True)),
        headers=[header(field) + rf"\{MARK}" * (style.lossy and field.suffers) for field in columns],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["right" if field.unit in NUMBERS else "left" for field in columns],
    ).split("\n")
