"""One frame under the lens: the state of both half-streams before and after it, and its labels.

A batch is divided at the frame, so that the same kernels that analyse whole captures run up to it, over
it and, where later frames are of interest, on from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field

from netanalyze.columns import GrowingRows, view_of
from netanalyze.errors import UsageError
from netanalyze.flow import fields as flow_fields
from netanalyze.flow.copies import Copy, RecentPackets
from netanalyze.tcp import event_fields, wireshark_fields
from netanalyze.tcp.events import event_columns
from netanalyze.tcp.half_stream import HalfStream, WiresharkHalf, half_stream, wireshark_half
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.sequence import WIRESHARK_COLUMNS, Sequences
from netanalyze.tcp.streams import Streams, keep_times_in_reach
from netanalyze.tcp.tap import Taps
from netanalyze.tcp.wireshark_kernel import label_segments
from netanalyze.wire import codes
from netanalyze.wire.packets import DAMAGED, IN_ARENA, QUOTED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import FlowTable
    from netanalyze.wire.decode import Decoder
    from netanalyze.wire.packets import Packets

_TCP = 6
_SACK_BLOCKS = 4

Pair = tuple[HalfStream, HalfStream]
"""Of the sender of the segment, and of the other side."""


class Labels(Struct, frozen=True):
    """What one set of rules says of a segment.

    Attributes:
        bits: kinds of events.
        facts: columns of ``Segments``; those about events only where the bits name them.
    """

    bits: int
    facts: Mapping[str, int]


class Explained(Struct):
    """What is known of one frame.

    Attributes:
        frame: its number.
        time_ns, wire_bytes, captured_bytes: of its record.
        verdict, detail: what became of it (``wire.codes``).
        packets: columns of each packet in it, the outermost first.
        row: which of them the frame is about where that is a TCP segment, else None.
        sack: SACK blocks of that segment, numbers as in the header.
        copy: what it is a copy of, if it was left out for that.
        start_ns: time of the first frame of its stream.
        client: which side of the stream is the client.
        earlier_stream: the latest stream before with the same endpoints, -1 if there is none.
        copies_before: whether copies of earlier segments of its stream were left out.
        like_wireshark: whether it was analysed by Wireshark's rules.
        ours, before, after: labels by our own rules and the state that they look at; None where it was
            not analysed.
        wireshark, wireshark_before, wireshark_after: the same for Wireshark's.
        events: columns of the table ``events`` for this frame.
        later: whether later frames were read as well.
    """

    frame: int
    time_ns: int
    wire_bytes: int
    captured_bytes: int
    verdict: int
    detail: int
    like_wireshark: bool
    packets: list[dict[str, int]] = field(default_factory=list)
    row: int | None = None
    sack: tuple[tuple[int, int], ...] = ()
    copy: Copy | None = None
    start_ns: int = 0
    client: int = 0
    earlier_stream: int = -1
    copies_before: bool = False
    ours: Labels | None = None
    before: Pair | None = None
    after: Pair | None = None
    opener: HalfStream | None = None
    wireshark: Labels | None = None
    wireshark_before: tuple[WiresharkHalf, WiresharkHalf] | None = None
    wireshark_after: tuple[WiresharkHalf, WiresharkHalf] | None = None
    wireshark_trip: int = 0
    events: dict[str, Any] = field(default_factory=dict)
    later: bool = False

    @property
    def segment(self) -> dict[str, int]:
        """The packet that is the TCP segment."""
        assert self.row is not None  # noqa: S101 - asked for only where there is one
        return self.packets[self.row]


class FrameWatch:
    """The last stage of an analysis that is about one frame.

    Attributes:
        done: whether everything asked for is known.
    """

    def __init__(
        self, number: int, decoder: Decoder, flows: FlowTable, *, like_wireshark: bool, later: bool
    ) -> None:
        """Wait for a frame.

        Args:
            number: of the frame, from 1.
            decoder: whose packets will be fed.
            flows: which has given them their streams.
            like_wireshark: go by Wireshark's rules; copies are kept then.
            later: read on, for what later frames tell about it.

        Raises:
            UsageError: no frame has such a number.
        """
        if number < 1:
            message = f"no frame {number}: frames are numbered from 1"
            raise UsageError(message)
        self.done = False
        self._number = number
        self._flows = flows
        self._facts = decoder.facts
        self._like_wireshark = like_wireshark
        self._later = later
        self._sequences = Sequences(
            decoder.packets.capacity, like_wireshark=like_wireshark, keep_events=True, compare=True
        )
        self._taps = Taps(self._sequences.segments)
        self._wireshark = _AsWireshark(decoder.packets.capacity)
        self._recent = RecentPackets()
        self._copied: set[int] = set()
        self._found: Explained | None = None
        self._frames = 0

    def feed(self, batch: Batch, packets: Packets) -> None:
        """Take a batch whose packets have their streams."""
        keep_times_in_reach(batch)
        self._frames += batch.count
        index = self._number - batch.first_frame
        if not 0 <= index < batch.count:
            self._run(batch, packets, 0, packets.count)
            if self._found is None:
                self._recent.add(batch, packets)
                self._note_copies(packets, packets.count)
            return
        frames = packets.arrays["frame"][np.asarray(packets.order[: packets.count])]
        first, end = np.searchsorted(frames, [index, index + 1]).tolist()
        self._run(batch, packets, 0, first)
        self._note_copies(packets, first)
        self._found = self._look(batch, packets, first, end)
        if self._later:
            self._run(batch, packets, end, packets.count)
        else:
            self.done = True

    def explained(self, service_ports: Collection[int]) -> Explained:
        """What was found, after the last batch.

        Args:
            service_ports: on which servers listen, to tell who is the client.

        Raises:
            UsageError: the capture has no frame of this number.
        """
        found = self._found
        if found is None:
            there = "it has none" if not self._frames else f"its last is {self._frames}"
            message = f"no frame {self._number} in the capture: {there}"
            raise UsageError(message)
        found.later = self._later
        if found.row is None or found.segment["stream"] < 0:
            return found
        stream = found.segment["stream"]
        streams = Streams(self._flows.tcp, service_ports)
        only = slice(stream, stream + 1)
        found.client = int(streams.sides(only)[0])
        found.start_ns = int(streams.word(flow_fields.FIRST_NS, only)[0])
        if found.ours is not None:
            events = self._sequences.events()
            events = events[events[:, event_fields.FRAME] == self._number]
            found.events = event_columns(events, streams)
            found.events["tap"] = self._taps.evidence(streams, found.events["stream"])["tap"]
        return found

    def _run(self, batch: Batch, packets: Packets, first: int, end: int) -> None:
        """Run the kernels over some of the rows in order of their frames."""
        order, count = packets.order, packets.count
        packets.order, packets.count = order[first:end], end - first
        self._sequences.feed(batch, packets, self._flows.tcp.count)
        self._taps.feed(batch, packets, self._flows.tcp.count)
        self._wireshark.feed(batch, packets, self._flows.tcp.count)
        packets.order, packets.count = order, count

    def _note_copies(self, packets: Packets, end: int) -> None:
        rows = np.asarray(packets.order[:end])
        rows = rows[(packets.arrays["duplicate"][rows] != 0) & (packets.arrays["protocol"][rows] == _TCP)]
        self._copied.update(packets.arrays["stream"][rows].tolist())

    def _look(self, batch: Batch, packets: Packets, first: int, end: int) -> Explained:
        index = self._number - batch.first_frame
        verdict, detail = divmod(int(self._facts.arrays["verdict"][index]), codes.DETAIL_BASE)
        found = Explained(
            frame=self._number,
            time_ns=int(batch.arrays["time_ns"][index]),
            wire_bytes=int(batch.arrays["wire_bytes"][index]),
            captured_bytes=int(batch.arrays["captured_bytes"][index]),
            verdict=verdict,
            detail=detail,
            like_wireshark=self._like_wireshark,
        )
        rows = [row for row in packets.order[first:end] if packets.arrays["protocol"][row]]
        found.packets = [_packet(batch, packets, row) for row in rows]
        tcp = [place for place, packet in enumerate(found.packets) if packet["protocol"] == _TCP]
        # The innermost: what an ICMP error quotes, if nothing else.
        found.row = tcp[-1] if tcp else None
        if found.row is None or found.segment["stream"] < 0:
            self._run(batch, packets, first, end)
            found.copy = self._copy(batch, packets, rows)
            return found
        row, stream = rows[found.row], found.segment["stream"]
        found.sack = _sack(batch, packets, row)
        found.copy = self._copy(batch, packets, [row])
        found.copies_before = stream in self._copied
        found.earlier_stream = _earlier(self._flows.tcp.state, stream)
        half = 2 * stream + found.segment["side"]
        before, shadow = self._halves(half), self._wireshark.halves(half)
        opener = half_stream(self._sequences, 2 * stream)
        trip = self._wireshark.first_trip(stream)
        self._run(batch, packets, first, end)
        if found.segment["role"] in (QUOTED, DAMAGED):
            return found
        found.wireshark = self._wireshark.labels(row)
        found.wireshark_trip = trip
        found.wireshark_before, found.wireshark_after = shadow, self._wireshark.halves(half)
        if self._sequences.segments.arrays["analysed"][row] and not found.segment["duplicate"]:
            found.ours = _labels(self._sequences.segments, row)
            found.before, found.after, found.opener = before, self._halves(half), opener
        return found

    def _copy(self, batch: Batch, packets: Packets, rows: list[int]) -> Copy | None:
        for row in rows:
            if packets.arrays["duplicate"][row]:
                return self._recent.copied(batch, packets, row)
        return None

    def _halves(self, half: int) -> Pair:
        return half_stream(self._sequences, half), half_stream(self._sequences, half ^ 1)


class _AsWireshark:
    """Wireshark's labels beside ours: copies are segments like others."""

    def __init__(self, capacity: int) -> None:
        self._none = view_of(np.zeros(capacity, np.uint8))
        self._segments = Segments(capacity)
        self._facts = self._segments.pick(
            "labels", "again_of", "again_ns", "dup_number", "dup_of", "gap_bytes"
        )
        self._state = GrowingRows(wireshark_fields.WORDS)
        self._nodes = GrowingRows(wireshark_fields.NODE_WORDS)
        self._counters = view_of(np.zeros(2, np.int64))

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        views = {name: packets.views[name] for name in WIRESHARK_COLUMNS} | {"duplicate": self._none}
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"], *views.values(),
            self._state.reach(2 * streams), self._nodes.reach(self._counters[0] + packets.count + 1),
            self._counters, *self._facts,
        )  # fmt: skip
        label_segments(*arguments)

    def halves(self, half: int) -> tuple[WiresharkHalf, WiresharkHalf]:
        self._state.reach((half | 1) + 1)
        state, nodes = self._state.array, self._nodes.array
        return wireshark_half(state, nodes, half), wireshark_half(state, nodes, half ^ 1)

    def first_trip(self, stream: int) -> int:
        """The first round trip time of a stream, 0 if it is not known."""
        return int(self._state.array[2 * stream + 1, wireshark_fields.SYN_NS])

    def labels(self, row: int) -> Labels:
        return _labels(self._segments, row)


