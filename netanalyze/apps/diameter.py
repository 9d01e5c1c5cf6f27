"""Diameter: authentication and accounting (RFC 6733)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="diameter",
    title="Diameter",
    transports=(TCP,),
    ports=frozenset({3868}),
    signatures=(
        # RFC 6733 sections 3 and 5.3: capabilities exchange, command 257 of application 0, comes first.
        signature(
            Bytes(b"\x01"),
            Number(1, 3, 20, 65535),
            OneOf(4, b"\x80\x00\x20"),
            Bytes(b"\x00\x01\x01\x00\x00\x00\x00", 5),
        ),
        # Any message: version, length, flags of which the low four are reserved, a command below 65536.
        signature(
            Bytes(b"\x01"),
            Number(1, 3, 20, 65535),
            Number(4, 1, 0, 0, mask=0x0F),
            Number(5, 3, 257, 65535),
            strength=Strength.PORT,
        ),
    ),
    # RFC 6733 section 3: the length counts the whole message.
    framing=both(length("u24be", offset=1, include_header=True)),
)
