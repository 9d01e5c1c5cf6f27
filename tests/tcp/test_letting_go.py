"""Streams that are finished are let go of, and no table of sums shows it."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from crafting import ethernet_of, icmp, ip4, udp
from frames import Frame, batches
from hypothesis import given
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import CLIENT_CLOSES, MS, OPENED, READY, SECOND, SYN_, SYN_ACK, THIRD, Step, frames_of

import netanalyze
from netanalyze import kernels
from netanalyze.capture import open_capture
from netanalyze.pipeline import Engine, Options
from netanalyze.tcp import finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.capture.batch import Batch

TABLES = ("populations", "closers", "listeners", "protocols", "ledger")
CAPTURES = sorted(
    path
    for path in (Path(__file__).parents[2] / "captures").iterdir()
    if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"}
)
OFTEN, NEVER = 1, 1 << 40
"""Rows from which on to let go: at every batch, and not at all."""


class Outcome(NamedTuple):
    """What a run gave, and what it held: rows of TCP and UDP at most at once, and streams let go of."""

    tables: dict[str, list[dict[str, Any]]]
    most: tuple[int, int]
    let_go: int


def outcome(
    capture: Iterable[Batch],
    least: int,
    *,
    tables: tuple[str, ...] = TABLES,
    two_threads: bool = False,
    time_wait_ns: int = 60 * SECOND,
) -> Outcome:
    """Take batches through an engine that lets go from ``least`` rows on."""
    most = (0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finished, "LEAST_ROWS", least)
        if least == OFTEN:
            patch.setattr(finished, "_SHARE", 1 << 40)
            patch.setattr(finished, "_LOOKS", 1 << 40)
        engine = Engine(Options(tables=tables, time_wait_ns=time_wait_ns), two_threads=two_threads)
        for batch in capture:
            engine.feed(batch)
            counts = engine._flows.tcp.count, engine._flows.udp.count
            most = (max(most[0], counts[0]), max(most[1], counts[1]))
    there: Any = SimpleNamespace(files=(), warnings=())
    report = engine.finish(there)
    return Outcome({name: report[name].to_dicts() for name in tables}, most, engine._flows.tcp.let_go)


CLIENTS = tuple(f"10.9.1.{number}" for number in range(5))
SERVERS = tuple(f"10.9.2.{number}" for number in range(3))
SILENT = ("10.9.3.7", "10.9.3.9")
"""Hosts that do not answer. The first one has sent a few datagrams in the beginning."""
STUCK = (*READY, Step("c", "FA", 11, 1), Step("s", "A", 1, 12))
"""The server's application does not close."""
SYN_FIRST = [
    story.steps for story in STORIES.values() if story.steps[0].flags == "S" and story.steps[0].sender == "c"
]
"""What begins in the middle of a connection would go on with the one that had the ports before."""


