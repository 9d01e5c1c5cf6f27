"""What held each half-stream up, and what a table says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from netanalyze.columns import GrowingRows, view_of
from netanalyze.model import known
from netanalyze.tcp import limit_fields as fields
from netanalyze.tcp.limit_kernel import limit_segments, settle_all
from netanalyze.tcp.node_lists import both_halves, give_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.sequence import Sequences
    from netanalyze.wire.packets import Packets

_PACKET_COLUMNS = (
    "frame", "stream", "side", "seq", "ack", "flags", "payload_bytes", "mss", "tsval",
)  # fmt: skip
_SEGMENT_COLUMNS = (
    "analysed", "labels", "cause", "dup_number", "new_bytes", "window_bytes", "peer_in_flight", "measured",
    "rtt_ns",
)  # fmt: skip
LEAST_SEGMENTS = 4
"""Of fewer segments no verdict is given: they were on their way before anything could hold them up."""

VERDICTS = ("application", "receiver_window", "loss", "slow_start", "path_rate", "send_buffer")
"""What a half-stream may have been limited by."""
_VERDICT_OF = {"recovery": "loss", "congestion_window": "loss"}
_LEAST_PART = 10
_WHOLE = 100
_MOST_NS = 1 << 56
"""A hundred times this fits in 64 bits."""


class Limits:
    """Accounts for the time of all half-streams, batch after batch."""

    def __init__(self, sequences: Sequences) -> None:
        """Nothing accounted for yet; ``sequences`` is the analysis that has seen each batch before."""
        self._times = GrowingRows(fields.TIME_WORDS)
        self._marks = GrowingRows(fields.MARK_WORDS, "u4")
        self._nodes = GrowingRows(fields.NODE_WORDS)
        self._counters = view_of(np.zeros(2, np.int64))
        self._segment_columns = sequences.segments.pick(*_SEGMENT_COLUMNS)

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        for table in (self._times, self._marks):
            table.prepare(2 * streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Account for the segments of a batch; ``streams`` is how many streams there are with it."""
        arguments = (
            packets.count, packets.order, batch.views["time_ns"], *packets.pick(*_PACKET_COLUMNS),
            *self._segment_columns,
            self._times.reach(2 * streams), self._marks.reach(2 * streams),
            self._nodes.reach(self._counters[0] + packets.count + 1), self._counters,
        )  # fmt: skip
        limit_segments(*arguments)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        halves, gone = both_halves(streams, count)
        for rows in (self._times, self._marks):
            rows.reach(2 * count)
        marks = self._marks.array[gone]
        give_back(self._nodes.array, marks, (fields.HEAD,), fields.AFTER, self._counters)
        for rows in (self._times, self._marks):
            rows.keep(halves, 2 * count)

    def settled(self, client: NDArray[np.int64]) -> Settled:
        """What is known now of each half-stream that sent payload: the rows of the table ``limits``.

        Args:
            client: which side of each stream is the client.
        """
        flags = self._marks.array[: 2 * len(client), fields.FLAGS]
        started = (flags & fields.STARTED) != 0
        # The client's half first.
        places = np.arange(len(started)) ^ np.repeat(client, 2)
        halves = places[started[places]]
        stream = halves >> 1
        return Settled(stream, (halves & 1) ^ client[stream], halves, self._settle)

    def _settle(self, halves: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """The complete accounts of these half-streams: times and marks.

        More segments may come, and more rows be asked for: what is settled is settled in copies.
        """
        times, marks = self._times.array[halves], self._marks.array[halves]
        counters = np.array(self._counters, np.int64)
        nodes = self._nodes.array[: counters[0] + 1].copy()
        settle_all(len(halves), view_of(times), view_of(marks), view_of(nodes), view_of(counters))
        return times, marks


class Settled(Struct, frozen=True):
    """The accounts of some half-streams; they are completed for the rows that are shown.

    Attributes:
        stream: of each, which stream it belongs to.
        sender: 0 where the client sends, 1 where the server does.
        halves: of each, its row in the analysis.
        settle: gives the rows of ``limit_fields.TIME_WORDS`` and ``limit_fields.MARK_WORDS`` of some of them.
    """

    stream: NDArray[np.int64]
    sender: NDArray[np.int64]
    halves: NDArray[np.int64]
    settle: Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.uint32]]]

    def numbered(self, number: Callable[[dict[str, Any]], dict[str, Any]]) -> Settled:
        """The same with other numbers of streams; ``number`` changes the column ``stream``."""
        return replace(self, **number({"stream": self.stream}))

    def columns(self, rows: slice | NDArray[np.int64]) -> dict[str, Any]:
        """The columns of some rows of the table ``limits``."""
        times, marks = self.settle(self.halves[rows])
        return {
            "stream": self.stream[rows],
            "sender": self.sender[rows],
            "bytes": times[:, fields.BYTES],
            **_limits(times, marks),
        }


def _limits(times: NDArray[np.int64], marks: NDArray[np.uint32]) -> dict[str, Any]:
    """How long each class lasted, which share that is, and the verdict."""
    classes = times[:, : len(fields.CLASSES)]
    heard = (marks[:, fields.FLAGS] & fields.HEARD) != 0
    active = classes.sum(axis=1)
    weights = classes.copy()
    # The last segments before a pause have to arrive whatever the limit is.
    weights[:, fields.APPLICATION] -= times[:, fields.DELIVERY]
    shares = percentages(classes)
    enough = (marks[:, fields.FULL] >> fields.COUNT_SHIFT) >= LEAST_SEGMENTS
    return {
        "verdict": np.where(heard & enough & (active > 0), _verdicts(weights, active), -1),
        "active_ns": known(active, heard),
        "busy_ns": known(active - times[:, fields.IDLE], heard),
        **{f"{name}_ns": known(classes[:, place], heard) for place, name in enumerate(fields.CLASSES)},
        **{
            f"{name}_percent": known(shares[:, place], heard & (active > 0))
            for place, name in enumerate(fields.CLASSES)
        },
    }


def _verdicts(weights: NDArray[np.int64], active: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the verdict whose classes lasted longest together.

    It is the application where nothing else lasted a tenth of the time: all was sent without a wait.
    """
    sums = np.zeros((len(weights), len(VERDICTS)), np.int64)
    for place, name in enumerate(fields.CLASSES):
        sums[:, VERDICTS.index(_VERDICT_OF.get(name, name))] += weights[:, place]
    most = np.argmax(sums, axis=1)
    return np.where(sums.max(axis=1) < active // _LEAST_PART, VERDICTS.index("application"), most)


def percentages(parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole percents of each row that add up to 100 by the method of the largest remainder.

    A row of zeros stays one.
    """
    total = parts.sum(axis=1, keepdims=True)
    scaled = np.where(total > _MOST_NS, parts >> 8, parts) * _WHOLE
    total = np.maximum(scaled.sum(axis=1, keepdims=True) // _WHOLE, 1)
    found, rest = scaled // total, scaled % total
    missing = np.where(scaled.any(axis=1), _WHOLE - found.sum(axis=1), 0)
    order = np.argsort(-rest, axis=1, kind="stable")
    place = np.argsort(order, axis=1, kind="stable")
    result: NDArray[np.int64] = found + (place < missing[:, None])
    return result
