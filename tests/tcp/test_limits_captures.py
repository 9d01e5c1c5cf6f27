"""What limited the transfers of the sample captures, against what their kernels and scripts say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import dpkt
import pytest

from netanalyze.capture import files
from netanalyze.pipeline import Options, run
from netanalyze.tcp.limit_fields import CLASSES
from netanalyze.tcp.limits import VERDICTS

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SAMPLES = sorted(path for path in CAPTURES.iterdir() if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"})
LIMITED = json.loads((CAPTURES / "limited-transfers.truth.json").read_text(encoding="utf-8"))
STREAMS = {stream["limit"]: (number, stream) for number, stream in enumerate(LIMITED["streams"])}
VERDICT = {
    "receiver's window": "receiver_window",
    "slow reader": "receiver_window",
    "application": "application",
    "send buffer": "send_buffer",
    "loss": "loss",
    "rate of the way": "path_rate",
    "pacing": "path_rate",
    "slow start": "slow_start",
}
TICK_US = 4_000
"""The kernel that the transfers were made with counts the time of ``TCP_INFO`` in these."""


@cache
def rows(name: str) -> list[dict[str, Any]]:
    return run([str(CAPTURES / name)], Options(tables=("limits",)))["limits"].to_dicts()


def limited(limit: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The row of a transfer, and what its sender's kernel knew in the end."""
    number, stream = STREAMS[limit]
    (row,) = [row for row in rows("limited-transfers.pcap") if row["stream"] == number]
    return row, stream["tcp_info"]["server"]


@pytest.mark.parametrize("limit", STREAMS)
def test_the_verdict_is_the_limit_that_was_set_up(limit: str) -> None:
    row, _ = limited(limit)
    assert row["verdict"] == VERDICT[limit]
    assert row["sender"] == "server"
    assert row["bytes"] == STREAMS[limit][1]["sent_bytes"]


@pytest.mark.parametrize("limit", STREAMS)
def test_busy_time_is_that_of_the_kernel(limit: str) -> None:
    row, info = limited(limit)
    # Two ticks for each time that it begins to be busy, which an application that pauses makes many.
    pauses = STREAMS[limit][1]["sent_bytes"] // 4000 if limit == "application" else 1
    assert row["busy_ns"] / 1000 == pytest.approx(info["busy_time_us"], abs=2 * TICK_US * pauses)


@pytest.mark.parametrize("limit", STREAMS)
def test_time_at_the_end_of_the_window_is_that_of_the_kernel(limit: str) -> None:
    row, info = limited(limit)
    assert row["receiver_window_ns"] / 1000 == pytest.approx(info["rwnd_limited_us"], abs=3 * TICK_US)


def test_the_send_buffer_is_found_where_the_kernel_says_so() -> None:
    for limit in STREAMS:
        row, info = limited(limit)
        assert (row["send_buffer_ns"] > row["active_ns"] / 20) == (info["sndbuf_limited_us"] > 0), limit


def test_losses_are_found_where_the_kernel_sent_again() -> None:
    for limit in STREAMS:
        row, info = limited(limit)
        assert (row["recovery_ns"] > 0) == (info["total_retrans"] > 0), limit


def test_active_time_is_from_the_first_payload_to_its_last_acknowledgement() -> None:
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    end: dict[int, int] = {}
    with (CAPTURES / "limited-transfers.pcap").open("rb") as file:
        for time, data in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(data).data
            if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, dpkt.tcp.TCP):
                continue
            size = ip.len - 4 * ip.hl - 4 * ip.data.off
            if ip.data.sport == 9128 and size:
                first.setdefault(ip.data.dport, time)
                end[ip.data.dport] = max(end.get(ip.data.dport, 0), ip.data.seq + size)
            elif ip.data.dport == 9128 and ip.data.ack >= end.get(ip.data.sport, 1 << 32):
                last.setdefault(ip.data.sport, time)
                if ip.data.ack == end[ip.data.sport]:
                    last[ip.data.sport] = min(last[ip.data.sport], time)
            if ip.data.sport == 9128 and size:
                last.pop(ip.data.dport, None)
    for number, stream in STREAMS.values():
        (row,) = [row for row in rows("limited-transfers.pcap") if row["stream"] == number]
        port = stream["client_port"]
        assert row["active_ns"] == pytest.approx((last[port] - first[port]) * 1e9, abs=2000)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_classes_add_up(sample: Path) -> None:
    for row in rows(sample.name):
        parts = [row[f"{name}_ns"] for name in CLASSES]
        shares = [row[f"{name}_percent"] for name in CLASSES]
        if row["active_ns"] is None:
            assert parts == shares == [None] * len(CLASSES)
            continue
        assert min(parts) >= 0
        assert sum(parts) == row["active_ns"] >= row["busy_ns"] >= row["active_ns"] - row["application_ns"]
        assert row["verdict"] in {None, *VERDICTS}
        if row["active_ns"]:
            assert sum(shares) == 100
            for part, share in zip(parts, shares, strict=True):
                assert abs(part / row["active_ns"] * 100 - share) < 1


@pytest.mark.parametrize(
    ("one", "other", "differing"),
    [
        # What is lost before the capture point at the end of a flight looks like a pause there.
        ("injected-faults-sender.pcap", "injected-faults-receiver.pcap", {4, 5, 6, 9}),
        ("lossy-transfer-server.pcap", "lossy-transfer-client.pcap", set()),
        ("rtt-delays-server.pcap", "rtt-delays-client.pcap", set()),
        ("rtt-delays-server.pcap", "rtt-delays-middle.pcap", set()),
    ],
)
def test_the_capture_point_does_not_matter(one: str, other: str, differing: set[int]) -> None:
    both = {(row["stream"], row["sender"]): row for row in rows(one)}
    assert both.keys() == {(row["stream"], row["sender"]) for row in rows(other)}
    for row in rows(other):
        if row["stream"] in differing:
            continue
        twin = both[row["stream"], row["sender"]]
        assert row["verdict"] == twin["verdict"], row["stream"]
        assert row["active_ns"] == pytest.approx(twin["active_ns"], rel=0.1, abs=10_000_000)


def test_a_window_that_stays_closed_is_the_receivers() -> None:
    (row,) = [row for row in rows("zero-window.pcap") if row["verdict"]]
    assert row["verdict"] == "receiver_window"
    assert row["receiver_window_percent"] > 90


@pytest.mark.parametrize("frames", [1, 7])
@pytest.mark.parametrize(
    "name", ["limited-transfers.pcap", "injected-faults-receiver.pcap", "lossy-transfer-client.pcap"]
)
def test_batches_of_any_size_give_the_same(name: str, frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_FRAMES", frames)
    assert run([str(CAPTURES / name)], Options(tables=("limits",)))["limits"].to_dicts() == rows(name)
