"""A TCP socket whose calls are written down, with times that can be compared with those of a capture."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from namespace import Namespace

TCP_QUICKACK = 12
LENGTH = struct.Struct("!I")
SWITCH_S = 0.0002
"""How long a thread may keep Python's lock: the default of 5 ms would be in the times."""


def framed(size: int, fill: str = "m") -> bytes:
    """A message of ``size`` bytes in all: its length without these four bytes, big endian, then letters."""
    return LENGTH.pack(size - LENGTH.size) + fill.encode() * (size - LENGTH.size)


class Logged:
    """One end of a connection.

    Attributes:
        sends: of each call that sent: when it was called and when it returned (``time.time_ns``), how many
            bytes it took, and of which parts they were.
        receives: of each call that received: when it was called and when it returned, how many bytes came.
    """

    def __init__(self, connection: socket.socket, *, nodelay: bool = False, quick: bool = False) -> None:
        """Take a connected socket.

        Args:
            connection: the socket.
            nodelay: set TCP_NODELAY.
            quick: have every segment acknowledged at once (TCP_QUICKACK, before each call that receives).
        """
        self.socket = connection
        self.sends: list[tuple[int, int, int]] = []
        self.receives: list[tuple[int, int, int]] = []
        self._quick = quick
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(nodelay))
        self._hurry()

    def _hurry(self) -> None:
        if self._quick:
            self.socket.setsockopt(socket.IPPROTO_TCP, TCP_QUICKACK, 1)

    def send(self, data: bytes, flags: int = 0) -> None:
        """Hand bytes to the kernel, in several calls if it does not take all."""
        while data:
            called = time.time_ns()
            took = self.socket.send(data, flags)
            self.sends.append((called, time.time_ns(), took))
            data = data[took:]

    def send_together(self, *parts: bytes) -> None:
        """One call of writev()."""
        called = time.time_ns()
        took = self.socket.sendmsg(parts)
        self.sends.append((called, time.time_ns(), took))

    def cork(self, *, on: bool) -> None:
        """Hold back what is not a full segment (TCP_CORK), or let it go."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(on))

    def receive(self, most: int) -> bytes:
        """One call of recv()."""
        called = time.time_ns()
        data = self.socket.recv(most)
        self.receives.append((called, time.time_ns(), len(data)))
        self._hurry()
        return data

    def exactly(self, size: int) -> bytes:
        """Call recv() until ``size`` bytes have come, or the end."""
        parts = []
        while size > 0 and (part := self.receive(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def message(self) -> bytes:
        """Receive a message with its length before it, whole; empty at the end."""
        head = self.exactly(LENGTH.size)
        return head + self.exactly(LENGTH.unpack(head)[0]) if head else b""

    def log(self) -> dict[str, list[int]]:
        """What was written down, in columns."""
        names = ("called_ns", "returned_ns", "bytes")
        return {
            f"{verb}_{name}": [row[place] for row in rows]
            for verb, rows in (("send", self.sends), ("receive", self.receives))
            for place, name in enumerate(names)
        }


@contextlib.contextmanager
def quickly_switching() -> Iterator[None]:
    """Have Python change threads often, so that times are those of the calls."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def exchange(
    hosts: tuple[Namespace, Namespace],
    addresses: tuple[tuple[str, int], tuple[str, int]],
    ends: tuple[Callable[[Logged], None], Callable[[Logged], None]],
    **options: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """One connection from a client to a server, each doing what its function says, and both logs.

    Args:
        hosts: of client and server.
        addresses: of both.
        ends: what client and server do; the connection is closed when they return.
        options: ``prepare``: is called with the client's socket before it connects. Other options are
            those of ``Logged``, with ``client_`` or ``server_`` before.
    """
    prepare = options.pop("prepare", None)
    mine = {
        side: {name[7:]: value for name, value in options.items() if name.startswith(side)}
        for side in ("client", "server")
    }
    listener = hosts[1].listener(*addresses[1])
    connection = hosts[0].new_socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind(addresses[0])
    if prepare is not None:
        prepare(connection)
    connect_ns = time.time_ns()
    connection.connect(addresses[1])
    connected_ns = time.time_ns()
    accepted, _ = listener.accept()
    accepted.settimeout(10.0)
    client, server = Logged(connection, **mine["client"]), Logged(accepted, **mine["server"])
    thread = threading.Thread(target=ends[1], args=(server,), daemon=True)
    thread.start()
    ends[0](client)
    thread.join()
    connection.close()
    accepted.recv(1)
    accepted.close()
    listener.close()
    return {
        "connect_called_ns": connect_ns,
        "connect_returned_ns": connected_ns,
        "client": client.log(),
        "server": server.log(),
    }
