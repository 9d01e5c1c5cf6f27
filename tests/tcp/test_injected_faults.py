"""What is reported of the recorded faults is what was injected, and what the kernels counted."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import netanalyze

if TYPE_CHECKING:
    from netanalyze.report.records.directions import Direction
    from netanalyze.report.records.events import Event

CAPTURES = Path(__file__).parents[2] / "captures"
TRUTH = json.loads((CAPTURES / "injected-faults.truth.json").read_text(encoding="utf-8"))["streams"]
FAULTS = {stream["fault"]: place for place, stream in enumerate(TRUTH)}
SIDES = ("sender", "receiver")
MS = 10**6


@cache
def report(side: str) -> Any:  # noqa: ANN401 - a report
    path = CAPTURES / f"injected-faults-{side}.pcap"
    return netanalyze.analyze(path, reports=["streams", "directions", "events"])


def directions(side: str, place: int) -> tuple[Direction, Direction]:
    """The client's and the server's half of a stream; the server sends."""
    rows = list(report(side)["directions"].stream(place))
    return rows[0], rows[1]


def events(side: str, place: int, kind: str) -> list[Event]:
    return [row for row in report(side)["events"].stream(place) if row.kind == kind]


def counted(place: int) -> Counter[str]:
    """What the sender's kernel counted."""
    return Counter(TRUTH[place]["server_counters"])


@pytest.mark.parametrize("place", range(len(TRUTH)), ids=list(FAULTS))
def test_the_sender_tap_sees_what_the_kernel_counted(place: int) -> None:
    client, server = directions("sender", place)
    kernel = counted(place)
    assert server.retransmissions == kernel["TcpRetransSegs"]
    assert server.fast_retransmissions == kernel["TcpExtTCPFastRetrans"]
    assert server.timeouts == kernel["TcpExtTCPTimeouts"]
    # For the only segment on its way, the probe and the timer look alike.
    assert server.tail_loss_probes + server.tail_timers == kernel["TcpExtTCPLossProbes"]
    after = [row for row in events("sender", place, "retransmission") if row.cause == "after_timeout"]
    assert len(after) == kernel["TcpExtTCPSlowStartRetrans"]
    assert client.d_sacks == kernel["TcpExtTCPDSACKRecv"]
    assert server.retransmitted_bytes == TRUTH[place]["tcp_info"]["server"]["bytes_retrans"]
    assert server.unique_bytes == TRUTH[place]["sent_bytes"]
    assert (server.missed_bytes, server.out_of_order, server.lost_segments) == (0, 0, 0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("place", range(len(TRUTH)), ids=list(FAULTS))
def test_zero_windows_and_probes(place: int, side: str) -> None:
    client, server = directions(side, place)
    truth = TRUTH[place]
    assert client.zero_windows == truth["zero_windows"]
    assert server.zero_window_probes == truth["window_probes"]
    assert (server.keep_alives, client.keep_alives) == (0, 0)
    assert bool(client.zero_window_ns) == bool(truth["zero_windows"])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("place", range(len(TRUTH)), ids=list(FAULTS))
def test_every_byte_is_accounted_for(place: int, side: str) -> None:
    _, server = directions(side, place)
    assert server.unique_bytes == TRUTH[place]["received_bytes"] == server.stream_bytes
    # The copy that came at once is taken for a frame captured twice.
    captured_twice = 1 if (side, place) == ("receiver", FAULTS["duplication"]) else 0
    seen = TRUTH[place]["seen_at"][side]
    assert server.data_packets == seen["data_segments"] - captured_twice
    assert server.retransmitted_packets == seen["repeated_data_segments"] - captured_twice


@pytest.mark.parametrize("fault", ["loss", "burst loss", "loss of a retransmission"])
def test_behind_the_loss_holes_are_seen_and_filled(fault: str) -> None:
    place = FAULTS[fault]
    first_tries = [item for item in TRUTH[place]["injected"] if item["try"] == 1]
    lost = events("receiver", place, "lost_segment")
    assert sum(row.missing_bytes or 0 for row in lost) == sum(item["payload_bytes"] for item in first_tries)
    repairs = events("receiver", place, "fast_retransmission")
    assert {row.seq for row in repairs} == {item["relative_sequence"] for item in first_tries}
    assert {row.other_frame for row in repairs} == {None}  # the first copy did not come so far
    assert {row.later_frame for row in lost} <= {row.frame for row in repairs}


@pytest.mark.parametrize("place", range(len(TRUTH)), ids=list(FAULTS))
def test_at_the_sender_repetitions_name_their_first_copy(place: int) -> None:
    lost = {
        item["relative_sequence"]
        for item in TRUTH[place]["injected"]
        if item["kind"] == "lost" and item["of"] == "data"
    }
    repeated = events("sender", place, "retransmission")
    assert lost <= {row.seq for row in repeated}
    assert all(row.other_frame is not None and row.other_frame < row.frame for row in repeated)
    assert all((row.ago_ns or 0) >= 20 * MS for row in repeated)  # no less than a round trip


def test_reordering_is_no_loss() -> None:
    place = FAULTS["reordering"]
    late = events("receiver", place, "out_of_order")
    assert [row.seq for row in late] == [item["relative_sequence"] for item in TRUTH[place]["injected"]]
    assert {row.cause for row in late} == {"older_ip_id"}
    assert not events("receiver", place, "retransmission")


def test_d_sack_tells_which_retransmissions_were_not_needed() -> None:
    for fault in ("late, original first", "late, repetition first", "late acknowledgements"):
        repeated = events("sender", FAULTS[fault], "retransmission")
        assert repeated
        assert all(row.later_frame for row in repeated), fault
    assert not any(row.later_frame for row in events("sender", FAULTS["loss"], "retransmission"))


def test_the_late_original_is_told_from_its_repetition() -> None:
    place = FAULTS["late, repetition first"]
    (repeated,) = events("receiver", place, "retransmission")
    (late,) = events("receiver", place, "out_of_order")
    assert repeated.frame == late.other_frame
    assert repeated.seq == late.seq == TRUTH[place]["injected"][0]["relative_sequence"]


def test_copies_made_on_the_way() -> None:
    place = FAULTS["duplication"]
    soon, later = (item["relative_sequence"] for item in TRUTH[place]["injected"])
    (copied,) = events("receiver", place, "network_copy")
    assert copied.seq == later  # the one that came at once counts as captured twice
    assert soon != later
    ledger = {row.reason: row.frames for row in report("receiver")["ledger"]}
    assert ledger["captured before (duplicate frame)"] == 1
    assert directions("receiver", place)[1].retransmissions == 0


def test_round_trips_are_those_of_the_way() -> None:
    for place, stream in enumerate(TRUTH):
        client, server = directions("sender", place)
        least = stream["tcp_info"]["server"]["min_rtt_us"] * 1000
        assert server.rtt_min_ns is not None
        assert abs(server.rtt_min_ns - least) < 2 * MS, stream["fault"]
        assert client.syn_rtt_ns is not None
        assert client.syn_rtt_ns < 2 * MS  # the tap is beside the server
    longer = directions("sender", FAULTS["longer way"])[1]
    assert longer.rtt_max_ns is not None
    assert longer.rtt_min_ns is not None
    assert longer.rtt_max_ns - longer.rtt_min_ns > 10 * MS


def test_nothing_is_said_of_the_stream_without_a_fault() -> None:
    for side in SIDES:
        assert not list(report(side)["events"].stream(FAULTS["none"]))
