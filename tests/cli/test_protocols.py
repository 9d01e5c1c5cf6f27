"""The command ``protocols``."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from netanalyze.apps.registry import PROTOCOLS
from netanalyze.cli.app import app
from netanalyze.report import known_protocols, registry
from netanalyze.report.registry import TableKind

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["protocols", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_every_protocol_is_listed() -> None:
    status, out, _ = run()
    assert status == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 120
    assert [line.split()[0] for line in lines[2:]] == sorted(protocol.name for protocol in PROTOCOLS)
    assert all(protocol.title in out for protocol in PROTOCOLS)


def test_formats_have_the_same() -> None:
    rows = json.loads(run("--format", "json")[1])["protocols"]
    assert len(rows) == len(PROTOCOLS)
    assert [json.loads(line) for line in run("--format", "jsonl")[1].splitlines()] == rows
    table = list(csv.DictReader(io.StringIO(run("--format", "csv")[1])))
    assert [row["name"] for row in table] == [row["name"] for row in rows]
    assert run("--format", "markdown")[1].count("\n") == len(rows) + 2


@pytest.mark.parametrize(
    ("name", "ports", "recognised"),
    [
        ("x11", "6000-6063", "bytes"),
        ("ftp-data", "20", "port"),
        ("babel", "6696", "both"),
        ("rtp", None, "bytes"),
        ("http", "80, 591, 631, 2375, 3128, 5985, 8000, 8008, 8080-8081, 8088, 8888", "bytes"),
    ],
)
def test_what_is_said_of_one(name: str, ports: str | None, recognised: str) -> None:
    (row,) = json.loads(run(name, "--format", "json")[1])["protocols"]
    assert (row["ports"], row["recognised"]) == (ports, recognised)


def test_tables_of_those_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [TableKind(name, "row", "rows", "", "x", "X", protocol="redis") for name in ("one", "two")]
    monkeypatch.setattr(known_protocols, "TABLES", (*registry.TABLES, *kinds))
    (row,) = json.loads(run("redis", "--format", "json")[1])["protocols"]
    assert row["tables"] == "one, two"


def test_a_protocol_that_there_is_not() -> None:
    status, out, err = run("htp")
    assert (status, out) == (2, "")
    assert err.startswith("netanalyze: no protocol 'htp' (did you mean http or http2?); there are: amqp, ")


def test_into_a_file(tmp_path: Path) -> None:
    target = tmp_path / "protocols.csv"
    assert run("-o", str(target)) == (0, "", "")
    assert target.read_text().startswith("name,title,")
