"""The structure that keeps bytes in order, against arrays of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.tcp.assembler import CROWD, FIRST, LAST, PIECE_COST, POLICIES, Assembler, Piece

SPAN = 60
MISSING = -2
"""A byte that is known not to have been captured."""

actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, SPAN), st.binary(min_size=1, max_size=20)),
        st.tuples(st.just("cut off"), st.integers(0, SPAN), st.integers(1, 20)),
        st.tuples(st.just("ready"), st.just(0), st.just(0)),
        st.tuples(st.just("skip"), st.integers(0, SPAN), st.just(0)),
        st.tuples(st.just("drop"), st.integers(0, SPAN), st.just(0)),
    ),
    max_size=40,
)


class Slow:
    """The same with a number for each byte."""

    def __init__(self, policy: str) -> None:  # noqa: D107 - as in the class docstring
        self.policy = policy
        self.next = 0
        self.bytes: dict[int, int] = {}
        self.conflicts = 0

    def add(self, start: int, values: list[int]) -> None:
        for place, value in enumerate(values, start):
            old = self.bytes.get(place)
            if place < self.next:
                continue
            if old is None or old == MISSING:
                self.bytes[place] = value
            elif value != MISSING:
                self.conflicts += value != old
                self.bytes[place] = value if self.policy == LAST else old

    def ready(self) -> list[int]:
        found = []
        while self.next in self.bytes:
            found.append(self.bytes.pop(self.next))
            self.next += 1
        return found

    def skip(self, offset: int) -> list[int]:
        found = self.ready()
        while self.next < offset:
            found.append(self.bytes.pop(self.next, MISSING))
            self.next += 1
        return found + self.ready()

    def drop(self, offset: int) -> int:
        gone = [place for place in self.bytes if place >= offset]
        for place in gone:
            del self.bytes[place]
        return len(gone)


def values(pieces: list[Piece]) -> list[int]:
    found: list[int] = []
    for piece in pieces:
        found += piece.data if piece.data is not None else [MISSING] * (piece.end - piece.start)
    return found


def check(assembler: Assembler, slow: Slow) -> None:
    """The invariants at the top of the module, and that both hold the same."""
    place = assembler.next
    held: dict[int, int] = {}
    for piece in assembler.pieces:
        assert place <= piece.start < piece.end
        assert piece.data is None or len(piece.data) == piece.end - piece.start
        held |= dict(enumerate(values([piece]), piece.start))
        place = piece.end
    assert held == slow.bytes
    assert assembler.next == slow.next
    assert assembler.conflicts == slow.conflicts
    assert assembler.cost == sum(PIECE_COST + len(piece.data or b"") for piece in assembler.pieces)


@given(actions, st.sampled_from(POLICIES))
def test_it_does_what_a_number_for_each_byte_does(
    steps: list[tuple[str, int, bytes | int]], policy: str
) -> None:
    assembler, slow = Assembler(0, policy), Slow(policy)
    for frame, (what, offset, more) in enumerate(steps, 1):
        if what == "add":
            assert isinstance(more, bytes)
            assembler.add(Piece(offset, offset + len(more), more, frame, frame))
            slow.add(offset, list(more))
        elif what == "cut off":
            assert isinstance(more, int)
            assembler.add(Piece(offset, offset + more, None, frame, frame))
            slow.add(offset, [MISSING] * more)
        elif what == "ready":
            assert values(assembler.take_ready()) == slow.ready()
        elif what == "skip":
            assert values(assembler.skip_to(offset)) == slow.skip(offset)
        else:
            assert assembler.cut(offset) == slow.drop(offset)
        check(assembler, slow)


def test_pieces_keep_the_frame_that_carried_them() -> None:
    assembler = Assembler(0)
    assembler.add(Piece(10, 15, b"later", 3, 30))
    assembler.add(Piece(5, 12, b"soon-LA", 4, 40))
    assert assembler.skip_hole() == [
        Piece(0, 5, None, 0, 0),
        Piece(5, 10, b"soon-", 4, 40),
        Piece(10, 15, b"later", 3, 30),
    ]


@pytest.mark.parametrize(("policy", "expected"), [(FIRST, b"aaBBBBaa"), (LAST, b"aaBBBBaa")])
def test_what_is_inside_a_larger_piece(policy: str, expected: bytes) -> None:
    assembler = Assembler(0, policy)
    small, large = Piece(3, 7, b"BBBB", 1, 1), Piece(1, 9, b"a" * 8, 2, 2)
    for piece in (small, large) if policy == FIRST else (large, small):
        assembler.add(piece)
    assert b"".join(piece.data or b"" for piece in assembler.skip_to(9)[1:]) == expected
    assert assembler.conflicts == 4


def test_crowds_of_pieces_become_one() -> None:
    assembler = Assembler(0)
    count = 2 * CROWD
    for place in range(count):
        assembler.add(Piece(2 + 2 * place, 3 + 2 * place, b"x", place, place))
    assert len(assembler.pieces) == count
    assembler.add(Piece(2, 2 + 2 * count, b"y" * 2 * count, 999, 999))
    assert len(assembler.pieces) == 1
    assert assembler.pieces[0].data == b"xy" * count
    assert assembler.conflicts == count
