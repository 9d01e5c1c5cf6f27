"""Real captures: what tshark says of queries and answers holds here, and damaged ones end in rows."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze.errors import CaptureError
from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from pathlib import Path

CAPTURES = [
    "beats__dns_mx.pcap",
    "beats__dns_tcp_axfr.pcap",
    "gRPC-Go-for-Professionals__Unary.pcapng",
    "mercury__emix.pcap",
    "suricata-verify__sip.pcap",
    "zeek__dns-edns-ecs.pcap",
    "zeek__dns-two-responses.pcap",
    "zeek__erspan.pcap",
    "zeek__ipv6-fragmented-dns.pcap",
    "zeek__mdns.pcap",
    "zeek__pcapng-multi-interface.pcapng",
    "zeek__smtp.pcap",
]
TABLES = ("dns", "dns_servers", "dns_names", "dns_patterns")
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "NAM_ERR": 3}


def rows_of(file: Path) -> list[dict[str, Any]]:
    return run([str(file)], Options(tables=("dns",), keep_duplicates=True))["dns"].to_dicts()


@pytest.mark.parametrize("name", CAPTURES)
def test_agrees_with_tshark(corpus: Path, name: str) -> None:
    messages = json.loads((corpus / "oracle" / f"{name}.json").read_text())["dns"]
    queries: dict[int, list[dict[str, Any]]] = defaultdict(list)
    answers: dict[int, dict[str, Any]] = {}
    for row in rows_of(corpus / "captures" / name):
        if row["frame"] is not None:
            queries[row["frame"]].append(row)
        if row["response_frame"] is not None:
            answers.setdefault(row["response_frame"], row)
    sent = sum(message["flags.response"] == "0" for message in messages)
    found = sum(row["attempts"] > 0 for rows in queries.values() for row in rows)
    assert found or not sent
    for message in messages:
        if message["flags.response"] == "0":
            check_query(message, queries.get(message["frame"], []))
        else:
            check_answer(message, answers.get(message["frame"]))


def check_query(message: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """A query that was sent again has no row of its own."""
    names = message.get("qry.name", [])
    names = [names] if isinstance(names, str) else names
    for name, row in zip(names, rows, strict=False):
        assert (row["name"] or "").replace("\\", "") == name
        assert row["id"] == int(message["id"], 16)


def check_answer(message: dict[str, Any], row: dict[str, Any] | None) -> None:
    """Multicast DNS, which has no numbers, tshark pairs by chance, and the latest answer has no row."""
    if row is None:
        assert message["id"] == "0x0000"
        return
    if "count.answers" in message:
        assert row["answers"] == int(message["count.answers"])
    assert RCODES.get(row["rcode"], -1) == int(message["flags.rcode"])
    if row["protocol"] == "mdns":
        return
    assert row["id"] == int(message["id"], 16)
    if "time" in message:
        assert row["response_ns"] == round(float(message["time"]) * 1e9)
        # tshark begins anew after five seconds; here it is the same query, sent again.
        late = row["attempts"] > 1 and row["latency_ns"] > row["response_ns"]
        assert row["frame"] == int(message["response_to"]) or late
    else:
        assert row["response_ns"] is None


def test_damaged_captures_end_in_rows(corpus: Path) -> None:
    noted = 0
    for file in sorted((corpus / "malformed").iterdir()):
        try:
            report = run([str(file)], Options(tables=TABLES))
        except CaptureError:
            continue
        noted += sum(
            "malformed" in (row.note or "") or "cut off" in (row.note or "") for row in report["dns"]
        )
    assert noted >= 3
