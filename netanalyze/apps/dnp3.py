"""DNP3: telemetry of power and water networks (IEEE 1815)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="dnp3",
    title="Distributed Network Protocol 3",
    transports=(TCP, UDP),
    ports=frozenset({20000}),
    signatures=(
        # IEEE 1815 section 9.2.4: start bytes, length of at least 5, control, destination, source, CRC.
        signature(
            Bytes(b"\x05\x64"), Number(2, 1, 5, 255), Number(8, 2, 0, 0xFFFF), strength=Strength.PAIRED
        ),
    ),
)
