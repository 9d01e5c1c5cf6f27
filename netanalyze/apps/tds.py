"""TDS: Microsoft SQL Server (MS-TDS)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="tds",
    title="Tabular Data Stream",
    transports=(TCP,),
    ports=frozenset({1433}),
    signatures=(
        # Section 2.2.3.1: type 0x12 (PRELOGIN), last packet, length, process 0, number, window 0. Section
        # 2.2.6.5: the first option is the version, whose data comes after the list of options.
        signature(
            Bytes(b"\x12\x01"),
            Number(2, 2, 20, 4096),
            Bytes(b"\x00\x00", 4),
            Bytes(b"\x00\x00\x00", 7),
            Number(10, 1, 6, 80),
            Bytes(b"\x00\x06", 11),
            sender=Sender.CLIENT,
        ),
        # Any packet: batch, login, RPC, response, attention, bulk load, transaction, login 7, SSPI, prelogin.
        signature(
            OneOf(0, b"\x01\x02\x03\x04\x06\x07\x0e\x10\x11\x12"),
            Number(1, 1, 0, 0x1F),
            Number(2, 2, 8, 32767),
            strength=Strength.PORT,
        ),
    ),
    # MS-TDS section 2.2.3.1: the length counts the whole packet.
    framing=both(length("u16be", offset=2, include_header=True)),
)
