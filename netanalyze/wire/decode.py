"""The decoder: a batch of frames in, packets and a verdict on every frame out.

It runs the kernels in rounds. A round takes rows whose cursor stands somewhere in a frame and moves
it past a tunnel's header, link headers, IP headers and a transport header. Packets found inside
others, and datagrams that a fragment completed, go into the next round; a bound on the number of
headers ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import Columns, view_of
from netanalyze.wire import codes
from netanalyze.wire.fragments import Reassembler, Tally
from netanalyze.wire.link_kernel import decode_links, link_tables, start_rows
from netanalyze.wire.network_kernel import decode_networks
from netanalyze.wire.packets import IN_ARENA, IN_BATCH, Packets
from netanalyze.wire.transport_kernel import decode_transports
from netanalyze.wire.tunnel_kernel import decode_tunnels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch

ROWS_A_FRAME = 8
"""Room for packets inside packets; memory is only touched where it is used."""

_LAYER_OF_PROTOCOL = {
    1: codes.ICMP,
    4: codes.IP,
    6: codes.TCP,
    17: codes.UDP,
    41: codes.IPV6,
    47: codes.GRE,
    51: codes.AH,
    58: codes.ICMPV6,
    137: codes.MPLS,
}
_EXTENSION_HEADERS = frozenset({0, 43, 60, 135, 139, 140})
_ESP = 50


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


class Decoder:
    """Decodes batch after batch; between them it keeps only fragments that wait for others.

    Attributes:
        packets: what the last batch held, overwritten by the next.
        facts: verdict and path of the last batch's frames.
        cursors: path of each row, beside working state.
    """

    def __init__(self, batch_capacity: int) -> None:
        """A decoder for batches of at most ``batch_capacity`` frames."""
        rows = batch_capacity * ROWS_A_FRAME
        self.packets = Packets(rows)
        self.cursors = Cursors(rows)
        self.facts = FrameFacts(batch_capacity)
        self.reassembler = Reassembler()
        self._reassembled = Tally(0, 0, 0)
        self._identity: NDArray[np.int32] = np.arange(rows, dtype=np.int32)
        self._identity_view = view_of(self._identity)
        self._again: NDArray[np.int32] = np.zeros(rows, np.int32)
        self._again_view = view_of(self._again)
        self._counters = view_of(np.zeros(2, np.int64))
        self._bind()

    def _bind(self) -> None:
        """The kernels' arguments that stay the same from call to call."""
        packets, cursors = self.packets.pick, self.cursors.pick
        verdict = self.facts.pick("verdict")
        cursor = cursors("layer", "at", "end", "wire_end", "depth", "path")
        self._start_columns = (
            *packets("frame"), *cursor, *packets("link_hash", "source", "role", "protocol"), *verdict
        )  # fmt: skip
        self._link_columns = (*packets("frame"), *cursor, *packets("link_hash"), *verdict)
        self._tunnel_columns = (*packets("frame", "role"), *cursors("parent"), *cursor, *verdict)
        self._network_columns = (
            *packets("frame", "role"),
            *cursor,
            *cursors("fragment_offset", "fragment_more", "fragment_id"),
            *packets(
                "ip_version", "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo", "ip_id", "ttl", "tos",
                "ip_bytes", "network_offset", "fragments",
            ),
            *verdict,
        )  # fmt: skip
        self._transport_columns = (
            *packets("frame", "role", "source"),
            *cursors("parent"),
            *cursor,
            *packets(
                "link_hash", "protocol", "sport", "dport", "transport_offset", "payload_offset",
                "payload_bytes", "payload_captured", "checksum", "seq", "ack", "flags", "window", "mss",
                "window_scale", "sack_permitted", "sack_offset", "sack_blocks", "tsval", "tsecr",
            ),
            *verdict,
        )  # fmt: skip
        self._tables = link_tables()

    def decode(self, batch: Batch) -> Packets:
        """Decode every frame of a batch that is marked to be kept.

        Returns:
            ``self.packets``, valid until the next call. ``order`` lists its rows in the order of
            their frames.
        """
        packets = self.packets
        count = batch.count
        arguments = (
            count, 0,
            *batch.pick("link_type", "offset", "captured_bytes", "wire_bytes", "keep"),
            *self._tables, codes.LEFT_OUT * codes.DETAIL_BASE, *self._start_columns,
        )  # fmt: skip
        start_rows(*arguments)
        self._counters[0] = count
        arena = bytearray()
        todo = {IN_BATCH: (self._identity_view, count)}
        while todo:
            again: list[int] = []
            held: list[int] = []
            data = memoryview(bytes(arena)) if IN_ARENA in todo else batch.data
            for source, (rows, length) in todo.items():
                here = data if source == IN_ARENA else batch.data
                if self._round(rows, length, here, source, batch):
                    layers = self.cursors.arrays["layer"][np.asarray(rows[:length])]
                    found = np.asarray(rows[:length])[layers == codes.FRAGMENT].tolist()
                    held += [row for row in found if self._resume(batch, row, here, arena)]
                if self._counters[1]:
                    again += self._again[: self._counters[1]].tolist()
            todo = self._split(again, held)
        packets.arena = memoryview(bytes(arena))
        packets.count = self._counters[0]
        packets.order = (
            self._identity_view
            if packets.count == count
            else view_of(np.argsort(packets.arrays["frame"][: packets.count], kind="stable").astype(np.int32))
        )
        return packets

    def _round(self, rows: memoryview, length: int, data: memoryview, source: int, batch: Batch) -> int:
        """Run every kernel once over these rows; returns how many of them are fragments."""
        self._counters[1] = 0
        if rows is not self._identity_view:
            decode_tunnels(rows, length, data, *self._tunnel_columns)
        decode_links(rows, length, data, batch.views["link_type"], *self._tables, *self._link_columns)
        found: int = decode_networks(rows, length, data, *self._network_columns)
        decode_transports(
            rows, length, self._again_view, self._counters, data, source, *self._transport_columns
        )
        return found

    def _split(self, again: list[int], resumed: list[int]) -> dict[int, tuple[memoryview, int]]:
        """The rows of the next round by the buffer their bytes lie in."""
        todo: dict[int, tuple[memoryview, int]] = {}
        source = self.packets.arrays["source"]
        for buffer in (IN_BATCH, IN_ARENA):
            rows = [row for row in again if source[row] == buffer]
            if buffer == IN_ARENA:
                rows += resumed
            if rows:
                todo[buffer] = (view_of(np.array(rows, np.int32)), len(rows))
        return todo

    def _resume(self, batch: Batch, row: int, data: memoryview, arena: bytearray) -> bool:
        """Hand a fragment to the reassembler; True if the row goes on with the whole datagram."""
        packet, cursor = self.packets.arrays, self.cursors.arrays
        index = int(packet["frame"][row])
        at, end = int(cursor["at"][row]), int(cursor["end"][row])
        number = int(packet["protocol"][row])
        key = b"%d %d %x %x %x %x %x" % (
            packet["ip_version"][row], number, packet["src_hi"][row], packet["src_lo"][row],
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
        start = len(arena)
        arena += whole.payload
        number, skipped = _skip_extensions(number, whole.payload)
        layer = _LAYER_OF_PROTOCOL.get(number, codes.NONE)
        packet["source"][row] = IN_ARENA
        packet["protocol"][row] = number
        packet["fragments"][row] = whole.fragments
        packet["ip_bytes"][row] = at - packet["network_offset"][row] + whole.total_bytes
        cursor["path"][row] //= codes.PATH_BASE
        cursor["layer"][row] = layer
        cursor["at"][row] = start + skipped
        cursor["end"][row] = start + len(whole.payload)
        cursor["wire_end"][row] = start + whole.total_bytes
        if layer == codes.NONE:
            verdict = codes.ENCRYPTED if number == _ESP else codes.OTHER_TRANSPORT
            detail = 0 if number == _ESP else number
            self.facts.arrays["verdict"][index] = verdict * codes.DETAIL_BASE + detail
            return False
        return True

    def fragment_tallies(self) -> list[tuple[int, Tally]]:
        """Frames that were fragments, by verdict: put together, never complete, refused."""
        refused = self.reassembler.refused().values()
        return [
            (codes.REASSEMBLED, self._reassembled),
            (codes.FRAGMENT_INCOMPLETE, self.reassembler.incomplete()),
            *((codes.FRAGMENT_REFUSED, part) for part in refused),
        ]


def _skip_extensions(number: int, payload: bytes) -> tuple[int, int]:
    """Past the IPv6 extension headers that may lead a reassembled payload: (next header, offset)."""
    at = 0
    while number in _EXTENSION_HEADERS and at + 8 <= len(payload):
        number, length = payload[at], (payload[at + 1] + 1) * 8
        at += length
    return number, min(at, len(payload))
