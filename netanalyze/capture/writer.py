"""Writes frames to capture files as they are captured: pcapng, or pcap where the name ends so.

Each write hands over whole blocks, so that a file can be read whenever the program is killed. Files may be
rotated by size or time; each stands for itself, with the interfaces and, at its end, what they counted.
"""

from __future__ import annotations

import os
import platform
import struct
import time
from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze._version import VERSION
from netanalyze.capture import writer_kernel
from netanalyze.capture.source import shown
from netanalyze.errors import NetanalyzeError, PermissionDeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netanalyze.capture.batch import Batch
    from netanalyze.capture.info import Interface

PIECE_BYTES = 1 << 20
"""Bytes handed over at a time, more only for a single larger frame."""

_SECTION, _DESCRIPTION, _STATISTICS = 0x0A0D0D0A, 1, 5
_BYTE_ORDER = 0x1A2B3C4D
_PCAP_NS = 0xA1B23C4D
_HARDWARE, _SYSTEM, _PROGRAM = 2, 3, 4
_NAME, _RESOLUTION, _FILTER, _DEVICE_SYSTEM = 2, 9, 11, 12
_BEGIN, _END, _RECEIVED, _DROPPED = 2, 3, 4, 7
_NANOSECONDS = b"\x09"


class Recording(Struct, frozen=True):
    """What to write.

    Attributes:
        path: the file; its suffix ``.pcap`` asks for that format.
        rotate_bytes: begin another file before one grows beyond this; None for never.
        rotate_ns: begin another file after so long; None for never.
        files: keep only so many, the latest; None for all.
    """

    path: str
    rotate_bytes: int | None = None
    rotate_ns: int | None = None
    files: int | None = None

    @property
    def rotates(self) -> bool:
        """Whether there is more than one file, with numbers in their names."""
        return self.rotate_bytes is not None or self.rotate_ns is not None


