"""The course of chosen streams: each of their segments, with what was true after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import distinct, found_in
from netanalyze.model import NULL, known
from netanalyze.tcp import causes, kinds
from netanalyze.tcp.sacks import NONE, highest_edges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.segments import Segments
    from netanalyze.wire.packets import Packets

_PACKET_COLUMNS = ("stream", "side", "flags", "seq", "ack", "payload_bytes")
_SEGMENT_COLUMNS = (
    "labels", "window_bytes", "in_flight", "peer_window", "measured", "rtt_ns",
)  # fmt: skip
_MASK32 = 0xFFFFFFFF
_HALF = 1 << 31
_ACK = 0x10
_HEADER_FLAGS = 0xFF


class Series:
    """Keeps the segments of some streams; its memory grows with their number."""

    def __init__(self, streams: Iterable[int], segments: Segments) -> None:
        """Nothing kept yet.

        Args:
            streams: numbers of the streams wanted.
            segments: what the analysis finds out about each batch.
        """
        self._streams = np.array(sorted({number for number in streams if number < -NULL}), np.int64)
        self._segments = segments
        self._parts: list[dict[str, NDArray[Any]]] = []

    def feed(self, batch: Batch, packets: Packets) -> None:
        """Keep what a batch has of the streams."""
        order = np.asarray(packets.order[: packets.count])
        mine = self._segments.arrays["analysed"][order] != 0
        mine &= found_in(packets.arrays["stream"][order], self._streams)
        rows = order[mine]
        # Rows of other protocols still hold what an earlier batch left there.
        rows = rows[packets.arrays["protocol"][rows] == 6]  # noqa: PLR2004 - TCP
        if not rows.size:
            return
        index = packets.arrays["frame"][rows]
        self._parts.append(
            {
                "frame": index + batch.first_frame,
                "time_ns": batch.arrays["time_ns"][index],
                **{name: packets.arrays[name][rows] for name in _PACKET_COLUMNS},
                "sack": highest_edges(batch, packets, rows),
                **{name: self._segments.arrays[name][rows] for name in _SEGMENT_COLUMNS},
            }
        )

    def columns(
        self, client: NDArray[np.int64], bases: NDArray[np.int64], start_ns: NDArray[np.int64]
    ) -> dict[str, Any]:
        """The columns of the table ``windows``.

        Sequence numbers go on beyond 2**32, and are negative before the first one that was seen.

        Args:
            client: which side of each stream is the client.
            bases: initial sequence number of each half-stream, side 0 of stream n at 2n.
            start_ns: time of the first frame of each stream.
        """
        names = ("frame", "time_ns", "sack", *_PACKET_COLUMNS, *_SEGMENT_COLUMNS)
        kept = {
            name: np.concatenate([part[name] for part in self._parts]).astype(np.int64)
            if self._parts
            else np.zeros(0, np.int64)
            for name in names
        }
        stream, side = kept["stream"], kept["side"]
        half = 2 * stream + side
        has_ack = kept["flags"] & _ACK != 0
        ack = np.full(len(stream), NULL)
        ack[has_ack] = _relative(kept["ack"][has_ack], half[has_ack] ^ 1, bases)
        sack = np.full(len(stream), NULL)
        told = has_ack & (kept["sack"] != NONE)
        sack[told] = ack[told] + ((kept["sack"][told] - kept["ack"][told]) & _MASK32)
        measured = (kept["measured"] == causes.MEASURED) | (kept["measured"] == causes.BY_TIMESTAMP)
        labels, label_names = _label_texts(kept["labels"])
        return {
            "stream": stream,
            "sender": np.where(side == client[stream], 0, 1),
            "frame": kept["frame"],
            "time_ns": kept["time_ns"],
            "elapsed_ns": kept["time_ns"] - start_ns[stream],
            "flags": kept["flags"] & _HEADER_FLAGS,
            "seq": _relative(kept["seq"], half, bases),
            "payload_bytes": kept["payload_bytes"],
            "ack": ack,
            "sack": sack,
            "window_bytes": _not_negative(kept["window_bytes"]),
            "bytes_in_flight": _not_negative(kept["in_flight"]),
            "peer_window_bytes": _not_negative(kept["peer_window"]),
            "rtt_ns": np.where(measured, kept["rtt_ns"], NULL),
            "events": labels,
            "events_names": label_names,
        }


def _relative(
    numbers: NDArray[np.int64], half: NDArray[np.int64], bases: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sequence numbers of half-streams relative to their initial ones, each nearest to the one before."""
    found = np.zeros(len(numbers), np.int64)
    for one in distinct(half).tolist():
        mine = half == one
        steps = np.diff(numbers[mine], prepend=bases[one])
        found[mine] = np.cumsum(((steps + _HALF) & _MASK32) - _HALF)
    return found


def _not_negative(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return known(values, values >= 0)


def _label_texts(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """Sets of kinds as numbers, and the text of each number."""
    sets, codes = np.unique(labels, return_inverse=True)
    texts = [
        ", ".join(kind for number, kind in enumerate(kinds.KINDS) if bits >> number & 1)
        for bits in sets.tolist()
    ]
    return codes, texts
