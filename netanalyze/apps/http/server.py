"""The server's messages: responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from httptools import HttpResponseParser

from netanalyze.apps.http.endings import FRAMING_DAMAGED, NOT_CAPTURED
from netanalyze.apps.http.exchange import COMPLETE, TRUNCATED
from netanalyze.apps.http.fields import KNOWN, learn
from netanalyze.apps.http.half import Half, Piece
from netanalyze.apps.http.head_kernel import read_response
from netanalyze.apps.http.memo import LONGEST
from netanalyze.apps.http.resync import find_response

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection
    from netanalyze.apps.http.exchange import Exchange

_BEGUN = re.compile(rb"[\r\n]*HTTP/(?:[0-9]\.[0-9] +([0-9]{3})[ \r\n])?")
_SWITCHING = 101
_OK, _NOT_OK = 200, 300
_NEVER_WITH_BODY = (204, 304)  # RFC 9112 section 6.3


class ServerHalf(Half):
    """Responses.

    Attributes:
        current: the exchange of the response in hand, from the end of its head on.
    """

    __slots__ = (
        "_ended",
        "_interim",
        "_last",
        "_memo",
        "_switch_fields",
        "_switches",
        "_without_body",
        "current",
    )

    request: ClassVar[bool] = False
    parser_type: ClassVar[Any] = HttpResponseParser

    def __init__(self, connection: Connection, side: int) -> None:
        """A direction of which nothing has been read."""
        self.current: Exchange | None = None
        self._memo = connection.app.responses
        self._ended = 0  # messages
        self._last: Exchange | None = None  # whose response ended last
        self._interim = False
        self._without_body = False
        self._switches: Exchange | None = None
        self._switch_fields: dict[str, bytes] = {}
        super().__init__(connection, side)

    def data(self, data: memoryview | bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes; a response that was read before is not read again."""
        memo = self._memo
        if self.left and self.left > len(data) and not self.state:
            self.frame = frame
            self.now = time_ns
            self.left -= len(data)
            self.on_body(bytes(data))
            return
        if self.begun or self.state or not memo.on or len(data) > LONGEST or self.connection.special:
            Half.data(self, data, frame, time_ns)
            return
        whole = bytes(data)
        known = memo.known.get(whole)
        if known is not None:
            memo.found += 1
            exchange = self.connection.claim(frame, time_ns)
            if exchange.version is None:
                exchange.version = whole.lstrip(b"\r\n")[5:8].decode("latin-1")
            self._again(exchange, known, frame, time_ns)
            return
        before = self._ended
        Half.data(self, whole, frame, time_ns)
        last = self._last
        if last is None or not self.between_messages() or self._ended != before + 1:
            return
        if last.last_frame == last.response_frame == frame and last.end == COMPLETE and not last.mended:
            memo.put(whole, last)

    def _again(self, exchange: Exchange, known: Exchange, frame: int, time_ns: int) -> None:
        """What was read of another response is true of this one."""
        exchange.status = known.status
        exchange.content_type = known.content_type
        exchange.content_encoding = known.content_encoding
        exchange.location = known.location
        exchange.closes = known.closes
        exchange.keep_alive = known.keep_alive
        exchange.wire = known.wire
        exchange.size = known.size
        exchange.hash = known.hash
        exchange.verdict = known.verdict
        exchange.end = COMPLETE
        exchange.last_frame = frame
        exchange.last_ns = time_ns
        if exchange.upgrade is not None:
            self.connection.not_switched()
        self.connection.answered(exchange)

    def read_head(self, data: bytes, place: int) -> tuple[int, int]:
        """See ``Half``."""
        fields: list[tuple[bytes, bytes]] | None = [] if self.fields is not None else None
        head = read_response(data, place, KNOWN, learn, fields)
        if head is None:
            return -1, 0
        status, new, self.found, length, end = head
        self.begun = True
        self.begin_frame = self.frame
        self.begin_ns = self.now
        self.fields = fields
        self._take_head(status, "1.1" if new else "1.0")
        return end, length

    def on_headers_complete(self) -> None:
        """Take the head."""
        if self.in_head:
            self._take_head(self.parser.get_status_code(), self.parser.get_http_version())

    def _take_head(self, status: int, version: str) -> None:  # noqa: C901, PLR0912 - as for requests
        """What the head says: whose response it is is decided here."""
        self.in_head = False
        connection = self.connection
        if status < _OK and status != _SWITCHING:
            self._interim = True
            connection.interim(status)
            return
        current = connection.claim(self.begin_frame, self.begin_ns)
        self.current = current
        current.status = status
        current.mended = current.mended or self.mending
        text = connection.texts.of
        found = self.found
        get = found.get
        value = get("content-type")
        if value is not None:
            current.content_type = text(value)
        value = get("content-encoding")
        if value is not None:
            current.content_encoding = text(value)
        value = get("connection")
        if value is not None:
            current.closes = b"close" in value.lower()
        if "location" in found:
            current.location = text(found["location"])
        if "keep-alive" in found:
            current.keep_alive = text(found["keep-alive"])
        if current.version is None:
            current.version = version
        if connection.watch is not None:
            connection.watch.response(current, found, self.fields)
        if status == _SWITCHING:
            self._switches, self._switch_fields = current, found
        elif current.upgrade is not None or current.method == "HEAD":
            self._without_body = current.method == "HEAD" or (
                current.method == "CONNECT" and _OK <= status < _NOT_OK
            )
            if current.upgrade is not None:
                if self._without_body:
                    self._switches, self._switch_fields = current, found
                else:
                    connection.not_switched()

    def on_message_complete(self) -> None:
        """Take the end of a response."""
        current = self.current
        if current is None:
            if self._interim:
                self._interim = False
                self._ended += 1
                self.reset()
            return
        current.end = COMPLETE
        self._finish(current)

    def _finish(self, current: Exchange) -> None:
        """The response in hand is over."""
        current.last_frame = self.frame
        current.last_ns = self.now
        if self.wire or self.missing or self.body is not None:
            current.wire = self.wire
            current.size, current.hash, current.verdict = self.close_body()
            current.missing = self.missing
        elif not self._without_body and current.status not in _NEVER_WITH_BODY:
            current.wire = current.size = 0
        self.current = None
        self._without_body = False
        self._ended += 1
        self._last = current
        self.connection.answered(current)
        self.reset()

    def careful(self) -> bool:
        """Responses to HEAD and CONNECT have no body, whatever their heads say (RFC 9112 section 6.3)."""
        return self.connection.special > 0

    def line_read(self) -> None:
        """End a response behind its head if it has no body."""
        if self._without_body and not self.in_head and self.current is not None:
            self.end_at_head()
        elif self._switches is not None and not self.begun:
            self.upgraded()  # a head that says itself that there is no body: llhttp sees nothing special

    def end_at_head(self) -> None:
        """The response in hand ends with its head; llhttp does not know."""
        current = self.current
        if current is None or self.wire or self.in_head:
            return
        self._without_body = True
        self.on_message_complete()
        self.new_parser()
        if self._switches is not None:
            self.upgraded()

    def sink(self) -> Any:  # noqa: ANN401 - a Sink or None
        """What else takes the body."""
        sinks = self.connection.sinks
        return sinks.open(self.current, request=False) if sinks is not None else None

    def upgraded(self) -> list[Piece]:
        """The connection is another protocol's from here on."""
        switches, self._switches = self._switches, None
        self.new_parser()
        self.connection.switched(switches, self._switch_fields)
        return []

    def damaged(self, head: bytes, *, by_gap: bool = False) -> None:
        """The response in hand breaks off here."""
        current = self.current
        if current is None:
            current = self._begun(head)
        if current is not None:
            current.end = TRUNCATED
            current.hangup = NOT_CAPTURED if by_gap else FRAMING_DAMAGED
            self._finish(current)
        self._interim = False
        self._without_body = False

    def _begun(self, head: bytes) -> Exchange | None:
        """The exchange of a response whose head is not whole; None if it is none, or an interim one."""
        begun = _BEGUN.match(head)
        if begun is None:
            return None
        status = int(begun[1]) if begun[1] else None
        if status is not None and status < _OK and status != _SWITCHING:
            return None
        self.current = current = self.connection.claim(self.begin_frame, self.begin_ns)
        current.status = status
        return current

    def break_off(self) -> Exchange | None:
        """The connection is over; gives the exchange whose response was in hand."""
        current = self.current
        if current is None and self.begun:
            current = self._begun(self.head_so_far())
        if current is not None:
            current.promised = self.promised()
            self._finish(current)
        return current

    def ends_with_connection(self) -> bool:
        """Whether the body in hand goes on until the connection is closed (RFC 9112 section 6.3)."""
        return self.current is not None and not self.chunked() and self.promised() is None

    def messages_lost(self) -> None:
        """Responses may lie in what cannot be read."""
        self.connection.responses_lost()

    def find(self, text: bytes) -> tuple[int, int]:
        """Where a response begins."""
        return find_response(text)
