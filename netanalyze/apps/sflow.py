"""sFlow: samples of traffic that switches export (sFlow version 5)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="sflow",
    title="sFlow",
    transports=(UDP,),
    ports=frozenset({6343}),
    signatures=(
        # Version, kind of the agent's address: IPv4 or IPv6.
        signature(
            Bytes(b"\x00\x00\x00"),
            OneOf(3, b"\x02\x04\x05"),
            Bytes(b"\x00\x00\x00", 4),
            OneOf(7, b"\x01\x02"),
            Size(28),
            strength=Strength.PORT,
        ),
    ),
)
