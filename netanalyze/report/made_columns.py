"""Columns that are made when somebody looks at their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.report.column import ALL, Column, column_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.apps.reading import Pool
    from netanalyze.report.column import Rows


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

    def __len__(self) -> int:
        """Number of rows."""
        return self._computed.length

    def _of(self, rows: Rows) -> Column:
        return self._column(self._computed.of(rows), self._name)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        return self._of(rows).values()

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """See ``Column``."""
        return self._of(rows).array()

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        return self._of(rows).cells()

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        return self._of(ALL).ranks()

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        return self._of(ALL).distinct()


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
