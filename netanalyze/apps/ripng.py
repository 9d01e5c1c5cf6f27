"""RIPng: RIP for IPv6 (RFC 2080)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="ripng",
    title="Routing Information Protocol next generation",
    transports=(UDP,),
    ports=frozenset({521}),
    signatures=(
        # RFC 2080 section 2.1: request or response, version 1, zeros, entries of 20 bytes.
        signature(
            OneOf(0, b"\x01\x02"), Bytes(b"\x01\x00\x00", 1), Size(24, every=20), strength=Strength.PORT
        ),
    ),
)
