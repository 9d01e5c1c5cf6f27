"""``netanalyze stream``: the ladder, the diagrams, and what a segment is in numbers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from frames import write_pcapng
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import CLIENT_CLOSES, OPENED, READY, SECOND, Step, frames_of
from test_states_random import ANYTHING, PLAUSIBLE
from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.pipeline import Options
from netanalyze.pipeline import run as analyse
from netanalyze.report import ladder, state_paths
from netanalyze.report.rungs import Fold, Story, rungs
from netanalyze.report.style import Style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from click.testing import Result
    from frames import Frame

LADDER = """\
stream 0: 10.9.0.1:40000 to 10.9.0.2:80, 9 segments, 8.00 ms

frame         time                client                            server
                          CLOSED                                            LISTEN
    1          0 s      SYN-SENT  SYN seq=0 win=1024 ────────────────────▶  SYN-RECEIVED
    2      1.00 ms   ESTABLISHED  ◀────────── SYN,ACK seq=0 ack=1 win=1024
    3      2.00 ms                ACK seq=1 ack=1 win=1024 ──────────────▶  ESTABLISHED
    4      3.00 ms                ACK seq=1 ack=1 len=10 win=1024 ───────▶
    5      4.00 ms                ◀───────────── ACK seq=1 ack=11 win=1024
    6      5.00 ms    FIN-WAIT-1  FIN,ACK seq=11 ack=1 win=1024 ─────────▶  CLOSE-WAIT
    7      6.00 ms    FIN-WAIT-2  ◀───────────── ACK seq=1 ack=12 win=1024
    8      7.00 ms     TIME-WAIT  ◀───────── FIN,ACK seq=1 ack=12 win=1024  LAST-ACK
    9      8.00 ms                ACK seq=12 ack=2 win=1024 ─────────────▶  CLOSED
            60.0 s        CLOSED  (client: timeout 2MSL)
"""


def story(
    tmp_path: Path,
    frames: Sequence[Frame],
    **options: Any,  # noqa: ANN401
) -> Story:
    path = tmp_path / "frames.pcapng"
    write_pcapng(path, frames)
    tables = ("streams", "windows", "transitions")
    report = analyse([str(path)], Options(tables=tables, streams=(0,), keep_duplicates=True, **options))
    (stream,) = report["streams"].stream(0)
    return Story(stream, list(report["windows"]), list(report["transitions"].stream(0)))


def drawn(told: Story, *, width: int = 80, fold: bool = True, ascii_only: bool = False) -> list[str]:
    return list(ladder.draw(told, Style(width=width, ascii_only=ascii_only), fold=fold))


def later(frames: list[Frame], seconds: int) -> list[Frame]:
    """The frames, and one of another connection much later."""
    more = frames_of(OPENED, ports=(1, 2), start_ns=frames[-1].time_ns + seconds * SECOND)
    return [*frames, *more]


def test_the_ladder(tmp_path: Path) -> None:
    frames = later(frames_of(CLIENT_CLOSES), 61)
    assert "\n".join(drawn(story(tmp_path, frames), width=0)) == LADDER.rstrip("\n")


def test_events_stand_beside(tmp_path: Path) -> None:
    again = Step("c", "PA", 11, 1, 10)
    steps = (*READY, again, again._replace(after_ms=300), Step("s", "A", 1, 21, window=0))
    lines = drawn(story(tmp_path, frames_of(steps)))
    assert lines[10].split()[0] == "7"
    assert lines[10].endswith("▶                retransmission")
    assert lines[11].endswith("win=0                zero_window")
    assert "retransmission" not in lines[9]
    assert {line.index("retransmission") for line in lines if "retransmission" in line} == {
        line.index("zero_window") for line in lines if "zero_window" in line
    }


def test_arrows_are_long_enough_for_what_stands_on_them(tmp_path: Path) -> None:
    far = Step("s", "PA", 1_000_000_001, 11, 1000, window=65535)
    lines = drawn(story(tmp_path, frames_of((*READY, far, far._replace(after_ms=300)))), width=80)
    assert "◀── ACK seq=1000000001 ack=11 len=1000 win=65535" in lines[-1]
    assert {line.index("▶") for line in lines if "▶" in line} == {lines[2].index("server") + 5}


def test_only_ascii(tmp_path: Path) -> None:
    steps = (*READY, *(Step("c", "PA", 11 + 10 * number, 1, 10, after_ms=0.01) for number in range(20)))
    text = "\n".join(drawn(story(tmp_path, frames_of(steps)), ascii_only=True))
    assert text.isascii()
    assert "-->" in text
    assert "<--" in text


def exchange(count: int) -> tuple[Step, ...]:
    """The client sends so often, and the server acknowledges each."""
    made = []
    for number in range(count):
        made += [Step("c", "PA", 11 + 100 * number, 1, 100), Step("s", "A", 1, 111 + 100 * number)]
    return (*READY, *made)


def test_long_runs_are_folded(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(exchange(50)))
    lines = drawn(told)
    # Frames 4 and 5 are plain as well, but frame 3 is not: it moves the server.
    (folded,) = [line for line in lines if "…" in line]
    assert "… 98 segments in 97.0 ms: client 4.90 kB in 49, server 0 B in 49 …" in folded
    assert [line.split()[0] for line in lines[4:]] == ["1", "2", "3", "4", "5", "…", "104", "105"]
    every = drawn(told, fold=False)
    assert [line.split()[0] for line in every[4:]] == [str(number) for number in range(1, 106)]


def duplicates(count: int, *, between: bool, sack: bool = True) -> tuple[Step, ...]:
    """The client's second segment is lost; the server acknowledges the first again for each that follows."""
    made = [Step("c", "PA", 11 + 100 * number, 1, 100) for number in range(2 if between else count + 1)]
    for number in range(count):
        if between:
            made.append(Step("c", "PA", 211 + 100 * number, 1, 100))
        edge = 311 + 100 * number
        made.append(Step("s", "A", 1, 11, sack=((211, edge),) if sack else ()))
    return (*READY, *made, Step("c", "PA", 11, 1, 100, after_ms=40))


