"""What a stream is shown as in ``netanalyze follow``: passages, one after the other, of either side.

``Plain`` shows the bytes as they came. A protocol may have a ``Transcriber`` of its own (``readers``) that
shows its messages better: a body decoded, a message of binary fields as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netanalyze.tcp.byte_streams import Consumer

if TYPE_CHECKING:
    from netanalyze.model import Gap
    from netanalyze.tcp.byte_streams import Ending, StreamFacts


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that one side sent, or that is known to be missing from it.

    Attributes:
        side: that sent it.
        data: the bytes to show; they need not be those on the wire.
        first_frame, last_frame: that carried it, or proved it missing.
        time_ns: of the first of them.
        wire_bytes: how many bytes of the stream these are; missing ones where ``missing`` is True.
        missing: whether the bytes are missing; there is no ``data`` then.
        note: what was done to them, as ``body, gzip: 310 bytes``; empty if they are as they were sent.
            Passages with a note stand for themselves, others are joined with those of the same side.
    """

    side: int
    data: bytes
    first_frame: int
    last_frame: int
    time_ns: int
    wire_bytes: int
    missing: bool = False
    note: str = ""


class Transcriber(Consumer, Protocol):
    """Takes a stream and makes passages of it."""

    def take(self) -> list[Passage]:
        """The passages that are complete and have not been taken yet, in order."""


class Plain:
    """The bytes as they came."""

    def __init__(self, stream: StreamFacts) -> None:
        """Nothing said yet."""
        del stream
        self._passages: list[Passage] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        del offset
        self._passages.append(Passage(side, bytes(data), frame, frame, time_ns, len(data)))

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._passages.append(Passage(side, b"", frame, frame, time_ns, gap.length, missing=True))

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""

    def take(self) -> list[Passage]:
        """See ``Transcriber``."""
        taken = self._passages
        self._passages = []
        return taken
