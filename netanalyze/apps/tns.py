"""TNS: Oracle databases."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="tns",
    title="Oracle Transparent Network Substrate",
    transports=(TCP,),
    ports=frozenset({1521}),
    signatures=(
        # Length, checksum 0, type 1 (connect), flags, checksum 0, version (300 to 320) and the oldest
        # that is compatible.
        signature(
            Number(0, 2, 34, 4096),
            Bytes(b"\x00\x00\x01", 2),
            Bytes(b"\x00\x00", 6),
            Number(8, 2, 0x012C, 0x0150),
            Number(10, 2, 0x0100, 0x0150),
            sender=Sender.CLIENT,
        ),
        # Accept, refuse, redirect, data, resend.
        signature(
            Number(0, 2, 8, 65535),
            Bytes(b"\x00\x00", 2),
            OneOf(4, b"\x01\x02\x04\x05\x06\x0b"),
            Bytes(b"\x00\x00", 6),
            strength=Strength.PORT,
        ),
    ),
    # The length counts the whole packet.
    framing=both(length("u16be", include_header=True)),
)
