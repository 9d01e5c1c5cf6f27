"""The whole report on every sample capture, compared with the one that was last looked at.

``pytest tests/test_golden.py --update-golden`` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import netanalyze

ROOT = Path(__file__).parent.parent
CAPTURES = ROOT / "captures"
GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = (".pcap", ".pcapng", ".gz", ".zst", ".xz", ".bz2", ".lz4")

SAMPLES = sorted(path for path in CAPTURES.rglob("*") if path.is_file() and path.suffix in SUFFIXES)


def golden_file(capture: Path) -> Path:
    return GOLDEN / f"{'-'.join(capture.relative_to(CAPTURES).parts)}.json"


def report_on(capture: Path) -> str:
    """The report as JSON, a row a line, without the folder the capture lies in."""
    report = json.loads(netanalyze.analyze(str(capture)).to_json())
    for row in report["capture"]:
        row["file"] = Path(row["file"]).name
    report["warnings"] = [line.replace(f"{CAPTURES}/", "") for line in report["warnings"]]
    lines = ["{"]
    report.pop("generator")  # the version: it changes with every release
    for name, value in report.items():
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f" {json.dumps(name)}: [\n{rows}\n ],")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)},")
    lines[-1] = lines[-1].rstrip(",")
    return "\n".join([*lines, "}"]) + "\n"


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 12


@pytest.mark.parametrize("capture", SAMPLES, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_report_is_the_golden_one(capture: Path, update_golden: bool) -> None:  # noqa: FBT001 - a fixture
    report = report_on(capture)
    golden = golden_file(capture)
    if update_golden:
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(report, encoding="utf-8")
    assert golden.is_file(), "no golden report: run with --update-golden and look at it"
    assert report == golden.read_text(encoding="utf-8")


def test_every_golden_report_has_its_capture() -> None:
    assert {path.name for path in GOLDEN.glob("*.json")} == {golden_file(path).name for path in SAMPLES}
