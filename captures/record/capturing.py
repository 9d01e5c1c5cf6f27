"""Start and stop tcpdump and dumpcap so that every frame of an exchange is in the file, and no more."""

from __future__ import annotations

import re
import signal
import struct
import time
from typing import TYPE_CHECKING

from namespace import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab import Lab, Program
    from namespace import Namespace

QUIET_S = 0.2
"""A capture is complete when no interface has counted a frame for this long and the file has them all."""

SECTION_HEADER, INTERFACE, PACKET_BLOCKS = 0x0A0D0D0A, 1, (3, 6)
HOST_OPTIONS = {SECTION_HEADER: (2, 3), INTERFACE: (12, 15)}
"""pcapng options that describe the recording machine's hardware and system, per block type."""


def count_frames(path: Path) -> int:
    """Complete frames in a pcap or pcapng file of this machine's byte order, which may still grow."""
    data = path.read_bytes() if path.exists() else b""
    pcapng = data[:4] == struct.pack("<I", SECTION_HEADER)
    count, at = 0, 0 if pcapng else 24
    head = 12 if pcapng else 16
    while at + head <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if not pcapng:
            kind, size = PACKET_BLOCKS[0], 16 + struct.unpack_from("<I", data, at + 8)[0]
        if size < head or at + size > len(data):
            break
        count += kind in PACKET_BLOCKS
        at += size
    return count


def without_host_options(path: Path) -> None:
    """Remove from a pcapng file what it tells about the machine (processor, kernel)."""
    data, kept, at = path.read_bytes(), [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + size - 4]
        if kind in HOST_OPTIONS:
            fixed = 16 if kind == SECTION_HEADER else 8
            body = body[:fixed] + _options_without(body[fixed:], HOST_OPTIONS[kind])
        kept.append(struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12))
        at += size
    path.write_bytes(b"".join(kept))


def _options_without(options: bytes, unwanted: tuple[int, ...]) -> bytes:
    kept, at = [], 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, at)
        end = at + 4 + (size + 3) // 4 * 4
        if code not in unwanted:
            kept.append(options[at:end])
        at = end
    return b"".join(kept)


