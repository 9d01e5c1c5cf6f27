"""Findings of a capture that goes on: looking for them changes nothing, and finds what the report has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_ongoing import SOME, batches, many

from netanalyze import ongoing
from netanalyze.capture.info import FileInfo
from netanalyze.findings.budget import CHEAP
from netanalyze.ongoing import Bounds, OngoingEngine
from netanalyze.pipeline import Options
from netanalyze.report.joined import joined
from netanalyze.report.live_findings import findings_so_far, key_of, lines, summary
from netanalyze.report.registry import OVERVIEW

CAPTURES = Path(__file__).parents[2] / "captures"
TABLES = (*OVERVIEW, "events", "listeners", "http", "dns")


def engine(**options: Any) -> OngoingEngine:  # noqa: ANN401 - of any
    asked = Options(tables=TABLES, looked_into=CHEAP | set(TABLES), **options)
    return OngoingEngine(asked, Bounds(give_rows=True))


def capture() -> Any:  # noqa: ANN401 - stands for a capture
    return SimpleNamespace(files=[FileInfo("lo")], warnings=())


def report_of(name: str, *, look: bool, size: int = 13) -> tuple[dict[str, Any], list[Any]]:
    """The report, and the findings looked for last."""
    going, source = engine(time_wait_ns=0), capture()
    found: list[Any] = []
    for number, batch in enumerate(batches(CAPTURES / name, size)):
        going.feed(batch)
        if number % 3 == 0:
            going.take()
        if look:
            going.find(source)
            for table in ("streams", "udp", "listeners"):
                going.glimpse(table, 5)
    if look:
        going.take()
        found = going.find(source)
    return going.finish(source).to_dicts(), found


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("name", SOME)
def test_looking_changes_nothing(name: str, *, leave: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if leave:
        monkeypatch.setattr(ongoing, "LOOK_NS", 0)
        monkeypatch.setattr(ongoing, "LEAVE_NS", 10**8)
    without, _ = report_of(name, look=False)
    with_looks, _ = report_of(name, look=True)
    assert with_looks == without


@pytest.mark.parametrize(
    "name", ["refused.pcapng", "lossy-transfer-client.pcap", "dns-waits.pcap", "http-variety.pcap"]
)
def test_they_are_those_of_the_report(name: str) -> None:
    report, found = report_of(name, look=True)
    told = {(row["code"], row["subject"] or "", row["count"]) for row in report["findings"]}
    assert found
    assert {(each.code, each.subject, each.count) for each in found} <= told


def test_they_are_found_though_streams_have_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ongoing, "LOOK_NS", 0)
    monkeypatch.setattr(ongoing, "LEAVE_NS", 10**8)
    report, found = report_of("http-hang-ups-client.pcap", look=True, size=7)
    streams = {row["stream"] for row in report["streams"]}
    assert len(streams) > 1
    assert {each.code for each in found} & {row["code"] for row in report["findings"]}


def test_no_more_rows_are_looked_at_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(ongoing, "FIND_ROWS", 7)
    monkeypatch.setattr(ongoing, "LOOK_NS", 0)
    monkeypatch.setattr(ongoing, "LEAVE_NS", 10**8)
    real = joined

    def spy(kept: Any, table: Any, key: str) -> Any:  # noqa: ANN401 - as of ``joined``
        seen.append(len(kept))
        return real(kept, table, key)

    monkeypatch.setattr(ongoing, "joined", spy)
    going, source = engine(time_wait_ns=0), capture()
    for batch in many(300):
        going.feed(batch)
        going.take()
    going.find(source)
    assert max(seen) == 7


def test_rows_kept_and_rows_of_a_table_are_one_table() -> None:
    going = engine()
    for batch in batches(CAPTURES / "mixed.pcapng", 50):
        going.feed(batch)
    table = going.glimpse("streams", 100)
    whole = table.sort("+stream")
    rows = list(whole)
    assert len(rows) > 3
    rest = type(table).from_rows("streams", table.record, rows[::2])
    made = joined(rows[1::2], rest, "stream")
    assert made.to_dicts() == whole.to_dicts()
    assert list(made[1:3]) == rows[1:3]
    for name in ("client", "client_bytes", "app"):
        column = made.column(made.field(name))
        assert column.values() == [getattr(row, name) for row in rows]
        assert len(column.ranks()) == len(rows)
    assert joined((), rest, "stream") is rest


def test_lines_have_new_ones_first() -> None:
    _, found = report_of("refused.pcapng", look=True)
    _, others = report_of("lossy-transfer-client.pcap", look=True)
    every = sorted([*found, *others], key=lambda each: -each.severity)
    appeared = {key_of(each): 5.0 for each in every}
    appeared[key_of(every[-1])] = 100.0
    table = findings_so_far(every, appeared)
    shown = lines(table, 105.0, 2)
    assert [text.strip().startswith("new") for _, text in shown] == [True, False]
    assert every[-1].code in shown[0][1]
    assert every[0].code in shown[1][1]
    assert summary(table).startswith("findings: ")
    assert summary(table[:0]) == "findings: none yet"
