"""Transfers over loopback with their frames and with what the sender's kernel says that limited them.

Runs as ``unshare --net python live_transfers.py FILE`` and writes a capture and, on standard output, JSON:
for each transfer the client's port, how long it took, and some of ``TCP_INFO``.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SO_TIMESTAMPNS = 35
ETH_P_ALL = 3
_TIMES = struct.Struct("=3Q")
_TIMES_AT = 168
"""``tcpi_busy_time``, ``tcpi_rwnd_limited`` and ``tcpi_sndbuf_limited`` in struct tcp_info (linux/tcp.h)."""
_FLAGS_AT = 7
"""A byte whose lowest bit is ``tcpi_delivery_rate_app_limited``."""


class Frames(threading.Thread):
    """Captures what arrives on an interface until it is told to stop."""

    def __init__(self, interface: str) -> None:
        """Listen, but do not read yet."""
        super().__init__(daemon=True)
        self.found: list[tuple[int, bytes]] = []
        self._stop_reading = threading.Event()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind((interface, ETH_P_ALL))

    def run(self) -> None:
        """Read."""
        while True:
            ready, _, _ = select.select([self._socket], [], [], 0.05)
            if ready:
                data, ancillary, _, source = self._socket.recvmsg(1 << 17, 256)
                # Loopback shows every frame twice, on its way out and on its way in.
                if source[2] != socket.PACKET_OUTGOING:
                    seconds, rest = struct.unpack("=qq", ancillary[0][2])
                    self.found.append((seconds * 10**9 + rest, data))
            elif self._stop_reading.is_set():
                return

    def stop(self) -> list[tuple[int, bytes]]:
        """Read what there still is; return the frames with their times in ns."""
        self._stop_reading.set()
        self.join()
        return self.found


def transfer(
    size: int,
    *,
    write: tuple[int, float] | None = None,
    read: tuple[int, float] | None = None,
    buffer: int = 0,
) -> dict[str, Any]:
    """Send ``size`` bytes.

    Args:
        size: how many.
        write: bytes that the sender writes at a time, and the seconds that it waits after each.
        read: bytes that the receiver reads at a time, and the seconds that it waits before each.
        buffer: ``SO_RCVBUF`` of the receiver, 0 for the kernel's choice.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()
    if buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.connect(listener.getsockname())
    sender, _ = listener.accept()
    began = time.monotonic()

    def send() -> None:
        step, pause_s = write or (size, 0.0)
        for _ in range(0, size, step):
            sender.sendall(bytes(step))
            time.sleep(pause_s)

    thread = threading.Thread(target=send)
    thread.start()
    received = 0
    while received < size:
        if read:
            time.sleep(read[1])
        received += len(client.recv(read[0] if read else 1 << 16))
    took_s = time.monotonic() - began
    thread.join()
    time.sleep(0.05)  # the last acknowledgement
    info = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    busy, window, buffered = _TIMES.unpack_from(info, _TIMES_AT)
    found = {
        "port": client.getsockname()[1],
        "took_us": round(took_s * 1e6),
        "busy_us": busy,
        "rwnd_limited_us": window,
        "sndbuf_limited_us": buffered,
        "app_limited": bool(info[_FLAGS_AT] & 1),
    }
    for one in (sender, client, listener):
        one.close()
    return found


def main() -> None:
    """Make the transfers in a network of their own."""
    for words in (["mtu", "1500"], ["gso_max_segs", "1"], ["up"]):
        subprocess.run(["ip", "link", "set", "lo", *words], check=True)  # noqa: S603, S607 - literals
    frames = Frames("lo")
    frames.start()
    told = {
        "receiver_window": transfer(80_000, read=(4000, 0.03), buffer=8000),
        "application": transfer(40_000, write=(2000, 0.03)),
    }
    time.sleep(0.1)
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for time_ns, data in frames.stop():
        parts += [struct.pack("<IIII", *divmod(time_ns, 10**9), len(data), len(data)), data]
    Path(sys.argv[1]).write_bytes(b"".join(parts))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
