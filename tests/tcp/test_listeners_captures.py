"""What the table of listeners says of recorded captures, against what the kernels counted meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import netanalyze

CAPTURES = Path(__file__).parents[2] / "captures"


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = netanalyze.analyze(str(path), reports=["listeners"])["listeners"].to_dicts()
    return found


def of_port(name: str, port: int) -> dict[str, Any]:
    (row,) = [row for row in rows(CAPTURES / name) if row["server_port"] == port]
    return row


def truth(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((CAPTURES / f"{name}.truth.json").read_text())
    return told


def test_accept_queue_that_drops() -> None:
    row, told = of_port("backlog-overflow.pcap", 9160), truth("backlog-overflow")
    assert (row["verdict"], row["signs"]) == ("accept queue full", "SYNs dropped")
    assert row["overflows"] == told["server_counters"]["TcpExtListenOverflows"]
    assert row["syn_retries"] == told["client_counters"]["TcpExtTCPSynRetrans"]
    assert row["established"] == told["server_counters"]["TcpPassiveOpens"]
    assert row["first_drop"] == told["listen_backlog"] + 1
    assert row["retry_schedule"] == "linear"
    connected_ns = [second * 10**9 for second in told["connected_s"]]
    # The program looks every few milliseconds; the capture sees the ACK.
    assert row["connect_max_ns"] == pytest.approx(max(connected_ns), abs=10**7)
    assert row["connect_avg_ns"] == pytest.approx(sum(connected_ns) / 6, abs=10**7)
    assert 4 * 2.0e9 < row["cost_ns"] < 4 * 2.3e9


def test_accept_queue_that_resets() -> None:
    row, told = of_port("abort-on-overflow.pcap", 9220), truth("abort-on-overflow")
    assert (row["verdict"], row["signs"]) == ("accept queue full", "reset after the handshake")
    assert row["overflows"] == told["server_counters"]["TcpExtListenOverflows"]
    assert row["overflows"] == told["client_saw"].count("reset") == 2
    assert (row["max_waiting"], row["max_half_open"]) == (told["recv_q"][1], told["half_open"])
    assert row["first_drop"] == told["recv_q"][1] == told["listen_backlog"] + 1
    assert row["syn_retries"] == told["client_counters"]["TcpExtTCPSynRetrans"]
    assert row["syn_ack_retries"] == told["server_counters"]["TcpExtTCPSynRetrans"]


def test_syn_queue() -> None:
    row, told = of_port("syn-queue-full.pcap", 9230), truth("syn-queue")
    full = told["full"]
    assert (row["verdict"], row["signs"]) == ("SYN queue full", "SYNs dropped")
    assert row["attempts"] == told["crafted_syns"] + 1
    assert row["overflows"] == full["server_counters"]["TcpExtTCPReqQFullDrop"]
    assert row["max_half_open"] == row["first_drop"] == full["half_open"]
    assert row["syn_retries"] == full["client_counters"]["TcpExtTCPSynRetrans"]
    assert row["syn_ack_retries"] == full["server_counters"]["TcpExtTCPSynRetrans"]
    assert row["connect_max_ns"] == pytest.approx(full["connect_s"] * 1e9, abs=10**7)


def test_syn_cookies() -> None:
    row, told = of_port("syn-queue-cookies.pcap", 9230), truth("syn-queue")
    cookies = told["cookies"]
    assert cookies["server_counters"]["TcpExtSyncookiesSent"] > 0
    assert (row["verdict"], row["overflows"], row["unanswered"]) == ("SYN cookies", 0, 0)
    # Those that the listener remembers are sent again; the rest are cookies.
    assert row["syn_ack_retries"] == cookies["half_open"]
    assert row["attempts"] - row["syn_ack_retries"] == cookies["server_counters"]["TcpExtSyncookiesSent"]


def test_silence() -> None:
    told = {each["port"]: each["client_saw"] for each in truth("filtered-port")["attempts"]}
    found = {row["server_port"]: row for row in rows(CAPTURES / "filtered-port.pcap")}
    assert {port: row["verdict"] for port, row in found.items()} == {
        9240: "ok",
        9241: "filtered",
        9242: "host dead",
    }
    assert {port: bool(row["established"]) for port, row in found.items()} == {
        port: saw == "connected" for port, saw in told.items()
    }


def test_handshakes_that_lose_segments() -> None:
    attempts = truth("handshake-retry")["attempts"]
    found = {row["server_port"]: row for row in rows(CAPTURES / "handshake-retry.pcap")}
    assert {port: row["verdict"] for port, row in found.items()} == {
        9151: "packet loss",
        9152: "packet loss",
        9153: "packet loss",
        9154: "filtered",
        9155: "ok",
    }
    for attempt in attempts:
        row = found[attempt["port"]]
        if attempt["client_saw"] == "connected":
            assert row["connect_max_ns"] == pytest.approx(attempt["connect_s"] * 1e9, abs=10**7)
        else:
            assert (row["unanswered"], row["connect_max_ns"]) == (1, None)
    assert sum(row["syn_retries"] for row in found.values()) == 5


def test_refusals() -> None:
    found = {(row["server"], row["server_port"]): row for row in rows(CAPTURES / "refused.pcapng")}
    assert {ends: row["verdict"] for ends, row in found.items()} == {
        ("10.5.0.1", 9001): "refused",
        ("fd00:5::1", 9001): "refused",
        ("10.5.0.1", 9003): "prohibited",
        ("10.5.1.77", 9004): "host unreachable",
    }


def test_resets_by_programs_are_no_overflow() -> None:
    assert of_port("reset.pcap", 9101)["verdict"] == "ok"


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(CAPTURES.iterdir()) if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"}],
)
def test_no_queue_is_full_where_none_was(name: str) -> None:
    queues = {
        "backlog-overflow.pcap", "abort-on-overflow.pcap", "syn-queue-full.pcap", "syn-queue-cookies.pcap"
    }  # fmt: skip
    said = {row["verdict"] for row in rows(CAPTURES / name)}
    assert bool(said & {"accept queue full", "SYN queue full", "SYN cookies"}) == (name in queues)


def test_acks_ignored_on_older_linux(corpus: Path) -> None:
    (row,) = rows(corpus / "captures" / "deepflow__server-queue-lack.pcap")
    assert (row["verdict"], row["signs"]) == ("accept queue full", "ACKs ignored")
    assert (row["syn_ack_retries"], row["first_drop_frame"]) == (2, 3)
    # Every segment of the client's but its SYN: two ACKs of the SYN-ACK that came again, and the data.
    assert row["overflows"] == 11
    (row,) = rows(corpus / "captures" / "deepflow__syn-retrans.pcap")
    assert (row["verdict"], row["syn_retries"]) == ("packet loss", 1)


def test_no_queue_is_full_in_other_captures(corpus: Path) -> None:
    suspects = {}
    for path in sorted((corpus / "captures").iterdir()):
        if path.suffix != ".keylog" and path.name != "deepflow__server-queue-lack.pcap":
            said = [row for row in rows(path) if row["overflows"] or row["verdict"] == "SYN cookies"]
            if said:
                suspects[path.name] = said
    assert suspects == {}
