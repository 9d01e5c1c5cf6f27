"""Local peer discovery of BitTorrent (BEP 14)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import UDP, Protocol, signature

PROTOCOL = Protocol(
    name="lsd",
    title="BitTorrent local service discovery",
    transports=(UDP,),
    ports=frozenset({6771}),
    signatures=(signature(Bytes(b"BT-SEARCH * HTTP/1.1\r\n")),),
)
