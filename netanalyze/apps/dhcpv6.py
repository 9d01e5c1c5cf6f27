"""DHCPv6 (RFC 8415)."""

from __future__ import annotations

from netanalyze.apps.checks import Number, OneOf
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="dhcpv6",
    title="Dynamic Host Configuration Protocol for IPv6",
    transports=(UDP,),
    ports=frozenset({546, 547}),
    signatures=(
        # RFC 8415 section 8: type, transaction, options. The last types are those of RFC 8156.
        signature(
            OneOf(0, bytes((*range(1, 12), *range(14, 37)))), Number(4, 2, 1, 255), strength=Strength.PORT
        ),
        # Section 9: what a relay agent wraps: type, hops, two addresses, options.
        signature(OneOf(0, b"\x0c\x0d"), Number(34, 2, 1, 255), strength=Strength.PORT),
    ),
)
