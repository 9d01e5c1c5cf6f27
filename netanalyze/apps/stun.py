"""STUN and TURN: finding a way through address translation (RFC 8489, RFC 8656)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Length, Number, OneOf
from netanalyze.apps.protocol import TCP, UDP, Protocol, Strength, signature

# RFC 8489 section 5: two zero bits, type, length in whole words, magic cookie.
_TYPE = Number(0, 2, 0, 0x3FFF)
_COOKIE = Bytes(b"\x21\x12\xa4\x42", 4)

PROTOCOL = Protocol(
    name="stun",
    title="Session Traversal Utilities for NAT",
    transports=(UDP, TCP),
    ports=frozenset({3478}),
    signatures=(
        signature(_TYPE, _COOKIE, Length(2, 2, 20), over=UDP),
        signature(_TYPE, _COOKIE, Number(2, 2, 0, 0, mask=0x0003), over=TCP),
        # RFC 3489, the first version, had no cookie.
        signature(
            OneOf(0, b"\x00\x01"),
            OneOf(1, b"\x01\x02\x11\x12"),
            Length(2, 2, 20),
            strength=Strength.PORT,
            over=UDP,
        ),
        # RFC 8656 section 12.4: ChannelData, channels 0x4000 to 0x4fff.
        signature(Number(0, 2, 0x4000, 0x4FFF), Length(2, 2, 4, slack=3), strength=Strength.PORT, over=UDP),
    ),
)
