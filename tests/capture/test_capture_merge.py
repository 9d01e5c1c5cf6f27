"""Several files as one capture, in time order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from crafted import (
    SECOND,
    START,
    Frame,
    enhanced,
    frames,
    interface,
    pcap,
    pcap_header,
    pcapng,
    read,
    read_all,
    section,
    small_buffers,
    snoop,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netanalyze.capture import merge, open_capture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("kernels")

MICROSECOND = 1000


def oracle(files: list[list[Frame]]) -> list[Frame]:
    """What a merge gives: of the files' next frames the earliest, of equal ones the earlier file's."""
    lanes = sorted((list(made) for made in files if made), key=lambda made: made[0].time_ns)
    merged = []
    while lanes:
        lane = min(lanes, key=lambda lane: lane[0].time_ns)
        merged.append(lane.pop(0))
        lanes = [left for left in lanes if left]
    return merged


def at(times_us: list[int], tag: int) -> list[Frame]:
    """Frames at these microseconds that show which file they are from."""
    return [
        Frame(START * SECOND + time * MICROSECOND, bytes([tag, number & 0xFF, 7]) * (20 + number % 5), 200)
        for number, time in enumerate(times_us)
    ]


def test_files_one_after_the_other_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given in any order; and no frame is copied."""

    def never(*_: object) -> int:
        message = "a frame was copied"
        raise AssertionError(message)

    monkeypatch.setattr(merge.kernel, "order", never)
    made = frames(6000)
    parts = [write(tmp_path, f"{n}", pcap(made[n * 1000 : n * 1000 + 1000])) for n in range(6)]
    random.Random(3).shuffle(parts)
    found, capture = read_all(*parts)
    assert found == made
    assert [info.frames for info in capture.files] == [1000] * 6
    times = [info.first_ns for info in capture.files]
    assert times == sorted(time for time in times if time is not None)


@pytest.mark.parametrize("buffers", [(1 << 20, 4096), (500, 3)])
def test_interleaved_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffers: tuple[int, int]) -> None:
    made = frames(2000)
    choice = random.Random(4)
    lanes: list[list[Frame]] = [[], [], []]
    for frame in made:
        choice.choice(lanes).append(frame)
    contents = [pcap(lanes[0]), pcapng(lanes[1], ">"), snoop(lanes[2])]
    paths = [write(tmp_path, str(number), content) for number, content in enumerate(contents)]
    small_buffers(monkeypatch, *buffers)
    for name in ("BUFFER_BYTES", "MIN_BUFFER_BYTES"):
        monkeypatch.setattr(merge, name, buffers[0])
    for name in ("BATCH_FRAMES", "MIN_BATCH_FRAMES"):
        monkeypatch.setattr(merge, name, buffers[1])
    found, capture = read_all(*paths)
    assert found == made
    assert sorted(info.frames for info in capture.files) == sorted(map(len, lanes))
    assert capture.total_bytes == capture.position_bytes == sum(map(len, contents))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=2, max_size=5),
    st.booleans(),
    st.integers(1, 6),
)
def test_any_files_merge_as_mergecap_does(
    tmp_path: Path,
    times: list[list[int]],
    ordered: bool,  # noqa: FBT001 - drawn
    batch_frames: int,
) -> None:
    """Equal times, times that go backwards within a file, files without frames."""
    files = [at(sorted(one) if ordered else one, tag) for tag, one in enumerate(times)]
    paths = [write(tmp_path, str(number), pcap(made)) for number, made in enumerate(files)]
    with pytest.MonkeyPatch.context() as patch:
        small_buffers(patch, 100, batch_frames)
        patch.setattr(merge, "BATCH_FRAMES", batch_frames)
        patch.setattr(merge, "MIN_BATCH_FRAMES", 1)
        found = read(*paths)
    assert found == oracle(files)


def test_overlap_at_the_ends_only(tmp_path: Path) -> None:
    files = [at(list(range(n * 90, n * 90 + 100)), n) for n in range(5)]
    paths = [write(tmp_path, str(number), pcap(made)) for number, made in enumerate(files)]
    assert read(*reversed(paths)) == oracle(files)


def test_interfaces_of_several_files(tmp_path: Path) -> None:
    first = write(tmp_path, "first", pcap_header(network=101) + pcap(at([5, 7], 1))[24:])
    second = write(
        tmp_path,
        "second",
        section()
        + interface(link_type=1)
        + interface(link_type=113)
        + b"".join(enhanced(frame, number=1) for frame in at([6, 8], 2)),
    )
    with open_capture([second, first]) as capture:
        seen = []
        for batch in capture:
            for row in range(batch.count):
                interface_of = capture.interfaces[batch.views["interface"][row]]
                seen.append((interface_of.file, interface_of.link_type, batch.views["link_type"][row]))
    assert seen == [(str(first), 101, 101), (str(second), 113, 113)] * 2
    assert [info.file for info in capture.files] == [str(first), str(second)]


def test_a_frame_larger_than_the_buffer_of_a_merged_batch(tmp_path: Path) -> None:
    large = [Frame(START * SECOND + n * SECOND, bytes([n]) * 1_500_000, 1_500_000) for n in range(3)]
    small = at([500_000 + n * 1_000_000 for n in range(3)], 9)
    paths = [write(tmp_path, "large", pcap(large)), write(tmp_path, "small", pcap(small))]
    assert read(*paths) == oracle([large, small])


def test_files_without_frames_are_read_too(tmp_path: Path) -> None:
    paths = [write(tmp_path, str(n), pcap([])) for n in range(2)]
    made = at([1, 2], 1)
    found, capture = read_all(paths[0], write(tmp_path, "a", pcap(made)), paths[1])
    assert found == made
    assert [info.frames for info in capture.files] == [2, 0, 0]
    assert [info.format for info in capture.files] == ["pcap"] * 3


def test_damage_in_one_of_several_files_is_told_once(tmp_path: Path) -> None:
    made = frames(20)
    cut = write(tmp_path, "cut", pcap(made[:10])[:-5])
    found, capture = read_all(cut, write(tmp_path, "whole", pcap(made[10:])))
    assert found == made[:9] + made[10:]
    assert len(capture.warnings) == 1
    assert str(cut) in capture.warnings[0]


def test_a_file_that_vanishes_before_its_turn(tmp_path: Path) -> None:
    made = frames(20)
    paths = [write(tmp_path, "a", pcap(made[:10])), write(tmp_path, "b", pcap(made[10:]))]
    with open_capture(paths) as capture:
        paths[1].unlink()
        assert sum(batch.count for batch in capture) == 10
    assert "could not be opened" in capture.files[1].cut_short
    assert "no such file" in capture.warnings[0]


def test_hundreds_of_interleaved_files(tmp_path: Path) -> None:
    files = [at(list(range(n, 3000, 150)), n % 250) for n in range(150)]
    paths = [write(tmp_path, str(number), pcap(made)) for number, made in enumerate(files)]
    found = read(*paths)
    assert [frame.time_ns for frame in found] == sorted(frame.time_ns for made in files for frame in made)
    assert found == oracle(files)
