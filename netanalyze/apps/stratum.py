"""Stratum: what miners of cryptocurrencies speak with their pool, JSON-RPC in lines."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find
from netanalyze.apps.protocol import TCP, Protocol, signature
from netanalyze.tcp.writes.framing import TEXT_LINES, both

_METHODS = (b'"mining.', b'"eth_submitLogin"', b'"eth_getWork"', b'"eth_submitHashrate"')

PROTOCOL = Protocol(
    name="stratum",
    title="Stratum mining protocol",
    transports=(TCP,),
    ports=frozenset({3333}),
    signatures=tuple(signature(Bytes(b"{"), Find(method, 1)) for method in _METHODS),
    # A JSON object on each line.
    framing=both(TEXT_LINES),
)
