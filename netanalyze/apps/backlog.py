"""What was said in streams of which it is not known yet which protocol they carry.

Mostly the first segment tells. Until then everything is kept in order, to be told to a reader then. When
that becomes too much, the name that the stream has counts. Without one its bytes are only counted from then
on, and should it get one yet, they are a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from netanalyze.model import Gap

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.tcp.byte_streams import Consumer, Ending, StreamFacts

STREAM_LIMIT = 64 << 10
"""Bytes kept of a stream, with what keeping them takes."""
TOTAL_LIMIT = 64 << 20
"""The same of all streams together."""
CALL_COST = 200
"""Bytes of memory that a call takes beside the data."""

_Call: TypeAlias = "tuple[int, bytes | Gap | Ending, int, int, int]"
"""Side, what was told, offset (of bytes), frame, time."""


class Budget(Struct):
    """What all backlogs of a run take, and what they could not keep.

    Attributes:
        taken: bytes.
        dropped_bytes: payload of streams that were read in the end which was not kept for them.
    """

    taken: int = 0
    dropped_bytes: int = 0


class Backlog:
    """Keeps what it is told of one stream.

    Attributes:
        facts: of the stream.
        finished_ns: when it was told that the stream is over, None while it is not.
    """

    __slots__ = ("_budget", "_calls", "_decide", "_dropped_bytes", "_taken", "facts", "finished_ns")

    def __init__(
        self, facts: StreamFacts, budget: Budget, decide: Callable[[Backlog], Consumer | None]
    ) -> None:
        """Nothing told yet.

        Args:
            facts: of the stream.
            budget: shared by all backlogs.
            decide: is called when there is no more room, and when the stream is over; returns the reader of
                the stream, to which everything has been told then, or None if it cannot be read.
        """
        self.facts = facts
        self.finished_ns: int | None = None
        self._decide = decide
        self._budget = budget
        self._calls: list[_Call] = []
        self._dropped_bytes = 0
        self._taken = 0

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        cost = len(data) + CALL_COST
        full = self._taken + cost > STREAM_LIMIT or self._budget.taken + cost > TOTAL_LIMIT
        if not full and not self._dropped_bytes:
            self._keep(cost, (side, bytes(data), offset, frame, time_ns))
            return
        reader = self._decide(self)
        if reader is not None:
            reader.data(side, data, offset, frame, time_ns)
        else:
            self._dropped_bytes += len(data)
            self.gap(side, Gap(offset, len(data)), frame, time_ns)

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``; a gap that continues the last one of its side becomes one with it."""
        for place in range(len(self._calls) - 1, max(len(self._calls) - 3, -1), -1):
            sender, last, *_ = self._calls[place]
            if sender == side:
                if isinstance(last, Gap) and last.offset + last.length == gap.offset:
                    whole = Gap(last.offset, last.length + gap.length)
                    self._calls[place] = (side, whole, 0, frame, time_ns)
                    return
                break
        self._keep(CALL_COST, (side, gap, 0, frame, time_ns))

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._keep(CALL_COST, (side, ending, 0, frame, time_ns))

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        self.finished_ns = last_ns
        self._decide(self)

    def replay(self, consumer: Consumer) -> None:
        """Tell a consumer everything, and keep nothing."""
        for side, what, offset, frame, time_ns in self._calls:
            if isinstance(what, bytes):
                consumer.data(side, memoryview(what), offset, frame, time_ns)
            elif isinstance(what, Gap):
                consumer.gap(side, what, frame, time_ns)
            else:
                consumer.end(side, what, frame, time_ns)
        self._budget.dropped_bytes += self._dropped_bytes
        self.clear()
        if self.finished_ns is not None:
            consumer.finish(self.finished_ns)

    @property
    def first_ns(self) -> int | None:
        """The time of the first thing that is kept, None if nothing is."""
        return self._calls[0][4] if self._calls else None

    def clear(self) -> None:
        """Keep nothing."""
        self._budget.taken -= self._taken
        self._taken = 0
        self._calls.clear()

    def _keep(self, cost: int, call: _Call) -> None:
        self._calls.append(call)
        self._taken += cost
        self._budget.taken += cost
