"""RDP: remote desktops (MS-RDPBCGR)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

# Section 2.2.1.1: a TPKT header (RFC 1006) and an X.224 connection request, to reference 0, class 0.
_REQUEST = (Bytes(b"\x03\x00"), Bytes(b"\xe0\x00\x00\x00\x00\x00", 5))

PROTOCOL = Protocol(
    name="rdp",
    title="Remote Desktop Protocol",
    transports=(TCP,),
    ports=frozenset({3389}),
    signatures=(
        signature(*_REQUEST, Find(b"Cookie: ", 11)),
        # Section 2.2.1.1.1: the request to negotiate security, of 8 bytes.
        signature(*_REQUEST, Bytes(b"\x01", 11), Bytes(b"\x08\x00", 13)),
        signature(*_REQUEST, strength=Strength.PORT),
        # Section 2.2.1.2: connection confirm.
        signature(
            Bytes(b"\x03\x00"),
            OneOf(5, b"\xd0"),
            Bytes(b"\x00\x00", 6),
            strength=Strength.PORT,
            sender=Sender.SERVER,
        ),
        # Section 2.2.8.1.1.1.2: data over TPKT.
        signature(Bytes(b"\x03\x00"), Bytes(b"\x02\xf0\x80", 4), strength=Strength.PORT),
    ),
    # RFC 1006 section 6 (TPKT): the length counts the header.
    framing=both(length("u16be", offset=2, include_header=True)),
)
