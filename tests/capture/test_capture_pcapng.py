"""pcapng files, whole and damaged."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from crafted import (
    SECOND,
    START,
    Frame,
    block,
    enhanced,
    frames,
    interface,
    obsolete,
    option,
    pcapng,
    read,
    read_all,
    resolution,
    section,
    simple,
    small_buffers,
    statistics,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netanalyze.capture import open_capture
from netanalyze.capture import pcapng as reader_module
from netanalyze.errors import DamagedCaptureError, UnknownFormatError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("kernels")

ANY_CONTEXT = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
LIMIT_NS = (1 << 63) - 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("code", "unit_ns"), [(None, 1000), (6, 1000), (9, 1), (3, 1_000_000), (0, SECOND), (0x80 | 0, SECOND)]
)
def test_byte_orders_and_resolutions_read_alike(
    tmp_path: Path, order: str, code: int | None, unit_ns: int
) -> None:
    made = frames(50, step_ns=SECOND)
    options = b"" if code is None else resolution(code, order)
    content = section(order) + interface(order, options=options)
    content += b"".join(enhanced(frame, order, unit_ns) for frame in made)
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == made
    info = capture.files[0]
    assert (info.format, info.frames, info.link_types, info.snap_length) == ("pcapng", 50, [1], None)
    assert (info.first_ns, info.last_ns) == (made[0].time_ns, made[-1].time_ns)
    assert (info.cut_short, capture.warnings) == ("", [])


def exact_ns(units: int, code: int, offset_seconds: int) -> int:
    """What a time is, without rounding errors; units of a nanosecond and longer are signed."""
    if code <= 9 and units >= 1 << 63:
        units -= 1 << 64
    second = Fraction(1, 2 ** (code & 0x7F) if code & 0x80 else 10**code)
    time = max(-LIMIT_NS, min(LIMIT_NS, units * second * SECOND // 1))
    offset = max(-LIMIT_NS, min(LIMIT_NS, offset_seconds * SECOND))
    return int(max(-LIMIT_NS, min(LIMIT_NS, time + offset)))


@ANY_CONTEXT
@given(
    st.one_of(st.integers(0, (1 << 64) - 1), st.integers(0, 64).map(lambda n: (1 << n) - (n > 0))),
    st.integers(0, 255),
    st.one_of(
        st.just(0), st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-10_000_000_000, 10_000_000_000)
    ),
)
def test_times_are_exact_or_clamped(tmp_path: Path, units: int, code: int, offset_seconds: int) -> None:
    options = resolution(code) + option(14, struct.pack("<q", offset_seconds))
    content = section() + interface(options=options) + enhanced(Frame(0, b"abc", 3), units=units)
    (frame,) = read(write(tmp_path, "a", content))
    assert frame.time_ns == exact_ns(units, code, offset_seconds)


def test_sections_of_both_orders_and_several_interfaces(tmp_path: Path) -> None:
    made = frames(8)
    expected = []
    content = b""
    for order, version, length in (("<", (1, 0), -1), (">", (1, 2), 4096), ("<", (1, 0), 0)):
        content += section(order, version, length, options=option(3, b"Linux", order))
        content += interface(order, 1, 1514, option(2, b"eth0", order) + option(3, b"first", order))
        content += interface(order, 101, 96, option(2, b"tun0", order) + resolution(9, order))
        content += interface(order, 113, 0, option(11, b"\0tcp port 80", order) + option(13, b"\4", order))
        for at, frame in enumerate(made):
            number = at % 3
            content += enhanced(frame, order, 1 if number == 1 else 1000, number=number)
            expected.append(replace(frame, link_type=(1, 101, 113)[number]))
    path = write(tmp_path, "a", content)
    found, capture = read_all(path)
    assert found == expected
    info = capture.files[0]
    assert (info.link_types, info.snap_length, info.interfaces) == ([1, 101, 113], 1514, 3)
    described = [(i.file, i.name, i.description, i.link_type, i.snap_length) for i in capture.interfaces]
    assert described == [
        (str(path), "eth0", "first", 1, 1514),
        (str(path), "tun0", "", 101, 96),
        (str(path), "", "", 113, None),
    ]
    assert (capture.interfaces[2].filter, capture.interfaces[2].fcs_bytes) == ("tcp port 80", 4)


def test_interfaces_are_numbered_over_the_capture(tmp_path: Path) -> None:
    content = section() + interface() + interface(link_type=101) + enhanced(frames(1)[0], number=1)
    content += section() + interface(link_type=113) + enhanced(frames(1)[0])
    with open_capture([write(tmp_path, "a", content)]) as capture:
        numbers = [batch.views["interface"][at] for batch in capture for at in range(batch.count)]
    assert numbers == [1, 2]
    assert [found.link_type for found in capture.interfaces] == [1, 101, 113]


@pytest.mark.parametrize("order", "<>")
def test_every_block_that_holds_a_packet(tmp_path: Path, order: str) -> None:
    first, second, third = frames(3)
    content = section(order) + interface(order, snap=30)
    content += simple(replace(first, data=first.data[:30]), order)  # before any time is known
    content += (
        obsolete(second, order) + simple(replace(first, data=first.data[:30]), order) + enhanced(third, order)
    )
    found = read(write(tmp_path, "a", content))
    cut = Frame(second.time_ns, first.data[:30], first.wire)
    assert found == [cut, second, cut, third]


def test_simple_frames_without_any_time(tmp_path: Path) -> None:
    made = [Frame(0, b"abcdefg", 7), Frame(0, b"xyz", 3)]
    found, capture = read_all(
        write(tmp_path, "a", section() + interface() + simple(made[0]) + simple(made[1]))
    )
    assert found == made
    assert (capture.files[0].first_ns, capture.files[0].last_ns) == (None, None)


def test_blocks_that_are_no_frames_are_stepped_over(tmp_path: Path) -> None:
    made = frames(4)
    others = [
        block(4, b"\1\0\7\0\x7f\0\0\1hi\0\0\0\0\0"),  # name resolution
        block(10, struct.pack("<II", 0x544C534B, 5) + b"a key"),  # decryption secrets
        block(0x204, bytes(40)),
        block(0x7777, b"unknown"),
    ]
    content = section() + others[0] + interface() + others[1]
    for frame, other in zip(made, others, strict=True):
        content += other + enhanced(frame, options=option(1, b"a comment") + option(0, b""))
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == made
    assert capture.warnings == []


def test_records_that_wireshark_numbers_are_frames_without_link_type(tmp_path: Path) -> None:
    (made,) = frames(1)
    content = section() + block(0xBAD, struct.pack("<I", 32473) + b"custom..") + interface() + enhanced(made)
    content += block(0x40000BAD, struct.pack("<I", 32473) + b"more") + block(9, b"MESSAGE=journal\n")
    found, capture = read_all(write(tmp_path, "a", content))
    assert [(frame.data, frame.link_type) for frame in found] == [
        (b"custom..", -1),
        (made.data, 1),
        (b"more", -1),
        (b"MESSAGE=journal\n", -1),
    ]
    assert found[2].time_ns == made.time_ns
    assert capture.files[0].first_ns == made.time_ns


def test_statistics_are_those_of_each_section_added_up(tmp_path: Path) -> None:
    content = b""
    for _ in range(2):
        content += section() + interface() + interface(link_type=101)
        content += statistics(0, received=50, interface=1) + statistics(
            0, received=100, interface=2, system=3
        )
        content += (
            statistics(1, received=7) + statistics(1, received=(1 << 64) - 1) + statistics(9, received=5)
        )
    _, capture = read_all(write(tmp_path, "a", content))
    counts = [
        (i.received, i.dropped_by_interface, i.dropped_by_system, i.dropped) for i in capture.interfaces
    ]
    assert counts == [(200, 4, 6, 10), (14, None, None, None)]
    assert (capture.files[0].received, capture.files[0].dropped) == (214, 10)
    _, capture = read_all(write(tmp_path, "b", pcapng(frames(1))))
    assert (capture.files[0].received, capture.files[0].dropped) == (None, None)


def test_small_buffers_give_the_same_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = frames(200)
    path = write(tmp_path, "a", pcapng(made))
    for buffer_bytes, batch_frames in ((64, 1), (100, 3), (1000, 7), (5000, 4096)):
        small_buffers(monkeypatch, buffer_bytes, batch_frames)
        assert read(path) == made


@pytest.mark.parametrize("order", "<>")
def test_cut_at_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    small_buffers(monkeypatch)
    made = frames(3)
    content = pcapng(made, order)
    blocks = [0, len(section(order)), *(len(pcapng(made[:count], order)) for count in range(4))]
    for length in range(4, len(content)):
        path = write(tmp_path, "a", content[:length])
        if length < 28:
            with pytest.raises(DamagedCaptureError, match="header"):
                read(path)
            continue
        found, capture = read_all(path)
        assert found == made[: max(0, sum(length >= end for end in blocks) - 3)]
        assert (capture.files[0].cut_short == "") == (length in blocks)
        assert len(capture.warnings) == (length not in blocks)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("field", "value"),
    [(0, 0x12345678), (4, 0xFFFFFFFF), (4, 0), (4, 8), (4, 5_000_000), (8, 1), (20, 0xFFFFFFF0), (20, 5000)],
)
def test_blocks_after_a_damaged_one_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: int, value: int, order: str
) -> None:
    made = frames(20)
    at = len(pcapng(made[:5], order))
    content = bytearray(pcapng(made, order))
    content[at + field : at + field + 4] = struct.pack(order + "I", value)
    path = write(tmp_path, "a", bytes(content))
    for _ in range(2):
        found, capture = read_all(path)
        assert found == made[:5] + made[6:]
        if field:  # a block of unknown kind is no damage
            skipped = len(enhanced(made[5]))
            assert capture.files[0].cut_short == f"damaged at byte {at}: {skipped} bytes skipped"
        small_buffers(monkeypatch)


def test_careless_lengths_are_forgiven(tmp_path: Path) -> None:
    made = frames(9)
    content = section() + interface()
    for number, frame in enumerate(made):
        whole = enhanced(frame)
        if number % 3 == 0:  # a wrong length at the end
            content += whole[:-4] + struct.pack("<I", 77)
        elif number % 3 == 1:  # lengths that leave the padding out
            unpadded = struct.pack("<I", 32 + len(frame.data))
            content += whole[:4] + unpadded + whole[8:-4] + unpadded
        else:  # no padding at all
            body = whole[8 : 28 + len(frame.data)]
            length = struct.pack("<I", 12 + len(body))
            content += whole[:4] + length + body + length
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == made
    assert capture.warnings == []


def test_damage_may_move_blocks_off_their_alignment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = frames(20)
    for lost in range(1, 8):
        content = pcapng(made[:10]) + enhanced(made[10])[lost:] + b"".join(map(enhanced, made[11:]))
        path = write(tmp_path, "a", content)
        assert read(path) == made[:10] + made[11:]
    small_buffers(monkeypatch)
    assert read(path) == made[:10] + made[11:]


def test_a_later_section_of_unknown_version_is_skipped(tmp_path: Path) -> None:
    made = frames(3)
    unknown = section(version=(2, 0)) + interface() + enhanced(made[0])
    content = pcapng(made[:1]) + unknown + pcapng(made[1:], ">")
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == made
    assert "version 2.0" in capture.files[0].cut_short
    assert capture.files[0].skipped_bytes == len(unknown)


def test_headers_that_are_refused(tmp_path: Path) -> None:
    for version in ((1, 1), (2, 0)):
        with pytest.raises(UnknownFormatError, match=rf"{version[0]}\.{version[1]}"):
            read(write(tmp_path, "a", section(version=version)))
    with pytest.raises(DamagedCaptureError, match="byte-order"):
        read(write(tmp_path, "b", b"\n\r\r\n" + bytes(40)))


def test_a_damaged_section_header_does_not_hide_the_frames(tmp_path: Path) -> None:
    made = frames(5)
    for place, value in ((4, 0xFFFFFFF0), (4, 4), (24, 99)):
        content = bytearray(pcapng(made))
        content[place : place + 4] = struct.pack("<I", value)
        found, capture = read_all(write(tmp_path, "a", bytes(content)))
        assert found == made
        assert "damaged at byte 0" in capture.files[0].cut_short


def test_interfaces_and_options_beyond_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_INTERFACES", 5)
    (made,) = frames(1)
    many = interface(options=option(1, b"") * 1000 + option(2, b"late"))
    broken = interface(options=struct.pack("<HH", 2, 60_000) + b"eth0")
    content = (
        section() + many + broken + interface() * 9 + enhanced(made, number=4) + enhanced(made, number=5)
    )
    content += enhanced(made)
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == [made, made]
    assert [found.name for found in capture.interfaces] == [""] * 5
    assert any("interfaces" in warning for warning in capture.warnings)
    assert capture.files[0].skipped_bytes == len(enhanced(made))


def test_too_many_different_interfaces_over_all_sections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ones already known go on to be understood."""
    monkeypatch.setattr(reader_module, "MAX_INTERFACES", 2)
    (made,) = frames(1)
    known, other, third = (interface(options=option(2, name)) for name in (b"eth0", b"eth1", b"eth2"))
    content = section() + known + enhanced(made) + section() + other + enhanced(made)
    content += section() + third + known + enhanced(made) + section() + known + other + enhanced(made)
    found, capture = read_all(write(tmp_path, "a", content))
    assert found == [made] * 3
    assert [found.name for found in capture.interfaces] == ["eth0", "eth1"]


