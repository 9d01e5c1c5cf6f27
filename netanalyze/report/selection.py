"""Which rows and columns of the tables were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.report.names import no_such_column
from netanalyze.report.record import find_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netanalyze.report.table import Table


class Selection(Struct, frozen=True):
    """Rows and columns, the same request for every table that has the columns it names.

    Attributes:
        where: conditions, all of which a row has to fulfil.
        sort: columns to sort by, as ``Table.sort`` takes them.
        top: how many rows of each table; 0 for all, None for what the format thinks best.
        streams: numbers of TCP streams or UDP flows; none for all.
        columns: columns to show, in this order; none for all.
    """

    where: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    top: int | None = None
    streams: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for at all."""
        return self != Selection()


def choose(tables: Iterable[Table[Any]], selection: Selection) -> list[Table[Any]]:
    """The tables with the rows and columns asked for.

    A condition or sort column applies to the tables that have the column. Tables without rows do
    as well: asking for a selection of them finds every mistake before an analysis begins.

    Raises:
        UsageError: no table has the column, or a condition makes no sense for it.
    """
    chosen = list(tables)
    if selection.where:
        from netanalyze.report.where import parse_condition  # noqa: PLC0415 - not every run has conditions
    for text in selection.where:
        column = parse_condition(text).column
        having = _having(chosen, column)
        chosen = [table.where(text) if table.name in having else table for table in chosen]
    if selection.streams:
        having = {table.name for table in chosen if _numbered(table)}
        if not having:
            message = f"--stream: {' or '.join(table.name for table in chosen)} has no stream numbers"
            raise UsageError(message)
        chosen = [table.stream(*selection.streams) if table.name in having else table for table in chosen]
    for key in reversed(selection.sort):
        having = _having(chosen, key.removeprefix("+").removeprefix("-"))
        chosen = [table.sort(key) if table.name in having else table for table in chosen]
    if selection.top is not None:
        chosen = [table.top(selection.top) for table in chosen]
    return _select(chosen, selection.columns) if selection.columns else chosen


def _having(tables: Sequence[Table[Any]], column: str) -> set[str]:
    """Names of the tables that have a column."""
    having = {table.name for table in tables if find_field(table.fields, column)}
    if not having:
        raise UsageError(no_such_column(column, {table.name: table.fields for table in tables}))
    return having


def _numbered(table: Table[Any]) -> bool:
    return any(field.name in ("stream", "flow") for field in table.fields)


def _select(tables: Sequence[Table[Any]], columns: Sequence[str]) -> list[Table[Any]]:
    for column in columns:
        _having(tables, column)
    selected = []
    for table in tables:
        names = [column for column in columns if find_field(table.fields, column)]
        if not names:
            message = f"{table.name} has none of the columns {', '.join(columns)}"
            raise UsageError(message)
        selected.append(table.select(*names))
    return selected
