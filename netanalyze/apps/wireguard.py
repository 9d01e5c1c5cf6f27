"""WireGuard (its protocol description)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="wireguard",
    title="WireGuard",
    transports=(UDP,),
    ports=frozenset({51820}),
    signatures=(
        # Message type and three reserved zeros. Initiation, response and cookie reply have one size each.
        signature(Bytes(b"\x01\x00\x00\x00"), Size(148, 148)),
        signature(Bytes(b"\x02\x00\x00\x00"), Size(92, 92)),
        signature(Bytes(b"\x03\x00\x00\x00"), Size(64, 64), strength=Strength.PAIRED),
        # Transport data, padded to 16 bytes.
        signature(Bytes(b"\x04\x00\x00\x00"), Size(32, every=16), strength=Strength.PAIRED),
    ),
)
