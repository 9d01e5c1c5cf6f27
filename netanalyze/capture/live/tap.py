"""Where live frames come from: a packet socket with a ring on Linux, scapy's sockets elsewhere.

Both are a ``Tap``. ``capture.py`` beside this file knows nothing else of the operating system.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Protocol

from netanalyze.capture.info import Interface
from netanalyze.capture.live import devices, packet_socket
from netanalyze.capture.live.ring import Ring, Walk
from netanalyze.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.capture.batch import Batch
    from netanalyze.capture.info import FileInfo
    from netanalyze.capture.live.devices import Device
    from netanalyze.capture.live.options import LiveOptions
    from netanalyze.capture.notices import Notices

VARIABLE = "NETANALYZE_CAPTURE"
"""Environment variable: ``scapy`` captures by scapy's sockets even where there is a ring."""


class Tap(Protocol):
    """An open socket or several.

    Attributes:
        format: what the table ``capture`` has as its format.
        depth: how many batches can be filled before one is released.
    """

    format: str

    depth: int

    @property
    def crowded(self) -> float:
        """How much of the room for frames is taken, from 0 to 1."""

    def fill(self, batch: Batch) -> None:
        """Put frames into a batch, as many as there are; ``depth`` batches before stay as they are."""

    def release(self) -> None:
        """Nobody looks at the oldest batch any more that had frames and was not released."""

    def wait(self, seconds: float) -> int:
        """Wait for frames; all batches were released. Returns an error number, or 0."""

    def counts(self) -> tuple[int, int] | None:
        """Packets received, those lost included, and packets lost so far; None if nobody counts them."""

    def stop(self) -> None:
        """Take in nothing more; what was taken in before can still be had."""

    def renew(self) -> list[str]:
        """See which interfaces have come, gone or changed; a line for each to tell the user."""

    def close(self) -> None:
        """Close it."""


class Names:
    """The capture's interfaces by what the system calls them."""

    def __init__(self, file: FileInfo, notices: Notices, options: LiveOptions) -> None:
        """None yet."""
        self._file = file
        self._notices = notices
        self._options = options
        self._numbers: dict[tuple[str, int], int] = {}

    def number(self, name: str, link_type: int) -> int:
        """The number of an interface, which is added if it is new."""
        key = (name, link_type)
        number = self._numbers.get(key)
        if number is None:
            interface = Interface(
                self._file.file,
                link_type,
                name=name,
                filter=self._options.filter,
                snap_length=self._options.snap_bytes,
            )
            number = self._numbers[key] = self._notices.add_interface(interface)
            if link_type not in self._file.link_types:
                self._file.link_types.append(link_type)
            self._file.interfaces += 1
        return number


