"""The labels of ``--compat wireshark`` are tshark's, frame by frame. Skipped without tshark."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from frames import Frame, Kernels, write_pcapng
from segments import Found, analyse, anything

import netanalyze
from netanalyze.tcp.kinds import DIFFERING_RETRANSMISSION, KINDS, NETWORK_COPY, OUT_OF_WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence

CAPTURES = Path(__file__).parents[2] / "captures"
OURS = {kind for bit, kind in enumerate(KINDS) if 1 << bit & (
    DIFFERING_RETRANSMISSION | OUT_OF_WINDOW | NETWORK_COPY
)}  # fmt: skip
THEIRS = [kind for kind in KINDS if kind not in OURS]
NUMBERS = ("duplicate_ack_num", "duplicate_ack_frame", "rto_frame")
SAMPLES = sorted(
    path
    for path in CAPTURES.iterdir()
    if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"} and path.stem != "capture-quality-cut"
)
"""All but one that is cut short on purpose, of which tshark says that it cannot be read."""

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def tshark(path: Path) -> list[tuple[set[str], list[str]]]:
    """Of each frame, its tcp.analysis flags and the values of ``NUMBERS``."""
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.reassemble_out_of_order:TRUE",
               "--disable-protocol", "socks", "-T", "fields"]  # fmt: skip
    for kind in (*THEIRS, *NUMBERS):
        command += ["-e", f"tcp.analysis.{kind}"]
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(path.parent)}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603
    rows = [line.split("\t") for line in ran.stdout.split("\n")[:-1]]
    return [
        (
            {kind for kind, value in zip(THEIRS, row, strict=False) if value},
            row[len(THEIRS) :],
        )
        for row in rows
    ]


def labels_of(rows: Sequence[tuple[set[str], list[str]]]) -> set[tuple[int, str]]:
    return {(number, kind) for number, (kinds, _) in enumerate(rows, 1) for kind in kinds}


def duplicates(found: Found) -> dict[int, tuple[str, str]]:
    """Number and original of each duplicate acknowledgement."""
    kind = KINDS.index("duplicate_ack")
    columns = (found.events[name] for name in ("frame", "kind", "number", "other_frame"))
    return {
        frame: (str(number), str(max(other, 0)))
        for frame, code, number, other in zip(*columns, strict=True)
        if code == kind
    }


def timers(found: Found) -> dict[int, str]:
    """The frame from which Wireshark measures the retransmission timer, of plain retransmissions."""
    plain = {
        frame
        for frame, kinds in found.kinds().items()
        if "retransmission" in kinds and not {"fast_retransmission", "spurious_retransmission"} & set(kinds)
    }
    kind = KINDS.index("retransmission")
    columns = (found.events[name] for name in ("frame", "kind", "other_frame", "ago_ns"))
    return {
        frame: str(other)
        for frame, code, other, ago in zip(*columns, strict=True)
        if code == kind and frame in plain and ago != 0
    }


@needs_tshark
@pytest.mark.parametrize("seed", range(12))
def test_random_streams(fastest: Kernels, seed: int, tmp_path: Path) -> None:
    frames: list[Frame] = anything(seed)
    path = tmp_path / "random.pcapng"
    write_pcapng(path, frames)
    rows = tshark(path)
    found = analyse(fastest, frames, like_wireshark=True)
    assert found.labels == labels_of(rows)
    assert len({kind for _, kind in found.labels}) >= 10  # else the segments are not worth the name
    for number, (kinds, (dup_number, dup_of, timer)) in enumerate(rows, 1):
        if "duplicate_ack" in kinds:
            # A zero stands in an empty field: the original was not captured.
            assert duplicates(found)[number] == (dup_number, dup_of or "0")
        if timer:
            assert timers(found)[number] == timer


@needs_tshark
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_sample_captures(sample: Path) -> None:
    report = netanalyze.analyze(sample, reports=["events"], compat="wireshark")
    assert {(row.frame, row.kind) for row in report["events"]} == labels_of(tshark(sample))


def test_corpus(corpus: Path) -> None:
    compared = 0
    for path in sorted((corpus / "oracle").glob("*.json")):
        oracle = json.loads(path.read_text(encoding="utf-8"))
        report = netanalyze.analyze(corpus / "captures" / path.stem, reports=["events"], compat="wireshark")
        expected = {(frame, kind) for frame, kinds in oracle["flag_frames"] for kind in kinds}
        assert {(row.frame, row.kind) for row in report["events"]} == expected, path.stem
        compared += 1
    assert compared
