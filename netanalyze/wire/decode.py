"""The decoder: a batch of frames in, packets and a verdict on every frame out.

It runs the kernels in rounds. A round takes rows whose cursor stands somewhere in a frame and moves
it past a tunnel's header, link headers, IP headers and a transport header. Packets found inside others
go into the next round; a bound on the number of headers ends it. Then the fragments that were met, in
whatever depth, go to the reassembler in the order of their frames, and rounds of the datagrams that
they completed follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import Columns, view_of
from netanalyze.wire import codes
from netanalyze.wire.fragments import LATE_DUPLICATE, OVERLAP, TOO_LONG, Reassembler, Tally
from netanalyze.wire.link_kernel import decode_links, link_tables, start_rows
from netanalyze.wire.network_kernel import decode_networks
from netanalyze.wire.packets import IN_ARENA, IN_BATCH, Packets
from netanalyze.wire.transport_kernel import decode_transports
from netanalyze.wire.tunnel_kernel import decode_tunnels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch

ROWS_A_FRAME = codes.MAX_LAYERS // 3 + 2
"""Room for packets inside packets: each takes three headers of the ``MAX_LAYERS`` at least. Memory is
only touched where it is used."""


_REFUSED = {
    LATE_DUPLICATE: codes.DUPLICATE,
    TOO_LONG: codes.FRAGMENT_REFUSED,
    OVERLAP: codes.FRAGMENT_REFUSED,
}


class Cursors(Columns):
    """Where each row stands while it is being decoded (see ``link_kernel``)."""

    FIELDS: ClassVar = {
        "layer": "i4",
        "at": "i8",
        "end": "i8",
        "wire_end": "i8",
        "depth": "i4",
        "path": "i8",
        "parent": "i4",
        "fragment_offset": "i8",
        "fragment_more": "u1",
        "fragment_id": "i8",
    }


class FrameFacts(Columns):
    """What became of each frame of the batch: a verdict, a protocol path, an application."""

    FIELDS: ClassVar = {"verdict": "i8", "path": "i8", "app": "i8"}


class _Arguments:
    """What the kernels are called with for one set of packets, the same from call to call."""

    def __init__(self, packets: Packets, cursors: Cursors, facts: FrameFacts) -> None:
        self.packets = packets
        verdict = facts.pick("verdict")
        cursor = cursors.pick("layer", "at", "end", "wire_end", "depth", "path")
        self.start = (
            *packets.pick("frame"), *cursor, *packets.pick("link_hash", "source", "role", "protocol"),
            *verdict,
        )  # fmt: skip
        self.link = (*packets.pick("frame", "role"), *cursor, *packets.pick("link_hash"), *verdict)
        self.tunnel = (*packets.pick("frame", "role"), *cursors.pick("parent"), *cursor, *verdict)
        self.network = (
            *packets.pick("frame", "role"),
            *cursor,
            *cursors.pick("fragment_offset", "fragment_more", "fragment_id"),
            *packets.pick(
                "ip_version", "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo", "ip_id", "ttl", "tos",
                "ip_bytes", "network_offset", "fragments",
            ),
            *verdict,
        )  # fmt: skip
        self.transport = (
            *packets.pick("frame", "role", "source"),
            *cursors.pick("parent"),
            *cursor,
            *packets.pick(
                "link_hash", "fragments", "ip_version", "protocol", "sport", "dport", "transport_offset",
                "payload_offset",
                "payload_bytes", "payload_captured", "checksum", "seq", "ack", "flags", "window", "mss",
                "window_scale", "sack_permitted", "sack_offset", "sack_blocks", "tsval", "tsecr",
            ),
            *verdict,
        )  # fmt: skip


class Decoder:
    """Decodes batch after batch; between them it keeps only fragments that wait for others.

    Attributes:
        packets: what the last batch held. There are two sets in turn, so that a later stage can be at work
            on one while the next batch is decoded into the other.
        facts: verdict and path of the last batch's frames.
        cursors: path of each row, beside working state.
    """

    def __init__(self, batch_capacity: int) -> None:
        """A decoder for batches of at most ``batch_capacity`` frames."""
        rows = batch_capacity * ROWS_A_FRAME
        self.cursors = Cursors(rows)
        self.facts = FrameFacts(batch_capacity)
        self.reassembler = Reassembler()
        self._reassembled = Tally(0, 0, 0)
        self._identity: NDArray[np.int32] = np.arange(rows, dtype=np.int32)
        self._identity_view = view_of(self._identity)
        self._again: NDArray[np.int32] = np.zeros(rows, np.int32)
        self._again_view = view_of(self._again)
        self._counters = view_of(np.zeros(2, np.int64))
        self._tables = link_tables()
        self._current, self._other = (_Arguments(Packets(rows), self.cursors, self.facts) for _ in range(2))
        self.packets = self._current.packets

    def decode(self, batch: Batch) -> Packets:
        """Decode every frame of a batch that is marked to be kept.

        Returns:
            ``self.packets``, valid until the next call but one. ``order`` lists its rows in the order
            of their frames.
        """
        self._current, self._other = self._other, self._current
        packets = self.packets = self._current.packets
        count = batch.count
        left_out = codes.NO_TIME if batch.passed_over else codes.LEFT_OUT
        arguments = (
            count, 0,
            *batch.pick("link_type", "offset", "captured_bytes", "wire_bytes", "keep"),
            *self._tables, left_out * codes.DETAIL_BASE, *self._current.start,
        )  # fmt: skip
        start_rows(*arguments)
        self._counters[0] = count
        packets.arena = memoryview(b"")
        held = self._rounds(batch, {IN_BATCH: (self._identity_view, count)})
        if held:
            arena = bytearray()
            while held:
                held.sort(key=packets.views["frame"].__getitem__)
                resumed = [row for row in held if self._resume(batch, row, arena)]
                packets.arena = memoryview(bytes(arena))
                held = self._rounds(batch, self._split(resumed))
        packets.count = self._counters[0]
        packets.order = (
            self._identity_view
            if packets.count == count
            else view_of(np.argsort(packets.arrays["frame"][: packets.count], kind="stable").astype(np.int32))
        )
        return packets

    def _rounds(self, batch: Batch, todo: dict[int, tuple[memoryview, int]]) -> list[int]:
        """Decode these rows, and the packets inside them, to the end; returns those that are fragments."""
        held: list[int] = []
        while todo:
            again: list[int] = []
            for source, (rows, length) in todo.items():
                if self._round(rows, length, source, batch):
                    there = np.asarray(rows[:length])
                    held += there[self.cursors.arrays["layer"][there] == codes.FRAGMENT].tolist()
                if self._counters[1]:
                    again += self._again[: self._counters[1]].tolist()
            todo = self._split(again)
        return held

    def _round(self, rows: memoryview, length: int, source: int, batch: Batch) -> int:
        """Run every kernel once over these rows; returns how many of them are fragments."""
        data = self.packets.arena if source == IN_ARENA else batch.data
        self._counters[1] = 0
        if rows is not self._identity_view:
            decode_tunnels(rows, length, data, *self._current.tunnel)
        decode_links(rows, length, data, batch.views["link_type"], *self._tables, *self._current.link)
        found: int = decode_networks(rows, length, data, *self._current.network)
        decode_transports(
            rows, length, self._again_view, self._counters, data, source, *self._current.transport
        )
        return found

    def _split(self, again: list[int]) -> dict[int, tuple[memoryview, int]]:
        """The rows of the next round by the buffer their bytes lie in, in the order of their frames."""
        todo: dict[int, tuple[memoryview, int]] = {}
        if not again:
            return todo
        rows = np.array(again, np.int32)
        source, frame = self.packets.arrays["source"][rows], self.packets.arrays["frame"][rows]
        for buffer in (IN_BATCH, IN_ARENA):
            there = np.flatnonzero(source == buffer)
            if there.size:
                there = there[np.argsort(frame[there], kind="stable")]
                todo[buffer] = (view_of(rows[there]), there.size)
        return todo

    def _resume(self, batch: Batch, row: int, arena: bytearray) -> bool:
        """Hand a fragment to the reassembler; True if the row goes on with the whole datagram."""
        packet, cursor = self.packets.arrays, self.cursors.arrays
        data = self.packets.arena if packet["source"][row] == IN_ARENA else batch.data
        index = int(packet["frame"][row])
        at, end = int(cursor["at"][row]), int(cursor["end"][row])
        key = b"%d %d %x %x %x %x %x" % (
            packet["ip_version"][row], packet["protocol"][row], packet["src_hi"][row], packet["src_lo"][row],
            packet["dst_hi"][row], packet["dst_lo"][row], cursor["fragment_id"][row],
        )  # fmt: skip
        whole = self.reassembler.add(
            key,
            batch.first_frame + index,
            int(batch.arrays["time_ns"][index]),
            int(cursor["fragment_offset"][row]),
            bool(cursor["fragment_more"][row]),
            data[at:end] if end > at else b"",
            int(cursor["wire_end"][row]) - at,
            b"",
            int(batch.arrays["wire_bytes"][index]),
        )
        if whole is None:
            cursor["layer"][row] = codes.NONE
            packet["protocol"][row] = 0
            return False
        others = whole.frames[:-1]
        if others:
            known = self._reassembled
            first = min(frame for frame, _ in others)
            self._reassembled = Tally(
                known.frames + len(others),
                known.bytes + sum(size for _, size in others),
                min(first, known.first_frame or first),
            )
        # The datagram goes behind the IP header of the fragment that completed it.
        header = bytes(data[packet["network_offset"][row] : at])
        packet["network_offset"][row] = len(arena)
        start = len(arena) + len(header)
        arena += header + whole.payload
        packet["source"][row] = IN_ARENA
        packet["fragments"][row] = whole.fragments
        packet["ip_bytes"][row] = len(header) + whole.total_bytes
        if cursor["path"][row] % codes.PATH_BASE == codes.FRAGMENT:
            cursor["path"][row] //= codes.PATH_BASE
        cursor["layer"][row] = codes.NEXT
        cursor["at"][row] = start
        cursor["end"][row] = start + len(whole.payload)
        cursor["wire_end"][row] = start + whole.total_bytes
        return True

    def fragment_tallies(self) -> list[tuple[int, Tally]]:
        """Frames that were fragments, by verdict: put together, never complete, refused."""
        return [
            (codes.REASSEMBLED, self._reassembled),
            (codes.FRAGMENT_INCOMPLETE, self.reassembler.incomplete()),
            *((_REFUSED[reason], part) for reason, part in self.reassembler.refused().items()),
        ]
