"""Writing to pages of memory before anybody reads them.

Where a fresh huge page is read first, Linux maps its shared page of zeros, and at the first write it takes
that away again from all processors that the process runs on: the other thread is interrupted, and in a
virtual machine each time costs tens of microseconds. A page that is written to first is simply there.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython


def write_first(
    memory: cython.uchar[::1], first: cython.longlong, end: cython.longlong, page_bytes: cython.longlong
) -> cython.longlong:
    """Write a zero to each page of ``memory`` from ``first`` up to ``end``; the pages are still zero.

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
    with cython.nogil:
        while place < stop:
            memory[place] = 0
            place += page_bytes
    return place
