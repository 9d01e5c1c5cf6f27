"""The segments of one stream, one after the other: what a ladder diagram is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.flow import fields
from netanalyze.model import NULL
from netanalyze.wire.packets import INNERMOST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import Conversations
    from netanalyze.wire.packets import Packets

_TCP = 6
_SYN, _ACK = 0x02, 0x10
_FLAGS = 0xFF
_MASK32 = (1 << 32) - 1
_HALF = 1 << 31
_LARGEST_SCALE = 14
_COLUMNS = ("side", "seq", "ack", "flags", "window", "payload_bytes", "window_scale")


class Segments:
    """Collects the segments of one stream; what was captured twice counts once."""

    def __init__(self, stream: int) -> None:
        """None yet of this stream."""
        self._stream = stream
        self._parts: dict[str, list[NDArray[np.int64]]] = {
            name: [] for name in ("frame", "time_ns", *_COLUMNS)
        }

    def add(self, batch: Batch, packets: Packets) -> None:
        """Take in a decoded batch whose packets have their streams."""
        order = np.asarray(packets.order)[: packets.count]
        arrays = packets.arrays
        rows = order[
            (arrays["stream"][order] == self._stream)
            & (arrays["protocol"][order] == _TCP)
            & (arrays["role"][order] == INNERMOST)
            & (arrays["duplicate"][order] == 0)
        ]
        if len(rows) == 0:
            return
        frame = arrays["frame"][rows].astype(np.int64)
        self._parts["frame"].append(frame + batch.first_frame)
        self._parts["time_ns"].append(batch.arrays["time_ns"][frame].astype(np.int64))
        for name in _COLUMNS:
            self._parts[name].append(arrays[name][rows].astype(np.int64))

    def columns(self, conversations: Conversations, client_side: NDArray[np.int64]) -> dict[str, Any]:
        """The columns of ``report.records.ladder.Segment``; empty if there is no such stream.

        Sequence numbers are relative to the initial ones and go on beyond 2**32.
        """
        found = {
            name: np.concatenate(parts) if parts else np.zeros(0, np.int64)
            for name, parts in self._parts.items()
        }
        count = len(found["frame"])
        side, flags = found["side"], found["flags"] & _FLAGS
        seq, ack = np.zeros(count, np.int64), np.full(count, NULL)
        window = np.full(count, NULL)
        if count:
            base = [int(conversations.word(fields.BASE + place)[self._stream]) for place in (0, 1)]
            scales = self._scales(found)
            for place in (0, 1):
                mine = side == place
                seq[mine] = _unwrapped(found["seq"][mine], base[place])
                said = mine & (flags & _ACK != 0)
                ack[said] = _unwrapped(found["ack"][said], base[1 - place])
                is_syn = mine & (flags & _SYN != 0)
                window[is_syn] = found["window"][is_syn]  # never scaled
                if scales is not None:
                    rest = mine & ~is_syn
                    window[rest] = found["window"][rest] << scales[place]
        client = int(client_side[self._stream]) if count else 0
        return {
            "frame": found["frame"],
            "time_ns": found["time_ns"],
            "elapsed_ns": found["time_ns"] - (found["time_ns"][0] if count else 0),
            "sender": (side != client).astype(np.int64),
            "sender_names": ["client", "server"],
            "flags": flags,
            "seq": seq,
            "ack": ack,
            "payload_bytes": found["payload_bytes"],
            "window_bytes": window,
        }

    @staticmethod
    def _scales(found: dict[str, NDArray[np.int64]]) -> tuple[int, int] | None:
        """By how much each side's windows are scaled; None if a SYN that says so is missing."""
        scales = []
        for place in (0, 1):
            syns = np.flatnonzero((found["side"] == place) & (found["flags"] & _SYN != 0))
            if len(syns) == 0:
                return None
            scales.append(int(found["window_scale"][syns[0]]))
        if min(scales) < 0:  # only if both want it (RFC 7323 section 2.2)
            return (0, 0)
        return (min(scales[0], _LARGEST_SCALE), min(scales[1], _LARGEST_SCALE))


def _unwrapped(numbers: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """Sequence numbers relative to ``base``, each the nearest to the one before it."""
    steps = np.diff(numbers, prepend=base)
    found: NDArray[np.int64] = np.cumsum(((steps + _HALF) & _MASK32) - _HALF)
    return found
