"""Counting frames by what they are: verdicts for the ledger, paths for the protocol table."""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import codes, packets

QUOTED = cython.declare(cython.int, packets.QUOTED)
DUPLICATE = cython.declare(cython.longlong, codes.DUPLICATE * codes.DETAIL_BASE)
MASK62 = cython.declare(cython.longlong, 0x3FFFFFFFFFFFFFFF)


def settle_frames(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    path: cython.longlong[::1],
    app: cython.short[::1],
    verdict: cython.longlong[::1],
    frame_path: cython.longlong[::1],
    frame_app: cython.longlong[::1],
) -> cython.longlong:
    """Give each frame the path and application of its innermost packet; path 0 to duplicate frames.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if role[row] != QUOTED:
                frame_path[frame[row]] = 0 if verdict[frame[row]] == DUPLICATE else path[row]
                frame_app[frame[row]] = app[row]
    return 0


def tally(
    count: cython.Py_ssize_t,
    first_frame: cython.longlong,
    skip: cython.longlong,
    fold: cython.longlong,
    key: cython.longlong[::1],
    sub: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    table: cython.longlong[:, ::1],
    used: cython.longlong,
) -> cython.longlong:
    """Add each frame to the line of its (key, sub) in ``table``; key 0 and key ``skip`` are not counted.

    A line is key, sub, frames, bytes, first frame. ``table`` is a hash table with a power of two of
    lines. When three quarters of them are in use, a new key is counted without its details: as the
    last number before the next multiple of ``fold``, with sub 0. There must be fewer such keys than
    lines left.

    Returns:
        The number of lines in use afterwards (``used`` before).
    """
    index: cython.Py_ssize_t
    line: cython.Py_ssize_t
    size: cython.longlong = table.shape[0]
    mask: cython.longlong = size - 1
    mixed: cython.longlong
    one: cython.longlong
    two: cython.longlong
    with cython.nogil:
        for index in range(count):
            one = key[index]
            if one == 0 or one == skip:
                continue
            two = sub[index]
            while True:
                mixed = (one ^ (one >> 32) ^ (one >> 12)) & 0x7FFFFFF
                mixed = (mixed * 31 + two) & MASK62
                mixed = mixed ^ (mixed >> 9)
                line = mixed & mask
                while table[line, 0] != 0 and (table[line, 0] != one or table[line, 1] != two):
                    line = (line + 1) & mask
                if table[line, 0] != 0:
                    break
                if used * 4 <= size * 3 or (two == 0 and one % fold == fold - 1):
                    used += 1
                    table[line, 0] = one
                    table[line, 1] = two
                    break
                one = one - one % fold + fold - 1
                two = 0
            if table[line, 2] == 0:
                table[line, 4] = first_frame + index
            table[line, 2] += 1
            table[line, 3] += wire_bytes[index]
    return used
