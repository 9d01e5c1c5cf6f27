"""HTTP as an application: opens connections, collects exchanges, makes the tables."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from netanalyze.apps.http import connections, cookies, cors, statistics
from netanalyze.apps.http.bodies import Known, Limits
from netanalyze.apps.http.connection import Connection
from netanalyze.apps.http.exchange import END_OF_HEAD
from netanalyze.apps.http.memo import Memo
from netanalyze.apps.http.sinks import message_sink
from netanalyze.apps.http.statistics import columns_of, compressible
from netanalyze.apps.http.taking import Taking
from netanalyze.apps.http.texts import Texts
from netanalyze.apps.reading import MadeWhenSeen
from netanalyze.apps.tunnel import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from netanalyze.apps.http.connections import Use
    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.http.sinks import Sinks, TakeMessages
    from netanalyze.apps.http.taking import Rows
    from netanalyze.apps.http.websocket import Frame
    from netanalyze.apps.reading import Asked, StreamFacts
    from netanalyze.apps.transcript import Transcriber
    from netanalyze.tcp.byte_streams import Consumer

_PLAIN = {
    **{name: name for name in ("frame", "response_frame", "time_ns", "method", "host", "target")},
    **{name: name for name in ("version", "status", "content_type", "content_encoding")},
    "wire_bytes": "wire",
    "body_bytes": "size",
    "ttfb_ns": "ttfb_ns",
    "duration_ns": "duration_ns",
    "request_of_connection": "number",
    "end": "end",
    "uncertain": "uncertain",
    "hang_up": "hangup",
    "hang_up_ns": "hangup_ns",
    "body_verdict": "verdict",
    "promised_bytes": "promised",
    "missing_bytes": "missing",
    "request_last_frame": "request_last_frame",
    "last_frame": "last_frame",
    "request_type": "request_type",
    "request_encoding": "request_coding",
    "request_wire_bytes": "request_wire",
    "request_body_bytes": "request_size",
    "request_body_verdict": "request_verdict",
    "interim": "interim",
    "expects_continue": "expects",
    "upgrade": "upgrade",
    "through": "through",
    "inside": "inside",
    "user_agent": "user_agent",
    "location": "location",
    "mended": "mended",
}
"""Columns of the table ``http`` that are attributes of an exchange as they are."""

_DEEPEST = 4  # tunnels in a tunnel that are read

_NOTED_REQUEST = frozenset({"origin", "cookie"})
_NOTED_RESPONSE = frozenset({"set-cookie"})


class Http:
    """What a run keeps of HTTP.

    Attributes:
        limits: what bodies may grow to.
        sinks: takes bodies, if somebody wants them.
        exchanges: in the order in which they began to be read.
        frames: of WebSockets.
        take_messages: gives what takes the messages of a sender on a WebSocket, if somebody wants them.
    """

    def __init__(
        self,
        tables: frozenset[str] | None = None,
        *,
        limits: Limits | None = None,
        sinks: Sinks | None = None,
        raw_sinks: bool = False,
    ) -> None:
        """Nothing read yet.

        Args:
            tables: names of those that are wanted; all if None.
            limits: what bodies may grow to.
            sinks: takes the bodies.
            raw_sinks: whether it takes them with their codings.
        """
        self.tables = frozenset(TABLES) if tables is None else tables & frozenset(TABLES)
        self.limits = limits or Limits()
        self.sinks = sinks
        self.raw_sinks = raw_sinks
        self.texts = Texts()
        self.known = Known(self.limits)
        self.requests, self.responses = Memo(), Memo()
        self.codings: dict[bytes, tuple[str, ...]] = {}
        self.exchanges: list[Exchange] = []
        self.frames: list[Frame] = []
        self.uses: list[Use] = []
        self._names: Names | None = None
        self.take_messages: TakeMessages | None = None
        if sinks is not None:
            self.take_messages = partial(message_sink, sinks)
        self._taking = Taking(self)
        self._connections: WeakSet[Connection] = WeakSet()
        self.keep_fields = "http_headers" in self.tables
        self._notes = bool(self.tables & {"http_cookies", "cors"})
        self._count_uses = bool(self.tables & {"http_connections", "http_hosts"})
        self.watch: Http | None = self if self._notes or self.keep_fields else None
        if self.watch is not None or sinks is not None:
            self.requests.on = self.responses.on = False  # every message counts there

    def open(self, stream: StreamFacts) -> Connection:
        """A reader for a stream."""
        connection = Connection(self, stream)
        self._connections.add(connection)
        return connection

    def open_inside(self, name: str, stream: StreamFacts, through: str) -> Consumer | None:
        """A reader for what a tunnel carries, if it is HTTP.

        Args:
            name: what it is.
            stream: that the tunnel is in.
            through: which tunnel it is.
        """
        deep = through.count(",") >= _DEEPEST
        return Connection(self, stream, through) if name == "http" and not deep else None

    def inner_names(self) -> Names:
        """What names that which tunnels carry."""
        if self._names is None:
            self._names = Names()
        return self._names

    def request(
        self, row: Exchange, found: dict[str, bytes], fields: list[tuple[bytes, bytes]] | None
    ) -> None:
        """A request's head has been read."""
        if fields is not None:
            fields.append(END_OF_HEAD)
            row.request_fields = fields
        if self._notes and not _NOTED_REQUEST.isdisjoint(found):
            row.asked = found

    def response(
        self, row: Exchange, found: dict[str, bytes], fields: list[tuple[bytes, bytes]] | None
    ) -> None:
        """A response's head has been read."""
        if fields is not None:
            fields.append(END_OF_HEAD)
            row.response_fields = fields
        if self._notes and (row.asked is not None or not _NOTED_RESPONSE.isdisjoint(found)):
            row.told = found

    def connection_ended(self, connection: Connection) -> None:
        """Nothing more comes of a connection."""
        if self._count_uses:
            use = connections.use_of(connection)
            if use is not None:
                self.uses.append(use)

    def taken(self, over: Collection[int] = ()) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """Rows that are complete and new: see ``reading.Forgetting``."""
        part = self._taking.new(over)
        return {name: TABLES[name](part) for name in BY_ROW if name in self.tables}

    def forget(self, streams: Collection[int], most: int) -> int:
        """Keep fewer rows: see ``reading.Forgetting``."""
        return self._taking.forget(streams, most, self._connections)

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """What was found: see ``reading.Application``."""
        self.uses.sort(key=attrgetter("stream"))  # those that never ended have come last
        return {name: make(self) for name, make in TABLES.items() if name in self.tables}


