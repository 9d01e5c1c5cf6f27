"""Between which times changes of state happened: against taps at the endpoints, and against ``ss``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frames import write_pcapng
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import MS, OPENED, READY, SYN_, SYN_ACK, THIRD, Step, frames_of
from test_states_random import ANYTHING, PLAUSIBLE

import netanalyze
from netanalyze.tcp.bounds import running_max

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frames import Frame

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
CLOSING = json.loads((CAPTURES / "closing.truth.json").read_text())
TAPS = ("client", "middle", "server")
NAMES_OF_SS = {"ESTAB": "ESTABLISHED", "SYN-RECV": "SYN-RECEIVED"}
NOTHING = {None, "CLOSED", "LISTEN"}
START_MS = 1_001
"""When the first frame of crafted captures is seen."""
KINDS = ("", "likely_")
TICK_NS = 1_000
"""The captures have microseconds, of which a rest is cut off."""

Rows = list[dict[str, Any]]


def moves_of(path: Path) -> dict[tuple[int, str], Rows]:
    """The changes of state of each endpoint, by client's port and endpoint."""
    report = netanalyze.analyze(path, reports=("streams", "transitions"))
    ports = {row.stream: row.client_port for row in report["streams"]}
    found: dict[tuple[int, str], Rows] = {}
    for row in report["transitions"].to_dicts():
        found.setdefault((ports[row["stream"]], row["endpoint"]), []).append(row)
    return found


def contains(row: dict[str, Any], kind: str, time_ns: int) -> bool:
    earliest, latest = row[f"{kind}earliest_ns"], row[f"{kind}latest_ns"]
    return (earliest is None or earliest <= time_ns + TICK_NS) and (
        latest is None or latest >= time_ns - TICK_NS
    )


@pytest.mark.parametrize("tap", TAPS)
@pytest.mark.parametrize("kind", KINDS)
def test_they_contain_what_the_endpoints_own_tap_shows(tap: str, kind: str) -> None:
    """One transfer, captured at both ends and between them by one clock."""
    found = moves_of(CAPTURES / f"rtt-delays-{tap}.pcap")
    compared = 0
    for end in ("client", "server"):
        truth = moves_of(CAPTURES / f"rtt-delays-{end}.pcap")
        for (port, endpoint), rows in truth.items():
            if endpoint != end:
                continue
            mine = found[port, endpoint]
            assert [row["trigger"] for row in mine] == [row["trigger"] for row in rows]
            for row, true in zip(mine, rows, strict=True):
                if true["trigger"] == "timeout 2MSL":
                    continue
                assert contains(row, kind, true["time_ns"]), (port, endpoint, row, true["time_ns"])
                compared += 1
    assert compared >= 30


def test_they_are_as_narrow_as_the_way_allows() -> None:
    facts = json.loads((CAPTURES / "rtt-delays.truth.json").read_text())["captures"]
    for tap in TAPS:
        far_ms = facts[f"rtt-delays-{tap}.pcap"]
        for (_, endpoint), rows in moves_of(CAPTURES / f"rtt-delays-{tap}.pcap").items():
            trip_ms = 2 * far_ms[f"delay_from_{endpoint}_ms"]
            for row in rows:
                assert trip_ms * MS <= row["tap_rtt_ns"] <= (trip_ms + 2) * MS
                begin, end = row["likely_earliest_ns"], row["likely_latest_ns"]
                assert end - begin <= row["tap_rtt_ns"]
                if row["trigger"].startswith("snd"):
                    assert row["latest_ns"] == row["time_ns"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [name for name in CLOSING if name.startswith("closing-")])
