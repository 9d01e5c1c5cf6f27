"""Dropbox's announcement of a host to others on the local network."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Find
from netanalyze.apps.protocol import UDP, Protocol, signature

PROTOCOL = Protocol(
    name="db-lsp-disc",
    title="Dropbox LAN sync discovery",
    transports=(UDP,),
    ports=frozenset({17500}),
    signatures=(signature(Bytes(b'{"'), Find(b'"host_int":')),),
)
