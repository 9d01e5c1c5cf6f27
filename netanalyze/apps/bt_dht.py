"""The distributed hash table of BitTorrent (BEP 5)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import UDP, Protocol, signature

PROTOCOL = Protocol(
    name="bt-dht",
    title="BitTorrent distributed hash table",
    transports=(UDP,),
    ports=frozenset(range(6881, 6890)),
    signatures=(
        # BEP 5: bencoded dictionaries whose keys are sorted: a query's arguments, a response's values.
        signature(Bytes(b"d1:ad2:id20:")),
        signature(Bytes(b"d1:rd2:id20:")),
        signature(Bytes(b"d1:eli20")),
        # BEP 42: responses carry the asker's address first, 6 bytes for IPv4 and 18 for IPv6.
        signature(Bytes(b"d2:ip6:"), Bytes(b"1:rd2:id20:", 13)),
        signature(Bytes(b"d2:ip18:"), Bytes(b"1:rd2:id20:", 26)),
    ),
)
