"""The rules by which waits get their causes, one short conversation each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crafting import ACK, FIN, PSH, SYN
from segments import MS, Segment
from test_waits_hostile import accounts, frames_of

from netanalyze.tcp.waits import KINDS, NODELAY, SYSTEMS

if TYPE_CHECKING:
    from frames import Kernels

MSS = b"\x02\x04\x05\xb4"
TRIP = 20
"""Milliseconds from the capture point, which is at the client, to the server and back."""
OPEN = [
    Segment(0, 999, 0, SYN, window=60_000, options=MSS, at_ns=1),
    Segment(1, 4999, 1000, SYN | ACK, window=60_000, options=MSS, at_ns=TRIP * MS),
    Segment(0, 1000, 5000, ACK, window=60_000, at_ns=TRIP * MS + 10_000),
]


def client(ms: float, seq: int, size: int, acked: int = 5000, **more: Any) -> Segment:  # noqa: ANN401
    """The client sends payload."""
    flags = more.pop("flags", ACK | PSH)
    return Segment(0, seq, acked, flags, b"x" * size, window=60_000, at_ns=int(ms * MS), **more)


def server(ms: float, acked: int, size: int = 0, seq: int = 5000, window: int = 60_000) -> Segment:
    """The server acknowledges, and sends payload if it is told so."""
    return Segment(1, seq, acked, ACK, b"y" * size, window=window, at_ns=int(ms * MS))


def told(kernels: Kernels, *segments: Segment) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """Kinds of the stalls, each with the place of the segment that ended it; and columns of ``nagle``."""
    found = accounts(kernels, frames_of([*OPEN, *segments]))
    stalls = found["stalls"]
    ends = [number - len(OPEN) - 1 for number in stalls["end_frame"]]
    return list(zip((KINDS[kind] for kind in stalls["kind"]), ends, strict=True)), found["nagle"]


def test_a_small_segment_behind_a_small_one_is_held(fastest: Kernels) -> None:
    stalls, nagle = told(
        fastest,
        client(21, 1000, 100),
        server(81, 1100),
        client(81.1, 1100, 100),
        server(101.2, 1200, 50),
        client(101.3, 1200, 100, 5050),
        server(161.5, 1300, seq=5050),
        client(161.6, 1300, 100, 5050),
    )
    assert stalls == [("nagle_delayed_ack", 2), ("nagle_delayed_ack", 6)]
    assert NODELAY[nagle["nodelay"][0]] == "off"
    assert (nagle["delayed_acks"][1], nagle["delay_max_ns"][1]) == (2, 40_200_001)


def test_who_sends_small_ones_at_once_has_nodelay(fastest: Kernels) -> None:
    stalls, nagle = told(
        fastest,
        client(21, 1000, 100),
        client(21.1, 1100, 100),
        server(41, 1200),
        client(41.1, 1200, 100),
        server(91, 1300),
        client(91.1, 1300, 100),
    )
    assert NODELAY[nagle["nodelay"][0]] == "on"
    assert nagle["held"][0] == 0
    assert {kind for kind, _ in stalls} == {"client_thinking"}


def test_a_tail_behind_one_full_segment_is_held_by_the_classic_algorithm(fastest: Kernels) -> None:
    full = (client(21, 1000, 1460), server(241, 2460), client(241.1, 2460, 100))
    assert told(fastest, *full)[0] == [("nagle_delayed_ack", 2)]
    prompt = (client(21, 1000, 1460), server(41, 2460), client(41.1, 2460, 100))
    assert told(fastest, *prompt)[0] == []


def test_a_program_that_takes_its_time_is_not_held(fastest: Kernels) -> None:
    stalls, _ = told(fastest, client(21, 1000, 100), server(41, 1100), client(60, 1100, 100))
    assert stalls == [("client_thinking", 2)]


def test_a_closed_window_nobody_minds_is_no_stall(fastest: Kernels) -> None:
    closed = (client(21, 1000, 1000), server(41, 2000, window=0), server(541, 2000))
    assert told(fastest, *closed, client(541.1, 2000, 100))[0] == [("zero_window", 2)]
    stalls, _ = told(fastest, *closed, client(900, 2000, 100))
    assert {kind for kind, _ in stalls} == {"client_thinking"}


def test_a_window_without_room_is_waited_for(fastest: Kernels) -> None:
    narrow = [OPEN[0], OPEN[1]._replace(window=2000), OPEN[2]]
    segments = [
        client(26, 1000, 1460),
        server(46, 2460, window=540),
        server(146, 2460, window=2000),
        client(146.1, 2460, 1460),
    ]
    stalls = accounts(fastest, frames_of([*narrow, *segments]))["stalls"]
    assert KINDS[stalls["kind"][-1]] == "window_full"
    assert stalls["duration_ns"][-1] == 120_100_000
    assert (stalls["frame"][-1], stalls["cause_frame"][-1], stalls["end_frame"][-1]) == (4, 6, 7)


def test_long_delays_point_to_another_system(fastest: Kernels) -> None:
    parts = []
    for number in range(4):
        begin, seq = 21 + 1000 * number, 1000 + 100 * number
        parts += [client(begin, seq, 100), server(begin + TRIP + 200, seq + 100)]
    _, nagle = told(fastest, *parts)
    assert SYSTEMS[nagle["system"][1]] == "Windows or older BSD"
    assert nagle["system_percent"][1] == 100
    assert nagle["delayed_acks"][1] == 4


def test_what_follows_the_last_news_is_idle(fastest: Kernels) -> None:
    found = accounts(fastest, frames_of([*OPEN, client(21, 1000, 100), server(41, 1100), server(941, 1100)]))[
        "waits"
    ]
    assert found["idle_ns"] == [900 * MS]
    assert found["network_ns"] == [2 * TRIP * MS + 10_000 - 1]


def test_the_end_belongs_to_the_program_that_closes(fastest: Kernels) -> None:
    stalls, _ = told(fastest, client(21, 1000, 100), server(41, 1100), client(500, 1100, 0, flags=ACK | FIN))
    assert stalls == [("client_thinking", 2)]
