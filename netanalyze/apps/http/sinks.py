"""Who takes bodies as they are decoded: a protocol for ``netanalyze extract`` and the like."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Protocol, TypeAlias

from netanalyze.apps.http.exchange import COMPLETE, TRUNCATED

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.apps.http.bodies import Sink
    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.http.websocket_messages import Message

    TakeMessages: TypeAlias = Callable[[Exchange | None, str], Callable[[Message], None] | None]
    """Gives what takes the messages of a WebSocket that an exchange opened, of client or server."""

MEDIA = "websocket"
"""With a blank and the kind behind it: what stands for the media type of a WebSocket's message."""


class Sinks(Protocol):
    """Opens a sink for each body."""

    def open(self, exchange: Exchange | None, *, request: bool) -> Sink | None:
        """What takes this body: None if nobody wants it.

        Args:
            exchange: that the body is part of; its head has been read.
            request: whether it is the request's body.
        """


def message_sink(sinks: Sinks, exchange: Exchange | None, sender: str) -> Callable[[Message], None] | None:
    """What takes the messages of a WebSocket as bodies, each as one of the exchange that opened it."""
    if exchange is None:
        return None
    request = sender == "client"

    def take(message: Message) -> None:
        if message.control or not message.data:
            return
        row = copy(exchange)
        media = f"{MEDIA} {message.kind}"
        if request:
            row.frame, row.request_last_frame = message.frame, message.last_frame
            row.request_type, row.request_wire, row.request_coding = media, message.wire_bytes, None
        else:
            row.response_frame, row.last_frame = message.frame, message.last_frame
            row.content_type, row.wire, row.content_encoding = media, message.wire_bytes, None
            row.end = COMPLETE if message.verdict is None else TRUNCATED
        sink = sinks.open(row, request=request)
        if sink is not None:
            sink.write(bytes(message.data))
            sink.close(message.verdict)

    return take
