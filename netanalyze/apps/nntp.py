"""NNTP: news (RFC 3977)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_COMMANDS = (
    b"MODE READER",
    b"CAPABILITIES",
    b"GROUP ",
    b"AUTHINFO ",
    b"LIST ACTIVE",
    b"NEWGROUPS ",
    b"ARTICLE ",
)

PROTOCOL = Protocol(
    name="nntp",
    title="Network News Transfer Protocol",
    transports=(TCP,),
    ports=frozenset({119}),
    signatures=(
        # RFC 3977 section 5.1: the greeting, posting allowed or not; then permanent and temporary refusal.
        signature(Bytes(b"20"), OneOf(2, b"01"), Bytes(b" ", 3), Find(b"NNTP", 4), sender=Sender.SERVER),
        signature(
            Bytes(b"20"), OneOf(2, b"01"), Bytes(b" ", 3), strength=Strength.PAIRED, sender=Sender.SERVER
        ),
        *(
            signature(Bytes(code), strength=Strength.PORT, sender=Sender.SERVER)
            for code in (b"400 ", b"480 ", b"502 ")
        ),
        *(
            signature(Bytes(command, fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT)
            for command in _COMMANDS
        ),
    ),
    # RFC 3977 section 3.1: lines.
    framing=both(TEXT_LINES),
)
