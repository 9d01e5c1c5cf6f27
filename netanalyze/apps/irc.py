"""IRC: chat (RFC 2812)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, Printable
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

PROTOCOL = Protocol(
    name="irc",
    title="Internet Relay Chat",
    transports=(TCP,),
    ports=frozenset({*range(6660, 6670), 7000}),
    signatures=(
        # RFC 2812 section 3.1: the client's registration.
        signature(Bytes(b"NICK ", fold=True), Find(b"\nUSER ", 5, fold=True), sender=Sender.CLIENT),
        signature(Bytes(b"CAP LS", fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT),
        signature(Bytes(b"NICK ", fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT),
        signature(Bytes(b"PASS ", fold=True), strength=Strength.PORT, sender=Sender.CLIENT),
        signature(Bytes(b"USER ", fold=True), strength=Strength.PORT, sender=Sender.CLIENT),
        # Section 2.3: lines of the server begin with its name.
        signature(Bytes(b":"), Printable(1, 4), Find(b" NOTICE ", 1), strength=Strength.PAIRED),
        signature(Bytes(b":"), Printable(1, 4), Find(b" CAP ", 1), strength=Strength.PAIRED),
        signature(Bytes(b":"), Printable(1, 4), Find(b" 001 ", 1), strength=Strength.PAIRED),
        signature(Bytes(b"NOTICE AUTH :"), sender=Sender.SERVER),
        signature(Bytes(b"PING :"), strength=Strength.PAIRED, sender=Sender.SERVER),
    ),
    # RFC 1459 section 2.3.1: lines.
    framing=both(TEXT_LINES),
)
