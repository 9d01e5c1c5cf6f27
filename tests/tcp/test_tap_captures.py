"""Where recorded connections were captured, and what is said of round trips and losses because of that."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import netanalyze

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SLACK_MS = 3
"""How long a host may take to answer beyond the relays' delays: the computer had other work."""
SENDER, RECEIVER = "injected-faults-sender.pcap", "injected-faults-receiver.pcap"


@cache
def report(name: str) -> Any:  # noqa: ANN401 - rows have the columns of their table
    return netanalyze.analyze(CAPTURES / name, reports=["streams", "directions", "events"])


def truth(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{recording}.truth.json").read_text())
    return found


DELAYS = truth("rtt-delays")
FAULTS = truth("injected-faults")
PLACES = {
    "rtt-delays-client.pcap": "client",
    "rtt-delays-middle.pcap": "between",
    "rtt-delays-server.pcap": "server",
}


@pytest.mark.parametrize(
    ("name", "tap"),
    [
        *PLACES.items(),
        (SENDER, "server"),
        (RECEIVER, "client"),
        ("lossy-transfer-client.pcap", "client"),
        ("lossy-transfer-server.pcap", "server"),
        ("reordered.pcap", "client"),
        ("limited-transfers.pcap", "server"),
        ("loopback.pcap", "both"),
        ("http-keepalive.pcapng", "both"),
        ("refused.pcapng", None),
        ("rotated_00002.pcap", None),
    ],
)
def test_every_connection_of_a_recording(name: str, tap: str | None) -> None:
    assert {stream.tap for stream in report(name)["streams"]} == {tap}


@pytest.mark.parametrize("name", PLACES)
def test_the_evidence_is_what_the_recording_says(name: str) -> None:
    place = DELAYS["captures"][name]
    offloads = {stream["client_port"]: stream["offload"] for stream in DELAYS["streams"]}
    for stream in report(name)["streams"]:
        parts = stream.tap_evidence.split("; ")
        assert parts[1] == f"client TTL {place['ttl_from_client']}, server TTL {place['ttl_from_server']}"
        seen = PLACES[name] == offloads[stream.client_port]
        side = offloads[stream.client_port]
        assert parts[2:3] == ([f"{side}'s checksum left to the card"] if seen else [])
        assert [part.rpartition(" up to")[0] for part in parts[3:]] == (
            [f"{side}'s segments"] if seen else []
        )


@pytest.mark.parametrize("name", PLACES)
def test_round_trips_cover_the_part_of_the_way_that_is_stated(name: str) -> None:
    place = DELAYS["captures"][name]
    ways_ms = {
        "whole way": 2 * DELAYS["delay_ms_each_way"],
        "tap to server": 2 * place["delay_from_server_ms"],
        "tap to client": 2 * place["delay_from_client_ms"],
        "receiver side": 0,
    }
    stated = {
        "client": ("whole way", "receiver side"),
        "between": ("tap to server", "tap to client"),
        "server": ("receiver side", "whole way"),
    }[PLACES[name]]
    rows = list(report(name)["directions"])
    assert len(rows) == 2 * len(DELAYS["streams"])
    for row in rows:
        assert row.rtt_path == stated[row.sender == "server"]
        assert 0 <= row.rtt_min_ns / 1e6 - ways_ms[row.rtt_path] < SLACK_MS


def lost_segments() -> set[tuple[int, int]]:
    """Client's port and relative sequence number of what the relay took from the server's data."""
    return {
        (stream["client_port"], one["relative_sequence"])
        for stream in FAULTS["streams"]
        for one in stream["injected"]
        if one["of"] == "data" and one["kind"] == "lost"
    }


def retransmissions(name: str) -> list[tuple[tuple[int, int], Any]]:
    ports = {stream.stream: stream.client_port for stream in report(name)["streams"]}
    return [
        ((ports[event.stream], event.seq), event)
        for event in report(name)["events"]
        if event.kind == "retransmission"
    ]


def test_behind_the_relay_first_copies_are_lost_on_the_way_only_where_it_took_them() -> None:
    stated = {key for key, event in retransmissions(RECEIVER) if "lost on the way" in event.detail}
    assert stated <= lost_segments()
    first = {
        key
        for key, event in retransmissions(RECEIVER)
        if event.cause in {"fast", "recovery", "timeout", "tail_timer"} and event.other_frame is None
    }
    assert first & lost_segments() == stated
    assert len(stated) >= 6
    for key, event in retransmissions(RECEIVER):
        assert key in lost_segments() or " lost" not in event.detail


def test_before_the_relay_all_that_is_lost_is_lost_on_the_way_and_not_worth_a_word() -> None:
    assert len(retransmissions(SENDER)) > 20
    assert not any(" lost" in (event.detail or "") for _, event in retransmissions(SENDER))


def test_wireshark_has_no_opinion() -> None:
    found = netanalyze.analyze(CAPTURES / RECEIVER, reports=["streams", "events"], compat="wireshark")
    assert {stream.tap for stream in found["streams"]} == {"client"}
    assert not any(" lost" in (event.detail or "") for event in found["events"])
