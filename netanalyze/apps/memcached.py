"""memcached: a cache (protocol.txt and the binary protocol of its documentation)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, Printable
from netanalyze.apps.protocol import TCP, UDP, Protocol, Sender, Signature, Strength, signature

_COMMANDS = (
    *(b"get ", b"gets ", b"gat ", b"set ", b"add ", b"replace ", b"append ", b"prepend ", b"cas "),
    *(b"delete ", b"incr ", b"decr ", b"touch ", b"stats", b"version\r\n", b"flush_all", b"verbosity "),
    *(b"mg ", b"ms ", b"md ", b"ma ", b"mn\r\n"),
)
_REPLIES = (
    *(b"VALUE ", b"END\r\n", b"STORED\r\n", b"NOT_STORED\r\n", b"DELETED\r\n", b"NOT_FOUND\r\n", b"STAT "),
    *(
        b"VERSION ",
        b"EXISTS\r\n",
        b"TOUCHED\r\n",
        b"OK\r\n",
        b"ERROR\r\n",
        b"CLIENT_ERROR ",
        b"SERVER_ERROR ",
    ),
    *(b"HD\r\n", b"HD ", b"VA ", b"EN\r\n", b"NF\r\n", b"NS\r\n"),
)


def _binary(magic: bytes, sender: Sender) -> Signature:
    """Magic, opcode, key length, extras length, data type 0, virtual bucket or status, body length."""
    return signature(
        Bytes(magic),
        Number(1, 1, 0, 0x48),
        Number(2, 2, 0, 250),
        Number(4, 2, 0, 0x2000, mask=0xFFFF),
        Bytes(b"\x00", 5),
        Number(6, 2, 0, 1023),
        Number(8, 4, 0, 0x4000000),
        strength=Strength.PAIRED,
        sender=sender,
        over=TCP,
    )


PROTOCOL = Protocol(
    name="memcached",
    title="memcached",
    transports=(TCP, UDP),
    ports=frozenset({11211}),
    signatures=(
        *(
            signature(Bytes(word), strength=Strength.PAIRED, sender=Sender.CLIENT, over=TCP)
            for word in _COMMANDS
        ),
        *(
            signature(Bytes(word), strength=Strength.PAIRED, sender=Sender.SERVER, over=TCP)
            for word in _REPLIES
        ),
        _binary(b"\x80", Sender.CLIENT),
        _binary(b"\x81", Sender.SERVER),
        # In datagrams a header of 8 bytes comes first: request, number, how many, reserved.
        signature(
            Number(4, 2, 1, 0xFFFF), Bytes(b"\x00\x00", 6), Printable(8, 4), strength=Strength.PORT, over=UDP
        ),
    ),
)
