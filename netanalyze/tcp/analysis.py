"""The TCP stages, of which only those run that the tables asked for need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.tcp.conn import Connections, state_columns
from netanalyze.tcp.events import event_columns
from netanalyze.tcp.listeners import Handshakes, listener_columns
from netanalyze.tcp.measures import Measures
from netanalyze.tcp.sequence import Sequences
from netanalyze.tcp.series import Series
from netanalyze.tcp.tap import TAPS, Taps, paths_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import Conversations
    from netanalyze.wire.packets import Packets

_SEQUENCE_TABLES = frozenset({"streams", "directions", "events", "windows"})
_TAP_TABLES = frozenset({"streams", "directions", "events"})
"""Tables that say something about where a connection was captured."""
TABLES = _SEQUENCE_TABLES | {"listeners"}
"""Tables for which TCP has to be analysed."""

_EARLIEST_NS = -(1 << 61)
_LATEST_NS = 1 << 62


def keep_times_in_reach(batch: Batch) -> None:
    """Make of times that no clock has (before 1897, after 2116) the nearest that one may have.

    So differences fit in 64 bits.
    """
    times = batch.arrays["time_ns"][: batch.count]
    np.clip(times, _EARLIEST_NS, _LATEST_NS, out=times)


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
        self._sequences = None
        self._measures = None
        self._series = None
        self._taps = None
        self._known: tuple[Streams, Mapping[str, NDArray[Any]]] | None = None
        if _SEQUENCE_TABLES & set(tables):
            self._sequences = Sequences(
                packets,
                like_wireshark=like_wireshark,
                keep_events="events" in tables,
                compare="events" in tables or "directions" in tables,
            )
            if "directions" in tables:
                self._measures = Measures(packets, self._sequences)
            if "windows" in tables:
                self._series = Series(streams, self._sequences.segments)
            if _TAP_TABLES & set(tables):
                self._taps = Taps(packets, self._sequences.segments)
        self._connections = Connections(packets) if "streams" in tables else None
        self._handshakes = Handshakes(packets) if "listeners" in tables else None

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Analyse a batch whose packets have their stream numbers; ``streams`` is how many there are."""
        keep_times_in_reach(batch)
        if self._sequences is not None:
            self._sequences.feed(batch, packets, streams)
            if self._measures is not None:
                self._measures.feed(batch, packets, streams)
            if self._series is not None:
                self._series.feed(batch, packets)
            if self._taps is not None:
                self._taps.feed(batch, packets, streams)
        if self._connections is not None:
            self._connections.feed(packets, streams)
        if self._handshakes is not None:
            self._handshakes.feed(batch, packets, streams)

    def streams(self, streams: Streams) -> dict[str, Any]:
        """Columns that the analysis adds to the table ``streams``; empty unless it was wanted, as below."""
        if self._sequences is None or self._connections is None:
            return {}
        count = len(streams.client)
        evidence = self._evidence(streams)
        return {
            **self._sequences.totals(count),
            **state_columns(self._connections, count),
            "tap": evidence["tap"],
            "tap_names": TAPS,
            "tap_facts": evidence,
        }

    def directions(self, streams: Streams, rows: slice | NDArray[np.int64]) -> dict[str, Any]:
        """The columns of some rows of the table ``directions``."""
        if self._measures is None:
            return {}
        columns = self._measures.columns(streams.columns, streams.client, rows)
        tap = self._evidence(streams)["tap"][columns["stream"]]
        return {**columns, "rtt_path": paths_of(tap, columns["sender"])}

    def events(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``events``."""
        if self._sequences is None:
            return {}
        columns = event_columns(
            self._sequences.events(), streams.client, self._sequences.bases(), streams.columns["start_ns"]
        )
        return {**columns, "tap": self._evidence(streams)["tap"][columns["stream"]]}

    def windows(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``windows``."""
        if self._sequences is None or self._series is None:
            return {}
        return self._series.columns(streams.client, self._sequences.bases(), streams.columns["start_ns"])

    def listeners(self, tcp: Conversations, udp: Conversations) -> dict[str, Any]:
        """The columns of the table ``listeners``, from the conversations of both transports."""
        return listener_columns(tcp, udp, self._handshakes) if self._handshakes else {}

    def _evidence(self, streams: Streams) -> Mapping[str, NDArray[Any]]:
        """What is known about where each stream was captured, the same for all tables."""
        if self._taps is None:
            return {}
        if self._known is None or self._known[0] is not streams:
            self._known = streams, self._taps.evidence(streams.columns, streams.client)
        return self._known[1]
