"""The messages of one direction: llhttp, and what is done where it cannot go on.

What is plain needs no parser (``plain``); llhttp takes everything else as it comes. The rest of this file is
for the rare cases: llhttp refuses a head (``repair``), the framing is broken or bytes are missing
(``resync``), or the connection stops being HTTP. llhttp does not tell where in its input it stopped; so what
brought a parser to where it was at the beginning of a segment is kept where a message goes on in the next
one, and ``locate`` goes over it again, line by line.

The result does not depend on how the bytes were cut into segments.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
)

from netanalyze.apps.http import repair
from netanalyze.apps.http.llhttp import locate
from netanalyze.apps.http.message import HEAD_MOST
from netanalyze.apps.http.plain import Plain
from netanalyze.apps.http.resync import LONGEST

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection
    from netanalyze.model import Gap

Piece: TypeAlias = "tuple[bytes, int, int]"
"""Bytes with the frame that carried their end and its time."""

_HELD_MOST = 1 << 20  # bytes kept while it is not known yet whether they are HTTP
_MANY_PIECES = 64  # are joined
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


class Half(Plain):
    """One direction; ``ClientHalf`` and ``ServerHalf`` say what a message means.

    Attributes:
        side: of the stream, 0 or 1.
        state: what the next bytes are.
        frames: reads the frames of a WebSocket.
        mended_method, mended_target: as sent, where the head that is read has others in their place.
    """

    __slots__ = (
        "_held",
        "_pieces",
        "frames",
        "mended_method",
        "mended_target",
        "side",
        "state",
    )

    def __init__(self, connection: Connection, side: int) -> None:
        """A direction of which nothing has been read."""
        super().__init__(connection)
        self.side = side
        self.state = State.READING
        self.frames: Any = None
        self._pieces: list[Piece] = []  # kept while searching, mending or holding
        self._held = 0  # bytes kept while holding; negative if some are missing
        self.mended_method: bytes | None = None
        self.mended_target: bytes | None = None

    def new_parser(self) -> None:
        """See ``Plain``: what is read next is as it was sent."""
        super().new_parser()
        self.mended_method = None
        self.mended_target = None

    # Bytes.

    def data(self, data: memoryview | bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes."""
        self.frame = frame
        self.now = time_ns
        if not self.state:
            if self.left:
                place = self.body_goes_on(data)
                if place == len(data):
                    return
                data = data[place:]
            if not self.begun and not self.careful():
                data = self.read_plain(bytes(data))
                if not data:
                    return
        if self.state or self.careful():
            self._run([(bytes(data), frame, time_ns)])
        else:
            self._parse(data)

    def _parse(self, data: memoryview | bytes) -> None:
        """Let llhttp read."""
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

    def _goes_on(self, data: bytes | memoryview) -> None:
        """The message in hand goes on in the next segment."""
        self.keep_place(data)
        if self.in_head and len(self._prefix) > HEAD_MOST:
            self._run(self._broken(b""))

    def between_messages(self) -> bool:
        """Whether the next byte begins a message."""
        return not self.begun and self.state is State.READING

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
        elif state is not State.FOREIGN:
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
        self.new_parser()
        self.reset()
        self.state = State.READING
        if self._held < 0:  # with a hole in it
            self._lost()
        frame, now = self.frame, self.now
        self._run(pieces)
        self.frame, self.now = frame, now

    def follow(self, frames: Any) -> None:  # noqa: ANN401 - a WebSocket's reader, or None
        """Take what comes from now on for WebSocket frames, or for something else that is only counted."""
        pieces = self._pieces if self.state is State.HELD else []
        self._pieces = []
        if self.state is State.SEARCHING and frames is not None:
            frames.lose()  # where the first one begins is not known
        self.frames = frames
        self.state = State.FOREIGN if frames is None else State.FRAMES
        self._run(pieces)

    def foreign(self) -> None:
        """Only count what comes from now on."""
        self.follow(None)

    def _read(self, data: bytes) -> list[Piece]:
        rest = b""
        if self.left:
            place = self.body_goes_on(data)
            return [(data[place:], self.frame, self.now)]
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

    # Where llhttp stops.

    def _stopped(self, data: bytes, error: HttpParserError | HttpParserUpgrade) -> list[Piece]:
        """Take what comes behind the place where llhttp stopped in ``data``; gives what is next."""
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
        begin, bad, in_head = locate(self.parser_type, self.base(), text)
        known = self.begun
        if in_head and not self.mending and len(text) - begin <= HEAD_MOST + len(data):
            self.state = State.MENDING
            if not known:
                self.begin_frame, self.begin_ns = self.frame, self.now
            self.new_parser()
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
        if len(self._pieces) > _MANY_PIECES:
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
        return text[locate(self.parser_type, self.base(), text)[0] :]

    def _lost(self) -> None:
        """Where messages begin is not known any more, and some may have been missed."""
        self.messages_lost()
        self.reset()
        self.state = State.SEARCHING
        self._pieces = []
        self.new_parser()

    def _search(self, data: bytes) -> list[Piece]:
        """Look for a start line."""
        kept = self._pieces
        kept.append((data, self.frame, self.now))
        text = data if len(kept) == 1 else b"".join(piece[0] for piece in kept)
        place, keep = self.find(text)
        self._pieces = []
        pieces = _cut(kept, place if place >= 0 else keep)
        if place < 0:
            if len(pieces) > _MANY_PIECES:
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
        in_body = self.state is State.READING and self.begun and not self.in_head
        mine = self._of_the_body(gap.length) if in_body else 0
        self.missing += mine
        if in_body and mine == gap.length:
            if self.first is not None or self.body is None:
                self.open_body()
            self.body.hole()  # type: ignore[union-attr] # it is there now
            self._fill(gap.length)
            return
        if self.begun or self.state is State.MENDING:
            self.damaged(self.head_so_far(), by_gap=True)
        self._lost()

    def _of_the_body(self, length: int) -> int:
        """How many bytes of a gap of this length surely are of the body in hand."""
        taken = self.wire + self.missing
        promised = self._chunk_end if self.chunked() else self.promised()
        return length if promised is None else min(length, max(promised - taken, 0))

    def _fill(self, length: int) -> None:
        """Take llhttp over bytes that are missing in a body; it is not told what they are."""
        if self.left:
            self.skip(length)
            return
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
        """Called where llhttp stopped behind a head with which HTTP may end; gives what is first."""
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


def _cut(pieces: list[Piece], place: int) -> list[Piece]:
    """The pieces without their first ``place`` bytes."""
    kept = []
    for data, frame, now in pieces:
        if place < len(data):
            kept.append((data[place:], frame, now))
        place = max(place - len(data), 0)
    return kept
