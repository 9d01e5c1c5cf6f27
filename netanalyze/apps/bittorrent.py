"""BitTorrent between peers (BEP 3)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, signature

PROTOCOL = Protocol(
    name="bittorrent",
    title="BitTorrent",
    transports=(TCP,),
    ports=frozenset(range(6881, 6890)),
    signatures=(
        # BEP 3, peer protocol: the handshake of both sides.
        signature(Bytes(b"\x13BitTorrent protocol")),
    ),
)
