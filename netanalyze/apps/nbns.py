"""NetBIOS name service (RFC 1002 section 4.2). The header is that of DNS."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.dns import DATAGRAMS
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

# Section 4.2.1.1: opcodes 0 (query) and 5 to 9, response codes 0 to 7; bits 0x60 are reserved.
_FLAGS = (
    Number(2, 2, 0, 0x4800, mask=0x7800),
    Number(2, 2, 0, 0, mask=0x0060),
    Number(2, 2, 0, 7, mask=0x000F),
)
# Section 4.1: a name is encoded as 32 letters from A to P.
_NAME = (Bytes(b"\x20", 12), *(Number(offset, 1, 0x41, 0x50) for offset in (13, 14, 15, 16, 43, 44)))

PROTOCOL = Protocol(
    name="nbns",
    title="NetBIOS Name Service",
    transports=(UDP,),
    ports=frozenset({137}),
    signatures=(
        *DATAGRAMS,
        # One name asked for, or (a response, section 4.2.13) one answer about it.
        signature(*_FLAGS, Bytes(b"\x00\x01\x00\x00", 4), *_NAME),
        signature(*_FLAGS, Bytes(b"\x00\x00\x00\x01", 4), *_NAME),
        signature(
            *_FLAGS,
            Number(4, 2, 0, 1),
            Number(6, 2, 0, 255),
            Number(8, 2, 0, 255),
            Number(10, 2, 0, 255),
            strength=Strength.PORT,
        ),
    ),
)
