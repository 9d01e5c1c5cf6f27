"""Columns: what a kernel fills, one array a field.

A leaf module. A batch of frames and the packets decoded from it are both sets of columns. Python
code reads them as numpy arrays, kernels take memoryviews of the same memory, so that the compiled
and the interpreted kernel see plain integers and never a numpy scalar that overflows.
"""

from __future__ import annotations

import mmap
import sys
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from netanalyze.pages_kernel import write_first

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

Rows: TypeAlias = "slice | NDArray[np.int64]"
"""Which rows: a slice, or their indices in the order wanted."""

ALL = slice(None)


def view_of(array: NDArray[Any]) -> memoryview:
    """The array's memory, for a kernel: elements come out of it as plain Python integers."""
    memory: Any = array  # numpy declares the buffer protocol for Python 3.12 and later only
    return memoryview(memory)


def zeros_to_look_up(size: int, dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - what numpy takes
    """Zeros for a table that is looked into before it is written to; see ``pages_kernel``."""
    return np.full(size, 0, dtype)


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The different ones of some integers, ascending.

    ``np.unique`` and ``np.isin`` do the same, and import ``numpy.ma`` for it, which takes 12 ms.
    """
    ordered = np.sort(values, axis=None)
    new = np.ones(len(ordered), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def found_in(values: NDArray[Any], others: NDArray[Any] | Collection[int]) -> NDArray[np.bool_]:
    """Which of some integers are among others."""
    known = distinct(np.asarray(others, values.dtype))
    if not len(known):
        return np.zeros(values.shape, np.bool_)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == values
    return found


def time_added(
    group: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How much of each of some intervals none before it in its group covers; their sum is the time covered.

    Args:
        group: to which each belongs; intervals of one group may overlap, those of others do not matter.
        start: when each began, in ns.
        end: when it ended, in ns.
    """
    order = np.lexsort((start, group))
    group, start, end = group[order], start[order], end[order]
    # The latest end up to here in the same group: ends are compared by rank, so that the group can stand
    # before the rank in one number.
    by_end = np.argsort(end, kind="stable")
    rank = np.empty(len(end), np.int64)
    rank[by_end] = np.arange(len(end))
    new = np.ones(len(group), np.bool_)
    new[1:] = group[1:] != group[:-1]
    reached = end[by_end][np.maximum.accumulate((np.cumsum(new) - 1) * len(end) + rank) % max(len(end), 1)]
    before = start.copy()
    before[1:] = np.where(new[1:], start[1:], reached[:-1])
    added = np.empty(len(end), np.int64)
    added[order] = np.maximum(end - np.maximum(start, before), 0)
    return added


class Columns:
    """Fixed-capacity arrays by name; subclasses list them in ``FIELDS``.

    Attributes:
        capacity: rows that fit.
        arrays: the columns by name, as numpy arrays of ``capacity`` elements.
        views: the same memory as memoryviews, for kernels.
    """

    FIELDS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, capacity: int) -> None:
        """Allocate every column for ``capacity`` rows, zeroed."""
        self.capacity = capacity
        self.arrays: dict[str, NDArray[Any]] = {
            name: np.zeros(capacity, dtype) for name, dtype in self.FIELDS.items()
        }
        self.views: dict[str, memoryview] = {name: view_of(array) for name, array in self.arrays.items()}

    def pick(self, *names: str) -> tuple[memoryview, ...]:
        """The memoryviews of these columns, in this order: a kernel call's arguments."""
        views = self.views
        return tuple(views[name] for name in names)


_GROWTH = 4
_RESERVED_BYTES = 1 << 32
"""Address space of a table, where the system has it; a process can have thousands of such tables."""
_NO_RESERVE = 0x4000
"""MAP_NORESERVE of Linux: the reservation does not count as memory in use."""
_HUGE_PAGE_BYTES = 1 << 21
_ROWS_AT_ONCE = 4096


