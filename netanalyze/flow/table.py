"""The flow table: every TCP stream and UDP flow, found by its endpoints, counted as packets come."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import GrowingRows, view_of, zeros_to_look_up
from netanalyze.flow import fields
from netanalyze.flow.duplicates_kernel import mark_duplicates
from netanalyze.flow.table_kernel import LOOK_AHEAD, assign_streams, rebuild_slots
from netanalyze.wire.packets import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.wire.decode import FrameFacts
    from netanalyze.wire.packets import Packets

TCP = 6
UDP = 17
_FIRST_ROWS = 1024
_RECENT_PACKETS = 2048
_SENDER_LINES = 4096
_PACKET_COLUMNS = (
    "frame", "role", "protocol", "ip_version", "src_hi", "src_lo", "dst_hi", "dst_lo", "sport", "dport",
    "fragments", "payload_bytes", "seq", "ack", "flags", "duplicate", "stream", "side", "opens",
)  # fmt: skip
_DUPLICATE_COLUMNS = (
    "frame", "role", "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo", "sport", "dport", "ip_id", "ttl",
    "payload_bytes", "seq", "ack", "flags", "window", "checksum", "link_hash", "duplicate",
)  # fmt: skip


class Listed:
    """Streams of one transport, to be read.

    Attributes:
        transport: number of the protocol.
        count: how many there are.
    """

    transport: int
    count: int

    @property
    def state(self) -> NDArray[np.uint64]:
        """A row of ``fields.WORDS`` words for each, the first ``count`` valid."""
        raise NotImplementedError

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The number of each."""
        raise NotImplementedError

    def word(self, field: int) -> NDArray[np.int64]:
        """One field of all of them."""
        column: NDArray[np.int64] = self.state[: self.count, field].astype(np.int64)
        return column

    def raw(self, field: int) -> NDArray[np.uint64]:
        """One field of all of them, unsigned as it is kept (addresses)."""
        return self.state[: self.count, field]


class Some(Listed):
    """Some of the streams."""

    def __init__(self, transport: int, numbers: NDArray[np.int64], state: NDArray[np.uint64]) -> None:
        """Take their numbers and rows."""
        self.transport = transport
        self.count = len(state)
        self._numbers = numbers
        self._state = state

    @property
    def state(self) -> NDArray[np.uint64]:
        """See ``Listed``."""
        return self._state

    @property
    def numbers(self) -> NDArray[np.int64]:
        """See ``Listed``."""
        return self._numbers


class Conversations(Listed):
    """The streams of one transport.

    Streams that are of no more use may be let go of. The others keep their order but not their places in
    tables; ``numbers`` says which number each has for good.

    Attributes:
        count: how many streams there are.
        let_go: how many there were besides.
    """

    def __init__(self, transport: int, salt: int) -> None:
        """No streams yet; ``salt`` makes the hash one that nobody can prepare for."""
        self.transport = transport
        self.count = 0
        self.let_go = 0
        self._kept: NDArray[np.int64] = np.zeros(0, np.int64)  # numbers of those left by the last letting go
        self._rows = GrowingRows(fields.WORDS, "u8", _FIRST_ROWS)
        self._salt = salt
        self._slots: NDArray[np.uint64] = np.zeros(_FIRST_ROWS * 2, np.uint64)
        self._scratch = view_of(np.zeros(LOOK_AHEAD + 1, np.uint64))

    def add(self, batch: Batch, packets: Packets, columns: tuple[memoryview, ...]) -> None:
        """Assign and count the packets of one batch."""
        self._make_room(self.count + packets.count)
        arguments = (
            self.transport, packets.count, packets.order, batch.first_frame, batch.views["time_ns"],
            *columns, self._salt, view_of(self._slots), self._rows.view, self._scratch, self.count,
        )  # fmt: skip
        self.count = assign_streams(*arguments)

    def _make_room(self, rows: int) -> None:
        self._rows.reach(rows)
        if rows * 2 > len(self._slots):
            self._slots = zeros_to_look_up(_power_of_two(rows) * 2, np.uint64)
            rebuild_slots(view_of(self._slots), self._rows.view, self.count)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Let go of all streams but these, whose numbers are ascending: they become the first ones."""
        self._kept = self.numbers[rows]
        place = np.zeros(self.count, np.uint64)
        place[rows] = np.arange(len(rows))
        self._rows.keep(rows, self.count)
        following = self._rows.array[: len(rows), fields.NEXT]
        following[:] = place[following.astype(np.int64)]
        self.let_go += self.count - len(rows)
        self.count = len(rows)
        self._slots[:] = 0
        rebuild_slots(view_of(self._slots), self._rows.view, self.count)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The number of each stream, in ascending order: how many began before it."""
        new = np.arange(len(self._kept), self.count) + self.let_go
        return np.concatenate((self._kept, new))

    def number(self, place: int) -> int:
        """The number of one stream."""
        return int(self._kept[place]) if place < len(self._kept) else place + self.let_go

    def heard_since(self, time_ns: int) -> NDArray[np.int64]:
        """Which streams have a packet that is later than this."""
        return np.flatnonzero(self.word(fields.LAST_NS) > time_ns)

    @property
    def state(self) -> NDArray[np.uint64]:
        """See ``Listed``."""
        return self._rows.array

    def some(self, rows: Rows) -> Some:
        """Some of the streams, by their places; one may be there several times."""
        return Some(self.transport, self.numbers[rows], self.state[: self.count][rows])


