"""A table that is about no capture, in the formats that reports have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze._version import VERSION
from netanalyze.report.json_object import SCHEMA_VERSION, encode, lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.style import Style
    from netanalyze.report.table import Table


def render(form: str, table: Table[Any], style: Style) -> Iterator[bytes]:
    """The table in pieces.

    Args:
        form: name of the format (``formats``).
        table: what to show.
        style: how to show it.
    """
    if form == "json":
        head = encode({"schema": SCHEMA_VERSION, "generator": f"netanalyze {VERSION}"})
        rows = lines(list(table))[:-1].replace(b"\n{", b",\n{")
        yield visible(head[:-1]) + f',\n"{table.name}":[\n'.encode() + rows + b"\n]}\n"
    elif form == "jsonl":
        yield lines(list(table))
    elif form == "csv":
        from netanalyze.report import csv_table  # noqa: PLC0415 - one format of several

        yield from csv_table.render([table], terminal=style.terminal)
    else:
        for line in _text(form, table, style):
            yield f"{line}\n".encode("utf-8", "backslashreplace")


def _text(form: str, table: Table[Any], style: Style) -> Iterator[str]:
    if form == "markdown":
        from netanalyze.report import markdown  # noqa: PLC0415 - one format of several

        return markdown.grid(table, style)
    from netanalyze.report import text  # noqa: PLC0415 - one format of several

    return iter(text.draw(table, table.fields, style).lines)
