"""Syslog (RFC 5424, RFC 3164)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf, Printable
from netanalyze.apps.protocol import TCP, UDP, Protocol, Signature, Strength, signature

_DIGITS = b"0123456789"
_MONTHS = b"JFMASOND"


def _messages(digits: int) -> tuple[Signature, ...]:
    """A priority of 1 to 3 digits in angle brackets, then version 1 or the name of a month."""
    text = digits + 2
    start = (Bytes(b"<"), *(OneOf(1 + i, _DIGITS) for i in range(digits)), Bytes(b">", digits + 1))
    return (
        signature(*start, Bytes(b"1 ", text)),  # RFC 5424 section 6.2
        signature(*start, OneOf(text, _MONTHS), Printable(text + 1, 5), Bytes(b":", text + 9)),  # RFC 3164
        signature(*start, strength=Strength.PORT),
    )


PROTOCOL = Protocol(
    name="syslog",
    title="Syslog",
    transports=(UDP, TCP),
    ports=frozenset({514, 601}),
    signatures=tuple(entry for digits in (1, 2, 3) for entry in _messages(digits)),
)
