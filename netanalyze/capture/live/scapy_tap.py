"""Live frames by way of scapy's sockets: where there is no ring (macOS, the BSDs, Windows).

Slow: each packet is a Python object for a moment, about 3 % of what the ring takes in. Nobody counts what is
lost.
"""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

from netanalyze.capture.live import packet_socket
from netanalyze.errors import CaptureError, FilterError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.capture.batch import Batch
    from netanalyze.capture.live.devices import Device
    from netanalyze.capture.live.options import LiveOptions
    from netanalyze.capture.live.tap import Names

BUFFER_BYTES = 1 << 22
DRAIN_SECONDS = 0.15
"""So long after the end frames are still taken: nobody knows when those that wait have come."""

_LONGEST = 1 << 18
_OUTGOING = 4


class ScapyTap:
    """A socket of scapy's for each interface; frames are copied into one of two buffers in turn."""

    format = "live (scapy)"
    depth = 2
    crowded = 0.0

    def __init__(self, wanted: Sequence[Device], options: LiveOptions, names: Names, expression: str) -> None:
        """Begin to capture.

        Args:
            wanted: the interfaces.
            options: how.
            names: where interfaces are noted down.
            expression: the filter.

        Raises:
            PermissionDeniedError: the process may not.
            CaptureError: an interface cannot be captured.
            FilterError: the filter makes no sense.
        """
        self._snap = options.snap_bytes
        self._buffers = [bytearray(BUFFER_BYTES), bytearray(BUFFER_BYTES)]
        self._stop_seconds: float | None = None
        self._sockets: list[tuple[Any, int, int, bool]] = []
        try:
            for device in wanted:
                sock = _socket(device, expression, promiscuous=options.promiscuous)
                link_type = _link_type(sock)
                number = names.number(device.name, link_type)
                self._sockets.append((sock, number, link_type, device.loopback))
        except BaseException:
            self.close()
            raise

    def fill(self, batch: Batch) -> None:
        """Copy what there is into a batch."""
        self._buffers.reverse()
        buffer, used = self._buffers[0], 0
        batch.data = memoryview(buffer).toreadonly()
        batch.count = 0
        while batch.count < batch.capacity and used + self._snap <= len(buffer):
            ready = [] if self._over() else self._ready(0)
            if not ready:
                return
            for one in ready:
                if batch.count < batch.capacity and used + self._snap <= len(buffer):
                    used = self._take(one, batch, buffer, used)

    def release(self) -> None:
        """Its buffer is used for the next but one anyway."""

    def wait(self, seconds: float) -> int:
        """Wait for a frame."""
        if self._over():
            time.sleep(seconds)
        else:
            self._ready(seconds)
        return 0

    def counts(self) -> None:
        """Nobody counts."""
        return

    def stop(self) -> None:
        """Take in what waits in the sockets, and then nothing more."""
        self._stop_seconds = time.monotonic() + DRAIN_SECONDS

    def renew(self) -> list[str]:
        """Interfaces are not watched."""
        return []

    def close(self) -> None:
        """Close the sockets."""
        self._stop_seconds = 0.0
        for sock, *_ in self._sockets:
            sock.close()
        self._sockets = []

    def _over(self) -> bool:
        return self._stop_seconds is not None and time.monotonic() > self._stop_seconds

    def _ready(self, seconds: float) -> list[tuple[Any, int, int, bool]]:
        """The sockets that have something."""
        kept = [one for one in self._sockets if getattr(one[0], "nonblocking_socket", False)]
        try:
            ready, _, _ = select.select([one[0] for one in self._sockets], [], [], seconds)
        except (OSError, ValueError, TypeError):  # Windows waits for its own objects only
            time.sleep(min(seconds, 0.01))
            return kept
        return [one for one in self._sockets if one[0] in ready]

    def _take(self, one: tuple[Any, int, int, bool], batch: Batch, buffer: bytearray, used: int) -> int:
        """Copy a socket's next frame behind the others; returns how many bytes are used then."""
        sock, number, link_type, loopback = one
        try:
            if loopback and hasattr(sock.ins, "recvfrom"):  # Linux: what is sent comes again
                frame, address = sock.ins.recvfrom(_LONGEST)
                time_ns = time.time_ns()
                if address[2] == _OUTGOING:
                    return used
            else:
                _, frame, stamp = sock.recv_raw(_LONGEST)
                time_ns = round(float(stamp) * 1e9) if stamp else time.time_ns()
        except OSError:
            return used
        if not frame:
            return used
        kept = frame[: self._snap]
        buffer[used : used + len(kept)] = kept
        values = {
            "offset": used,
            "captured_bytes": len(kept),
            "wire_bytes": len(frame),
            "time_ns": time_ns,
            "link_type": link_type,
            "interface": number,
            "keep": 1,
        }
        for name, value in values.items():
            batch.views[name][batch.count] = value
        batch.count += 1
        return used + len(kept)


def _socket(device: Device, expression: str, *, promiscuous: bool) -> Any:  # noqa: ANN401 - scapy has no types
    import scapy.all  # noqa: F401, PLC0415 - sets the sockets of this system up
    from scapy.config import conf  # noqa: PLC0415 - slow to import
    from scapy.error import Scapy_Exception  # noqa: PLC0415 - the same

    try:
        return conf.L2listen(iface=device.name, filter=expression or None, promisc=promiscuous)
    except PermissionError:
        raise PermissionDeniedError(packet_socket.not_allowed()) from None
    except Scapy_Exception as error:
        if expression and "filter" in str(error).lower():
            message = f"capture filter {expression!r}: {error}"
            raise FilterError(message) from error
        message = f"{device.name}: cannot be captured: {error}"
        raise CaptureError(message) from error
    except OSError as error:
        message = f"{device.name}: cannot be captured: {error.strerror or error}"
        raise CaptureError(message) from error


def _link_type(sock: Any) -> int:  # noqa: ANN401 - as above
    """LINKTYPE_ number of what a socket gives; raw IP is 12 to some systems, and 101 in files."""
    from scapy.config import conf  # noqa: PLC0415 - as above

    known: dict[Any, int] = conf.l2types.layer2num
    number = known.get(getattr(sock, "LL", None), 1)
    return {12: 101, 14: 101}.get(number, number)
