"""Tables as rules see them: columns of numbers, texts only for the rows that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from msgspec import Struct

from netanalyze.columns import found_in, time_added
from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray


T = TypeVar("T")


class ColumnLike(Protocol):
    """A column of a table."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def values(self, rows: Any = ...) -> list[Any]:  # noqa: ANN401 - a slice or an array of rows
        """The values of these rows, None where there is none."""
        ...

    def ranks(self) -> NDArray[np.int64]:
        """Integers as they are, anything else as a number that sorts like it; ``NULL`` for no value."""
        ...

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """For each row the place of its value in a list of values, -1 where there is none."""
        ...


class TableLike(Protocol):
    """A table whose columns can be asked for by name."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def field(self, name: str) -> Any:  # noqa: ANN401 - only handed on to ``column``
        """What the column of this name is."""
        ...

    def column(self, field: Any) -> Any:  # noqa: ANN401 - a ``ColumnLike``
        """The data of a column."""
        ...


class Group(Struct, frozen=True):
    """Rows that belong together.

    Attributes:
        key: the value of each column that they were grouped by.
        rows: places of the rows, ascending.
    """

    key: tuple[Any, ...]
    rows: NDArray[np.int64]


class Rows:
    """The columns of one table."""

    def __init__(self, table: TableLike) -> None:
        """The table they are of."""
        self._table = table
        self._numbers: dict[str, NDArray[np.int64]] = {}
        self._codes: dict[str, tuple[NDArray[np.int64], list[Any]]] = {}

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._table)

    def _column(self, name: str) -> ColumnLike:
        column: ColumnLike = self._table.column(self._table.field(name))
        return column

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of integers or flags, ``NULL`` where there is no value."""
        if name not in self._numbers:
            self._numbers[name] = self._column(name).ranks()
        return self._numbers[name]

    @property
    def servers(self) -> NDArray[np.int64]:
        """1 for each row whose column ``sender`` says server, else 0."""
        return self.among("sender", "server").astype(np.int64)

    def amounts(self, name: str) -> NDArray[np.int64]:
        """A column of integers, 0 where there is no value."""
        numbers = self.numbers(name)
        return np.where(numbers == NULL, 0, numbers)

    def known(self, name: str) -> NDArray[np.bool_]:
        """Which rows have a value in a column of integers."""
        found: NDArray[np.bool_] = self.numbers(name) != NULL
        return found

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[Any]]:
        """For each row the place of its value in a list of values, -1 where there is none."""
        if name not in self._codes:
            self._codes[name] = self._column(name).distinct()
        return self._codes[name]

    def among(self, name: str, *values: object) -> NDArray[np.bool_]:
        """Which rows have one of these values; None stands for no value."""
        codes, names = self.codes(name)
        places = [place for place, value in enumerate(names) if value in values]
        if None in values:
            places.append(-1)
        found: NDArray[np.bool_] = found_in(codes, places)
        return found

    def matching(self, name: str, part: str) -> NDArray[np.bool_]:
        """Which rows have a text in a column that contains this."""
        codes, names = self.codes(name)
        places = [place for place, value in enumerate(names) if value is not None and part in value]
        found: NDArray[np.bool_] = found_in(codes, places)
        return found

    def pick(self, name: str, rows: NDArray[np.int64] | list[int]) -> list[Any]:
        """The values of some rows, None where there is none."""
        return self._column(name).values(np.asarray(rows, np.int64))

    def one(self, name: str, row: int) -> Any:  # noqa: ANN401 - of any type
        """The value of one row."""
        return self.pick(name, [int(row)])[0]

    def groups(self, rows: NDArray[Any], *names: str) -> Iterator[Group]:
        """Some of the rows, put together that have the same values in these columns.

        Args:
            rows: their places, or a flag for each row of the table.
            names: columns to go by.
        """
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, np.int64)
        if not len(places):
            return
        keys = np.stack([self.codes(name)[0][places] for name in names])
        for some in grouped(keys):
            picked = places[some]
            codes = [(self.codes(name)[0][picked[0]], self.codes(name)[1]) for name in names]
            yield Group(tuple(values[code] if code >= 0 else None for code, values in codes), picked)


def grouped(keys: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Places of the columns of an array, put together that are alike; each ascending."""
    if keys.ndim == 1:
        keys = keys[np.newaxis]
    if not keys.shape[1]:
        return []
    order = np.lexsort(keys[::-1])
    ordered = keys[:, order]
    changes = np.flatnonzero((ordered[:, 1:] != ordered[:, :-1]).any(axis=0)) + 1
    return [np.asarray(part, np.int64) for part in np.split(order, changes)]


class Facts:
    """The tables there are."""

    def __init__(self, tables: Mapping[str, TableLike]) -> None:
        """Take the tables by name."""
        self._tables = tables
        self._rows: dict[str, Rows] = {}
        self._shared: dict[str, Any] = {}

    def shared(self, name: str, make: Callable[[Facts], T]) -> T:
        """Something that several rules work out of the tables; made once."""
        if name not in self._shared:
            self._shared[name] = make(self)
        made: T = self._shared[name]
        return made

    def __contains__(self, name: str) -> bool:
        """Whether a table was made."""
        return name in self._tables

    def __getitem__(self, name: str) -> Rows:
        """The columns of a table."""
        if name not in self._rows:
            self._rows[name] = Rows(self._tables[name])
        return self._rows[name]


def time_covered(group: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """How long at least one of some intervals lasted, added up over groups.

    Args:
        group: to which each belongs; intervals of different groups are added, those of one overlap.
        start: when each began, in ns.
        end: when it ended, in ns.
    """
    return int(time_added(group, start, end).sum())
