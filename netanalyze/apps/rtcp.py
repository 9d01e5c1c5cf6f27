"""RTCP: reports about RTP (RFC 3550 section 6)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Size
from netanalyze.apps.protocol import UDP, Protocol, Signature, signature

_SENDER_REPORT = 200
_RECEIVER_REPORT = 201


def _report(kind: int, words: int, blocks: int) -> Signature:
    """Sections 6.4.1 and 6.4.2: version 2, number of blocks, kind, length in words less one."""
    first = 0x80 | blocks
    return signature(Bytes(bytes((first, kind, 0, words + 6 * blocks))), Size(8, every=4))


PROTOCOL = Protocol(
    name="rtcp",
    title="RTP Control Protocol",
    transports=(UDP,),
    ports=frozenset(),
    signatures=tuple(
        # Section 6.1: every packet begins with a report, about up to 31 sources; more than 7 are not met.
        _report(kind, words, blocks)
        for kind, words in ((_SENDER_REPORT, 6), (_RECEIVER_REPORT, 1))
        for blocks in range(8)
    ),
)