class GrowingRows:
    """A table of 64-bit words that grows: one row for each stream or half-stream, zero until written.

    On Linux it has address space for more rows than usually come, so that it grows in place: pages take
    memory when they are written to. Beyond that, elsewhere, and where the system refuses, it is copied as
    it grows.

    Attributes:
        words: columns of a row.
        array: the memory, with room for more rows than are in use; another one after it has grown.
        view: the same memory for a kernel.
    """

    def __init__(
        self, words: int, dtype: str = "i8", first_rows: int = 1024, *, sparse: bool = False
    ) -> None:
        """An empty table of rows of ``words`` words; ``sparse`` if few of them will be written to."""
        self.words = words
        self._memory = _reserve(words * np.dtype(dtype).itemsize, huge_pages=not sparse)
        self._reserved = (
            None if self._memory is None else np.frombuffer(self._memory, dtype).reshape(-1, words)
        )
        # Up to where pages have been made, and from where on they are huge.
        self._made, self._huge = 0, _HUGE_PAGE_BYTES
        if self._reserved is not None:
            self._huge += -self._reserved.ctypes.data % _HUGE_PAGE_BYTES
        self.array: NDArray[Any] = (
            np.zeros((first_rows, words), dtype) if self._reserved is None else self._reserved[:first_rows]
        )
        self.view = view_of(self.array)

    def reach(self, rows: int) -> memoryview:
        """Make sure that there are this many rows; returns the view to hand to a kernel."""
        if rows > len(self.array):
            more = max(rows, _GROWTH * len(self.array))
            if self._reserved is not None and rows <= len(self._reserved):
                self.array = self._reserved[:more]
            else:
                # Fresh pages of a large array take no memory until something is written to them, so
                # that room for four times as many costs nothing and saves copying.
                grown = np.zeros((more, self.words), self.array.dtype)
                grown[: len(self.array)] = self.array
                self.array, self._reserved, self._memory = grown, None, None
            self.view = view_of(self.array)
        return self.view

    def prepare(self, rows: int) -> None:
        """Make the pages of so many rows, all of which will be written to; see ``pages_kernel``.

        While another thread works on earlier rows; it must not reach for these before this has returned.
        """
        used = rows * self.words * self.array.itemsize
        if self._memory is None or used <= self._made:
            return
        memory = memoryview(self._memory)
        if self._made < self._huge:
            self._made = write_first(memory, self._made, min(used, self._huge), mmap.PAGESIZE)
        if self._made < used:
            self._made = write_first(memory, self._made, used, _HUGE_PAGE_BYTES)

    def keep(self, rows: NDArray[np.int64], used: int) -> None:
        """Let go of all rows but some, which move to the front; the rest is zero as if never written to.

        Args:
            rows: places of the rows to keep, ascending.
            used: rows from here on have not been written to.
        """
        kept = len(rows)
        for begin in range(0, kept, _ROWS_AT_ONCE):  # no row moves backwards, so that none is overwritten
            part = rows[begin : begin + _ROWS_AT_ONCE]
            self.array[begin : begin + len(part)] = self.array[part]
        used = min(used, len(self.array))
        if self._memory is None:
            self.array[kept:used] = 0
            return
        # Whole pages go back to the system, and are zero when they are written to again.
        row_bytes = self.words * self.array.itemsize
        pages = range(kept * row_bytes, used * row_bytes)
        whole = range(-(-pages.start // mmap.PAGESIZE) * mmap.PAGESIZE, len(self._memory))
        self.array.reshape(-1).view(np.uint8)[pages.start : min(whole.start, pages.stop)] = 0
        if whole.start < pages.stop:
            self._memory.madvise(mmap.MADV_DONTNEED, whole.start, len(whole))
            begin = whole.start
            if begin > self._huge:
                begin += (self._huge - begin) % _HUGE_PAGE_BYTES
            self._made = min(self._made, begin)


def _reserve(row_bytes: int, *, huge_pages: bool) -> mmap.mmap | None:
    """Zeroed memory for many rows, which is there once it is written to; None if there is no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    size = _RESERVED_BYTES // row_bytes * row_bytes
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
        if huge_pages:
            # Fewer and cheaper page faults where a table is large. Small ones stay small.
            memory.madvise(mmap.MADV_HUGEPAGE, _HUGE_PAGE_BYTES, size - _HUGE_PAGE_BYTES)
    except (OSError, ValueError):  # a limit on address space, or a kernel without huge pages
        return None
    return memory
