"""A cable in user space: carries frames between devices as a recording's rule says.

The rule sees every frame and says where it goes, when, and in which form: so it can delay, reorder,
drop, repeat, tag or wrap frames, which this project does not leave to the kernel (``netem``, VLAN and
tunnel devices are missing from many). Devices are TAP (Ethernet) and TUN (IP packets) interfaces of
namespaces, and packet sockets on interfaces that are there already.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import selectors
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Self

from lab import CannotRecordError, Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from namespace import Namespace

    Rule = Callable[[str, bytes], Iterable[tuple[str, bytes, float]]]
    """(name of the port it came in by, frame) → (port to leave by, frame, seconds to wait) …"""

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x0001, 0x0002, 0x1000
ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40
"""Bits of ``tp_status`` in ``struct tpacket_auxdata`` (linux/if_packet.h)."""

MAX_FRAME_BYTES = 65536

DELAY_S = 0.003
"""For rules that carry everything as it is: makes the round trip long beside the relay's pauses."""


class _Device:
    """A TUN or TAP interface, seen from the side of the cable."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def receive(self) -> bytes:
        return os.read(self._descriptor, MAX_FRAME_BYTES)

    def send(self, frame: bytes) -> None:
        os.write(self._descriptor, frame)

    def close(self) -> None:
        os.close(self._descriptor)


class _Plug:
    """A packet socket on an interface that exists already."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> bytes:
        frame, facts, _, address = self._socket.recvmsg(MAX_FRAME_BYTES, 256)
        if address[2] == PACKET_OUTGOING:
            return b""
        for level, kind, data in facts:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, tag, protocol = struct.unpack_from("=I12xHH", data)
                if status & VLAN_VALID:
                    # The kernel takes the outermost tag out of the frame: put it back.
                    protocol = protocol if status & VLAN_TPID_VALID else 0x8100
                    return frame[:12] + struct.pack("!HH", protocol, tag) + frame[12:]
        return frame

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def close(self) -> None:
        self._socket.close()


class Relay:
    """Ports and the rule that carries frames between them, in a thread of its own."""

    def __init__(self, lab: Lab, rule: Rule) -> None:
        """A relay without ports; stopped with the room at the latest."""
        self._lab = lab
        self._rule = rule
        self._ports: dict[str, _Device | _Plug] = {}
        self._waiting: list[tuple[float, int, str, bytes]] = []
        self._order = itertools.count()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._work, name="relay", daemon=True)
        self._error: BaseException | None = None
        self._carried = 0
        lab.later(self.stop)

    def device(
        self, port: str, host: Namespace, interface: str, *addresses: str, ethernet: bool = True
    ) -> None:
        """Give ``host`` an interface that is this relay's port ``port``.

        Args:
            port: name for the rule.
            host: namespace that gets the interface.
            interface: its name there.
            addresses: with prefix length.
            ethernet: TAP with a documentation MAC address, or TUN (bare IP packets).
        """
        try:
            with host.entered():
                descriptor = os.open("/dev/net/tun", os.O_RDWR)
        except OSError as error:
            msg = f"cannot make TUN and TAP devices: {error}"
            raise CannotRecordError(msg) from error
        self._ports[port] = _Device(descriptor)
        flags = (IFF_TAP if ethernet else IFF_TUN) | IFF_NO_PI
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", interface.encode(), flags))
        if ethernet:
            host.ip("link", "set", interface, "address", self._lab.mac())
        # No address of the link alone, and none of the messages that go with it.
        host.ip("link", "set", interface, "addrgenmode", "none")
        for address in addresses:
            host.address(interface, address)
        host.ip("link", "set", interface, "up")

    def plug(self, port: str, host: Namespace, interface: str) -> None:
        """Make the existing interface of ``host`` this relay's port ``port``."""
        made = host.new_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        made.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        made.bind((interface, ETH_P_ALL))
        self._ports[port] = _Plug(made)

    def start(self) -> Self:
        """Begin to carry frames."""
        self._thread.start()
        return self

    def idle(self) -> bool:
        """Whether no frame waits to be sent."""
        return not self._waiting

    def stop(self) -> None:
        """Stop carrying; frames that still wait are lost. What the rule raised is raised here."""
        if self._wake_writer < 0:
            return
        os.write(self._wake_writer, b"x")
        if self._thread.is_alive():
            self._thread.join()
        for port in self._ports.values():
            port.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        self._wake_writer = -1
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            self._carry()
        except BaseException as error:  # noqa: BLE001  (handed to the main thread by stop)
            self._error = error

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ, None)
            for name, port in self._ports.items():
                selector.register(port, selectors.EVENT_READ, name)
            while True:
                due = self._waiting[0][0] - time.monotonic() if self._waiting else None
                for key, _ in selector.select(None if due is None else max(due, 0.0)):
                    if key.data is None:
                        return
                    frame = self._ports[key.data].receive()
                    if frame:
                        self._schedule(key.data, frame)
                while self._waiting and self._waiting[0][0] <= time.monotonic():
                    _, _, name, frame = heapq.heappop(self._waiting)
                    self._ports[name].send(frame)

    def _schedule(self, name: str, frame: bytes) -> None:
        now = time.monotonic()
        for port, sent, delay_s in self._rule(name, frame):
            heapq.heappush(self._waiting, (now + delay_s, next(self._order), port, sent))
