"""The rows of a table as JSON, column by column: texts are encoded once for each of them, not for each row.

What is the same in all rows of a stretch is part of the text between the values of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
_OUT_BYTES = 1 << 22


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
        between, is_text, cells, texts, text_ends = _prepared(table, columns, start, end)
        reached = view_of(np.zeros(2, np.int64))
        first, count = 0, len(columns[0][0])
        ends = np.cumsum([len(part) for part in between], dtype=np.int64)
        joined = memoryview(b"".join(between))
        while first < count:
            arguments = (
                first, joined, view_of(ends), view_of(is_text), view_of(cells), texts, view_of(text_ends),
                view_of(out), reached,
            )  # fmt: skip
            write_rows(*arguments)
            if reached[0] == first:  # not even one fits
                out = np.empty(2 * len(out), np.uint8)
                continue
            yield out[: reached[1]].tobytes()
            first = reached[0]


def _prepared(
    table: Table[Any],
    columns: Sequence[tuple[NDArray[np.int64], Sequence[Any] | None]],
    start: bytes,
    end: bytes,
) -> tuple[list[bytes], NDArray[np.uint8], NDArray[np.int64], memoryview, NDArray[np.int64]]:
    """The arguments of the kernel for a stretch of rows."""
    texts = _Texts()
    between, kept, is_text = [], [], []
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
        if values is not None:
            first = texts.add(values)
            numbers = np.where(numbers < 0, -1, numbers + first)  # noqa: PLW2901 - numbers of all texts
        kept.append(numbers)
        is_text.append(values is not None)
    between.append(text + end)
    cells = np.array(kept, np.int64) if kept else np.zeros((0, len(columns[0][0])), np.int64)
    return between, np.array(is_text, np.uint8), cells, *texts.arrays()


def _constant(number: int, values: Sequence[Any] | None) -> bytes:
    if values is None:
        return b"null" if number == NULL else b"%d" % number
    return b"null" if number < 0 else visible(encode(values[number]))
