"""CoAP: requests to small devices (RFC 7252)."""

from __future__ import annotations

from netanalyze.apps.checks import Number, OneOf
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

# RFC 7252 section 12.1 and RFC 8132: empty, methods, success, client's and server's errors.
_CODES = bytes((*range(8), *range(0x41, 0x46), 0x5F, *range(0x80, 0x90), *range(0xA0, 0xA6)))

PROTOCOL = Protocol(
    name="coap",
    title="Constrained Application Protocol",
    transports=(UDP,),
    ports=frozenset({5683}),
    signatures=(
        # RFC 7252 section 3: version 1, a token of up to 8 bytes, code.
        signature(
            Number(0, 1, 0x40, 0x48, mask=0xCF),
            OneOf(1, _CODES),
            Number(2, 2, 0, 0xFFFF),
            strength=Strength.PORT,
        ),
    ),
)
