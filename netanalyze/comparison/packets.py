"""The TCP packets of a capture, in columns: what two taps are compared by.

About 60 bytes for each packet are kept, and 200 for each stream.

Copies that come at the same moment were captured twice, or the network made them. A tap that captures twice
does so with all that passes, so that at least half of the packets of a half-stream have a copy; such copies
are left out. Where fewer have one, the network made it, and it is a packet like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.apps.identify import Identifier
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.columns import GrowingRows
from netanalyze.flow.summary import client_side, endpoint_columns
from netanalyze.flow.table import FlowTable
from netanalyze.wire.decode import Decoder
from netanalyze.wire.packets import CARRIER, IN_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_TCP = 6
_COLUMNS = {
    "stream": "i4", "seq": "u4", "ack": "u4", "flags": "u2", "window": "u2", "ip_id": "i4",
    "payload_bytes": "u4", "ttl": "u1", "tos": "u1", "mss": "i4", "window_scale": "i2", "tsval": "i8",
    "sack_permitted": "u1", "duplicate": "u1",
}  # fmt: skip
_PLACED = {"frame": "i8", "time_ns": "i8", "sender": "u1"}
_HASHED = 16  # bytes of payload that are looked at: a snap length may have left few
_FACTORS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)
_ISN, _FIRST, _SPEECH = range(3)


class Tap(Struct, frozen=True):
    """What was seen at one place.

    Attributes:
        columns: of its TCP packets, in the order of their frames: those of ``wire.packets``, ``frame`` (from
            1), ``time_ns``, ``sender`` (0 client, 1 server). Where ``duplicate`` is 1 it is a copy that the
            network made.
        streams: endpoints of each stream, as ``flow.summary.endpoint_columns`` names them.
        isn, first: for each stream the initial sequence number of client and server, and the number of the
            first packet of each; -1 if there is none.
        speech: a number made of the first 16 bytes that each of them says; 0 if they are not known.
        first_ns, last_ns: of all frames; None of a capture without any.
        warnings: what is wrong with the capture.
    """

    columns: dict[str, NDArray[Any]]
    streams: dict[str, NDArray[Any]]
    isn: NDArray[np.int64]
    first: NDArray[np.int64]
    speech: NDArray[np.int64]
    first_ns: int | None
    last_ns: int | None
    warnings: list[str]


def read_tap(
    paths: Sequence[str],
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Tap:
    """Read a capture.

    Args:
        paths: its files.
        on_progress: is told after each batch how many bytes of how many have been read.
        on_warning: is told of damage.

    Raises:
        CaptureError: a file cannot be read as a capture.
    """
    decoder = Decoder(BATCH_FRAMES)
    flows = FlowTable(decoder.facts)
    parts = [{name: np.zeros(0, dtype) for name, dtype in {**_COLUMNS, **_PLACED}.items()}]
    beginnings = _Beginnings()
    first_ns: int | None = None
    last_ns: int | None = None
    with open_capture(paths, on_warning=on_warning) as capture:
        for batch in capture:
            packets = decoder.decode(batch)
            flows.mark_duplicates(batch, packets)
            flows.add(batch, packets)
            if batch.count:
                times = batch.arrays["time_ns"][: batch.count]
                first_ns = int(times.min()) if first_ns is None else min(first_ns, int(times.min()))
                last_ns = int(times.max()) if last_ns is None else max(last_ns, int(times.max()))
            rows = _rows(packets)
            parts.append(_taken(batch, packets, rows))
            beginnings.add(batch, packets, rows, flows.tcp.count)
            if on_progress is not None:
                on_progress(capture.position_bytes, capture.total_bytes)
        warnings = list(capture.warnings)
    # Column by column, so that no more than one of them is there twice.
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in tuple(parts[0])}
    ports = Identifier({}).service_ports["tcp"]
    client = client_side(flows.tcp, ports).astype(np.uint8)
    columns["sender"] ^= client[columns["stream"]]  # so far the side
    columns = _once(columns, flows.tcp.count)
    return Tap(
        columns,
        endpoint_columns(flows.tcp, ports),
        *beginnings.by_role(client),
        first_ns,
        last_ns,
        warnings,
    )


def _rows(packets: Packets) -> NDArray[np.int64]:
    """The TCP packets of a batch, in the order of their frames."""
    count, arrays = packets.count, packets.arrays
    keep = (arrays["protocol"][:count] == _TCP) & (arrays["role"][:count] <= CARRIER)
    keep &= arrays["stream"][:count] >= 0
    order = np.frombuffer(packets.order, np.int32)[:count]
    rows: NDArray[np.int64] = order[keep[order]].astype(np.int64)
    return rows


def _once(columns: dict[str, NDArray[Any]], streams: int) -> dict[str, NDArray[Any]]:
    """Leave out the copies of half-streams that were captured twice."""
    copy = columns["duplicate"] != 0
    if not copy.any():
        return columns
    half = 2 * columns["stream"].astype(np.int64) + columns["sender"]
    copies, others = (np.bincount(half[some], minlength=2 * streams) for some in (copy, ~copy))
    keep = ~copy | (2 * copies < others)[half]
    return {name: column[keep] for name, column in columns.items()}


def _taken(batch: Batch, packets: Packets, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The columns of some packets, copied."""
    arrays = packets.arrays
    taken = {name: arrays[name][rows].astype(dtype) for name, dtype in _COLUMNS.items()}
    frames = arrays["frame"][rows]
    taken["frame"] = frames.astype(np.int64) + batch.first_frame
    taken["time_ns"] = batch.arrays["time_ns"][frames]
    taken["sender"] = arrays["side"][rows]
    return taken