def test_ss_shows_a_state_that_is_possible_then(name: str, kind: str) -> None:
    found = moves_of(CAPTURES / name)
    sure = compared = 0
    for snapshot in CLOSING[name]["snapshots"]:
        for host in ("client", "server"):
            said = {one["local" if host == "client" else "peer"]: one["state"] for one in snapshot[host]}
            by_port = {int(address.rpartition(":")[2]): state for address, state in said.items()}
            for (port, endpoint), rows in found.items():
                if endpoint != host:
                    continue
                possible = possible_states(rows, kind, snapshot["from_ns"], snapshot["to_ns"])
                state = by_port.get(port)
                if state is None:
                    assert possible & NOTHING, (snapshot["moment"], port, host)
                else:
                    assert NAMES_OF_SS.get(state, state) in possible, (snapshot["moment"], port, host)
                sure += len(possible) == 1
                compared += 1
    assert compared >= 2
    assert sure >= compared / (2 if kind else 4)  # else anything would be possible


def possible_states(rows: Rows, kind: str, begin_ns: int, end_ns: int) -> set[str | None]:
    """The states in which the endpoint may have been at some time between the two."""
    states = [rows[0]["from_state"], *(row["to_state"] for row in rows)]
    entered = [None, *(row[f"{kind}earliest_ns"] for row in rows)]
    left = [*(row[f"{kind}latest_ns"] for row in rows), None]
    return {
        state
        for state, begin, end in zip(states, entered, left, strict=True)
        if (begin is None or begin <= end_ns) and (end is None or end >= begin_ns)
    }


# Crafted.


def report_on(tmp_path: Path, frames: Sequence[Frame]) -> dict[tuple[str, str], dict[str, Any]]:
    """The changes of state by endpoint and state after, with times in milliseconds since the first frame."""
    path = tmp_path / "frames.pcapng"
    write_pcapng(path, frames)
    rows = netanalyze.analyze(path, reports=("transitions",), keep_duplicates=True)["transitions"].to_dicts()
    for row in rows:
        for name in [name for name in row if name.endswith("est_ns")]:
            row[name] = None if row[name] is None else row[name] / MS - START_MS
    return {(row["endpoint"], row["to_state"]): row for row in rows}


def bounds(row: dict[str, Any]) -> tuple[float | None, ...]:
    names = ("earliest_ns", "latest_ns", "likely_earliest_ns", "likely_latest_ns")
    return tuple(row[name] for name in names)


def test_the_handshake_between_two_far_ends(tmp_path: Path) -> None:
    # 40 ms to the server and back, 10 ms to the client and back.
    steps = (
        SYN_,
        SYN_ACK._replace(after_ms=40),
        THIRD._replace(after_ms=10),
        Step("c", "PA", 1, 1, 10, 5),
        Step("s", "A", 1, 11, after_ms=45),
    )
    found = report_on(tmp_path, frames_of(steps))
    assert bounds(found["client", "SYN-SENT"]) == (None, 0, -10, 0)
    assert bounds(found["server", "SYN-RECEIVED"]) == (0, 40, 0, 40)
    assert bounds(found["client", "ESTABLISHED"]) == (40, 50, 40, 50)
    # The ACK may be lost and the data do its work, 45 ms later; but likely it was not.
    assert bounds(found["server", "ESTABLISHED"]) == (50, 100, 50, 90)
    assert [found["client", "SYN-SENT"]["tap_rtt_ns"], found["server", "SYN-RECEIVED"]["tap_rtt_ns"]] == [
        10 * MS,
        40 * MS,
    ]


def test_of_what_is_sent_twice_the_first_copy_may_have_arrived(tmp_path: Path) -> None:
    steps = (
        SYN_,
        SYN_ACK._replace(after_ms=40),
        THIRD._replace(after_ms=10),
        Step("c", "FA", 1, 1),
        Step("c", "FA", 1, 1, after_ms=300),
        Step("s", "A", 1, 2, after_ms=20),
    )
    row = report_on(tmp_path, frames_of(steps))["server", "CLOSE-WAIT"]
    assert row["frame"] == 5
    # 20 ms after the second copy is too soon for it: the server is 40 ms away.
    assert bounds(row) == (51, 371, 51, 371)
    later = (*steps[:-1], steps[-1]._replace(after_ms=60))
    assert bounds(report_on(tmp_path, frames_of(later))["server", "CLOSE-WAIT"]) == (51, 411, 351, 391)


