"""How far a SACK option reports bytes that have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.wire.packets import IN_ARENA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

NONE = -1
_BLOCK_BYTES = 8
_EDGE_BYTES = 4
_MASK32 = 0xFFFFFFFF
_HALF = 1 << 31


def highest_edges(batch: Batch, packets: Packets, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number behind the last byte that SACK reports, as on the wire, of some segments of a batch.

    Blocks that do not lie behind the acknowledgement number report bytes that came twice (RFC 2883)
    and do not count.

    Args:
        batch: whose packets they are.
        packets: decoded from it.
        rows: which rows of them.

    Returns:
        ``NONE`` where nothing is reported.
    """
    columns = packets.arrays
    found = np.full(len(rows), NONE, np.int64)
    ahead = np.zeros(len(rows), np.int64)
    blocks = columns["sack_blocks"][rows]
    for buffer, here in (
        (batch.data, columns["source"][rows] != IN_ARENA),
        (packets.arena, columns["source"][rows] == IN_ARENA),
    ):
        for number in range(int(blocks[here].max(initial=0))):
            some = np.flatnonzero(here & (blocks > number))
            edge = _edges(np.asarray(buffer), columns, rows[some], number)
            behind = (edge - columns["ack"][rows[some]]) & _MASK32
            better = (behind < _HALF) & (behind > ahead[some])
            found[some[better]] = edge[better]
            ahead[some[better]] = behind[better]
    return found


def _edges(
    data: NDArray[np.uint8], columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int64], number: int
) -> NDArray[np.int64]:
    """The right edge of a block of each row."""
    place = columns["sack_offset"][rows] + _BLOCK_BYTES * number + _EDGE_BYTES
    edge = np.zeros(len(rows), np.int64)
    for byte in range(_EDGE_BYTES):
        edge = edge << 8 | data[np.minimum(place + byte, len(data) - 1)]
    return edge
