"""The messages of half-streams laid over their segments, with what the packets say of each segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.columns import GrowingRows, view_of
from netanalyze.tcp.writes import layout_fields as fields
from netanalyze.tcp.writes import prompt_fields
from netanalyze.tcp.writes.layout_kernel import end_here, lay, leap
from netanalyze.tcp.writes.prompt_kernel import note_prompts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.segments import Segments
    from netanalyze.wire.packets import Packets

_PACKET_COLUMNS = (
    "frame", "protocol", "stream", "side", "flags", "payload_bytes", "mss", "tsval",
)  # fmt: skip
_SEGMENT_COLUMNS = ("analysed", "labels", "new_bytes", "old_bytes", "in_flight", "peer_in_flight")
_STAMP_BYTES = 12
"""What the timestamps option takes of a segment (RFC 7323 appendix A)."""
MOST_LENGTHS = 1 << 22
"""So many messages are remembered for their median length; beyond that it is not told."""

Facts = tuple[int, int, int, int, int]
"""Of a segment: bits of ``layout_fields``, bytes in flight, window, payload, and how many bytes of that were
sent and not captured (the snap length); -1 where unknown."""


class HalfLayout(Struct):
    """The messages of one half-stream.

    Attributes:
        half: its number, 2 * stream + side.
        row: ``layout_fields``.
        view: the same for kernels.
        framing: what its messages were told by.
        source: who said so; a number in ``SOURCES``.
        confidence: in percent, -1 where nothing was guessed.
        fault: why the framing could not be kept up, empty if it could.
        fault_frame: where.
    """

    half: int
    row: NDArray[np.int64]
    view: memoryview
    framing: str = ""
    source: int = 0
    confidence: int = -1
    fault: str = ""
    fault_frame: int = 0


SOURCES = ("protocol", "option", "inferred", "writes")


class Layout:
    """Lays messages over segments, for all half-streams.

    Attributes:
        halves: those that sent payload and are over.
    """

    def __init__(self, capacity: int, segments: Segments, *, keep_messages: bool) -> None:
        """Nothing seen yet.

        Args:
            capacity: how many packets a batch holds at most.
            segments: what the sequence analysis finds out about each batch.
            keep_messages: whether a row of each message is wanted.
        """
        self.halves: list[HalfLayout] = []
        self._segments = segments
        self._segment_columns = segments.pick(*_SEGMENT_COLUMNS)
        self._prompts = GrowingRows(prompt_fields.WORDS)
        self._bits = view_of(np.zeros(capacity, np.uint8))
        self._rows = view_of(np.zeros(0, np.int32))
        self._facts: tuple[memoryview, memoryview, memoryview, memoryview] | None = None
        self._first_frame = 0
        self._keep = keep_messages
        words = fields.ROW_WORDS if keep_messages else fields.SHORT_ROW_WORDS
        self._out = GrowingRows(words)
        self._room = 0
        self._count = 0
        self._ends = np.zeros(1 << 16, np.int64)
        self.ends = view_of(self._ends)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Look at the segments of a batch, which the sequence analysis has seen."""
        if len(self._rows) < batch.count:
            self._rows = view_of(np.zeros(batch.count, np.int32))
        rows = self._rows[: batch.count]
        arguments = (
            packets.count, packets.order, batch.views["time_ns"], *packets.pick(*_PACKET_COLUMNS),
            *self._segment_columns, self._prompts.reach(2 * streams), self._bits, rows,
        )  # fmt: skip
        note_prompts(*arguments)
        self._first_frame = batch.first_frame
        self._facts = (
            self._segments.views["in_flight"],
            self._segments.views["peer_window"],
            packets.views["payload_bytes"],
            packets.views["payload_captured"],
        )

    def facts(self, frame: int, size: int) -> Facts:
        """What is known of the segment in a frame of this batch, of which ``size`` bytes were new."""
        at = frame - self._first_frame
        if self._facts is not None and 0 <= at < len(self._rows):
            row = self._rows[at]
            if row >= 0:
                in_flight, window, payload, captured = self._facts
                whole = payload[row]
                cut = max(whole - max(captured[row], 0), 0)
                return self._bits[row], in_flight[row], window[row], max(whole, size), cut
        return 0, -1, -1, size, 0

    def open(self, half: int) -> HalfLayout:
        """A half-stream of which nothing has been read."""
        row = np.zeros(fields.WORDS, np.int64)
        if half < len(self._prompts.array):
            row[fields.MSS] = self._mss(half)
        return HalfLayout(half, row, view_of(row))

    def _mss(self, half: int) -> int:
        """Payload of a full segment of a half-stream, 0 if its handshake was not captured."""
        mine, other = self._prompts.array[half].tolist(), self._prompts.array[half ^ 1].tolist()
        told: list[int] = [side[prompt_fields.MSS] - 1 for side in (mine, other) if side[prompt_fields.MSS]]
        if not told:
            return 0
        return int(max(min(told) - _STAMP_BYTES * mine[prompt_fields.STAMPED], 0))

    def room_for(self, size: int) -> memoryview:
        """Where to write the ends of as many messages."""
        if size > len(self._ends):
            self._ends = np.zeros(2 * size, np.int64)
            self.ends = view_of(self._ends)
        return self.ends

    def take(  # noqa: PLR0913, PLR0917 - a segment's facts, once for each
        self,
        half: HalfLayout,
        offset: int,
        size: int,
        frame: int,
        time_ns: int,
        facts: Facts,
        found: int,
        stop: int,
        *,
        begin: int = 0,
    ) -> None:
        """Take a segment in which as many messages end as stand in ``ends``: see ``layout_kernel.lay``."""
        if self._count + found + 2 > self._room:
            self._reach(found + 2)
        bits, in_flight, window, payload, _ = facts
        self._count = lay(
            half.view, half.half, offset, size, frame, time_ns, bits, in_flight, window, payload,
            self.ends, found, begin, stop, self._out.view, self._count,
        )  # fmt: skip

    def miss(  # noqa: PLR0913 - a hole's facts
        self, half: HalfLayout, offset: int, length: int, moment: tuple[int, int], *, known: bool, ends: bool
    ) -> None:
        """Take note of missing bytes: see ``layout_kernel.leap``."""
        self._reach(1)
        out, count = self._out.view, self._count
        self._count = leap(half.view, half.half, offset, length, *moment, known, ends, out, count)

    def end(self, half: HalfLayout, offset: int) -> None:
        """The message in hand ends with the last byte before this offset."""
        self._reach(1)
        self._count = end_here(half.view, half.half, offset, self._out.view, self._count)

    def _reach(self, more: int) -> None:
        if self._count + more > self._room:
            limit = self._count + more if self._keep else min(self._count + more, MOST_LENGTHS)
            self._out.reach(limit)
            full = not self._keep and len(self._out.array) >= MOST_LENGTHS
            self._room = 1 << 62 if full else len(self._out.array)

    def close(self, half: HalfLayout) -> None:
        """A half-stream is over."""
        row = half.view
        if row[fields.SEGMENTS]:
            if row[fields.OPEN]:
                sent = row[fields.BYTES] - row[fields.MESSAGE_BYTES] - row[fields.UNFRAMED]
                row[fields.UNFRAMED] += max(sent, 0)
                row[fields.OPEN] = 0
            half.view = memoryview(b"")
            self.halves.append(half)

    def messages(self) -> NDArray[np.int64]:
        """A row of each message, in the order in which they ended."""
        found: NDArray[np.int64] = self._out.array[: self._count]
        return found

    def medians(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The median length of the messages of each of these half-streams (numbers), -1 where unknown."""
        found = np.full(len(rows), -1, np.int64)
        if self._count >= MOST_LENGTHS and not self._keep:
            return found
        kept = self._out.array[: self._count, : fields.SHORT_ROW_WORDS]
        order = np.lexsort((kept[:, fields.LENGTH], kept[:, fields.HALF]))
        half, size = kept[order, fields.HALF], kept[order, fields.LENGTH]
        begin, end = np.searchsorted(half, rows, "left"), np.searchsorted(half, rows, "right")
        some = end > begin
        found[some] = size[(begin[some] + end[some] - 1) // 2]
        return found
