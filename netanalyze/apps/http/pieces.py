"""Pieces of a stream that are one thing each, and what waits of one side until it is known what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netanalyze.apps.http import codings
from netanalyze.apps.http.half import State
from netanalyze.apps.http.shown_body import ShownBody, grouped
from netanalyze.apps.http.websocket_messages import DEFLATE, NO_CONTEXT
from netanalyze.apps.transcript import Passage

if TYPE_CHECKING:
    from netanalyze.apps.http.half import Half
    from netanalyze.apps.http.websocket_messages import Message
    from netanalyze.model import Gap

OTHER = frozenset({State.HELD, State.FRAMES, State.FOREIGN})
"""States in which what comes is no HTTP, or may be none."""

_WRONG = {
    codings.LIMIT: "more than is kept",
    codings.HOLE: "bytes are missing",
    codings.CUT: "not whole",
    codings.DAMAGED: "cannot be unpacked",
    NO_CONTEXT: "cannot be unpacked without those before it",
}

_PIECE = 1 << 12  # bytes of a body at a time: they may become a thousand times as many


class Piece(NamedTuple):
    """Bytes as they were sent."""

    data: bytes
    offset: int
    frame: int
    time_ns: int

    def part(self, begin: int, end: int | None = None) -> Piece:
        """Some of it."""
        return Piece(self.data[begin:end], self.offset + begin, self.frame, self.time_ns)


class Side:
    """What waits of one side.

    Attributes:
        pending: bytes of a head, or of something yet unknown.
        body: that is coming.
        trailers: what has come behind the last chunk.
        line: the beginning of a line of chunk framing.
        held: pieces, and gaps, while another protocol is asked for.
        held_bytes: of them.
        last: the last piece that came.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self.pending: list[Piece] = []
        self.body: ShownBody | None = None
        self.trailers: list[Piece] = []
        self.line = bytearray()
        self.held: list[Piece | tuple[Gap, int, int]] = []
        self.held_bytes = 0
        self.last = Piece(b"", 0, 0, 0)

    def new_body(self, half: Half) -> ShownBody:
        """A body that begins behind what has come."""
        last = self.last
        self.body = ShownBody(half, last.offset + len(last.data), last.frame, last.time_ns)
        return self.body


def is_in_body(half: Half) -> bool:
    """Whether the next bytes are of a body or its framing."""
    return half.state is State.READING and half.begun and not half.in_head


def piece_size(half: Half | None, data: bytes, place: int) -> int:
    """How much can be read at once so that it is one thing, and not too much."""
    size = len(data) - place
    line = (data.find(b"\n", place) + 1 or len(data)) - place
    if half is not None and half.state in OTHER:
        return size
    if half is None or not is_in_body(half):
        return line
    if half.chunked():
        most = half.chunk_left() or line
    elif "transfer-encoding" in half.found:
        most = line  # the parser decides how it ends
    else:
        promised = half.promised()
        most = size if promised is None else max(promised - half.wire - half.missing, 1)
    return min(most, size, _PIECE)


def as_sent(number: int, piece: Piece, part: str, note: str = "") -> Passage:
    """A piece of a side as a passage."""
    data, offset, frame, time_ns = piece
    return Passage(number, offset, len(data), data, frame, frame, time_ns, note=note, part=part)


def message_passage(number: int, message: Message) -> Passage:
    """A message of a WebSocket as a passage, with a note on what was done to it."""
    words = [f"websocket {message.kind}"]
    if message.fragments > 1:
        words.append(f"{message.fragments} fragments")
    if message.packed:
        sizes = f"{grouped(message.wire_bytes)} bytes on the wire, {grouped(len(message.data))} unpacked"
        words.append(f"{DEFLATE}, {sizes}")
    data = bytes(message.data)
    if message.kind == "close" and len(data) >= 2:  # noqa: PLR2004 - a code's bytes
        words.append(f"code {int.from_bytes(data[:2], 'big')}")
        data = data[2:]
    if message.verdict is not None:
        words.append(_WRONG[message.verdict])
    return Passage(
        number,
        message.offset,
        message.stream_bytes,
        data,
        message.frame,
        max(message.last_frame, message.frame),
        message.time_ns,
        note=", ".join(words),
        part="message",
        coding=DEFLATE if message.packed and data else "",
        body_offset=0,
    )
