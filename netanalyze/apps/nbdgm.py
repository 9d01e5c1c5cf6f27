"""NetBIOS datagram service (RFC 1002 section 4.4)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="nbdgm",
    title="NetBIOS Datagram Service",
    transports=(UDP,),
    ports=frozenset({138}),
    signatures=(
        # Type, flags, number, source address and port; then, for a datagram, an encoded name of 32 letters.
        signature(Number(0, 1, 0x10, 0x12), Bytes(b"\x00\x8a", 8), Bytes(b"\x20", 14)),
        signature(Number(0, 1, 0x10, 0x16), strength=Strength.PORT),
    ),
)
