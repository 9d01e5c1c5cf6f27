"""TACACS+: who may log in to network devices (RFC 8907)."""

from __future__ import annotations

from netanalyze.apps.checks import Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="tacplus",
    title="TACACS+",
    transports=(TCP,),
    ports=frozenset({49}),
    signatures=(
        # RFC 8907 section 4.1: version 12.0 or 12.1, type, sequence number, flags, session, length.
        signature(
            OneOf(0, b"\xc0\xc1"),
            Number(1, 1, 1, 3),
            Number(2, 1, 1, 255),
            OneOf(3, b"\x00\x01\x04\x05"),
            Number(8, 4, 5, 65535),
            strength=Strength.PAIRED,
        ),
    ),
    # RFC 8907 section 4.1.
    framing=both(length("u32be", offset=8)),
)
