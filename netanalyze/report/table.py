"""A table: named columns, and rows made of them when somebody asks.

Filtering, sorting and taking work on the columns and give a new table that shares them, so that
the first twenty of a million connections cost twenty records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from netanalyze.columns import ALL, found_in
from netanalyze.errors import UsageError
from netanalyze.model import NULL
from netanalyze.report.column import Column, IntColumn, ListColumn, column_of
from netanalyze.report.names import no_such_column
from netanalyze.report.record import QUANTITIES, Field, Record, fields, find_field, select_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.reading import Pool
    from netanalyze.columns import Rows

R = TypeVar("R", bound=Record)

CHUNK_ROWS = 4_096
"""Rows that exist as Python objects at a time while a whole table is gone through."""

_NOTEBOOK_ROWS = 20


class Table(Generic[R]):
    """A named table whose rows are records of one type.

    Iterating gives records, indexing gives one, a slice is a table again.

    Attributes:
        name: of the table, as in reports.
        record: type of its rows; its fields are the columns.
        total: rows before anything was selected.
        matched: rows that fulfil the conditions, before the first ones were taken.
        ordered: whether the rows were sorted.
    """

    def __init__(self, name: str, record: type[R], columns: Mapping[str, Column]) -> None:
        """A table over these columns, which must be the record's fields, all of one length."""
        if tuple(columns) != record.__struct_fields__:
            message = f"columns of table {name} are {tuple(columns)}, not {record.__struct_fields__}"
            raise ValueError(message)
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            message = f"columns of table {name} differ in length"
            raise ValueError(message)
        self.name = name
        self.record = record
        self.total = lengths.pop() if lengths else 0
        self.matched = self.total
        self.ordered = False
        self._columns = dict(columns)
        self._rows: NDArray[np.int64] | None = None  # None: all of them, in their order

    @classmethod
    def from_rows(cls, name: str, record: type[R], rows: Iterable[R]) -> Table[R]:
        """A table of rows that exist as objects."""
        objects = list(rows)
        return cls(
            name,
            record,
            {
                field.name: column_of((getattr(row, field.name) for row in objects), field.kind)
                for field in fields(record)
            },
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        """What each column is."""
        return fields(self.record)

    @property
    def columns(self) -> dict[str, NDArray[Any] | list[Any]]:
        """The data by column, for ``pandas.DataFrame(...)`` or ``polars.DataFrame(...)``.

        Numbers and flags are numpy arrays; texts, and numbers of which some are missing, are lists.
        Polars keeps the latter as integers; pandas makes floats of them, exact up to 2**53.
        """
        rows = self._selection()
        return {name: column.array(rows) for name, column in self._columns.items()}

    def __len__(self) -> int:
        """Number of rows."""
        return self.total if self._rows is None else len(self._rows)

    def __iter__(self) -> Iterator[R]:
        """The rows, made as they are asked for."""
        for chunk in self.chunks():
            yield from chunk

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> Table[R]: ...

    def __getitem__(self, index: int | slice) -> R | Table[R]:
        """One row, or the table of some of them."""
        if isinstance(index, slice):
            return self._with_rows(self._indices()[index], self.matched)
        place = range(len(self))[index]
        row = place if self._rows is None else int(self._rows[place])
        return self._records(slice(row, row + 1))[0]

    def replaced(self, change: Callable[[Field, Column], Column]) -> Table[R]:
        """The same rows with other columns in the place of some, of the same length."""
        columns = {field.name: change(field, self._columns[field.name]) for field in self.fields}
        other: Table[R] = Table(self.name, self.record, columns)
        other.total, other.matched, other.ordered = self.total, self.matched, self.ordered
        other._rows = self._rows
        return other

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[list[R]]:
        """All rows, some at a time."""
        for rows in self._chunks(size):
            yield self._records(rows)

    def value_chunks(self, size: int = CHUNK_ROWS) -> Iterator[list[list[Any]]]:
        """All rows, some at a time, as one list of values for each column."""
        for rows in self._chunks(size):
            yield [column.values(rows) for column in self._columns.values()]

    def cell_chunks(
        self, size: int = CHUNK_ROWS
    ) -> Iterator[list[tuple[NDArray[np.int64], Sequence[Any] | Pool | None]]]:
        """All rows, some at a time, as ``Column.cells`` of each column."""
        for rows in self._chunks(size):
            yield [column.cells(rows) for column in self._columns.values()]

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [
            dict(zip(self._columns, row, strict=True))
            for chunk in self.value_chunks()
            for row in zip(*chunk, strict=True)
        ]

    def column(self, field: Field) -> Column:
        """The data of a column for all rows, selected or not; for a sum, the sum."""
        parts = [self._columns[name].whole() for name in field.parts]
        if len(parts) == 1:
            return parts[0]
        first, second = parts
        if isinstance(first, IntColumn) and isinstance(second, IntColumn):
            return first.plus(second)
        pairs = zip(first.values(), second.values(), strict=True)
        return ListColumn([None if a is None or b is None else a + b for a, b in pairs])

    def field(self, name: str) -> Field:
        """The column of this name.

        Raises:
            UsageError: there is none; the message names the ones there are.
        """
        found = find_field(self.fields, name)
        if found is None:
            raise UsageError(no_such_column(name, {self.name: self.fields}))
        return found

    def where(self, *conditions: str) -> Table[R]:
        """The rows that fulfil every condition, as ``app=http`` or ``duration>1.5s``.

        Raises:
            UsageError: a condition that makes no sense for this table.
        """
        from netanalyze.report.where import parse_condition  # noqa: PLC0415 - not every run has conditions

        keep = np.ones(self.total, np.bool_)
        for text in conditions:
            condition = parse_condition(text)
            field = self.field(condition.column)
            keep &= condition.test(field)(self.column(field))
        rows = self._indices()
        rows = rows[keep[rows]]
        return self._with_rows(rows, len(rows))

    def stream(self, *numbers: int) -> Table[R]:
        """The rows of these streams or flows.

        Raises:
            UsageError: the table is not about streams or flows.
        """
        field = find_field(self.fields, "stream") or find_field(self.fields, "flow")
        if field is None:
            message = f"{self.name} has no stream or flow numbers"
            raise UsageError(message)
        wanted = [number for number in numbers if abs(number) < -NULL]
        keep = found_in(self.column(field).ranks(), np.array(wanted, np.int64))
        rows = self._indices()
        rows = rows[keep[rows]]
        return self._with_rows(rows, len(rows))

    def sort(self, *keys: str) -> Table[R]:
        """The rows in another order; rows without the value stand last.

        Args:
            *keys: column names, the most important first. Amounts (bytes, counts, durations)
                sort biggest first, all else smallest first; ``+`` before the name asks for
                smallest first and ``-`` for biggest first.

        Raises:
            UsageError: there is no such column.
        """
        rows = self._indices()
        for key in reversed(keys):
            field = self.field(key.removeprefix("+").removeprefix("-"))
            downwards = key.startswith("-") or (not key.startswith("+") and field.unit in QUANTITIES)
            ranks = self.column(field).ranks()[rows]
            # NULL is the smallest number: it comes last when inverting the bits turns the order round
            # (which cannot overflow), and first otherwise.
            order = np.argsort(~ranks if downwards else ranks, kind="stable")
            if not downwards:
                order = np.roll(order, -np.count_nonzero(ranks == NULL))
            rows = rows[order]
        table = self._with_rows(rows, self.matched)
        table.ordered = self.ordered or bool(keys)
        return table

    def top(self, count: int, by: str | None = None) -> Table[R]:
        """The first rows, after sorting by a column if one is given; 0 takes all.

        Raises:
            UsageError: there is no such column, or the number is negative.
        """
        if count < 0:
            message = f"top takes a number of rows, not {count}"
            raise UsageError(message)
        ordered = self if by is None else self.sort(by)
        return ordered if count == 0 else ordered[:count]

    def at(self, rows: NDArray[np.int64]) -> Table[R]:
        """The rows in these places, whatever was selected before."""
        return self._with_rows(rows, len(rows))

    def select(self, *names: str) -> Table[Any]:
        """The same rows with these columns only, in this order.

        Raises:
            UsageError: there is no such column, or it is a sum of two.
        """
        chosen = dict.fromkeys(self.field(name) for name in names)
        sums = [field.name for field in chosen if len(field.parts) > 1]
        if sums:
            raise UsageError(no_such_column(sums[0], {self.name: self.fields}))
        record = select_type(self.record, [field.name for field in chosen])
        table = Table(self.name, record, {field.name: self._columns[field.name] for field in chosen})
        table._rows = self._rows
        table.matched = self.matched
        table.ordered = self.ordered
        return table

    def __repr__(self) -> str:
        """One line."""
        return f"<Table {self.name}: {len(self)} rows, {len(self._columns)} columns>"

    def _repr_html_(self) -> str:
        """The first rows with all columns, for notebooks."""
        from html import escape  # noqa: PLC0415 - only notebooks need it

        from netanalyze.report.cells import cells, header  # noqa: PLC0415 - only notebooks need it

        shown = self[:_NOTEBOOK_ROWS]
        head = "".join(f"<th>{escape(header(field))}</th>" for field in self.fields)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in zip(*cells(shown, shown.fields), strict=True)
        )
        note = escape(f"{self.name}: {len(shown)} of {len(self)} rows")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{note}</p>"

    def _selection(self) -> Rows:
        return ALL if self._rows is None else self._rows

    def _indices(self) -> NDArray[np.int64]:
        return np.arange(self.total) if self._rows is None else self._rows

    def _chunks(self, size: int) -> Iterator[Rows]:
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield rows if self._rows is None else self._rows[rows]

    def _records(self, rows: Rows) -> list[R]:
        return list(map(self.record, *(column.values(rows) for column in self._columns.values())))

    def _with_rows(self, rows: NDArray[np.int64], matched: int) -> Table[R]:
        table = Table(self.name, self.record, self._columns)
        table._rows = rows
        table.matched = matched
        table.ordered = self.ordered
        return table
