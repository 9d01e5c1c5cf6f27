"""DHCP and BOOTP: addresses for hosts (RFC 2131, RFC 951)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

# RFC 2131 section 2: BOOTREQUEST or BOOTREPLY, hardware type, length of a hardware address, hops.
_HEADER = (OneOf(0, b"\x01\x02"), Number(1, 1, 1, 40), Number(2, 1, 0, 16), Number(3, 1, 0, 16))

PROTOCOL = Protocol(
    name="dhcp",
    title="Dynamic Host Configuration Protocol",
    transports=(UDP,),
    ports=frozenset({67, 68}),
    signatures=(
        # Section 3: the options begin with a magic cookie.
        signature(*_HEADER, Bytes(b"\x63\x82\x53\x63", 236)),
        # RFC 951: BOOTP's vendor area may hold anything.
        signature(*_HEADER, Size(236), strength=Strength.PORT),
    ),
)
