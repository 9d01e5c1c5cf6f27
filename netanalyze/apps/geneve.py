"""GENEVE: a tunnel for virtual networks (RFC 8926)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="geneve",
    title="Generic Network Virtualization Encapsulation",
    transports=(UDP,),
    ports=frozenset({6081}),
    signatures=(
        # RFC 8926 section 3.4: version 0, six reserved bits, an EtherType, a reserved byte.
        signature(
            Number(0, 1, 0, 0, mask=0xC0),
            Number(1, 1, 0, 0, mask=0x3F),
            Number(2, 2, 0x0600, 0xFFFF),
            Bytes(b"\x00", 7),
            strength=Strength.PORT,
        ),
    ),
)
