"""SNMP, versions 1 to 3 (RFC 1157, RFC 3416, RFC 3412)."""

from __future__ import annotations

from netanalyze.apps.ber import SHORT_LENGTH_SIZES, length_check
from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import UDP, Protocol, Signature, signature


def _messages(length_size: int) -> tuple[Signature, ...]:
    """A sequence of a version and a community string, in version 3 of a version and a header."""
    version = 1 + length_size
    start = (Bytes(b"\x30"), length_check(1, length_size), Bytes(b"\x02\x01", version))
    return (
        signature(*start, OneOf(version + 2, b"\x00\x01"), Bytes(b"\x04", version + 3)),
        signature(*start, Bytes(b"\x03\x30", version + 2), Bytes(b"\x02", version + 5)),
    )


PROTOCOL = Protocol(
    name="snmp",
    title="Simple Network Management Protocol",
    transports=(UDP,),
    ports=frozenset({161, 162}),
    signatures=tuple(entry for size in SHORT_LENGTH_SIZES for entry in _messages(size)),
)
