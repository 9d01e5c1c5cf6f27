"""What bounds the time between the tap and each endpoint: round trips, and when resets passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import GrowingRows
from netanalyze.model import NULL
from netanalyze.tcp import causes, tap
from netanalyze.tcp.node_lists import both_halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.segments import Segments
    from netanalyze.wire.packets import Packets

FINEST_NS = 1_000
"""No round trip counts as shorter: most captures have microseconds, and the last one is cut off."""
LONGEST_NS = 1 << 60
_TCP = 6
_RST = 0x04
_TOP = (1 << 62) + 1
"""No time of a capture is that late, so that what is left to it is above 0, the mark of nothing."""
_TRIP, _RESET = 0, 1


class Delays:
    """Keeps, of each half-stream, its least round trip and when its first RST was captured.

    The round trip of a half-stream is that between the tap and the endpoint that sends it: from a
    segment that goes there to the acknowledgement that comes from there. Samples are those of the
    sequence analysis, so that no segment counts that was sent twice (Karn's rule).
    """

    def __init__(self, segments: Segments) -> None:
        """Nothing known yet; ``segments`` are of the sequence analysis that has seen each batch before."""
        self._segments = segments.arrays
        self._left = GrowingRows(2)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Take the segments of a batch; ``streams`` is how many streams there are with it."""
        self._left.reach(2 * streams)
        rows = np.asarray(packets.order[: packets.count])
        columns = packets.arrays
        rows = rows[(self._segments["analysed"][rows] != 0) & (columns["protocol"][rows] == _TCP)]
        measured = self._segments["measured"][rows]
        some = rows[(measured == causes.MEASURED) | (measured == causes.BY_TIMESTAMP)]
        trips = self._segments["rtt_ns"][some]
        self._note(_TRIP, packets, some[trips >= 0], trips[trips >= 0])
        resets = rows[columns["flags"][rows] & _RST != 0]
        self._note(_RESET, packets, resets, batch.arrays["time_ns"][columns["frame"][resets]])

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        halves, _ = both_halves(streams, count)
        self._left.reach(2 * count)
        self._left.keep(halves, 2 * count)

    def _note(self, word: int, packets: Packets, rows: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Keep the least of the values of each half-stream."""
        if len(rows):
            half = 2 * packets.arrays["stream"][rows] + packets.arrays["side"][rows]
            np.maximum.at(self._left.array[:, word], half, _TOP - values)

    def trips(self, taps: NDArray[np.int64], client: NDArray[np.int64]) -> NDArray[np.int64]:
        """The least round trip between tap and endpoint, ``NULL`` where none was seen.

        Args:
            taps: where each stream was captured, an index into ``tap.TAPS`` or -1.
            client: which side of each stream is the client.

        Returns:
            Of side 0 of stream n at 2n, of side 1 behind it. At an endpoint where the tap is, no more
            than ``tap.NEAR_NS``: whoever answers late there is not far.
        """
        found = np.minimum(self._least(_TRIP, len(client)), LONGEST_NS)
        known = found != NULL
        found = np.where(known, np.maximum(found, FINEST_NS), NULL)
        role = np.column_stack((client, 1 - client)).reshape(-1)
        where = np.repeat(taps, 2)
        here = (where == role) | (where == tap.BOTH)
        return np.where(here & (~known | (found > tap.NEAR_NS)), tap.NEAR_NS, found)

    def first_resets(self, streams: int) -> NDArray[np.int64]:
        """When the first RST of each half-stream was captured, ``NULL`` for none."""
        return self._least(_RESET, streams)

    def _least(self, word: int, streams: int) -> NDArray[np.int64]:
        left = self._left.array[: 2 * streams, word]
        return np.where(left == 0, NULL, _TOP - left)
