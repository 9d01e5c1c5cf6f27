"""NFS, versions 2 to 4 (RFC 1813, RFC 8881): program 100003 of ONC RPC."""

from __future__ import annotations

from netanalyze.apps.protocol import TCP, UDP, Protocol
from netanalyze.apps.rpc import RECORDS, calls, replies
from netanalyze.tcp.writes.framing import both

PROTOCOL = Protocol(
    name="nfs",
    title="Network File System",
    transports=(TCP, UDP),
    ports=frozenset({2049}),
    signatures=(*calls(100003, 100003), *replies()),
    framing=both(RECORDS),
)