def test_what_crosses_on_the_way_keeps_the_order_of_each_end(tmp_path: Path) -> None:
    row = report_on(tmp_path, frames_of(STORIES["the acknowledgements cross as well"].steps))
    (closing,) = [one for (end, state), one in row.items() if (end, state) == ("client", "CLOSING")]
    sent = row["client", "FIN-WAIT-1"]
    # Seen before the client's own FIN, and received after that was sent.
    assert closing["time_ns"] == sent["time_ns"]
    assert closing["earliest_ns"] < sent["latest_ns"]
    assert closing["earliest_ns"] >= sent["earliest_ns"]


def test_what_is_not_known(tmp_path: Path) -> None:
    found = report_on(tmp_path, frames_of((SYN_,)))
    assert bounds(found["client", "SYN-SENT"]) == (None, 0, None, 0)
    assert found["client", "SYN-SENT"]["tap_rtt_ns"] is None
    middle = report_on(tmp_path, frames_of((Step("c", "PA", 1, 1, 5), Step("s", "A", 1, 6))))
    assert bounds(middle["client", "ESTABLISHED"]) == (None,) * 4
    assert bounds(middle["server", "ESTABLISHED"]) == (None,) * 4
    # A last ACK that nothing proves: it arrived sometime after it was seen, likely within a round trip.
    steps = (*READY, Step("c", "FA", 11, 1), Step("s", "FA", 1, 12), Step("c", "A", 12, 2))
    last = report_on(tmp_path, frames_of(steps))["server", "CLOSED"]
    assert bounds(last) == (7, None, 7, 8)


def test_a_reset_is_not_received_before_the_first_one_was_sent(tmp_path: Path) -> None:
    steps = (SYN_, Step("s", "RA", 0, 1), SYN_._replace(after_ms=500), Step("s", "RA", 0, 1))
    row = report_on(tmp_path, frames_of(steps))["client", "CLOSED"]
    assert (row["frame"], *bounds(row)[:2]) == (4, 1, None)
    assert row["likely_earliest_ns"] == 502


def test_times_that_run_backwards_prove_nothing(tmp_path: Path) -> None:
    frames = frames_of((*OPENED, Step("s", "PA", 1, 1, 5)))
    frames[2] = frames[2]._replace(time_ns=frames[0].time_ns - 7 * MS)
    row = report_on(tmp_path, frames)["client", "ESTABLISHED"]
    assert bounds(row) == (None,) * 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.one_of(ANYTHING, PLAUSIBLE))
def test_they_fit_into_each_other(tmp_path: Path, steps: list[Step]) -> None:
    frames = frames_of(steps)
    if not frames:
        return
    path = tmp_path / "frames.pcapng"
    write_pcapng(path, frames)
    last: dict[tuple[int, str], tuple[float, float]] = {}
    report = netanalyze.analyze(path, reports=("transitions",), keep_duplicates=True)
    for row in report["transitions"].to_dicts():
        lowest, highest = float("-inf"), float("inf")
        earliest, latest, likely_earliest, likely_latest = (
            (lowest if "earliest" in name else highest) if row[name] is None else row[name]
            for name in ("earliest_ns", "latest_ns", "likely_earliest_ns", "likely_latest_ns")
        )
        assert earliest <= likely_earliest <= likely_latest <= latest
        before = last.get((row["stream"], row["endpoint"]), (lowest, lowest))
        if row["earliest_ns"] is not None:
            assert earliest >= before[0]
            last[row["stream"], row["endpoint"]] = (earliest, latest)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1))))
def test_running_max(rows: list[tuple[int, int]]) -> None:
    rows.sort(key=lambda row: row[0])
    group, values = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    highest: dict[int, int] = {}
    expected = []
    for number, value in rows:
        highest[number] = max(value, highest.get(number, value))
        expected.append(highest[number])
    assert running_max(group, values).tolist() == expected
