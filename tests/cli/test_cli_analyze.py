from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from sample_reports import many_streams, sample_report, stream_table

from netanalyze.errors import FilterError, UnknownFormatError
from netanalyze.report.registry import OVERVIEW, USUAL
from netanalyze.report.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fake_pipeline import Pipeline, Result

    Run = Callable[..., Result]

NOTHING_ANALYSED = [("not IP: ARP", False, 10, 600, 1), ("unknown link type: 147", False, 30, 60, 2)]


def test_overview(run: Run, pipeline: Pipeline) -> None:
    result = run("analyze", "web.pcapng")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("web.pcapng: pcapng, ETHERNET, 1 234 frames")
    assert "TCP connections: 4\n" in result.out
    assert pipeline.paths == ["web.pcapng"]
    assert pipeline.options is not None
    assert pipeline.options.tables == OVERVIEW


def test_what_the_pipeline_is_asked(run: Run, pipeline: Pipeline) -> None:
    run(
        *("analyze", "a.pcap", "-", "-r", "streams,udp", "--report", "streams", "--filter", "tcp port 80"),
        *("--from", "#10", "--to", "12:30", "--keep-duplicates"),
    )
    assert pipeline.paths == ["a.pcap", "-"]
    options = pipeline.options
    assert options is not None
    assert options.tables == ("streams", "udp")
    assert (options.filter, options.start, options.stop) == ("tcp port 80", "#10", "12:30")
    assert options.keep_duplicates


def test_tables_in_the_order_asked_for(run: Run) -> None:
    out = run("analyze", "x", "-r", "udp", "-r", "ledger,streams").out
    places = [out.index(title) for title in ("udp: 2 UDP flows", "ledger: 4 reasons", "streams: 4 TCP")]
    assert places == sorted(places)


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "markdown", "table"])
def test_formats(run: Run, form: str) -> None:
    out = run("analyze", "x", "-r", "udp", "--format", form).out
    if form == "json":
        assert list(json.loads(out))[4:] == ["capture", "ledger", "udp"]
    elif form == "jsonl":
        assert json.loads(out.splitlines()[-1])["table"] == "udp"
    else:
        starts = {"csv": "flow,client,", "markdown": "### udp: 2", "table": "udp: 2 UDP flows"}
        assert out.startswith(starts[form])


def test_json_of_everything(run: Run) -> None:
    found = json.loads(run("analyze", "x", "--format", "json", "--where", "app=http", "--top", "1").out)
    assert list(found)[4:] == list(USUAL)
    assert [row["stream"] for row in found["streams"]] == [0]
    assert len(found["udp"]) == 0
    assert len(found["protocols"]) == 1


def test_rows_and_columns(run: Run) -> None:
    out = run(
        *(
            "analyze",
            "x",
            "-r",
            "streams",
            "--format",
            "csv",
            "--where",
            "client=10.0.0.0/8",
            "-w",
            "bytes>90",
        ),
        *("--sort", "+bytes", "--columns", "stream,client", "--columns", "app"),
    ).out
    assert out.splitlines() == ["stream,client,app", "3,10.1.2.3,http", "2,10.0.0.2,", "0,10.0.0.1,http"]
    assert (
        run("analyze", "x", "-r", "streams", "--format", "csv", "--sort", "-stream", "--top", "1")
        .out.splitlines()[1]
        .startswith("3,")
    )
    streams = json.loads(
        run("analyze", "x", "--format", "json", "-r", "streams", "--stream", "1", "--stream", "3").out
    )
    assert [row["stream"] for row in streams["streams"]] == [1, 3]


def test_text_shows_50_rows_unless_told_otherwise(run: Run, pipeline: Pipeline) -> None:
    full = sample_report()
    pipeline.report = Report([full["capture"], full["ledger"], stream_table(many_streams(200))])
    ask = ("analyze", "x", "-r", "streams")
    assert run(*ask).out.count(" 192.0.2.") == 50
    assert "50 of 200 TCP connections; --top 0 shows all" in run(*ask).out
    assert run(*ask, "--top", "0").out.count(" 192.0.2.") == 200
    assert run(*ask, "--top", "60").out.count(" 192.0.2.") == 60
    assert len(json.loads(run(*ask, "--format", "json").out)["streams"]) == 200


