"""Columns that are made when somebody looks at their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.columns import ALL
from netanalyze.report.column import Column, column_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.apps.reading import Pool
    from netanalyze.columns import Rows


FEW_ROWS = 1024
"""All rows of a table of so few are computed at once: to begin takes longer than to go on."""


class Computed:
    """Columns that are computed for the rows that are asked for, all of them at a time.

    For tables of many columns and many rows, of which mostly a few are looked at.
    """

    def __init__(self, length: int, compute: Callable[[Rows], Mapping[str, NDArray[Any]]]) -> None:
        """Take the number of rows, and what makes the columns of some of them, by name."""
        self.length = length
        self._compute = compute
        self._rows: Rows | None = None
        self._found: Mapping[str, NDArray[Any]] = {}

    def of(self, rows: Rows) -> Mapping[str, NDArray[Any]]:
        """The columns of these rows; those asked for last are remembered."""
        same = rows is self._rows or (
            isinstance(rows, slice) and isinstance(self._rows, slice) and rows == self._rows
        )
        if not same:
            self._found = self._compute(rows)
            self._rows = rows
        return self._found


class ComputedColumn(Column):
    """One of several columns that are computed together."""

    def __init__(
        self, computed: Computed, name: str, column: Callable[[Mapping[str, NDArray[Any]], str], Column]
    ) -> None:
        """Take the columns, the name of this one, and what makes a column of its arrays."""
        self._computed = computed
        self._name = name
        self._column = column
        self._few: Column | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return self._computed.length

    def _of(self, rows: Rows) -> tuple[Column, Rows]:
        """A column in which these rows are, and where."""
        if self._computed.length > FEW_ROWS:
            return self._column(self._computed.of(rows), self._name), ALL
        if self._few is None:
            self._few = self._column(self._computed.of(ALL), self._name)
        return self._few, rows

    def whole(self) -> Column:
        """See ``Column``."""
        column, _ = self._of(ALL)
        return column.whole()

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        column, places = self._of(rows)
        return column.values(places)

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """See ``Column``."""
        column, places = self._of(rows)
        return column.array(places)

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        column, places = self._of(rows)
        return column.cells(places)

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        return self.whole().ranks()

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        return self.whole().distinct()


class LazyColumn(Column):
    """Python objects that are made when somebody looks at them, None standing for no value."""

    def __init__(self, values: Sequence[Any], kind: type) -> None:
        """Take a sequence whose elements are made as they are taken, and what they are: see ``column_of``."""
        self._values = values
        self._kind = kind
        self._whole: Column | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._values)

    def whole(self) -> Column:
        """See ``Column``."""
        if self._whole is None:
            self._whole = column_of(self._values, self._kind)
        return self._whole

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        if self._whole is not None:
            return self._whole.values(rows)
        if isinstance(rows, slice):
            return list(self._values[rows])
        return [self._values[row] for row in rows.tolist()]

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """See ``Column``."""
        return self.whole().array(rows)

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        return self.whole().ranks()

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        return self.whole().distinct()
