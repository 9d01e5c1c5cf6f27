"""Findings where segments have Wireshark's labels: what can be told, and what is not looked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netanalyze.apps.dns.fields import PROTOCOLS
from netanalyze.apps.readers import ALIKE
from netanalyze.pipeline import Options, run
from netanalyze.report import overview, text
from netanalyze.report.registry import OVERVIEW
from netanalyze.report.style import Style

if TYPE_CHECKING:
    from netanalyze.report.report import Report

CAPTURES = Path(__file__).parents[2] / "captures"
OF_LOSSES = "TCP001, TCP002, TCP003, TCP004, TCP007"


def by_wireshark(
    name: str, *, like_wireshark: bool = True, tables: tuple[str, ...] = ("findings",)
) -> Report:
    return run([str(CAPTURES / name)], Options(tables=tables, like_wireshark=like_wireshark))


def told(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)


def test_the_report_says_which_losses_were_not_looked_for() -> None:
    report = by_wireshark("http-loss.pcap", tables=OVERVIEW)
    said = f"Not looked for with --compat wireshark: {OF_LOSSES}"
    assert said in told(list(overview.render(report, Style())))
    assert said in told(list(text.render(report, [report["findings"]], Style())))
    assert OF_LOSSES in json.loads(report.to_json())["warnings"][0]
    assert not {row.code for row in report["findings"]} & set(OF_LOSSES.split(", "))


def test_nothing_is_said_where_everything_was_looked_for() -> None:
    report = by_wireshark("http-loss.pcap", like_wireshark=False)
    assert report.rules_unfit == ()
    assert report.warnings == []


@pytest.mark.parametrize("name", ["handshake-retry.pcap", "http-loss.pcap"])
def test_handshakes_that_were_repeated_are_found_all_the_same(name: str) -> None:
    ours, theirs = (
        [
            (row.code, row.subject, row.count, row.cost_ns)
            for row in report["findings"]
            if row.code == "LSN003"
        ]
        for report in (by_wireshark(name, like_wireshark=False), by_wireshark(name))
    )
    assert ours == theirs != []


@pytest.mark.parametrize("name", ["mdns-avahi.pcap", "netbios.pcap", "dns-edns.pcap"])
def test_the_overview_offers_dns_for_all_that_its_reader_reads(name: str) -> None:
    assert ("dns", *ALIKE["dns"]) == PROTOCOLS
    report = by_wireshark(name, like_wireshark=False, tables=OVERVIEW)
    assert "--report streams, udp, dns, protocols" in told(list(overview.render(report, Style())))
