"""SSDP: finding devices of UPnP (UPnP Device Architecture 2.0)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="ssdp",
    title="Simple Service Discovery Protocol",
    transports=(UDP,),
    ports=frozenset({1900}),
    signatures=(
        signature(Bytes(b"M-SEARCH * HTTP/1.")),
        signature(Bytes(b"NOTIFY * HTTP/1.")),
        # The answer to a search goes to the port that asked.
        signature(Bytes(b"HTTP/1.1 200 OK\r\n"), strength=Strength.PAIRED),
        signature(Bytes(b"HTTP/1."), strength=Strength.PORT),
    ),
)
