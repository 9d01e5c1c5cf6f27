"""BitTorrent between peers (BEP 3)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, signature
from netanalyze.tcp.writes.framing import both, fixed, length

PROTOCOL = Protocol(
    name="bittorrent",
    title="BitTorrent",
    transports=(TCP,),
    ports=frozenset(range(6881, 6890)),
    signatures=(
        # BEP 3, peer protocol: the handshake of both sides.
        signature(Bytes(b"\x13BitTorrent protocol")),
    ),
    # BEP 3: a handshake of 68 bytes, then messages with their lengths.
    framing=both(fixed(68, once=True), length("u32be")),
)
