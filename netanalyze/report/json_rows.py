"""The rows of a table as JSON, column by column: texts are encoded once for each of them, not for each row.

What is the same in all rows of a stretch is part of the text between the values of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.reading import Pool
from netanalyze.columns import view_of
from netanalyze.model import NULL
from netanalyze.report.json_kernel import write_rows
from netanalyze.report.json_object import encode, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from netanalyze.report.table import Table

_ROWS = 1 << 14
"""Rows that are encoded at a time."""
_OUT_BYTES = 1 << 18
"""What is handed over at a time: little enough to stay in a cache."""


_NUMBER, _TEXT, _POOLED = range(3)
_NO_POOL = tuple(view_of(np.zeros(0, kind)) for kind in (np.uint8, np.int64, np.int64))


class _Texts:
    """Values as JSON, one after the other."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def add(self, values: Sequence[Any]) -> int:
        """Take the values of a column; returns the number of the first."""
        first = len(self.parts)
        self.parts += [encode(value) for value in values]
        return first

    def arrays(self) -> tuple[memoryview, NDArray[np.int64]]:
        """The bytes, and where each of them ends."""
        parts = self.parts
        joined = b"".join(parts)
        if not joined.isascii() or b"\x7f" in joined:
            parts = [visible(part) for part in parts]
            joined = b"".join(parts)
        return memoryview(joined), np.cumsum(list(map(len, parts)), dtype=np.int64)


def pieces(table: Table[Any], start: bytes, end: bytes) -> Iterator[bytes]:
    """All rows, some at a time.

    Args:
        table: the table.
        start: what stands before the first column of a row.
        end: what stands behind the last one.
    """
    out = np.empty(_OUT_BYTES, np.uint8)
    for columns in table.cell_chunks(_ROWS):
        between, is_text, cells, texts, text_ends, pool = _prepared(table, columns, start, end)
        reached = view_of(np.zeros(2, np.int64))
        first, count = 0, len(columns[0][0])
        ends = np.cumsum([len(part) for part in between], dtype=np.int64)
        joined = memoryview(b"".join(between))
        while first < count:
            arguments = (
                first, joined, view_of(ends), view_of(is_text), view_of(cells), texts, view_of(text_ends),
                *pool, view_of(out), reached,
            )  # fmt: skip
            write_rows(*arguments)
            if reached[0] == first:  # not even one fits
                out = np.empty(2 * len(out), np.uint8)
                continue
            yield out[: reached[1]].tobytes()
            first = reached[0]


def _prepared(
    table: Table[Any],
    columns: Sequence[tuple[NDArray[np.int64], Sequence[Any] | Pool | None]],
    start: bytes,
    end: bytes,
) -> tuple[
    list[bytes], NDArray[np.uint8], NDArray[np.int64], memoryview, NDArray[np.int64], tuple[memoryview, ...]
]:
    """The arguments of the kernel for a stretch of rows."""
    texts = _Texts()
    between, kept, is_text = [], [], []
    pool: Pool | None = None
    text = start
    comma = b""
    for field, (numbers, values) in zip(table.fields, columns, strict=True):
        text += comma + encode(field.name) + b":"
        comma = b","
        if (numbers == numbers[0]).all():
            text += _constant(int(numbers[0]), values)
            continue
        between.append(text)
        text = b""
        if isinstance(values, Pool) and pool in (None, values):
            pool = values
            kind = _POOLED
        elif values is not None:
            if isinstance(values, Pool):
                numbers, values = _listed(numbers, values)  # noqa: PLW2901 - of another pool
            first = texts.add(values)
            numbers = np.where(numbers < 0, -1, numbers + first)  # noqa: PLW2901 - numbers of all texts
            kind = _TEXT
        else:
            kind = _NUMBER
        kept.append(numbers)
        is_text.append(kind)
    between.append(text + end)
    cells = np.array(kept, np.int64) if kept else np.zeros((0, len(columns[0][0])), np.int64)
    views = _NO_POOL if pool is None else (view_of(pool.data), view_of(pool.start), view_of(pool.length))
    return between, np.array(is_text, np.uint8), cells, *texts.arrays(), views


def _listed(numbers: NDArray[np.int64], pool: Pool) -> tuple[NDArray[np.int64], list[Any]]:
    """Texts of a pool as those of a list."""
    return np.where(numbers < 0, -1, np.arange(len(numbers))), pool.words(np.maximum(numbers, 0))


def _constant(number: int, values: Sequence[Any] | Pool | None) -> bytes:
    if values is None:
        return b"null" if number == NULL else b"%d" % number
    if isinstance(values, Pool) and number >= 0:
        return encode(values.words(np.array([number]))[0])
    return b"null" if number < 0 else visible(encode(values[number]))  # type: ignore[index] # no pool
