"""Several files as one capture, in time order.

Files that do not overlap cost nothing: their batches are passed on as they are. Where files overlap,
frames are copied one by one into a batch of their own. A file whose own times go backwards keeps its
order, as with Wireshark's mergecap.
"""

from __future__ import annotations

from array import array
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netanalyze.capture import merge_kernel as kernel
from netanalyze.capture.batch import BATCH_FRAMES, BUFFER_BYTES, Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.capture.reader import Reader

FOREVER_NS = (1 << 63) - 1
MIN_BUFFER_BYTES = 1 << 16
MIN_BATCH_FRAMES = 256

FROM = ("offset", "captured_bytes", "wire_bytes", "time_ns", "link_type", "interface")


class Waiting(Protocol):
    """A file whose turn has not come.

    Attributes:
        first_ns: time of its first frame; None if it has none.
    """

    first_ns: int | None

    def begin(self, buffer_bytes: int, frames: int) -> Reader | None:
        """Open it for good; None if that fails (which is then in its ``cut_short``)."""


class Lane:
    """A file that is being read: its batch and how far it is used."""

    def __init__(self, reader: Reader) -> None:
        """Nothing is read yet; ``load`` reads."""
        self.reader = reader
        self.batch = reader.batch
        self.count = 0
        self.cursor = 0

    @property
    def head_ns(self) -> int:
        """Time of its next frame."""
        time_ns: int = self.batch.views["time_ns"][self.cursor]
        return time_ns

    def load(self) -> bool:
        """Read the next batch; False if there is none."""
        batch = self.reader.next_batch()
        self.cursor = 0
        self.count = 0
        if batch is not None:
            self.batch, self.count = batch, batch.count
        return batch is not None


class Merge:
    """Batches of several files in time order."""

    def __init__(self, files: Sequence[Waiting]) -> None:
        """Merge ``files``, which stand in the order of their first frames."""
        self._waiting = deque(files)
        self._lanes: list[Lane] = []
        self._batch, self._other = Batch(BATCH_FRAMES), Batch(BATCH_FRAMES)
        self._memory = memoryview(bytearray(BUFFER_BYTES))
        self._other_memory = memoryview(bytearray(BUFFER_BYTES))
        self._lane = memoryview(array("i", bytes(4 * BATCH_FRAMES)))
        self._index = memoryview(array("q", bytes(8 * BATCH_FRAMES)))
        self._place = memoryview(array("q", bytes(8 * BATCH_FRAMES)))

    def batches(self) -> Iterator[Batch]:
        """The batches; each is valid until the next but one is asked for."""
        while self._lanes or self._waiting:
            limit_ns = self._limit_ns()
            lane = min(self._lanes, key=lambda lane: lane.head_ns, default=None)
            if lane is None or lane.head_ns > limit_ns:
                self._begin_next()
            elif self._goes_first(lane, limit_ns):
                lane.cursor = lane.count
                yield lane.batch
                self._reload(lane)
            else:
                yield self._interleave(limit_ns)
                for used_up in [lane for lane in self._lanes if lane.cursor == lane.count]:
                    self._reload(used_up)

    def _limit_ns(self) -> int:
        """Until this time no file is needed that is not open yet."""
        first_ns = self._waiting[0].first_ns if self._waiting else None
        return FOREVER_NS if first_ns is None else first_ns

    def _begin_next(self) -> None:
        """Open the next file. With many open at a time, each gets a smaller buffer."""
        share = max(2, len(self._lanes) + 1)
        buffer_bytes = max(MIN_BUFFER_BYTES, 2 * BUFFER_BYTES // share)
        reader = self._waiting.popleft().begin(buffer_bytes, max(MIN_BATCH_FRAMES, 2 * BATCH_FRAMES // share))
        if reader is not None:
            lane = Lane(reader)
            self._lanes.append(lane)
            self._reload(lane)

    def _reload(self, lane: Lane) -> None:
        """Read on in a lane that is used up; drop it at its end."""
        if not lane.load():
            self._lanes.remove(lane)

    def _goes_first(self, lane: Lane, limit_ns: int) -> bool:
        """Whether all frames of the lane's batch come before all others."""
        if lane.cursor > 0 or lane.reader.newest_ns > limit_ns:
            return False
        before = True
        for other in self._lanes:
            if other is lane:
                before = False
            elif lane.reader.newest_ns > other.head_ns or (before and lane.reader.newest_ns == other.head_ns):
                return False
        return True

    def _interleave(self, limit_ns: int) -> Batch:
        """Copy frames into a batch, in time order, until a lane is used up or the batch is full."""
        self._batch, self._other = self._other, self._batch
        self._memory, self._other_memory = self._other_memory, self._memory
        lanes, out = self._lanes, self._batch
        counts = [lane.count for lane in lanes]
        cursors = memoryview(array("q", [lane.cursor for lane in lanes]))
        times_ns = np.concatenate([lane.batch.arrays["time_ns"][: lane.count] for lane in lanes]).data
        lengths = np.concatenate([lane.batch.arrays["captured_bytes"][: lane.count] for lane in lanes]).data
        first = memoryview(array("q", [0, *accumulate(counts[:-1])]))
        count = memoryview(array("q", counts))
        picks = (self._lane, self._index, self._place)
        picked = 0
        while not picked:
            room = len(self._memory)
            picked = kernel.order(
                times_ns, lengths, first, cursors, count, limit_ns, room, out.capacity, *picks
            )
            if not picked:  # a frame larger than the whole buffer
                self._memory = memoryview(bytearray(2 * room))
        target = (self._memory, *out.pick(*FROM, "keep"))
        for number, lane in enumerate(lanes):
            if cursors[number] > lane.cursor:
                frames = (lane.batch.data, *lane.batch.pick(*FROM))
                kernel.take(number, picked, *picks, *frames, *target)
            lane.cursor = cursors[number]
        out.data = self._memory.toreadonly()
        out.count = picked
        return out
