"""Writing to pages of memory before anybody reads them.

Where a fresh page is read first, Linux maps its shared page of zeros, and at the first write it takes that
away again from all processors that the process runs on: the other thread is interrupted, and in a virtual
machine each time costs tens of microseconds. A page that is written to first is simply there.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython


def write_first(
    memory: cython.uchar[::1], first: cython.longlong, end: cython.longlong, page_bytes: cython.longlong
) -> cython.longlong:
    """Write to each page of ``memory`` from ``first`` up to ``end`` what stands there.

    Nobody else may write to the first bytes of these pages meanwhile.

    Args:
        memory: all of it.
        first: where the first of the pages begins.
        end: no page that begins here or later.
        page_bytes: size of a page.

    Returns:
        Where the next page begins.
    """
    place: cython.longlong = first
    stop: cython.longlong = min(end, memory.shape[0])
    zero: cython.uchar = page_bytes >> 62  # which no compiler knows
    with cython.nogil:
        while place < stop:
            memory[place] ^= zero  # one instruction, so that it is a write that Linux sees first
            place += page_bytes
    return place
