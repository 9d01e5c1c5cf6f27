"""Figures that tcptrace gives too; docs/tcptrace.md says where it counts otherwise. Skipped without it."""

from __future__ import annotations

import csv
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

import netanalyze

CAPTURES = Path(__file__).parents[2] / "captures"
SAME = {
    "total_packets": "packets", "ack_pkts_sent": "acks", "pure_acks_sent": "pure_acks",
    "sack_pkts_sent": "sacks", "dsack_pkts_sent": "d_sacks", "max_sack_blks/ack": "max_sack_blocks",
    "unique_bytes_sent": "unique_bytes", "actual_data_pkts": "data_packets", "actual_data_bytes": "bytes",
    "pushed_data_pkts": "pushed", "urgent_data_pkts": "urgent_packets", "urgent_data_bytes": "urgent_bytes",
    "max_segm_size": "max_segment", "min_segm_size": "min_segment", "zero_win_adv": "zero_windows",
    "initial_window_bytes": "initial_window_bytes", "initial_window_pkts": "initial_window_packets",
    "truncated_data": "truncated_bytes", "truncated_packets": "truncated_packets",
}  # fmt: skip
TIMES = {
    "RTT_min": "rtt_min_ns", "RTT_max": "rtt_max_ns", "RTT_from_3WHS": "syn_rtt_ns",
    "idletime_max": "silent_max_ns",
}  # fmt: skip
"""In milliseconds there, to a tenth."""

SAMPLES = (
    "http-variety.pcap", "http2-cleartext.pcap", "ipv6-http.pcap", "limited-transfers.pcap",
    "lossy-transfer-client.pcap", "lossy-transfer-server.pcap", "mixed.pcapng", "reordered.pcap",
    "injected-faults-sender.pcap", "write-write-read.pcap", "zero-window.pcap", "framed-messages.pcap",
)  # fmt: skip
RETRANSMITTED = (
    "lossy-transfer-server.pcap", "limited-transfers.pcap", "injected-faults-sender.pcap", "zero-window.pcap",
)  # fmt: skip

pytestmark = pytest.mark.skipif(shutil.which("tcptrace") is None, reason="tcptrace is not installed")


def tcptrace(path: Path) -> list[dict[str, str]]:
    """A row for each connection; its columns end in _a2b or _b2a."""
    command = ["tcptrace", "-n", "-l", "-r", "-W", "--csv", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    lines = [line for line in ran.stdout.splitlines() if line and not line.startswith("#")]
    return [
        {str(name).strip(): (value or "").strip() for name, value in row.items()}
        for row in csv.DictReader(lines)
    ]


def unpadded(address: str) -> str:
    """The address without the zeros that tcptrace fills the groups of IPv6 with."""
    if ":" not in address:
        return address
    return ":".join(group.lstrip("0") or group[:1] for group in address.split(":"))


def halves(sample: str) -> list[tuple[str, Any, dict[str, str]]]:
    """Each half-stream with what tcptrace says of it: (name, ours, theirs)."""
    report = netanalyze.analyze(CAPTURES / sample, reports=["streams", "directions"], keep_duplicates=True)
    ours = {(row.stream, row.sender): row for row in report["directions"]}
    by_ends = {
        frozenset({(row.client, str(row.client_port)), (row.server, str(row.server_port))}): row
        for row in report["streams"]
    }
    found = []
    for row in tcptrace(CAPTURES / sample):
        ends = tuple((str(ip_address(unpadded(row[f"host_{x}"]))), row[f"port_{x}"]) for x in "ab")
        stream = by_ends[frozenset(ends)]
        for way, end in zip(("a2b", "b2a"), ends, strict=True):
            sender = "client" if end == (stream.client, str(stream.client_port)) else "server"
            theirs = {
                name.removesuffix(f"_{way}"): value for name, value in row.items() if name.endswith(way)
            }
            found.append((f"{sample} {stream.stream} {sender}", ours[stream.stream, sender], theirs))
    return found


@pytest.mark.parametrize("sample", SAMPLES)
def test_counts_and_round_trips(sample: str) -> None:
    compared = halves(sample)
    assert compared
    for name, ours, theirs in compared:
        if ours.resets or ours.packets == 1:
            continue  # tcptrace takes a reset's acknowledgement for a round trip
        for their_name, our_name in SAME.items():
            assert int(theirs[their_name]) == (getattr(ours, our_name) or 0), f"{name}: {our_name}"
        for their_name, our_name in TIMES.items():
            value = (getattr(ours, our_name) or 0) / 1e6
            assert abs(float(theirs[their_name].rstrip("NA") or 0) - value) <= 0.11, f"{name}: {our_name}"
        assert int(theirs["RTT_samples"]) == ours.rtt_samples, name
        if ours.rtt_samples > 2:
            assert abs(float(theirs["RTT_avg"]) - ours.rtt_avg_ns / 1e6) <= 0.11, name
            assert abs(float(theirs["RTT_stdev"]) - ours.rtt_dev_ns / 1e6) <= 0.11, name


@pytest.mark.parametrize("sample", RETRANSMITTED)
def test_retransmissions_of_data(sample: str) -> None:
    total = 0
    for name, ours, theirs in halves(sample):
        assert int(theirs["rexmt_data_pkts"]) == ours.retransmitted_packets, name
        assert int(theirs["rexmt_data_bytes"]) == ours.retransmitted_bytes, name
        assert int(theirs["max_#_retrans"]) == ours.most_retransmissions, name
        total += ours.retransmitted_packets
    assert total


@pytest.mark.parametrize("sample", SAMPLES)
def test_windows(sample: str) -> None:
    for name, ours, theirs in halves(sample):
        if ours.max_window is not None and not ours.resets:
            assert int(theirs["max_win_adv"]) == ours.max_window, name
            if ours.min_window:  # tcptrace leaves zero windows out
                assert int(theirs["min_win_adv"]) == ours.min_window, name
