"""A buffer in front of a source of bytes: one piece of memory or two, used again and again.

Shared by every format's reader and by the decompressors, each of which reads from one.
"""

from __future__ import annotations

from typing import Protocol

from netanalyze.capture.batch import BUFFER_BYTES


class Source(Protocol):
    """Where bytes come from: a file, a pipe, a decompressor.

    Attributes:
        damage: what went wrong with the source itself, in words; empty if nothing did. A source
            never raises while it is read: it ends, and says why here.
    """

    damage: str

    def readinto(self, view: memoryview) -> int:
        """Put bytes into ``view``, at least one unless the source has ended; say how many."""

    def ready(self) -> bool:
        """Whether the next ``readinto`` will not wait for somebody to write into a pipe."""

    def close(self) -> None:
        """Let go of the operating system's file."""


class Buffer:
    """Bytes ``start`` to ``end`` of ``data`` are read and not yet used.

    Attributes:
        source: where the bytes come from.
        data: the memory, read only. ``fill`` moves bytes about in it and may put another piece of memory
            in its place.
        words: the same memory as 32-bit numbers in the machine's byte order, for formats that align.
        start: first byte not yet used; the user of the buffer moves it forward.
        end: one past the last byte read.
        base: offset in the source's stream of the byte ``data[0]``.
        at_end: the source has ended: no more bytes will come.
    """

    def __init__(self, source: Source, size: int = BUFFER_BYTES) -> None:
        """An empty buffer of ``size`` bytes in front of ``source``."""
        self.source = source
        self._spare: memoryview | None = None
        self._held = False
        self._use(_memory(size))
        self.start = 0
        self.end = 0
        self.base = 0
        self.at_end = False

    @property
    def available(self) -> int:
        """How many bytes are there to be used."""
        return self.end - self.start

    @property
    def offset(self) -> int:
        """Offset of the next unused byte in the source's stream."""
        return self.base + self.start

    def fill(self, wanted: int) -> bool:
        """Read until ``wanted`` bytes are available, and on while the source has some ready.

        Returns:
            False if the source ended before that; what there is stays available.
        """
        if self.end - self.start >= wanted:
            return True
        if self.at_end:
            return False
        if self.start + wanted > len(self._memory) or self.end == len(self._memory):
            self._make_room(wanted)
        while not self.at_end:
            missing = self.end - self.start < wanted
            if not missing and (self.end == len(self._memory) or not self.source.ready()):
                return True
            count = self.source.readinto(self._memory[self.end :])
            self.end += count
            self.at_end = count == 0
        return self.end - self.start >= wanted

    def hold(self) -> None:
        """Leave the bytes used so far where they are until this is called again.

        Whoever was given a view of them may go on with it while more is read. What was held before is
        held no longer.
        """
        self._held = True

    def _make_room(self, wanted: int) -> None:
        """Move what is available to the front, of other memory if this is held or too small."""
        used, kept = self._memory, self._memory[self.start : self.end]
        count = len(kept)
        if wanted > len(used):
            # A quarter more than asked for, so that a row of large records does not move each of
            # them: the bytes moved stay proportional to the bytes read.
            self._use(_memory(wanted + max(wanted // 4, 4096)))
            self._spare = None
        elif self._held:
            spare = self._spare
            self._use(_memory(len(used)) if spare is None else spare)
            self._spare = used
        self._held = False
        self._memory[:count] = kept
        self.base += self.start
        self.start = 0
        self.end = count

    def _use(self, memory: memoryview) -> None:
        self._memory = memory
        self.data = memory.toreadonly()
        self.words = self.data.cast("I")


def _memory(size: int) -> memoryview:
    return memoryview(bytearray((size + 3) & ~3))
