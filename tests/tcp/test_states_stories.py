"""Every state and every arrow: connections of all kinds go through the states that they must."""

from __future__ import annotations

from itertools import pairwise

import pytest
from state_stories import IN_STATE, STORIES
from tcp_steps import MS, SECOND, Machinery, Move, Result, Step, fastest, follow, frames_of, told

from netanalyze.tcp.states import ARROWS, SILENT, TRANSITIONS, State


def shown(moves: list[Move]) -> str:
    """Moves as the stories have them."""
    return ", ".join(
        f"{'~' if move.assumed else ''}{move.trigger}@{move.frame or '-'}"
        f"{f'/{move.proof}' if move.proof else ''} {move.after}"
        for move in moves
    )


def tell(name: str, made: Machinery, **options: bool) -> Result:
    story = STORIES[name]
    frames = frames_of(story.steps)
    until = frames[-1].time_ns + round(story.more_s * SECOND) if story.more_s else None
    return follow(frames, made, until_ns=until, **options)


@pytest.mark.parametrize("name", STORIES)
def test_stories(made: Machinery, name: str) -> None:
    result = tell(name, made)
    for endpoint, expected in (("client", STORIES[name].client), ("server", STORIES[name].server)):
        moves = [move for move in result.moves if move.endpoint == endpoint and move.stream == 0]
        assert shown(moves) == expected.strip(" ,")
        for one, next_one in pairwise(moves):
            assert one.after == next_one.before
            assert one.at_ms <= next_one.at_ms


@pytest.mark.parametrize("name", STORIES)
def test_states_do_not_depend_on_whether_moves_are_kept(name: str) -> None:
    made = fastest()
    kept, not_kept = tell(name, made), tell(name, made, record=False)
    assert not_kept.finals == kept.finals
    assert not_kept.moves == []


def in_state(state: str, sender: str, flags: str) -> Result:
    """The client is in the state; then this comes from one of the two."""
    steps, mine, theirs = IN_STATE[state]
    numbers = (mine, theirs) if sender == "c" else (theirs, mine)
    return told(*steps, Step(sender, flags, *numbers))


@pytest.mark.parametrize("state", IN_STATE)
def test_the_client_is_in_the_state(state: str) -> None:
    assert told(*IN_STATE[state][0]).final[0] == state


@pytest.mark.parametrize("state", IN_STATE)
def test_a_reset_sent(state: str) -> None:
    result = in_state(state, "c", "RA" if state != "SYN-RECEIVED" else "R")
    assert (result.client[-1][:2], result.final[0]) == (("snd RST", "CLOSED"), "CLOSED")
    assert result.moves[len(result.client) - 1].before == state


@pytest.mark.parametrize("state", IN_STATE)
def test_a_reset_received(state: str) -> None:
    result = in_state(state, "s", "RA")
    frame = len(IN_STATE[state][0]) + 1
    assert result.client[-1] == ("rcv RST", "CLOSED", frame, None)
    assert result.moves[len(result.client) - 1].before == state


@pytest.mark.parametrize("state", IN_STATE)
def test_new_connection_between_the_same_ports(state: str) -> None:
    steps = IN_STATE[state][0]
    result = told(*steps, Step("c", "S", 90_000))
    assert result.finals[0][0] == "CLOSED"
    (last,) = [move for move in result.moves if move.trigger == "new SYN" and move.endpoint == "client"]
    assert (last.before, last.frame, last.assumed) == (state, len(steps) + 1, state != "TIME-WAIT")


# Of a RST that the receiver does not take, nothing changes; of one that it takes, all.
@pytest.mark.parametrize(
    ("seq", "taken"),
    [
        (1, True),
        (2, True),
        (1025, True),
        (1026, False),
        (0, False),
        (-1, False),
        (2**31, False),
        (50_000, False),
    ],
)
def test_the_window_decides_about_a_reset(made: Machinery, seq: int, taken: bool) -> None:  # noqa: FBT001
    _, mine, _ = IN_STATE["ESTABLISHED"]
    result = told(*IN_STATE["ESTABLISHED"][0], Step("s", "RA", seq, mine), made=made)
    assert result.final == (("CLOSED", "CLOSED") if taken else ("ESTABLISHED", "ESTABLISHED"))


