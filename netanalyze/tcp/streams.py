"""Streams as the tables of TCP see them, and their times."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL
from netanalyze.flow import fields as flow_fields
from netanalyze.flow.summary import client_side, endpoint_columns, stream_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.flow.table import Conversations

_EARLIEST_NS = -(1 << 61)
_LATEST_NS = 1 << 62


def keep_times_in_reach(batch: Batch) -> None:
    """Make of times that no clock has (before 1897, after 2116) the nearest that one may have.

    So differences fit in 64 bits.
    """
    times = batch.arrays["time_ns"][: batch.count]
    np.clip(times, _EARLIEST_NS, _LATEST_NS, out=times)


class Streams:
    """What the tables of TCP have to know of the streams, found out when a table asks, and once.

    Attributes:
        conversations: the streams themselves, of which no more come meanwhile.
    """

    def __init__(self, conversations: Conversations, service_ports: Collection[int]) -> None:
        """Take the streams, and the ports on which servers listen, to tell who is the client."""
        self.conversations = conversations
        self._service_ports = service_ports

    @property
    def count(self) -> int:
        """How many there are."""
        return self.conversations.count

    @cached_property
    def client(self) -> NDArray[np.int64]:
        """Which side of each stream is the client."""
        return client_side(self.conversations, self._service_ports)

    @cached_property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Columns of the table ``streams`` (``flow.summary.stream_columns``)."""
        return stream_columns(self.conversations, self._service_ports)

    @cached_property
    def endpoints(self) -> Mapping[str, NDArray[Any]]:
        """See ``flow.summary.endpoint_columns``."""
        return endpoint_columns(self.conversations, self._service_ports)

    def some(self, rows: Rows) -> Mapping[str, NDArray[Any]]:
        """The same as ``columns`` of some streams, by their places."""
        return stream_columns(self.conversations.some(rows), self._service_ports)

    def ends(self, rows: Rows) -> Mapping[str, NDArray[Any]]:
        """The same as ``endpoints`` of some streams; of many, each may be asked for several times."""
        if self.few(rows):
            return endpoint_columns(self.conversations.some(rows), self._service_ports)
        return {name: column[rows] for name, column in self.endpoints.items()}

    def sides(self, rows: Rows) -> NDArray[np.int64]:
        """The same as ``client`` of some streams, likewise."""
        if self.few(rows):
            return client_side(self.conversations.some(rows), self._service_ports)
        return self.client[rows]

    def few(self, rows: Rows) -> bool:
        """Whether to look at these alone, and not at all streams, takes less."""
        return not isinstance(rows, slice) and len(rows) < self.count

    def word(self, field: int, rows: Rows) -> NDArray[np.int64]:
        """A field of ``flow.fields`` of some streams."""
        column: NDArray[np.int64] = self.conversations.raw(field)[rows].astype(np.int64)
        return column

    def bases(self, halves: Rows = ALL) -> NDArray[np.int64]:
        """The initial sequence numbers of half-streams, side 0 of stream n at 2n."""
        state = self.conversations.state
        if isinstance(halves, slice):
            pairs = state[: self.count, flow_fields.BASE : flow_fields.BASE + 2]
            return pairs.reshape(-1)[halves].astype(np.int64)
        found: NDArray[np.int64] = state[halves >> 1, flow_fields.BASE + (halves & 1)].astype(np.int64)
        return found

    def numbered(self, columns: dict[str, Any]) -> dict[str, Any]:
        """Columns with the numbers of streams where they have places."""
        return {**columns, "stream": self.conversations.numbers[columns["stream"]]}
