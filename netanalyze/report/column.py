"""The kinds of columns a table is made of.

Each gives its values as Python objects for some of its rows, as an array or list for pandas and
polars, as ranks to sort by, and as distinct values with a code for each row, so that a question
about text is asked once per value and not once per row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL, found_in
from netanalyze.model import NULL, address_ranks, format_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.reading import Pool
    from netanalyze.columns import Rows


class Column(ABC):
    """One column of a table; it never changes."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    def whole(self) -> Column:
        """The same column with all its values at hand, of the kind that suits them."""
        return self

    @abstractmethod
    def values(self, rows: Rows = ALL) -> list[Any]:
        """The values of these rows as Python objects, None where there is no value."""

    @abstractmethod
    def ranks(self) -> NDArray[np.int64]:
        """A number for each row that sorts as its value does; ``NULL`` where there is no value."""

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """The values of these rows in a form that pandas and polars take: here, a list."""
        return self.values(rows)

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """The integers of these rows (``NULL``: no value), or places in texts (-1: no value) and these."""
        values = self.values(rows)
        numbers = np.arange(len(values))
        numbers[[value is None for value in values]] = -1
        return numbers, values

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """For each row the index of its value in a list of values, -1 where there is no value."""
        index: dict[Any, int] = {}
        codes = [-1 if value is None else index.setdefault(value, len(index)) for value in self.values()]
        return np.array(codes, np.int64), list(index)


class IntColumn(Column):
    """Integers of 64 bits, ``NULL`` standing for no value."""

    def __init__(self, numbers: NDArray[Any] | Sequence[int]) -> None:
        """Take an array of any integer type."""
        self.numbers: NDArray[np.int64] = np.asarray(numbers).astype(np.int64, copy=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.numbers)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        picked = self.numbers[rows]
        numbers: list[Any] = picked.tolist()
        if (picked == NULL).any():
            return [None if number == NULL else number for number in numbers]
        return numbers

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """See ``Column``; a list only where a value is missing."""
        picked = self.numbers[rows]
        return self.values(rows) if (picked == NULL).any() else picked

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        return self.numbers[rows], None

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        return self.numbers

    def plus(self, other: IntColumn) -> IntColumn:
        """The sum of two columns, with no value where either has none."""
        missing = (self.numbers == NULL) | (other.numbers == NULL)
        return IntColumn(np.where(missing, NULL, self.numbers + other.numbers))


class BoolColumn(Column):
    """True or False in every row."""

    def __init__(self, flags: NDArray[Any] | Sequence[bool]) -> None:
        """Take an array of flags; any number but 0 is True."""
        self.flags: NDArray[np.bool_] = np.asarray(flags).astype(np.bool_, copy=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.flags)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        flags: list[Any] = self.flags[rows].tolist()
        return flags

    def array(self, rows: Rows = ALL) -> NDArray[Any] | list[Any]:
        """See ``Column``."""
        return self.flags[rows]

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        return self.flags[rows].astype(np.int64), [False, True]

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        return self.flags.astype(np.int64)

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        return self.flags.astype(np.int64), [False, True]


class ListColumn(Column):
    """Python objects of any type, None standing for no value."""

    def __init__(self, objects: Iterable[Any]) -> None:
        """Take the values in order."""
        self.objects = list(objects)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.objects)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        if isinstance(rows, slice):
            return self.objects[rows]
        return [self.objects[row] for row in rows.tolist()]

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        ranks = np.full(len(self.objects), NULL, np.int64)
        present = [row for row, value in enumerate(self.objects) if value is not None]
        try:
            present.sort(key=self.objects.__getitem__)
        except TypeError:  # values that do not compare with each other
            present.sort(key=lambda row: str(self.objects[row]))
        rank = -1
        before: Any = None
        for row in present:
            if rank < 0 or self.objects[row] != before:
                rank += 1
                before = self.objects[row]
            ranks[row] = rank
        return ranks


class CodeColumn(Column):
    """A few texts that repeat: a small number for each row, and the text of each number."""

    def __init__(self, codes: NDArray[Any], names: Sequence[str | None]) -> None:
        """Take the number of each row, -1 for no value, and the text of each number."""
        self.codes: NDArray[np.int64] = np.asarray(codes).astype(np.int64)
        self.names = list(names)
        absent = [code for code, name in enumerate(self.names) if name is None]
        if absent:
            self.codes[found_in(self.codes, absent)] = -1

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        names = [*self.names, None]  # where index -1 finds it
        return [names[code] for code in self.codes[rows].tolist()]

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        codes = self.codes[rows]
        if len(self.names) <= len(codes):
            return codes, self.names
        used, places = np.unique(codes, return_inverse=True)
        names = [None if code < 0 else self.names[code] for code in used.tolist()]
        return np.where(codes < 0, -1, places.reshape(-1)), names

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        ordered = sorted({name for name in self.names if name is not None})
        rank_of = {name: rank for rank, name in enumerate(ordered)}
        ranks = [NULL if name is None else rank_of[name] for name in self.names]
        return np.array([*ranks, NULL], np.int64)[self.codes]

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        return self.codes, self.names


