"""What is written while capturing can be read again, by us and by others, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crafted import from_source

from netanalyze.capture import open_capture, writer, writer_kernel
from netanalyze.capture.batch import Batch
from netanalyze.capture.info import Interface
from netanalyze.capture.writer import Recorder, Recording
from netanalyze.errors import NetanalyzeError, PermissionDeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.capture.info import FileInfo

INTERPRETED = from_source(writer_kernel)
START_NS = 1_700_000_000_000_000_001
ETH0 = Interface("live", 1, name="eth0", filter="tcp port 80", snap_length=262_144)
TUN0 = Interface("live", 101, name="tun0", snap_length=262_144)


@pytest.fixture(params=["installed", "interpreted"], autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "interpreted":
            if (writer_kernel.__file__ or "").endswith(".py"):
                pytest.skip("the installed kernel is interpreted already")
            patch.setattr(writer, "writer_kernel", INTERPRETED)
        yield


def batch_of(frames: Sequence[bytes], interfaces: Sequence[int] = (0,), start_ns: int = START_NS) -> Batch:
    batch = Batch(max(1, len(frames)))
    batch.data = memoryview(b"".join(frames))
    at = 0
    for row, frame in enumerate(frames):
        number = interfaces[row % len(interfaces)]
        values = {
            "offset": at,
            "captured_bytes": len(frame),
            "wire_bytes": len(frame) + row,
            "time_ns": start_ns + row,
            "link_type": 1,
            "interface": number,
            "keep": 1,
        }
        for name, value in values.items():
            batch.views[name][row] = value
        at += len(frame)
    batch.count = len(frames)
    return batch


FRAMES = [bytes([length]) * length for length in range(40)]


def rows_of(path: str | Path) -> list[tuple[int, int, int, bytes]]:
    found = []
    with open_capture([path]) as capture:
        for batch in capture:
            for row in range(batch.count):
                start, length = int(batch.arrays["offset"][row]), int(batch.arrays["captured_bytes"][row])
                data = bytes(batch.data[start : start + length])
                values = (int(batch.arrays[name][row]) for name in ("time_ns", "wire_bytes", "interface"))
                found.append((*values, data))
        assert not capture.warnings
    return found


def expected(frames: Sequence[bytes], interfaces: Sequence[int] = (0,)) -> list[tuple[int, int, int, bytes]]:
    return [
        (START_NS + row, len(frame) + row, interfaces[row % len(interfaces)], frame)
        for row, frame in enumerate(frames)
    ]


@pytest.mark.parametrize("suffix", ["pcapng", "pcap"])
def test_what_was_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    recorder = Recorder(Recording(str(path)), [ETH0], lambda: (47, 7))
    recorder.write(batch_of(FRAMES[1:]))
    recorder.close()
    assert rows_of(path) == expected(FRAMES[1:])
    with open_capture([path]) as capture:
        for _ in capture:
            pass
        (info,), (interface,) = capture.files, capture.interfaces
    assert (info.link_types, interface.snap_length) == ([1], 262_144)
    if suffix == "pcapng":
        assert (interface.name, interface.filter) == ("eth0", "tcp port 80")


def test_statistics_of_one_interface(tmp_path: Path) -> None:
    counted = iter([(3, 1), (3, 1), (50, 8)])
    recording = Recording(str(tmp_path / "out.pcapng"), rotate_bytes=1500)
    recorder = Recorder(recording, [ETH0], lambda: next(counted))
    recorder.write(batch_of(FRAMES))
    recorder.close()
    found = [info_of(path) for path in sorted(tmp_path.iterdir())]
    assert [(info.received, info.dropped) for info in found] == [(3, 1), (47, 7)]


def info_of(path: Path) -> FileInfo:
    with open_capture([path]) as capture:
        for _ in capture:
            pass
        return capture.files[0]


def test_interfaces_that_come_later(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    interfaces = [ETH0]
    counted = [(0, 0)]
    recorder = Recorder(Recording(str(path)), interfaces, lambda: counted[0])
    recorder.write(batch_of(FRAMES[:3]))
    interfaces.append(TUN0)
    recorder.write(batch_of(FRAMES[3:9], (1, 0)))
    counted[0] = (11, 2)
    recorder.close()
    assert [row[2] for row in rows_of(path)] == [0, 0, 0, 1, 0, 1, 0, 1, 0]
    with open_capture([path]) as capture:
        for _ in capture:
            pass
        received = [(item.name, item.received, item.dropped) for item in capture.interfaces]
        assert (capture.files[0].received, capture.files[0].dropped) == (11, 2)
    assert received == [("eth0", 8, 2), ("tun0", 3, 0)]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    path.write_bytes(b"precious")
    with pytest.raises(UsageError, match="is there already"):
        Recorder(Recording(str(path)), [ETH0])
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["none/out.pcapng", ".", "nul\0"])
def test_where_no_file_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises((UsageError, PermissionDeniedError), match=r"cannot be written|is there already"):
        Recorder(Recording(str(tmp_path / name)), [ETH0])


def test_a_device_is_written_to() -> None:
    recorder = Recorder(Recording(os.devnull), [ETH0])
    recorder.write(batch_of(FRAMES))
    recorder.close()
    assert recorder.frames == len(FRAMES)


def test_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(NetanalyzeError, match="writing ended after 0 frames: No space left"):
        Recorder(Recording("/dev/full"), [ETH0])
    path = tmp_path / "out.pcapng"
    recorder = Recorder(Recording(str(path)), [ETH0])
    recorder.write(batch_of(FRAMES[:5]))
    whole = path.stat().st_size
    with pytest.MonkeyPatch.context() as patch:
        real = os.write

        def half(descriptor: int, data: memoryview) -> int:
            if len(data) < 200:
                raise OSError(28, "No space left on device")
            return real(descriptor, data[:-100])

        patch.setattr(writer.os, "write", half)
        with pytest.raises(NetanalyzeError, match="writing ended after 5 frames"):
            recorder.write(batch_of(FRAMES[5:]))
    assert recorder.failed
    recorder.write(batch_of(FRAMES))
    recorder.close()
    assert path.stat().st_size == whole
    assert len(rows_of(path)) == 5


def test_a_frame_larger_than_the_buffer(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "PIECE_BYTES", 64)
        recorder = Recorder(Recording(str(path)), [ETH0])
        frames = [b"", b"x" * 33, b"y" * 500, b"z" * 7, b"", b"w" * 499]
        recorder.write(batch_of(frames))
        recorder.close()
    assert rows_of(path) == expected(frames)


@pytest.mark.parametrize("limit", [1, 600, 1000, 4000])
def test_rotation_by_size(tmp_path: Path, limit: int) -> None:
    recorder = Recorder(Recording(str(tmp_path / "out.pcapng"), rotate_bytes=limit), [ETH0], lambda: (0, 0))
    recorder.write(batch_of(FRAMES[:20]))
    recorder.write(batch_of(FRAMES[20:], start_ns=START_NS + 20))
    recorder.close()
    files = sorted(tmp_path.iterdir())
    assert [str(path) for path in files] == recorder.paths
    assert [path.name[:10] for path in files] == [f"out_{n:05}_" for n in range(1, len(files) + 1)]
    assert [row[3] for path in files for row in rows_of(path)] == FRAMES
    # Statistics, at the end, come on top.
    assert all(path.stat().st_size <= limit + 150 or len(rows_of(path)) == 1 for path in files)
    assert len(files) > {1: 39, 600: 5, 1000: 2, 4000: 0}[limit]


def test_only_the_latest_files_stay(tmp_path: Path) -> None:
    recording = Recording(str(tmp_path / "out.pcapng"), rotate_bytes=600, files=2)
    recorder = Recorder(recording, [ETH0])
    recorder.write(batch_of(FRAMES))
    recorder.close()
    files = sorted(tmp_path.iterdir())
    assert [str(path) for path in files] == recorder.paths
    assert len(files) == 2
    kept = [row[3] for path in files for row in rows_of(path)]
    assert kept == FRAMES[-len(kept) :]


def test_rotation_by_time(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        now = [0]
        patch.setattr(writer.time, "monotonic_ns", lambda: now[0])
        recorder = Recorder(Recording(str(tmp_path / "out.pcapng"), rotate_ns=10), [ETH0])
        for seconds in (0, 9, 10, 11, 40):
            now[0] = seconds
            recorder.write(batch_of(FRAMES[:1]))
        recorder.close()
    assert [len(rows_of(path)) for path in sorted(tmp_path.iterdir())] == [2, 2, 1]


def test_every_write_ends_with_a_whole_block(tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "PIECE_BYTES", 256)
        real, sizes = os.write, []

        def noted(descriptor: int, data: memoryview) -> int:
            sizes.append(len(data))
            return real(descriptor, data)

        patch.setattr(writer.os, "write", noted)
        recorder = Recorder(Recording(str(path)), [ETH0])
        recorder.write(batch_of(FRAMES))
    content, cut = path.read_bytes(), tmp_path / "cut.pcapng"
    end, before = 0, 0
    for size in sizes:
        end += size
        cut.write_bytes(content[:end])
        count = len(rows_of(cut))
        assert count >= before
        before = count
    assert before == len(FRAMES)
    recorder.close()


def test_pcap_has_one_link_type(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    interfaces = [ETH0]
    recorder = Recorder(Recording(str(path)), interfaces)
    recorder.write(batch_of(FRAMES[:2]))
    interfaces.append(TUN0)
    with pytest.raises(NetanalyzeError, match="one link type only"):
        recorder.write(batch_of(FRAMES[2:4], (1,)))
    assert len(rows_of(path)) == 2


def test_wireshark_reads_it(tmp_path: Path) -> None:
    capinfos = shutil.which("capinfos")
    if capinfos is None:
        pytest.skip("capinfos is not installed")
    path = tmp_path / "out.pcapng"
    recorder = Recorder(Recording(str(path)), [ETH0, TUN0], lambda: (40, 0))
    recorder.write(batch_of(FRAMES, (0, 1)))
    recorder.close()
    shown = subprocess.run([capinfos, path], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert "Number of packets:   40" in shown
    assert "Capture filter = tcp port 80" in shown or "Filter string = tcp port 80" in shown
    assert "Name = tun0" in shown
