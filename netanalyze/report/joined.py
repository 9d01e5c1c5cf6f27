"""A table of rows that are kept as objects and of rows that stand in columns, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from netanalyze.report.made_columns import LazyColumn
from netanalyze.report.record import Record
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.report.column import Column

R = TypeVar("R", bound=Record)


def joined(kept: Sequence[R], table: Table[R], key: str) -> Table[R]:
    """All rows in the order of a column of numbers; columns are made when somebody looks at them.

    Args:
        kept: rows that exist as objects; they must not change meanwhile.
        table: the other rows.
        key: the column to go by; rows without a value come first.
    """
    if not kept:
        return table
    known = [getattr(row, key) for row in kept]
    keys = np.array([-1 if value is None else value for value in known], np.int64)
    order = np.argsort(np.concatenate((keys, table.column(table.field(key)).ranks())), kind="stable")
    columns: dict[str, Column] = {
        field.name: LazyColumn(_Values(kept, table.column(field), field.name, order), field.kind)
        for field in table.fields
    }
    return Table(table.name, table.record, columns)


class _Values(Sequence[Any]):
    """The values of a column, made as they are taken."""

    def __init__(self, kept: Sequence[Record], column: Column, name: str, order: NDArray[np.int64]) -> None:
        self._kept = kept
        self._column = column
        self._name = name
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        values = [getattr(row, self._name) for row in self._kept]
        values += self._column.values()
        return map(values.__getitem__, self._order.tolist())

    @overload
    def __getitem__(self, rows: int) -> Any: ...  # noqa: ANN401 - values of any type

    @overload
    def __getitem__(self, rows: slice) -> list[Any]: ...

    def __getitem__(self, rows: int | slice) -> Any:
        if not isinstance(rows, slice):
            return self[rows : rows + 1][0] if rows >= 0 else self[rows:][0]
        places = self._order[rows]
        ours = places < len(self._kept)
        values: list[Any] = [None] * len(places)
        for place in np.flatnonzero(ours).tolist():
            values[place] = getattr(self._kept[int(places[place])], self._name)
        others = self._column.values(places[~ours] - len(self._kept))
        for place, value in zip(np.flatnonzero(~ours).tolist(), others, strict=True):
            values[place] = value
        return values
