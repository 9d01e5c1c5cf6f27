"""IEC 60870-5-104: telecontrol of power networks."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="iec60870_104",
    title="IEC 60870-5-104",
    transports=(TCP,),
    ports=frozenset({2404}),
    signatures=(
        # Section 5 of the standard: U frames start, stop and test the transfer.
        signature(Bytes(b"\x68\x04"), OneOf(2, b"\x07\x0b\x13\x23\x43\x83"), Bytes(b"\x00\x00\x00", 3)),
        # I and S frames: start byte, length of 4 to 253.
        signature(Bytes(b"\x68"), Number(1, 1, 4, 253), Number(2, 4, 0, 0xFFFFFFFF), strength=Strength.PORT),
    ),
    # IEC 60870-5-104 section 5: a start byte, then the length of what follows.
    framing=both(length("u8", offset=1)),
)
