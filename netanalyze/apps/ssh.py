"""SSH (RFC 4253)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, signature

PROTOCOL = Protocol(
    name="ssh",
    title="Secure Shell",
    transports=(TCP,),
    ports=frozenset({22}),
    signatures=(
        # RFC 4253 section 4.2: both sides identify themselves.
        signature(Bytes(b"SSH-"), OneOf(4, b"12"), Bytes(b".", 5)),
    ),
)