def _labels(segments: Segments, row: int) -> Labels:
    facts = {name: int(column[row]) for name, column in segments.arrays.items()}
    return Labels(facts["labels"], facts)


def _packet(batch: Batch, packets: Packets, row: int) -> dict[str, int]:
    found = {name: int(column[row]) for name, column in packets.arrays.items()}
    found["time_ns"] = int(batch.arrays["time_ns"][found["frame"]])
    return found


def _sack(batch: Batch, packets: Packets, row: int) -> tuple[tuple[int, int], ...]:
    data = packets.arena if packets.arrays["source"][row] == IN_ARENA else batch.data
    at, blocks = int(packets.arrays["sack_offset"][row]), int(packets.arrays["sack_blocks"][row])
    found = []
    for place in range(at, at + 8 * min(blocks, _SACK_BLOCKS), 8):
        octets = bytes(data[place : place + 8])
        if len(octets) == 8:  # noqa: PLR2004 - two numbers of four octets
            found.append((int.from_bytes(octets[:4], "big"), int.from_bytes(octets[4:], "big")))
    return tuple(found)


def _earlier(streams: NDArray[np.uint64], stream: int) -> int:
    """The latest stream before this one between the same endpoints."""
    mine, others = streams[stream], streams[:stream]
    a, b = [flow_fields.A_HI, flow_fields.A_LO], [flow_fields.B_HI, flow_fields.B_LO]
    ports = int(mine[flow_fields.PORTS])
    turned = (ports >> 16 & 0xFFFF) << 32 | (ports >> 32 & 0xFFFF) << 16 | ports & 0xFFFF
    same = (others[:, flow_fields.PORTS] == mine[flow_fields.PORTS]) & (others[:, a + b] == mine[a + b]).all(
        1
    )
    same |= (others[:, flow_fields.PORTS] == np.uint64(turned)) & (others[:, b + a] == mine[a + b]).all(1)
    found = np.flatnonzero(same)
    return int(found[-1]) if found.size else -1
