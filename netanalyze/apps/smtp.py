"""SMTP: sending mail (RFC 5321), and LMTP (RFC 2033)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_DIGITS = b"0123456789"
_OTHER_COMMANDS = (b"RCPT TO:", b"AUTH ", b"STARTTLS", b"NOOP", b"QUIT", b"RSET", b"DATA\r\n")

PROTOCOL = Protocol(
    name="smtp",
    title="Simple Mail Transfer Protocol",
    transports=(TCP,),
    ports=frozenset({25, 587, 2525}),
    signatures=(
        # RFC 5321 section 4.1.1.1: the client says who it is.
        signature(Bytes(b"EHLO ", fold=True)),
        signature(Bytes(b"HELO ", fold=True)),
        signature(Bytes(b"LHLO ", fold=True)),
        signature(Bytes(b"MAIL FROM:", fold=True)),
        # Section 4.2: the server's greeting; most servers say what they are.
        signature(Bytes(b"220"), OneOf(3, b" -"), Find(b"SMTP", 4), sender=Sender.SERVER),
        # Sections 4.2 and 3.1: replies in general, refusals among them.
        signature(
            OneOf(0, b"2345"),
            OneOf(1, b"01235"),
            OneOf(2, _DIGITS),
            OneOf(3, b" -"),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
        *(
            signature(Bytes(command, fold=True), strength=Strength.PORT, sender=Sender.CLIENT)
            for command in _OTHER_COMMANDS
        ),
    ),
    # RFC 5321 section 2.3.8: lines.
    framing=both(TEXT_LINES),
)
