"""JSON Lines: every row an object on its own line, with the name of its table first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.report.json_kernel import COMPILED
from netanalyze.report.json_object import lines, with_ledger
from netanalyze.report.json_rows import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.record import Record
    from netanalyze.report.report import Report
    from netanalyze.report.table import Table


def render(report: Report, tables: Sequence[Table[Any]]) -> Iterator[bytes]:
    """The lines of one table after the other, in pieces, UTF-8."""
    for table in with_ledger(report, tables):
        if COMPILED:
            yield from pieces(table, f'{{"table":"{table.name}",'.encode(), b"}\n")
            continue
        for rows in table.chunks():
            yield table_lines(table.name, rows)


def table_lines(name: str, rows: Sequence[Record]) -> bytes:
    """Some rows of a table, one at least, as lines."""
    start = f'{{"table":"{name}",'.encode()
    return start + lines(rows)[1:].replace(b"\n{", b"\n" + start)
