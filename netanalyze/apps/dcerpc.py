"""DCE/RPC over TCP, Windows' remote procedure calls (The Open Group C706; MS-RPCE)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="dcerpc",
    title="DCE/RPC",
    transports=(TCP,),
    ports=frozenset({135}),
    signatures=(
        # C706 section 12.6.3.1: version 5.0 or 5.1, PDU type, flags, data representation, fragment length.
        signature(
            Bytes(b"\x05"),
            OneOf(1, b"\x00\x01"),
            Number(2, 1, 0, 19),
            Bytes(b"\x10\x00\x00\x00", 4),
            Number(8, 2, 16, 65535, little=True),
        ),
        signature(
            Bytes(b"\x05"),
            OneOf(1, b"\x00\x01"),
            OneOf(2, bytes((0, 2, 3, *range(11, 20)))),
            Bytes(b"\x00\x00\x00\x00", 4),
            Number(8, 2, 16, 8192),
        ),
    ),
    # C706 section 12.6.3.1: frag_length counts the whole fragment; nearly all are little-endian.
    framing=both(length("u16le", offset=8, include_header=True)),
)
