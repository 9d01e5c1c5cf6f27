"""Finding the next message after a gap, after damage, or where a capture begins in the middle.

What counts is a whole start line (RFC 9112 section 3 and 4) followed by a header field or an empty
line. A body may end without a line break, so a start line need not stand at the beginning of a line.
"""

from __future__ import annotations

import re

_STATUS_BYTES = 13  # HTTP/1.1 200 and a character behind it

LONGEST = 8192
"""Bytes of a start line at most, and so what is kept while looking for one."""

_FIELD = rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:|\r?\n)"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [^\r\n]*)?\r?\n" + _FIELD)
_STATUS_BEGUN = re.compile(
    rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [^\r\n]*)?(?:\r?\n[!#$%&'*+.^_`|~0-9A-Za-z \t-]*)?\r?"
)
_VERSION_REST = re.compile(rb" HTTP/1\.[01]\r?\n" + _FIELD)
_VERSION_BEGUN = re.compile(rb" HTTP/1\.(?:[01](?:\r?(?:\n[!#$%&'*+.^_`|~0-9A-Za-z \t-]*\r?)?)?)?")
_REQUEST = re.compile(
    rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|PATCH|CONNECT|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK"
    rb"|REPORT|CHECKOUT|MERGE|SEARCH|ACL|MKCALENDAR|SUBSCRIBE|UNSUBSCRIBE|NOTIFY|M-SEARCH|BITS_POST|PURGE"
    rb"|RPC_IN_DATA|RPC_OUT_DATA|LINK|UNLINK|QUERY) +[!-\xff]{1,8000}\Z"
)
_ANY_REQUEST = re.compile(rb"[A-Z][A-Z_-]{1,30} [!-\xff]{1,8000}")


def find_response(data: bytes) -> tuple[int, int]:
    """Where a status line begins, -1 if there is none; and from where on bytes must be kept."""
    place = data.find(b"HTTP/1.")
    while place >= 0:
        if _STATUS_LINE.match(data, place):
            return place, place
        if len(data) - place < LONGEST:
            begun = _STATUS_BEGUN.match(data, place)
            if (begun is not None and begun.end() == len(data)) or len(data) - place < _STATUS_BYTES:
                return -1, place
        place = data.find(b"HTTP/1.", place + 1)
    return -1, max(len(data) - 6, 0)


def find_request(data: bytes) -> tuple[int, int]:
    """Where a request line begins, -1 if there is none; and from where on bytes must be kept."""
    place = data.find(b" HTTP/1.")
    while place >= 0:
        whole = _VERSION_REST.match(data, place)
        begun = None if whole else _VERSION_BEGUN.match(data, place)
        if whole or (begun is not None and begun.end() == len(data)):
            start = _line_start(data, place)
            if start >= 0:
                return (start, start) if whole else (-1, start)
        place = data.find(b" HTTP/1.", place + 1)
    keep = max(data.rfind(b"\n") + 1, len(data) - LONGEST)
    return -1, keep


def _line_start(data: bytes, end: int) -> int:
    """Where the request line begins that goes on with the version at ``end``; -1 if there is none."""
    begin = max(data.rfind(b"\n", 0, end) + 1, end - LONGEST, 0)
    line = data[begin:end]
    if _ANY_REQUEST.fullmatch(line):
        return begin
    found = _REQUEST.search(line)
    return begin + found.start() if found else -1