def test_width(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def widest(*more: str) -> int:
        return max(map(len, run("analyze", "x", "-r", "streams", *more).out.splitlines()))

    assert 80 < widest() <= 120
    assert widest("--wide") > 120
    monkeypatch.setenv("COLUMNS", "70")
    assert widest() <= 70
    monkeypatch.setenv("COLUMNS", "400")
    assert widest() <= 120


def test_output_file(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    result = run("analyze", "x", "-r", "udp", "-o", str(target))
    assert (result.status, result.out, result.err) == (0, "", "")
    assert list(json.loads(target.read_text()))[4:] == ["capture", "ledger", "udp"]
    other = tmp_path / "report.out"
    assert run("analyze", "x", "-r", "udp", "-o", str(other), "--format", "csv").status == 0
    assert other.read_text().startswith("flow,client")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.out"]
    assert run("analyze", "x", "-r", "udp", "-o", "-").out.startswith("udp: 2")


MISTAKES: list[tuple[tuple[str, ...], str]] = [
    (("-r", "stream"), "no table 'stream' (did you mean streams?); there are: findings, capture,"),
    (("--format", "xml"), "no format 'xml'; there are: table, json, jsonl, csv, markdown"),
    (("-o", "report.xls"), "end it in one of .txt, .json"),
    (
        ("--format", "csv"),
        f"csv holds one table: choose one of {', '.join(USUAL)} with --report",
    ),
    (
        ("--format", "csv", "-r", "udp,streams"),
        "csv holds one table: choose one of udp, streams with --report",
    ),
    (("--top", "3"), "choose some with --report"),
    (("--stream", "3"), "choose some with --report"),
    (("-r", "streams", "-w", "bytes"), "is not a condition"),
    (("-r", "streams", "-w", "byte>1"), "no column in streams named 'byte'"),
    (
        ("-r", "streams,udp", "--sort", "clint"),
        "no column in streams or udp named 'clint' (did you mean client",
    ),
    (("-r", "ledger", "--stream", "1"), "--stream: ledger has no stream numbers"),
    (("-r", "ledger", "--columns", "client"), "no column in ledger named 'client'"),
    (("-o", "/nonexistent/x.json"), "/nonexistent/x.json: cannot be written: No such file or directory"),
    (("-o", "/proc/x.json"), "/proc/x.json: cannot be written"),
    (("-o", "/", "--format", "json"), "/: cannot be written: Is a directory"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_are_found_before_the_analysis(
    run: Run, pipeline: Pipeline, arguments: tuple[str, ...], message: str
) -> None:
    result = run("analyze", "x", *arguments)
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("netanalyze: ")
    assert result.err.count("\n") == 1
    assert message in result.err
    assert pipeline.options is None


@pytest.mark.parametrize(
    "arguments",
    [(), ("x", "--nonsense"), ("x", "--top", "many"), ("x", "--top", "-1"), ("x", "--stream", "-1")],
)
def test_typer_finds_the_other_mistakes(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("analyze", *arguments)
    assert result.status == 2
    assert result.out == ""
    assert "Usage: " in result.err


@pytest.mark.parametrize("error", [UnknownFormatError("x.txt: is\nno capture"), FilterError("no such host")])
def test_errors_are_one_line(run: Run, pipeline: Pipeline, error: Exception, tmp_path: Path) -> None:
    pipeline.error = error
    result = run("analyze", "x", "-o", str(tmp_path / "x.json"))
    assert result.status == 2
    told = str(error).replace("\n", "\\n")
    assert result.err == f"netanalyze: {told}\n"
    assert list(tmp_path.iterdir()) == []


def test_our_own_mistakes_are_not_hidden(run: Run, pipeline: Pipeline) -> None:
    pipeline.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        run("analyze", "x")


def test_an_output_that_is_an_input(run: Run, tmp_path: Path) -> None:
    capture = tmp_path / "x.pcap"
    capture.write_bytes(b"precious")
    (tmp_path / "link.json").symlink_to(capture)
    for name in ("x.pcap", "link.json"):
        result = run("analyze", str(capture), "--format", "json", "-o", str(tmp_path / name))
        assert result.status == 2
        assert "is one of the captures, and would be overwritten" in result.err
    assert capture.read_bytes() == b"precious"


def test_warnings_go_to_standard_error(run: Run, pipeline: Pipeline) -> None:
    pipeline.warnings = ("x: damaged\x1b[2J", "and cut")
    result = run("analyze", "x", "--format", "json")
    assert result.err == "netanalyze: warning: x: damaged\\x1b[2J\nnetanalyze: warning: and cut\n"
    json.loads(result.out)
    assert run("analyze", "x", "--quiet").err == ""


def test_nothing_analysed_is_status_2_after_the_report(run: Run, pipeline: Pipeline) -> None:
    pipeline.report = sample_report(ledger=NOTHING_ANALYSED)
    result = run("analyze", "x", "--format", "json")
    assert result.status == 2
    assert len(json.loads(result.out)["ledger"]) == 2
    assert result.err == (
        "netanalyze: warning: none of the frames could be analysed:"
        " unknown link type: 147 (30); not IP: ARP (10)\n"
    )
    assert run("analyze", "x", "-q").err == ""
    pipeline.report = sample_report(ledger=[])
    assert run("analyze", "x").status == 0


def test_first_interrupt_asks_to_stop_and_is_reported(run: Run, pipeline: Pipeline) -> None:
    def during(**callbacks: Any) -> None:  # noqa: ANN401 - whatever comes
        assert not callbacks["should_stop"]()
        os.kill(os.getpid(), signal.SIGINT)
        assert callbacks["should_stop"]()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # the next one kills

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pipeline.during = during
        pipeline.report = sample_report(complete=False)
        result = run("analyze", "x", "--format", "json")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.status == 130
    assert json.loads(result.out)["complete"] is False


def test_background_jobs_go_on_ignoring_interrupts(run: Run, pipeline: Pipeline) -> None:
    def during(**callbacks: Any) -> None:  # noqa: ANN401 - whatever comes
        os.kill(os.getpid(), signal.SIGINT)
        assert not callbacks["should_stop"]()

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pipeline.during = during
        assert run("analyze", "x").status == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupt_while_showing_ends_without_a_word(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netanalyze.report.formats.render", interrupted)
    result = run("analyze", "x", "-o", str(tmp_path / "x.json"))
    assert (result.status, result.out, result.err) == (130, "", "")
    assert list(tmp_path.iterdir()) == []


def test_every_option_is_in_the_help(run: Run) -> None:
    text = run("analyze", "--help").out
    for option in (
        *(
            "--report",
            "--format",
            "--output",
            "--top",
            "--sort",
            "--where",
            "--columns",
            "--stream",
            "--wide",
        ),
        *(
            "--filter",
            "--from",
            "--to",
            "--keep-duplicates",
            "--decode-as",
            "--quiet",
            "--no-progress",
            "--help",
        ),
    ):
        assert option in text
    assert "capture, ledger, protocols, checksums, damaged, streams," in " ".join(text.split())
