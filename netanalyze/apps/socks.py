"""SOCKS, versions 4 and 5: a proxy for any connection (RFC 1928)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature

PROTOCOL = Protocol(
    name="socks",
    title="SOCKS",
    transports=(TCP,),
    ports=frozenset({1080}),
    signatures=(
        # RFC 1928 section 3: version, number of methods, methods; the server takes one or refuses.
        signature(
            Bytes(b"\x05"),
            OneOf(1, bytes(range(1, 10))),
            OneOf(2, b"\x00\x01\x02"),
            strength=Strength.PAIRED,
            sender=Sender.CLIENT,
        ),
        signature(
            Bytes(b"\x05"), OneOf(1, b"\x00\x01\x02\xff"), strength=Strength.PAIRED, sender=Sender.SERVER
        ),
        # Version 4: connect or bind; granted or one of three refusals.
        signature(Bytes(b"\x04"), OneOf(1, b"\x01\x02"), strength=Strength.PAIRED, sender=Sender.CLIENT),
        signature(
            Bytes(b"\x00"), OneOf(1, b"\x5a\x5b\x5c\x5d"), strength=Strength.PAIRED, sender=Sender.SERVER
        ),
    ),
)
