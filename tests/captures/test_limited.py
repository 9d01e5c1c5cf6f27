"""Captures of transfers with a known limit, and of ways with known delays: as their truth files say."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from typing import Any

import pytest
from known_segments import ACK_ONLY, Frame, counts, streams, truth

LIMITED, DELAYED = truth("limited-transfers"), truth("rtt-delays")
LIMITS = {stream["limit"]: stream for stream in LIMITED["streams"]}
EXCHANGES = {stream["client_port"]: stream for stream in DELAYED["streams"]}


def limited(limit: str) -> tuple[dict[str, Any], dict[str, int], list[Frame]]:
    """The truth of a stream, what its sender's kernel said at the end, and its frames."""
    stream = LIMITS[limit]
    return stream, stream["tcp_info"]["server"], streams("limited-transfers.pcap")[stream["client_port"]]


@pytest.mark.parametrize("limit", LIMITS)
def test_limited_transfers_have_the_frames_that_were_counted(limit: str) -> None:
    stream, info, frames = limited(limit)
    assert counts(frames) == stream["seen_at"]["sender"]
    assert stream["received_bytes"] == stream["sent_bytes"] == info["bytes_acked"]
    assert counts(frames)["repeated_data_segments"] == info["total_retrans"]
    assert sum(frame.payload_bytes for frame in frames if frame.sent) == info["bytes_sent"]
    zero = [frame for frame in frames if not frame.sent and frame.flags == ACK_ONLY and not frame.window]
    assert len(zero) == stream["zero_windows"]
    acknowledged = next(frame for frame in frames if frame.acknowledgment == stream["sent_bytes"] + 1)
    first = next(frame for frame in frames if frame.payload_bytes)
    assert acknowledged.time_ns - first.time_ns <= stream["took_us"] * 1000


def flights(frames: list[Frame]) -> list[tuple[int, int]]:
    """After each data segment: bytes that are not acknowledged, and the window of the client, not scaled."""
    found, acknowledged, window, ahead = [], 1, 0, 1
    for frame in frames:
        if not frame.sent:
            acknowledged, window = max(acknowledged, frame.acknowledgment), frame.window
        elif frame.payload_bytes:
            ahead = max(ahead, frame.end)
            found.append((ahead - acknowledged, window))
    return found


def pauses_ms(frames: list[Frame]) -> list[float]:
    times = [frame.time_ns for frame in frames if frame.sent and frame.payload_bytes]
    return [(late - early) / 1e6 for early, late in itertools.pairwise(times)]


@pytest.mark.parametrize("limit", ["receiver's window", "slow reader"])
def test_a_small_window_is_full(limit: str) -> None:
    _, info, frames = limited(limit)
    assert all(flight <= window for flight, window in flights(frames))
    full = [flight + LIMITED["mss_bytes"] > window for flight, window in flights(frames)]
    assert sum(full) > len(full) / 4
    assert info["rwnd_limited_us"] > 0.8 * info["busy_time_us"]


def test_the_window_closes_only_before_the_slow_reader() -> None:
    assert {limit for limit, stream in LIMITS.items() if stream["zero_windows"]} == {"slow reader"}


def test_the_application_writes_in_pauses() -> None:
    stream, info, frames = limited("application")
    size, pause_s = stream["write_bytes_and_pause_s"]
    long = [pause for pause in pauses_ms(frames) if pause > 0.8 * pause_s * 1000]
    assert len(long) == stream["sent_bytes"] // size - 1
    assert info["busy_time_us"] < 0.8 * stream["took_us"]


def test_the_send_buffer_keeps_the_flight_small() -> None:
    stream, info, frames = limited("send buffer")
    # The kernel takes twice what is asked, for what it adds to each segment.
    assert max(flight for flight, _ in flights(frames)) <= 2 * stream["send_buffer_asked_bytes"]
    assert info["snd_cwnd_segments"] * LIMITED["mss_bytes"] > 2 * stream["send_buffer_asked_bytes"]
    assert info["sndbuf_limited_us"] > 0.4 * info["busy_time_us"]


