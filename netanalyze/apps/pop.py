"""POP3: fetching mail (RFC 1939)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_COMMANDS = (b"CAPA\r\n", b"USER ", b"APOP ", b"AUTH", b"STLS\r\n", b"QUIT\r\n")

PROTOCOL = Protocol(
    name="pop",
    title="Post Office Protocol version 3",
    transports=(TCP,),
    ports=frozenset({110}),
    signatures=(
        # RFC 1939 section 4: the greeting, and any other reply.
        signature(Bytes(b"+OK"), OneOf(3, b" \r"), strength=Strength.PAIRED, sender=Sender.SERVER),
        signature(Bytes(b"-ERR"), strength=Strength.PORT, sender=Sender.SERVER),
        # Sections 5 and 7, RFC 2449, RFC 5034, RFC 2595.
        *(
            signature(Bytes(command, fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT)
            for command in _COMMANDS
        ),
    ),
    # RFC 1939 section 3: lines.
    framing=both(TEXT_LINES),
)
