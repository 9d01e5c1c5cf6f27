"""Takes the bytes of one half-stream and finds out where its messages end, in one of several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netanalyze.columns import view_of
from netanalyze.tcp.writes import framing_fields as fields
from netanalyze.tcp.writes.framing import start_state
from netanalyze.tcp.writes.framing_kernel import cut

if TYPE_CHECKING:
    from netanalyze.model import Gap
    from netanalyze.tcp.writes.framing import Framing
    from netanalyze.tcp.writes.layout import Facts, HalfLayout, Layout


class HalfMessages(Protocol):
    """Takes one side's bytes in order."""

    def data(self, data: memoryview, offset: int, frame: int, time_ns: int, facts: Facts) -> None:
        """Take the bytes of a segment."""

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """Take note of bytes that are missing."""

    def close(self, end: int) -> None:
        """Nothing more comes; ``end`` is the offset behind the last byte."""


class Framed:
    """Messages by a framing."""

    def __init__(
        self, layout: Layout, half: HalfLayout, framings: tuple[Framing, ...], *, lost: bool
    ) -> None:
        """Nothing taken yet.

        Args:
            layout: lays messages over segments.
            half: the half-stream.
            framings: all but the last are for one message each.
            lost: whether it is not known where the first message begins.
        """
        self._layout = layout
        self._half = half
        self._framings = framings if not lost else framings[-1:]
        self._next = 0
        self._state = start_state()
        self._view = view_of(self._state)
        self._lost = lost
        self._over = False  # not of this framing any more
        self._switch()

    def _switch(self) -> None:
        self._framing = self._framings[self._next]
        self._spec = view_of(self._framing.words())
        self._next = min(self._next + 1, len(self._framings) - 1)

    def data(self, data: memoryview, offset: int, frame: int, time_ns: int, facts: Facts) -> None:
        """See ``HalfMessages``."""
        size, cut_off = len(data), facts[4]
        layout = self._layout
        ends = layout.ends if size < len(layout.ends) else layout.room_for(size + 1)
        if self._over:
            layout.take(self._half, offset, size + cut_off, frame, time_ns, facts, 0, 0)
            return
        if self._lost:
            self._search(data, offset, frame, time_ns, facts)
            return
        found = cut(data, 0, self._spec, self._view, ends)
        if self._framing.once:
            while found and self._framing.once:
                self._switch()
                more = cut(data, self._view[fields.AT], self._spec, self._view, ends[found:])
                if not more:
                    break
                found += more
        stop = size
        if self._view[fields.FAULT]:
            stop = ends[found - 1] if found else 0
            self._stop(frame)
        elif cut_off:
            found, stop = self._unseen(size, cut_off, found)
        layout.take(self._half, offset, size + cut_off, frame, time_ns, facts, found, stop)

    def more(self, data: memoryview, begin: int, ends: memoryview) -> int:
        """Take bytes from ``begin`` on of a segment that the caller lays out; gives how many messages end."""
        return int(cut(data, begin, self._spec, self._view, ends))

    def fits(self, data: bytes) -> bool:
        """Whether the first bytes of a side can be a message; nothing may have been taken before."""
        found = cut(memoryview(data), 0, self._spec, self._view, self._layout.room_for(len(data) + 1))
        return bool(found) or not self._view[fields.FAULT]

    def _unseen(self, size: int, cut_off: int, found: int) -> tuple[int, int]:
        """Bytes of a segment were not captured; gives how many messages end in it, and where the last may."""
        if not self._leap(cut_off):
            self._lost = True
            return found, self._layout.ends[found - 1] if found else 0
        if self._view[fields.NEED] == 0:
            self._reset()
            self._layout.ends[found] = size + cut_off
            found += 1
        return found, size + cut_off

    def _leap(self, length: int) -> bool:
        """Go on behind missing bytes, if the message in hand has as many; whether it has."""
        inside = self._view[fields.NEED] >= length and self._framing.kind != fields.RESP
        if inside:
            self._view[fields.POS] += length
            self._view[fields.NEED] -= length
        return inside

    def _stop(self, frame: int) -> None:
        fault = self._view[fields.FAULT]
        self._over = True
        if not self._half.fault:
            self._half.fault = fields.FAULTS[fault]
            self._half.fault_frame = frame

    def _search(self, data: memoryview, offset: int, frame: int, time_ns: int, facts: Facts) -> None:
        """Look for the beginning of a message.

        After a delimiter is one. Elsewhere the segment has to look like it: from its first byte on whole
        messages, and nothing else.
        """
        layout, size = self._layout, len(data) + facts[4]
        ends = layout.room_for(size + 1)
        self._reset()
        found = cut(data, 0, self._spec, self._view, ends)
        fault = self._view[fields.FAULT]
        begin = 0
        if fault or not found:
            found = 0
        elif self._framing.resynchronises:
            begin = ends[0]
            found -= 1
            for place in range(found):
                ends[place] = ends[place + 1]
        elif ends[found - 1] != size:
            found = 0
        self._lost = not (found or begin)
        stop = size
        if self._lost:
            stop = 0
            self._reset()
        elif facts[4]:
            found, stop = self._unseen(len(data), facts[4], found)
        layout.take(self._half, offset, size, frame, time_ns, facts, found, stop, begin=begin)

    def _reset(self) -> None:
        self._state[:] = start_state()

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``HalfMessages``; a hole within a message of known length does no harm."""
        inside = not (self._over or self._lost) and self._leap(gap.length)
        ends = inside and self._view[fields.NEED] == 0
        if ends:
            self._reset()
        self._lost = self._lost or not inside
        self._layout.miss(self._half, gap.offset, gap.length, (frame, time_ns), known=inside, ends=ends)

    def close(self, end: int) -> None:
        """See ``HalfMessages``; the last message was not whole."""
        del end
        self._layout.close(self._half)


class Written:
    """Messages as the sender's writes: as far as segments tell."""

    def __init__(self, layout: Layout, half: HalfLayout) -> None:
        """Nothing taken yet."""
        self._layout = layout
        self._half = half

    def data(self, data: memoryview, offset: int, frame: int, time_ns: int, facts: Facts) -> None:
        """See ``HalfMessages``."""
        self._layout.take(self._half, offset, len(data) + facts[4], frame, time_ns, facts, -1, 0)

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``HalfMessages``."""
        self._layout.miss(self._half, gap.offset, gap.length, (frame, time_ns), known=False, ends=False)

    def close(self, end: int) -> None:
        """See ``HalfMessages``; what was written last ends here."""
        self._layout.end(self._half, end)
        self._layout.close(self._half)
