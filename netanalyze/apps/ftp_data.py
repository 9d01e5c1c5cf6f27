"""FTP, data connection (RFC 959 section 3.2): a file and nothing else, so only its port tells."""

from __future__ import annotations

from netanalyze.apps.protocol import TCP, Protocol

PROTOCOL = Protocol(
    name="ftp-data",
    title="File Transfer Protocol, data",
    transports=(TCP,),
    # The server opens the connection from this port (active mode). In passive mode the port is any.
    ports=frozenset({20}),
    confirmable=False,
)
