"""ZooKeeper: coordination of servers."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

_FOUR_LETTER_WORDS = (b"ruok", b"stat", b"srvr", b"mntr", b"conf", b"cons", b"envi", b"isro", b"imok")

PROTOCOL = Protocol(
    name="zookeeper",
    title="ZooKeeper",
    transports=(TCP,),
    ports=frozenset({2181}),
    signatures=(
        # ConnectRequest: length, protocol version 0, last transaction, timeout (ms), session, password
        # of 16 bytes, and since 3.4 whether reading is enough.
        signature(
            Bytes(b"\x00\x00\x00"),
            OneOf(3, b"\x2c\x2d"),
            Bytes(b"\x00\x00\x00\x00", 4),
            Number(16, 4, 1, 3600000),
            Bytes(b"\x00\x00\x00\x10", 28),
            sender=Sender.CLIENT,
        ),
        # ConnectResponse.
        signature(
            Bytes(b"\x00\x00\x00"),
            OneOf(3, b"\x24\x25"),
            Bytes(b"\x00\x00\x00\x00", 4),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
        *(signature(Bytes(word), strength=Strength.PORT) for word in _FOUR_LETTER_WORDS),
    ),
    # Each packet is preceded by its length.
    framing=both(length("u32be")),
)
