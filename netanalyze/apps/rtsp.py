"""RTSP: control of media streams (RFC 2326, RFC 7826)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes
from netanalyze.apps.protocol import TCP, Protocol, signature

_METHODS = (
    *(b"OPTIONS", b"DESCRIBE", b"ANNOUNCE", b"SETUP", b"PLAY", b"PLAY_NOTIFY", b"PAUSE", b"TEARDOWN"),
    *(b"GET_PARAMETER", b"SET_PARAMETER", b"REDIRECT", b"RECORD"),
)

PROTOCOL = Protocol(
    name="rtsp",
    title="Real-Time Streaming Protocol",
    transports=(TCP,),
    ports=frozenset({554, 8554}),
    signatures=(
        signature(Bytes(b"RTSP/1.0 ")),
        signature(Bytes(b"RTSP/2.0 ")),
        # RFC 2326 section 6.1: the method, and an address or an asterisk.
        *(signature(Bytes(method + b" rtsp")) for method in _METHODS),
        *(signature(Bytes(method + b" * RTSP/")) for method in _METHODS),
    ),
)