def test_runs_of_duplicate_acks_are_folded(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(duplicates(10, between=False)))
    lines = drawn(told)
    (folded,) = [line for line in lines if "duplicate ACKs" in line]
    duplicate = [one.frame for one in told.segments if one.events == "duplicate_ack"]
    assert len(duplicate) == 10
    assert (
        f"… 10 duplicate ACKs of 11 by server, #{duplicate[0]} to #{duplicate[-1]}, SACK 311 to 1211 …"
        in folded
    )
    assert not [line for line in lines if line.endswith("duplicate_ack")]
    every = drawn(told, fold=False)
    assert len([line for line in every if line.endswith("duplicate_ack")]) == 10
    assert not [line for line in every if "…" in line]


def test_duplicate_acks_are_folded_with_what_comes_between_them(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(duplicates(10, between=True, sack=False)))
    lines = drawn(told)
    (place,) = [place for place, line in enumerate(lines) if "duplicate ACKs" in line]
    assert "… 10 duplicate ACKs of 11 by server, #9 to #27 …" in lines[place]
    assert lines[place + 1].strip() == "between them in 18.0 ms: client 900 B in 9"
    assert lines[place + 2].endswith("retransmission")


def test_long_texts_of_folds_are_broken(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(duplicates(10, between=True)))
    far = 2**40
    moved = [
        msgspec.structs.replace(
            one, frame=one.frame + far, ack=(one.ack or 0) + far, sack=one.sack and one.sack + far
        )
        for one in told.segments
    ]
    (fold,) = [one for one in rungs(Story(told.stream, moved, ())) if isinstance(one, Fold)]
    first, second = fold.lines()
    assert first.startswith(f"10 duplicate ACKs of {far + 11} by server, #{far + 9}")
    assert "SACK" not in first
    assert second == f"SACK {far + 311} to {far + 1211}; between them in 18.0 ms: client 900 B in 9"


def test_few_duplicate_acks_are_shown(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(duplicates(3, between=False)))
    assert len([line for line in drawn(told) if line.endswith("duplicate_ack")]) == 3


