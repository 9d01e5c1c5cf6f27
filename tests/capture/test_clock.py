"""Times that go back."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from netanalyze.capture import open_capture

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, *seconds: float) -> Path:
    """A pcap file of frames at these times."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    frames = [
        struct.pack("<IIII", int(second), round(second % 1 * 10**6), 60, 60) + bytes(60) for second in seconds
    ]
    path.write_bytes(head + b"".join(frames))
    return path


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ((100, 101, 102), (0, 0, 0)),
        ((100, 99.5, 102), (0, 0, 0)),  # interfaces that are read in turn
        ((100, 90, 102, 50.5), (2, 51_500_000_000, 2)),
        ((100, 0, 101), (0, 0, 0)),  # a frame without a time
        ((), (0, 0, 0)),
    ],
)
def test_steps_of_the_clock(tmp_path: Path, seconds: tuple[float, ...], found: tuple[int, int, int]) -> None:
    with open_capture([str(written(tmp_path / "a.pcap", *seconds))]) as capture:
        for _ in capture:
            pass
        info = capture.files[0]
    assert (info.clock_steps, info.clock_step_ns, info.clock_step_frame) == found


def test_steps_between_batches(tmp_path: Path) -> None:
    times = [1000.0 + number for number in range(4096)] + [500.0]
    with open_capture([str(written(tmp_path / "a.pcap", *times))]) as capture:
        for _ in capture:
            pass
        assert capture.files[0].clock_step_frame == 4097
