"""RIP, versions 1 and 2 (RFC 1058, RFC 2453)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="rip",
    title="Routing Information Protocol",
    transports=(UDP,),
    ports=frozenset({520}),
    signatures=(
        # RFC 2453 section 3.6: request or response, version, zeros, entries of 20 bytes.
        signature(
            OneOf(0, b"\x01\x02"),
            OneOf(1, b"\x01\x02"),
            Bytes(b"\x00\x00", 2),
            Size(24, every=20),
            strength=Strength.PORT,
        ),
        # RFC 4822 section 2: keyed authentication ends the message with a digest of 4 bytes and up.
        signature(OneOf(0, b"\x01\x02"), Bytes(b"\x02\x00\x00\xff\xff", 1), Size(24), strength=Strength.PORT),
    ),
)
