"""VNC: remote screens by the RFB protocol (RFC 6143)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, signature

PROTOCOL = Protocol(
    name="vnc",
    title="Virtual Network Computing",
    transports=(TCP,),
    ports=frozenset(range(5900, 5910)),
    signatures=(
        # RFC 6143 section 7.1.1: both sides send the version, "RFB 003.008".
        signature(Bytes(b"RFB 00"), OneOf(6, b"345"), Bytes(b".", 7)),
    ),
)
