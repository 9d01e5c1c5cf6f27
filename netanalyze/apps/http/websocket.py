"""Frames of a WebSocket (RFC 6455 section 5): one row of the table ``websocket`` each.

Payloads are counted, and handed on if somebody wants them (``websocket_messages``); of a close frame the
status code is read, of a fragmented message the kind is remembered. After a gap inside a payload the next
frame is where its length says; where headers are missing, nothing more can be read, because frames cannot be
found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from netanalyze.apps.http.websocket_messages import Messages

OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
_CLOSE = 8
_FIRST_CONTROL = 8
_LONGEST_CONTROL = 125
_EXTENDED_16, _EXTENDED_64 = 126, 127


class Frame(msgspec.Struct, gc=False):
    """One frame.

    Attributes:
        stream, sender, frame, time_ns: where it began.
        opcode: its kind.
        message: kind of the message it is part of; None for control frames.
        fin: whether it ends its message.
        masked: whether its payload is masked, as a client's must be.
        compressed: whether RSV1 says that the message is compressed (RFC 7692).
        bytes: of its payload, as its header has it.
        seen: of them in the capture.
        close_code: of a close frame.
    """

    stream: int
    sender: str
    frame: int
    time_ns: int
    opcode: str
    message: str | None
    fin: bool
    masked: bool
    compressed: bool
    bytes: int
    seen: int = 0
    close_code: int | None = None
    anomaly: str | None = None


class Frames:
    """Reads the frames of one direction.

    Attributes:
        messages: takes the payloads.
        offset: of the byte of the half-stream behind the last one that was read; may be set.
        lost: whether frames cannot be found any more.
    """

    def __init__(
        self,
        rows: list[Frame],
        stream: int,
        sender: str,
        *,
        deflate: bool,
        messages: Messages | None = None,
    ) -> None:
        """Nothing has been read.

        Args:
            rows: frames are appended to them.
            stream: its number.
            sender: ``client`` or ``server``.
            deflate: whether permessage-deflate was agreed on.
            messages: takes the payloads, if somebody wants them.
        """
        self.messages = messages
        self.offset = 0
        self._rows = rows
        self._stream = stream
        self._sender = sender
        self._deflate = deflate
        self._head = bytearray()
        self._left = 0  # payload bytes of the frame in hand
        self._current: Frame | None = None
        self._key = b""
        self._payload = bytearray()  # of a close frame: its code
        self._message: str | None = None
        self.lost = False
        self._begin = (0, 0)
        self._begin_offset = 0
        self._frame = 0

    def write(self, data: bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes."""
        self._frame = frame
        place = 0
        while place < len(data) and not self.lost:
            if self._current is not None:
                place += self._take_payload(data, place)
                continue
            if not self._head:
                self._begin = (frame, time_ns)
                self._begin_offset = self.offset + place
            size = self._head_size(data[place : place + 1])
            part = data[place : place + size - len(self._head)]
            self._head += part
            place += len(part)
            if len(self._head) >= 2 and len(self._head) == self._head_size(b""):  # noqa: PLR2004 - bytes
                self._open()
        self.offset += place

    def _head_size(self, following: bytes) -> int:
        """Bytes of the header in hand, as far as can be told yet."""
        head = bytes(self._head) + following if len(self._head) < 2 else self._head  # noqa: PLR2004
        if len(head) < 2:  # noqa: PLR2004
            return 2
        length = head[1] & 0x7F
        extended = 2 if length == _EXTENDED_16 else 8 if length == _EXTENDED_64 else 0
        return 2 + extended + (4 if head[1] & 0x80 else 0)

    def _open(self) -> None:
        head = bytes(self._head)
        code = head[0] & 0x0F
        masked = bool(head[1] & 0x80)
        length = head[1] & 0x7F
        if length == _EXTENDED_16:
            length = int.from_bytes(head[2:4], "big")
        elif length == _EXTENDED_64:
            length = int.from_bytes(head[2:10], "big")
        name = OPCODES.get(code)
        fin, rsv1 = bool(head[0] & 0x80), bool(head[0] & 0x40)
        control = code >= _FIRST_CONTROL
        if not control and code:
            self._message = name
        row = Frame(
            self._stream,
            self._sender,
            *self._begin,
            name or f"reserved {code}",
            None if control else self._message,
            fin,
            masked,
            rsv1,
            length,
        )
        row.anomaly = self._anomaly(head[0], code, length, masked=masked, fin=fin)
        if fin and not control:
            self._message = None
        self._rows.append(row)
        if name is None or length >> 63:
            self.lose()
            return
        self._head.clear()
        self._key = head[-4:] if masked else b""
        if self.messages is not None:
            self.messages.open(row, len(head), self._begin_offset, self._key)
            if not length:
                self.messages.close(self._frame, last=row.fin)
        self._payload.clear()
        self._left = length
        self._current = row if length else None

    def _anomaly(self, first: int, code: int, length: int, *, masked: bool, fin: bool) -> str | None:
        """What RFC 6455 section 5 forbids about a frame."""
        if code not in OPCODES:
            return "reserved opcode"
        if code >= _FIRST_CONTROL and (length > _LONGEST_CONTROL or not fin):
            return "control frame too long or fragmented"
        if masked is not (self._sender == "client"):
            return "not masked" if not masked else "masked by the server"
        if first & 0x30 or (first & 0x40 and not self._deflate):
            return "reserved bit without an extension"
        if code == 0 and self._message is None:
            return "continuation of nothing"
        return None

    def _take_payload(self, data: bytes, place: int) -> int:
        current = self._current
        assert current is not None  # noqa: S101 - for the type checker
        part = min(self._left, len(data) - place)
        current.seen += part
        self._left -= part
        if self.messages is not None:
            self.messages.payload(data[place : place + part], self._frame)
            if not self._left:
                self.messages.close(self._frame, last=current.fin)
        if current.opcode == OPCODES[_CLOSE] and len(self._payload) < 2:  # noqa: PLR2004 - a code's bytes
            self._payload += data[place : place + min(part, 2 - len(self._payload))]
            if len(self._payload) == 2:  # noqa: PLR2004
                key = self._key or b"\0\0"
                current.close_code = (self._payload[0] ^ key[0]) << 8 | (self._payload[1] ^ key[1])
        if not self._left:
            self._current = None
        return part

    def gap(self, length: int, frame: int, time_ns: int) -> None:
        """Take note of missing bytes."""
        del time_ns
        self.offset += length
        current = self._current
        if current is not None and length <= self._left:
            self._left -= length
            self._payload = bytearray(2)  # a code of which a part is missing is not known
            if self.messages is not None:
                self.messages.gap(length, frame)
                if not self._left:
                    self.messages.close(frame, last=current.fin)
            if not self._left:
                self._current = None
            return
        self.lose()

    def left_over(self) -> tuple[int, bytes]:
        """Bytes of a header that could not be read, or is not whole, and where they are; not twice."""
        rest = bytes(self._head)
        self._head.clear()
        return self._begin_offset, rest

    def lose(self) -> None:
        """Take note that frames cannot be found any more."""
        self.lost = True
        self.finish()

    def finish(self) -> None:
        """Nothing more comes."""
        if self.messages is not None:
            self.messages.finish()
