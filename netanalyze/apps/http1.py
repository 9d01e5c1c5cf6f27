"""HTTP/1 (RFC 9110, RFC 9112)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf, Printable
from netanalyze.apps.protocol import TCP, Protocol, Signature, Strength, signature

# RFC 9110 section 9 and RFC 5789; WebDAV (RFC 4918, 3253, 5323, 3744); UPnP; BITS.
METHODS = (
    *(b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH"),
    *(b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK"),
    *(b"REPORT", b"CHECKOUT", b"MERGE", b"SEARCH", b"ACL", b"MKCALENDAR"),
    *(b"SUBSCRIBE", b"UNSUBSCRIBE", b"NOTIFY", b"BITS_POST", b"PURGE"),
)


def _requests(method: bytes) -> tuple[Signature, ...]:
    """RFC 9112 section 3.2: a path, or a whole address for a proxy."""
    return (
        signature(Bytes(method + b" /")),
        signature(Bytes(method + b" "), Bytes(b"http", len(method) + 1, fold=True)),
    )


PROTOCOL = Protocol(
    name="http",
    title="Hypertext Transfer Protocol",
    transports=(TCP,),
    ports=frozenset({80, 591, 631, 2375, 3128, 5985, 8000, 8008, 8080, 8081, 8088, 8888}),
    signatures=(
        # RFC 9112 section 4: the status line.
        signature(Bytes(b"HTTP/1."), OneOf(7, b"01"), Bytes(b" ", 8)),
        *(entry for method in METHODS for entry in _requests(method)),
        signature(Bytes(b"OPTIONS * HTTP/1.")),
        signature(Bytes(b"CONNECT "), Find(b" HTTP/1.")),
        # Any other method.
        signature(Printable(0, 16), Find(b" HTTP/1."), strength=Strength.PORT),
    ),
)
