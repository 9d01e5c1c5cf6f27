"""SIP: signalling of calls (RFC 3261)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf
from netanalyze.apps.protocol import TCP, UDP, Protocol, Strength, signature

# RFC 3261 section 7.1 and its extensions.
_METHODS = (
    *(b"INVITE", b"ACK", b"OPTIONS", b"BYE", b"CANCEL", b"REGISTER", b"PRACK", b"SUBSCRIBE", b"NOTIFY"),
    *(b"PUBLISH", b"INFO", b"REFER", b"MESSAGE", b"UPDATE"),
)

PROTOCOL = Protocol(
    name="sip",
    title="Session Initiation Protocol",
    transports=(UDP, TCP),
    ports=frozenset({5060}),
    signatures=(
        signature(Bytes(b"SIP/2.0 ")),
        *(signature(Bytes(method + b" sip"), OneOf(len(method) + 4, b":s")) for method in _METHODS),
        *(signature(Bytes(method + b" tel:")) for method in _METHODS),
        # A method or address that is not among these.
        signature(Find(b" SIP/2.0\r\n"), strength=Strength.PORT),
    ),
)