def test_how_far_sack_reports(tmp_path: Path) -> None:
    first = Step("c", "PA", 11, 1, 100)
    blocks: tuple[tuple[tuple[int, int], ...], ...] = (
        (),
        ((211, 311),),
        ((411, 511), (211, 311)),
        ((1, 11), (211, 511)),
        ((1, 11),),
    )
    steps = (*READY, first, *(Step("s", "A", 1, 11, sack=one) for one in blocks))
    for isns in ((1000, 5000), (2**32 - 300, 7)):
        told = story(tmp_path, frames_of(steps, isns=isns))
        assert [one.sack for one in told.segments][-5:] == [None, 311, 511, 511, None]


def test_short_runs_and_notable_segments_are_not_folded(tmp_path: Path) -> None:
    assert not [line for line in drawn(story(tmp_path, frames_of(exchange(2)))) if "…" in line]
    # Each second exchange the client sends once more what it has sent.
    steps = list(exchange(8))
    for place in (20, 16, 12, 8):
        steps.insert(place, steps[place - 1]._replace(after_ms=300))
    told = story(tmp_path, frames_of(steps))
    assert sum(bool(one.events) for one in told.segments) >= 4
    assert not [line for line in drawn(told) if "…" in line]


def test_a_move_that_came_later_has_a_line_of_its_own(tmp_path: Path) -> None:
    lines = drawn(story(tmp_path, frames_of(STORIES["the acknowledgements cross as well"].steps)))
    (late,) = [line for line in lines if "(client: rcv FIN)" in line]
    before = lines[lines.index(late) - 1]
    assert before.split()[:4] == ["7", "6.00", "ms", "FIN-WAIT-1"]
    assert late.split()[:4] == ["6", "6.00", "ms", "CLOSING"]


def test_numbers_are_relative_and_do_not_wrap(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(CLIENT_CLOSES, isns=(2**32 - 5, 2**32 - 1)))
    plain = story(tmp_path, frames_of(CLIENT_CLOSES))
    assert [(one.seq, one.ack) for one in told.segments] == [(one.seq, one.ack) for one in plain.segments]
    assert [one.seq for one in plain.segments] == [0, 0, 1, 1, 1, 11, 1, 1, 12]
    assert [one.ack for one in plain.segments] == [None, 1, 1, 1, 11, 1, 12, 12, 2]
    # Twenty steps of a gigabyte.
    far = tuple(Step("c", "PA", 1 + number * 2**30, 1, 1) for number in range(20))
    assert [one.seq for one in story(tmp_path, frames_of((*OPENED, *far))).segments][-1] == 1 + 19 * 2**30
    # Before the first one that was seen.
    back = story(tmp_path, frames_of((Step("c", "PA", 50, 1, 1), Step("c", "PA", 20, 1, 1))))
    assert [one.seq for one in back.segments] == [1, -29]
    # The other side was not captured: what is acknowledged first tells where its numbers begin.
    alone = story(tmp_path, frames_of((Step("c", "PA", 1, 70, 1), Step("c", "A", 2, 170))))
    assert [one.ack for one in alone.segments] == [1, 101]


@pytest.mark.parametrize(
    ("scales", "windows"),
    [
        ((True, True), [1024, 1024, 2**17]),
        ((True, False), [1024, 1024, 1024]),
        ((False, True), [1024, 1024, 1024]),
    ],
)
def test_windows_are_scaled(tmp_path: Path, scales: tuple[bool, bool], windows: list[int]) -> None:
    steps = (OPENED[0]._replace(scale=scales[0]), OPENED[1]._replace(scale=scales[1]), OPENED[2])
    assert [one.window_bytes for one in story(tmp_path, frames_of(steps)).segments] == windows


def test_a_window_of_unknown_scale_is_not_shown(tmp_path: Path) -> None:
    scaled = OPENED[0]._replace(scale=True)
    told = story(tmp_path, frames_of((scaled, Step("s", "A", 1, 1))))
    assert [one.window_bytes for one in told.segments] == [1024, None]
    assert "win=" not in drawn(told)[-1]
    # Without an offer by the client there is no scale.
    told = story(tmp_path, frames_of((OPENED[0], Step("s", "A", 1, 1))))
    assert [one.window_bytes for one in told.segments] == [1024, 1024]


