"""Rows that are taken while a capture goes on are those of its report, and streams leave."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frames import Frame
from frames import batches as crafted
from hypothesis import given
from hypothesis import strategies as st
from tcp_steps import CLIENT_CLOSES, READY, frames_of

from netanalyze import ongoing
from netanalyze.capture import open_capture
from netanalyze.ongoing import Bounds, OngoingEngine
from netanalyze.pipeline import Engine, Options
from netanalyze.report.table import Table
from netanalyze.tcp.node_lists import give_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.capture.batch import Batch

CAPTURES = Path(__file__).parents[2] / "captures"
TABLES = ("streams", "directions", "limits", "events", "transitions", "udp", "http", "websocket", "dns")
SOME = [
    "mixed.pcapng", "http-keepalive.pcapng", "lossy-transfer-client.pcap", "closing-both.pcap",
    "port-reuse.pcap", "http-variety.pcap", "websocket.pcap", "midstream.pcap.gz", "zero-window.pcap",
    "http-loss.pcap", "http-hang-ups-server.pcap", "refused.pcapng", "dns-dnsmasq.pcap", "dns-lookups.pcap",
    "dns-waits.pcap",
]  # fmt: skip
STATES = {"client_state", "server_state"}
"""Of the time when the row was taken: TIME-WAIT ends later."""

PATTERNS = {"pattern", "note"}
"""Which later queries may show."""


def nothing(**given: Any) -> Any:  # noqa: ANN401 - stands for a capture
    return SimpleNamespace(files=(), warnings=(), **given)


def batches(path: Path, size: int) -> Iterator[Batch]:
    """A capture in batches of a few frames, as an interface gives them."""
    with open_capture([str(path)]) as capture:
        for batch in capture:
            count, first = batch.count, batch.first_frame
            for begin in range(0, count, size):
                part = type(batch)(batch.capacity)
                for name, array in batch.arrays.items():
                    some = array[begin : min(begin + size, count)]
                    part.arrays[name][: len(some)] = some
                part.data, part.count, part.first_frame = batch.data, min(size, count - begin), first + begin
                yield part


def key_of(name: str, row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a row from the others of its table."""
    keys = ("stream", "flow", "sender", "endpoint", "frame", "response_frame", "kind", "to_state", "trigger")
    return (name, *(row.get(key) for key in keys if key in row))


def final(path: Path, time_wait_ns: int = 60_000_000_000) -> dict[str, list[dict[str, Any]]]:
    engine = Engine(Options(tables=TABLES, time_wait_ns=time_wait_ns))
    with open_capture([str(path)]) as capture:
        for batch in capture:
            engine.feed(batch)
        return engine.finish(capture).to_dicts()


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("name", SOME)
def test_rows_taken_are_those_of_the_report(name: str, size: int) -> None:
    engine = OngoingEngine(Options(tables=TABLES), Bounds(keep_rows=False, give_rows=True))
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    early = 0
    for batch in batches(CAPTURES / name, size):
        engine.feed(batch)
        for table, rows in engine.take():
            dicts = [dict(zip(row.__struct_fields__, row.__reduce__()[1], strict=True)) for row in rows]
            early += len(dicts)
            found |= {key_of(table, row): row for row in dicts}
    for table, more in engine.finish(nothing()).to_dicts().items():
        if table in TABLES:
            found |= {key_of(table, row): row for row in more}
    expected = {key_of(name, row): row for name, rows in final(CAPTURES / name).items() for row in rows}
    expected = {key: row for key, row in expected.items() if key[0] in TABLES}
    assert found.keys() == expected.keys()
    for key, row in found.items():
        without = {"streams": STATES, "dns": PATTERNS}.get(str(key[0]), set())
        told = {column: row[column] for column in row if column not in without}
        assert told == {column: expected[key][column] for column in told}, key


LONG = [
    "handshake-retry.pcap", "http-connections.pcap", "http-cookies.pcap", "http-encodings.pcap",
    "http-hang-ups-client.pcap", "http-hang-ups-server.pcap", "injected-faults-sender.pcap",
    "limited-transfers.pcap", "rtt-delays-middle.pcap",
]  # fmt: skip
"""Captures in which streams end long before others."""


@pytest.mark.parametrize("size", [7, 50])
@pytest.mark.parametrize("name", LONG)
def test_report_is_the_same_after_streams_have_left(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ongoing, "LOOK_NS", 0)
    monkeypatch.setattr(ongoing, "LEAVE_NS", 1_000_000_000)
    engine = OngoingEngine(Options(tables=TABLES, time_wait_ns=0), Bounds())
    for batch in batches(CAPTURES / name, size):
        engine.feed(batch)
    assert engine._flows.tcp.let_go > 0
    told = engine.finish(nothing()).to_dicts()
    expected = final(CAPTURES / name, time_wait_ns=0)
    for table in TABLES:
        assert len(told[table]) == len(expected[table]), table
        for row, other in zip(told[table], expected[table], strict=True):
            changed = {column for column in row if row[column] != other[column]}
            assert changed <= LATER, (table, row, other)


LATER = {"detail", "client_state", "server_state"}
"""What frames may tell that come when the stream has left."""


SECOND = 1_000_000_000


