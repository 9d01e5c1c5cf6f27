"""SSH (RFC 4253)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, signature
from netanalyze.tcp.writes.framing import LINE, both, length

PROTOCOL = Protocol(
    name="ssh",
    title="Secure Shell",
    transports=(TCP,),
    ports=frozenset({22}),
    signatures=(
        # RFC 4253 section 4.2: both sides identify themselves.
        signature(Bytes(b"SSH-"), OneOf(4, b"12"), Bytes(b".", 5)),
    ),
    # RFC 4253 sections 4.2 and 6: a line, then packets, to be seen until NEWKEYS (21).
    framing=both(LINE.first_only(), length("u32be", most=35000, type_at=5, last_type=21)),
)
