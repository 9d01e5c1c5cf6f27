"""The bytes of TCP streams in order, each once, as soon as they are in order, with gaps as values.

The kernel decides while segments come in order; ``Waiting`` keeps what comes too early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from netanalyze.columns import GrowingRows, view_of
from netanalyze.flow.summary import client_by_ports
from netanalyze.model import Gap
from netanalyze.tcp import reassembly_fields as fields
from netanalyze.tcp.assembler import FIRST
from netanalyze.tcp.byte_streams import Ending, StreamFacts
from netanalyze.tcp.reassembly_kernel import follow_segments
from netanalyze.tcp.tell_kernel import tell
from netanalyze.tcp.waiting import HALF_LIMIT, TOTAL_LIMIT, Losses, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.byte_streams import Consumer
    from netanalyze.wire.packets import Packets

_COLUMNS = (
    "frame", "role", "protocol", "source", "stream", "side", "duplicate", "seq", "ack", "flags",
    "payload_offset", "payload_bytes", "payload_captured",
)  # fmt: skip
_ENDED = fields.FINISHED | fields.RESET


class _Nobody:
    """Takes what is told of a stream that is over."""

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""


_NOBODY = _Nobody()


class Reassembly:
    """Puts the streams together that somebody asked for, and tells their consumers."""

    def __init__(  # noqa: PLR0913 - all but two are options, given by name
        self,
        capacity: int,
        open_consumer: Callable[[StreamFacts], Consumer],
        *,
        policy: str = FIRST,
        service_ports: Collection[int] = (),
        half_limit: int = HALF_LIMIT,
        total_limit: int = TOTAL_LIMIT,
    ) -> None:
        """Nothing seen yet.

        Args:
            capacity: how many packets a batch holds at most.
            open_consumer: is asked for the consumer of a stream when there is something to tell it.
            policy: which copy of bytes counts that came twice while they waited (``assembler``).
            service_ports: on which servers listen, to tell the client where no SYN was captured.
            half_limit: bytes of a half-stream that may wait.
            total_limit: bytes that may wait in all.
        """
        self._open = open_consumer
        self._services = frozenset(service_ports)
        self._views: Mapping[str, memoryview] = {}  # of the packets that are looked at
        self._out = np.zeros((fields.REPORT_COLUMNS, capacity * fields.REPORTS_A_PACKET), np.int64)
        self._out_view = view_of(self._out)
        self._counters = view_of(np.zeros(fields.COUNTERS, np.int64))
        self._slot_of = GrowingRows(1, "i4")
        self._rows = GrowingRows(fields.WORDS)
        self._free = GrowingRows(1)
        self._consumers: list[Any] = []  # by slot; None where there is none
        self._trips = -1, -1  # to the sides of the stream that is opened next
        self._ended: set[int] = set()  # keys of half-streams that have, of streams that are not over
        self._over: set[int] = set()  # slots of streams that are, to be free after the batch
        self._waiting = Waiting(policy, half_limit, total_limit, self._consumer_of)

    @property
    def losses(self) -> Losses:
        """What was lost so far, over all streams."""
        waited = self._waiting.losses
        return replace(
            waited,
            beyond_bytes=waited.beyond_bytes + self._counters[fields.BEYOND],
            implausible_segments=self._counters[fields.IMPLAUSIBLE],
            early_bytes=self._counters[fields.EARLY],
        )

    def feed(self, batch: Batch, packets: Packets, streams: int, asked: memoryview) -> None:
        """Take the segments of a batch.

        Args:
            batch: the frames.
            packets: their packets, with stream numbers.
            streams: how many streams there are.
            asked: a row of one byte for each stream: with a bit of ``fields.ASKED`` it is put together.
        """
        self._views = packets.views
        slots = self._counters[fields.SLOTS] + packets.count
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"],
            *packets.pick(*_COLUMNS), asked, self._slot_of.reach(streams), self._rows.reach(2 * slots),
            self._free.reach(slots), self._counters, self._out_view,
        )  # fmt: skip
        count = follow_segments(*arguments)
        if count:
            self._consumers += [None] * (self._counters[fields.SLOTS] - len(self._consumers))
            self._tell(batch.data, packets.arena, count)
            self._settle()

    def finish(self, last_ns: int) -> None:
        """Nothing more comes: what waits is handed over with the gaps before it, and every stream ends.

        Args:
            last_ns: the time by then.
        """
        rows = self._rows.array[: 2 * self._counters[fields.SLOTS]]
        streams = rows[::2, fields.STREAM]
        open_slots = np.flatnonzero((streams >= 0) & ((rows[::2, fields.FLAGS] & fields.OPENED) != 0))
        for slot in open_slots[np.argsort(streams[open_slots])].tolist():
            self._finish_slot(slot, last_ns)

    def end(self, stream: int, last_ns: int) -> None:
        """The same of one stream, of which nothing is to be told any more."""
        slot = self._slot(stream)
        if slot < 0:
            return
        if self._rows.array[2 * slot, fields.FLAGS] & fields.OPENED:
            self._finish_slot(slot, last_ns)
        else:
            self._free_slot(slot)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order. Others have ended."""
        self._slot_of.reach(count)
        self._slot_of.keep(streams, count)
        place = np.full(count, -1, np.int64)
        place[streams] = np.arange(len(streams))
        number = self._rows.array[: 2 * self._counters[fields.SLOTS], fields.STREAM]
        there = number >= 0
        number[there] = place[number[there]]

    def replace(self, stream: int, consumer: Consumer) -> None:
        """From now on this consumer is told of a stream that has one."""
        slot = self._slot(stream)
        if slot >= 0:
            self._consumers[slot] = consumer

    def drop(self, stream: int) -> None:
        """Nobody asks for a stream any more: its consumer is told nothing, not even that."""
        slot = self._slot(stream)
        if slot >= 0:
            self._free_slot(slot)

    def _slot(self, stream: int) -> int:
        """The slot of a stream, a negative number if it has none."""
        slots: Any = self._slot_of.view
        found: int = slots[stream, 0] - 1 if stream < len(slots) else -1
        return found

    def _consumer_of(self, key: int) -> Consumer:
        consumer: Consumer = self._consumers[key >> 1]
        return consumer

    def _tell(self, data: memoryview, arena: memoryview, count: int) -> None:
        """Go through the kernel's reports."""
        consumers = self._consumers

        def other(  # noqa: PLR0913, PLR0917 - a report's columns
            kind: int, key: int, offset: int, length: int, at: int, captured: int, frame: int, time_ns: int
        ) -> None:
            if kind == fields.GAP:
                consumers[key >> 1].gap(key & 1, Gap(offset, length), frame, time_ns)
            elif kind in {fields.FIN, fields.RST}:
                ending = Ending.FIN if kind == fields.FIN else Ending.RESET
                consumers[key >> 1].end(key & 1, ending, frame, time_ns)
                self._ended.add(key)
                self._close_if_over(key, time_ns)
            elif kind == fields.OPEN:
                consumers[key >> 1] = self._open(self._facts(length, captured, offset, at))
            elif kind == fields.TRIPS:
                self._trips = offset, length
            elif kind == fields.CLOSE:
                if consumers[key >> 1] is not None:
                    consumers[key >> 1].finish(time_ns)
                self._ended -= {key, key ^ 1}
                consumers[key >> 1] = None
            else:
                buffer = data if kind == fields.SEGMENT else arena
                self._wait(key, kind, offset, length, buffer[at : at + captured], (frame, time_ns))

        tell(self._out_view, count, data, arena, consumers, other)

    def _wait(  # noqa: PLR0913, PLR0917 - a report's columns
        self, key: int, kind: int, offset: int, length: int, data: memoryview, moment: tuple[int, int]
    ) -> None:
        """A report on a half-stream that waits."""
        waiting = self._waiting
        held = waiting.get(key)
        if held is None:
            rows: Any = self._rows.view
            held = waiting.begin(key, rows[key, fields.NEXT])
        if kind <= fields.SEGMENT + fields.IN_ARENA:
            waiting.segment(held, offset, length, data, moment)
        elif kind == fields.LOST:
            waiting.lost(held, offset, moment)
        elif kind == fields.FIN_AT:
            waiting.close(held, offset, moment)
        else:
            waiting.break_off(held, moment)
        if held.ending is not None:
            self._ended.add(key)
        if key in self._ended:
            self._close_if_over(key, moment[1])

    def _close_if_over(self, key: int, time_ns: int) -> None:
        """End a stream of which both sides have ended and one is the caller's business, not the kernel's."""
        other = key ^ 1
        if other not in self._ended or key >> 1 in self._over:
            return
        held = [found for found in map(self._waiting.get, (key, other)) if found is not None]
        if held and not any(half.waits for half in held):
            self._consumers[key >> 1].finish(time_ns)
            self._consumers[key >> 1] = _NOBODY  # of what else the kernel has reported of it
            self._over.add(key >> 1)

    def _settle(self) -> None:
        """Tell the kernel where the half-streams are that waited, and let go of those that do no more."""
        rows: Any = self._rows.view
        for held in self._waiting.touched():
            key = held.key
            rows[key, fields.NEXT] = held.next
            if held.ending is Ending.FIN:
                rows[key, fields.FLAGS] |= fields.FINISHED
            if held.broken_off:
                rows[key, fields.FLAGS] |= fields.RESET
            if not held.waits:
                rows[key, fields.FLAGS] &= ~fields.HELD
                self._waiting.forget(key)
        for slot in self._over:
            self._free_slot(slot)
        self._over.clear()

    def _finish_slot(self, slot: int, last_ns: int) -> None:
        """A stream ends because nothing more comes."""
        for key in sorted((2 * slot, 2 * slot + 1), key=self._waiting.since):
            self._finish_side(key)
        self._consumers[slot].finish(last_ns)
        self._free_slot(slot)

    def _finish_side(self, key: int) -> None:
        """Hand over what waits of a half-stream, and name what was acknowledged and is not there."""
        rows: Any = self._rows.view
        last = max(key, key ^ 1, key=lambda each: rows[each, fields.LAST_FRAME])
        moment = rows[last, fields.LAST_FRAME], rows[last, fields.LAST_NS]
        held = self._waiting.get(key)
        following = rows[key, fields.NEXT]
        flags = rows[key, fields.FLAGS]
        if held is not None:
            self._waiting.flush(held, moment)
            following = held.next
            if held.ending is not None:
                flags |= _ENDED
        missing = rows[key, fields.ACKED] - following
        # The FIN takes a sequence number too: where it was not captured, a single one is that.
        if missing > 1 and not flags & _ENDED:
            self._consumer_of(key).gap(key & 1, Gap(following, missing), *moment)

    def _free_slot(self, slot: int) -> None:
        rows: Any = self._rows.view
        slots: Any = self._slot_of.view
        free: Any = self._free.view
        slots[rows[2 * slot, fields.STREAM], 0] = -1
        for key in (2 * slot, 2 * slot + 1):
            self._waiting.forget(key)
            self._ended.discard(key)
            rows[key, fields.STREAM] = -1
        free[self._counters[fields.FREE], 0] = slot
        self._counters[fields.FREE] += 1
        if slot < len(self._consumers):
            self._consumers[slot] = None

    def _facts(self, row: int, bits: int, first_frame: int, first_ns: int) -> StreamFacts:
        """What is known of the stream of a packet."""
        view = self._views
        ports = view["sport"][row], view["dport"][row]
        source = view["src_hi"][row], view["src_lo"][row]
        addresses = source, (view["dst_hi"][row], view["dst_lo"][row])
        if view["side"][row]:
            ports = ports[1], ports[0]
            addresses = addresses[1], addresses[0]
        both = bits | bits >> fields.SIDE_SHIFT
        if both & fields.OPENER:
            client: int | None = 0 if bits & fields.OPENER else 1
        else:
            client = client_by_ports(*ports, self._services)
        started = bool(both & fields.STARTED)
        trips = [trip if trip >= 0 else None for trip in self._trips]
        to_client, to_server = trips if client == 0 else trips[::-1]
        if client is None:
            to_client = to_server = None
        return StreamFacts(
            view["stream"][row], client, ports, first_frame, first_ns, started, to_client, to_server,
            addresses=addresses, ip_version=view["ip_version"][row],
        )  # fmt: skip
