"""Telnet (RFC 854). A conversation may do without any option, so its port may be all there is to tell it."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature

_IAC = b"\xff"

PROTOCOL = Protocol(
    name="telnet",
    title="Telnet",
    transports=(TCP,),
    ports=frozenset({23}),
    signatures=(
        # RFC 854: IAC, then WILL, WON'T, DO or DON'T and an option; servers send several in a row.
        signature(
            Bytes(_IAC),
            Number(1, 1, 251, 254),
            Number(2, 1, 0, 49),
            Bytes(_IAC, 3),
            Number(4, 1, 251, 254),
            Number(5, 1, 0, 49),
        ),
        signature(Bytes(_IAC), Number(1, 1, 240, 254), strength=Strength.PORT),
    ),
    confirmable=False,
)
