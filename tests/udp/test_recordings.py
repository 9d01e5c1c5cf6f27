"""UDP flows of recordings against what the programs that made them got."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import netanalyze

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
TRUTH = json.loads((CAPTURES / "udp-fates.truth.json").read_text())


def flows(name: str) -> dict[int, dict[str, Any]]:
    """Rows of ``udp`` by the client's port."""
    report = netanalyze.analyze(CAPTURES / f"{name}.pcap", reports=["udp"])
    return {row["client_port"]: row for row in json.loads(report.to_json())["udp"]}


@pytest.mark.parametrize("end", ["client", "server"])
def test_sent_to_nobody(end: str) -> None:
    found = flows(f"udp-fates-{end}")
    for one in TRUTH["nobody"]:
        assert one["error_of_recv"] == "Connection refused"
        row = found[one["local_port"]]
        assert (row["server"], row["icmp_error"], row["senders"]) == (one["to"], "port unreachable", "client")
        assert row["icmp_frame"] > row["first_frame"]


@pytest.mark.parametrize("end", ["client", "server"])
def test_one_way(end: str) -> None:
    lines = [row for row in flows(f"udp-fates-{end}").values() if row["server_port"] == 514]
    assert [row["client_bytes"] for row in lines] == TRUTH["log_bytes"]
    assert {row["senders"] for row in lines} == {"client"}


@pytest.mark.parametrize("end", ["client", "server"])
def test_datagrams_handed_over_at_once(end: str) -> None:
    found, told = flows(f"udp-fates-{end}"), TRUTH["segmented"]
    joined, cut = found[told["local_port"]], found[told["local_port_without_offload"]]
    # Twice ten datagrams, seen as one packet each time; the program without GRO got ten.
    assert len(told["received_without_gro"]) == 10
    assert told["received_with_gro"] == [told["sent_bytes"]]
    assert (joined["client_datagrams"], joined["coalesced"], joined["aligned"]) == (2, 2, 0)
    assert (cut["client_datagrams"], cut["coalesced"], cut["aligned"]) == (10, 0, 10)
    assert (cut["min_client_bytes"], cut["max_client_bytes"]) == (told["segment_bytes"],) * 2
