"""The ring that a packet socket shares with the kernel, and its blocks as batches.

The kernel fills block after block and marks each as ours, when it is full or its timeout is over; we give it
back when nobody looks at it any more. Who holds every block makes the kernel drop packets, and count them.
"""

from __future__ import annotations

import mmap
import select
import socket
import threading
from array import array
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from netanalyze.capture.live import packet_socket, ring_kernel
from netanalyze.capture.reader import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.capture.batch import Batch

BLOCK_BYTES = 1 << 18
"""Room for the largest packet that loopback carries (64 KiB, or 180 KiB with large IPv6 jumbograms)."""
BLOCK_TIMEOUT_MS = 50
MIN_BLOCKS = 8

_STATUS = 8  # offset in a block's description
_OURS = 1
_INTERFACES = 64


class Walk:
    """Walks over blocks, with the table of interfaces.

    Attributes:
        state: the kernel's (see ``ring_kernel``).
        damaged: blocks whose rest could not be read.
    """

    def __init__(self, add_interface: Callable[[int, int], tuple[int, int, int]]) -> None:
        """A walk that has seen nothing.

        Args:
            add_interface: is told of the index and the hardware type of an interface that is met for the
                first time; its number, link type and mode.
        """
        self.state = memoryview(array("q", bytes(8 * ring_kernel.SLOTS)))
        self.damaged = 0
        self._add_interface = add_interface
        self._rows = _INTERFACES
        self._known = 0
        self._table = self._empty()

    def _empty(self) -> memoryview:
        return memoryview(array("q", bytes(8 * self._rows * ring_kernel.TABLE_COLUMNS)))

    def take(self, data: memoryview, block: int, block_end: int, batch: Batch) -> bool:
        """Add a block's frames to a batch; True when the block is done with, False when the batch is full."""
        while True:
            batch.count = ring_kernel.walk(
                data, block, block_end, self.state, self._table, batch.count, batch.capacity,
                *batch.pick(*COLUMNS),
            )  # fmt: skip
            reason = self.state[ring_kernel.REASON]
            if reason == ring_kernel.UNKNOWN_INTERFACE:
                self._learn(self.state[ring_kernel.KEY])
                continue
            if reason == ring_kernel.FULL:
                return False
            self.damaged += reason == ring_kernel.DAMAGE
            self.state[ring_kernel.AT] = 0
            return True

    def _learn(self, key: int) -> None:
        if 2 * self._known >= self._rows:
            self._grow()
        self._known += 1
        self._put((key, *self._add_interface(key >> 17, key & 0xFFFF)))

    def _grow(self) -> None:
        step = ring_kernel.TABLE_COLUMNS
        before, self._rows = self._table, 2 * self._rows
        self._table = self._empty()
        for at in range(0, len(before), step):
            if before[at]:
                self._put(before[at : at + step].tolist())

    def _put(self, row: tuple[int, ...] | list[int]) -> None:
        at = ring_kernel.row_of(self._table, self._rows, row[0])
        for place, value in enumerate(row):
            self._table[at + place] = value


class Ring:
    """A packet socket's ring."""

    def __init__(self, sock: socket.socket, walk: Walk, *, buffer_bytes: int) -> None:
        """Set a ring up; the socket must not be bound yet.

        Args:
            sock: the socket.
            walk: finds the frames in blocks.
            buffer_bytes: size of the ring; it is made of whole blocks.

        Raises:
            CaptureError: the kernel refuses.
        """
        self._blocks = max(MIN_BLOCKS, buffer_bytes // BLOCK_BYTES)
        packet_socket.set_up_ring(sock, self._blocks, BLOCK_BYTES, BLOCK_TIMEOUT_MS)
        self._socket = sock
        self._memory = mmap.mmap(
            sock.fileno(), self._blocks * BLOCK_BYTES, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE
        )
        self._data = memoryview(self._memory)
        self._read_only = self._data.toreadonly()
        self._words = self._data.cast("I")
        self._walk = walk
        self._next = 0
        self._held: deque[list[int]] = deque()
        self._loose: list[int] = []
        self._out = 0
        self._fence = threading.Lock()
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN | select.POLLERR)

    @property
    def crowded(self) -> float:
        """Share of the ring that is not with the kernel."""
        return self._out / self._blocks

    def fill(self, batch: Batch) -> None:
        """Put what there is into a batch: nothing, or as many frames as it has room for."""
        batch.data = self._read_only
        batch.count = 0
        while batch.count < batch.capacity and self._out < self._blocks and self._is_ours(self._next):
            start = self._next * BLOCK_BYTES
            if not self._walk.take(self._data, start, start + BLOCK_BYTES, batch):
                break
            self._loose.append(self._next)
            self._out += 1
            self._next = (self._next + 1) % self._blocks
        if batch.count:
            self._held.append(self._loose)
            self._loose = []

    def release(self) -> None:
        """Give the blocks of the oldest batch back that still has them."""
        self._back(self._held.popleft())

    def wait(self, seconds: float) -> int:
        """Wait for a block; the number of an error of the interface, 0 if there was none.

        Every batch has to be released: the kernel says that a block is ready as long as the last that it
        filled is not back.
        """
        self._back(self._loose)
        self._loose = []
        events = self._poll.poll(max(0, round(1000 * seconds)))
        if any(event & select.POLLERR for _, event in events):
            return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return 0

    def _back(self, blocks: list[int]) -> None:
        """Give blocks back to the kernel."""
        for block in blocks:
            with self._fence:  # whatever was read was read before
                self._words[(block * BLOCK_BYTES + _STATUS) >> 2] = 0
            self._out -= 1

    def close(self) -> None:
        """Let go of the memory, unless somebody still has a view of it."""
        with suppress(BufferError):
            self._words.release()
            self._read_only.release()
            self._data.release()
            self._memory.close()

    def _is_ours(self, block: int) -> bool:
        ours = bool(self._words[(block * BLOCK_BYTES + _STATUS) >> 2] & _OURS)
        with self._fence:  # what is read from here on is not older than the mark
            return ours
