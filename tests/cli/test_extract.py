"""``netanalyze extract``: files that are what was sent, under names that are safe."""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netanalyze.apps.http.exchange import Exchange
from netanalyze.cli.app import app
from netanalyze.errors import UsageError
from netanalyze.report.extraction import Folder

CAPTURE = str(Path(__file__).parents[2] / "captures" / "http-variety.pcap")


def extract(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["extract", CAPTURE, *arguments])
    return result.exit_code, result.output


def test_bodies_and_index(tmp_path: Path) -> None:
    status, output = extract("-o", str(tmp_path / "out"))
    assert status == 0
    assert "13 files" in output
    rows = json.loads((tmp_path / "out" / "index.json").read_text())["extracted"]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {row["file"] for row in rows} | {"index.json", "index.csv"}
    for row in rows:
        content = (tmp_path / "out" / row["file"]).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (row["bytes"], row["sha256"])
    decoded = [row for row in rows if row["verdict"] == "decoded"]
    assert {row["content_encoding"] for row in decoded} == {"br", "deflate", "gzip"}
    assert len({row["sha256"] for row in decoded}) == 1
    with (tmp_path / "out" / "index.csv").open() as file:
        assert [row["file"] for row in csv.DictReader(file)] == [row["file"] for row in rows]


def test_raw_bodies(tmp_path: Path) -> None:
    assert extract("-o", str(tmp_path / "out"), "--raw-bodies")[0] == 0
    rows = json.loads((tmp_path / "out" / "index.json").read_text())["extracted"]
    assert [row["bytes"] for row in rows] == [row["wire_bytes"] for row in rows]


def test_limits(tmp_path: Path) -> None:
    assert extract("-o", str(tmp_path / "few"), "--max-files", "2")[0] == 0
    assert len(list((tmp_path / "few").iterdir())) == 4
    assert extract("-o", str(tmp_path / "small"), "--max-body", "0.001")[0] == 0
    rows = json.loads((tmp_path / "small" / "index.json").read_text())["extracted"]
    assert {row["bytes"] for row in rows if row["verdict"] == "limit"} == {1049}


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    status, output = extract("-o", str(tmp_path))
    assert (status, (tmp_path / "mine").read_text()) == (2, "precious")
    assert "not empty" in output
    assert extract("-o", str(tmp_path / "mine"))[0] == 2


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("a.example", "/../../etc/passwd"),
        ("../..", "/..%2f..\\windows\\con"),
        ("a/b", "http://x/../" + "long" * 200 + ".html"),
        (".hidden", "/\0\n\x1b[31m?q=../"),
        (None, None),
        ("ü", "/ü/.bashrc"),
        ("-rf", "*"),
    ],
)
def test_names_are_safe(tmp_path: Path, host: str | None, target: str | None) -> None:
    folder = Folder(tmp_path / "out")
    file = folder.open(Exchange(0, host=host, target=target), request=False)
    assert file is not None
    file.write(b"x" * 100_000)
    file.close(None)
    (made,) = (tmp_path / "out").iterdir()
    assert made.name == file.name
    assert made.name[0].isdigit()
    assert len(made.name) <= 120
    assert not set(made.name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert made.stat().st_size == 100_000


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_text("x")
    with pytest.raises(UsageError):
        Folder(tmp_path / "real")
