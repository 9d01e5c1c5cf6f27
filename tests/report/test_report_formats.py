from __future__ import annotations

import csv
import json
import time
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import many_streams, sample_report, stream_table

from netanalyze.errors import UsageError
from netanalyze.report import formats
from netanalyze.report.markdown import escape
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.registry import USUAL
from netanalyze.report.style import Style
from netanalyze.report.table import CHUNK_ROWS, Table

if TYPE_CHECKING:
    from netanalyze.report.report import Report


def rendered(name: str, report: Report, *chosen: Table[Any], **style: bool | int) -> str:
    return b"".join(
        formats.render(name, report, list(chosen) or None, Style(**style))  # type: ignore[arg-type]
    ).decode()


class Wild(Record, frozen=True):
    """A row of anything."""

    text: Annotated[str | None, column("Text")]
    number: Annotated[int | None, column("Number", Unit.COUNT)]
    truth: Annotated[bool | None, column("Truth", Unit.TRUTH)]


ANY_TEXT = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    ["a\n{b", '"', "\x7f", "\x9b2J", "\u202e", "\ud800", "\U000e0001", "=1+1", "a,b", "\r\n", "\\u202e", ""]
)
WILD = st.lists(
    st.builds(
        Wild,
        st.none() | ANY_TEXT,
        st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
        st.none() | st.booleans(),
    ),
    max_size=8,
)


def whole(value: str | None) -> str | None:
    """Half a surrogate pair fits into no UTF-8; it is written as an escape."""
    return value if value is None else value.encode("utf-8", "backslashreplace").decode()


def test_json_is_one_object_with_a_row_a_line(report: Report) -> None:
    text = rendered("json", report, report["ledger"])
    assert text == (
        '{"schema":1,"generator":"netanalyze 0.1.0.dev0","complete":true,"warnings":[],\n'
        '"capture":[\n'
        '{"file":"web.pcapng","format":"pcapng","compression":null,"link_types":"ETHERNET","interfaces":1,'
        '"frames":1234,"bytes":1200000,"wire_bytes":1200000,"first_ns":1714566600123456789,'
        '"last_ns":1714566612423456789,"duration_ns":12300000000,"received":null,"dropped":null,'
        '"cut_short":null,"clock_steps":0,"clock_step_ns":null,"clock_step_frame":null}\n'
        "],\n"
        '"ledger":[\n'
        '{"reason":"TCP segment","analysed":true,"frames":1200,"bytes":1190000,"first_frame":1},\n'
        '{"reason":"UDP datagram","analysed":true,"frames":22,"bytes":9000,"first_frame":4},\n'
        '{"reason":"not IP: ARP","analysed":false,"frames":10,"bytes":600,"first_frame":3},\n'
        '{"reason":"captured before (duplicate frame)","analysed":false,"frames":2,"bytes":400,'
        '"first_frame":99}\n'
        "]}\n"
    )


def test_json_has_every_table_if_none_is_chosen_and_always_the_ledger(report: Report) -> None:
    assert list(json.loads(rendered("json", report)))[4:] == list(USUAL)
    assert list(json.loads(rendered("json", report, report["udp"])))[4:] == ["capture", "ledger", "udp"]
    assert json.loads(report.to_json()) == json.loads(rendered("json", report))
    assert report.to_dicts() == {name: json.loads(rendered("json", report))[name] for name in report}


def test_json_of_an_interrupted_run_says_so() -> None:
    report = sample_report(complete=False, warnings=("odd \u202e thing \udc80",), streams=[])
    found = json.loads(rendered("json", report))
    assert found["complete"] is False
    assert found["warnings"] == ["odd \u202e thing \\udc80"]
    assert found["streams"] == []


@given(WILD)
def test_json_tells_the_truth_without_acting(rows: list[Wild]) -> None:
    table = Table.from_rows("streams", Wild, rows)
    expected = [{"text": whole(row.text), "number": row.number, "truth": row.truth} for row in rows]
    report = sample_report()
    text = rendered("json", report, table)
    assert json.loads(text)["streams"] == expected
    assert text.replace("\n", "").isprintable() or not hidden(text)
    found = [json.loads(line) for line in rendered("jsonl", report, table).split("\n")[:-1]]
    assert [row for row in found if row["table"] == "streams"] == [
        {"table": "streams", **row} for row in expected
    ]


def hidden(text: str) -> set[str]:
    return {char for char in text if char in "\x7f\x9b\u202e\u2028\u2029\u200b\U000e0001"}


def test_long_tables_go_through_json_in_pieces() -> None:
    report = sample_report()
    count = 2 * CHUNK_ROWS + 1
    table = stream_table(many_streams(count))
    rows = json.loads(rendered("json", report, table))["streams"]
    assert rows == table.to_dicts()
    assert [row["stream"] for row in rows] == list(range(count))
    lines = rendered("jsonl", report, table).splitlines()
    assert len(lines) == count + len(report["ledger"]) + len(report["capture"])
    assert all(line.startswith('{"table":"') for line in lines)


