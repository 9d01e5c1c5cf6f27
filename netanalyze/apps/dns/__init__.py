"""DNS (RFC 1035). mDNS, LLMNR and NetBIOS names have the same header and are told apart by port."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Labels, Number, Size
from netanalyze.apps.protocol import TCP, UDP, Protocol, Strength, signature

# RFC 1035 section 4.1.1: QR 8000, opcode 7800, AA 0400, TC 0200, RD 0100, RA 0080, Z 0040, AD 0020,
# CD 0010 (RFC 4035), rcode 000f.
_QUERY_BITS = 0xFE4F
_RESPONSE_BITS = 0xF84F
_OPCODE_BITS = 0x7800
_LAST_OPCODE = 0x3000
_ZERO_BIT = 0x0040


def question(offset: int) -> tuple[Number | Bytes | Labels, ...]:
    """A message at ``offset`` that asks one question, as all do that are met in practice."""
    return (
        Number(offset + 2, 2, 0, 0, mask=_QUERY_BITS),
        Bytes(b"\x00\x01\x00\x00", offset + 4),  # one question, no answers
        Number(offset + 8, 2, 0, 1),  # RFC 1995: an IXFR query has the known SOA as authority
        Number(offset + 10, 2, 0, 3),  # EDNS, TSIG
        Labels(offset + 12),
    )


def answer(offset: int) -> tuple[Number | Bytes | Labels, ...]:
    """A response at ``offset`` that repeats the one question."""
    return (
        Number(offset + 2, 2, 0x8000, 0x800B, mask=_RESPONSE_BITS),
        Bytes(b"\x00\x01", offset + 4),
        Number(offset + 6, 2, 0, 1023),
        Number(offset + 8, 2, 0, 255),
        Number(offset + 10, 2, 0, 255),
        Labels(offset + 12),
    )


DATAGRAMS = (signature(*question(0), over=UDP), signature(*answer(0), over=UDP))
"""Signatures that a query or its response match whichever of the four protocols it belongs to."""

PROTOCOL = Protocol(
    name="dns",
    title="Domain Name System",
    transports=(UDP, TCP),
    ports=frozenset({53}),
    signatures=(
        *DATAGRAMS,
        # Anything else with a known opcode (RFC 6895 section 2.2), Z clear and counts of a sane size.
        signature(
            Number(2, 2, 0, _LAST_OPCODE, mask=_OPCODE_BITS),
            Number(2, 2, 0, 0, mask=_ZERO_BIT),
            Number(4, 2, 0, 32),
            Number(6, 2, 0, 1023),
            Number(8, 2, 0, 1023),
            Number(10, 2, 0, 1023),
            Size(12),
            strength=Strength.PORT,
            over=UDP,
        ),
        # RFC 1035 section 4.2.2: over TCP a length comes first.
        signature(Number(0, 2, 17, 65535), *question(2), over=TCP),
        signature(Number(0, 2, 17, 65535), *answer(2), over=TCP),
        # The messages of a zone transfer (RFC 5936 section 2.2) may leave out the question.
        signature(
            Number(0, 2, 12, 65535),
            Number(4, 2, 0x8000, 0x8000, mask=_RESPONSE_BITS | 0x000F),
            Bytes(b"\x00\x00", 6),
            Number(8, 2, 1, 65535),
            strength=Strength.PORT,
            over=TCP,
        ),
        # NOTIFY (RFC 1996) and UPDATE (RFC 2136).
        signature(
            Number(0, 2, 17, 65535),
            Number(4, 2, 0x2000, 0x2800, mask=_OPCODE_BITS),
            Bytes(b"\x00\x01", 6),
            Labels(14),
            strength=Strength.PORT,
            over=TCP,
        ),
    ),
)
