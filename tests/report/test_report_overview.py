# ruff: noqa: E501 - the tables are as wide as they are shown
from __future__ import annotations

import pytest
from sample_reports import START_NS, FakeFile, sample_report

from netanalyze.findings.finding import Finding, Severity
from netanalyze.report import overview
from netanalyze.report.printable import width
from netanalyze.report.report import Report
from netanalyze.report.style import Style

AT_120 = """\
web.pcapng: pcapng, ETHERNET, 1 234 frames, 1.20 MB, 12.3 s from 2024-05-01 12:30:00.123 UTC, 100 frames/s, 780 kbit/s

Findings: nothing wrong

Protocol paths: 3
                             of              of
protocol         frames  frames    bytes  bytes
---------------  ------  ------  -------  -----
eth.ip.tcp.http   1 200    97 %  1.19 MB   99 %
eth.ip.udp.dns       22     2 %  9.00 kB   <1 %
eth.arp              10    <1 %    600 B   <1 %

TCP connections: 4
stream  client               server                                 app   packets    bytes  duration
------  -------------------  -------------------------------------  ----  -------  -------  --------
     0  10.0.0.1:50000       192.0.2.80:80                          http       11  1.23 MB    1.27 s
     1  [2001:db8::1]:50001  [2001:db8:0:1:202:b3ff:fe1e:8329]:443  tls        11  1.23 MB    1.27 s
     2  10.0.0.2:50002       192.0.2.80:80                          -          11    420 B    1.27 s
     3  10.1.2.3:50003       192.0.2.80:80                          http       11    100 B   61.0 ms

UDP flows: 2
flow  client          server        app  datagrams  bytes  duration
----  --------------  ------------  ---  ---------  -----  --------
   1  10.0.0.1:50001  10.0.0.53:53  dns         11  841 B    1.27 s
   0  10.0.0.1:50000  10.0.0.53:53  dns         11  340 B    1.27 s

12 of 1 234 frames not analysed; --report ledger says why
  10: not IP: ARP, first in frame 3
  2: captured before (duplicate frame), first in frame 99

More: --report streams, udp, dns, http, protocols or ledger for whole tables, --format json for programs, netanalyze
  tables for what each column means."""


def lines(report: Report, **style: bool | int) -> list[str]:
    return list(overview.render(report, Style(**style)))  # type: ignore[arg-type]


def test_overview_at_120_columns(report: Report) -> None:
    assert "\n".join(lines(report)) == AT_120


BUSY = sample_report(
    files=[
        FakeFile(
            file=f"/var/captures/{'very/' * 12}long-{number}.pcapng",
            compression="zstd",
            link_types=[1, 113, 9999],
            wire_bytes=9_000_000,
            received=100,
            dropped=7,
            cut_short="the last record is not whole",
        )
        for number in range(5)
    ],
    ledger=[("TCP segment", True, 100, 5, 1), *((f"reason {n}", False, n + 1, 9, n) for n in range(12))],
    protocols=[(f"eth.vlan.ip.udp.vxlan.eth.ip.tcp.app{n}", n, n * 100) for n in range(30)],
    streams=[{"client": f"2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n:x}"} for n in range(40)],
    flows=[{} for _ in range(40)],
    complete=False,
)


@pytest.mark.parametrize("limit", [80, 120])
def test_overview_of_a_busy_capture_is_one_screen(limit: int) -> None:
    shown = lines(BUSY, width=limit)
    assert max(map(width, shown)) <= limit
    assert len(shown) <= 53
    small = lines(
        sample_report(protocols=[(f"p{n}", n, n) for n in range(30)], streams=[{}] * 40), width=limit
    )
    assert len(small) <= 40


def test_overview_says_what_it_leaves_out() -> None:
    text = "\n".join(lines(BUSY))
    assert "and 3 more files (--report capture)" in text
    assert "together: 6 170 frames, 6.00 MB of 45.0 MB on the wire" in text
    assert "Protocol paths: 30, the 5 with the most bytes" in text
    assert "TCP connections: 40, the 5 with the most bytes" in text
    assert "UDP flows: 40, the 3 with the most bytes" in text
    assert "78 of 178 frames not analysed" in text
    assert "  12: reason 11, first in frame 11" in text
    assert "  and 9 more reasons" in text
    assert "7 of 100 packets were lost while capturing" in text
    assert "cut short: the last record is not whole" in text
    assert "pcapng in zstd, ETHERNET, LINUX_SLL, LINKTYPE 9999" in " ".join(text.split())
    assert text.count("Interrupted") == 1


