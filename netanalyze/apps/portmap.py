"""The port mapper and rpcbind (RFC 1833): program 100000 of ONC RPC."""

from __future__ import annotations

from netanalyze.apps.protocol import TCP, UDP, Protocol
from netanalyze.apps.rpc import RECORDS, calls, replies
from netanalyze.tcp.writes.framing import both

PROTOCOL = Protocol(
    name="portmap",
    title="ONC RPC port mapper",
    transports=(TCP, UDP),
    ports=frozenset({111}),
    signatures=(*calls(100000, 100000), *replies()),
    framing=both(RECORDS),
)
