"""Waits in the sample captures against what the programs and the relay wrote down, with the same clock."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from netanalyze.errors import NetanalyzeError
from netanalyze.pipeline import Options, run

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SAMPLES = sorted(path for path in CAPTURES.iterdir() if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"})
WRITES = json.loads((CAPTURES / "sticky-writes.truth.json").read_text(encoding="utf-8"))
WAITS = json.loads((CAPTURES / "sticky-waits.truth.json").read_text(encoding="utf-8"))
MS = 1_000_000
TAPS = ("client", "server")
PROGRAMS = {"client_thinking", "server_thinking"}
RELAY_NS = 12 * MS
"""How much longer a busy relay keeps one segment than another."""
EXPECTED = {
    "nagle, delayed ACK": {"nagle", "nagle_delayed_ack"},
    "nagle, quick ACK": {"nagle"},
    "server thinks": set(),
    "client thinks": set(),
    "zero window": {"zero_window", "window_full"},
    "SYN lost": {"handshake_retry"},
    "upload": set(),
}
"""Kinds of stalls that each connection has at either end, besides those of programs. What is lost before the
capture point leaves no trace there: see the tests of losses."""


@cache
def report(name: str) -> dict[str, list[dict[str, Any]]]:
    tables = ("streams", "waits", "stalls", "nagle")
    made = run([str(CAPTURES / name)], Options(tables=tables))
    return {table: made[table].to_dicts() for table in tables}


def of(name: str, table: str, truth: dict[str, Any], **wanted: str) -> list[dict[str, Any]]:
    """The rows of a table about one stream of a truth file."""
    tables = report(name)
    (stream,) = [row["stream"] for row in tables["streams"] if row["client_port"] == truth["client_port"]]
    rows = [row for row in tables[table] if row["stream"] == stream]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def stream_of(truth: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [stream for stream in truth["streams"] if stream["name"] == name]
    return found


def taken(log: dict[str, list[int]], total: int) -> int:
    """When the call of recv() returned that brought the first ``total`` bytes."""
    came = 0
    for when, size in zip(log["receive_returned_ns"], log["receive_bytes"], strict=True):
        came += size
        if came >= total:
            return when
    raise AssertionError(total)


def messages(log: dict[str, list[int]], size: int) -> list[int]:
    """When each message of one size was there, whole."""
    return [taken(log, size * (number + 1)) for number in range(sum(log["receive_bytes"]) // size)]


def near(rows: list[dict[str, Any]], expected_ns: list[int], within_ns: int = MS) -> bool:
    """Whether rows last as long as they should, one by one."""
    assert len(rows) == len(expected_ns), rows
    return all(
        abs(row["duration_ns"] - wait) <= within_ns for row, wait in zip(rows, expected_ns, strict=True)
    )


def test_29_of_30_requests_in_two_writes_are_held_back_as_long_as_the_logs_say() -> None:
    truth = stream_of(WRITES, "two writes")
    rows = of("sticky-writes.pcap", "stalls", truth, sender="client", kind="nagle_delayed_ack")
    size = WRITES["head_bytes"] + WRITES["body_bytes"]
    bodies = truth["client"]["send_called_ns"][1::2]
    held = [there - written for there, written in zip(messages(truth["server"], size), bodies, strict=True)]
    assert WRITES["requests_held_back"] == 29
    assert near(rows, held[1:])
    assert [row["saving_ns"] for row in rows] == [row["duration_ns"] for row in rows]
    (half,) = of("sticky-writes.pcap", "nagle", truth, sender="client")
    assert (half["nodelay"], half["held"], half["held_frame"]) == ("off", 29, rows[0]["end_frame"])
    assert half["held_ns"] == sum(row["duration_ns"] for row in rows) == half["stall_ns"]
    (half,) = of("sticky-writes.pcap", "nagle", truth, sender="server")
    assert half["delayed_acks"] == 29
    assert half["system"].startswith("Linux")


@pytest.mark.parametrize("truth", WRITES["streams"][1:], ids=lambda truth: truth["name"])
def test_nothing_else_is_held_back(truth: dict[str, Any]) -> None:
    rows = of("sticky-writes.pcap", "stalls", truth)
    assert {row["kind"] for row in rows} <= PROGRAMS
    (half,) = of("sticky-writes.pcap", "nagle", truth, sender="client")
    assert half["held"] == 0
    assert half["nodelay"] == ("on" if truth["name"] == "two writes, TCP_NODELAY" else None)


@pytest.mark.parametrize("tap", TAPS)
@pytest.mark.parametrize("name", EXPECTED)
def test_no_stall_is_invented(tap: str, name: str) -> None:
    truth = stream_of(WAITS, name)
    expected = EXPECTED[name] - ({"handshake_retry"} if tap == "server" else set())
    rows = of(f"sticky-waits-{tap}.pcap", "stalls", truth)
    assert {row["kind"] for row in rows} - PROGRAMS == expected


@pytest.mark.parametrize("tap", TAPS)
def test_holds_on_a_long_way(tap: str) -> None:
    truth = stream_of(WAITS, "nagle, delayed ACK")
    rows = of(f"sticky-waits-{tap}.pcap", "stalls", truth, sender="client")
    rows = [row for row in rows if row["kind"].startswith("nagle")]
    # The server read the head when it came, and the body when that did.
    there = messages(truth["server"], 162)
    heads = [taken(truth["server"], 162 * number + 12) for number in range(8)]
    held = [body - head for body, head in zip(there, heads, strict=True)]
    assert near(rows, held, MS if tap == "server" else RELAY_NS)
    assert [row["kind"] for row in rows] == ["nagle"] + ["nagle_delayed_ack"] * 7
    (half,) = of(f"sticky-waits-{tap}.pcap", "nagle", truth, sender="server")
    assert half["delayed_acks"] == 7
    assert half["system"].startswith("Linux")


@pytest.mark.parametrize("tap", TAPS)
def test_holds_for_a_round_trip(tap: str) -> None:
    truth = stream_of(WAITS, "nagle, quick ACK")
    rows = of(f"sticky-waits-{tap}.pcap", "stalls", truth, kind="nagle")
    (half,) = of(f"sticky-waits-{tap}.pcap", "nagle", truth, sender="client")
    assert half["nodelay"] == "off"
    trip = 2 * WAITS["delay_ms_each_way"] * MS
    assert near(rows, [trip] * 4, 2 * MS)
    (half,) = of(f"sticky-waits-{tap}.pcap", "nagle", truth, sender="server")
    assert half["delayed_acks"] == 0


@pytest.mark.parametrize("tap", TAPS)
@pytest.mark.parametrize("side", TAPS)
def test_programs_that_think(tap: str, side: str) -> None:
    truth = stream_of(WAITS, f"{side} thinks")
    log = truth[side]
    size = 60 if side == "client" else 162
    heard = messages(log, size)
    if side == "client":
        heard = [truth["connect_returned_ns"], *heard][: len(log["send_called_ns"])]
    thought = [spoke - since for spoke, since in zip(log["send_called_ns"], heard, strict=True)]
    asleep = [end - begin for begin, end in zip(truth["slept_from_ns"], truth["slept_to_ns"], strict=True)]
    assert all(one >= other for one, other in zip(thought, asleep, strict=True))
    rows = of(f"sticky-waits-{tap}.pcap", "stalls", truth, kind=f"{side}_thinking")
    rows = [row for row in rows if row["duration_ns"] > 50 * MS]
    assert near(rows, thought, MS if tap == side else 3 * MS)
    assert {row["sender"] for row in rows} == {side}


def test_a_closed_window_opens_when_the_client_reads() -> None:
    truth = stream_of(WAITS, "zero window")
    rows = of("sticky-waits-client.pcap", "stalls", truth, kind="zero_window")
    assert len(rows) == 2
    for row, begin, end in zip(rows, truth["slept_from_ns"], truth["slept_to_ns"], strict=True):
        assert begin < row["time_ns"] < end
        assert abs(row["time_ns"] + row["duration_ns"] - end) < MS
        assert (row["sender"], row["awaited"]) == ("server", "the client's program to read")
    assert len(of("sticky-waits-server.pcap", "stalls", truth, kind="zero_window")) == 2


@pytest.mark.parametrize(("name", "side"), [("answer lost", "server"), ("request lost", "client")])
def test_timers_end_what_a_loss_at_the_end_began(name: str, side: str) -> None:
    truth = stream_of(WAITS, name)
    rows = of(f"sticky-waits-{side}.pcap", "stalls", truth, kind="retransmission_timeout")
    assert {row["sender"] for row in rows} == {side}
    assert len(rows) == len(truth["lost"]) == 2
    first, second = (lost["ns"] for lost in truth["lost"])
    assert abs(rows[0]["duration_ns"] - (second - first)) < RELAY_NS
    # What was lost before the capture point cannot be told from a program that thinks.
    other = "server" if side == "client" else "client"
    assert not of(f"sticky-waits-{other}.pcap", "stalls", truth, kind="retransmission_timeout")


def test_a_loss_among_others_is_repaired_without_a_timer() -> None:
    truth = stream_of(WAITS, "segment lost")
    rows = of("sticky-waits-server.pcap", "stalls", truth)
    assert {row["kind"] for row in rows} - PROGRAMS == {"fast_recovery"}


def test_a_lost_syn_costs_a_second() -> None:
    truth = stream_of(WAITS, "SYN lost")
    (row,) = of("sticky-waits-client.pcap", "stalls", truth, kind="handshake_retry")
    trip = 2 * WAITS["delay_ms_each_way"] * MS
    took = truth["connect_returned_ns"] - truth["connect_called_ns"]
    # The kernel's timer counts ticks of 10 ms at most (RFC 6298 section 2: one second).
    assert abs(row["duration_ns"] - 1000 * MS) < 20 * MS
    assert row["duration_ns"] + trip <= took


def adds_up(path: Path) -> int:
    """Check that the causes of each stream add up to its duration; return how many streams there are."""
    made = run([str(path)], Options(tables=("streams", "waits", "stalls", "nagle")))
    streams = {row["stream"]: row for row in made["streams"].to_dicts()}
    rows = made["waits"].to_dicts()
    for row in rows:
        parts = [value for name, value in row.items() if name.endswith("_ns") and name != "total_ns"]
        assert min(parts) >= 0
        assert sum(parts) == row["total_ns"] <= streams[row["stream"]]["duration_ns"]
    by_kind: dict[tuple[int, str], int] = {}
    for stall in made["stalls"].to_dicts():
        key = stall["stream"], stall["kind"]
        by_kind[key] = by_kind.get(key, 0) + stall["duration_ns"]
    totals = {row["stream"]: row for row in rows}
    for (stream, kind), duration in by_kind.items():
        assert duration <= totals[stream][f"{kind}_ns"]
    return len(rows)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_causes_add_up_in_samples(path: Path) -> None:
    adds_up(path)


def test_causes_add_up_in_the_corpus(corpus: Path) -> None:
    some = [path for path in sorted((corpus / "captures").iterdir()) if path.stat().st_size < 2_000_000]
    streams = 0
    for path in some:
        try:
            streams += adds_up(path)
        except NetanalyzeError:
            continue
    assert streams > 100