def test_a_hundred_thousand_rows_of_json_are_quick() -> None:
    report = sample_report()
    table = stream_table(many_streams(100_000))
    start = time.perf_counter()
    for _ in formats.render("json", report, [table], Style()):
        pass
    assert time.perf_counter() - start < 2  # 0.3 s where nothing else runs


def test_jsonl_names_the_table_first(report: Report) -> None:
    lines = rendered("jsonl", report, report["udp"]).splitlines()
    assert lines[0].startswith('{"table":"capture","file":"web.pcapng",')
    assert lines[-1].startswith('{"table":"udp","flow":1,"client":"10.0.0.1",')
    assert len(lines) == 7


def test_csv(report: Report) -> None:
    assert rendered("csv", report, report["streams"].select("stream", "client", "app", "handshake_ns")) == (
        "stream,client,app,handshake_ns\n"
        "0,10.0.0.1,http,43800000\n"
        "1,2001:db8::1,tls,43800000\n"
        "2,10.0.0.2,,\n"
        "3,10.1.2.3,http,43800000\n"
    )
    assert rendered("csv", report, report["ledger"]).splitlines()[3] == "not IP: ARP,false,10,600,3"


def test_csv_holds_one_table(report: Report) -> None:
    with pytest.raises(UsageError, match="csv holds one table: choose one of streams, udp with --report"):
        rendered("csv", report, report["streams"], report["udp"])


@given(WILD)
def test_csv_comes_back(rows: list[Wild]) -> None:
    table = Table.from_rows("streams", Wild, rows)
    text = rendered("csv", sample_report(), table)
    found = list(csv.reader(StringIO(text, newline="")))
    assert found[0] == ["text", "number", "truth"]
    assert found[1:] == [
        [
            whole(row.text) or "",
            "" if row.number is None else str(row.number),
            {True: "true", False: "false", None: ""}[row.truth],
        ]
        for row in rows
    ]


def test_csv_on_a_terminal_does_not_act() -> None:
    table = Table.from_rows("streams", Wild, [Wild("\x1b[2J\n", 1, truth=True)])
    assert rendered("csv", sample_report(), table, terminal=True).splitlines()[1:] == ["\\x1b[2J\\n,1,true"]


def test_markdown(report: Report) -> None:
    streams = report["streams"].select("stream", "app", "server_bytes", "completeness")
    assert rendered("markdown", report, streams, rows=2).splitlines() == [
        "### streams: 4 TCP connections",
        "",
        "|   stream | app   |   server bytes |   completeness |",
        "|---------:|:------|---------------:|---------------:|",
        "|        0 | http  |        1.23 MB |         ·FDASS |",
        "|        1 | tls   |        1.23 MB |         ·FDASS |",
        "",
        "2 of these are shown.",
        "",
        "12 of 1 234 frames not analysed; --report ledger says why",
    ]
    assert "|" not in rendered("markdown", report, report["streams"].where("app=x"))
    wide = rendered("markdown", report, report["streams"], wide=True).splitlines()[2]
    assert "last frame" in wide
    assert "last frame" not in rendered("markdown", report, report["streams"])


def test_markdown_of_the_overview_is_a_block(report: Report) -> None:
    lines = rendered("markdown", report).splitlines()
    assert all(not line or line.startswith("    ") for line in lines)
    assert lines[0] == "    " + rendered("table", report).splitlines()[0]


def test_markdown_shows_text_as_it_is() -> None:
    assert (
        escape("[x](http://evil) <b> | `c` *d* \\n")
        == "\\[x\\](http://evil) \\<b\\> \\| \\`c\\` \\*d\\* \\\\n"
    )
    report = sample_report(streams=[{"app": "a|b\n|c"}])
    assert "| a\\|b\\\\n\\|c |" in rendered("markdown", report, report["streams"].select("app"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.json", "json"),
        ("a.JSONL", "jsonl"),
        ("b/c.ndjson", "jsonl"),
        ("x.csv", "csv"),
        ("x.md", "markdown"),
        ("x.y.txt", "table"),
    ],
)
def test_suffix_tells_the_format(path: str, name: str) -> None:
    assert formats.format_of_file(path) == name


def test_what_is_no_format() -> None:
    for path in ("a", "a.pcap", "json", ".json"):
        with pytest.raises(UsageError, match=r"end it in one of \.txt, \.json"):
            formats.format_of_file(path)
    with pytest.raises(UsageError, match="did you mean json"):
        formats.format_named("jsom")
    assert formats.format_named("table") == "table"


def test_records_encode_themselves(report: Report) -> None:
    assert json.loads(msgspec.json.encode(report["udp"][0]))["flow"] == 0
