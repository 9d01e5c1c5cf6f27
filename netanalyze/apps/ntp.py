"""NTP: time (RFC 5905)."""

from __future__ import annotations

from netanalyze.apps.checks import Number, OneOf, Size
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature


def _first(modes: range) -> bytes:
    """First bytes: leap indicator (2 bits), version 1 to 4 (3 bits), mode (3 bits)."""
    return bytes(
        leap << 6 | version << 3 | mode for leap in range(4) for version in range(1, 5) for mode in modes
    )


# RFC 5905 section 7.3: stratum up to 16, then root delay and root dispersion in seconds * 2^16. Only
# clocks that nobody should use are more than 16 seconds off.
_STRATUM = Number(1, 1, 0, 16)
_ROOT = (Number(4, 4, 0, 16 << 16), Number(8, 4, 0, 16 << 16))

PROTOCOL = Protocol(
    name="ntp",
    title="Network Time Protocol",
    transports=(UDP,),
    ports=frozenset({123}),
    signatures=(
        # Modes 1 to 5. 48 bytes; 20 or 24 more with a message authentication code (section 7.3).
        *(
            signature(
                OneOf(0, _first(range(1, 6))), _STRATUM, *_ROOT, Size(size, size), strength=Strength.PAIRED
            )
            for size in (48, 68, 72)
        ),
        # Extension fields (RFC 7822) make it longer.
        signature(OneOf(0, _first(range(1, 6))), _STRATUM, Size(48), strength=Strength.PORT),
        # Mode 0 is version 1's, mode 6 control messages (RFC 9327), mode 7 private ones of ntpd.
        signature(OneOf(0, _first(range(1))), Size(48), strength=Strength.PORT),
        signature(
            OneOf(0, _first(range(6, 7))), Number(1, 1, 0, 31, mask=0x1F), Size(12), strength=Strength.PORT
        ),
        # Mode 7 has a response and a more bit before its version.
        signature(Number(0, 1, 7, 7, mask=0x07), Size(8), strength=Strength.PORT),
    ),
)
