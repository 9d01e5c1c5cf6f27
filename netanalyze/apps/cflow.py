"""NetFlow and IPFIX: flow records that routers export (RFC 3954, RFC 7011)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Length, Number, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="cflow",
    title="NetFlow / IPFIX",
    transports=(UDP,),
    ports=frozenset({2055, 4739, 9995, 9996}),
    signatures=(
        # Version 5: a header of 24 bytes and 1 to 30 records of 48.
        signature(Bytes(b"\x00\x05"), Number(2, 2, 1, 30), Size(72, 1464, 48), strength=Strength.PORT),
        # RFC 3954 section 5.1: version 9, number of records.
        signature(Bytes(b"\x00\x09"), Number(2, 2, 1, 255), Size(24), strength=Strength.PORT),
        # RFC 7011 section 3.1: version 10 and the message's length.
        signature(Bytes(b"\x00\x0a"), Length(2, 2), Size(16), strength=Strength.PORT),
    ),
)
