"""Messages over segments: classes, cases, and the reader that takes one recv() for one message."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_layouts import COMPILED, INTERPRETED, cut_at, kernel, laid_of, lay_out, oracle, words

from netanalyze.apps.boundaries.halves import Framed
from netanalyze.columns import view_of
from netanalyze.model import Gap
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.writes import layout_fields as fields
from netanalyze.tcp.writes.framing import LINE, parse_framing
from netanalyze.tcp.writes.layout import Layout


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=12),
    places=st.lists(st.integers(1, 140)),
)
def test_against_bytes(lengths: list[int], places: list[int]) -> None:
    """Any segmentation of known messages against an oracle that looks at each byte."""
    data = b"".join(b"x" * (length - 1) + b"\n" for length in lengths)
    pieces = cut_at(data, places)
    laid = lay_out([LINE], pieces)
    known = oracle(lengths, [len(piece) for piece in pieces])
    assert laid.messages == known.messages
    assert laid.counts == known.counts


@pytest.mark.parametrize(
    ("pieces", "kinds", "case"),
    [
        (["one\n", "two\n"], ["aligned", "aligned"], "A"),
        (["one\ntwo\n"], ["coalesced", "coalesced"], "B"),
        (["one\ntw", "o\n"], ["mixed", "mixed"], "C"),
        (["on", "e\ntwo\n"], ["mixed", "mixed"], "D"),
        (["on", "e\n", "two\n"], ["split", "aligned"], None),
        (["on", "e\ntw", "o\n"], ["mixed", "mixed"], None),
    ],
)
def test_the_four_cases(pieces: list[str], kinds: list[str], case: str | None) -> None:
    laid = lay_out([LINE], [piece.encode() for piece in pieces])
    assert [message[3] for message in laid.messages] == kinds
    assert laid.messages[1][4] == case


def test_the_naive_reader() -> None:
    laid = lay_out([LINE], [b"one\n", b"two\nthree\nfo", b"ur\n", b"five\n"])
    row = laid.half.row
    assert (row[fields.FAILS], row[fields.FAIL_FRAME]) == (2, 2)
    assert (row[fields.FAIL_BYTES], row[fields.FAIL_WHOLE]) == (12, 2)
    assert row[fields.FAIL_PART] == 2
    assert row[fields.FAIL_NUMBER] == 2
    row = lay_out([LINE], [b"on", b"e\n"]).half.row
    assert (row[fields.FAIL_NUMBER], row[fields.FAIL_MESSAGE], row[fields.FAIL_WHOLE]) == (1, 4, 0)


def test_what_has_no_beginning() -> None:
    """A stream that was not captured from its start: nothing before the first sure boundary is a message."""
    laid = lay_out([LINE], [b"rest", b" of\none\ntw", b"o\n"], lost=True)
    assert [(offset, length) for offset, length, *_ in laid.messages] == [(8, 4), (12, 4)]
    assert [message[3] for message in laid.messages] == ["mixed", "mixed"]
    assert laid.counts["UNFRAMED"] == 8
    assert laid.counts["SEGMENTS"] == 3
    framing = parse_framing("length=u8")
    laid = lay_out([framing], [b"\x09mid", b"\x02ab\x01c", b"\x03ab", b"c"], lost=True)
    assert [(offset, length) for offset, length, *_ in laid.messages] == [(4, 3), (7, 2), (9, 4)]
    assert laid.counts["UNFRAMED"] == 4


def _with_gap(framing: str, *told: bytes | int) -> tuple[list[tuple[int, int]], list[str | None], int]:
    layout = Layout(1, Segments(1), keep_messages=True)
    half = layout.open(0)
    framed = Framed(layout, half, (parse_framing(framing),), lost=False)
    offset = 0
    for frame, what in enumerate(told, 1):
        if isinstance(what, int):
            framed.gap(Gap(offset, what), frame, frame)
            offset += what
        else:
            framed.data(memoryview(what), offset, frame, frame, layout.facts(frame, len(what)))
            offset += len(what)
    framed.close(offset)
    laid = laid_of(layout, half)
    places = [(at, length) for at, length, *_ in laid.messages]
    return places, [message[3] for message in laid.messages], laid.counts["UNFRAMED"]


def test_gaps() -> None:
    inside = _with_gap("length=u8", b"\x05a", 2, b"bc", b"\x01x")
    assert inside == ([(0, 6), (6, 2)], [None, "aligned"], 0)
    to_the_end = _with_gap("length=u8", b"\x05a", 4, b"\x01x")
    assert to_the_end == ([(0, 6), (6, 2)], [None, "aligned"], 0)
    # Behind a hole with a header in it, a segment of whole messages is looked for.
    beyond = _with_gap("length=u8", b"\x05a", 9, b"\x01", b"\x01x", b"\x02yz")
    assert beyond == ([(12, 2), (14, 3)], ["aligned", "aligned"], 3)
    lines = _with_gap("line", b"one\ntw", 3, b"o\nfour\n")
    assert lines == ([(0, 4), (11, 5)], ["mixed", "mixed"], 4)


def _lay_many(kind: str, seed: int) -> tuple[list[list[int]], list[int]]:
    """Random segments, with random facts, laid by one kind of kernel."""
    chance = random.Random(seed)
    made = kernel("layout_kernel", kind)
    if made is None:
        pytest.skip("the kernels are not compiled here")
    row = np.zeros(fields.WORDS, np.int64)
    row[fields.MSS] = chance.choice([0, 100])
    out = np.zeros((400, fields.ROW_WORDS), np.int64)
    count, offset = 0, 0
    for frame in range(1, 60):
        size = chance.choice([1, 30, 100, 100, 300])
        ends = sorted(chance.sample(range(1, size + 1), min(size, chance.choice([0, 0, 1, 1, 3]))))
        found = chance.choice([len(ends)] * 6 + [-1])
        stop = size if chance.random() < 0.9 or found < 0 else max(ends, default=0)
        flight = chance.choice([-1, size, size + 50, size + 500])
        window = chance.choice([-1, 40, 1000, 5000])
        room = words(*ends, *[0] * (size + 1))
        count = made.lay(
            view_of(row), 5, offset, size, frame, frame * chance.choice([1, 10**9]), chance.randrange(8),
            flight, window, size, room, found, 0, stop, view_of(out), count,
        )  # fmt: skip
        offset += size
        if chance.random() < 0.1:
            known, end = chance.random() < 0.5, chance.random() < 0.5
            count = made.leap(view_of(row), 5, offset, 10, frame, frame, known, end, view_of(out), count)
            offset += 10
    count = made.end_here(view_of(row), 5, offset, view_of(out), count)
    return out[:count].tolist(), row.tolist()


@pytest.mark.parametrize("seed", range(30))
def test_kernels_agree(seed: int) -> None:
    assert _lay_many(COMPILED, seed) == _lay_many(INTERPRETED, seed)


def _causes(
    *segments: tuple[int, int, int, int], mss: int = 100, ends: dict[int, list[int]]
) -> list[str | None]:
    """Causes of messages in segments of (bytes, facts, in flight, window); ``ends`` by segment."""
    made = kernel("layout_kernel", COMPILED) or kernel("layout_kernel", INTERPRETED)
    assert made is not None
    row = np.zeros(fields.WORDS, np.int64)
    row[fields.MSS] = mss
    out = np.zeros((40, fields.ROW_WORDS), np.int64)
    count = offset = 0
    for number, (size, bits, flight, window) in enumerate(segments):
        mine = ends.get(number, [])
        count = made.lay(
            view_of(row), 0, offset, size, number + 1, number, bits, flight, window, size,
            words(*mine, *[0] * size), len(mine), 0, size, view_of(out), count,
        )  # fmt: skip
        offset += size
    why = out[:count, fields.WHY].tolist()
    return [fields.CAUSES[number] if number >= 0 else None for number in why]


PROMPTED, REPACKED = fields.PROMPTED, fields.REPACKED


@pytest.mark.parametrize(
    ("segments", "ends", "causes"),
    [
        # One message over full segments.
        ([(100, 0, 100, 9000), (20, 0, 120, 9000)], {1: [20]}, ["mss"]),
        # In two writes; the second was not held.
        ([(4, 0, 4, 9000), (50, 0, 54, 9000)], {1: [50]}, ["several_writes"]),
        # Held until the first was acknowledged.
        ([(4, 0, 4, 9000), (50, PROMPTED, 50, 9000)], {1: [50]}, ["nagle"]),
        # The window had no room for more.
        ([(60, 0, 60, 60), (50, PROMPTED, 50, 900)], {1: [50]}, ["receiver_window"]),
        # Captured before it was cut.
        ([(300, 0, 300, 9000), (20, 0, 320, 9000)], {1: [20]}, ["offload"]),
        # As much as the congestion window allowed, the rest with the acknowledgement.
        ([(300, 0, 300, 9000), (100, PROMPTED, 100, 9000)], {1: [100]}, ["congestion_window"]),
        ([(60, 0, 60, 9000), (50, REPACKED, 110, 9000)], {1: [50]}, ["retransmission"]),
        # Several messages in one segment: written at once, or held by Nagle's algorithm meanwhile.
        ([(40, 0, 40, 9000)], {0: [20, 40]}, ["one_write", "one_write"]),
        ([(20, 0, 20, 9000), (40, PROMPTED, 40, 9000)], {0: [20], 1: [20, 40]}, [None, "nagle", "nagle"]),
        ([(20, 0, 20, 9000), (40, 0, 60, 9000)], {0: [20], 1: [20, 40]}, [None, "one_write", "one_write"]),
        ([(300, 0, 300, 9000)], {0: [200, 300]}, ["offload", "offload"]),
        (
            [(100, 0, 500, 9000), (40, PROMPTED, 400, 9000)],
            {0: [100], 1: [20, 40]},
            [None, "congestion_window", "congestion_window"],
        ),
        (
            [(100, 0, 500, 500), (40, PROMPTED, 40, 900)],
            {0: [100], 1: [20, 40]},
            [None, "receiver_window", "receiver_window"],
        ),
    ],
)
def test_causes(
    segments: list[tuple[int, int, int, int]], ends: dict[int, list[int]], causes: list[str | None]
) -> None:
    assert _causes(*segments, ends=ends) == causes
