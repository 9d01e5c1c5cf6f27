"""QUIC, which HTTP/3 runs on (RFC 9000)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Signature, Strength, signature

_LONG_HEADER = 0xC0
_DIGITS = b"0123456789"


def _long(low: int, high: int) -> Signature:
    """RFC 9000 section 17.2: header form and fixed bit, version, a connection id of up to 20 bytes."""
    return signature(
        Number(0, 1, _LONG_HEADER, _LONG_HEADER, mask=_LONG_HEADER),
        Number(1, 4, low, high),
        Number(5, 1, 0, 20),
    )


PROTOCOL = Protocol(
    name="quic",
    title="QUIC",
    transports=(UDP,),
    ports=frozenset({443}),
    signatures=(
        _long(1, 1),
        _long(0x6B3343CF, 0x6B3343CF),  # version 2 (RFC 9369)
        _long(0xFF000017, 0xFF000022),  # drafts 23 to 34
        # Google's versions before: Q043 and older with their own flags (8 bytes of connection id).
        signature(OneOf(0, b"\x09\x0d\x19\x1d"), Bytes(b"Q0", 9), OneOf(11, _DIGITS), OneOf(12, _DIGITS)),
        signature(
            Number(0, 1, _LONG_HEADER, 0xFF),
            OneOf(1, b"QT"),
            Bytes(b"0", 2),
            Bytes(b"5", 3),
            OneOf(4, _DIGITS),
        ),
        signature(Number(0, 1, _LONG_HEADER, 0xFF), Bytes(b"Q046", 1)),
        # Section 17.2.1: version negotiation has version 0.
        signature(
            Number(0, 1, 0x80, 0xFF),
            Bytes(b"\x00\x00\x00\x00", 1),
            Number(5, 1, 0, 20),
            strength=Strength.PORT,
        ),
        # Section 17.3: the short header of a connection that is already there.
        signature(Number(0, 1, 0x40, 0x7F), Size(21), strength=Strength.PORT),
    ),
)
