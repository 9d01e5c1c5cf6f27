"""Passages of a stream joined into turns: what one side said before the other one spoke."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.apps.transcript import Passage

MOST_BYTES = 1 << 18
"""Longer turns are shown in several parts, so that memory stays flat however long they are."""


@dataclass(slots=True)
class Run:
    """Bytes that follow each other, or that are missing; its attributes are those of ``Passage``."""

    offset: int
    wire_bytes: int
    first_frame: int
    last_frame: int
    time_ns: int
    data: bytearray | None


@dataclass(slots=True)
class Turn:
    """What one side said in a row.

    Attributes:
        side: that said it.
        note: see ``Passage``.
        continued: whether it goes on what the turn before has begun.
        runs: bytes and gaps in order, of which no two neighbours are both bytes or both gaps.
    """

    side: int
    note: str
    continued: bool = False
    runs: list[Run] = field(default_factory=list)

    @property
    def wire_bytes(self) -> int:
        """Bytes of the stream that it has, without missing ones."""
        return sum(run.wire_bytes for run in self.runs if run.data is not None)

    @property
    def frames(self) -> tuple[int, int]:
        """The lowest and the highest frame that has a part of it."""
        return min(run.first_frame for run in self.runs), max(run.last_frame for run in self.runs)

    def add(self, passage: Passage) -> None:
        """Take a passage in."""
        last = self.runs[-1] if self.runs else None
        if last is not None and (last.data is None) == (passage.data is None):
            last.wire_bytes += passage.wire_bytes
            last.first_frame = min(last.first_frame, passage.first_frame)
            last.last_frame = max(last.last_frame, passage.last_frame)
            if last.data is not None and passage.data is not None:
                last.data += passage.data
        else:
            data = None if passage.data is None else bytearray(passage.data)
            where = (passage.offset, passage.wire_bytes, passage.first_frame, passage.last_frame)
            self.runs.append(Run(*where, passage.time_ns, data))


def turns(passages: Iterable[Passage]) -> Iterator[Turn]:
    """The turns in order, each when it is complete."""
    turn: Turn | None = None
    size = 0
    for passage in passages:
        same = turn is not None and turn.side == passage.side and not (turn.note or passage.note)
        if turn is None or not same or size >= MOST_BYTES:
            if turn is not None:
                yield turn
            turn = Turn(passage.side, passage.note, continued=same)
            size = 0
        turn.add(passage)
        size += len(passage.data or b"")
    if turn is not None:
        yield turn
