"""Redis and Valkey: RESP, the protocol of a data store."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Signature, Strength, signature
from netanalyze.tcp.writes.framing import RESP, both

_DIGITS = b"0123456789"
_INLINE = (b"PING\r\n", b"AUTH ", b"INFO\r\n", b"MONITOR\r\n", b"QUIT\r\n")
_REPLIES = (
    b"+OK\r\n",
    b"+PONG\r\n",
    b"-ERR ",
    b"-NOAUTH ",
    b"-WRONGPASS ",
    b"-MOVED ",
    b"-LOADING ",
    b"$-1\r\n",
)


def _command(count_digits: int, length_digits: int) -> Signature:
    """RESP specification, "Sending commands": an array of bulk strings, each with its length."""
    string = 1 + count_digits + 2
    return signature(
        Bytes(b"*"),
        OneOf(1, b"123456789"),
        *(OneOf(1 + i, _DIGITS) for i in range(1, count_digits)),
        Bytes(b"\r\n$", string - 2),
        *(OneOf(string + 1 + i, _DIGITS) for i in range(length_digits)),
        Bytes(b"\r\n", string + 1 + length_digits),
    )


PROTOCOL = Protocol(
    name="redis",
    title="Redis serialization protocol",
    transports=(TCP,),
    ports=frozenset({6379, 6380, 16379, 26379}),
    signatures=(
        # A reply may be an array too, so both directions match.
        *(_command(count, length) for count in (1, 2, 3, 4) for length in (1, 2)),
        *(
            signature(Bytes(word, fold=True), strength=Strength.PAIRED, sender=Sender.CLIENT)
            for word in _INLINE
        ),
        *(signature(Bytes(word), strength=Strength.PAIRED, sender=Sender.SERVER) for word in _REPLIES),
        # Numbers and strings.
        signature(OneOf(0, b":$*%~_#,("), OneOf(1, _DIGITS + b"-tf\r"), strength=Strength.PORT),
        signature(OneOf(0, b"+-"), OneOf(1, bytes(range(0x41, 0x5B))), strength=Strength.PORT),
    ),
    framing=both(RESP),
)
