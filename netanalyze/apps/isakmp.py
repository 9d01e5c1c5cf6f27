"""IKE: keys for IPsec (RFC 7296, RFC 2408)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Check, Length, OneOf
from netanalyze.apps.protocol import UDP, Protocol, signature


def _header(offset: int) -> tuple[Check, ...]:
    """RFC 7296 section 3.1: two SPIs, next payload, version, exchange, flags, message, length."""
    return (
        OneOf(offset + 17, b"\x10\x20"),
        OneOf(offset + 18, bytes((*range(6), 32, 33, *range(34, 45)))),
        Length(offset + 24, 4, offset),
    )


PROTOCOL = Protocol(
    name="isakmp",
    title="Internet Key Exchange",
    transports=(UDP,),
    ports=frozenset({500}),
    signatures=(
        signature(*_header(0)),
        # RFC 3948 section 2.2: on port 4500 four zeros tell it from ESP.
        signature(Bytes(b"\x00\x00\x00\x00"), *_header(4)),
    ),
)
