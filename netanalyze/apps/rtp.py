"""RTP: audio and video (RFC 3550). It has no port of its own; signalling agrees on one."""

from __future__ import annotations

from netanalyze.apps.checks import Number, OneOf, Same, Size, Step
from netanalyze.apps.protocol import UDP, Protocol, signature

_MARKER = 0x80
# RFC 3551 section 6: static payload types up to 34, dynamic ones from 96. 72 to 76 would be RTCP's.
_PAYLOAD_TYPES = (*range(35), *range(96, 128))

PROTOCOL = Protocol(
    name="rtp",
    title="Real-time Transport Protocol",
    transports=(UDP,),
    ports=frozenset(),
    signatures=(
        # RFC 3550 section 5.1: version 2, payload type, a sequence number that grows, one source. One
        # packet proves nothing, three with the same source do.
        signature(
            Number(0, 1, 0x80, 0x80, mask=0xC0),
            OneOf(1, bytes((*_PAYLOAD_TYPES, *(_MARKER | kind for kind in _PAYLOAD_TYPES)))),
            Step(2, 2, 16),
            Same(8, 4),
            Size(13),
            repeat=3,
        ),
    ),
)
