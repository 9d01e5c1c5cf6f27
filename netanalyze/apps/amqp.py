"""AMQP: message queueing, versions 0-8 to 1.0."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import StreamFraming, fixed, length

# 0-9-1 section 4.2.3: kind, channel, size, payload, and a byte that ends the frame.
_FRAMES = length("u32be", offset=3, adjust=1)

PROTOCOL = Protocol(
    name="amqp",
    title="Advanced Message Queuing Protocol",
    transports=(TCP,),
    ports=frozenset({5672}),
    signatures=(
        # 0-9-1 section 4.2.2, 1.0 section 2.2: the protocol header; a server may answer with its own.
        signature(Bytes(b"AMQP"), OneOf(4, b"\x00\x01\x02\x03")),
        # 0-9-1 section 4.2.3: a method frame on channel 0 with connection.start, which a server sends first.
        signature(Bytes(b"\x01\x00\x00"), Bytes(b"\x00\x0a\x00\x0a", 7), sender=Sender.SERVER),
        # Any method, header, body or heartbeat frame.
        signature(OneOf(0, b"\x01\x02\x03\x08"), Bytes(b"\x00\x00", 3), strength=Strength.PORT),
    ),
    framing=StreamFraming((fixed(8, once=True), _FRAMES), (_FRAMES,)),
)