def everything(seed: int, count: int, every_ns: int) -> list[Frame]:
    """Connections of all kinds, one after the other, some on ports that were used before."""
    dice = random.Random(seed)
    found: list[Frame] = []
    for number in range(count):
        start_ns = number * every_ns + dice.randrange(every_ns)
        options: dict[str, Any] = {
            "isns": (dice.randrange(1 << 32), dice.randrange(1 << 32)),
            "start_ns": start_ns,
            "ports": (20_000 + number, 80 + dice.randrange(3)),
            "hosts": (dice.choice(CLIENTS), dice.choice(SERVERS)),
        }
        kind = dice.randrange(10)
        if kind == 0:  # a client with few ports, in TIME-WAIT or whatever became of the connection before
            options |= {"ports": (1024 + dice.randrange(10), 80), "hosts": (CLIENTS[0], SERVERS[0])}
            found += frames_of(dice.choice(SYN_FIRST), **options)
        elif kind == 1:  # a dead host, which clients try again and again
            options |= {
                "ports": (2048 + dice.randrange(20), 9),
                "hosts": (dice.choice(CLIENTS), dice.choice(SILENT)),
            }
            found += frames_of(
                [SYN_, *(SYN_._replace(after_ms=1000 << times) for times in range(6))], **options
            )
        elif kind == 2:  # an ICMP error
            options |= {"hosts": (dice.choice(CLIENTS), "10.9.3.8")}
            (frame,) = frames_of((SYN_,), **options)
            error = ip4(icmp(3, dice.choice((1, 13)), frame.data[14:]), 1, "10.9.3.1", options["hosts"][0])
            found += [frame, Frame(ethernet_of(error), time_ns=frame.time_ns + MS)]
        elif kind == 3:  # UDP, which tells of the hosts that it comes from, and has a name
            datagram = udp(bytes(30), 5000 + number, 53)
            packet = ip4(
                datagram, 17, SILENT[0] if number < 100 else CLIENTS[0], SERVERS[0], ident=number % 65536
            )
            found.append(Frame(ethernet_of(packet), time_ns=start_ns))
        elif kind == 4:
            found += together(dice, options)
        elif kind == 5 and number % 7 == 0:
            found += overflow(dice, options)
        else:
            found += frames_of(dice.choice(list(STORIES.values())).steps, **options)
    return sorted(found, key=lambda frame: frame.time_ns)


def together(dice: random.Random, options: dict[str, Any]) -> list[Frame]:
    """A process that has not closed some connections exits; now and then it only took its time with one."""
    port, client = options["ports"][0], dice.choice(CLIENTS)
    start_ns = options["start_ns"]
    found: list[Frame] = []
    for number in range(dice.choice((1, 2, 3))):
        last = dice.choice(((Step("s", "FA", 1, 12), Step("c", "A", 12, 2)), (Step("s", "RA", 1, 12),)))
        if number == 1:
            last = last[:1]  # with a FIN it stays in LAST-ACK, where it is not let go of
        wait = last[0]._replace(after_ms=2000 - 3 * number)
        found += frames_of(
            (*STUCK, wait, *last[1:]),
            **options | {
                "ports": (port + 30_000 + number, 443),
                "hosts": (client, SERVERS[1]),
                "start_ns": start_ns + number * 3 * MS,
            },
        )  # fmt: skip
    return found


def overflow(dice: random.Random, options: dict[str, Any]) -> list[Frame]:
    """A server that accepts late: some wait, some SYNs get no answer at first, some ACKs are ignored."""
    found: list[Frame] = []
    for number in range(8):
        start_ns = options["start_ns"] + number * 10 * MS
        mine = options | {"hosts": (dice.choice(CLIENTS), SERVERS[2]), "start_ns": start_ns}
        mine["ports"] = options["ports"][0] + number * 4000, 8080
        served = (Step("s", "PA", 1, 11, 5, after_ms=3500 - number * 10), Step("c", "A", 11, 6))
        asks = Step("c", "PA", 1, 1, 10)
        if number < 5:
            steps = (*OPENED, asks, *served, Step("c", "RA", 11, 6))
        elif number < 7:
            steps = (SYN_, SYN_._replace(after_ms=1000), SYN_._replace(after_ms=3000), *OPENED[1:], asks)
            steps += (Step("s", "PA", 1, 11, 5), Step("s", "FA", 6, 11), Step("c", "FA", 11, 7))
            steps += (Step("s", "A", 7, 12),)
        else:
            again = SYN_ACK._replace(after_ms=1000)
            steps = (SYN_, SYN_ACK, THIRD, asks, asks._replace(after_ms=300), again, THIRD, asks, *served)
        found += frames_of(steps, **mine)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_nothing_shows_it(seed: int) -> None:
    count = 2000 if kernels.kind() == "compiled" else 600
    frames = everything(seed, count, 600 * MS)
    kept = outcome(batches(frames, 500), NEVER)
    let_go = outcome(batches(frames, 37), OFTEN)
    assert kept.let_go == 0
    assert let_go.let_go > count // 4
    assert let_go.most[1] < kept.most[1] // 2
    for name in TABLES:
        assert let_go.tables[name] == kept.tables[name], name
    verdicts = {row["verdict"] for row in kept.tables["listeners"]}
    assert {"accept queue full", "filtered", "host dead"} <= verdicts
    assert sum(row["leaks_ended_by_exit"] for row in kept.tables["closers"]) > count // 30


