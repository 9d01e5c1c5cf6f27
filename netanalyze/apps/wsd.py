"""WS-Discovery: finding devices on the local network (OASIS WS-Discovery 1.1): SOAP in datagrams."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="wsd",
    title="Web Services Dynamic Discovery",
    transports=(UDP,),
    ports=frozenset({3702}),
    signatures=(
        signature(Bytes(b"<?xml"), strength=Strength.PORT),
        signature(Bytes(b"<"), Find(b":Envelope", 1), strength=Strength.PORT),
    ),
)
