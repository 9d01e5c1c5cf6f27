"""The view of a live capture: its keys, and the terminal that is as it was when it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from typing import Any

import pytest

from netanalyze.cli.viewer import Viewer


def viewer(*tables: str) -> Viewer:
    engine: Any = None
    return Viewer(engine, "lo", tables, tables[0])


def test_keys_choose_tables_that_there_are() -> None:
    shown = viewer("streams", "http")
    assert shown.obey("h")
    assert shown.view == "http"
    assert not shown.obey("e")
    assert not shown.obey("\x1b[Ax")
    assert shown.view == "http"
    assert shown.obey("s")
    assert shown.view == "streams"


def test_keys_pause_and_quit() -> None:
    shown = viewer("streams")
    assert shown.obey(" ")
    assert shown._paused
    assert shown.obey(" ")
    assert not shown._paused
    assert not shown.quits
    shown.obey("q")
    assert shown.quits


def may_capture() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except (AttributeError, OSError):
        return False
    return True


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        """Start it."""
        self.main, side = pty.openpty()
        termios.tcsetwinsize(side, (24, 80))
        self.before = termios.tcgetattr(side)
        self.side = side
        environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join(sys.path)}
        self.program = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "netanalyze", "sniff", "lo", *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )
        self.text = b""

    def until(self, what: bytes, seconds: float = 30) -> bytes:
        """Read until something comes, None of which counts twice; fails if it does not."""
        end = time.monotonic() + seconds
        while what not in self.text:
            assert time.monotonic() < end, self.text[-2000:]
            if select.select([self.main], [], [], 0.1)[0]:
                self.text += os.read(self.main, 65536)
        at = self.text.index(what) + len(what)
        found, self.text = self.text[:at], self.text[at:]
        return found

    def press(self, keys: bytes) -> None:
        os.write(self.main, keys)

    def ended(self, seconds: float = 30) -> int:
        """Wait for the end, reading; returns the status."""
        end = time.monotonic() + seconds
        while self.program.poll() is None:
            assert time.monotonic() < end, self.text[-2000:]
            if select.select([self.main], [], [], 0.1)[0]:
                self.text += os.read(self.main, 65536)
        while select.select([self.main], [], [], 0.1)[0]:
            self.text += os.read(self.main, 65536)
        return int(self.program.returncode)

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.main)
        os.close(self.side)


@pytest.fixture
def terminal() -> Any:  # noqa: ANN401 - a fixture with a clean-up
    if not may_capture():
        pytest.skip("needs CAP_NET_RAW")
    running = Terminal("-f", "tcp port 9")
    running.until(b"TCP connections")
    yield running
    running.close()


def modes(terminal: Terminal) -> Any:  # noqa: ANN401 - as termios has it
    return termios.tcgetattr(terminal.side)[3] & (termios.ICANON | termios.ECHO)


def test_ctrl_c_gives_the_terminal_back_and_the_report(terminal: Terminal) -> None:
    assert modes(terminal) == 0
    terminal.press(b"\x03")
    terminal.until(b"\x1b[?1049l")
    assert terminal.ended() == 130
    assert b"interrupted" in terminal.text
    assert termios.tcgetattr(terminal.side) == terminal.before


def test_q_ends_with_the_report(terminal: Terminal) -> None:
    terminal.press(b"q")
    assert terminal.ended() == 0
    assert b"\x1b[?1049l" in terminal.text
    assert termios.tcgetattr(terminal.side) == terminal.before


def test_being_killed_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.program.send_signal(signal.SIGTERM)
    assert terminal.ended() == -signal.SIGTERM
    assert b"\x1b[?1049l" in terminal.text
    assert termios.tcgetattr(terminal.side) == terminal.before


def test_keys_and_another_size(terminal: Terminal) -> None:
    terminal.press(b"h")
    terminal.until(b"[h]http")
    termios.tcsetwinsize(terminal.side, (10, 40))
    terminal.program.send_signal(signal.SIGWINCH)
    terminal.until(b"s e h d u l f space q")
    terminal.press(b" ")
    terminal.until(b"paused")
    terminal.press(b"q")
    assert terminal.ended() == 0


def test_findings_and_names_as_they_appear() -> None:
    if not may_capture():
        pytest.skip("needs CAP_NET_RAW")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # nobody listens
        running = Terminal("-f", f"tcp port {port}")
        try:
            running.until(b"findings: none yet")
            for _ in range(20):
                with socket.socket() as client:
                    assert client.connect_ex(("127.0.0.1", port))
            running.until(b"LSN004")
            running.press(b"f")
            running.until(b"[f]findings")
            running.until(b"answered with RST at once")
            running.press(b"u")
            running.until(b"[u]udp")
            running.press(b"q")
            assert running.ended() == 0
        finally:
            running.close()


class Source:
    """A capture whose ring lasts for so many seconds."""

    def __init__(self, seconds: float) -> None:
        """So many."""
        self.seconds = seconds

    def lasts_seconds(self, *_: float) -> float:
        return self.seconds


class Finder:
    """An engine that counts how often it is asked."""

    asked = 0

    def find(self, _: Any) -> list[Any]:  # noqa: ANN401 - a capture
        self.asked += 1
        return []


def test_findings_are_not_looked_for_where_packets_would_be_lost() -> None:
    shown = viewer("streams", "findings")
    engine: Any = Finder()
    full: Any = Source(0.1)
    empty: Any = Source(10)
    shown._engine = engine
    shown._find_took = 0.05  # the last time
    shown._find(full)
    assert engine.asked == 0
    shown._find(empty)
    assert engine.asked == 1
    assert len(shown._tables["findings"]) == 0
    assert not shown._find_pace.due()
