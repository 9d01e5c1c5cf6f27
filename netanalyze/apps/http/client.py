"""The client's messages: requests."""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from httptools import HttpRequestParser

from netanalyze.apps.http.exchange import HEAD_DAMAGED
from netanalyze.apps.http.fields import KNOWN, learn
from netanalyze.apps.http.half import Half, Piece, State
from netanalyze.apps.http.head_kernel import read_request
from netanalyze.apps.http.memo import LONGEST
from netanalyze.apps.http.resync import find_request
from netanalyze.apps.http.texts import decode

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection
    from netanalyze.apps.http.exchange import Exchange

_BEGUN = re.compile(rb"[\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) +([^ \r\n]{1,65536})")
_MOST_METHODS = 256
_METHODS: dict[bytes, str] = {}


class ClientHalf(Half):
    """Requests.

    Attributes:
        current: the exchange of the request in hand.
    """

    __slots__ = ("_body_left", "_memo", "_url", "current")

    request: ClassVar[bool] = True
    parser_type: ClassVar[Any] = HttpRequestParser

    def __init__(self, connection: Connection, side: int) -> None:
        """A direction of which nothing has been read."""
        self.current: Exchange | None = None
        self._memo = connection.app.requests
        self._url = b""
        self._body_left = False  # llhttp took a request that asks for an upgrade as ended before its body
        super().__init__(connection, side)

    def data(self, data: memoryview | bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes; a request that was read before is not read again."""
        memo = self._memo
        if self.begun or self.state or not memo.on or len(data) > LONGEST:
            Half.data(self, data, frame, time_ns)
            return
        whole = bytes(data)
        known = memo.known.get(whole)
        connection = self.connection
        if known is not None:
            memo.found += 1
            exchange = connection.request_comes_again(known, frame, time_ns)
            exchange.request_last_frame = frame
            exchange.request_last_ns = time_ns
            return
        before = connection.requests
        Half.data(self, whole, frame, time_ns)
        if self.between_messages() and connection.requests == before + 1:
            exchange = connection.exchanges[-1]
            if (
                exchange.number == before + 1
                and exchange.request_last_frame == exchange.frame == frame
                and exchange.response_frame is None
                and exchange.upgrade is None
                and exchange.method != "HEAD"
                and not exchange.mended
            ):
                memo.put(whole, copy(exchange))

    def on_url(self, url: bytes) -> None:
        """Take a target, or a part of one: the request is known to be one."""
        if not self.in_head:
            return  # of a head of ours
        current = self.current
        if current is None:
            self._url = url
            self.current = self.connection.request_begins(self.begin_frame, self.begin_ns)
        else:
            self._url += url

    def read_head(self, data: bytes, place: int) -> tuple[int, int]:
        """See ``Half``."""
        fields: list[tuple[bytes, bytes]] | None = [] if self.fields is not None else None
        head = read_request(data, place, KNOWN, learn, fields)
        if head is None:
            return -1, 0
        method, target, new, self.found, length, end = head
        self.begun = True
        self.begin_frame = self.frame
        self.begin_ns = self.now
        self.fields = fields
        self._url = target
        current = self.current = self.connection.request_begins(self.frame, self.now)
        self._take_head(current, method, "1.1" if new else "1.0")
        return end, length

    def on_headers_complete(self) -> None:
        """Take the head."""
        current = self.current
        if current is not None and self.in_head:  # else it is one of ours
            self._take_head(
                current, self.mended_method or self.parser.get_method(), self.parser.get_http_version()
            )

    def _take_head(  # noqa: C901, PLR0912 - a field each, without a call each
        self, current: Exchange, method: bytes, version: str
    ) -> None:
        """What the head says."""
        self.in_head = False
        connection = self.connection
        text = connection.texts.of
        name = _METHODS.get(method)
        if name is None:
            name = method.decode("latin-1")
            if len(_METHODS) < _MOST_METHODS:
                _METHODS[method] = name
        current.method = name
        current.target = text(self.mended_target or self._url)
        current.version = version
        current.mended = self.mending
        if self.mending:
            self.mended_method = self.mended_target = None
        found = self.found
        get = found.get
        if found:
            value = get("host")
            if value is not None:
                current.host = text(value)
            value = get("content-type")
            if value is not None:
                current.request_type = text(value)
            value = get("content-encoding")
            if value is not None:
                current.request_coding = text(value)
            value = get("user-agent")
            if value is not None:
                current.user_agent = text(value)
            value = get("connection")
            if value is not None:
                current.close_asked = b"close" in value.lower()
            if "expect" in found:
                current.expects = b"100-continue" in found["expect"].lower()
            if "upgrade" in found and b"upgrade" in found.get("connection", b"").lower():
                current.upgrade = text(found["upgrade"])
        if current.version != "1.1" and not current.close_asked:
            current.close_asked = b"keep-alive" not in found.get("connection", b"").lower()
        if name in ("HEAD", "CONNECT"):
            if name == "CONNECT":
                current.upgrade = "CONNECT"
            connection.special_begins(current)
        if current.upgrade is not None and name != "CONNECT":
            self._body_left = self.chunked() or bool(self.promised())
        if connection.watch is not None:
            connection.watch.request(current, found, self.fields)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        current = self.current
        if current is None or self._body_left:
            return
        current.request_last_frame = self.frame
        current.request_last_ns = self.now
        if self.wire or self.missing or self.body is not None:
            self._take_body(current)
        self.current = None
        self._url = b""
        self.reset()

    def head_again(self) -> None:
        """The head in hand will be read once more."""
        self._url = b""

    def _take_body(self, current: Exchange) -> None:
        current.request_size, current.request_hash, current.request_verdict = self.close_body()
        current.request_wire = self.wire

    def sink(self) -> Any:  # noqa: ANN401 - a Sink or None
        """What else takes the body."""
        sinks = self.connection.sinks
        return sinks.open(self.current, request=True) if sinks is not None else None

    def upgraded(self) -> list[Piece]:
        """A request that asks for an upgrade has ended; its body, if it has one, is yet to come."""
        if self._body_left:
            self._body_left = False
            chunked, promised = self.chunked(), self.promised()
            self.new_parser()
            framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (promised or 0)
            head = self.head_like(framing + b"\r\n\r\n")
            found, fields = self.found, self.fields
            self.found, self.fields = {}, None
            self.mending = True  # a head of ours: no message begins
            self.parser.feed_data(head)
            self.mending = False
            self.found, self.fields = found, fields
            self._base = head
            return []
        self.new_parser()
        self.reset()
        self.hold()
        return []

    def damaged(self, head: bytes, *, by_gap: bool = False) -> None:
        """The request in hand breaks off here."""
        del by_gap
        current = self.current
        if current is None:
            return
        if self.in_head:
            current.uncertain = HEAD_DAMAGED
            begun = _BEGUN.match(head)
            if begun is not None:
                current.method, current.target = (decode(part) for part in begun.groups())
        elif self.wire or self.body is not None:
            self._take_body(current)
        self.current = None
        self._url = b""

    def messages_lost(self) -> None:
        """Requests may lie in what cannot be read."""
        self.connection.requests_lost()

    def close(self) -> None:
        """No more comes."""
        if self.state is State.HELD:
            self.release()
        self.damaged(self.head_so_far())

    def find(self, text: bytes) -> tuple[int, int]:
        """Where a request begins."""
        return find_request(text)