@pytest.mark.parametrize("tables", [("listeners",), ("closers",), ("populations",), ("listeners", "closers")])
def test_nothing_shows_it_in_one_table(tables: tuple[str, ...]) -> None:
    frames = everything(9, 600, SECOND)
    kept = outcome(batches(frames, 500), NEVER, tables=tables)
    let_go = outcome(batches(frames, 50), OFTEN, tables=tables)
    assert let_go.tables == kept.tables
    assert let_go.let_go > 150


@pytest.mark.parametrize("time_wait_ns", [0, 240 * SECOND])
def test_however_long_time_wait_lasts(time_wait_ns: int) -> None:
    frames = everything(3, 500, 2 * SECOND)
    kept = outcome(batches(frames, 500), NEVER, time_wait_ns=time_wait_ns)
    let_go = outcome(batches(frames, 50), OFTEN, time_wait_ns=time_wait_ns)
    assert let_go.tables == kept.tables
    assert let_go.let_go > 100


def test_two_threads() -> None:
    frames = everything(4, 500, 2 * SECOND)
    held = [list(batches(frames, 50)) for _ in range(2)]  # batches stay as they are
    one, two = (outcome(found, OFTEN, two_threads=number == 1) for number, found in enumerate(held))
    assert (one.tables, one.let_go) == (two.tables, two.let_go)


def test_a_table_with_a_row_for_each_stream_keeps_all() -> None:
    frames = everything(5, 300, 2 * SECOND)
    assert outcome(batches(frames, 50), OFTEN, tables=(*TABLES, "http")).let_go == 0
    for more in ("streams", "transitions"):
        found = outcome(batches(frames, 50), OFTEN, tables=(*TABLES, more))
        assert found.let_go == 0
        streams = {row["stream"] for row in found.tables[more]}
        assert max(streams) + 1 == found.most[0]
    found = outcome(batches(frames, 50), OFTEN, tables=("closers", "udp"))
    assert found.let_go > 0
    assert len(found.tables["udp"]) == found.most[1] > 10


def test_an_attempt_lasts_as_long_as_the_capture_does() -> None:
    """All streams may be gone at the end."""
    frames = [*frames_of((SYN_,)), *(Frame(bytes(60), time_ns=at * 100 * SECOND) for at in range(1, 10))]
    kept, let_go = (outcome(batches(frames, 1), least) for least in (NEVER, OFTEN))
    assert let_go.tables == kept.tables
    assert let_go.let_go == 1
    (attempt,) = let_go.tables["populations"]
    assert attempt["longest_ns"] == 899 * SECOND - MS
    assert attempt["still_open"] == 1


def test_after_a_long_pause() -> None:
    """What is known of the time comes from what was analysed."""
    frames = [*frames_of((SYN_,)), *frames_of(CLIENT_CLOSES, start_ns=4000 * SECOND, ports=(1, 2))]
    kept, let_go = (outcome(batches(frames, 1), least) for least in (NEVER, OFTEN))
    assert let_go.tables == kept.tables
    assert let_go.let_go == 1
    assert let_go.tables["listeners"][0]["verdict"] == "filtered"


