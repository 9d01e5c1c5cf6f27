"""MySQL and MariaDB: the client/server protocol."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Printable
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="mysql",
    title="MySQL",
    transports=(TCP,),
    ports=frozenset({3306}),
    signatures=(
        # Handshake: packet length, sequence 0, protocol version 10 (9 long ago), server version as text.
        *(
            signature(
                Number(0, 3, 24, 1023, little=True),
                Bytes(bytes((0, version)), 3),
                OneOf(5, b"1234589"),
                OneOf(6, b".0123456789"),
                Printable(7, 2),
                sender=Sender.SERVER,
            )
            for version in (9, 10)
        ),
        # An error instead of it: too many connections, host blocked, host not allowed.
        signature(
            Number(0, 3, 4, 1023, little=True),
            Bytes(b"\x00\xff", 3),
            Number(5, 2, 1000, 5000, little=True),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
        # Handshake response: sequence 1, capabilities that have the 4.1 protocol, zeros from byte 13 on.
        signature(
            Number(0, 3, 32, 4095, little=True),
            Bytes(b"\x01", 3),
            Number(4, 2, 0x0200, 0x0200, mask=0x0200, little=True),
            Bytes(bytes(16), 13),
            strength=Strength.PAIRED,
            sender=Sender.CLIENT,
        ),
    ),
    # Protocol::Packet: payload length, then a sequence number.
    framing=both(length("u24le", adjust=1)),
)
