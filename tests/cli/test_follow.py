"""The command ``follow``: what two sides said, as text, JSON and bytes."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from crafting import DST, SRC, ethernet_of, ip4, tcp
from frames import Frame, write_pcapng
from typer.testing import CliRunner

import netanalyze
from netanalyze.apps import readers
from netanalyze.cli.app import app

ROOT = Path(__file__).parent.parent.parent
CAPTURES = ROOT / "captures"
KEEPALIVE = str(CAPTURES / "http-keepalive.pcapng")
VARIETY = str(CAPTURES / "http-variety.pcap")
ENCODINGS = str(CAPTURES / "http-encodings.pcap")
CUT = str(CAPTURES / "lossy-transfer-client.pcap")
SAMPLES = sorted(path for path in CAPTURES.iterdir() if path.suffix in {".pcap", ".pcapng"})


def run(*arguments: str) -> tuple[int, bytes, str]:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["follow", *arguments])
    return result.exit_code, result.stdout_bytes, result.stderr


def said(*arguments: str) -> str:
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    return out.decode()


def test_a_conversation() -> None:
    text = said(KEEPALIVE, "1")
    assert text.startswith(
        "TCP stream 1: 10.1.0.2:55118 → 10.1.0.1:80, http, from 2026-11-22 12:57:10.691 UTC\n"
        "\n"
        "client → server, frame 40, 141 µs, 100 bytes\n"
        "GET /notes.txt HTTP/1.1\n"
        "Host: 10.1.0.1\n"
    )
    assert "\nserver → client, frames 42–44, 216 µs, 2 786 bytes\nHTTP/1.1 200 OK\n" in text  # noqa: RUF001 - a range


def test_binary_is_hexadecimal_and_gaps_are_said() -> None:
    assert "\n000000ab  1b 2f 0c c8 1d 09 36 8e  72 bb c6 c2 8f 50 e9 19  |./....6.r....P..|\n" in said(
        VARIETY, "0", "--as-sent"
    )
    assert "\n[1 402 bytes missing]\n" in said(CUT, "0")
    assert "GET" not in re.sub(r"\|.*\|", "", said(VARIETY, "0", "--as-sent", "--hex"))


def test_one_side() -> None:
    text = said(KEEPALIVE, "1", "--side", "server")
    assert "server → client" in text
    assert "client → server" not in text


def test_json() -> None:
    found = json.loads(said(VARIETY, "0", "--as-sent", "--format", "json"))
    assert found["schema"] == 1
    assert (found["client"], found["server_port"], found["app"]) == ("10.27.0.2", 8080, "http")
    assert (found["complete"], found["warnings"]) == (True, [])
    first, second = found["turns"][:2]
    assert first["text"].startswith("GET /br HTTP/1.1\r\n")
    assert (first["sender"], first["first_frame"], first["offset"], first["missing"]) == (
        "client",
        6,
        0,
        False,
    )
    assert base64.b64decode(second["base64"]).startswith(b"HTTP/1.1 200 OK\r\n")
    cut = json.loads(said(CUT, "0", "--format", "json"))
    assert sum(turn["wire_bytes"] for turn in cut["turns"] if turn["sender"] == "server") == 400_000
    assert {("text" in turn) or ("base64" in turn) for turn in cut["turns"] if turn["missing"]} == {False}


def test_a_file_by_its_suffix(tmp_path: Path) -> None:
    target = tmp_path / "said.json"
    assert said(KEEPALIVE, "1", "-o", str(target)) == ""
    assert json.loads(target.read_bytes())["stream"] == 1


def test_raw() -> None:
    status, out, err = run(KEEPALIVE, "1", "--raw")
    assert (status, err) == (0, "")
    assert out.startswith(b"GET /notes.txt HTTP/1.1\r\n")
    streams = netanalyze.analyze(KEEPALIVE, reports=["streams"])["streams"]
    assert len(out) == streams[1].client_bytes + streams[1].server_bytes
    server = run(KEEPALIVE, "1", "--raw", "--side", "server")[1]
    assert server.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(server) == streams[1].server_bytes


def test_raw_says_what_is_missing() -> None:
    status, out, err = run(CUT, "0", "--raw", "--side", "server")
    assert (status, len(out)) == (0, 12_742)
    assert "387258 bytes are missing from the capture" in err
    assert run(CUT, "0", "--raw", "--side", "server", "--quiet")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["99"], "no TCP stream 99; there are 0 to 1"),
        (["1", "--format", "xml"], "no format 'xml'; there are: text, json"),
        (["1", "--side", "middle"], "no side 'middle'; there are: client, server"),
        (["1", "--raw", "--format", "json"], "--raw is a format of its own: leave --format out"),
        (["1", "--raw", "--hex"], "--hex is about text, not raw"),
        (["1", "--overlap", "both"], "no copy to count 'both'; there are: first, last"),
        (
            ["1", "--decode-as", "80"],
            "--decode-as 80: write PORT=PROTOCOL, such as 9000=http or udp/5300=dns",
        ),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], message: str) -> None:
    assert run(KEEPALIVE, *arguments) == (2, b"", f"netanalyze: {message}\n")


def test_there_are_no_streams() -> None:
    assert run(str(CAPTURES / "udp-exchange.pcap"), "0")[0] == 2
    assert "there is none in the capture" in run(str(CAPTURES / "udp-exchange.pcap"), "0")[2]


def test_a_stream_without_payload() -> None:
    assert said(str(CAPTURES / "refused.pcapng"), "0").endswith("No payload was captured.\n")


def test_a_protocol_may_show_its_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(ROOT / "tests" / "apps")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(readers.READERS, "http", "line_protocol")
    text = said(KEEPALIVE, "1")
    assert "client → server, frame 40, 141 µs, 100 bytes\n[a line]\nGET /NOTES.TXT HTTP/1.1\n" in text
    assert "NOTES.TXT" not in said(KEEPALIVE, "1", "--as-sent")
    assert run(KEEPALIVE, "1", "--raw")[1].startswith(b"GET /notes.txt HTTP/1.1\r\n")
    turns = json.loads(said(KEEPALIVE, "1", "--format", "json"))["turns"]
    assert turns[0]["note"] == "a line"


def test_bodies_of_http_are_decoded() -> None:
    text = said(ENCODINGS, "2")
    line = "[body: br, chunked, 977 bytes on the wire, 4 096 decoded]"
    assert f"\nContent-Encoding: br\n\n{line}\n<!doctype html>\n" in text
    assert "doctype" not in said(ENCODINGS, "2", "--as-sent")
    assert b"doctype" not in run(ENCODINGS, "2", "--raw")[1]
    head, body = json.loads(said(ENCODINGS, "2", "--format", "json", "--side", "server"))["turns"][:2]
    assert (head["part"], body["part"], body["coding"]) == ("head", "body", "br, chunked")
    assert (body["offset"], body["wire_bytes"], body["body_offset"]) == (head["wire_bytes"], 977, 0)
    assert len(body["text"]) == 4096
    capped = said(ENCODINGS, "2", "--max-body", "0.001")
    assert "977 bytes on the wire, 1 049 decoded; decoding stopped at the limit" in capped


def test_bodies_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    """Escape sequences that were compressed are escapes once they are decoded."""
    packed = gzip.compress("\x1b]0;title\x07\x1b[2J\x9b31m red\r over\n".encode())
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    target = tmp_path / "hostile.pcapng"
    asked, answer = b"GET /\x1b[2J HTTP/1.1\r\n\r\n", head + packed
    segments = [
        ip4(tcp(asked, seq=1, ack=1)),
        ip4(tcp(answer, 80, 1111, seq=1, ack=1 + len(asked)), src=DST, dst=SRC),
    ]
    write_pcapng(target, [Frame(ethernet_of(segment)) for segment in segments])
    text = said(str(target), "0")
    assert r"\x1b]0;title\x07\x1b[2J" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


def on_a_terminal(*arguments: str, **environment: str) -> tuple[int, bytes]:
    """Exit status, and what a terminal gets."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "netanalyze", "follow", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=theirs, stderr=theirs, cwd=ROOT, env={**os.environ, "TERM": "xterm", **environment}
    ) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 20)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        return process.wait(20), shown


