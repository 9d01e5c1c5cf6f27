"""The bytes of one datagram while its fragments arrive: sorted pieces, or a map where they overlap."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DATAGRAM_BYTES = 65_535
"""No fragment may reach beyond this: the largest length an IP header can state."""
NOBODY = MAX_DATAGRAM_BYTES + 1
"""Owner of a byte that no fragment's captured part covers."""


class Flat:
    """The bytes of a datagram by position: what a ``Store`` becomes once fragments overlap.

    Every operation is a few array operations over the fragment's range, so that no order of
    overlaps is slow.
    """

    __slots__ = ("claimed", "owner", "values")

    def __init__(self, size: int) -> None:
        """Room for ``size`` bytes, none claimed."""
        self.values: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self.claimed: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self.owner: NDArray[np.int32] = np.full(size, NOBODY, np.int32)

    def grow(self, size: int) -> None:
        """Make room for at least ``size`` bytes."""
        held = len(self.values)
        if size > held:
            more = Flat(min(max(size, 2 * held), MAX_DATAGRAM_BYTES) - held)
            self.values = np.concatenate((self.values, more.values))
            self.claimed = np.concatenate((self.claimed, more.claimed))
            self.owner = np.concatenate((self.owner, more.owner))

    def clip(self, size: int) -> None:
        """Forget what lies at ``size`` and beyond."""
        self.values, self.claimed, self.owner = (
            self.values[:size].copy(),
            self.claimed[:size].copy(),
            self.owner[:size].copy(),
        )

    def put(self, offset: int, end: int, piece: bytes, *, lowest: bool) -> tuple[int, bool]:
        """Lay a fragment over what is there; returns bytes newly claimed, and whether any differ."""
        claimed = self.claimed[offset:end]
        new = len(claimed) - int(np.count_nonzero(claimed))
        claimed[:] = True
        captured = slice(offset, offset + len(piece))
        values, owner = self.values[captured], self.owner[captured]
        incoming = np.frombuffer(piece, np.uint8)
        differ = bool(((owner != NOBODY) & (values != incoming)).any())
        wins = owner > (offset if lowest else MAX_DATAGRAM_BYTES)
        values[wins] = incoming[wins]
        owner[wins] = offset
        return new, differ

    def prefix(self, total: int) -> bytes:
        """The leading bytes before the first one that nobody captured."""
        missing = np.flatnonzero(self.owner[:total] == NOBODY)
        return self.values[: int(missing[0]) if len(missing) else total].tobytes()


class Store:
    """The pieces of one datagram, sorted; they never overlap, or ``flat`` holds them instead.

    ``claimed`` is how many positions fragments claim, ``end`` the highest of them plus one.
    """

    __slots__ = ("claimed", "end", "flat", "pieces", "starts")

    def __init__(self) -> None:
        """No pieces."""
        self.starts: list[int] = []
        self.pieces: list[tuple[int, bytes]] = []  # end on the wire, captured bytes
        self.claimed = 0
        self.end = 0
        self.flat: Flat | None = None

    def insert(self, offset: int, end: int, piece: bytes) -> bool:
        """Add a fragment that is not empty, if it overlaps nothing; returns whether it did fit."""
        if self.flat is not None:
            return False
        starts = self.starts
        if offset >= self.end:
            starts.append(offset)
            self.pieces.append((end, piece))
            self.end = end
        else:
            at = bisect_right(starts, offset)
            if at and self.pieces[at - 1][0] > offset:
                return False
            if starts[at] < end:  # there is one: something ends after offset
                return False
            starts.insert(at, offset)
            self.pieces.insert(at, (end, piece))
        self.claimed += end - offset
        return True

    def repeats(self, offset: int, end: int, piece: bytes) -> bool:
        """Whether the fragment is one that is there already; keeps the longer capture of the two."""
        at = bisect_right(self.starts, offset) - 1
        if self.flat is not None or at < 0 or self.starts[at] != offset or self.pieces[at][0] != end:
            return False
        held = self.pieces[at][1]
        common = min(len(held), len(piece))
        if held[:common] != piece[:common]:
            return False
        if len(piece) > common:
            self.pieces[at] = (end, piece)
        return True

    def overlay(self, offset: int, end: int, piece: bytes, *, lowest: bool) -> bool:
        """Add a fragment over what is there; returns whether captured bytes differ."""
        self.end = max(self.end, end)
        if self.flat is None:
            flat = self.flat = Flat(self.end)
            for start, (stop, held) in zip(self.starts, self.pieces, strict=True):
                flat.put(start, stop, held, lowest=lowest)
            self.starts, self.pieces = [], []
        self.flat.grow(self.end)
        new, differ = self.flat.put(offset, end, piece, lowest=lowest)
        self.claimed += new
        return differ

    def clip(self, total: int) -> None:
        """Forget what lies at ``total`` and beyond."""
        if self.flat is not None:
            self.flat.clip(total)
            self.claimed = int(np.count_nonzero(self.flat.claimed))
            self.end = min(self.end, total)
            return
        while self.starts and self.pieces[-1][0] > total:
            offset, (end, piece) = self.starts.pop(), self.pieces.pop()
            self.claimed -= end - offset
            if offset < total:
                self.starts.append(offset)
                self.pieces.append((total, piece[: total - offset]))
                self.claimed += total - offset
        self.end = self.pieces[-1][0] if self.pieces else 0

    def prefix(self, total: int) -> bytes:
        """The leading bytes that are there, once everything before ``total`` is claimed."""
        if self.flat is not None:
            return self.flat.prefix(total)
        whole = 0
        for start, (end, piece) in zip(self.starts, self.pieces, strict=True):
            whole += 1
            if len(piece) < end - start:
                break
        return b"".join(piece for _, piece in self.pieces[:whole])