def long_capture() -> Iterator[Batch]:
    """All sample captures, each ten minutes after the one before.

    Of several that were taken of the same connections in different places there is one.
    """
    frame, now_ns = 1, 0
    known: set[tuple[Any, ...]] = set()
    for path in CAPTURES:
        rows = netanalyze.analyze(path, reports=["streams"])["streams"]
        mine = {(row.client, row.client_port, row.server, row.server_port) for row in rows}
        if mine & known:
            continue
        known |= mine
        with open_capture([path]) as capture:
            begin_ns = None
            for batch in capture:
                times = batch.arrays["time_ns"][: batch.count]
                if begin_ns is None and batch.count:
                    begin_ns = now_ns + 600 * SECOND - int(times[0])
                times += begin_ns or 0
                now_ns = int(times.max(initial=now_ns))
                batch.first_frame = frame
                frame += batch.count
                yield batch


def test_captures() -> None:
    kept, let_go = outcome(long_capture(), NEVER), outcome(long_capture(), OFTEN)
    assert let_go.tables == kept.tables
    assert let_go.let_go > kept.most[0] // 2


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from("cs"),
            st.sampled_from(("S", "SA", "A", "PA", "FA", "R", "RA", "F", "SF")),
            st.integers(0, 3),
            st.sampled_from((0, MS, SECOND, 100 * SECOND, 400 * SECOND, -500 * SECOND, 1 << 62, -(1 << 62))),
        ),
        max_size=40,
    )
)
def test_any_segments_at_any_time(segments: list[tuple[int, str, str, int, int]]) -> None:
    """Whatever comes whenever: each stream counts once, also where clocks jump."""
    frames = []
    now = 0
    for port, sender, flags, seq, after_ns in segments:
        now = min(max(now + after_ns, -(1 << 63)), (1 << 63) - 1)
        (frame,) = frames_of((Step(sender, flags, seq, 1, 3 * seq),), ports=(5000 + port, 80))
        frames.append(frame._replace(time_ns=now))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finished, "LEAST_ROWS", 1)
        patch.setattr(finished, "_SHARE", 1 << 40)
        patch.setattr(finished, "_LOOKS", 1 << 40)
        engine = Engine(Options(tables=TABLES))
        for batch in batches(frames, 2):
            engine.feed(batch)
    there: Any = SimpleNamespace(files=(), warnings=())
    report = engine.finish(there)
    streams = engine._flows.tcp.let_go + engine._flows.tcp.count
    assert sum(row.connections for row in report["closers"]) == streams
    tried = sum(row.attempts for row in report["listeners"])
    assert tried <= streams
    assert report.to_json()


@pytest.mark.parametrize("count", [1000, 3000])
def test_what_is_held_does_not_grow(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that last a second, one a second, on ports that come again after ten minutes."""
    monkeypatch.setattr(finished, "LEAST_ROWS", 64)
    engine = Engine(Options(tables=TABLES))
    frames = [
        frame
        for number in range(count)
        for frame in frames_of(
            CLIENT_CLOSES,
            start_ns=number * SECOND,
            ports=(20_000 + number % 600, 80),
            isns=(7 * number, 11 * number),
        )
    ]
    most = np.zeros(4, np.int64)
    for batch in batches(frames, 64):
        engine.feed(batch)
        assert engine._tcp is not None
        machines, handshakes = engine._tcp._machines, engine._tcp._handshakes
        assert machines is not None
        assert handshakes is not None
        held = (
            engine._flows.tcp.count,
            engine._identifier._tcp.count,
            machines._count // 12,
            int((handshakes._rows.array[:, 2] > 0).sum()),
        )
        most = np.maximum(most, held)
    # Two minutes and TIME-WAIT's one are 180 connections, and twice as many come before it is worth while.
    assert (most < 2 * 180 + 40).all()
    there: Any = SimpleNamespace(files=(), warnings=())
    report = engine.finish(there)
    (closer,) = report["closers"]
    (listener,) = report["listeners"]
    assert closer.connections == closer.client_first == listener.established == count
    (waiting,) = [row for row in report["populations"] if row.state == "TIME-WAIT"]
    assert (waiting.connections, waiting.peak) == (count, 60)
