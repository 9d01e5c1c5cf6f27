"""The measures of all half-streams, and what a table says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import GrowingRows
from netanalyze.flow import fields as flow_fields
from netanalyze.model import known
from netanalyze.tcp import measure_fields as fields
from netanalyze.tcp import sequence_fields
from netanalyze.tcp.kinds import COUNTS
from netanalyze.tcp.measure_kernel import measure_segments
from netanalyze.tcp.node_lists import both_halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.tcp.sequence import Sequences
    from netanalyze.tcp.streams import Streams
    from netanalyze.wire.packets import Packets

_PACKET_COLUMNS = (
    "frame", "source", "stream", "side", "flags", "transport_offset", "payload_bytes", "payload_captured",
    "mss", "window_scale", "sack_permitted", "sack_blocks", "tsval",
)  # fmt: skip
_SEGMENT_COLUMNS = (
    "analysed", "labels", "cause", "waited_ns", "sent_times", "sack_told", "dup_number", "new_bytes",
    "old_bytes", "window_bytes", "in_flight", "peer_in_flight", "measured", "rtt_ns", "rtt_bytes",
    "acked_segments",
)  # fmt: skip
_SECOND_NS = 1_000_000_000
LEAST_VARIATION_NS = 200_000_000
"""Linux lets the retransmission timer run this much longer than the smoothed round trip at least."""


class Measures:
    """Adds up the segments of batch after batch."""

    def __init__(self, sequences: Sequences) -> None:
        """Nothing measured yet; ``sequences`` is the analysis that has seen each batch before."""
        self._sequences = sequences
        self._table = GrowingRows(fields.LONG_WORDS)
        self._small = GrowingRows(fields.SHORT_WORDS, "u4")
        self._carries = GrowingRows(fields.SHORT_WORDS, "u4", sparse=True)
        self._rare = GrowingRows(fields.RARE_WORDS, sparse=True)
        self._buckets = GrowingRows(fields.BUCKET_COUNT, "u2")
        self._bucket_carries = GrowingRows(fields.BUCKET_COUNT, "u4", sparse=True)
        self._squares = GrowingRows(fields.SQUARES, "f8")
        self._rare_squares = GrowingRows(fields.SQUARES, "f8", sparse=True)
        self._tables = (
            self._table, self._small, self._carries, self._rare, self._buckets, self._bucket_carries,
            self._squares, self._rare_squares,
        )  # fmt: skip
        self._segment_columns = sequences.segments.pick(*_SEGMENT_COLUMNS)

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        for table in (self._table, self._small, self._buckets, self._squares):
            table.prepare(2 * streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Add the segments of a batch; ``streams`` is how many streams there are with it."""
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"], batch.data,
            packets.arena, *packets.pick(*_PACKET_COLUMNS), *self._segment_columns,
            *(table.reach(2 * streams) for table in self._tables),
        )  # fmt: skip
        measure_segments(*arguments)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        halves, _ = both_halves(streams, count)
        for rows in self._tables:
            rows.reach(2 * count)
            rows.keep(halves, 2 * count)

    def columns(self, streams: Streams, rows: Rows) -> dict[str, Any]:
        """The columns of the table ``directions``: two rows for each stream, the client's first.

        Args:
            streams: all of them.
            rows: of which rows.
        """
        place = np.arange(2 * streams.count)[rows]
        stream = place // 2
        half = 2 * stream + (streams.sides(stream) ^ (place & 1))
        table, squares = self._rows(half)
        state = self._sequences.halves(half)
        end_ns = streams.word(flow_fields.LAST_NS, stream)
        duration_ns = end_ns - streams.word(flow_fields.FIRST_NS, stream)
        return {
            "stream": stream,
            "sender": place & 1,
            **_events(self._sequences.counts.array[half]),
            **_sizes(table, state),
            **_windows(table, end_ns),
            **_round_trips(table, squares),
            **_timer(state),
            **_times(table, duration_ns),
        }

    def _rows(self, half: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Everything about some half-streams: words as in ``measure_fields``, and sums of squares."""
        words = (
            self._table.array[half],
            _carried(self._small.array[half], self._carries.array[half], fields.CARRY),
            self._rare.array[half],
            _carried(self._buckets.array[half], self._bucket_carries.array[half], fields.BUCKET_CARRY),
        )
        squares = [table.array[half] for table in (self._squares, self._rare_squares)]
        return np.concatenate(words, axis=1), np.concatenate(squares, axis=1)


def _carried(low: NDArray[Any], carries: NDArray[Any], carry: int) -> NDArray[np.int64]:
    """Counts of which some were so large that a part of them stands elsewhere."""
    found: NDArray[np.int64] = low.astype(np.int64) + carries.astype(np.int64) * carry
    return found


def _mean(total: NDArray[Any], count: NDArray[Any]) -> NDArray[Any]:
    """The mean rounded down, nothing where there is nothing to take it of."""
    return known(total // np.maximum(count, 1), count > 0)


def _deviation(squares: NDArray[Any], total: NDArray[Any], count: NDArray[Any]) -> NDArray[Any]:
    """The standard deviation of a sample; nothing below two values."""
    some = np.maximum(count, 2)
    spread = np.sqrt(np.maximum(squares - total / some * total, 0) / (some - 1)).astype(np.int64)
    return known(spread, count > 1)


def _events(counts: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: counts[:, number].astype(np.int64) for number, name in enumerate(COUNTS)}


def _sizes(table: NDArray[np.int64], state: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    word = table.T
    options = word[fields.OPTIONS]
    data = word[fields.DATA_PACKETS]
    whole = (word[fields.SYNS] > 0) & (word[fields.FINS] > 0)
    missed = state[:, sequence_fields.MISSED]
    return {
        "packets": word[fields.PACKETS],
        "bytes": word[fields.PAYLOAD],
        "unique_bytes": word[fields.NEW_BYTES],
        "retransmitted_bytes": word[fields.AGAIN_BYTES],
        "missed_bytes": missed,
        "stream_bytes": known(word[fields.NEW_BYTES] + missed, whole),
        "data_packets": data,
        "retransmitted_packets": word[fields.AGAIN_PACKETS],
        "timeouts": word[fields.TIMEOUTS],
        "tail_loss_probes": word[fields.PROBES],
        "tail_timers": word[fields.TAIL_TIMERS],
        "most_retransmissions": word[fields.MOST_TIMES],
        "triple_duplicate_acks": word[fields.TRIPLE],
        "probe_bytes": word[fields.PROBE_BYTES],
        "min_segment": known(word[fields.SMALLEST], data > 0),
        "avg_segment": _mean(word[fields.PAYLOAD], data),
        "max_segment": known(word[fields.LARGEST], data > 0),
        "mss": known(word[fields.MSS], options & fields.MSS_SENT),
        "window_scale": known(word[fields.SCALE], options & fields.SCALE_SENT),
        "sack_permitted": (options & fields.SACK_PERMITTED) != 0,
        "timestamps": (options & fields.TIMESTAMPS) != 0,
        "acks": word[fields.ACKS],
        "pure_acks": word[fields.PURE_ACKS],
        "sacks": word[fields.SACKS],
        "d_sacks": word[fields.D_SACKS],
        "max_sack_blocks": word[fields.MOST_SACK_BLOCKS],
        "pushed": word[fields.PUSHED],
        "syns": word[fields.SYNS],
        "fins": word[fields.FINS],
        "resets": word[fields.RESETS],
        "urgent_packets": word[fields.URGENT],
        "urgent_bytes": word[fields.URGENT_BYTES],
        "truncated_packets": word[fields.CUT_PACKETS],
        "truncated_bytes": word[fields.CUT_BYTES],
    }


def _windows(table: NDArray[np.int64], end_ns: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    word = table.T
    options = word[fields.OPTIONS]
    windows, flights = word[fields.WINDOWS], word[fields.FLIGHTS]
    open_ended = np.where(options & fields.ZERO_NOW, np.maximum(end_ns - word[fields.ZERO_SINCE], 0), 0)
    span_us = (word[fields.FLIGHT_SINCE] - word[fields.FIRST_DATA_NS]) // 1000
    sent = word[fields.DATA_PACKETS] > 0
    return {
        "min_window": known(word[fields.WINDOW_LEAST], windows > 0),
        "avg_window": _mean(word[fields.WINDOW_SUM], windows),
        "max_window": known(word[fields.WINDOW_MOST], windows > 0),
        "zero_window_ns": word[fields.ZERO_NS] + open_ended,
        "min_bytes_in_flight": known(word[fields.FLIGHT_LEAST], flights > 0),
        "avg_bytes_in_flight": _mean(word[fields.FLIGHT_SUM], flights),
        "weighted_bytes_in_flight": _mean(word[fields.FLIGHT_AREA], np.where(flights > 0, span_us, 0)),
        "max_bytes_in_flight": known(word[fields.FLIGHT_MOST], flights > 0),
        "initial_window_bytes": known(word[fields.INITIAL_BYTES], sent & (word[fields.SYNS] > 0)),
        "initial_window_packets": known(word[fields.INITIAL_PACKETS], sent & (word[fields.SYNS] > 0)),
    }


def _round_trips(table: NDArray[np.int64], squares: NDArray[np.float64]) -> dict[str, Any]:
    word = table.T
    found: dict[str, Any] = {}
    for name, number, first, square in (
        ("rtt", fields.TRIPS, fields.TRIP_LEAST, fields.TRIP_SQUARES),
        ("full_rtt", fields.FULL_TRIPS, fields.FULL_LEAST, fields.FULL_SQUARES),
        ("ambiguous_rtt", fields.AMBIGUOUS, fields.AMBIGUOUS_LEAST, fields.AMBIGUOUS_SQUARES),
        ("retransmission_wait", fields.WAITS, fields.WAIT_LEAST, fields.WAIT_SQUARES),
    ):
        count = word[number]
        least, most, total = word[first : first + 3]
        found |= {
            f"{name}_samples": count,
            f"{name}_min_ns": known(least, count > 0),
            f"{name}_avg_ns": _mean(total, count),
            f"{name}_max_ns": known(most, count > 0),
            f"{name}_dev_ns": _deviation(squares[:, square], total, count),
        }
    found["full_rtt_bytes"] = known(word[fields.FULL_BYTES], word[fields.FULL_TRIPS] > 0)
    found["syn_rtt_ns"] = known(word[fields.SYN_TRIP], word[fields.OPTIONS] & fields.SYN_MEASURED)
    found["rtt_after_loss"] = word[fields.AFTER_LOSS]
    found["rtt_by_timestamp"] = word[fields.STAMPED]
    found["acked_cumulatively"] = word[fields.CUMULATIVE]
    found["rtt_buckets"] = table[:, fields.BUCKETS : fields.BUCKETS + fields.BUCKET_COUNT]
    return found


def _timer(state: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The retransmission timer as its sender may have it (RFC 6298, the least as in Linux)."""
    smoothed, variation = state[:, sequence_fields.SRTT], state[:, sequence_fields.RTTVAR]
    timeout = smoothed + np.maximum(4 * variation, LEAST_VARIATION_NS)
    return {"srtt_ns": known(smoothed, smoothed > 0), "rto_ns": known(timeout, smoothed > 0)}


def _times(table: NDArray[np.int64], duration_ns: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    word = table.T
    data = word[fields.DATA_PACKETS]
    sending_ns = word[fields.LAST_DATA_NS] - word[fields.FIRST_DATA_NS]
    return {
        "data_ns": known(sending_ns, data > 0),
        "silent_max_ns": known(word[fields.SILENT_NS], word[fields.PACKETS] > 1),
        "silent_max_frame": known(word[fields.SILENT_FRAME], word[fields.SILENT_FRAME] > 0),
        "throughput_bps": _rate(word[fields.PAYLOAD], sending_ns),
        "goodput_bps": _rate(word[fields.NEW_BYTES], duration_ns),
    }


def _rate(size: NDArray[np.int64], ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits in a second, nothing where no time has passed."""
    some = np.where((ns > 0) & (size > 0), ns, 1)
    # As floating point numbers: 8 * 10**9 times a long stream is more than 64 bits hold.
    bits = size.astype(np.float64) * (8 * _SECOND_NS) / some
    return known(np.minimum(bits, 2.0**62).astype(np.int64), (ns > 0) & (size > 0))
