"""Captures of faults, limits and delays known beforehand: they have what their truth files say, no more.

What is counted here is read from the headers by dpkt, so that the truth is right whatever netanalyze says.
"""

from __future__ import annotations

import itertools
import json
import statistics
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dpkt
import pytest

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
ACK_ONLY, SYN = dpkt.tcp.TH_ACK, dpkt.tcp.TH_SYN
SERVER_PORTS = {"injected-faults": 9127, "limited-transfers": 9128, "rtt-delays": 9129}
LAST = 24
"""The last segment of most streams with a fault."""
SLACK_NS = 20_000_000
"""By how much a frame may be later than the relay was told to let it be: the computer had other work."""


@dataclass(frozen=True)
class Frame:
    """A segment as a capture has it.

    Attributes:
        time_ns: when it was captured.
        sent: whether the server sent it.
        port: the client's port.
        sequence: relative sequence number, the first byte of data being 1.
        acknowledgment: relative acknowledgment number.
        payload_bytes: data, by the length in the IP header.
        flags: TCP flags.
        window: window field.
        ip_id: identification of the IP packet.
        ttl: its time to live.
        checksum: of TCP, as it is in the frame.
        pseudo_checksum: what the sum would be if only the pseudo header had been added up.
        sack: SACK blocks, relative.
    """

    time_ns: int
    sent: bool
    port: int
    sequence: int
    acknowledgment: int
    payload_bytes: int
    flags: int
    window: int
    ip_id: int
    ttl: int
    checksum: int
    pseudo_checksum: int
    sack: tuple[tuple[int, int], ...]

    @property
    def end(self) -> int:
        return self.sequence + self.payload_bytes

    @property
    def tells_of_a_duplicate(self) -> bool:
        """Whether the first SACK block is a D-SACK: already acknowledged, or inside the second one."""
        if not self.sack:
            return False
        first, *others = self.sack
        inside = others and others[0][0] <= first[0] and first[1] <= others[0][1]
        return first[0] < self.acknowledgment or bool(inside)


def pseudo_checksum(addresses: bytes, tcp_bytes: int) -> int:
    head = addresses + struct.pack("!HH", 6, tcp_bytes)
    total = sum(struct.unpack("!6H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@cache
def streams(name: str) -> dict[int, list[Frame]]:
    """The TCP frames of a capture by the client's port."""
    recording = next(one for one in SERVER_PORTS if name.startswith(one))
    found: dict[int, list[Frame]] = defaultdict(list)
    first: dict[tuple[int, bool], int] = {}
    with (CAPTURES / name).open("rb") as file:
        for seconds, data in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(data).data
            if not isinstance(packet, dpkt.ip.IP):
                continue
            segment = packet.data
            sent = segment.sport == SERVER_PORTS[recording]
            port = segment.dport if sent else segment.sport
            if segment.flags & SYN:
                first[port, sent] = segment.seq
            other = first.get((port, not sent), 0)
            sack: list[int] = []
            for kind, value in dpkt.tcp.parse_opts(segment.opts):
                if kind == dpkt.tcp.TCP_OPT_SACK:
                    sack = [
                        (number - other) % 2**32 for number in struct.unpack(f"!{len(value) // 4}I", value)
                    ]
            found[port].append(
                Frame(
                    time_ns=round(seconds * 1_000_000) * 1000,
                    sent=sent,
                    port=port,
                    sequence=(segment.seq - first[port, sent]) % 2**32,
                    acknowledgment=(segment.ack - other) % 2**32,
                    payload_bytes=packet.len - packet.hl * 4 - segment.off * 4,
                    flags=segment.flags,
                    window=segment.win,
                    ip_id=packet.id,
                    ttl=packet.ttl,
                    checksum=segment.sum,
                    pseudo_checksum=pseudo_checksum(packet.src + packet.dst, packet.len - packet.hl * 4),
                    sack=tuple(zip(sack[::2], sack[1::2], strict=True)),
                )
            )
    return dict(found)


def truth(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{recording}.truth.json").read_text())
    return found


INJECTED, LIMITED, DELAYED = truth("injected-faults"), truth("limited-transfers"), truth("rtt-delays")
FAULTS = {stream["fault"]: stream for stream in INJECTED["streams"]}
LIMITS = {stream["limit"]: stream for stream in LIMITED["streams"]}
EXCHANGES = {stream["client_port"]: stream for stream in DELAYED["streams"]}


def at(side: str, stream: dict[str, Any], *, sent: bool | None = None) -> list[Frame]:
    """The frames of a stream with a fault on one side of the relay, all or those of one sender."""
    found = streams(f"injected-faults-{side}.pcap")[stream["client_port"]]
    return [frame for frame in found if sent is None or frame.sent == sent]


def counts(frames: list[Frame]) -> dict[str, int]:
    starts = Counter(frame.sequence for frame in frames if frame.sent and frame.payload_bytes)
    return {
        "frames_from_sender": sum(frame.sent for frame in frames),
        "frames_from_receiver": sum(not frame.sent for frame in frames),
        "data_segments": starts.total(),
        "repeated_data_segments": starts.total() - len(starts),
    }


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
        assert (max(frame.payload_bytes for frame in frames) > INJECTED["mss_bytes"]) == offloads
        mine = [
            frame.checksum == frame.pseudo_checksum for frame in frames if frame.sent == (tap == "server")
        ]
        assert all(mine) if offloads else not all(mine)
        theirs = [
            frame.checksum == frame.pseudo_checksum for frame in frames if frame.sent != (tap == "server")
        ]
        assert not all(theirs)
