"""Babel: routes in mesh networks (RFC 8966)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Length
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="babel",
    title="Babel routing protocol",
    transports=(UDP,),
    ports=frozenset({6696}),
    signatures=(
        # RFC 8966 section 4.2: magic 42, version 2, length of the body; a trailer may follow.
        signature(Bytes(b"\x2a\x02"), Length(2, 2, 4, slack=255), strength=Strength.PORT),
    ),
)
