"""LDAP: directories (RFC 4511)."""

from __future__ import annotations

from netanalyze.apps.ber import LENGTH_SIZES, length_check
from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Signature, signature
from netanalyze.tcp.writes.framing import BER, both

# RFC 4511 section 4.1.1: tags of the operations.
_OPERATIONS = bytes((0x42, 0x4A, 0x50, *range(0x60, 0x6A), *range(0x6B, 0x70), 0x73, 0x77, 0x78, 0x79))
_MESSAGE_ID_SIZES = (1, 2, 3, 4)


def _message(length_size: int, id_size: int) -> Signature:
    """A sequence of a message number and an operation."""
    number = 1 + length_size
    return signature(
        Bytes(b"\x30"),
        length_check(1, length_size),
        Bytes(bytes((0x02, id_size)), number),
        OneOf(number + 2 + id_size, _OPERATIONS),
    )


MESSAGES = tuple(
    _message(length_size, id_size) for length_size in LENGTH_SIZES for id_size in _MESSAGE_ID_SIZES
)
"""Signatures of any LDAP message, without respect to the transport."""

PROTOCOL = Protocol(
    name="ldap",
    title="Lightweight Directory Access Protocol",
    transports=(TCP,),
    ports=frozenset({389, 3268}),
    signatures=MESSAGES,
    # RFC 4511 section 5.1: each LDAPMessage is a sequence.
    framing=both(BER),
)
