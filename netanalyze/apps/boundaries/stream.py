"""Where the messages of one stream end: who is asked, and what waits until that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.boundaries.halves import Framed, Written
from netanalyze.model import Gap
from netanalyze.tcp.writes.layout import SOURCES

if TYPE_CHECKING:
    from netanalyze.apps.boundaries.halves import HalfMessages
    from netanalyze.apps.boundaries.stage import Boundaries
    from netanalyze.tcp.byte_streams import Ending, StreamFacts
    from netanalyze.tcp.writes.framing import StreamFraming
    from netanalyze.tcp.writes.layout import Facts, HalfLayout, Layout

SAMPLE_BYTES = 32 << 10
"""So much of a stream is looked at before it is decided how to tell its messages apart."""
PIECE_COST = 300
"""Bytes of memory that a piece takes beside its data."""

_NONE = -1
"""Number of no frame."""


class StreamMessages:
    """Takes one stream; see ``tcp.byte_streams.Consumer`` for the calls.

    Attributes:
        facts: of the stream.
        pieces: what came before it was decided: side, data or gap, offset, frame, time, facts.
        taken: memory that these take.
    """

    def __init__(self, stage: Boundaries, facts: StreamFacts) -> None:
        """Nothing taken yet."""
        self.facts = facts
        self.pieces: list[tuple[int, bytes | Gap | Ending, int, int, int, Facts | None]] = []
        self.taken = 0
        self._stage = stage
        self._layout: Layout = stage.layout
        self._halves: list[HalfMessages] | None = None
        self.layouts: list[HalfLayout] = []
        self._ends = [0, 0]
        self._cut = [-1, -1]
        self._newest = [0, 0]

    def _facts(self, side: int, frame: int, size: int) -> Facts:
        """What is known of the segment of a frame; nothing of one that had to wait for others.

        Such a segment may be of an earlier batch, whose columns are gone: that must make no difference.
        """
        waited = frame < self._newest[side]
        self._newest[side] = max(frame, self._newest[side])
        return self._layout.facts(_NONE if waited else frame, size)

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        size = len(data)
        facts = self._facts(side, frame, size)
        self._ends[side] = offset + size + facts[4]
        if facts[4]:
            self._cut[side] = offset + size
        if self._halves is not None:
            self._halves[side].data(data, offset, frame, time_ns, facts)
            return
        self.pieces.append((side, bytes(data), offset, frame, time_ns, facts))
        cost = size + PIECE_COST
        self.taken += cost
        self._stage.taken += cost
        if self.taken > SAMPLE_BYTES or self._stage.full:
            self.decide()

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``; what the snap length cut off is part of the segment that had it."""
        if gap.offset == self._cut[side]:
            self._cut[side] = -1
            return
        facts = self._facts(side, frame, 0)
        if facts[4] and facts[4] == facts[3] == gap.length:
            self.data(side, memoryview(b""), gap.offset, frame, time_ns)
            self._cut[side] = -1
            return
        self._ends[side] = gap.offset + gap.length
        if self._halves is not None:
            self._halves[side].gap(gap, frame, time_ns)
            return
        self.pieces.append((side, gap, gap.offset, frame, time_ns, None))
        self.taken += PIECE_COST
        self._stage.taken += PIECE_COST
        if self.taken > SAMPLE_BYTES or self._stage.full:
            self.decide()

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        if self._halves is None:
            self.pieces.append((side, ending, self._ends[side], frame, time_ns, None))
        else:
            self._end(side, ending, self._ends[side], frame, time_ns)

    def _end(self, side: int, ending: Ending, offset: int, frame: int, time_ns: int) -> None:
        assert self._halves is not None  # noqa: S101 - only called once they are there
        half = self._halves[side]
        tell = getattr(half, "end", None)
        if tell is not None:
            tell(ending, offset, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        del last_ns
        if self._halves is None:
            self.decide()
        assert self._halves is not None  # noqa: S101 - now they are
        for side, half in enumerate(self._halves):
            half.close(self._ends[side])
        self._stage.over(self)

    def decide(self) -> None:
        """Find out how to tell messages apart, and go over what has come."""
        if self._halves is not None:
            return
        self._halves = self._stage.halves_of(self)
        pieces, self.pieces = self.pieces, []
        self._stage.taken -= self.taken
        self.taken = 0
        for side, what, offset, frame, time_ns, facts in pieces:
            if isinstance(what, bytes):
                assert facts is not None  # noqa: S101 - bytes have them
                self._halves[side].data(memoryview(what), offset, frame, time_ns, facts)
            elif isinstance(what, Gap):
                self._halves[side].gap(what, frame, time_ns)
            else:
                self._end(side, what, offset, frame, time_ns)

    def open_layouts(self, source: str, framing: str, confidence: int = -1) -> list[HalfLayout]:
        """What is laid out of both sides, with who told the boundaries."""
        self.layouts = [self._layout.open(2 * self.facts.number + side) for side in (0, 1)]
        for half in self.layouts:
            half.source = SOURCES.index(source)
            half.framing = framing
            half.confidence = confidence
        return self.layouts

    def framed(self, framing: StreamFraming, source: str, confidence: int = -1) -> list[HalfMessages]:
        """Both sides by a framing."""
        halves = self.open_layouts(source, framing.text, confidence)
        client = self.client_side()
        lost = not self.facts.from_the_start
        made: list[HalfMessages] = []
        for side, half in enumerate(halves):
            framings = framing.client if side == client else framing.server
            made.append(Framed(self._layout, half, framings, lost=lost))
        return made

    def fits(self, framing: StreamFraming) -> bool:
        """Whether what has come can be of a framing: some protocols have variants that need none."""
        if not self.facts.from_the_start:
            return True
        parts: tuple[list[bytes], list[bytes]] = ([], [])
        for side, what, *_ in self.pieces:
            if isinstance(what, bytes):
                parts[side].append(what)
        client = self.client_side()
        for side, pieces in enumerate(parts):
            framings = framing.client if side == client else framing.server
            half = self._layout.open(2 * self.facts.number + side)
            if not Framed(self._layout, half, framings, lost=False).fits(b"".join(pieces)):
                return False
        return True

    def written(self) -> list[HalfMessages]:
        """Both sides by their segments."""
        return [Written(self._layout, half) for half in self.open_layouts("writes", "writes")]

    def client_side(self) -> int:
        """Who opened the stream, or has the higher port."""
        if self.facts.client_side is not None:
            return self.facts.client_side
        return 0 if self.facts.ports[0] > self.facts.ports[1] else 1
