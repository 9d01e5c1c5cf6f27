"""The TCP packets of a capture, in columns: what two taps are compared by.

About 120 bytes for each packet are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.identify import Identifier
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.flow.summary import client_side, stream_columns
from netanalyze.flow.table import FlowTable
from netanalyze.model import format_address
from netanalyze.wire.decode import Decoder
from netanalyze.wire.packets import CARRIER, IN_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_TCP = 6
_COLUMNS = {
    "stream": "i8", "side": "u1", "seq": "i8", "ack": "i8", "flags": "i4", "window": "i4", "ip_id": "i4",
    "payload_bytes": "i8", "ttl": "u1", "tos": "u1", "mss": "i4", "window_scale": "i4", "tsval": "i8",
    "sack_permitted": "u1",
}  # fmt: skip
_HASHED = 16  # bytes of payload that are looked at: a snap length may have left few


@dataclass(frozen=True, slots=True)
class Ends:
    """Who a stream is between."""

    client: str
    client_port: int
    server: str
    server_port: int


@dataclass(frozen=True, slots=True)
class Tap:
    """What was seen at one place.

    Attributes:
        columns: of its TCP packets, in the order of their frames: those of ``wire.packets``, ``frame`` (from
            1), ``time_ns``, ``sender`` (0 client, 1 server), ``payload_hash`` (of its first bytes, 0 if there
            are fewer).
        ends: of each stream.
        first_ns, last_ns: of all frames; None of a capture without any.
        warnings: what is wrong with the capture.
    """

    columns: dict[str, NDArray[Any]]
    ends: list[Ends]
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
    parts: list[dict[str, NDArray[Any]]] = []
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
            parts.append(_taken(batch, packets))
            if on_progress is not None:
                on_progress(capture.position_bytes, capture.total_bytes)
        warnings = list(capture.warnings)
    names = parts[0] if parts else {}
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    ports = Identifier({}).service_ports["tcp"]
    rows = stream_columns(flows.tcp, ports)
    ends = [
        Ends(
            format_address(*(int(rows[f"client_{part}"][place]) for part in ("hi", "lo", "version"))),
            int(rows["client_port"][place]),
            format_address(*(int(rows[f"server_{part}"][place]) for part in ("hi", "lo", "version"))),
            int(rows["server_port"][place]),
        )
        for place in range(flows.tcp.count)
    ]
    if columns:
        client = client_side(flows.tcp, ports)
        columns["sender"] = (columns["side"] != client[columns["stream"]]).astype(np.int64)
    return Tap(columns, ends, first_ns, last_ns, warnings)


def _taken(batch: Any, packets: Any) -> dict[str, NDArray[Any]]:  # noqa: ANN401 - as the stages have them
    """The columns of the TCP packets of a batch, copied."""
    count = packets.count
    arrays = packets.arrays
    keep = (arrays["protocol"][:count] == _TCP) & (arrays["role"][:count] <= CARRIER)
    keep &= (arrays["duplicate"][:count] == 0) & (arrays["stream"][:count] >= 0)
    order = np.frombuffer(packets.order, np.int32)[:count]
    rows = order[keep[order]]
    taken = {name: arrays[name][rows].astype(dtype) for name, dtype in _COLUMNS.items()}
    frames = arrays["frame"][rows]
    taken["frame"] = frames.astype(np.int64) + batch.first_frame
    taken["time_ns"] = batch.arrays["time_ns"][frames]
    taken["payload_hash"] = np.zeros(len(rows), np.int64)
    begins, sizes = arrays["payload_offset"][rows], arrays["payload_captured"][rows]
    sources = arrays["source"][rows]
    for place in np.flatnonzero(sizes >= _HASHED).tolist():
        data = batch.data if sources[place] == IN_BATCH else packets.arena
        begin = int(begins[place])
        taken["payload_hash"][place] = hash(bytes(data[begin : begin + _HASHED]))
    return taken
