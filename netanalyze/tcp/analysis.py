"""The TCP stages, of which only those run that the tables asked for need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netanalyze.tcp.events import event_columns
from netanalyze.tcp.limits import Limits
from netanalyze.tcp.measures import Measures
from netanalyze.tcp.sequence import Sequences
from netanalyze.tcp.series import Series

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

TABLES = frozenset({"streams", "directions", "limits", "events", "windows"})
"""Tables for which segments have to be analysed."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What the tables of TCP have to know of the streams.

    Attributes:
        columns: of the table ``streams``.
        client: which side of each stream is the client.
    """

    columns: Mapping[str, NDArray[Any]]
    client: NDArray[np.int64]


class TcpAnalysis:
    """Everything that is found out about TCP beyond endpoints and counts."""

    def __init__(
        self, packets: Packets, tables: Collection[str], *, like_wireshark: bool, streams: Collection[int]
    ) -> None:
        """An analysis that has seen nothing.

        Args:
            packets: of the decoder whose packets will be fed.
            tables: names of the tables wanted, of any kind.
            like_wireshark: label segments as Wireshark does.
            streams: numbers of the streams that tables of chosen streams are about.
        """
        self.sequences = Sequences(
            packets,
            like_wireshark=like_wireshark,
            keep_events="events" in tables,
            compare="events" in tables or "directions" in tables,
        )
        self._measures = Measures(packets, self.sequences) if "directions" in tables else None
        self._limits = Limits(packets, self.sequences) if "limits" in tables else None
        self._series = Series(streams, self.sequences.segments) if "windows" in tables else None

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Analyse a batch whose packets have their stream numbers; ``streams`` is how many there are."""
        self.sequences.feed(batch, packets, streams)
        if self._measures is not None:
            self._measures.feed(batch, packets, streams)
        if self._limits is not None:
            self._limits.feed(batch, packets, streams)
        if self._series is not None:
            self._series.feed(batch, packets)

    def streams(self, streams: Streams) -> dict[str, NDArray[Any]]:
        """Columns that the analysis adds to the table ``streams``."""
        return self.sequences.totals(len(streams.client))

    def directions(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``directions``; empty unless it was wanted, as for those below."""
        return self._measures.columns(streams.columns, streams.client) if self._measures else {}

    def limits(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``limits``."""
        return self._limits.columns(streams.client) if self._limits else {}

    def events(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``events``."""
        return event_columns(
            self.sequences.events(), streams.client, self.sequences.bases(), streams.columns["start_ns"]
        )

    def windows(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``windows``."""
        if self._series is None:
            return {}
        return self._series.columns(streams.client, self.sequences.bases(), streams.columns["start_ns"])
