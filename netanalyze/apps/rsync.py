"""The rsync daemon's protocol."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, signature

PROTOCOL = Protocol(
    name="rsync",
    title="rsync",
    transports=(TCP,),
    ports=frozenset({873}),
    # Both sides begin with the version they speak.
    signatures=(signature(Bytes(b"@RSYNCD: ")),),
)
