"""Multicast DNS (RFC 6762). The header is that of DNS."""

from __future__ import annotations

from netanalyze.apps.checks import Number, Size
from netanalyze.apps.dns import DATAGRAMS
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="mdns",
    title="Multicast DNS",
    transports=(UDP,),
    ports=frozenset({5353}),
    signatures=(
        *DATAGRAMS,
        # RFC 6762 section 18: opcode and response code are 0; responses need no question, and a query
        # may have many and known answers.
        signature(
            Number(2, 2, 0, 0, mask=0x784F),
            Number(4, 2, 0, 255),
            Number(6, 2, 0, 255),
            Number(8, 2, 0, 255),
            Number(10, 2, 0, 255),
            Size(12),
            strength=Strength.PORT,
        ),
    ),
)
