"""Bytes of a half-stream that came too early, kept in order until those before them are there.

A pure data structure over offsets; it knows nothing of TCP beyond them. It holds *pieces*: ranges of
bytes, each with the frame that carried it and its time, or ranges of which it is known that their bytes
were not captured (a snap length cut them off). What always holds between two calls:

1. pieces are in order and do not overlap;
2. each lies behind ``next``, so that there is a hole in front of the first one, unless it is about to be
   taken;
3. ``cost`` is the sum of what the pieces take, counting ``PIECE_COST`` for each beside its bytes.

Where a range comes twice, the policy decides: with ``first`` what is there stays, with ``last`` the newer
replaces it. Bytes always replace a range whose bytes were not captured. Ranges that came twice with
different contents are counted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = "first"
LAST = "last"
POLICIES = (FIRST, LAST)
"""Which copy of bytes counts that came twice before they could be handed over."""

PIECE_COST = 256
"""Bytes of memory that a piece takes beside its own."""

CROWD = 256
"""More pieces than true segments lie in the range of another one."""


class Piece(NamedTuple):
    """A range of a half-stream.

    Attributes:
        start: its first offset.
        end: the offset behind it.
        data: its bytes; None if they were not captured.
        frame: that carried it.
        time_ns: of that frame.
    """

    start: int
    end: int
    data: bytes | None
    frame: int
    time_ns: int

    def part(self, start: int, end: int) -> Piece:
        """What lies between two offsets inside it."""
        if start == self.start and end == self.end:
            return self
        data = None if self.data is None else self.data[start - self.start : end - self.start]
        return self._replace(start=start, end=end, data=data)

    @property
    def cost(self) -> int:
        """Memory that it takes."""
        return PIECE_COST + (len(self.data) if self.data is not None else 0)


class Assembler:
    """The pieces of one half-stream that wait.

    Attributes:
        next: offset of the next byte to hand over.
        cost: memory that the pieces take.
        conflicts: bytes that came twice with different contents.
        pieces: in order.
    """

    __slots__ = ("_last_wins", "conflicts", "cost", "next", "pieces")

    def __init__(self, following: int, policy: str = FIRST) -> None:
        """Nothing waits; ``following`` is the offset of the next byte to hand over."""
        self.next = following
        self.cost = 0
        self.conflicts = 0
        self.pieces: list[Piece] = []
        self._last_wins = policy == LAST

    def add(self, piece: Piece) -> None:
        """Take a range in; what lies before ``next`` is left out."""
        start = max(piece.start, self.next)
        if start >= piece.end:
            return
        piece = piece.part(start, piece.end)
        if not self.pieces or self.pieces[-1].end <= start:  # the usual case
            self.pieces.append(piece)
            self.cost += piece.cost
            return
        first = bisect_right(self.pieces, start, key=_end)
        last = bisect_left(self.pieces, piece.end, first, key=_start)
        before = self.pieces[first:last]
        after = self._merged(before, piece)
        self.pieces[first:last] = after
        self.cost += sum(each.cost for each in after) - sum(each.cost for each in before)

    def _merged(self, held: list[Piece], piece: Piece) -> list[Piece]:
        """Pieces that overlap a new one, and it, as one row without overlaps."""
        row: list[Piece] = []
        place = piece.start
        for old in held:
            start, end = max(old.start, piece.start), min(old.end, piece.end)
            if old.start < start:
                row.append(old.part(old.start, start))
            if place < start:
                row.append(piece.part(place, start))
            row.append(self._winner(old, piece).part(start, end))
            if end < old.end:
                row.append(old.part(end, old.end))
            place = end
        if place < piece.end:
            row.append(piece.part(place, piece.end))
        return list(_joined(row))

    def _winner(self, old: Piece, new: Piece) -> Piece:
        """Which of two pieces counts where both are."""
        if new.data is None:
            return old
        if old.data is None:
            return new
        start, end = max(old.start, new.start), min(old.end, new.end)
        one, other = old.part(start, end).data, new.part(start, end).data
        if one != other:
            self.conflicts += _differences(one or b"", other or b"")
        return new if self._last_wins else old

    def take_ready(self) -> list[Piece]:
        """Take the pieces that come next."""
        count = 0
        for piece in self.pieces:
            if piece.start != self.next:
                break
            self.next = piece.end
            count += 1
        taken = self.pieces[:count]
        del self.pieces[:count]
        self.cost -= sum(piece.cost for piece in taken)
        return taken

    def skip_to(self, offset: int) -> list[Piece]:
        """Take everything up to an offset, holes named as pieces without data, and what follows at once.

        The frame of a hole is 0: none carried it.
        """
        taken = self.take_ready()
        while self.next < offset:
            first = self.pieces[0].start if self.pieces else offset
            hole = Piece(self.next, min(first, offset), None, 0, 0)
            self.next = hole.end
            taken += [hole, *self.take_ready()]
        return taken

    def skip_hole(self) -> list[Piece]:
        """Give up the first hole: take it and what follows at once."""
        return self.skip_to(self.pieces[0].start) if self.pieces else []

    def cut(self, offset: int) -> int:
        """Leave out everything from an offset on; returns how many bytes that were."""
        dropped = 0
        while self.pieces and self.pieces[-1].end > offset:
            piece = self.pieces.pop()
            self.cost -= piece.cost
            dropped += piece.end - max(piece.start, offset)
            if piece.start < offset:
                kept = piece.part(piece.start, offset)
                self.pieces.append(kept)
                self.cost += kept.cost
        return dropped


def _differences(one: bytes, other: bytes) -> int:
    """How many bytes of two texts of the same length differ."""
    return int(np.count_nonzero(np.frombuffer(one, np.uint8) != np.frombuffer(other, np.uint8)))


def _start(piece: Piece) -> int:
    return piece.start


def _end(piece: Piece) -> int:
    return piece.end


def _joined(row: list[Piece]) -> Iterator[Piece]:
    """A row with neighbours joined that are of one frame: parts of a piece that nothing came between.

    Of a crowded row all neighbours are joined, under the frame of the last one: nobody sends so much in
    bytes of one and means it, and without it every copy of a large segment would have to be compared
    with thousands of pieces.
    """
    crowded = len(row) > CROWD
    run: list[Piece] = []
    for piece in row:
        if run and not (
            run[-1].end == piece.start
            and (run[-1].data is None) == (piece.data is None)
            and (crowded or run[-1].frame == piece.frame)
        ):
            yield _one(run)
            run = []
        run.append(piece)
    if run:
        yield _one(run)


def _one(run: list[Piece]) -> Piece:
    if len(run) == 1:
        return run[0]
    data = None if run[0].data is None else b"".join(piece.data or b"" for piece in run)
    return run[-1]._replace(start=run[0].start, data=data)