def test_the_window_is_scaled_if_both_want_it(made: Machinery) -> None:
    for scales, taken in (((True, True), True), ((True, False), False), ((False, True), False)):
        syn, syn_ack, *rest = IN_STATE["ESTABLISHED"][0]
        opened = (syn._replace(scale=scales[0]), syn_ack._replace(scale=scales[1]), *rest)
        # Of a SYN the window is not scaled: what counts is that of frame 4, 1024 times 2**7.
        assert told(*opened, Step("s", "RA", 100_000, 11), made=made).final[0] == (
            "CLOSED" if taken else "ESTABLISHED"
        )


def test_the_window_of_a_syn_is_not_scaled(made: Machinery) -> None:
    opening = (Step("c", "S", scale=True), Step("s", "SA", 0, 1, scale=True))
    assert told(*opening, Step("c", "R", 1025), made=made).final[1] == "LISTEN"
    assert told(*opening, Step("c", "R", 1026), made=made).final[1] == "SYN-RECEIVED"


def test_what_was_held_is_forgotten_with_the_connection(made: Machinery) -> None:
    # The same number again after an end: what was on its way to the first try is not for the second.
    steps = (Step("c", "S"), Step("s", "SA", 0, 1), Step("c", "R", 1), Step("c", "S"), Step("c", "A", 1, 1))
    assert [move for move in told(*steps, made=made).moves if move.endpoint == "client"][-1][2:7] == (
        "ESTABLISHED",
        "rcv SYN,ACK",
        5,
        None,
        True,
    )


def test_a_reset_that_is_challenged(made: Machinery) -> None:
    # RFC 5961 section 3.2: not the next number, so it is answered with an ACK and not obeyed.
    steps = (*IN_STATE["ESTABLISHED"][0], Step("s", "R", 500))
    assert told(*steps, made=made).final[0] == "CLOSED"
    challenged = (*steps, Step("c", "A", 11, 1))
    assert told(*challenged, made=made).final[0] == "ESTABLISHED"
    assert told(*challenged, Step("s", "R", 1), made=made).client[-1] == ("rcv RST", "CLOSED", 8, None)


def test_a_reset_is_lost(made: Machinery) -> None:
    steps = (*IN_STATE["ESTABLISHED"][0], Step("s", "R", 1), Step("c", "PA", 11, 1, 5, after_ms=300))
    assert told(*steps, made=made).final == ("ESTABLISHED", "CLOSED")
    result = told(*steps, Step("s", "R", 1), made=made)
    assert result.client[-1] == ("rcv RST", "CLOSED", 8, None)


def test_a_reset_with_the_number_of_the_fin(made: Machinery) -> None:
    steps, _, theirs = IN_STATE["CLOSE-WAIT"]
    assert told(*steps, Step("s", "R", theirs - 1), made=made).final[0] == "CLOSED"


# A capture that begins after the connection did.
MIDSTREAM = (Step("s", "PA", 1, 1, 100), Step("c", "A", 1, 101))


def test_midstream_is_assumed(made: Machinery) -> None:
    result = told(*MIDSTREAM, Step("c", "FA", 1, 101), Step("s", "A", 101, 2), made=made)
    assert [(move.endpoint, move.before, move.after, move.assumed) for move in result.moves] == [
        ("client", "", "ESTABLISHED", True),
        ("client", "ESTABLISHED", "FIN-WAIT-1", True),
        ("client", "FIN-WAIT-1", "FIN-WAIT-2", True),
        ("server", "", "ESTABLISHED", True),
        ("server", "ESTABLISHED", "CLOSE-WAIT", True),
    ]


def test_after_data_both_ways_nothing_is_assumed(made: Machinery) -> None:
    result = told(*MIDSTREAM, Step("c", "PA", 1, 101, 5), Step("c", "FA", 6, 101), made=made)
    assert [move.assumed for move in result.moves] == [True, False, True, False]


def test_the_syn_was_not_captured(made: Machinery) -> None:
    result = told(Step("s", "SA", 0, 1), Step("c", "A", 1, 1), Step("s", "A", 1, 1), made=made)
    assert shown(result.moves) == (
        "~snd SYN@1 SYN-SENT, rcv SYN,ACK@1/2 ESTABLISHED, ~rcv SYN@1 SYN-RECEIVED,"
        " rcv ACK of SYN@2/3 ESTABLISHED"
    )


