"""Messages of a WebSocket: frames put together, unmasked, and permessage-deflate undone (RFC 7692).

Only for those who want to see what was said; the table of frames does without. A message is kept until it is
whole, up to a limit. Where bytes are missing or too many, the message says so; later ones can be unpacked
only if each begins with a context of its own.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from netanalyze.apps.http import codings

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.apps.http.bodies import Limits
    from netanalyze.apps.http.websocket import Frame

MOST_BYTES = 1 << 24
"""Bytes of a message that are kept at most."""

_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.2
_BLOCK = 1 << 16
_CONTROL_MOST = 1 << 12
DEFLATE = "permessage-deflate"
NO_CONTEXT = "no_context"
"""A packed message refers to earlier ones, which were not all read."""


class Message(Struct):
    """A message, or a control frame.

    Attributes:
        kind: ``text``, ``binary``, or that of the control frame.
        control: whether it is one.
        packed: whether permessage-deflate was undone, or should have been.
        offset: of its first byte in the half-stream.
        frame, time_ns: that carried it.
        last_frame: that carried its last byte.
        end: whether its last frame has come.
        fragments: WebSocket frames that it is made of.
        stream_bytes: of the half-stream, from its first byte to its last; 0 of a control frame that stands
            between the frames of a message, whose bytes are counted there.
        wire_bytes: of payload, as it was sent.
        data: what was said.
        verdict: what is wrong with ``data``: ``LIMIT``, ``HOLE``, ``CUT``, ``DAMAGED`` (``codings``),
            ``NO_CONTEXT``, or None.
    """

    kind: str
    control: bool
    packed: bool
    offset: int
    frame: int
    time_ns: int
    last_frame: int = 0
    end: bool = False
    fragments: int = 0
    stream_bytes: int = 0
    wire_bytes: int = 0
    data: bytearray | bytes = b""
    verdict: str | None = None


class Messages:
    """Makes messages of the frames of one direction."""

    def __init__(self, take: Callable[[Message], None], limits: Limits, *, own_context: bool) -> None:
        """Nothing has been read.

        Args:
            take: is given each message.
            limits: what one may grow to.
            own_context: whether each packed message can be unpacked alone (``no_context_takeover``).
        """
        self._take = take
        self._most = min(limits.max_bytes, MOST_BYTES)
        self._own_context = own_context
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._context = True  # earlier messages are known
        self._message: Message | None = None  # that goes on, with control frames between
        self._now: Message | None = None  # of the frame in hand
        self._at = 0  # offset of the next byte
        self._key = b""
        self._turn = 0  # byte of the mask that is next

    def open(self, row: Frame, header_bytes: int, offset: int, key: bytes) -> None:
        """Take the header of a frame that begins at this offset."""
        control = row.message is None and row.opcode in ("close", "ping", "pong")
        if control or self._message is None:
            kind = row.opcode if control else row.message or row.opcode
            message = Message(kind, control, row.compressed and not control, offset, row.frame, row.time_ns)
            message.data = bytearray()
            if not control:
                self._message = message
                if message.packed and (self._own_context or not self._context):
                    self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                if message.packed and not (self._context or self._own_context):
                    message.verdict = NO_CONTEXT
        else:
            message = self._message
        self._now = message
        message.fragments += 1
        self._at = offset + header_bytes
        self._key = key
        self._turn = 0

    def payload(self, data: bytes, frame: int) -> None:
        """Take bytes of the payload of the frame in hand."""
        message = self._now
        if message is None:
            return
        self._at += len(data)
        message.wire_bytes += len(data)
        message.last_frame = frame
        data = self._unmasked(data)
        if message.packed:
            self._unpack(message, data)
        elif message.verdict is None or message.verdict == codings.HOLE:
            self._keep(message, data)

    def close(self, frame: int, *, last: bool) -> None:
        """Take the end of the frame in hand, which is the ``last`` of its message or not."""
        message, self._now = self._now, None
        if message is None:
            return
        message.last_frame = frame
        if not (message.control or last):
            return
        if message.packed:
            self._unpack(message, _TAIL)
        if not message.control:
            self._message = None
        self._give(message)

    def gap(self, length: int, frame: int) -> None:
        """Take note that bytes of the payload in hand are missing: what came before them is given."""
        self._turn += length
        now, message = self._now, self._message
        if now is None:
            return
        if now.packed:
            self._context = False
        if now is not message:
            self._now = self._broken(now, frame, length)
        if message is not None:
            self._message = self._broken(message, frame, length)
            if now is message:
                self._now = self._message
        self._at += length

    def _broken(self, message: Message, frame: int, length: int) -> Message:
        """Give a message up to a hole; what it goes on as behind it."""
        message.verdict = message.verdict or codings.HOLE
        message.last_frame = max(message.last_frame, message.frame)
        self._give(message)
        rest = replace(
            message, offset=self._at + length, frame=frame, data=bytearray(), wire_bytes=0, end=False
        )
        rest.fragments = min(rest.fragments, 1)
        return rest

    def finish(self) -> None:
        """Nothing more comes that can be read: give what there is."""
        for message in (self._now if self._now is not self._message else None, self._message):
            if message is not None:
                message.verdict = message.verdict or codings.CUT
                self._give(message)
        self._message = self._now = None

    def _give(self, message: Message) -> None:
        message.end = True
        inside = message.control and self._message is not None
        message.stream_bytes = 0 if inside else self._at - message.offset
        message.data = bytes(message.data)
        self._take(message)

    def _unmasked(self, data: bytes) -> bytes:
        """RFC 6455 section 5.3."""
        size = len(data)
        turn = self._turn % 4
        self._turn += size
        if not self._key:
            return data
        key = (self._key[turn:] + self._key[:turn]) * (size // 4 + 1)
        whole = int.from_bytes(data, "little") ^ int.from_bytes(key[:size], "little")
        return whole.to_bytes(size, "little")

    def _unpack(self, message: Message, data: bytes) -> None:
        if message.verdict is not None:
            return
        inflater = self._inflater
        try:
            while data:
                if inflater.eof:  # RFC 7692 section 7.2.3.4: a block may be the last one, and another follow
                    data = inflater.unused_data + data
                    inflater = self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
                piece = inflater.decompress(data, _BLOCK)
                if not self._keep(message, piece):
                    self._context = False
                    return
                data = inflater.unconsumed_tail
        except zlib.error:
            message.verdict = codings.DAMAGED
            self._context = False

    def _keep(self, message: Message, data: bytes) -> bool:
        """Keep bytes of a message; whether there was room."""
        most = _CONTROL_MOST if message.control else self._most
        room = most - len(message.data)
        message.data += data[:room]
        if len(data) > room:
            message.verdict = codings.LIMIT
        return len(data) <= room


def own_contexts(extensions: bytes) -> tuple[bool, bool]:
    """Whether client and server pack each message alone, by the Sec-WebSocket-Extensions of the response."""
    names = {part.split(b"=")[0].strip() for part in extensions.lower().replace(b",", b";").split(b";")}
    return b"client_no_context_takeover" in names, b"server_no_context_takeover" in names
