"""IMAP: mailboxes on a server (RFC 9051)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, Printable
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_FIRST_COMMANDS = (
    b" CAPABILITY",
    b" LOGIN ",
    b" STARTTLS",
    b" AUTHENTICATE ",
    b" ID ",
    b" NOOP",
    b" SELECT ",
)

PROTOCOL = Protocol(
    name="imap",
    title="Internet Message Access Protocol",
    transports=(TCP,),
    ports=frozenset({143}),
    signatures=(
        # RFC 9051 section 7.1: the greeting.
        *(
            signature(Bytes(greeting, fold=True), sender=Sender.SERVER)
            for greeting in (b"* OK ", b"* OK\r\n", b"* PREAUTH ", b"* BYE ")
        ),
        # Section 2.2.1: a command is a tag of the client's choice and a word.
        *(
            signature(Printable(0, 8), Find(command, 1, fold=True), strength=Strength.PORT)
            for command in _FIRST_COMMANDS
        ),
        # Section 2.2.2: lines of the server that are not the end of a command.
        signature(Bytes(b"* "), Printable(2, 2), strength=Strength.PORT),
    ),
    # RFC 9051 section 2.2: lines; what a literal has in it counts as lines too.
    framing=both(TEXT_LINES),
)
