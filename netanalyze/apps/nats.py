"""NATS: message broker (the client protocol of its documentation)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature

_OTHERS = (
    b"PUB ",
    b"HPUB ",
    b"SUB ",
    b"UNSUB ",
    b"MSG ",
    b"HMSG ",
    b"PING\r\n",
    b"PONG\r\n",
    b"+OK\r\n",
    b"-ERR ",
)

PROTOCOL = Protocol(
    name="nats",
    title="NATS",
    transports=(TCP,),
    ports=frozenset({4222}),
    signatures=(
        # The server introduces itself, the client says how it wants to be served; both in JSON.
        signature(Bytes(b"INFO {", fold=True)),
        signature(Bytes(b"CONNECT {", fold=True)),
        *(signature(Bytes(word, fold=True), strength=Strength.PORT) for word in _OTHERS),
    ),
)
