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
        size = len(data)
        layout = self._layout
        ends = layout.ends if size < len(layout.ends) else layout.room_for(size)
        if self._over:
            layout.take(self._half, offset, size, frame, time_ns, facts, 0, 0)
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
        layout.take(self._half, offset, size, frame, time_ns, facts, found, stop, self._type())

    def _type(self) -> int:
        return -1

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
        layout, size = self._layout, len(data)
        self._reset()
        found = cut(data, 0, self._spec, self._view, layout.ends)
        fault = self._view[fields.FAULT]
        if self._framing.resynchronises and found and not fault:
            first = layout.ends[0]
            layout.take(self._half, offset, first, frame, time_ns, facts, 0, 0)
            self._reset()
            self._lost = False
            if first < size:
                self.data(data[first:], offset + first, frame, time_ns, facts)
            return
        if not self._framing.resynchronises and found and not fault and layout.ends[found - 1] == size:
            self._lost = False
            layout.take(self._half, offset, size, frame, time_ns, facts, found, size)
            return
        layout.take(self._half, offset, size, frame, time_ns, facts, 0, 0)
        if self._framing.resynchronises:
            self._view[fields.FAULT] = 0
        else:
            self._reset()

    def _reset(self) -> None:
        self._state[:] = start_state()

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``HalfMessages``; a hole within a message of known length does no harm."""
        need = self._view[fields.NEED]
        inside = (
            not self._over and not self._lost and need >= gap.length and self._framing.kind != fields.RESP
        )
        ends = False
        if inside:
            self._view[fields.POS] += gap.length
            self._view[fields.NEED] -= gap.length
            ends = need == gap.length
            if ends:
                self._reset()
        else:
            self._lost = True
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
        self._layout.take(self._half, offset, len(data), frame, time_ns, facts, -1, 0)

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``HalfMessages``."""
        self._layout.miss(self._half, gap.offset, gap.length, (frame, time_ns), known=False, ends=False)

    def close(self, end: int) -> None:
        """See ``HalfMessages``; what was written last ends here."""
        self._layout.end(self._half, end)
        self._layout.close(self._half)
