"""Rows that are taken while a capture goes on are those of its report, and streams leave."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze import ongoing
from netanalyze.capture import open_capture
from netanalyze.ongoing import OF_STREAMS, Bounds, OngoingEngine
from netanalyze.pipeline import Engine, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.capture.batch import Batch

CAPTURES = Path(__file__).parent.parent / "captures"
TABLES = ("streams", "directions", "limits", "events", "transitions", "udp", "http", "websocket")
SOME = [
    "mixed.pcapng", "http-keepalive.pcapng", "lossy-transfer-client.pcap", "closing-both.pcap",
    "port-reuse.pcap", "http-variety.pcap", "websocket.pcap", "midstream.pcap.gz", "zero-window.pcap",
    "http-loss.pcap", "http-hang-ups-server.pcap", "refused.pcapng",
]  # fmt: skip
STATES = {"client_state", "server_state"}
"""Of the time when the row was taken: TIME-WAIT ends later."""


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
        without = STATES if key[0] == "streams" else set()
        told = {column: row[column] for column in row if column not in without}
        assert told == {column: expected[key][column] for column in told}, key


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize("name", SOME)
def test_report_is_the_same_after_streams_have_left(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ongoing, "LOOK_NS", 0)
    monkeypatch.setattr(ongoing, "LEAVE_NS", 2_000_000_000)
    engine = OngoingEngine(Options(tables=TABLES, time_wait_ns=0), Bounds())
    most = 0
    for batch in batches(CAPTURES / name, size):
        engine.feed(batch)
        most = max(most, engine._flows.tcp.count)
    told = engine.finish(nothing()).to_dicts()
    expected = final(CAPTURES / name, time_wait_ns=0)
    for table in TABLES:
        assert len(told[table]) == len(expected[table]), table
        for row, other in zip(told[table], expected[table], strict=True):
            changed = {column for column in row if row[column] != other[column]}
            assert changed <= LATER, (table, row, other)


LATER = {"detail", "client_state", "server_state"}
"""What frames may tell that come when the stream has left."""
