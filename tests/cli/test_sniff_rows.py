"""Rows of a live capture on loopback, as they become known."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from test_viewer import may_capture

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not may_capture(), reason="needs CAP_NET_RAW")


class Page(BaseHTTPRequestHandler):
    """Says what was asked for."""

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - of anything
        """Quietly."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def sniff(*arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "netanalyze", "sniff", "lo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )


def ask_until(
    program: subprocess.Popen[str], port: int, stop: threading.Event, host: str = ""
) -> threading.Thread:
    """Ask a server for pages until a row has come: then the capture has begun."""

    def ask() -> None:
        number = 0
        while not stop.is_set() and program.poll() is None:
            headers = {"Host": host} if host else {}
            urlopen(Request(f"http://127.0.0.1:{port}/{number}", headers=headers)).read()
            number += 1
            stop.wait(0.1)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_rows_come_while_it_goes_on(port: int) -> None:
    program = sniff("-f", f"tcp port {port}", "--until-idle", "60")
    stop = threading.Event()
    asking = ask_until(program, port, stop)
    assert program.stdout is not None
    rows = []
    while not {"http", "streams"} <= {row["table"] for row in rows}:
        rows.append(json.loads(program.stdout.readline()))  # comes, though the capture goes on
    assert program.poll() is None
    stop.set()
    asking.join()
    program.send_signal(signal.SIGINT)
    rows += [json.loads(line) for line in program.stdout]
    program.communicate(timeout=30)
    assert program.returncode == 130
    exchanges = [row for row in rows if row["table"] == "http"]
    streams = {row["stream"]: row for row in rows if row["table"] == "streams"}
    assert len({row["stream"] for row in exchanges}) == len(exchanges)
    assert {row["stream"] for row in exchanges} == set(streams)
    assert all(row["status"] == 200 for row in exchanges)
    assert {row["server_process"].partition("/")[0] for row in streams.values()} == {str(os.getpid())}
    assert {"capture", "ledger"} <= {row["table"] for row in rows}


def test_nobody_reads_any_more(port: int) -> None:
    program = sniff("-f", f"tcp port {port}", "-r", "http", "--columns", "target")
    stop = threading.Event()
    asking = ask_until(program, port, stop)
    assert program.stdout is not None
    assert json.loads(program.stdout.readline()).keys() == {"table", "target"}
    program.stdout.close()
    assert program.wait(timeout=30) == 0
    assert program.stderr is not None
    assert "Traceback" not in program.stderr.read()
    stop.set()
    asking.join()
    program.stderr.close()


def test_conditions_hold_for_each_row(port: int) -> None:
    arguments = ("-r", "http,streams", "--where", "target~[05]$", "--where", "app=http")
    program = sniff("-f", f"tcp port {port}", *arguments)
    stop = threading.Event()
    asking = ask_until(program, port, stop)
    assert program.stdout is not None
    found: list[dict[str, Any]] = []
    while sum("target" in row for row in found) < 2:
        found.append(json.loads(program.stdout.readline()))
    stop.set()
    asking.join()
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    assert all(row["target"][-1] in "05" for row in found if "target" in row)


def test_names_and_framing(port: int) -> None:
    arguments = (
        "-r",
        "streams,writes",
        "--names",
        "--framing",
        f"{port}=line",
        "--format",
        "table",
        "--wide",
    )
    program = sniff("-f", f"tcp port {port}", "--count", "40", *arguments)
    stop = threading.Event()
    asking = ask_until(program, port, stop, host=f"localhost:{port}")
    out, errors = program.communicate(timeout=60)
    stop.set()
    asking.join()
    assert (program.returncode, errors) == (0, "")
    assert "localhost (127.0.0.1)" in out
    assert "line" in out.partition("writes:")[2]


def test_a_view_that_there_is_not() -> None:
    with socket.socket():
        program = sniff("--view", "nothing")
        _, errors = program.communicate(timeout=30)
    assert program.returncode == 2
    assert "nothing" in errors
    program = sniff("--view", "http", "-r", "streams")
    _, errors = program.communicate(timeout=30)
    assert program.returncode == 2
    assert "add it to --report" in errors
