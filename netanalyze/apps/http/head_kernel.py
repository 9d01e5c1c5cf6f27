"""Heads of messages as nearly everybody sends them, read in one go; all others are for llhttp.

A head is plain if it is whole, its lines end with CRLF, and neither its start line nor its fields leave room
for two opinions. What is said of a plain head is what llhttp says of it (a test compares them); of any other
nothing is said at all.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"))
CHUNKED = -1
UNTOLD = -2
DISPUTED = -3

_DIGITS_MOST = cython.declare(cython.int, 15)
_SIZE_DIGITS_MOST = cython.declare(cython.int, 7)

_VERSION = b"HTTP/1."
_SHORTEST_RESPONSE = cython.declare(cython.int, 19)  # HTTP/1.1 200 x, CRLF, CRLF and something between
_REQUEST_REST = cython.declare(cython.int, 12)  # behind the blank: HTTP/1.1, CRLF, CRLF

_FIRST_STATUS = cython.declare(cython.int, 200)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_token(c: cython.int) -> cython.bint:
    """Whether a byte may be part of a field's name (RFC 9110 section 5.6.2)."""
    if 97 <= c <= 122 or 65 <= c <= 90 or 48 <= c <= 57 or c == 45 or c == 95:
        return True
    # ! # $ % & ' * + . ^ ` | ~
    return c == 33 or 35 <= c <= 39 or 42 <= c <= 43 or c == 46 or c == 94 or c == 96 or c == 124 or c == 126


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_plain_target(c: cython.int) -> cython.bint:
    """Whether a byte is one of those that nobody disputes in a path with a query."""
    if c <= 32 or c >= 127:
        return False
    # Not " # < > \ ^ ` { | }
    return not (34 <= c <= 35 or c == 60 or c == 62 or c == 92 or c == 94 or c == 96 or 123 <= c <= 125)


def read_request(
    data: bytes,
    place: cython.Py_ssize_t,
    known: dict[bytes, str],
    learn: Callable[[bytes], str],
    fields: list[tuple[bytes, bytes]] | None,
) -> tuple[bytes, bytes, bool, dict[str, bytes], int, int] | None:
    """Read the head of a request.

    Args:
        data: bytes.
        place: where it begins in them.
        known: header fields that matter by their names as sent, empty for those that do not.
        learn: gives what should be in ``known`` for a name that is not.
        fields: takes all fields, if somebody wants them.

    Returns:
        Method, target, whether the version is 1.1, the fields that matter, bytes of the body (``CHUNKED`` if
        it comes in chunks), and where it begins; None if the head is not plain.
    """
    size: cython.Py_ssize_t = len(data)
    at: cython.Py_ssize_t = place
    c: cython.int
    while at < size and 65 <= data[at] <= 90:
        at += 1
    if at + _REQUEST_REST >= size or data[at] != 32:
        return None
    method: bytes = data[place:at]
    if method not in PLAIN_METHODS:
        return None
    begin: cython.Py_ssize_t = at + 1
    if data[begin] != 47:
        return None
    at = begin
    while at < size:
        c = data[at]
        if not is_plain_target(c):
            break
        at += 1
    if at + _REQUEST_REST > size or data[at] != 32 or data[at + 1 : at + 8] != _VERSION:
        return None
    minor: cython.int = data[at + 8] - 48
    if not 0 <= minor <= 1 or data[at + 9] != 13 or data[at + 10] != 10:
        return None
    found: dict[str, bytes] = {}
    end: cython.Py_ssize_t = _read_fields(data, at + 11, found, known, learn, fields)
    if end < 0:
        return None
    length: cython.longlong = _body_bytes(found, minor)
    if length == DISPUTED:
        return None
    if length == UNTOLD:
        length = 0
    return method, data[begin:at], minor == 1, found, length, end


def read_response(
    data: bytes,
    place: cython.Py_ssize_t,
    known: dict[bytes, str],
    learn: Callable[[bytes], str],
    fields: list[tuple[bytes, bytes]] | None,
) -> tuple[int, bool, dict[str, bytes], int, int] | None:
    """Read the head of a final response that tells itself where the response ends.

    Args:
        data: bytes.
        place: where it begins in them.
        known: see ``read_request``.
        learn: likewise.
        fields: likewise.

    Returns:
        Status, whether the version is 1.1, the fields that matter, bytes of the body, and where it begins,
        as above; None if the head is not plain.
    """
    size: cython.Py_ssize_t = len(data)
    if place + _SHORTEST_RESPONSE > size or data[place : place + 7] != _VERSION:
        return None
    minor: cython.int = data[place + 7] - 48
    if not 0 <= minor <= 1 or data[place + 8] != 32:
        return None
    at: cython.Py_ssize_t = place + 9
    status: cython.int = 0
    c: cython.int
    while at < place + 12:
        c = data[at] - 48
        if not 0 <= c <= 9:
            return None
        status = 10 * status + c
        at += 1
    if not _FIRST_STATUS <= status <= 599 or data[at] != 32:
        return None
    while at < size:
        c = data[at]
        if c < 32 or c > 126:
            break
        at += 1
    if at + 2 > size or data[at] != 13 or data[at + 1] != 10:
        return None
    found: dict[str, bytes] = {}
    end: cython.Py_ssize_t = _read_fields(data, at + 2, found, known, learn, fields)
    if end < 0:
        return None
    length: cython.longlong = _body_bytes(found, minor)
    if status == 204 or status == 304:
        if length != UNTOLD:
            return None
        length = 0
    if length == UNTOLD or length == DISPUTED:
        return None
    return status, minor == 1, found, length, end


