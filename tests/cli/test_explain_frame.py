"""The command ``explain-frame``: arguments, forms, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netanalyze.cli.app import app

CAPTURES = Path(__file__).parent.parent.parent / "captures"
REORDERED = str(CAPTURES / "reordered.pcap")


def call(*arguments: str, width: int = 120) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["explain-frame", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_order_of_what_is_shown() -> None:
    status, out, err = call(REORDERED, "136")
    assert (status, err) == (0, "")
    parts = [
        "Frame 136, 2026-11-22",
        "into stream 0), server 10.26.0.1:9126 → client 10.26.0.2:55840",
        "seq 49 233, ack 1, len 1 448, window 65 536",
        "labels: retransmission, fast_retransmission, spurious_retransmission",
        "tests, in order:",
        "so: fast",
        "state, * changed",
        "server (sender)",
        "client (receiver)",
        "Wireshark labels it: retransmission, spurious_retransmission",
    ]
    text = " ".join(out.split())
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_what_changed_is_marked() -> None:
    out = call(REORDERED, "36")[1].splitlines()
    marked = [line for line in out if line.startswith("* ")]
    assert any("missing so far" in line and line.endswith("-") for line in marked)
    assert any("segments not acknowledged" in line for line in marked)
    assert any(line.startswith("  next sequence number") for line in out)
    for line in out:
        if line.startswith(("* ", "  next")) and line.count("(frame 34)") == 2:
            assert not line.startswith("*")


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_lines_fit(width: int) -> None:
    out = call(REORDERED, "104", width=width)[1]
    assert max(map(len, out.splitlines())) <= min(width, 120)


def test_no_difference_is_not_told_of() -> None:
    assert "Wireshark" not in call(REORDERED, "36")[1]


def test_json() -> None:
    made = json.loads(call(REORDERED, "36", "--format", "json")[1])
    assert made["schema"] == 1
    assert [label["kind"] for label in made["labels"]] == ["out_of_order"]
    assert made["before"]["sender"]["holes"] == [[20273, 21721]]
    assert "holes" not in made["after"]["sender"]


def test_by_wireshark_rules() -> None:
    status, out, _ = call(REORDERED, "206", "--compat", "wireshark")
    assert status == 0
    assert "labels by Wireshark's rules: retransmission, fast_retransmission" in out
    assert "20 duplicate ACKs" in out
    assert "Wireshark labels it" not in out
    status, _, err = call(REORDERED, "206", "--compat", "tcptrace")
    assert status == 2
    assert err.startswith("netanalyze: no program 'tcptrace'")


def test_into_a_file(tmp_path: Path) -> None:
    assert call(REORDERED, "36", "-o", str(tmp_path / "x.json"))[1] == ""
    assert json.loads((tmp_path / "x.json").read_text())["frame"] == 36
    call(REORDERED, "36", "-o", str(tmp_path / "x.txt"))
    assert (tmp_path / "x.txt").read_text().startswith("Frame 36,")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("0", "no frame 0: frames are numbered from 1"),
        ("-1", "no frame -1: frames are numbered from 1"),
        ("100000", "no frame 100000 in the capture: its last is 2"),
        ("x", "'x' is not the number of a frame"),
        ("--nonsense", "no option '--nonsense'"),
    ],
)
def test_numbers_that_no_frame_has(number: str, message: str) -> None:
    status, out, err = call(REORDERED, number)
    assert (status, out) == (2, "")
    assert err.startswith(f"netanalyze: {message}")
    assert len(err.splitlines()) == 1


def test_a_number_is_wanted_and_may_be_written_as_elsewhere() -> None:
    assert call(REORDERED)[0] == 2
    assert call(REORDERED, "#36")[1] == call(REORDERED, "36")[1]
    status, _, err = call(str(CAPTURES / "nothing.pcap"), "1")
    assert status == 2
    assert "no such file" in err
    assert call(REORDERED, "1", "--format", "csv")[2].startswith("netanalyze: no format 'csv'")


def test_standard_input() -> None:
    command = [sys.executable, "-m", "netanalyze", "explain-frame", "-", "36", "--format", "json"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=Path(REORDERED).read_bytes(), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["labels"][0]["kind"] == "out_of_order"


def test_without_unicode() -> None:
    command = [sys.executable, "-m", "netanalyze", "explain-frame", REORDERED, "36"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, check=True, env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}
    )
    assert b" -> client" in done.stdout
    assert done.stdout.isascii()
