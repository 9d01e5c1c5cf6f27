"""What the readers of all formats share: batches, the file's figures, damage.

A format's reader adds three things: ``open`` reads the file header, ``_walk`` fills the batch with
a kernel, ``_find`` searches for undamaged records. Blocks that are neither are ``_block``'s.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.capture import walk
from netanalyze.capture.batch import BATCH_FRAMES, Batch
from netanalyze.errors import DamagedCaptureError

if TYPE_CHECKING:
    from netanalyze.capture.buffer import Buffer
    from netanalyze.capture.info import FileInfo, Interface
    from netanalyze.capture.notices import Notices

MAX_NOTES = 10
"""So many damaged places of one file are named; of the rest there is only a count."""

_CLOCK_STEP_NS = 10**9
"""Interfaces whose frames are written in turn, and queues of one interface, differ by less."""
_REACH_NS = 1 << 61
"""So that differences fit in 64 bits."""

COLUMNS = ("offset", "captured_bytes", "wire_bytes", "time_ns", "link_type", "interface", "keep")


class Reader(ABC):
    """Reads one capture file from a buffer, a batch at a time.

    Attributes:
        info: what is known about the file so far.
        buffer: where its bytes come from.
        batch: the frames read last; used again for the next but one.
        newest_ns: greatest time in ``batch``.
    """

    FORMAT: ClassVar = ""
    SEARCH_BYTES: ClassVar = 0
    """With so many bytes in the buffer a search can judge the first of them."""

    def __init__(self, buffer: Buffer, info: FileInfo, notices: Notices, frames: int = BATCH_FRAMES) -> None:
        """A reader for the file in ``buffer``, which stands at its first byte.

        Args:
            buffer: the file's bytes, uncompressed.
            info: is filled while reading.
            notices: where warnings and interfaces are reported.
            frames: rows of its batch.
        """
        self.info = info
        self.buffer = buffer
        self.notices = notices
        self.batch, self._other = Batch(frames), Batch(frames)
        self.newest_ns = 0
        self._report = memoryview(array("q", bytes(8 * walk.SLOTS)))
        self._report[walk.PREVIOUS_NS] = walk.NO_TIME
        self._last_ns: int | None = None
        self._notes = 0
        self._finished = False
        self._held = False
        info.format = self.FORMAT

    @abstractmethod
    def open(self) -> None:
        """Read the file header.

        Raises:
            DamagedCaptureError: it is not whole or makes no sense.
            UnknownFormatError: its version is not known.
        """

    @abstractmethod
    def _walk(self) -> int:
        """Fill the batch from the buffer's start; the number of frames. See ``walk.py``."""

    @abstractmethod
    def _find(self, start: int, *, doubtful: bool = False) -> None:
        """Search from ``start`` in the buffer for records; the answer is in the report.

        ``doubtful`` if they would lie inside a record that seems to be cut by the end of the file.
        """

    def _block(self) -> None:
        """See to the block at the buffer's start, ``NEEDED`` bytes long, and move on."""
        raise NotImplementedError

    def next_batch(self) -> Batch | None:
        """The next frames, at least one; None when the file has no more.

        The batch that was returned before stays valid, the one before that does not.
        """
        if self._held:
            self._held = False
            return self.batch
        self.batch, self._other = self._other, self.batch
        while not self._finished:
            self.batch.data = self.buffer.data
            count = self._walk()
            self.buffer.start = self._report[walk.POSITION]
            if count:
                self._count(count)
                self.buffer.hold()
                return self.batch
            self._go_on(self._report[walk.REASON])
        return None

    def first_ns(self) -> int | None:
        """Time of the frame that is next, None if there is none. ``next_batch`` still gives it."""
        self._held = self.next_batch() is not None
        return int(self.batch.views["time_ns"][0]) if self._held else None

    def close(self) -> None:
        """Let go of the file; there are no more batches."""
        self._finished = True
        self.buffer.source.close()

    def _count(self, count: int) -> None:
        """Add the batch just filled to the file's figures."""
        report, info = self._report, self.info
        self.batch.count = count
        oldest, newest = report[walk.OLDEST_NS], report[walk.NEWEST_NS]
        info.frames += count
        info.captured_bytes += report[walk.CAPTURED_BYTES]
        info.wire_bytes += report[walk.WIRE_BYTES]
        if oldest == walk.NO_TIME:
            self.newest_ns = 0
            return
        self.newest_ns = newest
        self._watch_clock(count)
        if info.first_ns is None or oldest < info.first_ns:
            info.first_ns = oldest
        if info.last_ns is None or newest > info.last_ns:
            info.last_ns = newest

    def _watch_clock(self, count: int) -> None:
        """Count times that lie well before that of the frame before: somebody set the clock."""
        info = self.info
        times = np.clip(self.batch.arrays["time_ns"][:count], -_REACH_NS, _REACH_NS)
        before = times[:1] if self._last_ns is None else [self._last_ns]
        times = np.concatenate((before, times))
        self._last_ns = int(times[-1])
        back = times[:-1] - times[1:]
        # A frame without a time has none that is before another's.
        steps = np.flatnonzero((back >= _CLOCK_STEP_NS) & (times[1:] != 0))
        if not len(steps):
            return
        if not info.clock_steps:
            info.clock_step_frame = info.frames - count + int(steps[0]) + 1
        info.clock_steps += len(steps)
        info.clock_step_ns = max(info.clock_step_ns, int(back[steps].max()))

    def _go_on(self, reason: int) -> None:
        """Do what the walk stopped for."""
        if reason == walk.NEED:
            self.buffer.fill(self._report[walk.NEEDED])
        elif reason == walk.BLOCK:
            self._block()
        elif reason in {walk.DAMAGE, walk.DOUBTFUL}:
            self._resume(reason)
        else:
            self._finish(reason)

    def _finish(self, reason: int) -> None:
        """The end of the file: tell what is missing, if something is."""
        buffer = self.buffer
        problems = [buffer.source.damage] if buffer.source.damage else []
        if reason == walk.CUT:
            left = buffer.available
            problems.append(f"{self._cut()}, which begins at byte {self._place(buffer.offset)}")
            self.info.skipped_bytes += left
            buffer.start = buffer.end
        for problem in problems:
            self._note(problem)
        more = self._notes - MAX_NOTES
        if more > 0:
            self._notes = 0
            self._note(f"damaged in {more} more places; {self.info.skipped_bytes} bytes skipped altogether")
        self.close()

    def _cut(self) -> str:
        """What the file ends inside of, in words."""
        return f"ends inside its frame {self.info.frames + 1}"

    def _resume(self, reason: int = walk.DAMAGE, problem: str = "damaged") -> None:
        """After damage at the buffer's start: go on where the file makes sense again."""
        buffer, report = self.buffer, self._report
        damaged = buffer.offset
        buffer.fill(self.SEARCH_BYTES)
        self._find(buffer.start + 1, doubtful=reason == walk.DOUBTFUL)
        if reason == walk.DOUBTFUL and report[walk.REASON] != walk.FOUND:
            self._finish(walk.CUT)
            return
        while True:
            buffer.start = report[walk.POSITION]
            if report[walk.REASON] != walk.NEED:
                break
            buffer.fill(self.SEARCH_BYTES)
            self._find(buffer.start)
        skipped = buffer.offset - damaged
        self.info.skipped_bytes += skipped
        what = f"{skipped} bytes skipped" if report[walk.REASON] == walk.FOUND else "nothing readable follows"
        self._note(f"{problem} at byte {self._place(damaged)}: {what}")

    def _place(self, offset: int) -> str:
        """An offset in words: of the uncompressed data where the file is compressed."""
        return f"{offset} of its uncompressed data" if self.info.compression else str(offset)

    def _note(self, problem: str) -> None:
        """Keep a problem in the file's ``cut_short`` and warn of it, unless there were too many."""
        self._notes += 1
        if self._notes > MAX_NOTES:
            return
        info = self.info
        info.cut_short = f"{info.cut_short}; {problem}" if info.cut_short else problem
        self.notices.warn(f"{info.file}: {problem}")

    def _header(self, count: int, name: str) -> memoryview:
        """The first ``count`` bytes of the file, which stay in the buffer.

        Raises:
            DamagedCaptureError: it has fewer.
        """
        buffer = self.buffer
        if not buffer.fill(count):
            why = f" ({buffer.source.damage})" if buffer.source.damage else ""
            message = (
                f"{self.info.file}: ends inside the {name} file header, "
                f"after {buffer.available} of {count} bytes{why}"
            )
            raise DamagedCaptureError(message)
        return buffer.data[buffer.start : buffer.start + count]

    def _add_interface(self, interface: Interface) -> int:
        """Make an interface known; its index in the capture's list."""
        info = self.info
        if interface.link_type not in info.link_types:
            info.link_types.append(interface.link_type)
        if interface.snap_length is not None:
            info.snap_length = max(info.snap_length or 0, interface.snap_length)
        info.interfaces += 1
        return self.notices.add_interface(interface)
