"""Findings over captures by other projects, whole and damaged: none raises, each can be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.errors import CaptureError
from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "deepflow__server-queue-lack.pcap": {"LSN001"},
    "deepflow__server-reset.pcap": {"LSN004"},
    "deepflow__syn-retrans.pcap": {"LSN003"},
    "suricata-verify__mime-stream-depth__input.pcap": {"WIN001"},
    "zeek__retransmit-fast009.pcap": {"TCP001", "TCP008"},
    "zeek__missing-zlib-header.pcap": set(),
    "zeek__websocket.pcap": set(),
    "zeek__pipelined-requests.pcap": set(),
    "illustrated-tls13__captures__capture.pcap": set(),
    "arkime__wireshark-retrans.pcap": set(),  # every frame twice, which is no retransmission
}


def codes(path: Path) -> set[str]:
    families = ("TCP", "WIN", "FSM", "LSN", "HTTP", "UDP", "CAP")
    report = run([str(path)], Options(tables=("findings",), select=families))
    for row in report["findings"]:
        assert row.frame is None or 0 < row.frame <= report.frames_read
        assert row.cost_ns is None or row.cost_ns > 0, row
        assert "None" not in row.evidence, row
        assert row.count > 0, row
    return {row.code for row in report["findings"] if row.severity != "info"}


def test_what_comes_of_the_corpus(corpus: Path) -> None:
    found = {}
    for path in sorted((corpus / "captures").iterdir()):
        try:
            found[path.name] = codes(path)
        except CaptureError:
            continue
    assert {name: found[name] for name in EXPECTED} == EXPECTED


def test_damaged_captures_never_raise(corpus: Path) -> None:
    for path in sorted((corpus / "malformed").iterdir()):
        try:
            codes(path)
        except CaptureError:
            continue