def test_overview_of_nothing() -> None:
    empty = sample_report(
        files=[
            FakeFile(frames=0, captured_bytes=0, wire_bytes=0, first_ns=None, last_ns=None, link_types=[])
        ],
        ledger=[],
        protocols=[],
        streams=[],
        flows=[],
    )
    assert lines(empty, hints=False) == ["web.pcapng: pcapng, 0 frames"]


def test_overview_of_standard_input_and_one_moment() -> None:
    report = sample_report(files=[FakeFile(file="-", last_ns=START_NS)])
    assert lines(report)[0] == (
        "standard input: pcapng, ETHERNET, 1 234 frames, 1.20 MB, 0 s from 2024-05-01 12:30:00.123 UTC"
    )


def test_frames_left_out_by_choice_are_not_called_unanalysed() -> None:
    report = sample_report(
        ledger=[
            ("TCP segment", True, 5, 5, 1),
            ("left out by the filter or the range asked for", False, 95, 9, 2),
        ]
    )
    text = "\n".join(lines(report))
    assert "95 frames left out by the filter or range asked for" in text
    assert "not analysed" not in text


def test_overview_without_the_tables_it_would_like() -> None:
    full = sample_report()
    report = Report([full["capture"], full["ledger"]])
    text = "\n".join(lines(report))
    assert "TCP connections" not in text
    assert "12 of 1 234 frames not analysed" in text


def test_notebooks_get_the_overview(report: Report) -> None:
    html = sample_report(ledger=[("<b>", False, 1, 1, 1)])._repr_html_()
    assert html.startswith("<pre>web.pcapng: pcapng")
    assert "&lt;b&gt;" in html
    assert "--report" not in html
    assert repr(report) == (
        "<Report: findings 0, capture 1, ledger 4, protocols 3, streams 4, directions 0, limits 0, events 0,"
        " writes 0, listeners 0, transitions 2, populations 2, closers 1, udp 2, dns 0, dns_servers 0,"
        " dns_names 0, dns_patterns 0, names 0, http 0, http_hosts 0,"
        " http_methods 0, http_statuses 0, http_connections 0, http_cookies 0, cors 0, websocket 0>"
    )


FOUND = (
    Finding(
        "LSN001",
        Severity.ERROR,
        "Accept queue full",
        "10.0.0.1:80",
        4,
        "4 SYNs dropped",
        "the host went on answering",
        "Accept faster.",
        "tcp.port == 80",
        frames=(9, 11, 12, 40),
        cost_ns=8_600_000_000,
        cost_requests=2,
        uncertain="3 packets were lost while capturing",
    ),
    *(
        Finding(
            "TCP001",
            Severity.NOTICE,
            "Segments lost",
            f"from 10.0.0.{n}:80",
            1,
            "seen",
            "also",
            "Look.",
            "tcp",
        )
        for n in range(6)
    ),
    Finding("CAP003", Severity.INFO, "Frames cut", "", 1, "cut", "lengths are known", "Capture more.", ""),
)


def test_the_overview_opens_with_what_is_wrong() -> None:
    shown = lines(sample_report(findings=FOUND))
    begin = shown.index("Findings: 7, the worst first; 1 remark (--verbose)")
    assert begin == 2
    assert shown[begin + 1 : begin + 6] == [
        "  error   LSN001  Accept queue full: 10.0.0.1:80; cost 8.60 s, 2 connections; frames 9, 11, 12, …",
        "    uncertain: 3 packets were lost while capturing",
        "    -> Accept faster.",
        "  notice  TCP001  Segments lost: from 10.0.0.0:80",
        "    -> Look.",
    ]
    assert "  and 2 more findings (--verbose, --report findings)" in shown
    assert not any("CAP003" in line or "dropped" in line for line in shown)


def test_all_findings_with_what_proves_them() -> None:
    shown = lines(sample_report(findings=FOUND), verbose=True)
    for line in (
        "  error   LSN001  Accept queue full: 10.0.0.1:80; cost 8.60 s, 2 connections; frames 9, 11, 12, 40",
        "    seen: 4 SYNs dropped",
        "    also: the host went on answering",
        "    confidence: high",
        "    Wireshark: tcp.port == 80",
        "    do: Accept faster.",
        "  info    CAP003  Frames cut",
    ):
        assert line in shown
    assert sum("TCP001" in line for line in shown) == 6


def test_what_was_not_looked_for_is_told() -> None:
    tables = [sample_report()[name] for name in sample_report()]
    shown = lines(Report(tables, rules_left_out=["HTTP/1", "TCP007"]))
    assert "Not looked for, to be quick: HTTP/1, TCP007; --report findings looks for everything" in shown


def test_findings_fit_80_columns() -> None:
    for verbose in (False, True):
        for line in lines(sample_report(findings=FOUND), width=80, verbose=verbose):
            assert width(line) <= 80 or line.startswith("    Wireshark: ")
