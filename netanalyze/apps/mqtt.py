"""MQTT: messages of devices, versions 3.1 to 5."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Signature, Strength, signature
from netanalyze.tcp.writes.framing import both, varint


def _connect(length_size: int) -> tuple[Signature, ...]:
    """MQTT 5.0 section 3.1: CONNECT, remaining length (1 to 4 bytes), protocol name, level."""
    at = 1 + length_size
    return (
        signature(Bytes(b"\x10"), Bytes(b"\x00\x04MQTT", at), OneOf(at + 6, b"\x04\x05")),
        signature(Bytes(b"\x10"), Bytes(b"\x00\x06MQIsdp\x03", at)),
    )


PROTOCOL = Protocol(
    name="mqtt",
    title="MQTT",
    transports=(TCP,),
    ports=frozenset({1883}),
    signatures=(
        *(entry for length_size in (1, 2, 3, 4) for entry in _connect(length_size)),
        # Section 3.2: CONNACK, of two bytes before version 5.
        signature(
            Bytes(b"\x20"),
            Number(1, 1, 2, 127),
            Number(2, 1, 0, 1),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
    ),
    # Section 2.1: a kind and flags, then the remaining length.
    framing=both(varint(offset=1)),
)
