"""Passages of a stream joined into turns: what one side said before the other one spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.apps.transcript import Passage

MOST_BYTES = 1 << 18
"""Longer turns are shown in several parts, so that memory stays flat however long they are."""


class Run(Struct):
    """Bytes of one kind that follow each other, or that are missing; attributes are those of ``Passage``."""

    offset: int
    wire_bytes: int
    first_frame: int
    last_frame: int
    time_ns: int
    data: bytearray | None
    note: str
    part: str
    coding: str
    body_offset: int | None


class Turn(Struct):
    """What one side said in a row.

    Attributes:
        side: that said it.
        continued: whether it goes on what the turn before has begun.
        runs: bytes and gaps in order, of which no two neighbours are both gaps.
    """

    side: int
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
        if last is not None and _goes_on(last, passage):
            last.wire_bytes += passage.wire_bytes
            last.first_frame = min(last.first_frame, passage.first_frame)
            last.last_frame = max(last.last_frame, passage.last_frame)
            if last.data is not None and passage.data is not None:
                last.data += passage.data
        else:
            self.runs.append(
                Run(
                    offset=passage.offset,
                    wire_bytes=passage.wire_bytes,
                    first_frame=passage.first_frame,
                    last_frame=passage.last_frame,
                    time_ns=passage.time_ns,
                    data=None if passage.data is None else bytearray(passage.data),
                    note=passage.note,
                    part=passage.part,
                    coding=passage.coding,
                    body_offset=passage.body_offset,
                )
            )


def _goes_on(run: Run, passage: Passage) -> bool:
    """Whether a passage belongs to a run."""
    same_kind = (run.data is None) == (passage.data is None) and run.part == passage.part
    return same_kind and not passage.note


def turns(passages: Iterable[Passage]) -> Iterator[Turn]:
    """The turns in order, each when it is complete."""
    turn: Turn | None = None
    size = 0
    for passage in passages:
        same = turn is not None and turn.side == passage.side and not passage.begins
        if turn is None or not same or size >= MOST_BYTES:
            if turn is not None:
                yield turn
            turn = Turn(passage.side, continued=same)
            size = 0
        turn.add(passage)
        size += len(passage.data or b"")
    if turn is not None:
        yield turn