class FlowTable:
    """TCP streams and UDP flows, numbered as Wireshark numbers ``tcp.stream`` and ``udp.stream``.

    Attributes:
        tcp, udp: the streams of each.
        duplicates: packets left out because they were captured before.
    """

    def __init__(self, facts: FrameFacts, *, keep_duplicates: bool = False) -> None:
        """A table for the packets of one decoder.

        Args:
            facts: its frames' verdicts, to which duplicates are added.
            keep_duplicates: count frames that were captured twice each time.
        """
        salt = int.from_bytes(os.urandom(8), "little")
        self.tcp = Conversations(TCP, salt)
        self.udp = Conversations(UDP, salt)
        self.duplicates = 0
        self._salt = salt
        self._keep_duplicates = keep_duplicates
        self._verdict = facts.views["verdict"]
        self._recent = view_of(np.zeros((_RECENT_PACKETS, 4), np.uint64))
        self._newest = view_of(np.zeros(4 * _RECENT_PACKETS, np.uint64))
        self._remembered = view_of(np.zeros(1, np.uint64))
        self._senders = view_of(np.zeros((_SENDER_LINES, 2), np.uint64))

    def mark_duplicates(self, batch: Batch, packets: Packets) -> None:
        """Mark what was captured before, unless duplicates are to be kept; comes before ``add``."""
        if self._keep_duplicates:
            return
        arguments = (
            packets.count, packets.order, *batch.pick("time_ns", "interface"),
            *packets.pick(*_DUPLICATE_COLUMNS), self._verdict, self._salt, self._recent, self._newest,
            self._senders, self._remembered,
        )  # fmt: skip
        self.duplicates += mark_duplicates(*arguments)

    def add(self, batch: Batch, packets: Packets) -> None:
        """Take in a decoded batch: assigns streams and sides, counts."""
        packets.arrays["stream"][: packets.count] = UNKNOWN
        columns = packets.pick(*_PACKET_COLUMNS)
        self.tcp.add(batch, packets, columns)
        self.udp.add(batch, packets, columns)


def _power_of_two(at_least: int) -> int:
    return 1 << max(at_least - 1, 1).bit_length()


def ports(conversations: Listed) -> tuple[NDArray[Any], NDArray[Any]]:
    """The ports of side 0 and side 1 of all streams."""
    word = conversations.raw(fields.PORTS)
    return (word >> np.uint64(32)).astype(np.int64), ((word >> np.uint64(16)) & np.uint64(0xFFFF)).astype(
        np.int64
    )
