"""The sequence analysis of all streams: the kernels with the state they keep between batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import ALL, GrowingRows, view_of
from netanalyze.tcp import event_fields, sequence_fields, wireshark_fields
from netanalyze.tcp.kinds import COUNTS, KINDS
from netanalyze.tcp.node_lists import both_halves, give_back
from netanalyze.tcp.scoreboard_kernel import AMENDMENT_WORDS, Board
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.sequence_kernel import NODES_A_SEGMENT, analyse_segments
from netanalyze.tcp.tally_kernel import MOST_LABELS, tally_events
from netanalyze.tcp.wireshark_kernel import label_segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.wire.packets import Packets

RING_BYTES = 1 << 22
"""How much of the latest payload is kept to compare with what is sent again."""

_SEQUENCE_COLUMNS = (
    "frame", "role", "protocol", "source", "stream", "side", "opens", "duplicate", "seq", "ack",
    "flags", "window", "payload_offset", "payload_bytes", "payload_captured", "window_scale",
    "sack_permitted", "sack_offset", "sack_blocks", "tsval", "tsecr", "ip_id",
)  # fmt: skip
WIRESHARK_COLUMNS = (
    "frame", "role", "protocol", "stream", "side", "duplicate", "seq", "ack", "flags", "window",
    "payload_bytes", "window_scale", "opens",
)  # fmt: skip
_TALLY_COLUMNS = ("frame", "stream", "side", "seq", "ack", "flags", "payload_bytes")
_TALLY_FACTS = (
    "analysed", "labels", "cause", "again_of", "again_ns", "dup_number", "dup_of", "gap_bytes",
    "window_bytes", "peer_window",
)  # fmt: skip


class Sequences:
    """Analyses the segments of batch after batch.

    Attributes:
        segments: what was found out about the last batch, overwritten by the next.
        counts: how many events of each kind each half-stream had.
        event_count: how many rows of ``events`` are valid.
    """

    def __init__(
        self,
        capacity: int,
        *,
        like_wireshark: bool = False,
        keep_events: bool = False,
        compare: bool = False,
    ) -> None:
        """An analysis that has seen nothing.

        Args:
            capacity: how many packets a batch holds at most.
            like_wireshark: give the labels that Wireshark gives.
            keep_events: make a row of each event.
            compare: compare what is sent again with what was sent first; this means reading all payload.
        """
        self.segments = Segments(capacity)
        # Two rows for each stream, side 0 of stream n at 2n.
        self._state = GrowingRows(sequence_fields.LONG_WORDS)
        self._marks = GrowingRows(sequence_fields.SHORT_WORDS, "u4")
        self.counts = GrowingRows(len(KINDS), "i4")
        self.event_count = 0
        self._keep_events = keep_events
        self._nodes = GrowingRows(sequence_fields.NODE_WORDS)
        self._again = GrowingRows(sequence_fields.AGAIN_WORDS, sparse=True)
        self._board = Board()
        self._counters = view_of(np.zeros(5, np.int64))
        self._hole = view_of(np.zeros(5, np.int64))
        self._ring = view_of(np.zeros(RING_BYTES if compare else 0, np.uint8))
        self._amendments: list[NDArray[np.int64]] = []
        self._latest_amendments: NDArray[np.int64] = np.zeros((0, AMENDMENT_WORDS), np.int64)
        self._events = GrowingRows(event_fields.WORDS)
        self._segment_columns = self.segments.pick(*Segments.FIELDS)
        self._tally_facts = self.segments.pick(*_TALLY_FACTS)
        self._wireshark: _Wireshark | None = _Wireshark(self.segments) if like_wireshark else None

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        for rows in (self._state, self._marks):
            rows.prepare(2 * streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Analyse the segments of a batch; ``streams`` is how many streams there are with it."""
        rows = packets.count
        if self._keep_events and len(self._latest_amendments) < rows * 2:
            self._latest_amendments = np.zeros((rows * 2, AMENDMENT_WORDS), np.int64)
        self._counters[3] = 0
        nodes = self._counters[0] + rows * NODES_A_SEGMENT + 1
        self._board.use(
            self._state.reach(2 * streams),
            self._marks.reach(2 * streams),
            self._nodes.reach(nodes),
            self._again.reach(nodes),
            self._counters,
            view_of(self._latest_amendments),
        )
        arguments = (
            rows, packets.order, batch.first_frame, batch.views["time_ns"], batch.data, packets.arena,
            *packets.pick(*_SEQUENCE_COLUMNS), self._board, self._ring, self._hole, *self._segment_columns,
        )  # fmt: skip
        analyse_segments(*arguments)
        if self._counters[3]:
            self._amendments.append(self._latest_amendments[: self._counters[3]].copy())
        if self._wireshark is not None:
            self._wireshark.feed(batch, packets, streams)
        room = self._events.reach(self.event_count + (rows * MOST_LABELS if self._keep_events else 0))
        tally = (
            rows, packets.order, batch.first_frame, batch.views["time_ns"],
            *packets.pick(*_TALLY_COLUMNS), *self._tally_facts, self.counts.reach(2 * streams),
            room, self.event_count, self._keep_events,
        )  # fmt: skip
        self.event_count = tally_events(*tally)

    def totals(self, streams: int, rows: Rows = ALL) -> dict[str, NDArray[np.int64]]:
        """How many events of some kinds each stream had, both sides together; of some rows of so many."""
        names = ("retransmissions", "out_of_order", "duplicate_acks", "zero_windows")
        both = self.counts.array[: 2 * streams].reshape(streams, 2, len(KINDS))[rows]
        sides = both[:, :, [COUNTS.index(name) for name in names]].astype(np.int64)
        return dict(zip(names, (sides[:, 0] + sides[:, 1]).T, strict=True))

    def halves(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of ``sequence_fields`` of some half-streams; those that nothing came of have zeros."""
        if len(rows):
            for table in (self._state, self._marks):
                table.reach(int(rows.max()) + 1)
        return np.concatenate(
            [table.array[rows] for table in (self._state, self._marks)], axis=1, dtype=np.int64
        )

    def node(self, number: int) -> tuple[int, ...]:
        """The words of one node of the lists of half-streams."""
        return (*self._nodes.array[number].tolist(), *self._again.array[number].tolist())

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order, and of their events."""
        tables = (self._state, self._marks, self.counts)
        for table in tables:
            table.reach(2 * count)
        halves, gone = both_halves(streams, count)
        give_back(self._nodes.array, self._marks.array[gone], _LISTS, sequence_fields.AFTER, self._counters)
        for table in tables:
            table.keep(halves, 2 * count)
        if self._wireshark is not None:
            self._wireshark.keep(streams, count)
        place = np.full(count, -1, np.int64)
        place[streams] = np.arange(len(streams))
        events = self.events()
        events[:, event_fields.STREAM] = place[events[:, event_fields.STREAM]]
        self.keep_events(np.flatnonzero(events[:, event_fields.STREAM] >= 0))

    def keep_events(self, rows: NDArray[np.int64]) -> None:
        """Let go of all events but these, in ascending order."""
        self.events()  # so that nothing refers to others
        self._events.keep(rows, self.event_count)
        self.event_count = len(rows)

    def events(self) -> NDArray[np.int64]:
        """The events so far in the order of their frames, with what later frames told about them."""
        events: NDArray[np.int64] = self._events.array[: self.event_count]
        if self._amendments and self._wireshark is None:
            _amend(events, np.concatenate(self._amendments))
            self._amendments.clear()
        return events


_LISTS = tuple(
    word - sequence_fields.LONG_WORDS
    for word in (
        sequence_fields.OLDEST,
        sequence_fields.RECENT,
        sequence_fields.SACKED,
        sequence_fields.HOLES,
    )
)
"""Places among the 32-bit words."""


class _Wireshark:
    """The labels that Wireshark gives, put in the place of ours."""

    def __init__(self, segments: Segments) -> None:
        self._facts = segments.pick("labels", "again_of", "again_ns", "dup_number", "dup_of", "gap_bytes")
        self._cause = segments.arrays["cause"]
        self._state = GrowingRows(wireshark_fields.WORDS)
        self._nodes = GrowingRows(wireshark_fields.NODE_WORDS)
        self._counters = view_of(np.zeros(2, np.int64))

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        self._cause[np.asarray(packets.order[: packets.count])] = 0
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"],
            *packets.pick(*WIRESHARK_COLUMNS), self._state.reach(2 * streams),
            self._nodes.reach(self._counters[0] + packets.count + 1), self._counters, *self._facts,
        )  # fmt: skip
        label_segments(*arguments)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        self._state.reach(2 * count)
        halves, gone = both_halves(streams, count)
        lists = (wireshark_fields.OLDEST,)
        give_back(self._nodes.array, self._state.array[gone], lists, wireshark_fields.AFTER, self._counters)
        self._state.keep(halves, 2 * count)


def _amend(events: NDArray[np.int64], amendments: NDArray[np.int64]) -> None:
    """Write into events what was learned later; of several things about one, the first."""
    kind_of_bit = {1 << number: number for number in range(len(KINDS))}
    frames = events[:, event_fields.FRAME]
    for bit, number in kind_of_bit.items():
        mine = amendments[amendments[:, 0] == bit]
        if not len(mine):
            continue
        rows = np.flatnonzero(events[:, event_fields.KIND] == number)
        # Frames of one kind ascend, but for packets put together from fragments out of order.
        order = np.argsort(frames[rows], kind="stable")
        rows = rows[order]
        places = np.searchsorted(frames[rows], mine[:, 1])
        inside = places < len(rows)
        mine, places = mine[inside], places[inside]
        exact = frames[rows[places]] == mine[:, 1]
        for row, (_, _, later_frame, what) in zip(
            rows[places[exact]].tolist(), mine[exact].tolist(), strict=True
        ):
            if events[row, event_fields.LATER] == 0:
                events[row, event_fields.LATER_FRAME] = later_frame
                events[row, event_fields.LATER] = what
