"""Thrift: remote procedure calls (the binary and compact protocols of its specification)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Word
from netanalyze.apps.protocol import TCP, Protocol, Signature, Strength, signature
from netanalyze.tcp.writes.framing import both, length

_LARGEST_FRAME = 16384000  # the default limit of its libraries
_NAME_BYTES = 128


def _binary(offset: int, *framing: Number) -> Signature:
    """Strict binary: version 1, a zero, kind of message (1 to 4), method name as length and text."""
    return signature(
        *framing,
        Bytes(b"\x80\x01\x00", offset),
        Number(offset + 3, 1, 1, 4),
        Word(offset + 4, 4, 1, _NAME_BYTES),
    )


def _compact(offset: int, *framing: Number) -> Signature:
    """Compact: protocol 0x82, version 1 with the kind of message above it, sequence number, name."""
    return signature(
        *framing, Bytes(b"\x82", offset), OneOf(offset + 1, b"\x21\x41\x61\x81"), strength=Strength.PORT
    )


_FRAME = Number(0, 4, 4, _LARGEST_FRAME)

PROTOCOL = Protocol(
    name="thrift",
    title="Apache Thrift",
    transports=(TCP,),
    ports=frozenset({9090}),
    signatures=(_binary(0), _binary(4, _FRAME), _compact(0), _compact(4, _FRAME)),
    # The framed transport; without it nothing tells where a message ends.
    framing=both(length("u32be", most=16384000)),
)
