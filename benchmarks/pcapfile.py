"""What the benchmark scripts need to know of pcap files they made themselves.

Only one variety: little-endian, microseconds, Ethernet. Deliberately apart from the reader that is being
measured, so that a fault in one does not hide in the other.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = 0xA1B2C3D4
FILE_HEADER = struct.Struct("<IHHiIII")
"""Magic, major, minor, zone, accuracy, snap length, link type."""

RECORD_HEADER = struct.Struct("<IIII")
"""Seconds, microseconds, captured bytes, wire bytes."""

ETHERNET = 1
SNAP_BYTES = 262_144

CLIENT_NET = (10, 20)
"""First two bytes of every client's address in the captures made here."""

SERVER_NET = (10, 30)
"""First two bytes of every server's address in the captures made here."""


class NotOurPcapError(ValueError):
    """The file is not of the one variety known here, or is cut short."""


class PcapSummary(NamedTuple):
    """What one pass over the record headers tells."""

    frames: int
    file_bytes: int
    mean_frame_bytes: float
    largest_frame_bytes: int
    duration_seconds: float


def file_header() -> bytes:
    """The 24 bytes before the first record."""
    return FILE_HEADER.pack(MAGIC, 2, 4, 0, 0, SNAP_BYTES, ETHERNET)


def check_header(header: bytes) -> None:
    """Raise NotOurPcapError unless ``header`` starts a file of the one variety known here."""
    fields = FILE_HEADER.unpack(header) if len(header) == FILE_HEADER.size else ()
    if not fields or fields[0] != MAGIC or fields[-1] != ETHERNET:
        message = "not a little-endian microsecond Ethernet pcap"
        raise NotOurPcapError(message)


def record_starts(data: bytes | memoryview) -> list[int]:
    """Where in ``data``, which starts with a record header, each whole record starts and the last one ends.

    The list is never empty: its last element is where the first record that is not whole would start.
    """
    unpack = RECORD_HEADER.unpack_from
    at, end = 0, len(data)
    starts = [0]
    while at + 16 <= end:
        at += 16 + unpack(data, at)[2]
        if at > end:
            break
        starts.append(at)
    return starts


def read_blocks(stream: BinaryIO, block_bytes: int = 1 << 20) -> Iterator[tuple[bytes, list[int]]]:
    """Whole records from ``stream`` (which stands after the file header), about ``block_bytes`` at a time."""
    rest = b""
    while read := stream.read(block_bytes):
        data = rest + read
        starts = record_starts(data)
        rest = data[starts[-1] :]
        if len(starts) > 1:
            yield data[: starts[-1]], starts
    if rest:
        message = f"{len(rest)} bytes after the last whole record"
        raise NotOurPcapError(message)


def summarize(path: Path) -> PcapSummary:
    """Frames, sizes and times of the capture at ``path``."""
    frames = total = largest = 0
    first = last = None
    with path.open("rb") as stream:
        check_header(stream.read(FILE_HEADER.size))
        for data, starts in read_blocks(stream):
            if first is None:
                first = RECORD_HEADER.unpack_from(data, 0)
            last = RECORD_HEADER.unpack_from(data, starts[-2])
            frames += len(starts) - 1
            total += len(data) - 16 * (len(starts) - 1)
            largest = max(largest, max(end - at for at, end in itertools.pairwise(starts)) - 16)
    if first is None or last is None:
        message = f"{path}: no frames"
        raise NotOurPcapError(message)
    return PcapSummary(
        frames=frames,
        file_bytes=path.stat().st_size,
        mean_frame_bytes=round(total / frames, 1),
        largest_frame_bytes=largest,
        duration_seconds=round(last[0] - first[0] + (last[1] - first[1]) / 1e6, 6),
    )
