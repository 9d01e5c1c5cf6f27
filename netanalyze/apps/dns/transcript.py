"""DNS over TCP as ``netanalyze follow`` shows it: a message at a time, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.dns.spoken import say_message
from netanalyze.apps.dns.stream import begins_message
from netanalyze.apps.transcript import Passage

if TYPE_CHECKING:
    from netanalyze.model import Gap
    from netanalyze.tcp.byte_streams import Ending, StreamFacts

_LENGTH = 2
_PART = "message"


class _Side:
    """One half-stream: the bytes of a message that has begun.

    Attributes:
        data: those bytes, the length before them as well.
        offset: of the first of them.
        frame, time_ns: that had it.
        lost: whether it is not known where a message begins.
    """

    __slots__ = ("data", "frame", "lost", "offset", "time_ns")

    def __init__(self, *, lost: bool) -> None:
        self.data = bytearray()
        self.offset = 0
        self.frame = 0
        self.time_ns = 0
        self.lost = lost


class StreamTranscriber:
    """See ``Transcriber``. Where it is not known where messages begin, bytes are shown."""

    def __init__(self, stream: StreamFacts) -> None:
        """Nothing said yet."""
        self._sides = tuple(_Side(lost=not stream.from_the_start) for _ in range(2))
        self._passages: list[Passage] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        half = self._sides[side]
        if half.lost:
            if not begins_message(data):
                self._passages.append(Passage(side, offset, len(data), bytes(data), frame, frame, time_ns))
                return
            half.lost = False
        if not half.data:
            half.offset, half.frame, half.time_ns = offset, frame, time_ns
        half.data += data
        while len(half.data) >= _LENGTH:
            size = _LENGTH + int.from_bytes(half.data[:_LENGTH], "big")
            if len(half.data) < size:
                break
            self._say(side, size, size, frame)
            half.frame, half.time_ns = frame, time_ns

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._give_up(side)
        self._passages.append(Passage(side, gap.offset, gap.length, None, frame, frame, time_ns))
        self._sides[side].lost = True

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        del ending, frame, time_ns
        self._give_up(side)

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        del last_ns
        for side in (0, 1):
            self._give_up(side)

    def take(self) -> list[Passage]:
        """See ``Transcriber``."""
        taken = self._passages
        self._passages = []
        return taken

    def _say(self, side: int, size: int, whole: int, frame: int) -> None:
        """The message at the front, ``size`` bytes of it that are there."""
        half = self._sides[side]
        message = bytes(half.data[_LENGTH:size])
        text = say_message(message, whole - _LENGTH, "dns").encode()
        first, began = half.frame, half.time_ns
        passage = Passage(
            side,
            half.offset,
            size,
            text,
            first,
            max(first, frame),
            began,
            part=_PART,
            body_offset=0,
            begins=True,
        )
        self._passages.append(passage)
        del half.data[:size]
        half.offset += size

    def _give_up(self, side: int) -> None:
        """Say what there is of a message that will not be whole."""
        half = self._sides[side]
        if len(half.data) > _LENGTH:
            whole = _LENGTH + int.from_bytes(half.data[:_LENGTH], "big")
            self._say(side, len(half.data), whole, half.frame)
        elif half.data:
            rest = bytes(half.data)
            self._passages.append(
                Passage(side, half.offset, len(rest), rest, half.frame, half.frame, half.time_ns)
            )
        half.data.clear()
