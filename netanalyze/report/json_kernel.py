"""Rows of a table as JSON, from columns of numbers and texts that are JSON already."""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.model import NULL

if cython.compiled:
    from cython.cimports.libc.string import memcpy

NO_VALUE = cython.declare(cython.longlong, NULL)
LONGEST_NUMBER = cython.declare(cython.Py_ssize_t, 20)
COMPILED = bool(cython.compiled)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def put(
    out: cython.uchar[::1],
    at: cython.Py_ssize_t,
    source: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Copy some bytes, for which the caller has made sure that there is room. Returns the place behind."""
    size: cython.Py_ssize_t = end - start
    if size <= 0 or start < 0 or end > source.shape[0] or at + size > out.shape[0]:
        return at
    if cython.compiled:
        memcpy(cython.address(out[at]), cython.address(source[start]), size)
    else:
        out[at : at + size] = source[start:end]
    return at + size


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def put_number(out: cython.uchar[::1], at: cython.Py_ssize_t, number: cython.longlong) -> cython.Py_ssize_t:
    """Write a number in decimal; there is no value like the lowest one. Returns the place behind."""
    digits: cython.Py_ssize_t = 1
    i: cython.Py_ssize_t
    limit: cython.longlong = 10
    if number < 0:
        out[at] = 45
        at += 1
        number = -number
    while digits < 19 and number >= limit:
        digits += 1
        if digits < 19:
            limit *= 10
    for i in range(digits):
        out[at + digits - 1 - i] = cython.cast(cython.uchar, 48 + number % 10)
        number //= 10
    return at + digits


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def put_raw(
    out: cython.uchar[::1],
    at: cython.Py_ssize_t,
    source: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    length: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Write printable ASCII as a JSON string. Returns the place behind."""
    i: cython.Py_ssize_t
    byte: cython.uchar
    out[at] = 34
    at += 1
    for i in range(start, start + length):
        byte = source[i]
        if byte == 34 or byte == 92:
            out[at] = 92
            at += 1
        out[at] = byte
        at += 1
    out[at] = 34
    return at + 1


def write_rows(
    first: cython.Py_ssize_t,
    between: cython.const[cython.uchar][::1],
    between_ends: cython.longlong[::1],
    is_text: cython.uchar[::1],
    cells: cython.longlong[:, ::1],
    texts: cython.const[cython.uchar][::1],
    text_ends: cython.longlong[::1],
    pool: cython.const[cython.uchar][::1],
    pool_start: cython.longlong[::1],
    pool_length: cython.longlong[::1],
    out: cython.uchar[::1],
    reached: cython.longlong[::1],
) -> None:
    """Write rows from ``first`` on, as many as fit.

    Args:
        first: the first row.
        between: what stands before the value of each column, and at last behind that of the last one.
        between_ends: where each of these ends.
        is_text: 0 where a column's cells are numbers, 1 where they are numbers of texts, 2 of texts of the
            pool; -1 for null.
        cells: a row for each column.
        texts: the texts as JSON, one after the other,
        text_ends: and where each of them ends.
        pool: texts as they are, printable ASCII.
        pool_start: where each of them begins,
        pool_length: and how long it is.
        out: gets the JSON.
        reached: gets the first row that was not written, and how many bytes were.
    """
    row: cython.Py_ssize_t = first
    column: cython.Py_ssize_t
    columns: cython.Py_ssize_t = cells.shape[0]
    at: cython.Py_ssize_t = 0
    begun: cython.Py_ssize_t
    need: cython.Py_ssize_t
    cell: cython.longlong
    with cython.nogil:
        while row < cells.shape[1]:
            need = between_ends[columns] + columns * LONGEST_NUMBER
            for column in range(columns):
                cell = cells[column, row]
                if cell < 0:
                    continue
                if is_text[column] == 1:
                    need += text_ends[cell] - (text_ends[cell - 1] if cell > 0 else 0)
                elif is_text[column] == 2:
                    need += 2 * pool_length[cell] + 2
            if at + need > out.shape[0]:
                break
            begun = 0
            for column in range(columns):
                at = put(out, at, between, begun, between_ends[column])
                begun = between_ends[column]
                cell = cells[column, row]
                if (cell < 0 and is_text[column]) or (cell == NO_VALUE and not is_text[column]):
                    out[at] = 110
                    out[at + 1] = 117
                    out[at + 2] = 108
                    out[at + 3] = 108
                    at += 4
                elif is_text[column] == 2:
                    at = put_raw(out, at, pool, pool_start[cell], pool_length[cell])
                elif is_text[column]:
                    at = put(out, at, texts, text_ends[cell - 1] if cell > 0 else 0, text_ends[cell])
                else:
                    at = put_number(out, at, cell)
            at = put(out, at, between, begun, between_ends[columns])
            row += 1
    reached[0] = row
    reached[1] = at
