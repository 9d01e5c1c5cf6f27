"""What is added up from the moves: populations, and who closes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frames import Frame, batches
from hypothesis import given
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import CLIENT_CLOSES, MS, READY, SECOND, SYN_, Step, fastest, frames_of

from netanalyze.errors import UsageError
from netanalyze.model import NULL
from netanalyze.tcp.closers import Closers
from netanalyze.tcp.machines import Machines
from netanalyze.tcp.populations import EPHEMERAL_PORTS, Populations
from netanalyze.tcp.queues import peaks
from netanalyze.tcp.states import State

SPANS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 20), st.none() | st.integers(1, 10)).map(
        lambda span: (span[0], span[1], None if span[2] is None else span[1] + span[2])
    )
)


@given(SPANS)
def test_peaks(spans: list[tuple[int, int, int | None]]) -> None:
    expected = {}
    for key in sorted({span[0] for span in spans}):
        mine = [(start, end) for which, start, end in spans if which == key]
        counts = [
            (sum(start <= now and (end is None or now < end) for start, end in mine), -now)
            for now in range(40)
        ]
        most, when = max(counts)
        expected[key] = (most, -when)
    columns = [np.array([span[place] for span in spans], np.int64) for place in (0, 1)]
    ends = np.array([NULL if span[2] is None else span[2] for span in spans], np.int64)
    keys, most_of, when_of = (column.tolist() for column in peaks(*columns, ends))
    assert dict(zip(keys, zip(most_of, when_of, strict=True), strict=True)) == expected
    # So long a time that keys and times do not fit in one number.
    later = np.where(ends == NULL, NULL, ends << 57)
    again = [column.tolist() for column in peaks(columns[0], columns[1] << 57, later)]
    assert again == [keys, most_of, [when << 57 for when in when_of]]


def added_up(frames: list[Frame]) -> tuple[dict[tuple[int, int], dict[str, Any]], list[dict[str, Any]]]:
    """Populations by the last octet of the host and state, and closers."""
    made = fastest()
    frames = sorted(frames, key=lambda frame: frame.time_ns)
    decoder = made.kernels.decode.Decoder(len(frames))
    flows = made.kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    machines = made.machines.Machines()
    (batch,) = batches(frames, len(frames))
    packets = decoder.decode(batch)
    flows.add(batch, packets)
    machines.add(batch, packets, flows.tcp.count)
    moves = machines.finish(flows.tcp).moves
    side = made.kernels.summary.client_side(flows.tcp, ())
    streams = made.kernels.summary.stream_columns(flows.tcp, ())
    sums = Populations(60 * SECOND), Closers()
    for table in sums:
        table.look(moves, side)
    populations, closers = (rows(table.columns(streams)) for table in sums)
    return {(row["host_lo"] & 0xFF, row["state"]): row for row in populations}, closers


def rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    lists = {
        name: [None if value == NULL else value for value in column.tolist()]
        for name, column in columns.items()
        if not name.endswith("_names")
    }
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


CLIENT, SERVER = 1, 2


def connections(steps: tuple[Step, ...], count: int, every_ns: int) -> list[Frame]:
    """The same again and again, from one port after the other."""
    return [
        frame
        for number in range(count)
        for frame in frames_of(steps, ports=(20_000 + number, 80), start_ns=number * every_ns)
    ]


def test_time_wait_uses_up_the_ports() -> None:
    count, every_ns = 600, 2 * MS
    populations, closers = added_up(connections(CLIENT_CLOSES, count, every_ns))
    waiting = populations[CLIENT, State.TIME_WAIT]
    assert (waiting["connections"], waiting["peak"], waiting["still_open"]) == (count,) * 3
    assert (waiting["busiest_server_lo"] & 0xFF, waiting["busiest_server_port"]) == (SERVER, 80)
    assert (waiting["busiest_peak"], waiting["ports_percent"]) == (count, 2)
    assert waiting["ports_last_ns"] == EPHEMERAL_PORTS * every_ns
    assert waiting["stuck"] is None
    assert (SERVER, State.TIME_WAIT) not in populations
    (closer,) = closers
    assert (closer["connections"], closer["client_first"], closer["server_first"]) == (count, count, 0)


def test_ports_that_come_back_as_fast_as_they_go_last_for_ever() -> None:
    populations, _ = added_up(connections(CLIENT_CLOSES, 600, 3 * MS))
    assert populations[CLIENT, State.TIME_WAIT]["ports_last_ns"] is None


def test_a_rate_needs_a_second() -> None:
    populations, _ = added_up(connections(CLIENT_CLOSES, 100, MS))
    assert populations[CLIENT, State.TIME_WAIT]["ports_last_ns"] is None


def test_ports_are_counted_by_destination() -> None:
    frames = connections(CLIENT_CLOSES, 5, 100 * MS)
    for number in range(7):
        frames += frames_of(CLIENT_CLOSES, ports=(30_000 + number, 443), start_ns=number * 100 * MS)
    waiting = added_up(frames)[0][CLIENT, State.TIME_WAIT]
    assert (waiting["peak"], waiting["busiest_peak"], waiting["busiest_server_port"]) == (12, 7, 443)


def test_time_wait_of_a_server_takes_no_ports() -> None:
    steps = (
        *READY,
        Step("s", "FA", 1, 11),
        Step("c", "FA", 11, 2),
        Step("s", "A", 2, 12),
    )
    populations, (closer,) = added_up(connections(steps, 3, SECOND))
    waiting = populations[SERVER, State.TIME_WAIT]
    assert (waiting["peak"], waiting["busiest_peak"], waiting["ports_percent"]) == (3, None, None)
    assert (closer["server_first"], closer["client_first"]) == (3, 0)


def test_a_stay_of_no_time_is_none() -> None:
    populations, _ = added_up(frames_of(STORIES["FIN answered with FIN"].steps))
    assert (CLIENT, State.FIN_WAIT_2) not in populations
    assert (CLIENT, State.LISTEN) not in populations
    assert populations[SERVER, State.CLOSE_WAIT]["longest_ns"] == MS


NEVER_CLOSED = (*READY, Step("c", "FA", 11, 1), Step("s", "A", 1, 12))


def test_leaks_until_the_end() -> None:
    frames = connections(NEVER_CLOSED, 10, 6 * SECOND)
    populations, (closer,) = added_up(frames)
    # The last one has been there for no time at all.
    assert (closer["server_leaks"], closer["leaks_ended_by_exit"]) == (9, 0)
    assert (closer["leaks_per_minute"], closer["leak_interval_ns"]) == (10, 6 * SECOND)
    waiting = populations[SERVER, State.CLOSE_WAIT]
    assert (waiting["still_open"], waiting["stuck"], waiting["peak"]) == (10, 9, 10)
    assert populations[CLIENT, State.FIN_WAIT_2]["stuck"] == 9


@pytest.mark.parametrize(
    ("end", "leaks"),
    [
        ((Step("s", "RA", 1, 12, after_ms=2_000),), 1),  # reset at exit
        ((Step("s", "RA", 1, 12, after_ms=500),), 0),  # soon enough
        ((Step("s", "FA", 1, 12, after_ms=2_000), Step("c", "A", 12, 2)), 0),  # only slow
    ],
)
def test_how_a_leak_ends(end: tuple[Step, ...], leaks: int) -> None:
    _, (closer,) = added_up(frames_of((*NEVER_CLOSED, *end)))
    assert (closer["server_leaks"], closer["leaks_ended_by_exit"]) == (leaks, leaks)
    assert (closer["leaks_per_minute"], closer["client_first"]) == (None, 1)


def test_closed_together_is_an_exit() -> None:
    frames: list[Frame] = []
    for number in range(3):
        wait_ms = 3_000 - number * 400  # all end at the same time
        steps = (*NEVER_CLOSED, Step("s", "FA", 1, 12, after_ms=wait_ms), Step("c", "A", 12, 2))
        frames += frames_of(steps, ports=(20_000 + number, 80), start_ns=number * 400 * MS)
    _, (closer,) = added_up(frames)
    assert (closer["server_leaks"], closer["leaks_ended_by_exit"]) == (3, 3)


def test_a_client_that_does_not_close() -> None:
    steps = (*READY, Step("s", "FA", 1, 11), Step("c", "A", 11, 2), Step("c", "PA", 11, 2, 1, after_ms=5_000))
    _, (closer,) = added_up(frames_of(steps))
    assert (closer["client_leaks"], closer["server_leaks"], closer["server_first"]) == (1, 0, 1)


def test_every_connection_has_an_end_or_none() -> None:
    stories = {
        "client_first": CLIENT_CLOSES,
        "server_first": (*READY, Step("s", "FA", 1, 11)),
        "simultaneous": STORIES["simultaneous close"].steps,
        "client_resets": (*READY, Step("c", "RA", 11, 1)),
        "server_resets": (*READY, Step("s", "RA", 1, 11)),
        "refused": STORIES["refused"].steps,
        "not_closed": READY,
    }
    frames: list[Frame] = []
    for number, steps in enumerate(stories.values()):
        frames += frames_of(steps, ports=(20_000 + number, 80))
    frames += frames_of((SYN_,), ports=(30_000, 81))
    _, (closer, other) = added_up(frames)
    assert {name: closer[name] for name in stories} == dict.fromkeys(stories, 1)
    assert closer["connections"] == len(stories)
    assert (other["server_port"], other["connections"], other["not_closed"]) == (81, 1, 1)


def test_a_reset_after_the_syn_ack_is_no_refusal() -> None:
    _, (closer,) = added_up(frames_of((SYN_, Step("s", "SA", 0, 1), Step("s", "R", 1))))
    assert (closer["refused"], closer["server_resets"], closer["not_closed"]) == (0, 1, 0)


def test_no_connections() -> None:
    populations, closers = added_up([Frame(bytes(60))])
    assert (populations, closers) == ({}, [])


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_time_wait_out_of_range(seconds: int) -> None:
    with pytest.raises(UsageError, match="TIME-WAIT lasts from 0 to 3600 seconds"):
        Machines(time_wait_ns=seconds * SECOND)
