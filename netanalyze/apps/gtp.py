"""GTP version 1: user traffic and control of mobile networks (3GPP TS 29.281, TS 29.060)."""

from __future__ import annotations

from netanalyze.apps.checks import Length, Number, OneOf
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

# TS 29.281 table 6.1-1 and the session messages of TS 29.060 table 7.1.
_TYPES = bytes((1, 2, 3, *range(16, 22), 26, 27, 31, *range(32, 38), 253, 254, 255))

PROTOCOL = Protocol(
    name="gtp",
    title="GPRS Tunnelling Protocol",
    transports=(UDP,),
    ports=frozenset({2123, 2152}),
    signatures=(
        # TS 29.281 section 5.1: version 1, protocol type 1, type, length of what follows 8 bytes.
        signature(Number(0, 1, 0x30, 0x37), OneOf(1, _TYPES), Length(2, 2, 8), strength=Strength.PAIRED),
    ),
)
