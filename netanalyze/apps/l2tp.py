"""L2TP: tunnelled PPP (RFC 2661)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Length, Number, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="l2tp",
    title="Layer 2 Tunneling Protocol",
    transports=(UDP,),
    ports=frozenset({1701}),
    signatures=(
        # RFC 2661 section 3.1: control messages have type, length and sequence bits set, version 2 (or
        # 3, RFC 3931), and their length.
        signature(Bytes(b"\xc8\x02"), Length(2, 2), Size(12), strength=Strength.PAIRED),
        signature(Bytes(b"\xc8\x03"), Length(2, 2), Size(12), strength=Strength.PAIRED),
        # Data messages: the top bit clear, reserved bits zero, version 2.
        signature(Number(0, 2, 0x0002, 0x0002, mask=0xB4FF), Size(6), strength=Strength.PORT),
    ),
)
