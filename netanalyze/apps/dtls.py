"""DTLS: TLS in datagrams (RFC 6347, RFC 9147)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import UDP, Protocol, signature

PROTOCOL = Protocol(
    name="dtls",
    title="Datagram Transport Layer Security",
    transports=(UDP,),
    ports=frozenset({853, 4433, 5684}),
    signatures=(
        # RFC 6347 section 4.1: type (25 is RFC 9146's), version 1.0 or 1.2, epoch, sequence, length.
        signature(
            OneOf(0, bytes(range(20, 26))),
            Bytes(b"\xfe", 1),
            OneOf(2, b"\xff\xfd"),
            Number(11, 2, 1, 18432),
        ),
    ),
)
