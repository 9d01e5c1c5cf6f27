"""Modbus over TCP: industrial control (Modbus Messaging on TCP/IP Implementation Guide)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

# Section 3.1.3 of the guide: transaction, protocol 0, length of unit and what follows, unit, function.
_HEADER = (Bytes(b"\x00\x00", 2), Number(4, 2, 2, 254))

PROTOCOL = Protocol(
    name="modbus",
    title="Modbus/TCP",
    transports=(TCP,),
    ports=frozenset({502}),
    signatures=(
        signature(*_HEADER, Number(7, 1, 1, 43), strength=Strength.PAIRED, sender=Sender.CLIENT),
        # An error has the function's top bit set.
        signature(*_HEADER, Number(7, 1, 1, 43, mask=0x7F), strength=Strength.PAIRED, sender=Sender.SERVER),
    ),
    # Modbus Messaging on TCP/IP section 3.1.3.
    framing=both(length("u16be", offset=4)),
)
