"""Capture files made byte by byte, and reading them back as plain lists."""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netanalyze.capture import files as capture_files
from netanalyze.capture import open_capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    import pytest

    from netanalyze.capture import Capture

SECOND = 1_000_000_000
START = 1_700_000_000


@dataclass(frozen=True)
class Frame:
    """A frame as it should come out."""

    time_ns: int
    data: bytes
    wire: int
    link_type: int = 1


def frames(
    count: int, *, first_ns: int = START * SECOND, step_ns: int = 1_000_000, size: int = 40
) -> list[Frame]:
    """Frames of various lengths whose bytes tell them apart; times in whole microseconds."""
    made = []
    for number in range(count):
        length = size + number * 7 % 23
        data = bytes((number + at * at) & 0xFF for at in range(length))
        made.append(Frame(first_ns + number * step_ns, data, length + (number % 3) * 100))
    return made


# pcap and snoop


def pcap_header(
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    snap: int = 262_144,
    network: int = 1,
) -> bytes:
    return struct.pack(order + "IHHIIII", magic, *version, 0, 0, snap, network)


def record(
    frame: Frame, order: str = "<", unit_ns: int = 1000, extra: bytes = b"", *, swapped: bool = False
) -> bytes:
    seconds, rest = divmod(frame.time_ns, SECOND)
    lengths = (frame.wire, len(frame.data)) if swapped else (len(frame.data), frame.wire)
    return struct.pack(order + "IIII", seconds, rest // unit_ns, *lengths) + extra + frame.data


def pcap(made: Iterable[Frame], order: str = "<", *, nanoseconds: bool = False, snap: int = 262_144) -> bytes:
    magic, unit_ns = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    return pcap_header(order, magic, snap=snap) + b"".join(record(frame, order, unit_ns) for frame in made)


def snoop(made: Iterable[Frame], link_type: int = 4, drops: int = 0) -> bytes:
    parts = [b"snoop\0\0\0", struct.pack(">II", 2, link_type)]
    for frame in made:
        padding = -len(frame.data) % 4
        seconds, rest = divmod(frame.time_ns, SECOND)
        total = 24 + len(frame.data) + padding
        parts.append(struct.pack(">6I", frame.wire, len(frame.data), total, drops, seconds, rest // 1000))
        parts.append(frame.data + bytes(padding))
    return b"".join(parts)


# pcapng


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(
    order: str = "<", version: tuple[int, int] = (1, 0), length: int = -1, options: bytes = b""
) -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, length) + options, order)


def interface(order: str = "<", link_type: int = 1, snap: int = 0, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snap) + options, order)


def resolution(value: int, order: str = "<") -> bytes:
    return option(9, bytes([value]), order)


def enhanced(
    frame: Frame,
    order: str = "<",
    unit_ns: int = 1000,
    *,
    number: int = 0,
    units: int | None = None,
    options: bytes = b"",
) -> bytes:
    ticks = (frame.time_ns // unit_ns if units is None else units) & ((1 << 64) - 1)
    body = struct.pack(order + "5I", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.data), frame.wire)
    return block(6, body + frame.data + bytes(-len(frame.data) % 4) + options, order)


def obsolete(frame: Frame, order: str = "<", number: int = 0) -> bytes:
    ticks = frame.time_ns // 1000
    body = struct.pack(
        order + "HH4I", number, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame.data), frame.wire
    )
    return block(2, body + frame.data, order)


def simple(frame: Frame, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", frame.wire) + frame.data, order)


def statistics(number: int, order: str = "<", **counts: int) -> bytes:
    codes = {"received": 4, "interface": 5, "system": 7}
    options = b"".join(
        option(codes[name], struct.pack(order + "Q", count), order) for name, count in counts.items()
    )
    return block(5, struct.pack(order + "III", number, 0, 0) + options + option(0, b"", order), order)


def pcapng(made: Iterable[Frame], order: str = "<") -> bytes:
    return section(order) + interface(order) + b"".join(enhanced(frame, order) for frame in made)


# Reading


def rows(capture: Capture) -> list[Frame]:
    """All frames of a capture, copied; checks that they are numbered without a gap."""
    found: list[Frame] = []
    for batch in capture:
        assert batch.count > 0
        assert batch.first_frame == len(found) + 1
        view = batch.views
        for at in range(batch.count):
            start, length = view["offset"][at], view["captured_bytes"][at]
            assert view["keep"][at] == 1
            data = batch.data[start : start + length].tobytes()
            assert len(data) == length
            found.append(Frame(view["time_ns"][at], data, view["wire_bytes"][at], view["link_type"][at]))
    return found


def read(*paths: Path) -> list[Frame]:
    """The frames of capture files, read as one capture."""
    with open_capture(paths) as capture:
        return rows(capture)


def read_all(*paths: Path) -> tuple[list[Frame], Capture]:
    """The frames, and the capture for what else it says."""
    with open_capture(paths) as capture:
        return rows(capture), capture


def small_buffers(patch: pytest.MonkeyPatch, buffer_bytes: int = 64, batch_frames: int = 3) -> None:
    """Make every boundary of buffer and batch come often."""
    for name in ("BUFFER_BYTES", "PROBE_BYTES"):
        patch.setattr(capture_files, name, buffer_bytes)
    patch.setattr(capture_files, "BATCH_FRAMES", batch_frames)


def write(folder: Path, name: str, content: bytes | Sequence[bytes]) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else b"".join(content))
    return path


# Kernels


def from_source(kernel: ModuleType) -> ModuleType:
    """The same kernel, interpreted."""
    source = Path(kernel.__file__ or "").parent / f"{kernel.__name__.rpartition('.')[2]}.py"
    spec = importlib.util.spec_from_file_location(f"interpreted_{source.stem}", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
