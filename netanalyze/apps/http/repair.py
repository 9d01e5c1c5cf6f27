"""Heads that llhttp refuses and people do send, mended so that it reads them.

Unknown methods, blanks in targets, lines that are no header field, contradicting lengths: what the
sender meant is plain to see, or the line is left out. Folded lines and bare line feeds llhttp reads
itself, with the leniencies of ``half``.
"""

from __future__ import annotations

import re

from msgspec import Struct

_BLANK = re.compile(rb"\n\r?\n")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})(?:[ \t]+(.*?))?[ \t]+HTTP/([0-9])\.?([0-9]?)[ \t]*", re.DOTALL
)
_STATUS_LINE = re.compile(rb"HTTP/([0-9])(?:\.([0-9]))?[ \t]+([0-9]{3})(?![0-9])(.*)", re.DOTALL)
_UNPRINTABLE = re.compile(rb"[^!-~]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MOST_DIGITS = 18

METHODS = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK"
    b" BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH"
    b" PURGE MKCALENDAR LINK UNLINK SOURCE QUERY".split()
)
"""Those that llhttp knows."""


class Mended(Struct, frozen=True):
    """A head that can be read.

    Attributes:
        head: what to read.
        method, target: what stands in the place of those in ``head``; None if these are as sent.
    """

    head: bytes
    method: bytes | None = None
    target: bytes | None = None


def head_end(data: bytes | bytearray) -> int:
    """Where the body begins: behind the first empty line; -1 if that is not there yet."""
    found = _BLANK.search(data)
    return found.end() if found else -1


def mend(head: bytes, *, request: bool) -> Mended | None:
    """Mend a head that ends with its empty line; None if it does not even begin as one."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
    while lines and not lines[0]:
        del lines[0]
    if not lines:
        return None
    start = _request_line(lines[0]) if request else _status_line(lines[0])
    if start is None:
        return None
    made = [start.head, *_fields(lines[1:])]
    return Mended(b"\r\n".join(made) + b"\r\n\r\n", start.method, start.target)


def _request_line(line: bytes) -> Mended | None:
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        return None
    method, target, major, minor = found.groups()
    target = target or b""
    plain = _UNPRINTABLE.sub(lambda byte: b"%%%02X" % byte[0][0], target) or b"/"
    known = method if method in METHODS else b"POST"
    if known not in (b"CONNECT", b"OPTIONS") and not plain.startswith((b"/", b"http://", b"https://", b"*")):
        plain = b"/"
    return Mended(
        b"%b %b HTTP/%b.%b" % (known, plain, major, minor or b"1"),
        method if known != method else None,
        target if plain != target else None,
    )


def _status_line(line: bytes) -> Mended | None:
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        return None
    major, minor, status, reason = found.groups()
    return Mended(b"HTTP/%b.%b %b %b" % (major, minor or b"1", status, _CONTROLS.sub(b"", reason).strip()))


def _fields(lines: list[bytes]) -> list[bytes]:
    """The header fields of a head, folded lines put together, others left out."""
    fields: list[list[bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1] += b" " + line.strip()
            continue
        name, colon, value = line.partition(b":")
        name = name.rstrip()
        if colon and _TOKEN.fullmatch(name):
            fields.append([name, value.strip()])
    return _with_one_length([(name, _CONTROLS.sub(b" ", value)) for name, value in fields])


def _with_one_length(fields: list[tuple[bytes, bytes]]) -> list[bytes]:
    """RFC 9112 section 6.3: of several equal lengths one counts; one that is no number counts for nothing."""
    made = []
    length: bytes | None = None
    for name, value in fields:
        sent = value
        if name.lower() == b"content-length":
            sent = value.split(b",", 1)[0].strip()
            if length is not None or not sent.isdigit() or len(sent) > _MOST_DIGITS:
                continue
            length = sent
        made.append(b"%b: %b" % (name, sent))
    return made
