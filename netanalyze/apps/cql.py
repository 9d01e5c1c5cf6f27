"""CQL: Cassandra's native protocol, versions 3 to 5."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

# native_protocol_v4.spec section 2: version, flags, stream (2 bytes), opcode, length (4 bytes).
_REQUEST = OneOf(0, b"\x03\x04\x05")
_RESPONSE = OneOf(0, b"\x83\x84\x85")
_FLAGS = Number(1, 1, 0, 0x1F)

PROTOCOL = Protocol(
    name="cql",
    title="Cassandra Query Language",
    transports=(TCP,),
    ports=frozenset({9042}),
    signatures=(
        # Section 4.1.1: STARTUP, whose map of options always has CQL_VERSION.
        signature(_REQUEST, _FLAGS, Bytes(b"\x01", 4), Find(b"CQL_VERSION", 11)),
        # Section 4.1.3: OPTIONS has no body. Drivers often send it first.
        signature(_REQUEST, _FLAGS, Bytes(b"\x05\x00\x00\x00\x00", 4), sender=Sender.CLIENT),
        # Any request or response whose body is below 16 MiB.
        signature(_REQUEST, _FLAGS, Number(4, 1, 1, 0x0F), Bytes(b"\x00", 5), strength=Strength.PORT),
        signature(_RESPONSE, _FLAGS, Number(4, 1, 0, 0x10), Bytes(b"\x00", 5), strength=Strength.PORT),
    ),
    # Native protocol v4 section 2: a header of nine bytes, which the length ends.
    framing=both(length("u32be", offset=5)),
)
