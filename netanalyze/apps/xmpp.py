"""XMPP: chat and presence (RFC 6120)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="xmpp",
    title="Extensible Messaging and Presence Protocol",
    transports=(TCP,),
    ports=frozenset({5222, 5269}),
    signatures=(
        # RFC 6120 section 4.2: both sides open an XML stream.
        signature(Bytes(b"<stream:stream")),
        signature(Bytes(b"<?xml"), Find(b"<stream:stream", 5)),
        signature(Bytes(b"<?xml"), strength=Strength.PORT),
    ),
)
