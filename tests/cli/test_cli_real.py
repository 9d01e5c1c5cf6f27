"""The whole program on captures made here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from struct import pack

import jsonschema
import pytest

import netanalyze
from netanalyze.report.schema import json_schema

ROOT = Path(__file__).parent.parent.parent
MACS = bytes(12)
ARP = MACS + b"\x08\x06" + bytes(28)
SECOND = 1_714_566_600
"""2024-05-01 12:30:00 UTC."""


def datagram(source: bytes, target: bytes, source_port: int, target_port: int, payload: bytes) -> bytes:
    """An Ethernet frame with a UDP datagram."""
    udp = pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    ip = pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, source, target)
    return MACS + b"\x08\x00" + ip + udp


def pcap(*frames: bytes) -> bytes:
    """A capture with a frame each millisecond."""
    records = [
        pack("<IIII", SECOND, 1000 * place, len(frame), len(frame)) + frame
        for place, frame in enumerate(frames)
    ]
    return pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records)


CLIENT, SERVER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 53))
CAPTURE = pcap(
    ARP,
    datagram(CLIENT, SERVER, 50000, 9999, b"question"),
    datagram(SERVER, CLIENT, 9999, 50000, b"answer!"),
)


def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    process = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "netanalyze", *arguments],
        input=given,
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )
    return process.returncode, process.stdout.decode(), process.stderr.decode()


@pytest.fixture
def capture(tmp_path: Path) -> str:
    path = tmp_path / "x.pcap"
    path.write_bytes(CAPTURE)
    return str(path)


def test_json_fits_the_schema(capture: str) -> None:
    status, out, err = run("analyze", capture, "--format", "json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    jsonschema.validate(found, json_schema())
    (flow,) = found["udp"]
    assert flow == flow | {
        "flow": 0,
        "client": "10.0.0.1",
        "client_port": 50000,
        "server": "10.0.0.53",
        "server_port": 9999,
        "start_ns": SECOND * 1_000_000_000 + 1_000_000,
        "duration_ns": 1_000_000,
        "client_datagrams": 1,
        "server_datagrams": 1,
        "client_bytes": 8,
        "server_bytes": 7,
        "first_frame": 2,
        "last_frame": 3,
    }
    assert sum(row["frames"] for row in found["ledger"]) == 3
    assert found["streams"] == []
    assert out == netanalyze.analyze(capture).to_json()


def test_overview_from_standard_input() -> None:
    status, out, err = run("analyze", "-", given=CAPTURE)
    assert (status, err) == (0, "")
    assert out.startswith("standard input: pcap, ETHERNET, 3 frames")
    assert "10.0.0.1:50000  10.0.0.53:9999" in out
    assert "1 of 3 frames not analysed" in out


def test_filter_and_range(capture: str) -> None:
    found = netanalyze.analyze(capture, filter="src host 10.0.0.1")
    assert [(row.client_datagrams, row.server_datagrams) for row in found["udp"]] == [(1, 0)]
    status, out, _ = run("analyze", capture, "-r", "udp", "--filter", "tcp", "--format", "json")
    assert status == 0
    assert json.loads(out)["udp"] == []
    assert netanalyze.analyze(capture, start="#3")["udp"][0].first_frame == 3


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.pcap").write_bytes(b"This is no capture, but it is long enough to be one.\n")
    (tmp_path / "empty.pcap").write_bytes(b"")
    for name in ("text.pcap", "empty.pcap", "missing.pcap", "."):
        status, out, err = run("analyze", str(tmp_path / name))
        assert (status, out) == (2, ""), name
        assert err.startswith("netanalyze: ")
        assert err.count("\n") == 1
    status, _, err = run("analyze", str(tmp_path / "text.pcap"), "--filter", "no such filter")
    assert status == 2
    assert err.count("\n") == 1


def test_nothing_that_could_be_analysed(tmp_path: Path) -> None:
    path = tmp_path / "arp.pcap"
    path.write_bytes(pcap(ARP, ARP[:-1]))
    status, out, err = run("analyze", str(path))
    assert status == 2
    assert "2 of 2 frames not analysed" in out
    assert err.startswith("netanalyze: warning: none of the frames could be analysed: ")