def test_the_syn_ack_was_not_captured(made: Machinery) -> None:
    result = told(Step("c", "S"), Step("c", "A", 1, 1), Step("s", "A", 1, 1), made=made)
    assert shown(result.moves) == (
        "snd SYN@1 SYN-SENT, ~rcv SYN,ACK@2 ESTABLISHED, ~rcv SYN@1/2 SYN-RECEIVED,"
        " rcv ACK of SYN@2/3 ESTABLISHED"
    )
    server_first = told(Step("c", "S"), Step("s", "PA", 1, 1, 9), Step("c", "A", 1, 10), made=made)
    assert shown(server_first.moves) == (
        "snd SYN@1 SYN-SENT, ~rcv SYN,ACK@3 ESTABLISHED, ~rcv SYN@1/2 SYN-RECEIVED,"
        " ~rcv ACK of SYN@2 ESTABLISHED"
    )


def test_only_one_direction_was_captured(made: Machinery) -> None:
    # Without proof of what the other end receives it goes as far as nothing contradicts.
    steps = IN_STATE["TIME-WAIT"][0]
    client = told(*(step for step in steps if step.sender == "c"), made=made)
    assert client.final == ("FIN-WAIT-1", "CLOSE-WAIT")
    server = told(*(step for step in steps if step.sender == "s"), made=made)
    assert server.final == ("CLOSE-WAIT", "FIN-WAIT-1")


@pytest.mark.parametrize("seconds", [0, 1, 60, 240, 3600])
def test_how_long_time_wait_lasts(made: Machinery, seconds: int) -> None:
    steps = IN_STATE["TIME-WAIT"][0]
    frames = frames_of(steps)
    entered = frames[7].time_ns
    options = {"time_wait_ns": seconds * SECOND}
    before = follow(frames, made, until_ns=entered + seconds * SECOND - 1, **options)
    assert before.final[0] == ("TIME-WAIT" if seconds else "CLOSED")
    after = follow(frames, made, until_ns=entered + seconds * SECOND, **options)
    if seconds:
        assert after.client[-1] == ("timeout 2MSL", "CLOSED", None, None)
        assert after.outcome.moves.dwell_ns[len(after.client) - 1] == seconds * SECOND
    assert after.final[0] == "CLOSED"


def test_the_wait_ends_before_the_next_segment(made: Machinery) -> None:
    # The client is asked again after it has forgotten the connection.
    result = told(
        *IN_STATE["TIME-WAIT"][0],
        Step("s", "FA", 1, 12, after_ms=61_000),
        Step("c", "R", 12),
        made=made,
    )
    assert result.client[-1] == ("timeout 2MSL", "CLOSED", None, None)
    assert result.server[-1] == ("rcv RST", "CLOSED", 11, None)


def test_a_move_is_never_before_the_one_before_it(made: Machinery) -> None:
    # The server's FIN is seen first but reaches the client after it has closed.
    result = told(*IN_STATE["CLOSING"][0], made=made)
    own, peers = result.moves[2], result.moves[3]
    assert (own.trigger, own.frame, own.at_ms) == ("snd FIN", 7, 6)
    assert (peers.trigger, peers.frame, peers.at_ms) == ("rcv FIN", 6, 6)


def test_every_state_and_every_arrow_is_covered() -> None:
    """Whoever draws a new arrow has to tell a story about it."""
    made = fastest()
    results = [tell(name, made) for name in STORIES]
    results += [told(*MIDSTREAM)]
    for state in IN_STATE:
        results.append(in_state(state, "c", "RA" if state != "SYN-RECEIVED" else "R"))
        results.append(in_state(state, "s", "RA"))
        results.append(told(*IN_STATE[state][0], Step("c", "S", 90_000)))
    taken = set()
    states = {State.UNSEEN}
    for result in results:
        moves = result.outcome.moves
        for before, event, after in zip(
            moves.before.tolist(), moves.event.tolist(), moves.after.tolist(), strict=True
        ):
            assert TRANSITIONS[State(before), event] == after
            taken.add((before, event))
            states |= {State(before), State(after)}
    missing = [arrow for arrow in ARROWS if (arrow.state, arrow.event) not in taken]
    assert not missing
    assert states == set(State)
    assert all(
        (arrow.state, arrow.to) not in {(a.state, a.to) for a in ARROWS if a.drawn} for arrow in SILENT
    )


def test_tap_time_is_milliseconds() -> None:
    assert [move.at_ms for move in told(*IN_STATE["ESTABLISHED"][0]).moves] == [0, 1, 0, 2]
    assert MS * 1000 == SECOND
