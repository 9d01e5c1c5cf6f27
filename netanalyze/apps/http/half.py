"""The messages of one direction: llhttp, and what is done where it cannot go on.

llhttp takes what comes as it comes. Everything else here is for the rare cases: it refuses a head
(``repair``), the framing is broken or bytes are missing (``resync``), or the connection stops being
HTTP. llhttp does not tell where in its input it stopped; so what brought a parser to where it was at
the beginning of a segment is kept where a message goes on in the next one, and ``_locate`` goes over it
again, line by line.

The result does not depend on how the bytes were cut into segments.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
)

from netanalyze.apps.http import repair
from netanalyze.apps.http.bodies import Body, parse_codings
from netanalyze.apps.http.fields import JOINED_BY, KNOWN, learn
from netanalyze.apps.http.resync import LONGEST

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection
    from netanalyze.model import Gap

Piece: TypeAlias = "tuple[bytes, int, int]"
"""Bytes with the frame that carried their end and its time."""

HEAD_MOST = 1 << 17
"""Bytes of a head at most; a longer one is damage."""

GATHERED_BYTES = 1 << 15
"""A body that is smaller is kept until it has come, and decoded at one go."""

_HELD_MOST = 1 << 20  # bytes kept while it is not known yet whether they are HTTP
_FILL = bytes(1 << 16)


class State(IntEnum):
    """What the next bytes of a direction are."""

    READING = 0
    """Messages, for llhttp."""
    MENDING = 1
    """The rest of a head that llhttp refused."""
    SEARCHING = 2
    """Unknown, until a start line comes."""
    HELD = 3
    """HTTP, or what the client asked to upgrade to; the response will tell."""
    FRAMES = 4
    """Frames of a WebSocket."""
    FOREIGN = 5
    """Not HTTP any more."""


class Half:
    """One direction; ``ClientHalf`` and ``ServerHalf`` say what a message means.

    Attributes:
        frame, now: of the bytes in hand.
        state: what they are.
        begun: whether a message has begun and has not ended.
        in_head: whether its head has not ended yet.
        begin_frame, begin_ns: its first byte.
        found: header fields of its head that matter, by lower-case name.
        wire: bytes of its body so far.
    """

    __slots__ = (
        "_base",
        "_chunk_at",
        "_chunk_end",
        "_chunk_seen",
        "_held",
        "_pieces",
        "_prefix",
        "begin_frame",
        "begin_ns",
        "begun",
        "body",
        "connection",
        "fields",
        "filling",
        "first",
        "foreign_bytes",
        "found",
        "frame",
        "frames",
        "in_head",
        "mended_method",
        "mended_target",
        "mending",
        "missing",
        "more",
        "now",
        "parser",
        "side",
        "state",
        "wire",
    )

    request: ClassVar[bool]
    parser_type: ClassVar[Any]

    def __init__(self, connection: Connection, side: int) -> None:
        """A direction of which nothing has been read."""
        self.connection = connection
        self.side = side
        self.frame = 0
        self.now = 0
        self.state = State.READING
        self.begun = False
        self.in_head = False
        self.begin_frame = 0
        self.begin_ns = 0
        self.found: dict[str, bytes] = {}
        self.wire = 0
        self.missing = 0
        self.first: bytes | None = None
        self.more: list[bytes] | None = None  # with the first, where the body came in a few small pieces
        self.body: Body | None = None
        self.filling = False
        self.frames: Any = None
        self.foreign_bytes = 0
        self.fields: list[tuple[bytes, bytes]] | None = [] if connection.keep_fields else None
        self._prefix = bytearray()  # read since `_base`, where a message goes on
        self._base = b""  # brings a new parser to where this one was then
        self._chunk_at = -1  # bytes of the body before the chunk in hand
        self._chunk_end = -1  # and behind it; -1 if unknown
        self._chunk_seen = -1
        self._pieces: list[Piece] = []  # kept while searching, mending or holding
        self._held = 0  # bytes kept while holding; negative if some are missing
        self.mending = False
        self.mended_method: bytes | None = None
        self.mended_target: bytes | None = None
        self.parser = self._new_parser()

    def _new_parser(self) -> Any:  # noqa: ANN401 - httptools has no types to speak of
        self.mended_method = None
        self.mended_target = None
        self._base = b""
        self._prefix.clear()
        return make_parser(self.parser_type, self)

    # What llhttp calls.

    def on_message_begin(self) -> None:
        if self.mending:
            return
        self.begun = self.in_head = True
        self.begin_frame = self.frame
        self.begin_ns = self.now

    def on_header(self, name: bytes, value: bytes) -> None:
        key = KNOWN.get(name)
        if key is None:
            key = learn(name)
        if key:
            found = self.found
            found[key] = found[key] + JOINED_BY.get(key, b", ") + value if key in found else value
        if self.fields is not None:
            self.fields.append((name, value))

    def on_body(self, piece: bytes) -> None:
        if self.filling:
            return
        self.wire += len(piece)
        if self.body is not None:
            self.body.write(piece)
        elif self.connection.sinks is not None:
            self.open_body()
            self.body.write(piece)  # type: ignore[attr-defined] # it is there now
        elif self.first is None:
            self.first = piece
        elif self.wire <= GATHERED_BYTES:
            if self.more is None:
                self.more = [self.first]
            self.more.append(piece)
        else:
            self.open_body()
            self.body.write(piece)  # type: ignore[attr-defined] # it is there now

    def on_chunk_header(self) -> None:
        self._chunk_at = self.wire + self.missing

    def on_chunk_complete(self) -> None:
        self._chunk_end = self.wire + self.missing
        self._chunk_seen = self._chunk_at

    # Bodies.

    def open_body(self) -> None:
        """Begin to take a body piece by piece."""
        connection = self.connection
        self.body = Body(self.codings(), connection.limits, self.sink(), raw=connection.raw_sinks)
        for piece in self.more or (self.first,):
            if piece is not None:
                self.body.write(piece)
        self.first = self.more = None

    def codings(self) -> tuple[str, ...]:
        """Codings of the body, in the order in which they were applied."""
        found = self.found
        coded = found.get("content-encoding")
        transfer = found.get("transfer-encoding")
        if transfer is None or transfer == b"chunked":
            return self.connection.codings_of(coded) if coded is not None else ()
        return parse_codings(coded) + parse_codings(transfer)

    def sink(self) -> Any:  # noqa: ANN401 - a Sink or None
        """What else takes the body."""
        return None

    def close_body(self) -> tuple[int, bytes | None, str | None]:
        """What is to say of the body: see ``Body.close``."""
        if self.body is not None:
            closed = self.body.close()
            self.body = None
            return closed
        first = self.first
        if first is None:
            return 0, None, None
        if self.more is not None:
            first = b"".join(self.more)
            self.more = None
        self.first = None
        coded = self.codings()
        if not coded:
            return len(first), sha256(first).digest(), None
        return self.connection.app.known.measure(first, coded)

    def reset(self) -> None:
        """Forget the message in hand; the next one may begin."""
        self.begun = self.in_head = self.mending = False
        self.found = {}
        if self.wire or self.missing or self._chunk_at >= 0:
            self.wire = self.missing = 0
            self.first = self.body = self.more = None
            self._chunk_at = self._chunk_end = self._chunk_seen = -1
        if self.fields is not None:
            self.fields = []

    def chunked(self) -> bool:
        """Whether the body in hand comes in chunks."""
        transfer = self.found.get("transfer-encoding")
        return transfer is not None and transfer.rstrip().lower().endswith(b"chunked")

    def promised(self) -> int | None:
        """Bytes of the body in hand as Content-Length has them; None if its end is told otherwise."""
        length = self.found.get("content-length")
        if length is None or self.chunked():
            return None
        digits = length.split(b",", 1)[0].strip()
        return int(digits) if digits.isdigit() and len(digits) < 20 else None

    # Bytes.

    def data(self, data: memoryview | bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes."""
        self.frame = frame
        self.now = time_ns
        if not self.state and not self.careful():
            try:
                self.parser.feed_data(data)
            except (HttpParserError, HttpParserUpgrade) as error:
                self._run(self._stopped(bytes(data), error))
            else:
                if self.begun:
                    self._goes_on(data)
                elif self._base or self._prefix:
                    self._base = b""
                    self._prefix.clear()
            return
        self._run([(bytes(data), frame, time_ns)])

    def careful(self) -> bool:
        """Whether each line must be read on its own, because llhttp does not know how messages end."""
        return False

    def _run(self, todo: list[Piece]) -> None:
        """Take bytes in any state; the first piece is the first to take."""
        todo.reverse()
        while todo:
            data, self.frame, self.now = todo.pop()
            if not data:
                continue
            more = self._take(data)
            more.reverse()
            todo += more

    def _take(self, data: bytes) -> list[Piece]:
        """Take one piece; gives what has to be taken after it."""
        state = self.state
        if state is State.READING:
            return self._read(data)
        if state is State.SEARCHING:
            return self._search(data)
        if state is State.MENDING:
            return self._mend(data)
        if state is State.FRAMES:
            self.frames.write(data, self.frame, self.now)
        elif state is State.FOREIGN:
            self.foreign_bytes += len(data)
        else:
            self._held += len(data)
            self._pieces.append((data, self.frame, self.now))
            if self._held > _HELD_MOST:
                self.foreign()
        return []

    def hold(self) -> None:
        """Keep what comes: the other side decides what it is."""
        self.state = State.HELD
        self._held = 0
        self._pieces = []

    def release(self) -> None:
        """Read what was held as messages."""
        if self.state is not State.HELD:
            return
        pieces, self._pieces = self._pieces, []
        self.parser = self._new_parser()
        self.reset()
        self.state = State.READING
        if self._held < 0:  # with a hole in it
            self._lost()
        frame, now = self.frame, self.now
        self._run(pieces)
        self.frame, self.now = frame, now

    def follow(self, frames: Any) -> None:  # noqa: ANN401 - a WebSocket's reader, or None
        """Take what comes from now on for WebSocket frames, or for something else that is only counted."""
        pieces = self._pieces if self.state in (State.HELD, State.SEARCHING) else []
        self._pieces = []
        self.frames = frames
        self.state = State.FOREIGN if frames is None else State.FRAMES
        self._run(pieces)

    def foreign(self) -> None:
        """Only count what comes from now on."""
        self.follow(None)

    def _read(self, data: bytes) -> list[Piece]:
        rest = b""
        if self.careful():
            line = data.find(b"\n") + 1
            if line:
                data, rest = data[:line], data[line:]
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            more = self._stopped(data, error)
        else:
            more = []
            if self.begun:
                self._goes_on(data)
            else:
                self._base = b""
                self._prefix.clear()
            self.line_read()
        if rest:
            more.append((rest, self.frame, self.now))
        return more

    def line_read(self) -> None:
        """Called when a line has been read while ``careful``."""

    def _goes_on(self, data: bytes | memoryview) -> None:
        """The message in hand goes on in the next segment: keep what it takes to find this place again."""
        if self.in_head:
            self._keep(data)
            if len(self._prefix) > HEAD_MOST:
                self._run(self._broken(b""))
            return
        if not self.chunked():
            left = self.promised()
            if left is not None:
                self._base = self._synthetic(
                    b"Content-Length: %d\r\n\r\n" % (left - self.wire - self.missing)
                )
            self._prefix.clear()
            return
        taken = self.wire + self.missing
        if self._chunk_at != self._chunk_seen:
            self._chunk_seen = self._chunk_at
            self._chunk_end = self._chunk_size(data, taken - self._chunk_at)
        if taken < self._chunk_end:
            self._base = self._synthetic(
                b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (self._chunk_end - taken)
            )
            self._prefix.clear()
        else:
            self._keep(data)

    def _keep(self, data: bytes | memoryview) -> None:
        self._prefix += data
        if not self.in_head and len(self._prefix) > HEAD_MOST:
            # Longer than any size line or trailer section: no place to be found any more.
            del self._prefix[:-LONGEST]
            self._base = b""

    def _chunk_size(self, data: bytes | memoryview, taken: int) -> int:
        """Where the chunk in hand ends, of which ``taken`` bytes are the end of ``data``; -1 if unknown."""
        end = len(data) - taken
        if end <= 0:
            return -1
        # A size line is short; one with a long extension is not looked for.
        head = bytes(self._prefix[-128:]) + bytes(data[max(end - 256, 0) : end])
        if not head.endswith(b"\n"):
            return -1  # all of the chunk has been read, and half of the line break behind it
        line = head[head.rfind(b"\n", 0, len(head) - 1) + 1 :]
        digits = line.split(b";", 1)[0].strip()
        try:
            return self._chunk_at + int(digits, 16)
        except ValueError:
            return -1

    def _synthetic(self, framing: bytes) -> bytes:
        """A head that brings a new parser to the middle of a body."""
        return (b"POST / HTTP/1.1\r\n" if self.request else b"HTTP/1.1 200 OK\r\n") + framing

    # Where llhttp stops.

    def _stopped(self, data: bytes, error: HttpParserError | HttpParserUpgrade) -> list[Piece]:
        """llhttp does not go on with ``data``; gives what has to be taken next."""
        if isinstance(error, HttpParserUpgrade):
            rest = data[error.args[0] :]
            self._prefix.clear()
            self._base = b""
            return [*self.upgraded(), (rest, self.frame, self.now)]
        if isinstance(error, HttpParserCallbackError) and error.__context__ is not None:
            raise error.__context__  # a mistake in what it called
        return self._broken(data)

    def _broken(self, data: bytes) -> list[Piece]:
        """Something in ``data``, or in what came before it, is not as it should be."""
        text = bytes(self._prefix) + data
        begin, bad, in_head = _locate(self.parser_type, self._base, text)
        known = self.begun
        if in_head and not self.mending and len(text) - begin <= HEAD_MOST + len(data):
            self.state = State.MENDING
            if not known:
                self.begin_frame, self.begin_ns = self.frame, self.now
            self.parser = self._new_parser()
            self._pieces = []
            return [(text[begin:], self.frame, self.now)]
        if known:
            self.damaged(text[begin:] if in_head else b"")
        self._lost()
        place = max(bad, begin + 1) if in_head else bad
        return [(text[min(place, len(text)) :], self.frame, self.now)]

    def _mend(self, data: bytes) -> list[Piece]:
        """Collect a head that llhttp refused and read it mended."""
        self._pieces.append((data, self.frame, self.now))
        text = b"".join(piece[0] for piece in self._pieces)
        if len(self._pieces) > 64:
            self._pieces = [(text, self.frame, self.now)]
        end = repair.head_end(text)
        if end < 0 and len(text) <= HEAD_MOST and self._may_be_head(text):
            return []
        self._pieces = []
        mended = repair.mend(text[:end], request=self.request) if end > 0 else None
        self.state = State.READING
        if mended is None:
            return self._no_head(text)
        self.found = {}
        if self.fields is not None:
            self.fields = []
        self.head_again()
        self.mended_method, self.mended_target = mended.method, mended.target
        self.mending = True
        self.begun = self.in_head = True
        more: list[Piece] = []
        try:
            self.parser.feed_data(mended.head)
        except HttpParserUpgrade:
            more = self.upgraded()
        except HttpParserError as error:
            if isinstance(error, HttpParserCallbackError) and error.__context__ is not None:
                raise error.__context__ from None
            return self._no_head(text)
        self.mending = False
        if self.begun:
            self._base = mended.head
            self._goes_on(b"")
        self.line_read()
        return [*more, (text[end:], self.frame, self.now)]

    def _may_be_head(self, text: bytes) -> bool:
        """Whether what there is of a first line may become one that can be mended."""
        line, newline, _ = text.partition(b"\n")
        if newline:
            return repair.mend(line + b"\n\n", request=self.request) is not None
        return len(line) < LONGEST and b"\0" not in line

    def _no_head(self, text: bytes) -> list[Piece]:
        if self.begun:
            self.damaged(text)
        self._lost()
        return [(text[1:], self.frame, self.now)]

    def head_so_far(self) -> bytes:
        """What has been read of the head in hand."""
        if not self.in_head:
            return b""
        if self.state is State.MENDING:
            return b"".join(piece[0] for piece in self._pieces)
        text = bytes(self._prefix)
        return text[_locate(self.parser_type, self._base, text)[0] :]

    def _lost(self) -> None:
        """Where messages begin is not known any more, and some may have been missed."""
        self.messages_lost()
        self.reset()
        self.state = State.SEARCHING
        self._pieces = []
        self.parser = self._new_parser()

    def _search(self, data: bytes) -> list[Piece]:
        """Look for a start line."""
        kept = self._pieces
        kept.append((data, self.frame, self.now))
        text = data if len(kept) == 1 else b"".join(piece[0] for piece in kept)
        place, keep = self.find(text)
        self._pieces = []
        pieces = _cut(kept, place if place >= 0 else keep)
        if place < 0:
            if len(pieces) > 64:
                pieces = [(b"".join(piece[0] for piece in pieces), pieces[0][1], pieces[0][2])]
            self._pieces = pieces
            return []
        self.state = State.READING
        return pieces

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """Take note of missing bytes."""
        self.frame, self.now = frame, time_ns
        if self.state is State.FRAMES:
            self.frames.gap(gap.length, frame, time_ns)
            return
        if self.state is State.HELD:
            self._pieces.clear()
            self._held = -_HELD_MOST
        if self.state in (State.FOREIGN, State.HELD):
            return
        if self.state is State.READING and self.begun and not self.in_head and self._inside(gap.length):
            self.missing += gap.length
            if self.first is not None or self.body is None:
                self.open_body()
            self.body.hole()  # type: ignore[union-attr] # it is there now
            self._fill(gap.length)
            return
        if self.begun or self.state is State.MENDING:
            self.damaged(self.head_so_far(), by_gap=True)
        self._lost()

    def _inside(self, length: int) -> bool:
        """Whether a gap of this length lies inside the body in hand for sure."""
        taken = self.wire + self.missing
        if self.chunked():
            return taken < self._chunk_end and length <= self._chunk_end - taken
        promised = self.promised()
        return promised is None or length <= promised - taken

    def _fill(self, length: int) -> None:
        """Take llhttp over bytes that are missing in a body; it is not told what they are."""
        if self.promised() is None and not self.chunked():
            return
        self.filling = True
        try:
            while length > 0:
                self.parser.feed_data(_FILL[: min(length, len(_FILL))])
                length -= len(_FILL)
        finally:
            self.filling = False
        if self.begun:
            self._goes_on(b"")

    # What the two directions do differently.

    def upgraded(self) -> list[Piece]:
        """llhttp stopped behind a head with which HTTP may end; gives what has to be taken first."""
        return []

    def head_again(self) -> None:
        """The head in hand will be read once more."""

    def damaged(self, head: bytes, *, by_gap: bool = False) -> None:
        """The message in hand breaks off here.

        Args:
            head: what there is of its head, if that is not whole.
            by_gap: whether because of missing bytes; else its framing is broken.
        """

    def messages_lost(self) -> None:
        """Messages may lie in what cannot be read."""

    def find(self, text: bytes) -> tuple[int, int]:
        """See ``resync.find_request``."""
        raise NotImplementedError


