"""What is told as better, worse, appeared, disappeared."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.comparison.before_after import (
    APPEARED,
    BETTER,
    DISAPPEARED,
    FEWER,
    MORE,
    SAME,
    SUBJECTS,
    TABLES,
    UNSURE,
    WORSE,
    compare_reports,
    compare_rows,
)
from netanalyze.pipeline import Options, run
from netanalyze.report.registry import NAMES

CAPTURES = Path(__file__).parent.parent.parent / "captures"
HTTP = next(subject for subject in SUBJECTS if subject.table == "http")
STREAMS = next(subject for subject in SUBJECTS if subject.table == "streams")


def exchanges(host: str, ttfb: int, count: int, errors: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(ttfb)
    return [
        {
            "host": host,
            "server": "192.0.2.1",
            "ttfb_ns": ttfb + rng.randrange(ttfb // 5),
            "duration_ns": 1000,
            "status": 500 if number < errors else 200,
            "end": "complete",
        }
        for number in range(count)
    ]


def verdicts(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row.group, row.measure): row.verdict for row in compare_rows(HTTP, before, after)}


def test_times_that_rise_and_fall() -> None:
    slow, quick = exchanges("a", 2_000_000, 50), exchanges("a", 1_000_000, 60)
    assert verdicts(quick, slow)["*", "ttfb_ns"] == WORSE
    assert verdicts(slow, quick)["*", "ttfb_ns"] == BETTER
    assert verdicts(slow, slow)["*", "ttfb_ns"] == SAME
    assert verdicts(slow[:5], quick[:5])["*", "ttfb_ns"] == UNSURE


def test_a_sure_difference_that_is_small_is_none() -> None:
    before = [{**row, "ttfb_ns": 1_000_000 + place} for place, row in enumerate(exchanges("a", 10, 500))]
    after = [{**row, "ttfb_ns": row["ttfb_ns"] + 10_000} for row in before]
    (row,) = (row for row in compare_rows(HTTP, before, after) if row.measure == "ttfb_ns")
    assert row.p is not None
    assert row.p < 0.001
    assert row.verdict == SAME


def test_shares_and_groups() -> None:
    before = exchanges("a", 1000, 200) + exchanges("b", 1000, 200)
    after = exchanges("a", 1000, 200, errors=40) + exchanges("c", 1000, 300)
    found = verdicts(before, after)
    assert found["*", "server_errors"] == WORSE
    assert found["a", "server_errors"] == WORSE
    assert (found["a", "rows"], found["b", "rows"], found["c", "rows"]) == (SAME, DISAPPEARED, APPEARED)
    assert verdicts(after, before)["a", "server_errors"] == BETTER
    assert verdicts(before, before[:-3])["b", "rows"] == FEWER
    assert verdicts(before[:-3], before)["b", "rows"] == MORE


def test_packets_lost_are_a_share_of_packets() -> None:
    row = {
        "server": "192.0.2.1", "server_port": 80, "handshake_ns": None, "conn_state": "SF",
        "retransmissions": 3, "out_of_order": 0, "client_packets": 500, "server_packets": 500,
    }  # fmt: skip
    found = {
        change.measure: change
        for change in compare_rows(STREAMS, [row], [{**row, "retransmissions": 60}])
        if change.group == "*"
    }
    lost = found["retransmissions"]
    assert (lost.verdict, lost.before, lost.after, lost.samples_before) == (WORSE, 0.3, 6.0, 1000)
    assert "handshake_ns" not in found


def test_every_table_has_the_columns_that_are_compared() -> None:
    captures = ("http-loss.pcap", "backlog-overflow.pcap", "refused.pcapng")
    reports = [run([str(CAPTURES / name)], Options(tables=TABLES)) for name in captures]
    assert set(TABLES) <= set(NAMES)
    for one in reports:
        for other in reports:
            for change in compare_reports(one, other):
                assert change.verdict
                assert one is not other or change.verdict in (SAME, UNSURE)


def test_text_and_json(tmp_path: Path) -> None:
    names = [str(CAPTURES / name) for name in ("http-keepalive.pcapng", "http-loss.pcap")]
    done = CliRunner().invoke(app, ["compare", *names, "-q"])
    assert done.exit_code == 0
    assert "worse: 2" in done.output
    assert "http, all: ttfb" in done.output
    path = tmp_path / "out.json"
    assert CliRunner().invoke(app, ["compare", *names, "-q", "-o", str(path)]).exit_code == 0
    rows = json.loads(path.read_text())["changes"]
    assert {"table", "group", "measure", "verdict", "before", "after", "unit", "p"} <= set(rows[0])


def test_two_sided_text_and_json() -> None:
    names = [str(CAPTURES / f"lossy-transfer-{side}.pcap") for side in ("client", "server")]
    done = CliRunner().invoke(app, ["compare", "--two-sided", *names, "-q"])
    assert done.exit_code == 0
    assert "Packets that one tap alone has: 24" in done.output
    done = CliRunner().invoke(app, ["compare", "--two-sided", *names, "-q", "--format", "json"])
    found = json.loads(done.output)
    assert [way["lost"] for way in found["ways"]] == [17, 7]
    assert len(found["traces"]) == 24


def test_bad_usage() -> None:
    name = str(CAPTURES / "reset.pcap")
    assert CliRunner().invoke(app, ["compare", name, "nowhere.pcap"]).exit_code == 2
    assert CliRunner().invoke(app, ["compare", name, name, "--format", "xml"]).exit_code == 2
    assert CliRunner().invoke(app, ["compare", name]).exit_code == 2