def test_colours_on_a_terminal_and_raw_bytes_not() -> None:
    status, shown = on_a_terminal(KEEPALIVE, "1", NO_COLOR="")
    assert status == 0
    assert b"\x1b[36m\x1b[1mclient" in shown
    assert b"\x1b" not in on_a_terminal(KEEPALIVE, "1", NO_COLOR="1")[1]
    assert on_a_terminal(KEEPALIVE, "1", "--raw")[0] == 2


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "netanalyze", "follow", CUT, "0", "--hex"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 - our own program
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_bytes_are_those_that_tshark_shows(sample: Path) -> None:
    count = min(len(netanalyze.analyze(sample, reports=["streams"], keep_duplicates=True)["streams"]), 12)
    command = ["tshark", "-n", "-q", "-r", str(sample), "-o", "tcp.reassemble_out_of_order:TRUE"]
    command += [word for number in range(count) for word in ("-z", f"follow,tcp,raw,{number}")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as found in PATH
    # tshark ends with 2 where the file is cut short, and says what it could read, too.
    assert ended.returncode == (2 if "cut short" in ended.stderr else 0), ended.stderr
    shown = ended.stdout
    blocks = [block for block in shown.split("=" * 67) if "Filter: tcp.stream eq" in block]
    assert len(blocks) == count
    for block in blocks:
        number = re.findall(r"tcp.stream eq (\d+)", block)[0]
        theirs = [b"", b""]
        for line in block.splitlines():
            if re.fullmatch(r"\t?[0-9a-f]+", line):
                theirs[line.startswith("\t")] += bytes.fromhex(line.strip())
        arguments = (str(sample), number, "--raw", "--quiet", "--keep-duplicates", "--side")
        ours = [run(*arguments, side)[1] for side in ("client", "server")]
        missing = rb"\[\d+ bytes missing in capture file\]\.?\x00?"
        assert sorted(ours) == sorted(re.sub(missing, b"", side) for side in theirs)
