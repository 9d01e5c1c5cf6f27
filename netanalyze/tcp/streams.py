"""Streams as the tables of TCP see them, and their times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.flow import fields as flow_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import Conversations

_EARLIEST_NS = -(1 << 61)
_LATEST_NS = 1 << 62


def keep_times_in_reach(batch: Batch) -> None:
    """Make of times that no clock has (before 1897, after 2116) the nearest that one may have.

    So differences fit in 64 bits.
    """
    times = batch.arrays["time_ns"][: batch.count]
    np.clip(times, _EARLIEST_NS, _LATEST_NS, out=times)


class Streams(Struct, frozen=True):
    """What the tables of TCP have to know of the streams.

    Attributes:
        conversations: the streams themselves.
        columns: of the table ``streams``.
        client: which side of each stream is the client.
    """

    conversations: Conversations
    columns: Mapping[str, NDArray[Any]]
    client: NDArray[np.int64]

    def numbered(self, columns: dict[str, Any]) -> dict[str, Any]:
        """Columns with the numbers of streams where they have places."""
        numbers = self.columns["stream"]
        return {**columns, "stream": numbers[columns["stream"]]}

    @property
    def bases(self) -> NDArray[np.int64]:
        """The initial sequence number of each half-stream, side 0 of stream n at 2n."""
        pairs = [self.conversations.word(flow_fields.BASE + side) for side in (0, 1)]
        return np.column_stack(pairs).reshape(-1)
