"""Columns: what a kernel fills, one array a field.

A leaf module. A batch of frames and the packets decoded from it are both sets of columns. Python
code reads them as numpy arrays, kernels take memoryviews of the same memory, so that the compiled
and the interpreted kernel see plain integers and never a numpy scalar that overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def view_of(array: NDArray[Any]) -> memoryview:
    """The array's memory, for a kernel: elements come out of it as plain Python integers."""
    memory: Any = array  # numpy declares the buffer protocol for Python 3.12 and later only
    return memoryview(memory)


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