@pytest.mark.parametrize("name", STORIES)
def test_diagrams_show_the_path(tmp_path: Path, name: str) -> None:
    told = story(tmp_path, frames_of(STORIES[name].steps))
    text = "\n".join(state_paths.as_mermaid(told))
    assert text.count("```mermaid\nflowchart TD\n") == 2
    for end in ("client", "server"):
        moves = [move for move in told.transitions if move.endpoint == end]
        assert f"## stream 0, {end} " in text
        part = text.split(f", {end} ")[1].split("## ")[0]
        links = re.findall(r'(\w+) -->\|"([^"]+)"\| (\w+)', part)
        chosen = re.search(r"linkStyle ([\d,]+)", part)
        highlighted = {links[int(number)] for number in chosen[1].split(",")} if chosen else set()
        assert highlighted == {
            (
                (move.from_state or "UNSEEN").replace("-", "_"),
                move.trigger,
                move.to_state.replace("-", "_"),
            )
            for move in moves
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.one_of(ANYTHING, PLAUSIBLE))
def test_anything_can_be_drawn(tmp_path: Path, steps: list[Step]) -> None:
    frames = frames_of(steps)
    if not frames:
        return
    told = story(tmp_path, frames)
    assert len(drawn(told, fold=False)) >= 3 + len(told.segments)
    assert list(state_paths.as_mermaid(told))


# The command.


@pytest.fixture
def capture(tmp_path: Path) -> str:
    path = tmp_path / "closing.pcapng"
    write_pcapng(path, frames_of(CLIENT_CLOSES))
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["stream", *arguments], env={"COLUMNS": "87"})


def test_the_command_draws_the_ladder(capture: str) -> None:
    result = run(capture, "0")
    assert result.exit_code == 0
    assert result.output.splitlines()[:13] == LADDER.splitlines()[:13]


def test_time_wait_is_an_option(tmp_path: Path) -> None:
    path = tmp_path / "later.pcapng"
    write_pcapng(path, later(frames_of(CLIENT_CLOSES), 10))
    assert "timeout 2MSL" not in run(str(path), "0").output
    assert "timeout 2MSL" in run(str(path), "0", "--time-wait", "2.5").output
    assert run(str(path), "0", "--time-wait", "nan").exit_code == 2
    assert run(str(path), "0", "--time-wait", "3601").exit_code == 2


def test_json(capture: str) -> None:
    found = json.loads(run(capture, "0", "--format", "json").output)
    assert list(found)[4:] == ["capture", "ledger", "streams", "windows", "transitions"]
    assert len(found["windows"]) == 9
    assert len(found["transitions"]) == 10
    assert found["windows"][3] == {
        "stream": 0,
        "frame": 4,
        "time_ns": 1_004_000_000,
        "elapsed_ns": 3_000_000,
        "sender": "client",
        "flags": 24,
        "seq": 1,
        "ack": 1,
        "sack": None,
        "payload_bytes": 10,
        "window_bytes": 1024,
        "bytes_in_flight": 10,
        "peer_window_bytes": 1024,
        "rtt_ns": None,
        "events": None,
    }


def test_diagram_and_file(capture: str, tmp_path: Path) -> None:
    out = tmp_path / "states.md"
    result = run(capture, "0", "--diagram", "mermaid", "-o", str(out))
    assert (result.exit_code, result.output) == (0, "")
    assert out.read_text().startswith("## stream 0, client 10.9.0.1:40000: TIME-WAIT\n\n```mermaid\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1",), "no TCP stream 1; there are 0 to 0"),
        (("0", "--format", "csv"), "no format 'csv'; there are: text, json"),
        (("0", "--diagram", "dot"), "no diagram 'dot'; there are: mermaid, svg"),
    ],
)
def test_mistakes(capture: str, arguments: tuple[str, ...], message: str) -> None:
    result = run(capture, *arguments)
    assert (result.exit_code, result.output) == (2, f"netanalyze: {message}\n")


def test_no_stream_at_all(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcapng"
    write_pcapng(path, [frames_of(OPENED)[0]._replace(data=bytes(60))])
    result = run(str(path), "3")
    assert (result.exit_code, result.output) == (
        2,
        "netanalyze: no TCP stream 3: there is none in the capture\n",
    )