def many(count: int, *, closed: bool = True) -> Iterator[Batch]:
    """A hundred connections a second, one after the other: a request, a response, FIN from both sides."""
    steps = CLIENT_CLOSES if closed else READY
    frames: list[Frame] = []
    for number in range(count):
        client = f"10.9.{number // 250 % 250}.{number % 250 + 1}"
        start_ns = SECOND + number * SECOND // 100
        frames += frames_of(steps, start_ns=start_ns, ports=(20_000 + number, 80), hosts=(client, "10.8.0.1"))
    return crafted(sorted(frames, key=lambda frame: frame.time_ns), 64)


@pytest.mark.parametrize("keep", [True, False])
def test_no_more_streams_are_kept_than_asked_for(*, keep: bool) -> None:
    tables = (
        "streams",
        "directions",
        "limits",
        "events",
        "transitions",
        "populations",
        "closers",
        "listeners",
    )
    engine = OngoingEngine(Options(tables=tables), Bounds(max_streams=50, keep_rows=keep, give_rows=not keep))
    told: list[int] = []
    most = 0
    for batch in many(1000):
        engine.feed(batch)
        most = max(most, engine._flows.tcp.count)
        told += [row.stream for name, rows in engine.take() if name == "streams" for row in rows]
    report = engine.finish(nothing())
    rest = report["streams"].to_dicts()
    assert most <= 50 + 64
    if keep:
        assert [row["stream"] for row in rest] == list(range(950, 1000))
        assert any("newest rows" in line for line in report.warnings)
    else:
        assert sorted({*told, *(row["stream"] for row in rest)}) == list(range(1000))
    sums = Engine(Options(tables=("closers", "listeners")))
    for batch in many(1000):
        sums.feed(batch)
    expected = sums.finish(nothing()).to_dicts()
    assert report["closers"].to_dicts() == expected["closers"]
    assert report["listeners"].to_dicts() == expected["listeners"]


def test_open_streams_that_leave_are_counted() -> None:
    engine = OngoingEngine(Options(tables=("streams",)), Bounds(max_streams=50))
    for batch in many(300, closed=False):
        engine.feed(batch)
    report = engine.finish(nothing())
    assert engine.evicted["open"] >= 250 - 64
    assert f"{engine.evicted['open']} open TCP streams left" in report.warnings[0]


def test_open_streams_leave_when_they_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ongoing, "LOOK_NS", 0)
    engine = OngoingEngine(Options(tables=("streams",)), Bounds(idle_ns=SECOND))
    most = 0
    for batch in many(1000, closed=False):
        engine.feed(batch)
        most = max(most, engine._flows.tcp.count)
    assert most < 300
    assert not engine.evicted["open"]
    assert len(engine.finish(nothing())["streams"]) == 1000


def test_nodes_of_streams_that_left_are_used_again() -> None:
    engine = OngoingEngine(Options(tables=("streams", "limits", "events")), Bounds(max_streams=20))
    used = []
    for batch in many(2000, closed=False):
        engine.feed(batch)
        assert engine._tcp is not None
        used.append(engine._tcp._sequences._nodes.array.shape[0])  # type: ignore[union-attr]
    assert used[-1] == used[len(used) // 2]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_lists_are_given_back_once(lengths: list[int], data: st.DataObject) -> None:
    nodes = np.zeros((sum(lengths) + 1, 2), np.int64)
    state = np.zeros((len(lengths), 1), np.int64)
    at = 1
    for row, length in enumerate(lengths):
        state[row, 0] = at
        for node in range(at, at + length):
            nodes[node, 1] = node + 1 if node < at + length - 1 else 0
        at += length
    gone = sorted(data.draw(st.sets(st.integers(0, len(lengths) - 1))))
    counters = memoryview(np.array([sum(lengths), 0], np.int64))  # type: ignore[arg-type]
    give_back(nodes, state[gone], (0,), 1, counters)
    free = []
    node = counters[1]
    while node:
        free.append(int(node))
        node = nodes[node, 1]
    assert len(free) == len(set(free)) == sum(lengths[row] for row in gone)


@pytest.mark.parametrize("options", [{}, {"like_wireshark": True}], ids=["", "wireshark"])
@pytest.mark.parametrize("two_threads", [False, True])
def test_rows_are_the_same_where_streams_leave_early(options: dict[str, Any], *, two_threads: bool) -> None:
    path = CAPTURES / "http-connections.pcap"
    asked = Options(tables=TABLES, **options)
    engine = OngoingEngine(
        asked, Bounds(max_streams=10, keep_rows=False, give_rows=True), two_threads=two_threads
    )
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for batch in batches(path, 16):
        engine.feed(batch)
        for table, rows in engine.take():
            found |= {
                key_of(table, row): row for row in Table.from_rows(table, type(rows[0]), rows).to_dicts()
            }
    gone = engine._flows.tcp.let_go
    told = engine.finish(nothing()).to_dicts()
    found |= {key_of(table, row): row for table in TABLES for row in told[table]}
    plain = Engine(asked)
    for batch in batches(path, 16):
        plain.feed(batch)
    expected = plain.finish(nothing()).to_dicts()
    assert gone > 0
    if engine.evicted["open"]:
        pytest.fail("the capture has too many open streams at a time for this test")
    for table in ("http", "streams", "directions"):
        for row in expected[table]:
            other = found[key_of(table, row)]
            assert {name: row[name] for name in row if name not in STATES} == {
                name: other[name] for name in other if name not in STATES
            }
