"""How exchanges are broken off: what programs report as "socket hang up" or "connection reset".

The times are those of the capture. Whether the client had received the server's FIN when it sent a
request is told by the time between the two: longer than a round trip between the capture point and the
client, and it had. That round trip is measured in the handshake; where that was not captured, the
shortest time in which the client answered anything on the connection is an upper bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.apps.http.exchange import COMPLETE, RESET, TRUNCATED, UNANSWERED, UNCERTAIN, Exchange

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection

AFTER_FIN = "after_fin"
"""Sent after the server's FIN had been received: the client reused a closed connection."""
CROSSING_FIN = "crossing_fin"
"""The request and the server's FIN crossed on their way."""
AFTER_RESET = "after_reset"
"""Sent after the connection had been reset."""
CROSSING_RESET = "crossing_reset"
"""The request and the server's RST crossed on their way."""
RESET_UNANSWERED = "reset_unanswered"
"""The server reset the connection instead of answering."""
CLOSED_UNANSWERED = "closed_unanswered"
"""The server closed the connection without an answer after it had the request."""
RESET_MID_RESPONSE = "reset_mid_response"
"""The server reset the connection in the middle of its response."""
SHORT_RESPONSE = "short_response"
"""The server closed the connection before the response was as long as it promised."""
CLIENT_GAVE_UP = "client_gave_up"
"""The client closed or reset the connection before it had the whole response."""
CAPTURE_ENDED = "capture_ended"
"""Nobody broke it off; the capture ends before."""
FRAMING_DAMAGED = "framing_damaged"
"""The response cannot be followed any further: its framing is broken."""
NOT_CAPTURED = "not_captured"
"""Its end, or the response to it, may lie in a gap of the capture."""

HANG_UPS = frozenset(
    {
        AFTER_FIN,
        CROSSING_FIN,
        AFTER_RESET,
        CROSSING_RESET,
        RESET_UNANSWERED,
        CLOSED_UNANSWERED,
        RESET_MID_RESPONSE,
        SHORT_RESPONSE,
    }
)
"""Those that a client's program reports as an error of the connection."""


class End(Struct, frozen=True):
    """How a side ended.

    Attributes:
        reset: whether with a RST.
        frame, time_ns: the segment that told.
        later: a RST that came after a FIN.
    """

    reset: bool
    frame: int
    time_ns: int
    later: End | None = None

    def then(self, reset: End) -> End:
        """The same, with a RST after it."""
        return End(self.reset, self.frame, self.time_ns, reset)

    @property
    def reset_ns(self) -> int | None:
        """When a RST came, if one did."""
        if self.reset:
            return self.time_ns
        return self.later.time_ns if self.later else None


def classify(exchange: Exchange, connection: Connection, last_ns: int, *, broken: bool) -> None:
    """Say how an exchange ended that has no whole response.

    Args:
        exchange: to be said of.
        connection: it was on, at its end.
        last_ns: last time seen.
        broken: whether its response was going on when the connection ended.
    """
    if broken:
        _broken_off(exchange, connection, last_ns)
    else:
        _unanswered(exchange, connection, last_ns)


def too_late(exchanges: list[Exchange], client: End) -> None:
    """Say of responses that came whole when the client had closed, and answered with RST, that it gave up."""
    for exchange in reversed(exchanges):
        if exchange.response_ns is None or exchange.response_ns <= client.time_ns:
            continue
        if exchange.end == COMPLETE and (exchange.time_ns or client.time_ns) < client.time_ns:
            exchange.hangup, exchange.hangup_ns = CLIENT_GAVE_UP, client.time_ns - _sent_ns(exchange)


def _sent_ns(exchange: Exchange) -> int:
    """When the request had been sent, as far as it was."""
    return exchange.request_last_ns or exchange.time_ns or 0


def _unanswered(exchange: Exchange, connection: Connection, last_ns: int) -> None:
    if exchange.uncertain or connection.responses_missing:
        exchange.end = UNCERTAIN
        exchange.hangup = NOT_CAPTURED
        return
    exchange.end = UNANSWERED
    begin = exchange.time_ns or 0
    sent = _sent_ns(exchange)
    server, client = connection.server_end, connection.client_end
    resets = [end.reset_ns for end in (server, client) if end is not None and end.reset_ns is not None]
    if resets and min(resets) <= begin:
        waited = begin - min(resets)
        theirs = server is not None and server.reset_ns == min(resets)
        crossed = theirs and waited < connection.client_rtt_ns()
        exchange.hangup, exchange.hangup_ns = (CROSSING_RESET if crossed else AFTER_RESET), waited
    elif server is not None and not server.reset and server.time_ns <= begin:
        waited = begin - server.time_ns
        received = waited >= connection.client_rtt_ns()
        exchange.hangup, exchange.hangup_ns = (AFTER_FIN if received else CROSSING_FIN), waited
    elif client is not None and (server is None or client.time_ns <= server.time_ns):
        exchange.hangup, exchange.hangup_ns = CLIENT_GAVE_UP, client.time_ns - sent
    elif server is not None:
        waited = server.time_ns - sent
        exchange.hangup_ns = waited
        crossed = waited < connection.server_rtt_ns()
        if server.reset:
            exchange.hangup = CROSSING_RESET if crossed else RESET_UNANSWERED
        else:
            exchange.hangup = CROSSING_FIN if crossed else CLOSED_UNANSWERED
    else:
        exchange.hangup, exchange.hangup_ns = CAPTURE_ENDED, max(last_ns - sent, 0)


def _broken_off(exchange: Exchange, connection: Connection, last_ns: int) -> None:
    server, client = connection.server_end, connection.client_end
    sent = _sent_ns(exchange)
    if client is not None and (server is None or client.time_ns < server.time_ns):
        exchange.end = RESET if client.reset_ns is not None else TRUNCATED
        exchange.hangup, exchange.hangup_ns = CLIENT_GAVE_UP, client.time_ns - sent
    elif server is not None and server.reset_ns is not None and server.reset:
        exchange.end = RESET
        exchange.hangup, exchange.hangup_ns = RESET_MID_RESPONSE, server.time_ns - sent
    elif server is not None:
        exchange.end = TRUNCATED
        exchange.hangup, exchange.hangup_ns = SHORT_RESPONSE, server.time_ns - sent
    else:
        exchange.end = TRUNCATED
        exchange.hangup, exchange.hangup_ns = CAPTURE_ENDED, max(last_ns - sent, 0)
