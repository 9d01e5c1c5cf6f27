"""Blocks of a packet ring as Linux would fill them, and a machine's interfaces, for tests of the walk."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netanalyze.capture.batch import Batch
from netanalyze.capture.live import packet_socket
from netanalyze.capture.live.ring import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence

VLAN_VALID, TPID_VALID = 1 << 4, 1 << 6
HOST, OUTGOING = 0, 4
ETHERNET, LOOPBACK, NONE, PPP = 1, 772, 65534, 512
MAC_AT = 100


@dataclass(frozen=True)
class Record:
    """A packet in a block.

    ``link`` and ``packet`` are its bytes before and from the network header on.
    """

    link: bytes = b"DDDDDDSSSSSS\x08\x00"
    packet: bytes = b"packet"
    time_ns: int = 1_700_000_000_123_456_789
    wire: int | None = None
    index: int = 2
    hardware: int = ETHERNET
    kind: int = HOST
    status: int = 0
    tag: int = 0
    tag_protocol: int = 0
    mac_at: int = MAC_AT

    def pack(self, *, last: bool) -> bytes:
        data = self.link + self.packet
        seconds, rest = divmod(self.time_ns, 10**9)
        size = (self.mac_at + len(data) + 15) & ~15
        header = struct.pack(
            "<IIIIIIHHIIHH8x",
            0 if last else size,
            seconds,
            rest,
            len(data),
            len(data) if self.wire is None else self.wire,
            1 | self.status,
            self.mac_at,
            self.mac_at + len(self.link),
            0,
            self.tag,
            self.tag_protocol,
            0,
        )
        address = struct.pack("<H", 17) + b"\x08\x00"
        address += struct.pack("<IHBB", self.index, self.hardware, self.kind, 6) + b"SSSSSS\0\0"
        return (header + address).ljust(self.mac_at, b"\xee") + data.ljust(size - self.mac_at, b"\xee")


def block(records: Sequence[Record], size: int = 4096) -> bytes:
    packed = [record.pack(last=place == len(records) - 1) for place, record in enumerate(records)]
    head = struct.pack("<IIIIIIQIIII", 1, 0, 1, len(records), 48, 48 + sum(map(len, packed)), 0, 0, 0, 0, 0)
    made = (head + b"".join(packed)).ljust(size, b"\xdd")
    assert len(made) == size
    return made


class Machine:
    """Interfaces get numbers in the order in which they are met."""

    def __init__(self) -> None:
        """None yet."""
        self.met: list[tuple[int, int]] = []

    def add(self, index: int, hardware: int) -> tuple[int, int, int]:
        self.met.append((index, hardware))
        return len(self.met) - 1, *packet_socket.link_of(hardware)


def frames_of(batch: Batch) -> list[dict[str, Any]]:
    rows = []
    for row in range(batch.count):
        values = {name: int(column[row]) for name, column in batch.arrays.items()}
        start = values.pop("offset")
        rows.append({**values, "data": bytes(batch.data[start : start + values["captured_bytes"]])})
    return rows


def read_block(memory: bytes, capacity: int = 64, walk: Walk | None = None) -> list[dict[str, Any]]:
    """All frames of a block, in batches of ``capacity``."""
    ring = memoryview(bytearray(memory))
    walk = walk or Walk(Machine().add)
    found: list[dict[str, Any]] = []
    while True:
        batch = Batch(capacity)
        batch.data = ring.toreadonly()
        done = walk.take(ring, 0, len(ring), batch)
        found += frames_of(batch)
        if done:
            return found
