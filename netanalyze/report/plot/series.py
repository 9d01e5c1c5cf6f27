"""One connection's rows of the table ``windows`` as arrays in the order of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from netanalyze.report.plot.picture import Floats, Ints
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.table import Table

SIDES = ("client", "server")
MOST_HOLES = 10_000
"""So many gaps in the sequence numbers are remembered; what fills an older one counts as sent again."""

_LIMIT = 1 << 62
"""Numbers beyond this are drawn as this: sums and differences of them still fit 64 bits."""


class Rows(Struct, frozen=True):
    """The segments of one connection, or of one half-stream; NaN where a number is not known.

    Attributes:
        frame: their frames.
        time: ns since the first frame of the connection, ascending.
        half: who sent each: index into ``SIDES``.
        flags: of the TCP header.
        seq: relative number of the first byte.
        payload: bytes.
        ack: relative acknowledgement number.
        window: bytes that the sender of the row offers.
        flight: bytes in flight.
        peer_window: bytes that the sender of the row has been offered.
        rtt: ns.
        events: kinds at each row; empty for none.
    """

    frame: Ints
    time: Floats
    half: Ints
    flags: Ints
    seq: Floats
    payload: Floats
    ack: Floats
    window: Floats
    flight: Floats
    peer_window: Floats
    rtt: Floats
    events: list[tuple[str, ...]]

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.frame)

    @property
    def end(self) -> Floats:
        """Relative number after the last byte of each."""
        return self.seq + self.payload

    def pick(self, which: Ints) -> Rows:
        """Some of the rows, in the order given."""
        return Rows(
            **{name: getattr(self, name)[which] for name in _ARRAYS},
            events=[self.events[row] for row in which.tolist()],
        )

    def sent_by(self, half: int) -> Rows:
        """The rows of one side."""
        return self.pick(np.flatnonzero(self.half == half))

    def rows_of_kinds(self) -> dict[str, Ints]:
        """For each kind of event the rows that have it, in the order in which kinds first come."""
        found: dict[str, list[int]] = {}
        for row, kinds in enumerate(self.events):
            for kind in kinds:
                found.setdefault(kind, []).append(row)
        return {kind: np.array(rows, np.int64) for kind, rows in found.items()}


_ARRAYS = tuple(name for name in Rows.__struct_fields__ if name != "events")


def read(table: Table[WindowPoint]) -> Rows:
    """The rows of a table about one connection.

    Raises:
        UsageError: they are about several.
    """
    columns = table.columns
    streams = set(_integers(columns["stream"]).tolist())
    if len(streams) > 1:
        message = f"a plot shows one connection, not {len(streams)}: choose one with --stream NUMBER"
        raise UsageError(message)
    events: dict[str | None, tuple[str, ...]] = {None: ()}
    rows = Rows(
        frame=_integers(columns["frame"]),
        time=_floats(columns["elapsed_ns"]),
        half=np.array([SIDES.index(side) if side in SIDES else -1 for side in columns["sender"]], np.int64),
        flags=_integers(columns["flags"]),
        seq=_floats(columns["seq"]),
        payload=np.maximum(_floats(columns["payload_bytes"]), 0),
        ack=_floats(columns["ack"]),
        window=_floats(columns["window_bytes"]),
        flight=_floats(columns["bytes_in_flight"]),
        peer_window=_floats(columns["peer_window_bytes"]),
        rtt=_floats(columns["rtt_ns"]),
        events=[events.get(text) or events.setdefault(text, _split(text)) for text in columns["events"]],
    )
    return rows.pick(np.argsort(rows.time, kind="stable"))


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for part in (text or "").split(",") if (kind := part.strip())))


def _clamped(number: int) -> int:
    return max(-_LIMIT, min(_LIMIT, number))


def _integers(values: Any) -> Ints:  # noqa: ANN401 - an array or a list, as the table gives it
    if isinstance(values, np.ndarray):
        return np.clip(values.astype(np.int64), -_LIMIT, _LIMIT)
    return np.array([0 if value is None else _clamped(value) for value in values], np.int64)


def _floats(values: Any) -> Floats:  # noqa: ANN401 - an array or a list, as the table gives it
    if isinstance(values, np.ndarray):
        return np.clip(values.astype(np.int64), -_LIMIT, _LIMIT).astype(np.float64)
    return np.array([np.nan if value is None else float(_clamped(value)) for value in values], np.float64)


def new_payload(seq: Floats, end: Floats) -> Floats:
    """How many bytes of each segment no earlier one carried.

    Args:
        seq: relative number of the first byte of each segment, in the order of their capture.
        end: number after the last byte of each.
    """
    new = np.zeros(len(seq))
    if not len(seq):
        return new
    reached = np.concatenate(([seq[0]], np.maximum.accumulate(end)[:-1]))
    reached = np.maximum(reached, seq[0])
    np.maximum(end - np.maximum(seq, reached), 0, out=new)
    starts: list[float] = []  # of the gaps, which never overlap and are in ascending order
    stops: list[float] = []
    for row in np.flatnonzero(seq != reached).tolist():
        first, last, high = float(seq[row]), float(end[row]), float(reached[row])
        if first > high:
            starts.append(high)
            stops.append(first)
            if len(starts) > MOST_HOLES:
                del starts[0], stops[0]
            continue
        new[row] += _fill(starts, stops, first, min(last, high))
    return new


def _fill(starts: list[float], stops: list[float], first: float, last: float) -> float:
    """Take a range out of the gaps; returns how much of it lay in one."""
    low, high = bisect_right(stops, first), bisect_left(starts, last)
    if low >= high or first >= last:
        return 0
    filled = 0.0
    left: list[tuple[float, float]] = []
    for start, stop in zip(starts[low:high], stops[low:high], strict=True):
        filled += min(stop, last) - max(start, first)
        left += [(start, first)] if start < first else []
        left += [(last, stop)] if stop > last else []
    starts[low:high] = [start for start, _ in left]
    stops[low:high] = [stop for _, stop in left]
    return filled