def make_parser(kind: Any, protocol: object) -> Any:  # noqa: ANN401 - httptools has no types to speak of
    """A parser of llhttp that takes what people send.

    Folded lines, control characters in values, both lengths at once (chunks count), bare line feeds,
    versions nobody has heard of, more messages after one that says it is the last.
    """
    parser = kind(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_chunked_length=True,
        lenient_keep_alive=True,
        lenient_transfer_encoding=True,
        lenient_version=True,
        lenient_data_after_close=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


class _Probe:
    """Notes where messages begin."""

    def __init__(self) -> None:
        self.at = 0
        self.begin = 0
        self.in_head = True

    def on_message_begin(self) -> None:
        self.begin = self.at
        self.in_head = True

    def on_headers_complete(self) -> None:
        self.in_head = False


def _locate(kind: Any, base: bytes, text: bytes) -> tuple[int, int, bool]:  # noqa: ANN401 - as above
    """Where llhttp stops in ``text``, to the line.

    Args:
        kind: the type of the parser.
        base: what brings a new one to where it is before ``text``.
        text: what it refuses.

    Returns:
        Where the message begins that it stops in, where the line does, and whether that is in a head.
    """
    probe = _Probe()
    parser = make_parser(kind, probe)
    place = 0
    try:
        if base:
            parser.feed_data(base)
        while place < len(text):
            probe.at = place
            end = text.find(b"\n", place) + 1 or len(text)
            parser.feed_data(text[place:end])
            place = end
    except (HttpParserError, HttpParserUpgrade):
        pass
    begin = _begin_in_line(kind, base, text, probe.begin) if probe.in_head else probe.begin
    return begin, max(place, begin), probe.in_head


def _begin_in_line(kind: Any, base: bytes, text: bytes, line: int) -> int:  # noqa: ANN401 - as above
    """The byte at which the last message begins whose first line, or an end of a body before it, is at ``line``."""
    probe = _Probe()
    parser = make_parser(kind, probe)
    end = text.find(b"\n", line) + 1 or len(text)
    try:
        if base:
            parser.feed_data(base)
        parser.feed_data(text[:line])
        probe.begin = line
        for place in range(line, end):
            probe.at = place
            parser.feed_data(text[place : place + 1])
    except (HttpParserError, HttpParserUpgrade):
        pass
    return probe.begin


def _cut(pieces: list[Piece], place: int) -> list[Piece]:
    """The pieces without their first ``place`` bytes."""
    kept = []
    for data, frame, now in pieces:
        if place < len(data):
            kept.append((data[place:], frame, now))
        place = max(place - len(data), 0)
    return kept
