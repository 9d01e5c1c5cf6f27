"""Goes through the reports of the reassembly and tells the consumers of the bytes that come next.

Nearly all reports are of that kind; the others are handed to the caller, in their order.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cython

from netanalyze.tcp import reassembly_fields as fields

if TYPE_CHECKING:
    from collections.abc import Callable

KIND = cython.declare(cython.int, fields.KIND)
KEY = cython.declare(cython.int, fields.KEY)
OFFSET = cython.declare(cython.int, fields.OFFSET)
LENGTH = cython.declare(cython.int, fields.LENGTH)
AT = cython.declare(cython.int, fields.AT)
CAPTURED = cython.declare(cython.int, fields.CAPTURED)
FRAME = cython.declare(cython.int, fields.FRAME)
TIME = cython.declare(cython.int, fields.TIME)
DATA = cython.declare(cython.longlong, fields.DATA)
IN_ARENA = cython.declare(cython.longlong, fields.IN_ARENA)


def tell(
    out: cython.longlong[:, ::1],
    count: cython.Py_ssize_t,
    data: object,
    arena: object,
    consumers: list[Any],
    other: Callable[..., None],
) -> None:
    """Tell what the first ``count`` reports say.

    Args:
        out: the reports, as the reassembly kernel writes them.
        count: how many there are.
        data: the batch's buffer.
        arena: that of packets put together.
        consumers: by slot; ``other`` may change it.
        other: takes a report of another kind: its columns in their order.
    """
    index: cython.Py_ssize_t
    kind: cython.longlong
    key: cython.longlong
    begin: cython.longlong
    end: cython.longlong
    for index in range(count):
        kind = out[KIND, index]
        key = out[KEY, index]
        begin = out[AT, index]
        if kind == DATA or kind == DATA + IN_ARENA:
            end = begin + out[LENGTH, index]
            piece = data[begin:end] if kind == DATA else arena[begin:end]  # type: ignore[index]
            consumers[key >> 1].data(key & 1, piece, out[OFFSET, index], out[FRAME, index], out[TIME, index])
        else:
            other(
                kind, key, out[OFFSET, index], out[LENGTH, index], begin, out[CAPTURED, index],
                out[FRAME, index], out[TIME, index],
            )  # fmt: skip