class _Beginnings:
    """How the half-streams of a capture begin: a row of three words each, of which 0 says that there is none.

    The words are the initial sequence number plus one, that of the first packet plus one, and a number made
    of the first bytes.
    """

    def __init__(self) -> None:
        self._table = GrowingRows(3)
        self._streams = 0

    def add(self, batch: Batch, packets: Packets, rows: NDArray[np.int64], streams: int) -> None:
        """Take some packets of a batch; ``streams`` is how many streams there are by now."""
        self._streams = streams
        self._table.reach(2 * streams)
        arrays = packets.arrays
        halves = 2 * arrays["stream"][rows] + arrays["side"][rows]
        numbers = arrays["seq"][rows] + 1
        flags = arrays["flags"][rows]
        opening = np.flatnonzero((flags & (SYN | RST)) == SYN)
        self._note(_ISN, halves[opening], numbers[opening])
        self._note(_FIRST, halves, numbers)
        saying = np.flatnonzero(arrays["payload_captured"][rows] >= _HASHED)
        new = saying[self._table.array[halves[saying], _SPEECH] == 0]
        if len(new):
            self._note(_SPEECH, halves[new], _speech(batch, packets, rows[new]))

    def _note(self, word: int, halves: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Write these values where there is none yet; of several for one half the first."""
        column = self._table.array[:, word]
        new = np.flatnonzero(column[halves] == 0)[::-1]  # of assignments to one element the last one holds
        column[halves[new]] = values[new]

    def by_role(
        self, client: NDArray[np.uint8]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Numbers and speech of (client, server) of each stream; ``client`` is which side is the client."""
        sides = self._table.array[: 2 * self._streams].reshape(-1, 2, 3)
        places = np.arange(self._streams)
        both = np.stack((sides[places, client], sides[places, 1 - client]), axis=1)
        return both[:, :, _ISN] - 1, both[:, :, _FIRST] - 1, np.ascontiguousarray(both[:, :, _SPEECH])


def _speech(batch: Batch, packets: Packets, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number made of the first bytes of these packets' payload, never 0."""
    arrays = packets.arrays
    made = np.zeros(len(rows), np.int64)
    in_batch = arrays["source"][rows] == IN_BATCH
    for data, which in ((batch.data, in_batch), (packets.arena, ~in_batch)):
        places = np.flatnonzero(which)
        if len(places):
            begins = arrays["payload_offset"][rows[places]]
            said = np.frombuffer(data, np.uint8)[begins[:, None] + np.arange(_HASHED)]
            words = np.ascontiguousarray(said).view("<u8")
            mixed = words[:, 0] * np.uint64(_FACTORS[0])
            mixed = (mixed ^ (mixed >> np.uint64(29)) ^ words[:, 1]) * np.uint64(_FACTORS[1])
            made[places] = (mixed ^ (mixed >> np.uint64(32))).view(np.int64) | 1
    return made
