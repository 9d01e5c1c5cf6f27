"""Captures of other projects: as many frames as tshark counts, and nothing that breaks a reader."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crafted import read, read_all

from netanalyze.errors import NetanalyzeError

if TYPE_CHECKING:
    from pathlib import Path


def test_as_many_frames_as_tshark_counts(corpus: Path) -> None:
    different = {}
    for oracle in sorted((corpus / "oracle").glob("*.json")):
        expected = json.loads(oracle.read_text(encoding="utf-8"))["frames"]
        found = len(read(corpus / "captures" / oracle.stem))
        if found != expected:
            different[oracle.stem] = (expected, found)
    assert different == {}


def test_malformed_captures_give_frames_or_a_clear_error(corpus: Path) -> None:
    refused = []
    for path in sorted((corpus / "malformed").iterdir()):
        try:
            found, capture = read_all(path)
        except NetanalyzeError:
            refused.append(path.name)
        else:
            assert capture.files[0].frames == len(found)
    assert all("invalid-vers" in name for name in refused)
