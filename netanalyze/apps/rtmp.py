"""RTMP: media to and from Flash's successors."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="rtmp",
    title="Real-Time Messaging Protocol",
    transports=(TCP,),
    ports=frozenset({1935}),
    signatures=(
        # Adobe's specification, sections 5.2.2 and 5.2.3: version 3, a time, zeros (no zeros if signed).
        signature(Bytes(b"\x03"), Bytes(b"\x00\x00\x00\x00", 5), strength=Strength.PAIRED),
        signature(Bytes(b"\x03"), strength=Strength.PORT),
    ),
)