class Recorder:
    """Writes batches.

    Attributes:
        paths: of the files that are there, in order.
        frames: how many were written.
    """

    def __init__(
        self,
        recording: Recording,
        interfaces: Sequence[Interface],
        counts: Callable[[], tuple[int | None, int | None]] = lambda: (None, None),
    ) -> None:
        """Open the first file.

        Args:
            recording: what to write.
            interfaces: of the capture; others may be added while it is going on.
            counts: gives packets received and packets lost since the capture began, null for unknown.

        Raises:
            UsageError: there is such a file already, or it cannot be there.
            PermissionDeniedError: the operating system does not allow it.
        """
        self._recording = recording
        self._interfaces = interfaces
        self._counts = counts
        self._pcapng = not recording.path.lower().endswith(".pcap")
        self._piece = bytearray(PIECE_BYTES)
        self._used = memoryview(array("q", [0]))
        self._number = 0
        self._seen: list[int] = []
        self.paths: list[str] = []
        self.frames = 0
        self._descriptor = -1
        self._open()

    @property
    def failed(self) -> bool:
        """Whether writing has ended."""
        return self._descriptor < 0

    def write(self, batch: Batch) -> None:
        """Write a batch's frames.

        Raises:
            NetanalyzeError: it could not be written; the file ends with a whole block, and is closed.
        """
        if self._descriptor < 0:
            return
        limit_ns = self._recording.rotate_ns
        if limit_ns is not None and self._in_file and time.monotonic_ns() - self._opened_ns >= limit_ns:
            self._rotate()
        self._describe()
        row = 0
        while row < batch.count:
            row = self._write_some(batch, row)

    def close(self) -> None:
        """End the file, with what the interfaces counted."""
        if self._descriptor < 0:
            return
        try:
            self._count_up()
        except NetanalyzeError:
            return  # it is closed
        os.close(self._descriptor)
        self._descriptor = -1

    def _write_some(self, batch: Batch, row: int) -> int:
        room = len(self._piece)
        limit = self._recording.rotate_bytes
        if limit is not None:
            room = max(0, min(room, limit - self._size))
        columns = batch.pick("offset", "captured_bytes", "wire_bytes", "time_ns", "interface")
        least = writer_kernel.BLOCK_BYTES + batch.views["captured_bytes"][row] + 3
        following: int = writer_kernel.lay_out(
            self._pcapng, self._piece, room, self._used, row, batch.count, batch.data, *columns
        )
        if following == row and room < least:
            if self._in_file and limit is not None:
                self._rotate()
                self._describe()
                if limit - self._size >= least:
                    return row
            self._piece = self._piece if len(self._piece) >= least else bytearray(least)
            following = writer_kernel.lay_out(
                self._pcapng, self._piece, least, self._used, row, row + 1, batch.data, *columns
            )
        self._put(memoryview(self._piece)[: self._used[0]])
        for number in batch.arrays["interface"][row:following].tolist() if len(self._interfaces) > 1 else ():
            self._seen[number] += 1
        if len(self._interfaces) == 1:
            self._seen[0] += following - row
        self._in_file += following - row
        self.frames += following - row
        return following

    def _open(self) -> None:
        recording = self._recording
        path = recording.path
        self._number += 1
        if recording.rotates:
            whole = Path(path)
            stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
            path = str(whole.with_name(f"{whole.stem}_{self._number:05}_{stamp}{whole.suffix}"))
        self._name = path
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        special = Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()
        try:
            self._descriptor = os.open(path, flags | (0 if special else os.O_EXCL), 0o644)
        except FileExistsError:
            message = f"{shown(path)}: is there already; name another file to write to, or remove it"
            raise UsageError(message) from None
        except PermissionError as error:
            message = f"{shown(path)}: cannot be written: {error.strerror}"
            raise PermissionDeniedError(message) from error
        except (OSError, ValueError) as error:
            message = f"{shown(path)}: cannot be written: {getattr(error, 'strerror', None) or error}"
            raise UsageError(message) from error
        self.paths.append(path)
        self._size = 0
        self._in_file = 0
        self._described = 0
        self._opened_ns = time.monotonic_ns()
        self._begin_ns = time.time_ns()
        self._before = self._counts() if self._number > 1 else (0, 0)
        self._seen = [0] * len(self._seen)
        if self._pcapng:
            self._put(_section())
        self._describe()

    def _rotate(self) -> None:
        self._count_up()
        os.close(self._descriptor)
        self._descriptor = -1
        self._open()
        if self._recording.files is not None:
            while len(self.paths) > self._recording.files:
                Path(self.paths.pop(0)).unlink(missing_ok=True)

    def _describe(self) -> None:
        """Write down the interfaces that the file has not got yet."""
        for interface in self._interfaces[self._described :]:
            self._described += 1
            while len(self._seen) < self._described:
                self._seen.append(0)
            snap = interface.snap_length or 0
            if self._pcapng:
                self._put(_description(interface))
            elif self._described == 1:
                self._put(struct.pack("<IHHIIII", _PCAP_NS, 2, 4, 0, 0, snap, interface.link_type))
            elif interface.link_type != self._interfaces[0].link_type:
                self._give_up(
                    "pcap has room for one link type only; name the file .pcapng to have all interfaces in it"
                )

    def _count_up(self) -> None:
        """Write down what the interfaces counted. What the socket lost stands with the first one."""
        received, dropped = self._counts()
        if not self._pcapng or received is None or dropped is None:
            return
        now = time.time_ns()
        lost = dropped - (self._before[1] or 0)
        for number, frames in enumerate(self._seen[: self._described]):
            mine = lost if number == 0 else 0
            if self._described == 1:
                frames = received - (self._before[0] or 0) - lost  # noqa: PLW2901 - it knows better
            options = (
                _option(_BEGIN, struct.pack("<II", self._begin_ns >> 32, self._begin_ns & 0xFFFFFFFF))
                + _option(_END, struct.pack("<II", now >> 32, now & 0xFFFFFFFF))
                + _option(_RECEIVED, struct.pack("<Q", max(0, frames + mine)))
                + _option(_DROPPED, struct.pack("<Q", mine))
                + bytes(4)
            )
            self._put(_block(_STATISTICS, struct.pack("<III", number, now >> 32, now & 0xFFFFFFFF) + options))

    def _put(self, piece: bytes | memoryview) -> None:
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._give_up(error.strerror or str(error))
        self._size += len(piece)

    def _give_up(self, why: str) -> None:
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:  # a pipe or a device
            pass
        finally:
            os.close(self._descriptor)
            self._descriptor = -1
        message = f"{shown(self._name)}: writing ended after {self.frames} frames: {why}"
        raise NetanalyzeError(message)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _section() -> bytes:
    options = (
        _option(_HARDWARE, platform.machine().encode())
        + _option(_SYSTEM, _system())
        + _option(_PROGRAM, f"netanalyze {VERSION}".encode())
        + bytes(4)
    )
    return _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1) + options)


def _description(interface: Interface) -> bytes:
    options = _option(_NAME, interface.name.encode("utf-8", "replace"))
    if interface.filter:
        options += _option(_FILTER, b"\0" + interface.filter.encode("utf-8", "replace"))
    options += _option(_RESOLUTION, _NANOSECONDS) + _option(_DEVICE_SYSTEM, _system()) + bytes(4)
    return _block(
        _DESCRIPTION, struct.pack("<HHI", interface.link_type, 0, interface.snap_length or 0) + options
    )


def _system() -> bytes:
    return f"{platform.system()} {platform.release()}".encode()
