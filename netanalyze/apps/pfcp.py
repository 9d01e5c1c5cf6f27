"""PFCP: control of user planes in mobile networks (3GPP TS 29.244)."""

from __future__ import annotations

from netanalyze.apps.checks import Length, Number
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="pfcp",
    title="Packet Forwarding Control Protocol",
    transports=(UDP,),
    ports=frozenset({8805}),
    signatures=(
        # TS 29.244 section 7.2.2: version 1, two spare bits, flags, type, length of what follows 4 bytes.
        signature(Number(0, 1, 0x20, 0x27), Number(1, 1, 1, 57), Length(2, 2, 4), strength=Strength.PAIRED),
    ),
)
