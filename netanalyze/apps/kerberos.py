"""Kerberos version 5 (RFC 4120)."""

from __future__ import annotations

from netanalyze.apps.ber import SHORT_LENGTH_SIZES, length_check
from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, UDP, Protocol, Signature, signature
from netanalyze.tcp.writes.framing import both, length

# RFC 4120 section 5: application tags 10 to 15 (requests and replies) and 30 (error).
_TAGS = b"\x6a\x6b\x6c\x6d\x6e\x6f\x7e"


def _message(offset: int, outer: int, inner: int, over: str) -> Signature:
    """Tag, length, sequence, length, then the version number 5 in a context tag 0 or 1."""
    sequence = offset + 1 + outer
    version = sequence + 1 + inner
    # Section 7.2.2: over TCP a length of four bytes comes first; its top bit is reserved.
    framing = (Number(0, 4, 10, 0xFFFFFF),) if offset else ()
    return signature(
        *framing,
        OneOf(offset, _TAGS),
        length_check(offset + 1, outer),
        Bytes(b"\x30", sequence),
        length_check(sequence + 1, inner),
        OneOf(version, b"\xa0\xa1"),
        Bytes(b"\x03\x02\x01\x05", version + 1),
        over=over,
    )


PROTOCOL = Protocol(
    name="kerberos",
    title="Kerberos",
    transports=(TCP, UDP),
    ports=frozenset({88}),
    signatures=tuple(
        _message(offset, outer, inner, over)
        for offset, over in ((4, TCP), (0, UDP))
        for outer in SHORT_LENGTH_SIZES
        for inner in SHORT_LENGTH_SIZES
        if inner <= outer
    ),
    # RFC 4120 section 7.2.2.
    framing=both(length("u32be")),
)
