"""Kafka: message broker (the protocol guide of Apache Kafka)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, Word
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

_LARGEST = 104857600  # socket.request.max.bytes, the broker's default limit
_SIZE = Number(0, 4, 8, _LARGEST)
# Request header: api key, api version, correlation id, client id (a string with a 16-bit length).
_API = (Number(4, 2, 0, 120), Number(6, 2, 0, 20))

PROTOCOL = Protocol(
    name="kafka",
    title="Apache Kafka",
    transports=(TCP,),
    ports=frozenset({9092}),
    signatures=(
        signature(_SIZE, *_API, Word(12, 2, 1, 249), sender=Sender.CLIENT),
        # A client id that is null or empty.
        signature(_SIZE, *_API, Bytes(b"\xff\xff", 12), strength=Strength.PORT, sender=Sender.CLIENT),
        signature(_SIZE, *_API, Bytes(b"\x00\x00", 12), strength=Strength.PORT, sender=Sender.CLIENT),
        # A response has only its size and the request's correlation id.
        signature(
            Number(0, 4, 4, _LARGEST),
            Number(4, 4, 0, 0x7FFFFFFF),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
    ),
    # Protocol guide, "Network": every request and response is preceded by its size.
    framing=both(length("u32be", most=_LARGEST)),
)