class Capture:
    """A running capture of one or more interfaces of a host."""

    def __init__(  # noqa: PLR0913  (they are tcpdump's options)
        self,
        lab: Lab,
        host: Namespace,
        interfaces: str | tuple[str, ...],
        name: str,
        *,
        snap: int = 0,
        nano: bool = False,
        link_type: str = "",
        files_of: int = 0,
    ) -> None:
        """Begin to capture; returns when the program sees frames.

        dumpcap records ``.pcapng`` files, files in turn, and several interfaces; tcpdump the others.

        Args:
            lab: the room.
            host: namespace of the interfaces.
            interfaces: which ones.
            name: file name of the result.
            snap: bytes kept of each frame, 0 for all.
            nano: time stamps in nanoseconds.
            link_type: as tcpdump's ``-y``.
            files_of: if not 0, begin a new file after this many frames.
        """
        self._lab, self._host, self.name = lab, host, name
        self._interfaces = (interfaces,) if isinstance(interfaces, str) else interfaces
        self._files_of = files_of
        self.path = lab.folder / name.removesuffix(".gz").removesuffix(".zst")
        self._last, self._last_change = (-1, -1), time.monotonic()
        if files_of or ".pcapng" in name or len(self._interfaces) > 1:
            self._program = self._dumpcap(snap)
        else:
            self._program = self._tcpdump(snap, link_type, nano=nano)
        # Frames counted, but sent before the program looked.
        self._before = 0
        wait_until(lambda: self._settled(0.05), f"quiet before {name}")
        self._before = self._counted() - self.frames()

    def _tcpdump(self, snap: int, link_type: str, *, nano: bool) -> Program:
        self._lab.require("tcpdump")
        options = ["-s", str(snap), "--time-stamp-precision", "nano" if nano else "micro"]
        if link_type:
            options += ["-y", link_type]
        words = ["tcpdump", "-n", "-U", "--immediate-mode", "-B", "4096", "-Z", "root", *options]
        program = self._lab.start(
            self._host, *words, "-i", self._interfaces[0], "-w", self.path, stop=signal.SIGINT
        )
        return program.ready(lambda: "listening on" in program.said())

    def _dumpcap(self, snap: int) -> Program:
        self._lab.require("dumpcap")
        words: list[str] = ["dumpcap", "-q"]
        for interface in self._interfaces:
            words += ["-i", interface]
            if snap:
                words += ["-s", str(snap)]
        if ".pcapng" not in self.name:
            words += ["-P"]
        if self._files_of:
            words += ["-b", f"packets:{self._files_of}"]
        program = self._lab.start(self._host, *words, "-w", self.path, stop=signal.SIGINT)
        return program.ready(lambda: "File: " in program.said())

    def files(self) -> list[Path]:
        """The files written so far, in order."""
        if self._files_of:
            return sorted(self.path.parent.glob(f"{self.path.stem}_*{self.path.suffix}"))
        return [self.path]

    def frames(self) -> int:
        """Frames in the files so far."""
        return sum(count_frames(path) for path in self.files())

    def expect(self, condition: Callable[[int], bool], what: str) -> None:
        """Wait until ``condition`` holds for the number of frames captured."""
        wait_until(lambda: condition(self.frames()), what)

    def _counted(self) -> int:
        return sum(self._host.frames(interface) for interface in self._interfaces)

    def _settled(self, quiet_s: float) -> bool:
        """Whether nothing has been counted or written since ``quiet_s`` seconds."""
        now = self._counted(), self.frames()
        if now != self._last:
            self._last, self._last_change = now, time.monotonic()
        return time.monotonic() - self._last_change > quiet_s

    def finish(self, *done: Callable[[], bool], timeout_s: float = 15.0, **facts: object) -> None:
        """Wait for the last frame, stop the capture and keep it.

        Args:
            done: conditions which must hold first, such as connections being closed.
            timeout_s: how long to wait at most.
            facts: for the truth file.

        Raises:
            TimeoutError: frames that the interfaces counted did not come into the file.
            ValueError: the capture program lost frames.
        """
        self.settle(*done, timeout_s=timeout_s)
        self.stop(**facts)

    def settle(self, *done: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Wait until ``done`` holds and every frame that the interfaces counted is in the file.

        Raises:
            TimeoutError: it did not come to that within ``timeout_s``.
        """
        for condition in done:
            wait_until(condition, f"the end of the exchange of {self.name}", timeout_s)
        try:
            wait_until(
                lambda: self._settled(QUIET_S) and self._counted() - self._before == self.frames(),
                "",
                timeout_s,
            )
        except TimeoutError:
            counted = self._counted() - self._before
            msg = f"{self.name}: the interfaces counted {counted} frames, the file has {self.frames()}"
            raise TimeoutError(msg) from None

    def stop(self, **facts: object) -> None:
        """Stop capturing and keep the result.

        Raises:
            ValueError: the capture program lost frames.
        """
        self.end()
        for number, path in enumerate(self.files(), 1):
            name = f"{self.path.stem}_{number:05}{self.path.suffix}" if self._files_of else self.name
            if path.suffix == ".pcapng":
                without_host_options(path)
            self._lab.keep(path, name, count_frames(path), **facts)

    def end(self) -> None:
        """Stop capturing; the files stay in the room's folder.

        Raises:
            ValueError: the capture program lost frames.
        """
        said = self._program.stop()
        lost = re.search(r"(\d+) packets? dropped by kernel", said)
        losses = [lost[1]] if lost else re.findall(r"received/dropped on interface '[^']*': \d+/(\d+)", said)
        if not losses or any(int(number) for number in losses):
            msg = f"{self.name}: frames were lost while capturing: {said.strip()}"
            raise ValueError(msg)
