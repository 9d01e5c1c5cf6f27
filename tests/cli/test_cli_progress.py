from __future__ import annotations

import io
import sys

import pytest

from netanalyze.cli import progress
from netanalyze.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    return Terminal()


def test_a_long_run_shows_a_bar_that_goes_away(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(wanted=True) as bar:
        bar.advance(10_000, 100_000)
        bar.warn("odd\x1b")
        bar.advance(100_000, 100_000)
    text = terminal.getvalue()
    assert "10.0/100.0 kB" in text
    assert "netanalyze: warning: odd\\x1b\n" in text
    assert text.endswith("\x1b[2K")  # the line is erased


def test_a_run_of_unknown_length(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(wanted=True) as bar:
        bar.advance(10_000, None)
        bar.advance(20_000, None)
    assert "20.0/? kB" in terminal.getvalue()


def test_a_short_run_shows_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 60)
    with Progress(wanted=True) as bar:
        bar.advance(10, 100)
        bar.warn("odd")
    assert terminal.getvalue() == "netanalyze: warning: odd\n"


def test_no_bar_where_none_is_wanted(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(wanted=False) as bar:
        bar.advance(10, 100)
    assert terminal.getvalue() == ""


def test_no_bar_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(wanted=True) as bar:
        bar.advance(10, 100)
        bar.warn("odd")
    assert stream.getvalue() == "netanalyze: warning: odd\n"
