"""FTP, control connection (RFC 959)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_DIGITS = b"0123456789"
_FIRST_COMMANDS = (b"USER ", b"AUTH ", b"FEAT\r\n", b"SYST\r\n", b"HOST ", b"CLNT ", b"OPTS ", b"PBSZ ")

PROTOCOL = Protocol(
    name="ftp",
    title="File Transfer Protocol",
    transports=(TCP,),
    ports=frozenset({21}),
    signatures=(
        # RFC 959 section 5.4: the server greets; most servers say what they are.
        signature(Bytes(b"220"), OneOf(3, b" -"), Find(b"FTP", 4), sender=Sender.SERVER),
        signature(Bytes(b"220"), OneOf(3, b" -"), strength=Strength.PAIRED, sender=Sender.SERVER),
        # Section 4.2: any reply is three digits and a space or hyphen.
        signature(
            OneOf(0, b"12345"),
            OneOf(1, b"012345"),
            OneOf(2, _DIGITS),
            OneOf(3, b" -"),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
        *(
            signature(Bytes(command, fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT)
            for command in _FIRST_COMMANDS
        ),
    ),
    # RFC 959 section 4.2: lines.
    framing=both(TEXT_LINES),
)
