"""Figures that packets lost while capturing make uncertain: marked in text, named in JSON."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

import netanalyze
from netanalyze.cli.app import app
from netanalyze.report.record import AMOUNTS, fields
from netanalyze.report.registry import TABLES

CAPTURE = Path(__file__).parents[2] / "captures" / "mixed.pcapng"


def with_drops(path: Path, dropped: int) -> Path:
    """The capture with a block of statistics behind it (draft-ietf-opsawg-pcapng section 4.6)."""
    options = struct.pack("<HHQHHQHH", 4, 8, 1000, 5, 8, dropped, 0, 0)
    length = 24 + len(options)
    block = struct.pack("<IIIII", 5, length, 0, 0, 0) + options + struct.pack("<I", length)
    path.write_bytes(CAPTURE.read_bytes() + block)
    return path


def run(*arguments: str) -> tuple[str, str]:
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["analyze", *arguments])
    assert done.exit_code == 0
    return done.stdout, done.stderr


@pytest.mark.parametrize("dropped", [0, 7])
def test_marks_and_a_note_in_text(tmp_path: Path, dropped: int) -> None:
    file = str(with_drops(tmp_path / "x.pcapng", dropped))
    text, warnings = run(file, "-r", "streams")
    assert ("bytes*" in text) is (dropped > 0)
    assert ("\n* uncertain: 7 packets were lost while capturing." in text) is (dropped > 0)
    assert ("7 of 1000 packets were lost while capturing (0.7 %)" in warnings) is (dropped > 0)
    assert "stream*" not in text
    overview, _ = run(file)
    assert ("frames*" in overview) is (dropped > 0)
    assert ("* uncertain, because packets are missing" in overview) is (dropped > 0)
    markdown, _ = run(file, "-r", "udp", "--format", "markdown")
    assert (r"bytes\*" in markdown) is (dropped > 0)
    assert (r"\* uncertain: 7 packets" in markdown) is (dropped > 0)
    assert "*" not in run(file, "-r", "capture")[0]  # the capture's own figures are right


def test_json_names_the_columns(tmp_path: Path) -> None:
    report = netanalyze.analyze(with_drops(tmp_path / "x.pcapng", 7), reports=["streams", "dns"])
    found = json.loads(report.to_json())
    assert {"client_bytes", "retransmissions", "conn_state"} <= set(found["uncertain"]["streams"])
    assert {"attempts", "end"} <= set(found["uncertain"]["dns"])
    assert "answers" not in found["uncertain"]["dns"]
    assert "capture" not in found["uncertain"]
    assert "uncertain" not in json.loads(netanalyze.analyze(CAPTURE, reports=["streams"]).to_json())


def test_what_suffers_is_said_by_the_records() -> None:
    own = {"capture", "ledger", "websocket"}  # these are about what was captured, or about single frames
    for kind in TABLES:
        suffers = {field.name for field in fields(kind.record) if field.suffers}
        amounts = {field.name for field in fields(kind.record) if field.unit in AMOUNTS}
        assert not suffers if kind.name in own else suffers or not amounts, kind.name
