"""Git's own transport, without ssh or HTTP (gitprotocol-pack)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, OneOf
from netanalyze.apps.protocol import TCP, Protocol, signature

_HEX = b"0123456789abcdefABCDEF"

PROTOCOL = Protocol(
    name="git",
    title="Git",
    transports=(TCP,),
    ports=frozenset({9418}),
    signatures=tuple(
        # A packet line: its length as four hexadecimal digits, then the service asked for.
        signature(*(OneOf(offset, _HEX) for offset in range(4)), Bytes(service, 4))
        for service in (b"git-upload-pack ", b"git-receive-pack ", b"git-upload-archive ")
    ),
)
