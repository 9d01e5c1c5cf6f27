"""Captures with injected faults: both sides of the relay have what the truth file says, and no more."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from known_segments import ACK_ONLY, Frame, counts, streams, truth

LAST = 24
"""The last segment of most streams with a fault."""
SLACK_NS = 20_000_000
"""By how much a frame may be later than the relay was told to let it be: the computer had other work."""

INJECTED = truth("injected-faults")
FAULTS = {stream["fault"]: stream for stream in INJECTED["streams"]}


def at(side: str, stream: dict[str, Any], *, sent: bool | None = None) -> list[Frame]:
    """The frames of a stream with a fault on one side of the relay, all or those of one sender."""
    found = streams(f"injected-faults-{side}.pcap")[stream["client_port"]]
    return [frame for frame in found if sent is None or frame.sent == sent]


def probes(frames: list[Frame]) -> int:
    """Segments of the server without data, one byte before what the client has acknowledged."""
    count, acknowledged = 0, 0
    for frame in frames:
        if not frame.sent:
            acknowledged = max(acknowledged, frame.acknowledgment)
        elif frame.flags == ACK_ONLY and not frame.payload_bytes:
            count += frame.sequence == acknowledged - 1
    return count


def test_every_fault_has_its_stream_and_one_stream_has_none() -> None:
    assert set(streams("injected-faults-sender.pcap")) == {
        stream["client_port"] for stream in INJECTED["streams"]
    }
    kinds = {one["kind"] for stream in INJECTED["streams"] for one in stream["injected"]}
    assert {"lost", "overtaken", "held until repeated", "doubled", "delayed"} <= kinds
    assert {fault for fault, stream in FAULTS.items() if not stream["injected"]} == {"none", "zero window"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_each_side_of_the_relay_has_the_frames_that_it_counted(side: str, fault: str) -> None:
    stream = FAULTS[fault]
    assert counts(at(side, stream)) == stream["seen_at"][side]
    assert stream["received_bytes"] == stream["sent_bytes"]
    data = [frame for frame in at(side, stream, sent=True) if frame.payload_bytes]
    assert max(frame.end for frame in data) == stream["sent_bytes"] + 1


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sender_repeats_what_its_kernel_says(fault: str) -> None:
    stream = FAULTS[fault]
    again = counts(at("sender", stream))["repeated_data_segments"]
    assert again == stream["server_counters"].get("TcpRetransSegs", 0)
    assert again == stream["tcp_info"]["server"]["total_retrans"]
    repeated = Counter(frame.sequence for frame in at("sender", stream, sent=True) if frame.payload_bytes)
    lengths = {frame.sequence: frame.payload_bytes for frame in at("sender", stream, sent=True)}
    repeated_bytes = sum((times - 1) * lengths[sequence] for sequence, times in repeated.items())
    assert repeated_bytes == stream["tcp_info"]["server"]["bytes_retrans"]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_receiver_tells_of_the_duplicates_that_the_kernels_counted(fault: str) -> None:
    stream = FAULTS[fault]
    told = sum(frame.tells_of_a_duplicate for frame in at("sender", stream, sent=False))
    assert told == stream["server_counters"].get("TcpExtTCPDSACKRecv", 0)
    assert told == stream["tcp_info"]["server"]["dsack_dups"]
    assert told == counts(at("receiver", stream))["repeated_data_segments"]


@pytest.mark.parametrize("fault", FAULTS)
def test_zero_windows_and_probes_are_those_that_relay_and_kernels_counted(fault: str) -> None:
    stream = FAULTS[fault]
    closed = sum(frame.flags == ACK_ONLY and not frame.window for frame in at("receiver", stream, sent=False))
    assert closed == stream["zero_windows"]
    assert bool(closed) == ("TcpExtTCPToZeroWindowAdv" in stream["client_counters"])
    for side in ("sender", "receiver"):
        assert probes(at(side, stream)) == stream["window_probes"]
    assert stream["window_probes"] == stream["server_counters"].get("TcpExtTCPWinProbe", 0)


def key(frame: Frame) -> tuple[bool, int]:
    return frame.sent, frame.ip_id


def touched(stream: dict[str, Any]) -> set[tuple[bool, int]]:
    return {(one["of"] == "data", one["ip_id"]) for one in stream["injected"]}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("sent", [True, False])
def test_what_is_not_touched_arrives_once_in_order_and_in_time(fault: str, *, sent: bool) -> None:
    stream = FAULTS[fault]
    sides = ("sender", "receiver") if sent else ("receiver", "sender")
    before, behind = (
        [frame for frame in at(side, stream, sent=sent) if key(frame) not in touched(stream)]
        for side in sides
    )
    assert [(frame.ip_id, frame.sequence, frame.payload_bytes) for frame in before] == [
        (frame.ip_id, frame.sequence, frame.payload_bytes) for frame in behind
    ]
    for early, late in zip(before, behind, strict=True):
        assert 0 <= late.time_ns - early.time_ns - INJECTED["delay_ms_each_way"] * 1e6 < SLACK_NS


@pytest.mark.parametrize("fault", [fault for fault, stream in FAULTS.items() if stream["injected"]])
def test_what_is_touched_has_the_fate_that_is_stated(fault: str) -> None:
    stream = FAULTS[fault]
    for one in stream["injected"]:
        sent = one["of"] == "data"
        before_side, behind_side = ("sender", "receiver") if sent else ("receiver", "sender")
        behind = at(behind_side, stream, sent=sent)
        (before,) = (frame for frame in at(before_side, stream, sent=sent) if frame.ip_id == one["ip_id"])
        if sent:
            assert before.sequence == one["relative_sequence"]
            assert before.payload_bytes == one["payload_bytes"]
            assert one["segment"] == (before.sequence - 1) // INJECTED["mss_bytes"] + 1
        else:
            assert before.acknowledgment == one["relative_acknowledgment"]
            assert before.window == one["window_field"]
        arrived = [frame for frame in behind if frame.ip_id == one["ip_id"]]
        waits_ms = [(frame.time_ns - before.time_ns) / 1e6 for frame in arrived]
        FATES[one["kind"]](one, behind, arrived, waits_ms)


def lost(one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]) -> None:
    del one, behind, waits_ms
    assert not arrived


def overtaken(one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]) -> None:
    del waits_ms
    (late,) = arrived
    place = behind.index(late)
    overtook = [frame for frame in behind[:place] if frame.sequence > late.sequence]
    assert len(overtook) == one["by_segments"]
    assert behind[place + 1].sequence > max(frame.sequence for frame in overtook)


def held(one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]) -> None:
    (original,) = arrived
    (again,) = (
        frame for frame in behind if frame.sequence == original.sequence and frame.ip_id != original.ip_id
    )
    first = behind.index(original) < behind.index(again)
    assert first == (one["arrives"] == "before its repetition")
    assert waits_ms[0] > 2 * INJECTED["delay_ms_each_way"]


def doubled(one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]) -> None:
    del behind
    assert len(arrived) == 2
    for wait_ms, more_ms in zip(waits_ms, (0, one["again_after_ms"]), strict=True):
        assert 0 <= wait_ms - INJECTED["delay_ms_each_way"] - more_ms < SLACK_NS / 1e6


def delayed(one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]) -> None:
    del behind
    assert len(arrived) == 1
    assert 0 <= waits_ms[0] - INJECTED["delay_ms_each_way"] - one["more_ms"] < SLACK_NS / 1e6


def late_acknowledgement(
    one: dict[str, Any], behind: list[Frame], arrived: list[Frame], waits_ms: list[float]
) -> None:
    del one, behind
    assert len(arrived) == 1
    # Linux waits 200 ms at least before it sends the first segment again.
    assert waits_ms[0] > 150


FATES = {
    "lost": lost,
    "overtaken": overtaken,
    "held until repeated": held,
    "doubled": doubled,
    "delayed": delayed,
    "held until the first segment is repeated": late_acknowledgement,
}


@pytest.mark.parametrize("fault", ["tail loss", "timeouts", "loss of a flight"])
def test_a_lost_tail_is_repaired_by_probe_and_timeout(fault: str) -> None:
    stream = FAULTS[fault]
    frames = [frame for frame in at("sender", stream, sent=True) if frame.payload_bytes]
    times = [
        frame.time_ns for frame in frames if frame.sequence == stream["injected"][-1]["relative_sequence"]
    ]
    waits_ms = [(late - early) / 1e6 for early, late in itertools.pairwise(times)]
    assert len(waits_ms) == sum(one["segment"] == LAST for one in stream["injected"])
    # The probe comes after two round trips, and 200 ms more if no other segment is on its way, for its
    # acknowledgement may be delayed; a timeout takes 200 ms and more, the next one twice as long.
    alone_ms = 0 if fault == "loss of a flight" else 200
    assert 60 <= waits_ms[0] - alone_ms < 160
    assert all(wait_ms > 200 for wait_ms in waits_ms[1:])
    if fault == "timeouts":
        assert 1.8 < waits_ms[2] / waits_ms[1] < 2.2
        assert stream["tcp_info"]["server"]["total_rto"] == 2
