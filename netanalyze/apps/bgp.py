"""BGP: routes between autonomous systems (RFC 4271)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, Protocol, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="bgp",
    title="Border Gateway Protocol",
    transports=(TCP,),
    ports=frozenset({179}),
    signatures=(
        # RFC 4271 section 4.1: marker, length (up to 65535 by RFC 8654), type (5 is RFC 2918's).
        signature(Bytes(b"\xff" * 16), Number(16, 2, 19, 65535), Number(18, 1, 1, 5)),
    ),
    # RFC 4271 section 4.1: the length counts the whole message, with the marker before it.
    framing=both(length("u16be", offset=16, include_header=True)),
)