def test_the_loss_is_between_one_and_two_percent_and_costs_window() -> None:
    stream, info, frames = limited("loss")
    assert [one["kind"] for one in stream["injected"]] == ["lost", "lost"]
    assert 0.01 < len(stream["injected"]) / counts(frames)["data_segments"] < 0.02
    assert (
        info["snd_ssthresh_segments"]
        < 100
        < LIMITS["slow start"]["tcp_info"]["server"]["snd_ssthresh_segments"]
    )


def test_the_way_carries_its_rate() -> None:
    stream, info, frames = limited("rate of the way")
    wire_bytes = sum(frame.payload_bytes + 66 for frame in frames if frame.payload_bytes)
    assert 1 <= stream["took_us"] / (wire_bytes * 8e6 / stream["bits_per_s"]) < 1.2
    assert info["rtt_us"] > 3 * info["min_rtt_us"]
    assert not info["total_retrans"]


def test_the_pace_is_kept() -> None:
    stream, _, frames = limited("pacing")
    pauses = pauses_ms(frames)
    expected_ms = LIMITED["mss_bytes"] / stream["pace_bytes_per_s"] * 1000
    # The first ten go at once.
    assert statistics.median(pauses[10:]) == pytest.approx(expected_ms, rel=0.2)


def test_slow_start_doubles_the_flight() -> None:
    stream, info, frames = limited("slow start")
    began = next(frame.time_ns for frame in frames if frame.payload_bytes)
    trips = Counter(
        (frame.time_ns - began) // (LIMITED["delay_ms_each_way"] * 2_000_000)
        for frame in frames
        if frame.sent and frame.payload_bytes
    )
    assert trips[0] == 10
    assert trips[1] == 20
    assert info["busy_time_us"] < 150_000
    assert stream["took_us"] < 150_000


@pytest.mark.parametrize("tap", ["client", "middle", "server"])
def test_each_router_takes_one_off_the_time_to_live(tap: str) -> None:
    stated = DELAYED["captures"][f"rtt-delays-{tap}.pcap"]
    for frames in streams(f"rtt-delays-{tap}.pcap").values():
        assert {frame.ttl for frame in frames if frame.sent} == {stated["ttl_from_server"]}
        assert {frame.ttl for frame in frames if not frame.sent} == {stated["ttl_from_client"]}


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("port", [port for port, stream in EXCHANGES.items() if not stream["offload"]])
def test_frames_take_the_stated_time_from_capture_to_capture(port: int, *, sent: bool) -> None:
    taps = ("client", "middle", "server")
    times = {
        tap: {
            frame.ip_id: frame.time_ns
            for frame in streams(f"rtt-delays-{tap}.pcap")[port]
            if frame.sent == sent
        }
        for tap in taps
    }
    sender = "server" if sent else "client"
    for tap in taps:
        delay_ms = DELAYED["captures"][f"rtt-delays-{tap}.pcap"][f"delay_from_{sender}_ms"]
        took_ms = [(time_ns - times[sender][number]) / 1e6 for number, time_ns in times[tap].items()]
        assert times[tap].keys() == times[sender].keys()
        assert min(took_ms) >= delay_ms
        assert statistics.median(took_ms) < delay_ms + 4


@pytest.mark.parametrize("port", EXCHANGES)
def test_round_trip_times_are_those_of_the_relays(port: int) -> None:
    way_us = DELAYED["delay_ms_each_way"] * 2000
    stream = EXCHANGES[port]
    assert stream["connect_took_us"] >= way_us
    assert all(took_us >= way_us + stream["thinks_us"] for took_us in stream["rounds_took_us"])
    for end in ("client", "server"):
        assert way_us <= stream["tcp_info"][end]["min_rtt_us"] < way_us + 8000


@pytest.mark.parametrize("tap", ["client", "middle", "server"])
def test_only_the_end_that_offloads_has_longer_segments_and_no_checksums(tap: str) -> None:
    for port, frames in streams(f"rtt-delays-{tap}.pcap").items():
        offloads = EXCHANGES[port]["offload"] == tap
        assert (max(frame.payload_bytes for frame in frames) > LIMITED["mss_bytes"]) == offloads
        mine = [
            frame.checksum == frame.pseudo_checksum for frame in frames if frame.sent == (tap == "server")
        ]
        assert all(mine) if offloads else not all(mine)
        theirs = [
            frame.checksum == frame.pseudo_checksum for frame in frames if frame.sent != (tap == "server")
        ]
        assert not all(theirs)
