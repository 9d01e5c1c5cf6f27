"""ONC RPC, under NFS and its helpers (RFC 5531). Programs with a name of their own have their own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, UDP, Protocol, Signature, Strength, signature
from netanalyze.tcp.writes.framing import both, length

if TYPE_CHECKING:
    from netanalyze.apps.checks import Check

_LARGEST_FRAGMENT = 0x80000000 + (16 << 20)


def _framing(over: str) -> tuple[Check, ...]:
    """RFC 5531 section 11: over TCP a fragment's length comes first; the last fragment's top bit is set."""
    return (Number(0, 4, 0x80000018, _LARGEST_FRAGMENT),) if over == TCP else ()


def calls(program_low: int, program_high: int) -> tuple[Signature, ...]:
    """Section 9: calls, in RPC version 2, of the programs in a range."""
    return tuple(
        signature(
            *_framing(over),
            Bytes(b"\x00\x00\x00\x00\x00\x00\x00\x02", at + 4),
            Number(at + 12, 4, program_low, program_high),
            Number(at + 16, 4, 1, 0xFFFF),  # program version
            Number(at + 20, 4, 0, 0xFFFF),  # procedure
            Number(at + 24, 4, 0, 400000),  # credentials: AUTH_NONE, AUTH_SYS … and pseudo flavors
            Number(at + 28, 4, 0, 400),  # section 8.2: at most 400 bytes of them
            over=over,
        )
        for over, at in ((TCP, 4), (UDP, 0))
    )


def replies() -> tuple[Signature, ...]:
    """Section 9: accepted replies. They do not name their program, so only the port can."""
    return tuple(
        signature(
            *_framing(over),
            Bytes(b"\x00\x00\x00\x01\x00\x00\x00\x00", at + 4),
            Number(at + 12, 4, 0, 6),
            Number(at + 16, 4, 0, 400),
            strength=Strength.PORT,
            over=over,
        )
        for over, at in ((TCP, 4), (UDP, 0))
    )


RECORDS = length("u32be", mask=0x7FFFFFFF, final=0x80000000)
"""RFC 5531 section 11: fragments with their lengths, the last one of a message marked."""

PROTOCOL = Protocol(
    name="rpc",
    title="ONC Remote Procedure Call",
    transports=(TCP, UDP),
    ports=frozenset(),
    # Section 13: program numbers that were assigned, and those for local use.
    signatures=calls(100000, 0x3FFFFFFF),
    framing=both(RECORDS),
)
