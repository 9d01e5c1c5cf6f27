"""``netanalyze stream``: the ladder and the state diagram as SVG."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_stories import STORIES
from tcp_steps import CLIENT_CLOSES, READY, Step, frames_of
from test_ladder import drawn, duplicates, exchange, later, run, story
from test_states_random import ANYTHING, PLAUSIBLE

from netanalyze.report import ladder_svg, state_paths, state_svg
from netanalyze.report.rungs import Fold, Story, rungs
from netanalyze.report.rungs import Step as Rung
from netanalyze.report.state_layout import PLACES, WIDTH
from netanalyze.tcp.states import ARROWS, SILENT, Event, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>&\"']]>\x00\x1b[2J\ud800\u202e"


def parsed(lines: Iterable[str]) -> ET.Element:
    """The picture; it refers to nothing that is not in it."""
    text = "\n".join(lines)
    root = ET.fromstring(text.encode())  # noqa: S314 - our own
    assert root.tag == f"{SPACE}svg"
    assert set(re.findall(r"url\(([^)]*)", text)) <= {
        f"#{one.get('id')}" for one in root.iter(f"{SPACE}marker")
    }
    assert not re.search(r"href|@import|<script|<foreignObject|\son\w+=", text)
    background = next(one for one in root if one.tag == f"{SPACE}rect")
    assert (background.get("width"), background.get("height"), background.get("fill")) == (
        root.get("width"),
        root.get("height"),
        "#ffffff",
    )
    return root


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SPACE}text")]


def titles(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SPACE}title")][1:]


def picture(told: Story, *, fold: bool = True) -> ET.Element:
    return parsed(ladder_svg.draw(told, fold=fold))


def test_the_ladder_has_what_the_text_has(tmp_path: Path) -> None:
    told = story(tmp_path, later(frames_of(CLIENT_CLOSES), 61))
    root = picture(told)
    words = texts(root)
    lines = drawn(told)
    assert lines[0] in words
    assert (root.findtext(f"{SPACE}title"), root.get("aria-label")) == (lines[0], lines[0])
    for line in lines[4:-1]:
        frame, states, arrow = (
            line.split()[0],
            re.findall(r"[A-Z][A-Z]+-[A-Z0-9-]+|CLOSED|ESTABLISHED", line),
            line,
        )
        assert f"#{frame}" in words
        assert all(state in words for state in states)
        assert re.sub(r"[─▶◀]", "", arrow).strip()
    for segment in told.segments:
        (title,) = [title for title in titles(root) if title.startswith(f"frame {segment.frame} · ")]
        assert f"seq={segment.seq}" in title
    assert "10.9.0.1:40000" in words
    assert "client: timeout 2MSL" in words


def test_arrows_fall_from_sender_to_receiver(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(CLIENT_CLOSES))
    arrows = [one for one in picture(told).iter(f"{SPACE}line") if (one.get("class") or "").startswith("a")]
    assert len(arrows) == len(told.segments)
    for arrow, segment in zip(arrows, told.segments, strict=True):
        x1, y1, x2, y2 = (float(arrow.get(name) or "nan") for name in ("x1", "y1", "x2", "y2"))
        assert y2 > y1
        assert (x1 < x2) == (segment.sender == "client")
    heights = [float(arrow.get("y1") or "nan") for arrow in arrows]
    assert heights == sorted(heights)


def fall_of(name: str, sender: str) -> float:
    """How far the first arrow of a side falls."""
    result = run(str(CAPTURES / name), "0", "--svg", "-")
    root = parsed([result.stdout.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')])
    for arrow in root.iter(f"{SPACE}line"):
        x1, y1, x2, y2 = (float(arrow.get(one) or "nan") for one in ("x1", "y1", "x2", "y2"))
        if (arrow.get("class") or "").startswith("a") and (x1 < x2) == (sender == "client"):
            return y2 - y1
    raise AssertionError


def test_arrows_fall_more_where_the_way_is_longer() -> None:
    far = fall_of("rtt-delays-client.pcap", "client")
    near = fall_of("loopback.pcap", "client")
    assert 0 < near < far < 24


def test_what_happened_at_a_segment_is_seen(tmp_path: Path) -> None:
    again = Step("c", "PA", 11, 1, 10)
    steps = (*READY, again, again._replace(after_ms=300), Step("c", "PA", 500, 1, 10), Step("c", "R", 510))
    root = picture(story(tmp_path, frames_of(steps)))
    classes = Counter(one.get("class") for one in root.iter(f"{SPACE}line"))
    assert classes["a again aagain"] == 1
    assert classes["a lost alost"] == 1
    assert classes["stub"] == 1
    assert classes["a strong reset areset"] == 1
    assert {"retransmission", "lost segment"} <= set(texts(root))
    style = root.findtext(f"{SPACE}style") or ""
    assert "stroke-dasharray" in style.split(".again {")[1].split("}")[0]
    assert "300 ms later" in texts(root)


def test_changes_of_state_tell_their_bounds(tmp_path: Path) -> None:
    root = picture(story(tmp_path, frames_of(CLIENT_CLOSES)))
    assert (
        "server: rcv SYN, LISTEN to SYN-RECEIVED · frame 1 · proven by frame 2"
        " · certainly after 0 s and before 1.00 ms · likely after 0 s and before 1.00 ms"
    ) in titles(root)
    dots = [one.get("class") for one in root.iter(f"{SPACE}circle")]
    assert dots.count("dot") == 10
    assumed = picture(story(tmp_path, frames_of((Step("c", "PA", 1, 1, 5), Step("s", "A", 1, 6)))))
    assert [one.get("class") for one in assumed.iter(f"{SPACE}circle")] == ["guess", "guess"]
    assert "ESTABLISHED?" in texts(assumed)


@pytest.mark.parametrize(
    "steps",
    [exchange(50), exchange(2), duplicates(10, between=False), duplicates(10, between=True, sack=False)],
    ids=["long", "short", "duplicates", "between"],
)
@pytest.mark.parametrize("fold", [True, False])
def test_it_folds_as_the_text_does(tmp_path: Path, steps: Sequence[Step], fold: bool) -> None:  # noqa: FBT001
    told = story(tmp_path, frames_of(steps))
    root = picture(told, fold=fold)
    lines = drawn(told, fold=fold)
    folded = [line for one in rungs(told, fold=fold) if isinstance(one, Fold) for line in one.lines()]
    assert bool(folded) == (fold and len(steps) > 12)
    assert all(any(text in line for line in lines) for text in folded)
    assert [text for text in texts(root) if text in folded] == folded
    in_text = [line.split()[0] for line in lines[4:] if line.split()[0].isdecimal()]
    in_picture = [text[1:] for text in texts(root) if re.fullmatch(r"#\d+", text)]
    assert in_picture == in_text
    shown = [one.segment.frame for one in rungs(told, fold=fold) if isinstance(one, Rung)]
    hidden = [segment.frame for one in rungs(told, fold=fold) if isinstance(one, Fold) for segment in one.run]
    assert sorted(shown + hidden) == [segment.frame for segment in told.segments]


def test_a_huge_stream_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder_svg, "HEAD_ROWS", 30)
    monkeypatch.setattr(ladder_svg, "TAIL_ROWS", 10)
    told = story(tmp_path, frames_of((*exchange(40), Step("c", "FA", 4011, 1))))
    root = picture(told, fold=False)
    (note,) = [text for text in texts(root) if "left out" in text]
    assert note == "46 rows with 46 segments, #31 to #76, are left out: too many for one picture."
    assert "netanalyze analyze FILE --stream 0 --plot stream.html" in texts(root)
    frames = [int(text[1:]) for text in texts(root) if re.fullmatch(r"#\d+", text)]
    assert frames == [*range(1, 31), *range(77, 87)]
    whole = picture(story(tmp_path, frames_of(exchange(17))), fold=False)
    assert not [text for text in texts(whole) if "left out" in text]


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    told = story(tmp_path, frames_of(CLIENT_CLOSES))
    evil = Story(
        msgspec.structs.replace(told.stream, client=HOSTILE, server=HOSTILE, app=HOSTILE, tap=HOSTILE),
        [msgspec.structs.replace(one, events=HOSTILE) for one in told.segments],
        told.transitions,
    )
    for lines in (ladder_svg.draw(evil), state_paths.as_svg(evil)):
        text = "\n".join(lines)
        root = parsed([text])
        assert "<script" not in text
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
        assert any(
            "<script>alert(1)</script>&\"']]>\\x00\\x1b[2J\\ud800\\u202e" in one for one in texts(root)
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.one_of(ANYTHING, PLAUSIBLE))
def test_anything_can_be_drawn(tmp_path: Path, steps: list[Step]) -> None:
    frames = frames_of(steps)
    if not frames:
        return
    told = story(tmp_path, frames)
    assert picture(told)
    assert parsed(state_paths.as_svg(told))


# The state diagram.


def links(root: ET.Element) -> dict[tuple[str, str, str], list[str]]:
    """The arrows, with the classes that they are drawn in."""
    found = {}
    for group in root.iter(f"{SPACE}g"):
        if group.get("data-from"):
            key = (group.get("data-from") or "", group.get("data-event") or "", group.get("data-to") or "")
            assert key not in found or not key[1]
            found[key] = [path.get("class") or "" for path in group.iter(f"{SPACE}path")]
    return found


def states_in(root: ET.Element) -> dict[str, ET.Element]:
    groups = [one for one in root.iter(f"{SPACE}g") if (one.get("id") or "").startswith("state-")]
    return {(one.get("id") or "").removeprefix("state-"): one for one in groups}


def test_every_state_and_every_arrow_of_the_table_is_drawn() -> None:
    root = parsed(state_svg.draw("all of it"))
    assert set(states_in(root)) == {state.name for state in State if state}
    expected = [(arrow.state.name, arrow.event.name, arrow.to.name) for arrow in ARROWS if arrow.drawn]
    silent = [(arrow.state.name, "", arrow.to.name) for arrow in SILENT]
    assert list(links(root)) == [*expected, *silent]
    assert {kind for kinds in links(root).values() for kind in kinds} == {"arrow", "arrow silent"}
    assert {arrow.event.label for arrow in ARROWS if arrow.drawn} <= set(texts(root))
    assert {arrow.call for arrow in SILENT} <= set(texts(root))


def test_every_arrow_can_be_taken() -> None:
    for number, arrow in enumerate(ARROWS):
        moves = (state_svg.Taken(arrow.state, arrow.event, arrow.to, number, assumed=False),)
        root = parsed(state_svg.draw("one", [state_svg.Path("c", "client", moves)]))
        assert links(root)[arrow.state.name, arrow.event.name, arrow.to.name] == ["client"]
        assert f"client 1, #{number}" in texts(root)
        for path in root.iter(f"{SPACE}path"):
            for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d") or ""):
                assert 0 <= float(x) <= WIDTH
                assert -60 <= float(y) <= 1_000


def test_boxes_do_not_overlap() -> None:
    for state, (x, y) in PLACES.items():
        for other, (x2, y2) in PLACES.items():
            assert state is other or abs(x - x2) > 140 or abs(y - y2) > 60


def test_an_arrow_that_there_is_not() -> None:
    wrong = state_svg.Taken(State.CLOSED, Event.RCV_FIN, State.CLOSED, 1, assumed=False)
    with pytest.raises(KeyError):
        list(state_svg.draw("none", [state_svg.Path("c", "client", (wrong,))]))


@pytest.mark.parametrize("name", STORIES)
def test_the_paths_of_both_ends_are_highlighted(tmp_path: Path, name: str) -> None:
    told = story(tmp_path, frames_of(STORIES[name].steps))
    root = parsed(state_paths.as_svg(told))
    words = texts(root)
    for end in ("client", "server"):
        moves = [move for move in told.transitions if move.endpoint == end]
        drawn_by_it = {key for key, kinds in links(root).items() if end in kinds}
        assert {(key[0], key[2]) for key in drawn_by_it} == {
            ((move.from_state or "UNSEEN").replace("-", "_"), move.to_state.replace("-", "_"))
            for move in moves
        }
        boxes = {
            state
            for state, group in states_in(root).items()
            if end in [rect.get("class") for rect in group.iter(f"{SPACE}rect")]
        }
        assert boxes == {state for key in drawn_by_it for state in (key[0], key[2])}
        orders = " ".join(word for word in words if word.startswith(f"{end} "))
        for number, move in enumerate(moves, 1):
            frame = f", #{move.frame}" if move.frame is not None else ""
            assert f"{number}{frame}{'?' if move.assumed else ''}" in orders
        assert any(word.startswith(f"{end} 10.9.0.") for word in words)


# The command.


def told_by(*arguments: str) -> Any:  # noqa: ANN401
    return run(str(CAPTURES / "closing-lost.pcap"), "0", *arguments)


def test_the_ladder_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "ladder.svg"
    result = told_by("--svg", str(out))
    assert (result.exit_code, result.output) == (0, "")
    root = ET.parse(out).getroot()  # noqa: S314 - our own
    assert "stream 0: 10.44.0.2:52856 to 10.44.0.1:9161, 12 segments, 440 ms" in texts(root)
    assert told_by("--svg", "-").stdout == out.read_text(encoding="utf-8")


def test_the_state_diagram_goes_where_that_of_mermaid_goes(tmp_path: Path) -> None:
    out = tmp_path / "states.svg"
    result = told_by("--diagram", "svg", "-o", str(out))
    assert (result.exit_code, result.output) == (0, "")
    assert told_by("--diagram", "svg").stdout == out.read_text(encoding="utf-8")
    root = ET.parse(out).getroot()  # noqa: S314 - our own
    assert "server 5, #14" in texts(root)


@pytest.mark.parametrize(
    "more", [("--format", "json"), ("--diagram", "svg"), ("--output", "x.txt")], ids=lambda more: more[0]
)
def test_one_output_at_a_time(tmp_path: Path, more: tuple[str, str]) -> None:
    path = tmp_path / "ladder.svg"
    result = told_by("--svg", str(path), *more)
    assert (result.exit_code, result.output) == (
        2,
        f"netanalyze: --svg {path} and {more[0]} exclude each other\n",
    )
    assert not path.exists()


def test_labels_as_wireshark_has_them() -> None:
    capture = str(CAPTURES / "zero-window.pcap")
    ours, theirs = run(capture, "0").output, run(capture, "0", "--compat", "wireshark").output
    assert "zero_window_probe" in ours
    assert "keep_alive" not in ours
    assert "keep_alive" in theirs
    result = run(capture, "0", "--compat", "tcptrace")
    assert (result.exit_code, result.output) == (
        2,
        "netanalyze: no program 'tcptrace'; there are: wireshark\n",
    )
