"""HTTP/2 in clear text, gRPC among others (RFC 9113)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import StreamFraming, fixed, length

# GET, POST, path /, schemes, status 200, 204, 206, 304, 400, 404, 500; a new table size.
_FIRST_FIELDS = bytes((*range(0x82, 0x85), 0x86, 0x87, *range(0x88, 0x8F), 0x20, 0x3F))

# RFC 9113 section 4.1: length, type, flags and stream.
_FRAMES = length("u24be", adjust=6)

PROTOCOL = Protocol(
    name="http2",
    title="Hypertext Transfer Protocol version 2",
    transports=(TCP,),
    ports=frozenset({50051}),
    signatures=(
        # RFC 9113 section 3.4: the client's connection preface.
        signature(Bytes(b"PRI * HTTP/2.0\r\n")),
        # Sections 3.4 and 6.5: a server begins with SETTINGS on stream 0, here with at least one setting.
        signature(Number(0, 3, 6, 96), Bytes(b"\x04\x00\x00\x00\x00\x00", 3), Number(9, 2, 1, 0x10)),
        # Section 6.2: HEADERS of one of a client's or server's streams, where the beginning was not seen. RFC
        # 7541 section 6: its block begins with an indexed :method or :status, or with a table size.
        *(
            signature(
                Number(0, 3, 1, 16384),
                Bytes(b"\x01", 3),
                OneOf(4, flags),
                Number(5, 4, 1, 0xFFFFFF),
                OneOf(block, _FIRST_FIELDS),
            )
            for flags, block in ((b"\x04\x05", 9), (b"\x24\x25", 14))
        ),
        # Without settings it is eight zeros and a 4, which others may send as well; likewise a SETTINGS
        # acknowledgement.
        signature(Bytes(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), strength=Strength.PORT),
        signature(Bytes(b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"), strength=Strength.PORT),
    ),
    # Section 3.4: the client sends a preface first.
    framing=StreamFraming((fixed(24, once=True), _FRAMES), (_FRAMES,)),
)
