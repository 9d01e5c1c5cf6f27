"""pcap and snoop files, whole and damaged."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from crafted import (
    SECOND,
    START,
    Frame,
    frames,
    pcap,
    pcap_header,
    read,
    read_all,
    record,
    small_buffers,
    snoop,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netanalyze.errors import DamagedCaptureError, UnknownFormatError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("kernels")

ANY_CONTEXT = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_byte_orders_and_resolutions_read_alike(tmp_path: Path, order: str, nanoseconds: bool) -> None:  # noqa: FBT001 - a case
    made = frames(50)
    found, capture = read_all(write(tmp_path, "a", pcap(made, order, nanoseconds=nanoseconds)))
    assert found == made
    info = capture.files[0]
    assert info.format == ("pcap (ns)" if nanoseconds else "pcap")
    assert (info.frames, info.link_types, info.snap_length, info.interfaces) == (50, [1], 262_144, 1)
    assert info.captured_bytes == sum(len(frame.data) for frame in made)
    assert info.wire_bytes == sum(frame.wire for frame in made)
    assert (info.first_ns, info.last_ns) == (made[0].time_ns, made[-1].time_ns)
    assert (info.cut_short, info.skipped_bytes, info.compression, info.dropped) == ("", 0, "", None)
    assert capture.warnings == []


def test_nanoseconds_are_exact(tmp_path: Path) -> None:
    made = [
        Frame(START * SECOND + 123_456_789, b"x" * 60, 60),
        Frame((2**32 - 1) * SECOND + 999_999_999, b"y" * 60, 60),
    ]
    assert read(write(tmp_path, "a", pcap(made, nanoseconds=True))) == made


def test_a_header_without_frames_is_a_capture(tmp_path: Path) -> None:
    found, capture = read_all(write(tmp_path, "a", pcap_header()))
    assert found == []
    info = capture.files[0]
    assert (info.frames, info.first_ns, info.last_ns, info.cut_short) == (0, None, None, "")


def test_link_type_and_frame_check_sequence(tmp_path: Path) -> None:
    made = frames(2)
    content = pcap_header(network=0x44000000 | 276) + b"".join(map(record, made))
    found, capture = read_all(write(tmp_path, "a", content))
    assert [frame.link_type for frame in found] == [276, 276]
    assert capture.interfaces[0].fcs_bytes == 8
    assert capture.warnings == []
    _, capture = read_all(write(tmp_path, "b", pcap_header(network=0x00300001) + record(made[0])))
    assert capture.files[0].link_types == [1]
    assert "reserved" in capture.warnings[0]


@pytest.mark.parametrize("version", [(2, 0), (2, 1), (2, 2), (543, 0)])
def test_old_versions_have_the_lengths_the_other_way_round(tmp_path: Path, version: tuple[int, int]) -> None:
    made = frames(10)
    content = pcap_header(version=version) + b"".join(record(frame, swapped=True) for frame in made)
    assert read(write(tmp_path, "a", content)) == made


def test_version_2_3_has_the_lengths_either_way(tmp_path: Path) -> None:
    made = frames(10)
    content = pcap_header(version=(2, 3)) + b"".join(
        record(frame, swapped=number % 2 == 0) for number, frame in enumerate(made)
    )
    assert read(write(tmp_path, "a", content)) == made


@pytest.mark.parametrize("version", [(1, 0), (2, 5), (3, 0), (0, 0)])
def test_unknown_versions_are_refused(tmp_path: Path, version: tuple[int, int]) -> None:
    with pytest.raises(UnknownFormatError, match=rf"version {version[0]}\.{version[1]}"):
        read(write(tmp_path, "a", pcap_header(version=version)))


@pytest.mark.parametrize(
    ("magic", "extra"), [(0xA1B2CD34, 8), (0xA1B2CD34, 12), (0xA1B2C3D4, 8), (0xA1B2C3D4, 4), (0xA1B2C3D4, 0)]
)
@pytest.mark.parametrize("order", "<>")
def test_longer_record_headers_are_recognised(tmp_path: Path, magic: int, extra: int, order: str) -> None:
    made = frames(5)
    content = pcap_header(order, magic) + b"".join(
        record(frame, order, extra=b"\x01" * extra) for frame in made
    )
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == made
    assert capture.files[0].format == ("pcap (modified)" if magic == 0xA1B2CD34 else "pcap")


def test_writers_that_lie_are_believed(tmp_path: Path) -> None:
    """More captured than the snapshot length, than the frame had; microseconds beyond a second."""
    made = [Frame(START * SECOND + number, bytes([number]) * 300, 200) for number in range(5)]
    found, capture = read_all(write(tmp_path, "a", pcap(made, snap=96)))
    assert [frame.data for frame in found] == [frame.data for frame in made]
    assert {frame.wire for frame in found} == {300}
    assert capture.warnings == []
    content = pcap_header() + b"".join(
        struct.pack("<IIII", START, 1_500_000, 4, 4) + b"abcd" for _ in range(3)
    )
    assert [frame.time_ns for frame in read(write(tmp_path, "b", content))] == [
        (START + 1) * SECOND + SECOND // 2
    ] * 3


def test_large_frames_grow_the_buffer(tmp_path: Path) -> None:
    made = [Frame(START * SECOND, bytes(3_000_000), 3_000_000), Frame(START * SECOND, b"after", 5)]
    assert read(write(tmp_path, "a", pcap(made, snap=1 << 23))) == made
    assert read(write(tmp_path, "b", pcap(made))) == made  # the snapshot length is understated


@pytest.mark.parametrize("make", [pcap, snoop])
def test_small_buffers_give_the_same_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object
) -> None:
    assert callable(make)
    made = frames(200)
    path = write(tmp_path, "a", make(made))
    for buffer_bytes, batch_frames in ((64, 1), (100, 3), (1000, 7), (5000, 4096)):
        small_buffers(monkeypatch, buffer_bytes, batch_frames)
        assert read(path) == made


@pytest.mark.parametrize("make", [pcap, snoop])
def test_cut_at_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object) -> None:
    assert callable(make)
    small_buffers(monkeypatch)
    made = frames(4)
    content = make(made)
    header = 24 if make is pcap else 16
    ends = [len(make(made[:count])) for count in range(5)]
    for length in range(1, len(content)):
        path = write(tmp_path, "a", content[:length])
        if length < header:
            with pytest.raises((DamagedCaptureError, UnknownFormatError)):
                read(path)
            continue
        found, capture = read_all(path)
        # snoop pads its records; a frame whose padding alone is missing is whole
        whole = sum(length >= end - (3 if make is snoop else 0) for end in ends[1:])
        if make is pcap:
            assert found == made[:whole]
        else:
            assert found == made[: len(found)]
            assert whole - 1 <= len(found) <= whole
        info = capture.files[0]
        if length in ends:
            assert info.cut_short == ""
        elif make is pcap:
            assert f"frame {whole + 1}" in info.cut_short
            assert f"byte {ends[whole]}" in info.cut_short
            assert info.skipped_bytes == length - ends[whole]
            assert capture.warnings == [f"{path}: {info.cut_short}"]


DAMAGES = {
    "length too large for any frame": struct.pack("<IIII", START, 5, 0xFFFFFFF0, 60),
    "length too large for this file": struct.pack("<IIII", START, 5, 5_000_000, 60),
    "more captured than there was": struct.pack("<IIII", START, 5, 1000, 60),
    "overwritten with zeros": bytes(16),
    "overwritten with text": b"GET / HTTP/1.1\r\n",
    "overwritten with ones": b"\xff" * 16,
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("at", [0, 5, 17])
def test_frames_after_a_damaged_header_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes, at: int, order: str
) -> None:
    made = frames(20)
    content = bytearray(pcap(made, order))
    offset = len(pcap(made[:at], order))
    words = struct.unpack("<IIII", damage)
    content[offset : offset + 16] = damage if b"GET" in damage else struct.pack(order + "IIII", *words)
    path = write(tmp_path, "a", bytes(content))
    for _ in range(2):
        found, capture = read_all(path)
        assert found == made[:at] + made[at + 1 :]
        skipped = 16 + len(made[at].data)
        assert capture.files[0].cut_short == f"damaged at byte {offset}: {skipped} bytes skipped"
        assert capture.files[0].skipped_bytes == skipped
        assert len(capture.warnings) == 1
        small_buffers(monkeypatch)


def test_lost_and_blank_stretches(tmp_path: Path) -> None:
    """Blocks of a disk that were lost, or never written."""
    made = frames(60)
    content = pcap(made)
    starts = [len(pcap(made[:count])) for count in range(61)]
    for first, last in ((10, 20), (0, 3), (57, 60)):
        blank = (
            content[: starts[first] + 3] + bytes(starts[last] - starts[first] - 3) + content[starts[last] :]
        )
        found, capture = read_all(write(tmp_path, "a", blank))
        assert found == made[:first] + made[last:]
        assert "damaged" in capture.files[0].cut_short
    lost = content[: starts[10] + 30] + content[starts[20] + 20 :]
    found = read(write(tmp_path, "b", lost))
    assert found[:10] == made[:10]
    assert found[-38:] == made[22:]


def test_many_damaged_places_give_few_warnings(tmp_path: Path) -> None:
    made = frames(400)
    content = bytearray(pcap(made))
    for number in range(0, 400, 8):
        offset = len(pcap(made[:number]))
        content[offset + 8 : offset + 12] = b"\xff\xff\xff\xff"
    found, capture = read_all(write(tmp_path, "a", bytes(content)))
    assert found == [frame for number, frame in enumerate(made) if number % 8]
    assert len(capture.warnings) == 11
    assert "40 more places" in capture.warnings[-1]
    assert "40 more places" in capture.files[0].cut_short


def test_a_clock_that_is_set_is_no_damage(tmp_path: Path) -> None:
    booted = frames(5, first_ns=100 * SECOND)
    made = [*booted, *frames(5), *booted[:1], *frames(5)]
    found, capture = read_all(write(tmp_path, "a", pcap(made)))
    assert found == made
    assert capture.warnings == []


@pytest.mark.parametrize("make", [pcap, snoop])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_bytes_lost_or_added_inside_a_frame(tmp_path: Path, make: object, nanoseconds: bool) -> None:  # noqa: FBT001 - a case
    """The header that follows is out of place; only the frame with the damage and the next may suffer."""
    assert callable(make)
    kind = {"nanoseconds": nanoseconds} if make is pcap else {}
    made = frames(12)
    content = make(made, **kind)
    inside = len(make(made[:5], **kind)) + 30
    for change in (b"", b"\x01", b"\x01\x02", b"\xff" * 9):
        spoilt = content[:inside] + change + content[inside + (0 if change else 1) :]
        found, capture = read_all(write(tmp_path, "a", spoilt))
        assert found[:5] == made[:5]
        assert found[-5:] == made[-5:]
        assert "damaged" in capture.files[0].cut_short


def test_a_capture_inside_a_cut_frame_is_not_read(tmp_path: Path) -> None:
    """Somebody downloads a capture and is captured; that capture ends inside the download."""
    carried = pcap(frames(30, first_ns=(START - 1_000_000) * SECOND))
    made = [*frames(3), Frame((START + 1) * SECOND, carried, len(carried))]
    found, capture = read_all(write(tmp_path, "a", pcap(made)[:-300]))
    assert found == made[:3]
    assert "ends inside its frame 4" in capture.files[0].cut_short


def test_snoop_counts_drops(tmp_path: Path) -> None:
    made = frames(30)
    found, capture = read_all(write(tmp_path, "a", snoop(made, drops=7)))
    assert found == made
    info = capture.files[0]
    assert (info.format, info.dropped, info.link_types, info.snap_length) == ("snoop", 7, [1], None)
    assert capture.interfaces[0].dropped == 7
    found, capture = read_all(write(tmp_path, "b", snoop(made, link_type=26)))
    assert {frame.link_type for frame in found} == {-1}
    assert "link type 26" in capture.warnings[0]
    broken = bytearray(snoop(made))
    offset = len(snoop(made[:9]))
    broken[offset + 8 : offset + 12] = bytes(4)
    assert read(write(tmp_path, "c", bytes(broken))) == made[:9] + made[10:]
    version = b"snoop\0\0\0" + struct.pack(">II", 3, 4)
    with pytest.raises(UnknownFormatError, match="version 3"):
        read(write(tmp_path, "d", version))


@ANY_CONTEXT
@given(st.binary(max_size=400), st.sampled_from("<>"), st.booleans())
def test_random_bytes_after_a_header(
    tmp_path: Path,
    content: bytes,
    order: str,
    nanoseconds: bool,  # noqa: FBT001 - drawn
) -> None:
    header = pcap_header(order, 0xA1B23C4D if nanoseconds else 0xA1B2C3D4)
    found, capture = read_all(write(tmp_path, "a", header + content))
    info = capture.files[0]
    assert info.frames == len(found)
    assert sum(len(frame.data) + 16 for frame in found) + info.skipped_bytes == len(content)
    assert all(frame.wire >= len(frame.data) for frame in found)
    read(write(tmp_path, "b", snoop([]) + content))


@ANY_CONTEXT
@given(st.data())
def test_random_damage_loses_only_its_neighbourhood(tmp_path: Path, data: st.DataObject) -> None:
    made = frames(30)
    content = bytearray(pcap(made))
    place = data.draw(st.integers(24, len(content) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=40))
    content[place : place + len(damage)] = damage[: len(content) - place]
    found = read(write(tmp_path, "a", bytes(content)))
    before = sum(len(pcap(made[:count])) <= place for count in range(1, 31))
    assert found[:before] == made[:before]
    after = sum(len(pcap(made[:count])) >= place + len(damage) for count in range(31))
    if after > 6:
        assert [replace(frame, wire=0) for frame in found[-1:]] == [replace(made[-1], wire=0)]
