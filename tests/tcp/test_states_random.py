"""What must hold for the state machines whatever comes."""

from __future__ import annotations

from typing import Any

import pytest
from frames import COMPILED, INTERPRETED, Frame
from hypothesis import given
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import SECOND, Result, Step, fastest, follow, frames_of, machinery

from netanalyze.tcp.states import TRANSITIONS, Event, State

COLUMNS = (
    "stream", "side", "frame", "time_ns", "before", "after", "event", "assumed", "proof_frame", "proof_ns",
    "dwell_ns", "until_ns",
)  # fmt: skip

NUMBERS = st.one_of(
    st.integers(-3, 60), st.sampled_from([0, 1, 2, 11, 12, 2**31, -(2**31), 2**32 - 1, 70_000])
)
FLAGS = st.one_of(
    st.sampled_from(["S", "SA", "A", "A", "PA", "FA", "FA", "RA", "R"]),
    st.lists(st.sampled_from("SAFRP"), unique=True).map("".join),
)
STEPS = st.builds(
    Step,
    sender=st.sampled_from("cs"),
    flags=FLAGS,
    seq=NUMBERS,
    ack=st.none() | NUMBERS,
    size=st.sampled_from([0, 0, 1, 10]),
    after_ms=st.sampled_from([0, 1, 1, 300, 30_000, 61_000, -50, -(2**40), 2**40]),
    window=st.sampled_from([0, 1, 1024, 65535]),
    scale=st.booleans(),
)


def mended(steps: list[Step]) -> list[Step]:
    """Numbers as a real endpoint would have them: hypothesis seldom finds them by itself."""
    following = {"c": 0, "s": 0}
    made = []
    for step in steps:
        peer = "s" if step.sender == "c" else "c"
        made.append(
            step._replace(seq=following[step.sender], ack=following[peer] if "A" in step.flags else None)
        )
        following[step.sender] += step.size + ("S" in step.flags) + ("F" in step.flags)
    return made


def numbered(steps: list[Step]) -> list[Step]:
    """An acknowledgement has a number that is relative, too."""
    return [step._replace(ack=0) if "A" in step.flags and step.ack is None else step for step in steps]


ANYTHING = st.lists(STEPS, max_size=25)
PLAUSIBLE = st.one_of(
    st.lists(STEPS, max_size=25).map(mended),
    st.tuples(st.sampled_from(sorted(STORIES)), st.lists(STEPS, max_size=8)).map(
        lambda both: [*STORIES[both[0]].steps, *numbered(both[1])]
    ),
)


def columns(result: Result) -> dict[str, Any]:
    return {name: getattr(result.outcome.moves, name).tolist() for name in COLUMNS}


def check(result: Result) -> None:
    """Every move is one of the table, and begins where the one before it ended."""
    found = columns(result)
    state: dict[tuple[int, int], int] = {}
    for row in range(len(found["stream"])):
        key = (found["stream"][row], found["side"][row])
        before, after, event = found["before"][row], found["after"][row], found["event"][row]
        assert TRANSITIONS[State(before), Event(event)] == after
        if key in state:
            assert before == state[key]
            assert found["dwell_ns"][row] >= 0
        else:
            assert before in {State.UNSEEN, State.CLOSED, State.LISTEN}
        state[key] = after
    for stream, row in enumerate(result.outcome.final.tolist()):
        for side, final in enumerate(row):
            assert State(final) in State
            if (stream, side) in state:
                assert final == state[stream, side]
            else:
                assert final in {State.UNSEEN, State.CLOSED, State.LISTEN}


@given(st.one_of(ANYTHING, PLAUSIBLE))
def test_any_segments(steps: list[Step]) -> None:
    result = follow(frames_of(steps))
    check(result)
    assert follow(frames_of(steps), record=False).finals == result.finals


@given(st.one_of(ANYTHING, PLAUSIBLE))
def test_kernels_agree(steps: list[Step]) -> None:
    compiled, interpreted = machinery(COMPILED), machinery(INTERPRETED)
    if compiled is None:
        pytest.skip("the kernels are not compiled here")
    frames = frames_of(steps)
    one, other = follow(frames, compiled), follow(frames, interpreted)
    assert columns(one) == columns(other)
    assert one.outcome.final.tolist() == other.outcome.final.tolist()


@given(PLAUSIBLE, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_initial_numbers_do_not_matter(steps: list[Step], one: int, other: int) -> None:
    shifted = follow(frames_of(steps, isns=(one, other)))
    plain = follow(frames_of(steps))
    assert columns(shifted) == columns(plain)


@given(PLAUSIBLE, st.sampled_from([0, 1, 10**18, -(10**18), -SECOND]))
def test_the_time_of_day_does_not_matter(steps: list[Step], start: int) -> None:
    moved, plain = follow(frames_of(steps, start_ns=start)), follow(frames_of(steps, start_ns=0))
    assert moved.moves == plain.moves
    assert moved.finals == plain.finals


@given(PLAUSIBLE, st.integers(1, 5))
def test_batches_do_not_matter(steps: list[Step], size: int) -> None:
    frames = frames_of(steps)
    assert columns(follow(frames, size=size)) == columns(follow(frames))


@pytest.mark.parametrize("time_ns", [2**63 - 1, 2**63 - 10 * SECOND, -(2**63) + 1, 0])
def test_times_at_the_ends_of_the_range(time_ns: int) -> None:
    compiled, interpreted = machinery(COMPILED), machinery(INTERPRETED)
    frames = [frame._replace(time_ns=time_ns) for frame in frames_of(STORIES["the client closes"].steps)]
    results = [follow(frames, made) for made in (compiled or interpreted, interpreted)]
    assert columns(results[0]) == columns(results[1])


def test_many_streams_grow_the_tables() -> None:
    frames: list[Frame] = []
    for port in range(1500):
        frames += frames_of(
            STORIES["the client closes"].steps, ports=(20_000 + port, 80), start_ns=port * SECOND // 100
        )
    result = follow(frames, fastest(), size=500)
    assert result.finals == [("TIME-WAIT", "CLOSED")] * 1500
    assert len(result.moves) == 10 * 1500


def test_nothing() -> None:
    result = follow([])
    assert (result.finals, result.moves) == ([], [])
