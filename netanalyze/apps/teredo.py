"""Teredo: IPv6 in UDP through address translation (RFC 4380)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="teredo",
    title="Teredo",
    transports=(UDP,),
    ports=frozenset({3544}),
    signatures=(
        # RFC 4380 section 5.1.1: an IPv6 packet, or an authentication or origin indication before it.
        signature(Number(0, 1, 0x60, 0x60, mask=0xF0), Size(40), strength=Strength.PORT),
        signature(Bytes(b"\x00"), OneOf(1, b"\x00\x01"), Size(48), strength=Strength.PORT),
    ),
)