def _http(app: Rows) -> dict[str, Sequence[Any]]:
    rows = app.exchanges
    columns: dict[str, Sequence[Any]] = {
        name: MadeWhenSeen(rows, attrgetter(attribute)) for name, attribute in _PLAIN.items()
    }
    columns["stream"] = [row.stream for row in rows]
    columns["body_sha256"] = MadeWhenSeen(rows, lambda row: _hex(row.hash))
    columns["request_body_sha256"] = MadeWhenSeen(rows, lambda row: _hex(row.request_hash))
    columns["compressible"] = MadeWhenSeen(rows, compressible)
    columns["request_complete"] = MadeWhenSeen(rows, _request_complete)
    return columns


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _request_complete(row: Exchange) -> bool | None:
    return None if row.frame is None else row.request_last_frame is not None


def _headers(app: Rows) -> dict[str, list[Any]]:
    names = ("stream", "frame", "request_of_connection", "message", "part", "name", "value")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    text = app.texts.of
    for row in app.exchanges:
        for message, frame, fields in (
            ("request", row.frame, row.request_fields),
            ("response", row.response_frame, row.response_fields),
        ):
            part = "header"
            for field in fields or ():
                if field is END_OF_HEAD:
                    part = "trailer"
                    continue
                values = (row.stream, frame, row.number, message, part, text(field[0]), text(field[1]))
                for name, value in zip(names, values, strict=True):
                    columns[name].append(value)
    return columns


def _websocket(app: Rows) -> dict[str, list[Any]]:
    names = ("stream", "sender", "frame", "time_ns", "opcode", "message", "fin", "masked", "compressed")
    plain = {**{name: name for name in names}, "payload_bytes": "bytes", "captured_bytes": "seen"}
    plain |= {"close_code": "close_code", "anomaly": "anomaly"}
    return {name: list(map(attrgetter(attribute), app.frames)) for name, attribute in plain.items()}


BY_ROW = ("http", "http_headers", "websocket")
"""Tables whose rows are known once an exchange or frame is, whatever comes later."""
TABLES: dict[str, Callable[[Rows], Mapping[str, Sequence[Any]]]] = {
    "http": _http,
    "http_headers": _headers,
    "http_cookies": lambda app: columns_of(cookies.rows(app.exchanges), cookies.COLUMNS),
    "http_methods": lambda app: columns_of(statistics.method_rows(app.exchanges), statistics.METHOD_COLUMNS),
    "http_statuses": lambda app: columns_of(statistics.status_rows(app.exchanges), statistics.STATUS_COLUMNS),
    "http_hosts": lambda app: columns_of(
        connections.host_rows(app.exchanges, app.uses), connections.HOST_COLUMNS
    ),
    "http_connections": lambda app: columns_of(
        connections.connection_rows(app.uses), connections.CONNECTION_COLUMNS
    ),
    "cors": lambda app: columns_of(cors.rows(app.exchanges), cors.COLUMNS),
    "websocket": _websocket,
}
"""What makes the columns of each table."""


def APPLICATION(asked: Asked) -> Http:  # noqa: N802 - the name that ``apps.readers`` looks for
    """HTTP for a run."""
    limits = Limits(max_bytes=asked.max_body_bytes)
    return Http(asked.tables, limits=limits, sinks=asked.bodies, raw_sinks=asked.raw_bodies)


def TRANSCRIBER(stream: StreamFacts, max_body_bytes: int) -> Transcriber:  # noqa: N802 - as above
    """What shows a stream of HTTP."""
    from netanalyze.apps.http.transcript import HttpTranscriber  # noqa: PLC0415 - which imports this file

    return HttpTranscriber(stream, max_body_bytes)
