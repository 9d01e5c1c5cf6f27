"""A request with its response: one row of the table ``http``."""

from __future__ import annotations

import msgspec

COMPLETE = "complete"
TRUNCATED = "truncated"
RESET = "reset"
UNANSWERED = "unanswered"
UNCERTAIN = "uncertain"

REQUESTS_LOST = "requests_lost"
RESPONSES_LOST = "responses_lost"
HEAD_DAMAGED = "head_damaged"

END_OF_HEAD = (b"", b"")

REQUEST_HEAD = (
    *("method", "target", "host", "version", "user_agent", "close_asked", "expects", "request_type"),
    *("request_coding", "request_wire", "request_size", "request_hash", "request_verdict"),
)
"""Attributes of an exchange that a request's bytes alone decide."""


class Exchange(msgspec.Struct, gc=False):
    """What is known of a request and its response; the attributes are None where nothing is known.

    Attributes:
        stream: number of the TCP stream.
        number: of the request on its connection, from 1; None if the request was not captured.
        frame, time_ns: first byte of the request.
        request_last_frame, request_last_ns: its last byte.
        request_wire, request_size, request_hash, request_verdict: its body, as in ``bodies.Body.close``.
        close_asked: whether the request asks for the connection to be closed after it.
        expects: whether the request waits for ``100 Continue``.
        upgrade: protocol that the request asks for, or is CONNECT's.
        interim: status codes of interim responses, in order.
        response_frame, response_ns: first byte of the final response.
        last_frame, last_ns: last byte seen of it.
        promised: length of the body that Content-Length promises.
        missing: bytes of the body that were not captured.
        closes: whether the response says that the connection will be closed after it.
        wire, size, hash, verdict: its body.
        end: COMPLETE and so on; None while it is going on.
        uncertain: why the pair may be wrong.
        hangup, hangup_ns: how it was broken off (``endings``), and the time that belongs to it.
        through: the tunnel that it went through: by which proxy, and where to.
        inside: of CONNECT: what the tunnel carries.
        mended: whether a head was malformed and has been mended to be read.
        asked, told: header fields of request and response, where a table needs them.
        request_fields, response_fields: all fields as sent; what follows ``END_OF_HEAD`` are trailers.
    """

    stream: int
    frame: int | None = None
    time_ns: int | None = None
    number: int | None = None
    method: str | None = None
    target: str | None = None
    host: str | None = None
    version: str | None = None
    request_last_frame: int | None = None
    request_last_ns: int | None = None
    request_type: str | None = None
    request_coding: str | None = None
    request_wire: int | None = None
    request_size: int | None = None
    request_hash: bytes | None = None
    request_verdict: str | None = None
    close_asked: bool = False
    expects: bool = False
    upgrade: str | None = None
    user_agent: str | None = None
    interim: str | None = None
    status: int | None = None
    response_frame: int | None = None
    response_ns: int | None = None
    last_frame: int | None = None
    last_ns: int | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    location: str | None = None
    promised: int | None = None
    missing: int = 0
    closes: bool = False
    keep_alive: str | None = None
    wire: int | None = None
    size: int | None = None
    hash: bytes | None = None
    verdict: str | None = None
    end: str | None = None
    uncertain: str | None = None
    hangup: str | None = None
    hangup_ns: int | None = None
    through: str | None = None
    inside: str | None = None
    mended: bool = False
    asked: dict[str, bytes] | None = None
    told: dict[str, bytes] | None = None
    request_fields: list[tuple[bytes, bytes]] | None = None
    response_fields: list[tuple[bytes, bytes]] | None = None

    @property
    def ttfb_ns(self) -> int | None:
        """From the end of the request to the first byte of the response."""
        if self.response_ns is None or self.time_ns is None:
            return None
        sent = self.request_last_ns
        if sent is None or sent > self.response_ns:
            sent = self.time_ns  # the response came before the request had ended
        return self.response_ns - sent

    @property
    def duration_ns(self) -> int | None:
        """From the first byte of the request to the last of a response that is whole."""
        if self.end != COMPLETE or self.time_ns is None or self.last_ns is None:
            return None
        return self.last_ns - self.time_ns
