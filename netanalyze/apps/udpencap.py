"""ESP in UDP, for IPsec through address translation (RFC 3948): encrypted from the first byte."""

from __future__ import annotations

from netanalyze.apps.protocol import UDP, Protocol

PROTOCOL = Protocol(
    name="udpencap",
    title="UDP encapsulation of IPsec ESP",
    transports=(UDP,),
    ports=frozenset({4500}),
    confirmable=False,
)