class RingTap:
    """A packet socket on one interface, or on several or all of them, with a filter that chooses."""

    format = "live"
    depth = 1 << 30  # the ring's room is the limit

    def __init__(self, wanted: Sequence[Device], options: LiveOptions, names: Names, expression: str) -> None:
        """Begin to capture.

        Args:
            wanted: the interfaces; none for all.
            options: how.
            names: where interfaces are noted down.
            expression: the filter that the kernel is to run.

        Raises:
            PermissionDeniedError: the process may not.
            CaptureError: the kernel has no such ring.
            FilterError: the filter makes no sense for any of the interfaces.
        """
        self._wanted = list(wanted)
        self._options = options
        self._names = names
        self._expression = expression
        self._state = {device.name: (device.index, device.up) for device in wanted}
        for device in wanted:
            names.number(device.name, device.link_type)
        self._received = self._dropped = 0
        self._stopped = False
        self._socket = packet_socket.open_socket()
        try:
            self._walk = Walk(self._meet)
            self._ring = Ring(self._socket, self._walk, buffer_bytes=options.buffer_bytes)
            self._attach()
            if wanted and all(device.loopback for device in wanted):
                packet_socket.ignore_outgoing(self._socket)
            self._bind()
        except BaseException:
            self._socket.close()
            raise

    def fill(self, batch: Batch) -> None:
        """Put frames into a batch, where they lie in the ring."""
        self._ring.fill(batch)

    @property
    def crowded(self) -> float:
        """Share of the ring that is not with the kernel."""
        return self._ring.crowded

    def release(self) -> None:
        """Give the blocks of the oldest batch back."""
        self._ring.release()

    def wait(self, seconds: float) -> int:
        """Wait for a block."""
        return self._ring.wait(seconds)

    def counts(self) -> tuple[int, int]:
        """What the kernel counted."""
        if self._socket.fileno() >= 0:
            more = packet_socket.statistics(self._socket)
            self._received += more.received
            self._dropped += more.dropped
        return self._received, self._dropped

    def stop(self) -> None:
        """Let nothing pass any more."""
        self._stopped = True
        packet_socket.attach(self._socket, packet_socket.NOTHING)

    def renew(self) -> list[str]:
        """Follow interfaces that come back under another number, and tell which are gone or down."""
        lines = []
        for name, (index, up) in list(self._state.items()):
            now = devices.index_of(name)
            is_up = bool(now) and devices.is_up(name)
            if (now, is_up) == (index, up):
                continue
            self._state[name] = (now, is_up)
            if not now:
                lines.append(f"{name}: the interface is gone; waiting for it to come back")
                continue
            if now != index and not self._stopped:
                self._follow(name)
            if is_up:
                lines.append(f"{name}: the interface is up again; what was sent meanwhile is missing")
            else:
                lines.append(f"{name}: the interface is down; waiting for it to come up again")
        return lines

    def close(self) -> None:
        """Close the socket and let go of the ring."""
        self._ring.close()
        self._socket.close()

    def _meet(self, index: int, hardware_type: int) -> tuple[int, int, int]:
        """An interface that a packet came from for the first time."""
        link_type, mode = packet_socket.link_of(hardware_type)
        return self._names.number(devices.name_of(index), link_type), link_type, mode

    def _attach(self) -> None:
        kinds = {device.hardware_type for device in self._wanted or devices.devices()}
        indexes = [index for index, _ in self._state.values()] if len(self._state) > 1 else []
        program = packet_socket.build_filter(self._expression, kinds, self._options.snap_bytes, indexes)
        packet_socket.attach(self._socket, program)

    def _bind(self) -> None:
        indexes = [index for index, _ in self._state.values()]
        try:
            packet_socket.bind(self._socket, indexes[0] if len(indexes) == 1 else 0)
            if self._options.promiscuous:
                for device in self._wanted or devices.devices():
                    if not device.loopback:
                        packet_socket.be_promiscuous(self._socket, device.index)
            if self._options.fanout is not None:
                packet_socket.join_fanout(self._socket, self._options.fanout)
        except OSError as error:
            name = ", ".join(self._state) or devices.ANY
            message = f"{name}: cannot be captured: {error.strerror}"
            raise CaptureError(message) from error

    def _follow(self, name: str) -> None:
        """Go on with an interface that was made anew."""
        index = self._state[name][0]
        try:
            if len(self._state) == 1:
                packet_socket.bind(self._socket, index)
            else:
                self._attach()
            if self._options.promiscuous:
                packet_socket.be_promiscuous(self._socket, index)
        except (OSError, CaptureError):
            self._state[name] = (0, False)  # gone again: it is tried anew


def open_tap(wanted: Sequence[Device], options: LiveOptions, names: Names, expression: str) -> Tap:
    """The best tap that there is here.

    Raises:
        PermissionDeniedError: the process may not capture.
        CaptureError: the system does not allow it.
        UsageError: it cannot do what was asked.
    """
    if packet_socket.SUPPORTED and hasattr(socket, "AF_PACKET") and os.environ.get(VARIABLE) != "scapy":
        return RingTap(wanted, options, names, expression)
    if not wanted:
        message = "any is not there on this system: name the interfaces"
        raise UsageError(message)
    from netanalyze.capture.live.scapy_tap import ScapyTap  # noqa: PLC0415 - rarely needed

    return ScapyTap(wanted, options, names, expression)


def method() -> str:
    """How this system captures, for ``--version``."""
    ring = packet_socket.SUPPORTED and os.environ.get(VARIABLE) != "scapy"
    return "packet ring" if ring else "scapy"
