"""GTP version 2, control of mobile networks (3GPP TS 29.274)."""

from __future__ import annotations

from netanalyze.apps.checks import Length, Number
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="gtpv2",
    title="GPRS Tunnelling Protocol version 2",
    transports=(UDP,),
    ports=frozenset({2123}),
    signatures=(
        # TS 29.274 section 5.1: version 2, three spare bits, type, length of what follows 4 bytes.
        signature(Number(0, 1, 0x40, 0x40, mask=0xE3), Length(2, 2, 4), strength=Strength.PAIRED),
    ),
)