def test_frames_without_an_interface_are_damage(tmp_path: Path) -> None:
    made = frames(3)
    found, capture = read_all(
        write(tmp_path, "a", section() + b"".join(map(enhanced, made)) + simple(made[0]))
    )
    assert found == []
    assert "nothing readable follows" in capture.files[0].cut_short


def test_large_blocks(tmp_path: Path) -> None:
    made = [Frame(START * SECOND, bytes(range(250)) * 12_000, 3_000_000), *frames(2)]
    content = section() + interface() + block(0x7777, bytes(2_000_000)) + b"".join(map(enhanced, made))
    assert read(write(tmp_path, "a", content)) == made
    too_large = struct.pack("<II", 0x7777, 1 << 30)
    found, capture = read_all(write(tmp_path, "b", pcapng(made[1:2]) + too_large + enhanced(made[2])))
    assert found == made[1:]
    assert capture.files[0].skipped_bytes == 8


@ANY_CONTEXT
@given(st.binary(max_size=300), st.sampled_from("<>"))
def test_random_bytes_after_a_header(tmp_path: Path, content: bytes, order: str) -> None:
    found, capture = read_all(write(tmp_path, "a", section(order) + interface(order) + content))
    assert capture.files[0].frames == len(found)


@ANY_CONTEXT
@given(st.data())
def test_random_blocks_after_a_header(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes that are blocks at first sight come further than random ones."""
    kinds = st.sampled_from([1, 2, 3, 4, 5, 6, 9, 10, 0xBAD, 0x0A0D0D0A, 0x7777])
    content = section() + interface()
    for kind, body, spoilt in data.draw(
        st.lists(st.tuples(kinds, st.binary(max_size=60), st.integers(0, 40)))
    ):
        made = bytearray(block(kind, body))
        if spoilt < len(made):
            made[spoilt] ^= 0x41
        content += bytes(made)
    found, capture = read_all(write(tmp_path, "a", content))
    assert capture.files[0].frames == len(found)


@ANY_CONTEXT
@given(st.data())
def test_random_damage_loses_only_its_neighbourhood(tmp_path: Path, data: st.DataObject) -> None:
    made = frames(20)
    header = len(pcapng([]))
    content = bytearray(pcapng(made))
    place = data.draw(st.integers(header, len(content) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=40))
    content[place : place + len(damage)] = damage[: len(content) - place]
    found = read(write(tmp_path, "a", bytes(content)))
    ends = [len(pcapng(made[:count])) for count in range(21)]
    before = sum(end <= place for end in ends[1:])
    assert found[:before] == made[:before]
    after = sum(end >= place + len(damage) for end in ends[:-1])
    if after > 2:
        assert found[-after + 1 :] == made[-after + 1 :]
