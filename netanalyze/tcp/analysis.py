"""The TCP stages, of which only those run that the tables asked for need."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL
from netanalyze.flow import fields as flow_fields
from netanalyze.tcp import wanted
from netanalyze.tcp.bounds import bound_columns
from netanalyze.tcp.closers import Closers
from netanalyze.tcp.conn import Connections
from netanalyze.tcp.delays import Delays
from netanalyze.tcp.events import event_columns
from netanalyze.tcp.finished import finished
from netanalyze.tcp.limits import Limits, Settled
from netanalyze.tcp.listeners import Handshakes
from netanalyze.tcp.machines import Machines, Outcome, state_columns, transition_columns
from netanalyze.tcp.measures import Measures
from netanalyze.tcp.populations import Populations
from netanalyze.tcp.sequence import Sequences
from netanalyze.tcp.series import Series
from netanalyze.tcp.streams import Streams, keep_times_in_reach
from netanalyze.tcp.tap import TAPS, UNKNOWN, Taps, paths_of
from netanalyze.tcp.timers import TIME_WAIT_NS
from netanalyze.tcp.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.flow.table import Conversations
    from netanalyze.tcp.segments import Segments
    from netanalyze.wire.packets import Packets


class TcpAnalysis:
    """Everything that is found out about TCP beyond endpoints and counts.

    Attributes:
        lets_go: whether streams that are finished need not be kept.
    """

    def __init__(  # noqa: PLR0913 - options, given by name
        self,
        capacity: int,
        tables: Collection[str],
        *,
        like_wireshark: bool,
        streams: Collection[int],
        time_wait_ns: int = TIME_WAIT_NS,
        lets_go: bool = False,
    ) -> None:
        """An analysis that has seen nothing.

        Args:
            capacity: how many packets a batch holds at most.
            tables: names of the tables wanted, of any kind.
            like_wireshark: label segments as Wireshark does.
            streams: numbers of the streams that tables of chosen streams are about.
            time_wait_ns: how long endpoints stay in TIME-WAIT.
            lets_go: streams may be let go of whatever tables are wanted, because somebody takes their rows
                before.

        Raises:
            UsageError: ``time_wait_ns`` makes no sense.
        """
        self._sequences = None
        self._measures = None
        self._limits = None
        self._waits = None
        self._series = None
        self._taps = None
        self._delays = None
        self._known: tuple[Streams, NDArray[np.int64]] | None = None
        if wanted.SEQUENCE_TABLES & set(tables):
            self._sequences = Sequences(
                capacity,
                like_wireshark=like_wireshark,
                keep_events="events" in tables,
                compare="events" in tables or "directions" in tables,
            )
            if "directions" in tables:
                self._measures = Measures(self._sequences)
            if "limits" in tables:
                self._limits = Limits(self._sequences)
            if (wanted.WAIT_TABLES | {"writes"}) & set(tables):
                self._waits = Waits(self._sequences)
            if "windows" in tables:
                self._series = Series(streams, self._sequences.segments)
            if wanted.TAP_TABLES & set(tables):
                self._taps = Taps(self._sequences.segments)
            if "transitions" in tables:
                self._delays = Delays(self._sequences.segments)
        self._connections = Connections() if "streams" in tables else None
        self._handshakes = Handshakes() if "listeners" in tables else None
        self._machines = None
        self._outcome: Outcome | None = None
        self._populations = Populations(time_wait_ns) if "populations" in tables else None
        self._closers = Closers() if "closers" in tables else None
        self._sums = [table for table in (self._populations, self._closers) if table is not None]
        self._time_wait_ns = time_wait_ns
        self.lets_go = lets_go or set(tables) <= wanted.SUM_TABLES | wanted.NO_STREAM_TABLES
        moves = bool(wanted.MOVE_TABLES & set(tables))
        if moves or "streams" in tables or self.lets_go:
            self._machines = Machines(time_wait_ns=time_wait_ns, record=moves)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Analyse a batch whose packets have their stream numbers; ``streams`` is how many there are."""
        for step in self.steps(batch, packets, streams):
            step()

    def steps(self, batch: Batch, packets: Packets, streams: int) -> list[Callable[[], None]]:
        """The same as ``feed`` in pieces: behind the first, in any order and on several threads.

        Steps of an earlier batch may be under way meanwhile.
        """
        every = (self._sequences, self._measures, self._limits, self._waits, self._taps, self._handshakes)
        for stage in (*every, self._machines, self._connections):
            if stage is not None:
                stage.prepare(streams)
        rest: list[Callable[[], None]] = []
        alike = (self._measures, self._limits, self._waits, self._taps, self._delays, self._handshakes)
        rest += [partial(stage.feed, batch, packets, streams) for stage in alike if stage is not None]
        if self._machines is not None:
            self._outcome = None
            rest.append(partial(self._machines.add, batch, packets, streams))
        if self._connections is not None:
            rest.append(partial(self._connections.feed, packets, streams))
        if self._series is not None:
            rest.append(partial(self._series.feed, batch, packets))
        return [partial(self._begin, batch, packets, streams), *rest]

    def _begin(self, batch: Batch, packets: Packets, streams: int) -> None:
        """What the other stages rely on."""
        keep_times_in_reach(batch)
        if self._sequences is not None:
            self._sequences.feed(batch, packets, streams)

    @property
    def segments(self) -> Segments | None:
        """What the sequence analysis finds out about each batch, if it runs."""
        return self._sequences.segments if self._sequences is not None else None

    def quiet(self, tcp: Conversations, until_ns: int) -> int:
        """How many streams have been silent for long enough to be let go of, if they are finished."""
        return int(np.count_nonzero(tcp.word(flow_fields.LAST_NS) <= until_ns - self._time_wait_ns))

    def over(self, tcp: Conversations, *, never_open: bool = False) -> NDArray[np.bool_]:
        """Which streams both endpoints have closed, or besides never opened; only where ``lets_go``."""
        assert self._machines is not None  # noqa: S101 - what lets go has machines
        return self._machines.over(tcp.count, never_open=never_open)

    @property
    def event_count(self) -> int:
        """How many events are kept."""
        return 0 if self._sequences is None else self._sequences.event_count

    def keep_events(self, rows: NDArray[np.int64]) -> None:
        """Let go of all events but these, in ascending order."""
        if self._sequences is not None:
            self._sequences.keep_events(rows)

    def let_go(
        self, streams: Streams, until_ns: int, chosen: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]:
        """Add up streams that are finished, and forget them; only where ``lets_go``, and between batches.

        Args:
            streams: all that there are.
            until_ns: up to when what happened is known for good (``finished.known_until``).
            chosen: which streams to forget instead, finished or not; all must have begun by then.

        Returns:
            Which streams are left, in ascending order. From now on their numbers are places in this.
        """
        assert self._machines is not None  # noqa: S101 - what lets go has machines
        tcp = streams.conversations
        self._machines.close_succeeded(tcp)
        self._outcome = None
        gone = np.zeros(tcp.count, np.bool_)
        self._known = None
        last_ns = tcp.word(flow_fields.LAST_NS)
        # Numbers of streams are in the order of their beginnings.
        begun = np.flatnonzero(streams.endpoints["start_ns"] <= until_ns)
        end = int(begun[-1]) + 1 if len(begun) else 0
        for some, outcome in self._machines.pieces(tcp, end):
            part = slice(some.start, some.stop)
            moves = outcome.moves
            gone[part] = finished(outcome.final, last_ns[part], self._time_wait_ns, until_ns)
            gone[moves.stream[np.maximum(moves.time_ns, moves.until_ns) > until_ns]] = False
            for table in self._sums:
                table.look(moves, streams.client)
        if chosen is not None:
            gone[:] = chosen
        if self._handshakes is not None:
            self._handshakes.let_go(tcp, gone, until_ns)
            self._handshakes.hear(tcp)
        if self._populations is not None:
            self._populations.let_go(streams.endpoints, gone, until_ns)
        if self._closers is not None:
            self._closers.let_go(streams.endpoints, gone)
        kept = np.flatnonzero(~gone)
        stages = (self._sequences, self._measures, self._limits, self._taps, self._delays)
        for stage in (*stages, self._machines, self._connections, self._handshakes):
            if stage is not None:
                stage.keep(kept, tcp.count)
        return kept

    def hear(self, udp: Conversations) -> None:
        """Remember what matters of UDP flows before some of them are let go of: which hosts there are."""
        if self._handshakes is not None:
            self._handshakes.hear(udp)

    def streams(self, streams: Streams, rows: Rows) -> dict[str, Any]:
        """What the analysis adds to some rows of the table ``streams``; empty unless it was wanted."""
        if self._sequences is None or self._connections is None or self._machines is None:
            return {}
        tcp = streams.conversations
        final = self._machines.finals(tcp, rows) if self._outcome is None else self._outcome.final[rows]
        evidence = self._taps.evidence(streams, rows) if self._taps is not None else {}
        return {
            **self._sequences.totals(tcp.count, rows),
            **self._connections.columns(tcp.count, rows),
            **state_columns(final, streams.sides(rows)),
            "tap": evidence["tap"],
            "tap_names": TAPS,
            "tap_facts": evidence,
        }

    def directions(self, streams: Streams, rows: Rows) -> dict[str, Any]:
        """The columns of some rows of the table ``directions``."""
        if self._measures is None:
            return {}
        columns = self._measures.columns(streams, rows)
        tap = self._tap(streams, columns["stream"])
        return {**columns, "rtt_path": paths_of(tap, columns["sender"])}

    def limits(self, streams: Streams) -> Settled:
        """The rows of the table ``limits``, which must be among the tables."""
        assert self._limits is not None  # noqa: S101 - asked for only where it is wanted
        return self._limits.settled(streams.client)

    def waits(self, table: str, streams: Streams) -> dict[str, Any]:
        """The columns of one of the tables ``waits``, ``stalls`` and ``nagle``."""
        if self._waits is None:
            return {}
        columns: dict[str, Any] = getattr(self._waits, table)(streams.client)
        return columns

    def half_stalls(self, streams: Streams) -> dict[str, NDArray[np.int64]]:
        """How often and how long each half-stream was held up (``Waits.halves``); empty if nobody asks."""
        return {} if self._waits is None else self._waits.halves(streams.client)

    def events(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``events``."""
        if self._sequences is None:
            return {}
        columns = event_columns(self._sequences.events(), streams)
        return {**columns, "tap": self._tap(streams, columns["stream"])}

    def windows(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``windows``."""
        if self._series is None:
            return {}
        return self._series.columns(streams.client, streams.bases(), streams.word(flow_fields.FIRST_NS, ALL))

    def listeners(self, streams: Streams, udp: Conversations) -> dict[str, Any]:
        """The columns of the table ``listeners``; UDP's conversations tell which hosts are there at all."""
        return self._handshakes.columns(streams.conversations, udp) if self._handshakes else {}

    def transitions(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``transitions``."""
        outcome = self._moved(streams)
        if outcome is None or self._delays is None:
            return {}
        trips = self._delays.trips(self._tap(streams, ALL), streams.client)
        resets = self._delays.first_resets(len(streams.client))
        return transition_columns(outcome.moves, streams.client, bound_columns(outcome.moves, trips, resets))

    def populations(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``populations``."""
        if self._populations is None:
            return {}
        self._look(streams, self._populations)
        return self._populations.columns(streams.endpoints)

    def closers(self, streams: Streams) -> dict[str, Any]:
        """The columns of the table ``closers``."""
        if self._closers is None:
            return {}
        self._look(streams, self._closers)
        return self._closers.columns(streams.endpoints)

    def _look(self, streams: Streams, table: Populations | Closers) -> None:
        """Have a table look at all moves, at once if other tables share them."""
        if self._machines is None:
            return
        if self.lets_go:
            tcp = streams.conversations
            for _, outcome in self._machines.pieces(tcp, tcp.count):
                table.look(outcome.moves, streams.client)
        elif (shared := self._moved(streams)) is not None:
            table.look(shared.moves, streams.client)

    def _moved(self, streams: Streams) -> Outcome | None:
        """What the state machines say now; several tables share it."""
        if self._outcome is None and self._machines is not None:
            self._outcome = self._machines.finish(streams.conversations)
        return self._outcome

    def _tap(self, streams: Streams, rows: Rows) -> NDArray[np.int64]:
        """Where some streams were captured (``tap.TAPS``); of many, each may be asked for several times."""
        if self._taps is None:
            return np.full(streams.count, UNKNOWN)[rows]
        if streams.few(rows):
            return self._taps.evidence(streams, rows)["tap"]
        if self._known is None or self._known[0] is not streams:
            self._known = streams, self._taps.evidence(streams)["tap"]
        return self._known[1][rows]
