"""Messages that need no parser: their heads and chunks are plain, and their bodies are only counted.

Most are. llhttp sees nothing of a message that is read here, unless a chunk's framing is cut by the end of a
segment or is not plain: then it goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from netanalyze.apps.http.head_kernel import CHUNKED, chunk_at, read_chunks
from netanalyze.apps.http.llhttp import make_parser
from netanalyze.apps.http.message import Message

if TYPE_CHECKING:
    from netanalyze.apps.http.connection import Connection

_LINE_BREAK = b"\r\n"


class Plain(Message):
    """A direction, as far as it needs no parser."""

    __slots__ = ("_parser",)

    parser_type: ClassVar[Any]

    def __init__(self, connection: Connection) -> None:
        """Nothing has been read."""
        super().__init__(connection)
        self._parser: Any = None

    @property
    def parser(self) -> Any:  # noqa: ANN401 - httptools has no types to speak of
        """llhttp's, for this direction, made when it is needed first."""
        if self._parser is None:
            self._parser = make_parser(self.parser_type, self)
        return self._parser

    def new_parser(self) -> None:
        """Have another parser from now on, which has read nothing."""
        self._parser = None
        self._base = b""
        self._prefix.clear()

    def read_plain(self, data: bytes) -> bytes:
        """Read messages that llhttp is not needed for; gives what is left for it."""
        place = 0
        size = len(data)
        while place < size and not self.begun:
            body, length = self.read_head(data, place)
            if body < 0:
                break
            place = body
            if length == CHUNKED:
                place = self._read_chunks(data, place)
            elif length:
                self.left = length
                place = self.body_goes_on(data, place)
            else:
                self.on_message_complete()
            if self.careful():
                break
        return data[place:] if place else data

    def body_goes_on(self, data: bytes | memoryview, place: int = 0) -> int:
        """Take bytes of a body that are counted here; returns where what is not taken begins."""
        size = len(data)
        end = min(place + self.left, size)
        self.on_body(bytes(data[place:end]))
        self.left -= end - place
        if self.left:
            return end
        if not self.chunked():
            self.on_message_complete()
            return end
        if data[end : end + 2] == _LINE_BREAK:
            return self._read_chunks(bytes(data), end + 2)
        self._hand_over(b"1\r\nx")
        return end

    def _read_chunks(self, data: bytes, place: int) -> int:
        """Take chunks from a size line on; returns where what is not taken begins."""
        pieces, place, ended = read_chunks(data, place)
        for piece in pieces:
            self.on_body(piece)
        if ended:
            self.on_message_complete()
            return place
        begin, length = chunk_at(data, place)
        if length > len(data) - begin:
            self.begin_chunk(length)
            self.left = length
            return self.body_goes_on(data, begin)
        self._hand_over(b"")
        return place

    def _hand_over(self, framing: bytes) -> None:
        """From here on, which is in or before the framing of a chunk, llhttp reads the message in hand."""
        self.new_parser()
        base = self.head_like(b"Transfer-Encoding: chunked\r\n\r\n" + framing)
        found, fields = self.found, self.fields
        self.found, self.fields = {}, None
        self.mending = self.filling = True  # a head and bytes of ours
        self.parser.feed_data(base)
        self.mending = self.filling = False
        self.found, self.fields = found, fields
        self.chunk_over()
        self._base = base

    def skip(self, length: int) -> None:
        """Go on behind bytes that are missing, no more than there are left."""
        self.left -= length
        if self.left:
            return
        if self.chunked():
            self._hand_over(b"1\r\nx")
        else:
            self.on_message_complete()

    # What the two directions do differently.

    def read_head(self, data: bytes, place: int) -> tuple[int, int]:
        """Read a head that is plain (``head_kernel``).

        Returns:
            Where the body begins, -1 if the head is not plain; and how long it is, or ``CHUNKED``.
        """
        raise NotImplementedError

    def on_message_complete(self) -> None:
        """Take the end of a message."""
        raise NotImplementedError

    def careful(self) -> bool:
        """Whether each line must be read on its own, because llhttp does not know how messages end."""
        return False
