"""The output formats there are, and which one a file name means."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.report.names import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.report import Report
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table


class Format(Struct, frozen=True):
    """An output format.

    Attributes:
        name: as users write it.
        suffixes: of file names that mean it.
        description: one line about it.
    """

    name: str
    suffixes: tuple[str, ...]
    description: str


FORMATS = (
    Format("table", (".txt",), "Text for people, in lines that fit the terminal"),
    Format("json", (".json",), "One JSON object with every row of every table"),
    Format("jsonl", (".jsonl", ".ndjson"), "One JSON object a line, each with the name of its table"),
    Format("csv", (".csv",), "Comma-separated values of one table"),
    Format("markdown", (".md",), "Markdown tables to paste into a ticket"),
)
"""Every format."""

PEOPLE = frozenset({"table", "markdown"})
"""Formats in which an overview stands for tables that nobody chose."""

FORMAT_NAMES = tuple(form.name for form in FORMATS)


def format_named(name: str) -> str:
    """Check the name of a format.

    Raises:
        UsageError: there is no such format.
    """
    if name not in FORMAT_NAMES:
        raise UsageError(unknown("format", name, FORMAT_NAMES))
    return name


def format_of_file(path: str) -> str:
    """The format that the suffix of a file name means.

    Raises:
        UsageError: it means none.
    """
    suffix = PurePath(path).suffix.lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form.name
    known = ", ".join(suffix for form in FORMATS for suffix in form.suffixes)
    message = f"the name {path!r} does not tell the format: end it in one of {known}, or add --format"
    raise UsageError(message)


def render(name: str, report: Report, tables: Sequence[Table[Any]] | None, style: Style) -> Iterator[bytes]:
    """A report in a format, in pieces.

    Args:
        name: of the format.
        report: what it is about.
        tables: the tables to show, or None if nobody chose any: then text and Markdown give the
            overview, the others every table.
        style: how to show it.

    Raises:
        UsageError: the format cannot hold these tables.
    """
    shown = list(report.values()) if tables is None else tables
    if name == "json":
        from netanalyze.report import json_object  # noqa: PLC0415 - one format of several

        return json_object.render(report, shown)
    if name == "jsonl":
        from netanalyze.report import json_lines  # noqa: PLC0415 - one format of several

        return json_lines.render(report, shown)
    if name == "csv":
        from netanalyze.report import csv_table  # noqa: PLC0415 - one format of several

        return csv_table.render(shown, terminal=style.terminal)
    return _encoded(_text(name, report, tables, style))


def _text(name: str, report: Report, tables: Sequence[Table[Any]] | None, style: Style) -> Iterator[str]:
    if tables is None:
        from netanalyze.report import overview  # noqa: PLC0415 - one format of several

        # Four spaces make a block of Markdown that shows as it is.
        indent = "    " if name == "markdown" else ""
        return (f"{indent}{line}" if line else "" for line in overview.render(report, style))
    if name == "markdown":
        from netanalyze.report import markdown  # noqa: PLC0415 - one format of several

        return markdown.render(report, tables, style)
    from netanalyze.report import text  # noqa: PLC0415 - one format of several

    return text.render(report, tables, style)


def _encoded(lines: Iterator[str]) -> Iterator[bytes]:
    for line in lines:
        yield line.encode("utf-8", "backslashreplace") + b"\n"
