"""VXLAN and VXLAN-GPE: tunnels for virtual networks (RFC 7348)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="vxlan",
    title="Virtual Extensible Local Area Network",
    transports=(UDP,),
    ports=frozenset({4789, 4790, 8472}),
    signatures=(
        # RFC 7348 section 5: the flag of a valid network identifier, reserved bytes, one of them at the end.
        signature(
            Number(0, 1, 0x08, 0x08, mask=0x08),
            Number(1, 1, 0, 0),
            Bytes(b"\x00", 7),
            Size(8),
            strength=Strength.PORT,
        ),
    ),
)
