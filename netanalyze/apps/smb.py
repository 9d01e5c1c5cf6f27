"""SMB, all versions (MS-SMB, MS-SMB2), over TCP or NetBIOS sessions (RFC 1002 section 4.3)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="smb",
    title="Server Message Block",
    transports=(TCP,),
    ports=frozenset({139, 445}),
    signatures=(
        # A length of three bytes; then version 1 (ff), 2 and 3 (fe), encrypted (fd) or compressed (fc).
        signature(Bytes(b"\x00"), OneOf(4, b"\xff\xfe\xfd\xfc"), Bytes(b"SMB", 5)),
        # RFC 1002 section 4.3.2: a session request has two encoded names of 34 bytes.
        signature(Bytes(b"\x81\x00\x00\x44\x20"), Number(5, 1, 0x41, 0x50), Number(6, 1, 0x41, 0x50)),
        # Other packets of the session service: message, request, responses, keep-alive.
        signature(OneOf(0, b"\x81\x82\x83\x84\x85"), Bytes(b"\x00", 1), strength=Strength.PORT),
    ),
    # RFC 1002 section 4.3.1; over port 445 the length has 24 bits.
    framing=both(length("u24be", offset=1)),
)
