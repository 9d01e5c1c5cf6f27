"""The message in hand: its head's fields, its body, and where in it a segment ended.

Most of what is here is called by llhttp and does as little as it can: a capture has more header fields than
anything else.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

from netanalyze.apps.http.bodies import Body, parse_codings
from netanalyze.apps.http.fields import JOINED_BY, KNOWN, learn
from netanalyze.apps.http.resync import LONGEST

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection

HEAD_MOST = 1 << 17
"""Bytes of a head at most; a longer one is damage."""

GATHERED_BYTES = 1 << 15
"""A body that is smaller is kept until it has come, and decoded at one go."""

_LONGEST_NUMBER = 19  # digits that fit into 64 bits


class Message:
    """What has been read of a message.

    Attributes:
        connection: it is on.
        frame, now: of the bytes in hand.
        begun: whether a message has begun and has not ended.
        in_head: whether its head has not ended yet.
        mending: whether its head is read again, or made up.
        begin_frame, begin_ns: its first byte.
        found: header fields of its head that matter, by lower-case name.
        fields: all of them, if somebody wants them.
        wire, missing: bytes of its body so far, captured and not.
        left: bytes of its body, or of the chunk in hand, that are yet to come, where they are counted here; 0
            if llhttp has the message.
        filling: whether llhttp is taken over a gap.
    """

    __slots__ = (
        "_base",
        "_chunk_at",
        "_chunk_end",
        "_chunk_seen",
        "_prefix",
        "begin_frame",
        "begin_ns",
        "begun",
        "body",
        "connection",
        "fields",
        "filling",
        "first",
        "found",
        "frame",
        "in_head",
        "left",
        "mending",
        "missing",
        "more",
        "now",
        "wire",
    )

    request: ClassVar[bool]

    def __init__(self, connection: Connection) -> None:
        """No message has begun."""
        self.connection = connection
        self.frame = 0
        self.now = 0
        self.begun = False
        self.in_head = False
        self.mending = False
        self.begin_frame = 0
        self.begin_ns = 0
        self.found: dict[str, bytes] = {}
        self.fields: list[tuple[bytes, bytes]] | None = [] if connection.keep_fields else None
        self.wire = 0
        self.missing = 0
        self.left = 0
        self.first: bytes | None = None
        self.more: list[bytes] | None = None  # with the first, where the body came in a few small pieces
        self.body: Body | None = None
        self.filling = False
        self._prefix = bytearray()  # read since `_base`, where a message goes on
        # Brings a new parser to where this one was then; in a body of known length the fields of its head
        # and how much of it had come, of which the bytes are made when they are needed.
        self._base: bytes | tuple[dict[str, bytes], int] = b""
        self._chunk_at = -1  # bytes of the body before the chunk in hand
        self._chunk_end = -1  # and behind it; -1 if unknown
        self._chunk_seen = -1

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """Take note that a message begins."""
        if self.mending:
            return
        self.begun = self.in_head = True
        self.begin_frame = self.frame
        self.begin_ns = self.now

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field, or one of a trailer section."""
        key = KNOWN.get(name)
        if key is None:
            key = learn(name)
        if key:
            found = self.found
            found[key] = found[key] + JOINED_BY.get(key, b", ") + value if key in found else value
        if self.fields is not None:
            self.fields.append((name, value))

    def on_body(self, piece: bytes) -> None:
        """Take a part of the body, without chunk framing."""
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
        """Take note that a chunk begins."""
        self._chunk_at = self.wire + self.missing

    def on_chunk_complete(self) -> None:
        """Take note that a chunk has ended."""
        self._chunk_end = self.wire + self.missing
        self._chunk_seen = self._chunk_at

    def begin_chunk(self, length: int) -> None:
        """Take note that a chunk of this length begins, of which only a part has come."""
        self._chunk_at = self._chunk_seen = self.wire + self.missing
        self._chunk_end = self._chunk_at + length

    def chunk_over(self) -> None:
        """Take note that the next byte is of the framing of a chunk."""
        self._chunk_at = self._chunk_seen = self._chunk_end = self.wire + self.missing

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
        self.left = 0
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
        return None if self.chunked() else _length(self.found)

    def chunk_left(self) -> int:
        """Bytes of the chunk in hand that are yet to come; 0 outside chunks, and where that is unknown."""
        return max(self._chunk_end - self.wire - self.missing, 0)

    # Where a segment ends.

    def keep_place(self, data: bytes | memoryview) -> None:
        """The message in hand goes on in the next segment: keep what it takes to find this place again."""
        if self.in_head:
            self._keep(data)
            return
        if "transfer-encoding" not in self.found:
            self._base = self.found, self.wire + self.missing
            if self._prefix:
                self._prefix.clear()
            return
        if not self.chunked():
            self._base = b""  # until the connection ends: there is no place to find
            self._prefix.clear()
            return
        taken = self.wire + self.missing
        if self._chunk_at != self._chunk_seen:
            self._chunk_seen = self._chunk_at
            self._chunk_end = self._chunk_size(data, taken - self._chunk_at)
        if taken < self._chunk_end:
            self._base = self.head_like(
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

    def base(self) -> bytes:
        """What brings a new parser to where this one was when the prefix began."""
        if isinstance(self._base, bytes):
            return self._base
        found, taken = self._base
        promised = _length(found)
        return b"" if promised is None else self.head_like(b"Content-Length: %d\r\n\r\n" % (promised - taken))

    def head_like(self, framing: bytes) -> bytes:
        """A head that brings a new parser to the middle of a body."""
        return (b"POST / HTTP/1.1\r\n" if self.request else b"HTTP/1.1 200 OK\r\n") + framing


def _length(found: dict[str, bytes]) -> int | None:
    """What Content-Length says, if it says anything."""
    length = found.get("content-length")
    if length is None:
        return None
    digits = length.split(b",", 1)[0].strip()
    return int(digits) if digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None
