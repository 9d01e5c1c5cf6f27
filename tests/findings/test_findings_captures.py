"""The findings of every sample capture: what its recording did on purpose, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze.findings.catalog import RULES
from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from netanalyze.report.records.findings import Finding

CAPTURES = Path(__file__).parents[2] / "captures"

EXPECTED = {
    "abort-on-overflow.pcap": "LSN001",
    "any-interface-sll.pcap": "",
    "any-interface-sll2.pcap": "",
    "backlog-overflow.pcap": "LSN001",
    "capture-quality-cut.pcap": "CAP004",
    "capture-quality-drops.pcapng.zst": "CAP001",
    "capture-quality-one-side.pcap": "CAP007",
    "capture-quality-order.pcap": "CAP009",
    "capture-quality-short.pcap": "CAP006",
    "capture-quality-whole.pcap": "",
    "closing-both.pcap": "",
    "closing-half.pcap": "",
    "closing-leak.pcap": "FSM002",
    "closing-lost.pcap": "",
    "closing-nginx.pcap": "HTTP001",
    "damaged-offload.pcap": "",
    "damaged-way.pcap": "TCP010",
    "damaged-whole.pcap": "",
    "dns-dnsmasq.pcap": "DNS002",
    "dns-edns.pcap": "DNS002",
    "dns-lookups.pcap": "",
    "dns-lost.pcap": "DNS003 DNS004",
    "dns-stub.pcap": "DNS002 DNS003",
    "dns-unused-twin.pcap": "",
    "dns-unused.pcap": "DNS007",
    "dns-waits.pcap": "DNS001 DNS005 DNS006 UDP001",
    "duplicate-frames-any.pcap": "",
    "duplicate-frames-bridge.pcapng": "",
    "duplicate-frames-mirror.pcap": "TCP001",
    "filtered-port.pcap": "LSN005 LSN005",
    "framed-messages.pcap": "",
    "handshake-retry.pcap": "LSN003 LSN003 LSN003 LSN005",
    "http-connections.pcap": "HTTP007 HTTP007 HTTP007",
    "http-cookies.pcap": "HTTP014",
    "http-cors.pcap": "HTTP007 HTTP012 HTTP013 HTTP014",
    "http-encodings.pcap": "HTTP002 HTTP011",
    "http-hang-ups-client.pcap": "HTTP003 HTTP003 HTTP004 HTTP004 HTTP005 HTTP005 HTTP007 HTTP007"
    " TCP003 TCP008 WRT001",
    "http-hang-ups-server.pcap": "HTTP003 HTTP003 HTTP004 HTTP004 HTTP005 HTTP005 HTTP007 HTTP007"
    " LSN003 TCP008 WRT001",
    "http-keepalive.pcapng": "HTTP007",
    "http-loss-gaps.pcap": "CAP002 HTTP007 LSN003 TCP001 TCP004 TCP004 TCP005 TCP006",
    "http-loss-midstream.pcap": "TCP001 TCP003 TCP005 TCP005 TCP006",
    "http-loss-snap-heads.pcap": "HTTP007 LSN003 TCP001 TCP004 TCP004 TCP005 TCP006",
    "http-loss-snap.pcap": "HTTP007 LSN003 TCP001 TCP004 TCP004 TCP005 TCP006",
    "http-loss.pcap": "HTTP007 LSN003 TCP001 TCP004 TCP004 TCP005 TCP006",
    "http-proxy.pcap": "HTTP006 HTTP007 HTTP007",
    "http-slow-healthy.pcap": "",
    "http-slow-server.pcap": "HTTP008",
    "http-slow-way.pcap": "HTTP009",
    "http-text-packed.pcap": "",
    "http-text-plain.pcap": "HTTP010",
    "http-variety.pcap": "HTTP004 HTTP007",
    "http2-cleartext.pcap": "",
    "idle-cut-kept.pcap": "",
    "idle-cut-reset.pcap": "TCP009",
    "idle-cut-silent.pcap": "TCP009",
    "injected-faults-receiver.pcap": "TCP001 TCP002 TCP005 TCP006 WIN001",
    "injected-faults-sender.pcap": "TCP001 TCP002 TCP003 TCP004 TCP005 WIN001",
    "ip-fragments.pcap": "UDP002 UDP002 UDP003",
    "ipv6-http.pcap": "HTTP007",
    "limited-transfers.pcap": "TCP001 WIN001 WIN002 WIN003",
    "link-types.pcapng": "HTTP002 HTTP002",
    "loopback.pcap": "",
    "lossy-transfer-client.pcap": "TCP001",
    "lossy-transfer-server.pcap": "TCP001",
    "mdns-avahi.pcap": "",
    "midstream.pcap.gz": "",
    "mixed.pcapng": "LSN004 UDP001",
    "mtu-black-hole.pcap": "TCP007",
    "mtu-clamped.pcap": "",
    "netbios.pcap": "",
    "port-reuse.pcap": "TCP008",
    "raw-ip.pcap": "",
    "refused.pcapng": "LSN004 LSN004 LSN006 LSN006 UDP001 UDP001",
    "reordered.pcap": "TCP005 TCP006",
    "reset.pcap": "TCP008 TCP008",
    "restarted-handed-over.pcap": "",
    "restarted-hole.pcap": "LSN007",
    "rotated_00001.pcap": "",
    "rotated_00002.pcap": "",
    "rotated_00003.pcap": "",
    "rtt-delays-client.pcap": "",
    "rtt-delays-middle.pcap": "",
    "rtt-delays-server.pcap": "",
    "sticky-node.pcap": "",
    "sticky-offload.pcap": "",
    "sticky-waits-client.pcap": "LSN003 TCP001 TCP003 WIN001 WRT001",
    "sticky-waits-server.pcap": "TCP001 TCP003 WIN001 WRT001",
    "sticky-writes.pcap": "WRT001",
    "syn-queue-cookies.pcap": "LSN002",
    "syn-queue-full.pcap": "LSN002",
    "time-wait-kept.pcap.zst": "",
    "time-wait-pile.pcap.zst": "FSM001",
    "tunnels.pcap": "HTTP002",
    "udp-exchange.pcap": "UDP002",
    "udp-fates-client.pcap": "UDP001 UDP001",
    "udp-fates-server.pcap": "UDP001 UDP001",
    "vanished-gone.pcap": "FSM003",
    "vanished-there.pcap": "",
    "vlan-8021q.pcap": "",
    "vlan-qinq.pcap": "",
    "vxlan.pcapng.zst": "",
    "websocket.pcap": "HTTP007 TCP008",
    "write-write-read.pcap": "WRT001",
    "zero-window.pcap": "TCP005 WIN001",
}
"""Codes without remarks."""
FAMILIES = ("TCP", "WIN", "WRT", "FSM", "LSN", "DNS", "HTTP", "UDP", "CAP")


@cache
def rows_of(name: str) -> tuple[Finding, ...]:
    return tuple(run([str(CAPTURES / name)], Options(tables=("findings",), select=FAMILIES))["findings"])


def one(name: str, code: str, part: str = "") -> Finding:
    (found,) = [row for row in rows_of(name) if row.code == code and part in (row.subject or "")]
    return found


def truth(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{name}.truth.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_exactly_what_was_done_on_purpose(name: str) -> None:
    found = sorted(row.code for row in rows_of(name) if row.severity != "info")
    assert " ".join(found) == EXPECTED[name]


def test_remarks_are_about_the_capture_and_messages() -> None:
    for name in EXPECTED:
        remarks = {row.code for row in rows_of(name) if row.severity == "info"}
        assert remarks <= {"CAP003", "CAP005", "CAP008", "CAP010", "CAP011", "WIN004", "WRT002"}, name


def test_the_time_a_slow_reader_cost_is_that_which_the_kernel_counted() -> None:
    waited_us = truth("zero-window")["tcp_info"]["server"]["rwnd_limited_us"]
    assert one("zero-window.pcap", "WIN001").cost_ns == pytest.approx(waited_us * 1000, rel=0.1)


def test_the_time_a_small_window_cost_is_that_which_the_kernel_counted() -> None:
    streams = truth("limited-transfers")["streams"]
    small = one("limited-transfers.pcap", "WIN002")
    assert small.stream == 0
    waited_us = streams[0]["tcp_info"]["server"]["rwnd_limited_us"]
    assert small.cost_ns == pytest.approx(waited_us * 1000, rel=0.1)
    slow = one("limited-transfers.pcap", "WIN001")
    assert slow.stream == 1
    waited_us = streams[1]["tcp_info"]["server"]["rwnd_limited_us"]
    assert slow.cost_ns == pytest.approx(waited_us * 1000, rel=0.1)
    assert one("limited-transfers.pcap", "WIN003").stream == 3


def test_the_time_that_handshakes_took_is_that_which_the_client_saw() -> None:
    for attempt in truth("handshake-retry")["attempts"]:
        rows = [row for row in rows_of("handshake-retry.pcap") if str(attempt["port"]) in (row.subject or "")]
        if attempt["connect_s"] > 0.5:
            (row,) = rows
            assert row.cost_ns is not None
            assert row.cost_ns <= attempt["connect_s"] * 1e9
            if attempt["client_saw"] == "connected":
                assert row.cost_ns == pytest.approx(attempt["connect_s"] * 1e9, rel=0.1)


def looked_up(name: str, case: str) -> dict[str, Any]:
    (found,) = [entry for entry in truth(name)["getaddrinfo"] if entry["case"] == case]
    return dict(found)


def test_the_wait_for_a_mute_server_counts_once_and_against_it() -> None:
    mute = one("dns-waits.pcap", "DNS001")
    assert (mute.subject, mute.count, mute.frame) == ("10.41.0.9", 2, 34)
    assert mute.cost_ns == pytest.approx(looked_up("dns-waits", "first server mute")["took_ns"], rel=0.1)
    # The one that answered at once is to blame for the lost packet and the search list, not for this.
    others = [row for row in rows_of("dns-waits.pcap") if row.subject == "10.41.0.1"]
    assert {row.code for row in others} == {"DNS005", "DNS006"}


def test_the_wait_for_a_lost_twin_is_that_which_the_program_saw() -> None:
    lost = one("dns-waits.pcap", "DNS006")
    assert lost.count == truth("dns-waits")["answers_lost"] == 1
    assert lost.cost_ns == pytest.approx(looked_up("dns-waits", "AAAA answer lost")["took_ns"], rel=0.1)
    assert "single-request-reopen" in lost.advice


def test_lost_and_late_dns_packets_cost_what_the_program_waited() -> None:
    again, slow = one("dns-lost.pcap", "DNS004"), one("dns-lost.pcap", "DNS003")
    assert again.count == truth("dns-lost")["questions_lost"] == 2
    assert again.cost_ns == pytest.approx(looked_up("dns-lost", "both lost")["took_ns"], rel=0.1)
    assert slow.cost_ns == pytest.approx(looked_up("dns-lost", "answers late")["took_ns"], rel=0.1)
    assert slow.cost_ns == pytest.approx(truth("dns-lost")["late_s"] * 1e9, rel=0.1)


def test_answers_that_a_program_did_not_use_are_counted() -> None:
    steps = truth("dns-unused")["python"]["dns-unused"]
    given = sum(len(step["addresses"]) for step in steps if step["step"].startswith("lookup:"))
    unused = one("dns-unused.pcap", "DNS007")
    assert (unused.count, unused.subject, unused.severity) == (given, "10.46.0.2", "notice")
    waited_ns = sum(step["took_ns"] for step in steps if step["step"].startswith("lookup:"))
    assert unused.cost_ns is not None
    assert 0 < unused.cost_ns <= waited_ns


def test_leaks_are_counted() -> None:
    leak = one("closing-leak.pcap", "FSM002")
    assert leak.count == 6
    assert leak.frame == 8


def test_findings_name_frames_and_filters_unless_the_capture_itself_is_meant() -> None:
    for name in EXPECTED:
        for row in rows_of(name):
            assert row.frame is not None or row.code in ("CAP001", "CAP003", "CAP004")
            assert row.wireshark_filter or row.code == "CAP004"
            assert (row.frame is None) == (row.frames is None)


def matched(name: str, display_filter: str) -> set[int]:
    """Frames of a capture that Wireshark's filter shows."""
    command = ["tshark", "-n", "-r", str(CAPTURES / name), "-Y", display_filter]
    command += ["-T", "fields", "-e", "frame.number"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return {int(line) for line in shown.stdout.split()}


NOTHING_TO_SHOW = {
    "CAP001": "packets that were never captured; the filter shows where TCP misses some, if it does",
    "CAP004": "the file ends there",
}
"""Findings about frames that are not in the file."""

ONE_OF_EACH = {code: name for name, codes in EXPECTED.items() for code in codes.split()}


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize(("code", "name"), ONE_OF_EACH.items())
def test_the_filter_shows_frames_in_wireshark(code: str, name: str) -> None:
    for row in rows_of(name):
        if row.code != code:
            continue
        if row.code in NOTHING_TO_SHOW:
            continue
        assert row.wireshark_filter is not None
        shown = matched(name, row.wireshark_filter)
        named = {int(frame) for frame in (row.frames or "").split(", ")}
        # Wireshark shows HTTP where a message ends, and labels segments by rules of its own.
        assert shown, row.wireshark_filter
        assert named & shown or code.startswith("HTTP"), row.wireshark_filter


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("number", range(4))
def test_filters_that_no_sample_shows_are_filters(number: int) -> None:
    filters = {
        row.wireshark_filter: name
        for name in EXPECTED
        for row in rows_of(name)
        if row.wireshark_filter and row.severity == "info"
    }
    for display_filter, name in list(filters.items())[number::4]:
        matched(name, display_filter)


def test_every_rule_is_shown_by_a_recording() -> None:
    remarks = {row.code for name in EXPECTED for row in rows_of(name) if row.severity == "info"}
    assert {rule.code for rule in RULES} == set(ONE_OF_EACH) | remarks


def test_every_capture_is_looked_at() -> None:
    endings = (".pcap", ".pcapng", ".gz", ".zst")
    assert set(EXPECTED) == {path.name for path in CAPTURES.iterdir() if path.name.endswith(endings)}