@cython.cfunc
def _read_fields(
    data: bytes,
    at: cython.Py_ssize_t,
    found: dict[str, bytes],
    known: dict[bytes, str],
    learn: Callable[[bytes], str],
    fields: list[tuple[bytes, bytes]] | None,
) -> cython.Py_ssize_t:
    """Read the fields up to the empty line; returns where the body begins, -1 if the fields are not plain."""
    size: cython.Py_ssize_t = len(data)
    begin: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    first: cython.Py_ssize_t
    c: cython.int
    while at < size:
        begin = at
        while at < size:
            c = data[at]
            if not is_token(c):
                break
            at += 1
        if at == begin:
            # The empty line, or something else.
            return at + 2 if at + 2 <= size and data[at] == 13 and data[at + 1] == 10 else -1
        if at >= size or data[at] != 58:
            return -1
        stop = at
        at += 1
        while at < size and (data[at] == 32 or data[at] == 9):
            at += 1
        first = at
        while at < size:
            c = data[at]
            if (c < 32 and c != 9) or c == 127:
                break
            at += 1
        if at == first or at + 2 >= size or data[at] != 13 or data[at + 1] != 10:
            return -1
        c = data[at - 1]
        if c == 32 or c == 9:
            return -1  # blanks behind a value
        c = data[at + 2]
        if c == 32 or c == 9:
            return -1  # a folded line
        name: bytes = data[begin:stop]
        key = known.get(name)
        if key is None:
            key = learn(name)
        if key:
            if key in found or key == "upgrade":
                return -1
            found[key] = data[first:at]
        if fields is not None:
            fields.append((name, data[first:at]))
        at += 2
    return -1


@cython.cfunc
@cython.exceptval(-9)
def _body_bytes(found: dict[str, bytes], minor: cython.int) -> cython.longlong:
    """Bytes of the body by its head, or ``CHUNKED``, ``UNTOLD`` or ``DISPUTED``."""
    value = found.get("content-length")
    if "transfer-encoding" in found:
        plain = value is None and minor == 1 and found["transfer-encoding"] == b"chunked"
        return CHUNKED if plain else DISPUTED
    if value is None:
        return UNTOLD
    digits: bytes = value
    size: cython.Py_ssize_t = len(digits)
    if size > _DIGITS_MOST:
        return DISPUTED
    total: cython.longlong = 0
    at: cython.Py_ssize_t
    c: cython.int
    for at in range(size):
        c = digits[at] - 48
        if not 0 <= c <= 9:
            return DISPUTED
        total = 10 * total + c
    return total


def read_chunks(data: bytes, place: cython.Py_ssize_t) -> tuple[list[bytes], int, bool]:
    """Read chunks that are there as a whole, with the line breaks behind them.

    Args:
        data: bytes.
        place: where the line with a chunk's size begins.

    Returns:
        What they carry, a piece each; where the size line of the next chunk begins, or the next message; and
        whether the last chunk has been read. Where a chunk is not whole or not plain it is left.
    """
    pieces: list[bytes] = []
    size: cython.Py_ssize_t = len(data)
    begin: cython.Py_ssize_t
    end: cython.Py_ssize_t
    while True:
        begin, length = chunk_at(data, place)
        if length < 0:
            return pieces, place, False
        if length == 0:
            return pieces, begin, True
        end = begin + length
        if end + 2 > size or data[end] != 13 or data[end + 1] != 10:
            return pieces, place, False
        pieces.append(data[begin:end])
        place = end + 2


def chunk_at(data: bytes, place: cython.Py_ssize_t) -> tuple[int, int]:
    """Where the bytes of a chunk begin whose size line begins at ``place``, and how many they are.

    Of the last chunk: where the next message begins, and 0; any trailer makes it not plain. The number is -1
    if the line is not whole or not plain.
    """
    size: cython.Py_ssize_t = len(data)
    at: cython.Py_ssize_t = place
    length: cython.Py_ssize_t = 0
    c: cython.int
    while at < size and at < place + _SIZE_DIGITS_MOST:
        c = data[at]
        if 48 <= c <= 57:
            c -= 48
        elif 97 <= c <= 102:
            c -= 87
        elif 65 <= c <= 70:
            c -= 55
        else:
            break
        length = 16 * length + c
        at += 1
    if at == place or at + 2 > size or data[at] != 13 or data[at + 1] != 10:
        return place, -1
    at += 2
    if length == 0:
        if at + 2 > size or data[at] != 13 or data[at + 1] != 10:
            return place, -1
        at += 2
    return at, length
