"""RADIUS: authentication and accounting (RFC 2865, RFC 2866, RFC 5176)."""

from __future__ import annotations

from netanalyze.apps.checks import Length, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

_CODES = bytes((1, 2, 3, 4, 5, 11, 12, 13, *range(40, 46)))

PROTOCOL = Protocol(
    name="radius",
    title="Remote Authentication Dial In User Service",
    transports=(UDP,),
    ports=frozenset({1645, 1646, 1812, 1813, 3799}),
    signatures=(
        # RFC 2865 section 3: code, identifier, length (20 to 4096), authenticator.
        signature(OneOf(0, _CODES), Length(2, 2), Size(20, 4096), strength=Strength.PAIRED),
    ),
)
