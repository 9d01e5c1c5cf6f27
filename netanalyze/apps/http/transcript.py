"""HTTP as ``netanalyze follow`` shows it: heads as they were sent, bodies decoded.

The reader of the tables (``connection``) reads the stream. It is given pieces that do not reach beyond a
line, or beyond a body's end, and what it has come to after each piece tells what the piece was: a part of a
head, of a body, of the framing of chunks, or nothing that is HTTP. Its result does not depend on how bytes
are cut; so neither does what is shown.

Bytes wait here only while it is open what they are: a head until it ends, a decoded body up to
``HELD_BYTES``, what a client sends before the server has agreed to another protocol. If the other side
has something to say meanwhile, heads and bodies are given out as far as they have come, so that the order
is that of the frames.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from netanalyze.apps.http.application import Http
from netanalyze.apps.http.bodies import Limits
from netanalyze.apps.http.half import State
from netanalyze.apps.http.pieces import (
    OTHER,
    Piece,
    Side,
    as_sent,
    is_in_body,
    message_passage,
    piece_size,
)
from netanalyze.apps.reading import MAX_BODY_BYTES
from netanalyze.apps.transcript import Passage
from netanalyze.apps.tunnel_transcript import Inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.http.half import Half
    from netanalyze.apps.http.shown_body import ShownBody
    from netanalyze.apps.http.websocket_messages import Message
    from netanalyze.apps.reading import Ending, StreamFacts
    from netanalyze.model import Gap

HEAD = "head"
TRAILER = "trailer"

_BLANK_LINES = 16  # before a head are shown with it
_MOST_TRAILERS = 1 << 10  # pieces of them kept until the body has ended
_SIZE_LINE = 64  # bytes of it that are looked at
_HELD_MOST = 1 << 20  # bytes kept while it is not known yet whether they are HTTP


class HttpTranscriber:
    """Makes passages of a stream of HTTP; see ``transcript.Transcriber``."""

    def __init__(self, stream: StreamFacts, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """Nothing said yet.

        Args:
            stream: what is known of it.
            max_body_bytes: what a body may grow to when it is decoded.
        """
        self._app = Http(frozenset(), limits=Limits(max_bytes=max_body_bytes), sinks=self)
        self._inside = Inside(max_body_bytes)
        self._app.open_inside = self._inside.open  # type: ignore[method-assign] # not for tables
        self._app.take_messages = lambda _, sender: self._messages[sender].append
        self._messages: dict[str, list[Message]] = {"client": [], "server": []}
        self._connection = self._app.open(stream)
        self._sides = (Side(), Side())
        self._events: deque[Iterator[None]] = deque()
        self._out: list[Passage] = []

    # Transcriber. What comes waits until it is asked for: decoded, a batch may be too much for memory.

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._events.append(self._data(side, Piece(bytes(data), offset, frame, time_ns)))

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._events.append(self._gap(side, gap, frame, time_ns))

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._events.append(self._end(side, ending, frame, time_ns))

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        self._events.append(self._finish(last_ns))

    def take(self) -> Iterator[Passage]:
        """See ``Transcriber``."""
        while self._events:
            for _ in self._events.popleft():
                given, self._out = self._out, []
                yield from given
            self._app.exchanges.clear()  # rows are for tables
            self._app.frames.clear()
            self._connection.exchanges.clear()

    # Sinks.

    def open(self, exchange: Exchange | None, request: bool) -> ShownBody:  # noqa: FBT001 - see Sinks
        """What takes this body."""
        del exchange
        half = self._connection.client if request else self._connection.server
        assert half is not None  # noqa: S101 - it is the one that asks
        side = self._sides[half.side]
        if side.body is not None and not side.body.closed:
            return side.body
        self._end_body(half.side)
        self._give_pending(half.side, HEAD)
        return side.new_body(half)

    # What comes. Each stops where something may be given out.

    def _data(self, number: int, whole: Piece) -> Iterator[None]:
        place, end = 0, len(whole.data)
        while place < end:
            half = self._half(number)
            if half is not None and half.state is State.HELD:
                self._hold(number, half, whole.part(place))
                break
            size = piece_size(half, whole.data, place)
            yield from self._piece(number, half, whole.part(place, place + size))
            place += size
        yield

    def _gap(self, number: int, gap: Gap, frame: int, time_ns: int) -> Iterator[None]:
        side, half = self._sides[number], self._half(number)
        if half is not None and half.state is State.HELD:
            side.held.append((gap, frame, time_ns))
            return
        self._give_pending(number, self._pending_part(number))
        if half is not None and is_in_body(half):
            body = side.body or side.new_body(half)
            body.look()
            self._give(number, body.flush())
            self._give_trailers(number)
        tunnel = self._connection.tunnel
        self._connection.gap(number, gap, frame, time_ns)
        if tunnel is not None:
            self._give(number, list(self._inside.take()))
            return
        side.line.clear()
        self._give_messages()
        if half is not None and half.state is State.FRAMES and tunnel is None:
            self._give_left_over(number, half)
        self._give(number, [Passage(number, gap.offset, gap.length, None, frame, frame, time_ns)])
        side.last = Piece(b"", gap.offset + gap.length, frame, time_ns)
        half = self._half(number)
        if side.body is not None and (side.body.closed or half is None or not is_in_body(half)):
            self._end_body(number)
        yield from self._released()
        yield

    def _end(self, number: int, ending: Ending, frame: int, time_ns: int) -> Iterator[None]:
        self._connection.end(number, ending, frame, time_ns)
        self._out += self._inside.take()
        body = self._sides[number].body
        if body is not None and body.closed:
            self._end_body(number)
        yield

    def _finish(self, last_ns: int) -> Iterator[None]:
        client, server = self._connection.client, self._connection.server
        if client is not None:
            client.release()
        yield from self._released()
        for half in (client, server):
            if half is None or not is_in_body(half):
                continue
            side = self._sides[half.side]
            body = side.body or side.new_body(half)
            body.look()
            if half is server and server.ends_with_connection():
                body.not_ended()
        parts = [self._pending_part(number) for number in (0, 1)]
        self._connection.finish(last_ns)
        for sender, half in (("client", client), ("server", server)):
            if half is not None and half.state is State.FRAMES and self._connection.tunnel is None:
                messages = self._messages[sender]
                self._give(half.side, [message_passage(half.side, message) for message in messages])
                self._give_left_over(half.side, half)
        for number in sorted((0, 1), key=lambda each: self._sides[each].last.frame):
            self._end_body(number)
            self._give_pending(number, parts[number])
        for passage in self._inside.take():
            self._out.append(passage)
            yield
        yield

    def _hold(self, number: int, half: Half, piece: Piece) -> None:
        """Keep what may be HTTP or not; too much of it is not."""
        side = self._sides[number]
        side.held.append(piece)
        side.held_bytes += len(piece.data)
        if side.held_bytes > _HELD_MOST:
            half.foreign()
            for what in side.held:
                self._give_gap_or_bytes(number, what)
            side.held, side.held_bytes = [], 0

    def _released(self) -> Iterator[None]:
        """Take what was held, if it is known by now what it is."""
        for number, side in enumerate(self._sides):
            half = self._half(number)
            if not side.held or half is None or half.state is State.HELD:
                continue
            held, side.held, side.held_bytes = side.held, [], 0
            for what in held:
                if isinstance(what, Piece):
                    yield from self._data(number, what)
                else:
                    yield from self._gap(number, *what)

    def _piece(self, number: int, half: Half | None, piece: Piece) -> Iterator[None]:
        """Have a piece read, and see what it was."""
        side = self._sides[number]
        if self._connection.tunnel is not None:
            yield from self._carried(number, piece)
            return
        in_body = half is not None and is_in_body(half)
        wire = chunked = 0
        if half is not None and in_body:
            wire, chunked = half.wire, half.chunked()
            if side.body is None:
                side.new_body(half)
        else:
            self._end_body(number)
            side.pending.append(piece)
        begun = half is not None and (half.begun or half.state is State.MENDING)
        searched = half is not None and half.state is State.SEARCHING
        side.last = piece
        framed = half is not None and half.state is State.FRAMES and not half.frames.lost
        if framed:
            half.frames.offset = piece.offset  # type: ignore[union-attr] # there is one
        self._connection.data(number, memoryview(piece.data), piece.offset, piece.frame, piece.time_ns)
        yield from self._released()
        half = self._half(number)
        if half is None:
            return
        if framed:
            self._frames_came(number, half, piece)
            yield
            return
        if in_body:
            goes_on = is_in_body(half)
            if goes_on or not (half.begun or half.state is State.SEARCHING):
                grown = half.wire - wire if goes_on else 0
                self._body_came(number, piece, framing=bool(chunked and not grown), goes_on=goes_on)
                yield
                return
            self._end_body(number)
            side.pending.append(piece)
            begun, searched = False, True
        self._see_head(number, half, begun=begun, searched=searched)
        yield

    def _carried(self, number: int, piece: Piece) -> Iterator[None]:
        """A piece of what a tunnel carries."""
        tunnel = self._connection.tunnel
        assert tunnel is not None  # noqa: S101 - the caller has looked
        tunnel.offsets[number] = piece.offset
        self._connection.data(number, memoryview(piece.data), piece.offset, piece.frame, piece.time_ns)
        for passage in self._inside.take():
            self._give(number, [passage])
            yield

    def _see_head(self, number: int, half: Half, *, begun: bool, searched: bool) -> None:
        """Give out of what is pending what is known to be a head or none."""
        side = self._sides[number]
        state = half.state
        if state in OTHER:
            self._give_pending(number, HEAD if begun else "")
        elif state is State.SEARCHING:
            text = b"".join(piece.data for piece in side.pending)
            self._give_pending(number, "", half.find(text)[1])
        elif is_in_body(half):
            self._give_pending(number, HEAD)
        elif state is State.READING and not half.begun:
            if begun or searched:
                self._give_pending(number, HEAD)
            elif len(side.pending) > _BLANK_LINES:
                self._give_pending(number, "")
        elif searched:
            before = sum(len(piece.data) for piece in side.pending) - len(half.head_so_far())
            self._give_pending(number, "", max(before, 0))

    def _frames_came(self, number: int, half: Half, piece: Piece) -> None:
        """A piece of frames of a WebSocket, up to where they cannot be followed any more."""
        self._sides[number].pending.clear()
        self._give_messages()
        if half.frames.lost:
            self._give_left_over(number, half)
            self._give(number, [as_sent(number, piece.part(half.frames.offset - piece.offset), "")])

    def _give_left_over(self, number: int, half: Half) -> None:
        """Give out what there is of a header of a WebSocket's frame that is not followed any more."""
        last = self._sides[number].last
        offset, data = half.frames.left_over()
        if data:
            self._give(number, [as_sent(number, Piece(data, offset, last.frame, last.time_ns), "")])

    def _give_messages(self) -> None:
        """Give out the messages of a WebSocket that have come."""
        for sender, half in (("client", self._connection.client), ("server", self._connection.server)):
            messages = list(self._messages[sender])
            self._messages[sender].clear()
            if half is not None:
                self._give(half.side, [message_passage(half.side, message) for message in messages])

    def _body_came(self, number: int, piece: Piece, *, framing: bool, goes_on: bool) -> None:
        """A piece of a body, or of the framing of its chunks."""
        side = self._sides[number]
        body = side.body
        assert body is not None  # noqa: S101 - there is one since before the piece was read
        if framing and body.last_chunk:
            side.trailers.append(piece)
            if len(side.trailers) > _MOST_TRAILERS:
                self._give(number, body.flush())
                self._give_trailers(number)
        else:
            body.came(len(piece.data), piece.offset, piece.frame, piece.time_ns)
            side.line += piece.data[: _SIZE_LINE - len(side.line)] if framing else b""
            if framing and piece.data.endswith(b"\n"):
                digits = side.line.split(b";", 1)[0].strip()
                body.last_chunk = bool(digits) and not digits.strip(b"0")
                side.line.clear()
        if goes_on:
            self._give(number, body.ready())
        else:
            self._end_body(number)

    # What is given out.

    def _end_body(self, number: int) -> None:
        """The body that was coming is over."""
        side = self._sides[number]
        body, side.body = side.body, None
        if body is None:
            return
        if not b"".join(piece.data for piece in side.trailers).strip(b"\r\n"):
            for piece in side.trailers:
                body.came(len(piece.data), piece.offset, piece.frame, piece.time_ns)
            side.trailers.clear()
        side.line.clear()
        self._give(number, body.finish())
        self._give_trailers(number)

    def _give_trailers(self, number: int) -> None:
        side = self._sides[number]
        trailers, side.trailers = side.trailers, []
        note = "trailer section"
        for piece in trailers:
            self._give(number, [as_sent(number, piece, TRAILER, note)])
            note = ""

    def _give_pending(self, number: int, part: str, size: int | None = None) -> None:
        """Give out what is pending, or its first bytes, as they were sent."""
        side = self._sides[number]
        given, kept = side.pending, []
        if size is not None:
            given = []
            for piece in side.pending:
                if size > 0:
                    given.append(piece.part(0, size))
                if size < len(piece.data):
                    kept.append(piece.part(max(size, 0)))
                size -= len(piece.data)
        side.pending = kept
        self._give(number, [as_sent(number, piece, part) for piece in given])

    def _give_gap_or_bytes(self, number: int, what: Piece | tuple[Gap, int, int]) -> None:
        if isinstance(what, Piece):
            self._give(number, [as_sent(number, what, "")])
        else:
            gap, frame, time_ns = what
            self._give(number, [Passage(number, gap.offset, gap.length, None, frame, frame, time_ns)])

    def _give(self, number: int, passages: list[Passage]) -> None:
        """Give out; before that, what the other side has begun to say."""
        if not passages:
            return
        other = 1 - number
        side = self._sides[other]
        if side.body is not None and side.body.waits:
            self._out += side.body.flush()
        if side.pending:
            part = self._pending_part(other)
            self._out += [as_sent(other, piece, part) for piece in side.pending]
            side.pending = []
        self._out += passages

    def _pending_part(self, number: int) -> str:
        half = self._half(number)
        in_head = half is not None and (half.in_head or half.state is State.MENDING)
        return HEAD if in_head else ""

    def _half(self, number: int) -> Half | None:
        connection = self._connection
        client = connection.client
        return client if client is None or client.side == number else connection.server
