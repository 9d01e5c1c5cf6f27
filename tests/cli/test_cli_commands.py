from __future__ import annotations

import json
import platform
import re
from typing import TYPE_CHECKING

import jsonschema

import netanalyze
from netanalyze.report.record import fields
from netanalyze.report.registry import TABLES
from netanalyze.report.schema import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from fake_pipeline import Result

    Run = Callable[..., Result]


def test_schema_describes_the_report(run: Run, tmp_path: Path) -> None:
    result = run("schema")
    assert result.status == 0
    schema = json.loads(result.out)
    assert schema == json_schema()
    jsonschema.validate(json.loads(run("analyze", "x", "--format", "json").out), schema)
    assert run("schema", "-o", str(tmp_path / "schema.json")).out == ""
    assert (tmp_path / "schema.json").read_text() == result.out


def test_tables_explains_every_column(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("tables").out
    for kind in TABLES:
        assert f" {kind.name}: {kind.description} " in f" {' '.join(text.split())}"
        for field in fields(kind.record):
            assert re.search(rf"^  {field.name} ", text, re.MULTILINE)
    assert " ".join(run("tables", "streams").out.split()).endswith(
        "tap_evidence What that is concluded from, and what else is known about it."
    )
    assert "udp:" not in run("tables", "streams").out
    assert "Time of its first packet. In ns since 1970-01-01 UTC." in text
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, run("tables").out.splitlines())) <= 60


def test_tables_of_a_wrong_name(run: Run) -> None:
    result = run("tables", "tcp")
    assert result.status == 2
    assert result.err.startswith("netanalyze: no table 'tcp'; there are: capture,")


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.status == 0
    assert re.fullmatch(
        rf"netanalyze {re.escape(netanalyze.__version__)}, (compiled|interpreted|mixed) kernels,"
        rf" capture by (packet ring|scapy), Python {re.escape(platform.python_version())}\n",
        result.out,
    )


def test_help_without_arguments(run: Run) -> None:
    result = run()
    assert "Begin with: netanalyze analyze FILE" in result.out + result.err
    for command in ("analyze", "tables", "schema"):
        assert f"\n  {command} " in result.out + result.err
        assert run(command, "-h").status == 0
    assert run("--help").status == 0


def test_a_file_in_place_of_a_command_is_analyzed(run: Run, tmp_path: Path) -> None:
    capture = tmp_path / "x.pcap"
    capture.write_bytes(b"")
    assert run(str(capture), "-r", "streams") == run("analyze", str(capture), "-r", "streams")
    assert run(str(capture)).status == 0
    assert "No such command" in run("nonsense").err
    assert "neither a file nor a command" in run(str(tmp_path / "y.pcap")).err
    assert run("nonsense").status == run("y.pcap").status == 2
