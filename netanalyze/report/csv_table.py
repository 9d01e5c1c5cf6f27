"""CSV: one table, for spreadsheets and databases.

A header line, then a line for each row; fields are quoted where RFC 4180 section 2 asks for it.
No value leaves an empty field. The values are true to the capture: a text that a spreadsheet would
take for a formula stays what it is, so text columns of a capture from strangers are best imported
as text.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from netanalyze.errors import UsageError
from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.table import Table


_LINE_END = "\r\n"


def render(tables: Sequence[Table[Any]], *, terminal: bool = False) -> Iterator[bytes]:
    """The table in pieces, UTF-8.

    Args:
        tables: exactly one.
        terminal: control characters are written as escapes, for the sake of the terminal.

    Raises:
        UsageError: there are several tables.
    """
    check_one([table.name for table in tables])
    table = tables[0]
    yield _lines([[field.name for field in table.fields]])
    for chunk in table.value_chunks():
        columns = [
            _texts(values, truth=field.kind is bool, terminal=terminal)
            for field, values in zip(table.fields, chunk, strict=True)
        ]
        yield _lines(zip(*columns, strict=True))


def check_one(names: Sequence[str]) -> None:
    """CSV has no place for a second table.

    Raises:
        UsageError: there is one.
    """
    if len(names) != 1:
        message = f"csv holds one table: choose one of {', '.join(names)} with --report"
        raise UsageError(message)


def _texts(values: list[Any], *, truth: bool, terminal: bool) -> list[Any]:
    if truth:
        return [value if value is None else str(value).lower() for value in values]
    if terminal:
        return [printable(value) if isinstance(value, str) else value for value in values]
    return values


class _Lines(list[str]):
    """Takes a row at a time from ``csv.writer`` and cuts its line end off."""

    def write(self, row: str) -> None:
        """Keep a row."""
        self.append(row.removesuffix(_LINE_END))


def _lines(rows: Any) -> bytes:  # noqa: ANN401 - what csv.writer takes
    lines = _Lines()
    # The writer quotes what is in its line end, and a carriage return alone has to be quoted too.
    csv.writer(lines, lineterminator=_LINE_END).writerows(rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
