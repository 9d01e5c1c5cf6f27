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
        mended: whether a head was malformed and has been mended to be read.
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
    mended: bool = False