class PackedColumn(Column):
    """Texts packed into a few words each; they become text for the rows that are shown."""

    def __init__(self, words: NDArray[Any], texts: Callable[[NDArray[Any]], list[str | None]]) -> None:
        """Take a row of words for each text, all zeros for no value, and what makes text of rows."""
        self.words = np.ascontiguousarray(words)
        self._texts = texts

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.words)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        codes, distinct = self._distinct(rows)
        return [distinct[code] for code in codes.tolist()]

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        codes, distinct = self._distinct(rows)
        absent = np.array([text is None for text in distinct] or [True])
        return (np.where(absent[codes], -1, codes) if len(codes) else codes), distinct

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        codes, distinct = self._distinct(ALL)
        ordered = {text: rank for rank, text in enumerate(sorted(text for text in distinct if text))}
        return np.array([ordered[text] if text else NULL for text in distinct] or [NULL], np.int64)[codes]

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        codes, distinct = self._distinct(ALL)
        absent = np.array([text is None for text in distinct] or [True])
        return np.where(absent[codes], -1, codes), distinct

    def _distinct(self, rows: Rows) -> tuple[NDArray[np.int64], list[str | None]]:
        """Each text made once: the place of each row's in a list of them."""
        picked = self.words[rows]
        if not len(picked):
            return np.zeros(0, np.int64), []
        whole = picked.view([("", picked.dtype)] * picked.shape[1])[:, 0]
        _, first, codes = np.unique(whole, return_index=True, return_inverse=True)
        return codes.reshape(-1).astype(np.int64, copy=False), self._texts(picked[first])


class WordedColumn(Column):
    """Texts by number, which somebody else keeps; they become text for the rows that are shown."""

    def __init__(self, codes: NDArray[Any], words: Callable[[NDArray[Any]], list[str | None]]) -> None:
        """Take the number of each row, 0 for no value, and what makes texts of numbers."""
        self.codes: NDArray[np.int64] = np.asarray(codes).astype(np.int64, copy=False)
        self._words = words

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        picked = self.codes[rows]
        if not picked.any():
            return [None] * len(picked)
        codes, places = np.unique(picked, return_inverse=True)
        texts = self._words(codes)
        return [texts[place] for place in places.reshape(-1).tolist()]

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        picked = self.codes[rows]
        if not picked.any():
            return np.full(len(picked), -1, np.int64), []
        return WordedColumn(picked, self._words).distinct()

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        codes, texts = self.distinct()
        ordered = {
            text: rank for rank, text in enumerate(sorted({text for text in texts if text is not None}))
        }
        ranks = [NULL if text is None else ordered[text] for text in texts]
        return np.array([*ranks, NULL], np.int64)[codes]

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        codes, places = np.unique(self.codes, return_inverse=True)
        texts = self._words(codes)
        absent = np.array([text is None for text in texts] or [True])
        places = places.reshape(-1).astype(np.int64, copy=False)
        return (np.where(absent[places], -1, places) if len(places) else places), texts


class PooledColumn(WordedColumn):
    """Texts that stand in a pool as they are."""

    def __init__(self, codes: NDArray[Any], pool: Pool) -> None:
        """Take the number of each row, 0 for no value, and the pool."""
        super().__init__(codes, pool.words)
        self.pool = pool

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        codes = self.codes[rows]
        return np.where(codes == 0, -1, codes), self.pool


class AddressColumn(Column):
    """IP addresses as numbers; they become text for the rows that are shown."""

    def __init__(self, hi: NDArray[Any], lo: NDArray[Any], version: NDArray[Any]) -> None:
        """Take the two 64-bit halves and the IP version, 0 for no address."""
        self.hi = np.asarray(hi).astype(np.uint64, copy=False)
        self.lo = np.asarray(lo).astype(np.uint64, copy=False)
        self.version = np.asarray(version).astype(np.uint8, copy=False)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lo)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        return format_addresses(self.hi[rows], self.lo[rows], self.version[rows])

    def cells(self, rows: Rows = ALL) -> tuple[NDArray[np.int64], Sequence[Any] | Pool | None]:
        """See ``Column``."""
        return AddressColumn(self.hi[rows], self.lo[rows], self.version[rows]).distinct()

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``."""
        ranks, _ = address_ranks(self.hi, self.lo, self.version)
        return np.where(self.version == 0, NULL, ranks)

    def distinct(self) -> tuple[NDArray[np.int64], list[Any]]:
        """See ``Column``."""
        ranks, rows = address_ranks(self.hi, self.lo, self.version)
        codes = np.where(self.version == 0, -1, ranks)
        return codes, format_addresses(self.hi[rows], self.lo[rows], self.version[rows])

    def inside(self, first: int, last: int, version: int) -> NDArray[np.bool_]:
        """Which addresses lie between two of the same version, both included."""
        low_hi, low_lo = np.uint64(first >> 64), np.uint64(first & _MASK64)
        high_hi, high_lo = np.uint64(last >> 64), np.uint64(last & _MASK64)
        above = (self.hi > low_hi) | ((self.hi == low_hi) & (self.lo >= low_lo))
        below = (self.hi < high_hi) | ((self.hi == high_hi) & (self.lo <= high_lo))
        found: NDArray[np.bool_] = (self.version == version) & above & below
        return found


_MASK64 = (1 << 64) - 1


def column_of(values: Iterable[Any], kind: type) -> Column:
    """The narrowest kind of column that holds these Python values.

    Args:
        values: of one column, None where there is no value.
        kind: what they are: int, bool, or anything else.
    """
    objects = list(values)
    if kind is bool and all(value is not None for value in objects):
        return BoolColumn(np.array(objects, np.bool_))
    if kind is int:
        try:
            return IntColumn(np.array([NULL if value is None else value for value in objects], np.int64))
        except OverflowError:  # beyond 64 bits
            return ListColumn(objects)
    return ListColumn(objects)
