"""TFTP: simple file transfer (RFC 1350). Only the first request goes to its port."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, Number, OneOf, Printable, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

_REQUEST = (Bytes(b"\x00"), OneOf(1, b"\x01\x02"), Printable(2, 1))
_ACKNOWLEDGEMENT_BYTES = 4

PROTOCOL = Protocol(
    name="tftp",
    title="Trivial File Transfer Protocol",
    transports=(UDP,),
    ports=frozenset({69}),
    signatures=(
        # RFC 1350 section 5: opcode, file name, mode, both ended by a zero.
        signature(*_REQUEST, Find(b"\x00octet\x00", 3, fold=True)),
        signature(*_REQUEST, Find(b"\x00netascii\x00", 3, fold=True)),
        signature(*_REQUEST, strength=Strength.PORT),
        # The data goes from another port of the server: block number and data, or block number alone.
        signature(Bytes(b"\x00\x03"), Size(_ACKNOWLEDGEMENT_BYTES), strength=Strength.PAIRED),
        signature(
            Bytes(b"\x00\x04"),
            Size(_ACKNOWLEDGEMENT_BYTES, _ACKNOWLEDGEMENT_BYTES),
            strength=Strength.PAIRED,
        ),
        # Errors 0 to 8, most with a text that a zero ends.
        signature(Bytes(b"\x00\x05"), Number(2, 2, 0, 8), Printable(4, 6), Find(b"\x00", 10)),
        signature(Bytes(b"\x00\x05"), Number(2, 2, 0, 8), strength=Strength.PAIRED),
        # RFC 2347: the options that a server agrees to.
        signature(Bytes(b"\x00\x06"), Printable(2, 4), Find(b"\x00", 6), strength=Strength.PAIRED),
    ),
)
