"""LLMNR: names on the local link (RFC 4795). The header is that of DNS."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.dns import DATAGRAMS
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="llmnr",
    title="Link-Local Multicast Name Resolution",
    transports=(UDP,),
    ports=frozenset({5355}),
    signatures=(
        *DATAGRAMS,
        # RFC 4795 section 2.1.1: opcode 0, own meanings of the bits after it, one question.
        signature(
            Number(2, 2, 0, 0x000F, mask=0x78FF),
            Bytes(b"\x00\x01", 4),
            Number(6, 2, 0, 255),
            Number(8, 2, 0, 255),
            Number(10, 2, 0, 255),
            strength=Strength.PORT,
        ),
    ),
)
