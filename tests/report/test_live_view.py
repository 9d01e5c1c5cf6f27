"""The screen of a capture that goes on: it fits, says what there is, and nothing from the wire drives it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

import netanalyze
from netanalyze.report.live_view import KEYS, VIEWS, WARNING, Glance, rows_shown, screen
from netanalyze.report.printable import width
from netanalyze.report.registry import table_kind
from netanalyze.report.table import Table

CAPTURES = Path(__file__).parents[2] / "captures"


@cache
def tables() -> Any:  # noqa: ANN401 - a report
    return netanalyze.analyze(
        CAPTURES / "http-variety.pcap", reports=["streams", "events", "http", "listeners"]
    )


def glance(**changed: Any) -> Glance:  # noqa: ANN401 - of any attribute
    report = tables()
    made = Glance(
        source="lo",
        seconds=3723.4,
        frames=12_345,
        wire_bytes=6_789_012,
        frames_a_second=1234.5,
        bits_a_second=4.56e7,
        open_streams=12,
        other_streams=34,
        flows=5,
        received=12_400,
        lost=7,
        waiting=48,
        ring_percent=3,
        behind_ns=2_500_000,
        tables={name: report[name] for name in ("streams", "events", "http", "listeners")},
    )
    return replace(made, **changed)


def texts(*args: Any, **options: Any) -> list[str]:  # noqa: ANN401 - as of ``screen``
    return [text for _, text in screen(*args, **options)]


@pytest.mark.parametrize("columns", [80, 160])
def test_what_it_says(columns: int) -> None:
    lines = texts(glance(warnings=["the clock was set"]), columns, 30)
    assert lines[:4] == [
        "netanalyze  lo  1:02:03",
        "1 234 frames/s  45.6 Mbit/s  12 345 frames, 6.79 MB  TCP 12 open, 34 over  UDP 5",
        "capture: 12 400 received, 7 lost*; 48 wait, ring 3 % full, 2.50 ms behind; * uncertain"
        if columns > 100
        else "capture: 12 400 received, 7 lost*; 48 wait, ring 3 % full, 2.50 ms behind; * un…",
        "warning: the clock was set",
    ]
    assert lines[5].startswith("TCP connections")
    assert "latest HTTP exchanges" in lines
    assert lines[-1] == "[s] streams  e  events  h  http  l  listeners  space  pause  q  quit"
    assert len(lines) == 30


def test_wider_shows_more() -> None:
    narrow, wide = (" ".join(texts(glance(), columns, 30)) for columns in (80, 160))
    assert "handshake" not in narrow
    assert "handshake" in wide


def test_the_view_that_was_chosen() -> None:
    lines = texts(glance(view="http", paused=True), 80, 24)
    assert lines[0].endswith("paused")
    assert lines[4] == "latest HTTP exchanges"
    assert lines[-1] == " s  streams  e  events [h] http  l  listeners  space  go on  q  quit"
    assert len([line for line in lines if "GET" in line]) > 8


def test_a_process_that_is_known_is_shown_first() -> None:
    rows = [msgspec.structs.replace(row, server_process="812/nginx") for row in glance().tables["streams"]]
    shown = {"streams": Table.from_rows("streams", table_kind("streams").record, rows)}
    lines = texts(glance(tables=shown), 80, 24)
    assert any("812/nginx" in line for line in lines)
    assert not any("process" in line for line in texts(glance(), 80, 24))


def test_nobody_counts_losses() -> None:
    lines = texts(glance(received=None, lost=None, waiting=0, behind_ns=0), 80, 24)
    assert lines[2] == "capture: the system does not count losses; 0 wait, ring 3 % full, 0 s behind"


def test_nothing_yet() -> None:
    shown = {name: glance().tables[name][:0] for name in ("streams", "http")}
    lines = texts(glance(tables=shown), 80, 24)
    assert "none yet" in lines
    assert "latest HTTP exchanges" not in lines


def test_a_table_that_is_not_analyzed() -> None:
    lines = texts(glance(view="events", tables={}), 80, 24)
    assert "not analyzed; add events to --report" in lines


@given(st.integers(1, 200), st.integers(1, 60), st.sampled_from(sorted(VIEWS.values())), st.booleans())
def test_it_fits_any_screen(columns: int, lines: int, view: str, ascii_only: bool) -> None:  # noqa: FBT001
    made = screen(glance(view=view, warnings=["x" * 300]), columns, lines, ascii_only=ascii_only)
    assert len(made) <= lines
    assert all(width(text) <= columns for _, text in made)
    assert made[-1][0] == KEYS
    assert not ascii_only or all(text.isascii() for _, text in made)


def test_rows_shown_is_enough() -> None:
    for lines in range(5, 60):
        rows = glance().tables["http"]
        made = [
            line for line in texts(glance(view="http"), 80, lines) if "127.0.0.1" in line or "GET" in line
        ]
        assert len(made) <= max(rows_shown(lines), 1) or len(rows) < rows_shown(lines)


HOSTILE = "\x1b[2J\x07\u202eevil\n\x9b31m"


def test_nothing_from_the_wire_drives_the_terminal() -> None:
    row = next(iter(glance().tables["http"]))
    changed = [
        type(row)(**{**{name: getattr(row, name) for name in row.__struct_fields__}, "target": HOSTILE})
    ]
    shown = {"http": Table.from_rows("http", table_kind("http").record, changed)}
    lines = texts(glance(tables=shown, view="http", source=HOSTILE, warnings=[HOSTILE]), 160, 24)
    assert all(line.isprintable() for line in lines)
    assert any("\\x1b[2J" in line for line in lines)


def test_warnings_stand_out() -> None:
    kinds = [kind for kind, text in screen(glance(warnings=["one", "two"]), 80, 24) if "two" in text]
    assert kinds == [WARNING]


@pytest.mark.parametrize("no_color", [False, True])
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 40), (30, 4)])
def test_on_a_console(
    columns: int,
    lines: int,
    *,
    no_color: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from netanalyze.cli.viewer import Viewer  # noqa: PLC0415 - of the layer to the right

    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, width=columns, height=lines, no_color=no_color, legacy_windows=False
    )
    engine: Any = None
    with Viewer(engine, "lo", ["streams"], "streams", console) as viewer:
        viewer.show(glance(warnings=["careful"]))
    written = out.getvalue()
    assert written.startswith("\x1b[?1049h")
    assert written.endswith("\x1b[?1049l\x1b[?25h") or "\x1b[?1049l" in written[-20:]
    assert ("\x1b[1;33m" in written or "\x1b[33m" in written) is (not no_color and lines > 4)
    shown = written.split("\x1b[H")[-1]
    assert len(shown.split("\n")) <= lines
