"""The engine for a capture without end: rows are taken while it goes on, and streams leave.

A row is *taken* once, when nothing more is expected of it: that of a stream when both sides have closed and
nothing came for a while, that of an event when later frames had time to tell about it, that of an exchange
when it is complete. If a stream goes on all the same, its rows are taken again. What was taken is either
printed at once, or the newest rows are kept for the report at the end. The rows are those of the tables:
there is no second way to make them.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.apps.reading import ManyRows
from netanalyze.capture.live.sockets import Owners
from netanalyze.columns import GrowingRows
from netanalyze.findings.budget import CHEAP
from netanalyze.findings.engine import find, runnable, tables_needed
from netanalyze.flow import fields
from netanalyze.flow.owned import Owned
from netanalyze.pipeline import Engine
from netanalyze.report import tables as build
from netanalyze.report.evicted import eviction_lines
from netanalyze.report.joined import joined
from netanalyze.report.registry import table_kind
from netanalyze.report.table import Table
from netanalyze.tcp.finished import QUIET_NS
from netanalyze.tcp.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.capture import Capture, LiveCapture
    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.findings.finding import Finding
    from netanalyze.pipeline import Options
    from netanalyze.report.record import Record

OF_STREAMS = ("streams", "directions", "limits", "transitions")
"""Tables whose rows belong to a stream, and are taken with it."""
STAYING = frozenset({"windows", "waits", "stalls", "nagle", "writes", "messages", "names", "lookups"})
"""Where one of these is wanted no stream leaves: what they say of it rests on all that came before."""
LINGER_NS = 1_000_000_000
"""So long after the last packet a stream that is closed is taken, and an event."""
LEAVE_NS = QUIET_NS
"""A stream that is closed leaves after so much silence, and TIME-WAIT before; a UDP flow likewise."""
LOOK_NS = 5_000_000_000
"""So often it is looked which streams leave, if there are not too many."""
LATELY_NS = 10_000_000_000
MAX_STREAMS = 100_000
_ROWS_EACH = {"directions": 2, "limits": 2, "transitions": 8}
"""Rows that are kept for each stream that may be, if not one."""
FIND_ROWS = 10_000
"""Rows of each table that are made into columns anew when findings are looked for, 1 µs for each value."""
_LATEST_NS = 1 << 62
_KEEP = 8
"""When there are too many streams, one in so many of those allowed makes room."""


class Bounds(Struct, frozen=True):
    """What a capture without end may take.

    Attributes:
        max_streams: TCP streams, UDP flows, and rows of any other table, that are kept at most.
        idle_ns: streams that are open leave after so much silence; None for never.
        keep_rows: keep the newest rows that were taken for the report, which else has only the others.
        give_rows: whether somebody calls ``take``.
    """

    max_streams: int = MAX_STREAMS
    idle_ns: int | None = None
    keep_rows: bool = True
    give_rows: bool = False


class OngoingEngine(Engine):
    """See the top of this file.

    Attributes:
        evicted: how many left for want of room: ``open`` streams, ``udp`` flows, rows of ``messages`` that
            tables of sums are made of.
    """

    _takes_rows = True

    def __init__(
        self,
        options: Options,
        bounds: Bounds | None = None,
        *,
        on_warning: Callable[[str], None] | None = None,
        two_threads: bool = False,
        owners: bool = False,
    ) -> None:
        """An engine that has seen nothing; arguments as of ``Engine``.

        Args:
            options: what is asked.
            bounds: what it may take.
            on_warning: see there.
            two_threads: see there.
            owners: whether it is looked up which processes of this machine have the sockets.
        """
        super().__init__(options, on_warning=on_warning, two_threads=two_threads)
        self.bounds = bounds or Bounds()
        self.evicted = {"open": 0, "udp": 0, "messages": 0}
        self._time_wait_ns = options.time_wait_ns
        found = Owners()
        self._owned = {
            name: Owned(found, name)
            for name, table in (("tcp", "streams"), ("udp", "udp"))
            if owners and table in self._wanted
        }
        self._told = GrowingRows(1)  # packets that each stream had when its rows were taken
        self._out: list[tuple[str, list[Record]]] = []
        self._kept: dict[str, deque[Record]] = {}
        self._forgotten: dict[str, int] = {}
        self._drained = False  # whether a row was taken
        self._now_ns: int | None = None
        self._looked_ns: int | None = None
        by_row = set(self._messages.taken()) if self._messages is not None else set()
        self._row_tables = [
            name for name in (*OF_STREAMS, "events", "udp", *sorted(by_row)) if name in self._wanted
        ]
        # Made of all rows that the reader of a protocol keeps.
        self._sums = {name for name in self._wanted if table_kind(name).protocol} - by_row
        self._quick_rules = runnable(self._rules, CHEAP | by_row)
        self._leave = not STAYING & self._wanted
        # Datagrams are read by the numbers of their flows.
        self._leave_flows = self._messages is None or not self._messages.reads_datagrams

    def feed(self, batch: Batch) -> None:
        """See ``Engine``."""
        if batch.count:
            times = batch.arrays["time_ns"][: batch.count]
            # The one in the middle, as of ``finished.known_until``: a few wrong ones do no harm.
            middle = len(times) // 2
            now_ns = min(max(int(np.partition(times, middle)[middle]), -(1 << 61)), 1 << 61)
            self._now_ns = now_ns if self._now_ns is None else max(self._now_ns, now_ns)
        super().feed(batch)
        self._look_who()
        if self._now_ns is None or not self._leave:
            return
        looked = self._looked_ns
        most = self.bounds.max_streams
        full = self._flows.tcp.count > most or (self._leave_flows and self._flows.udp.count > most)
        full |= self._tcp is not None and self._tcp.event_count > most
        if full or looked is None or self._now_ns - looked >= LOOK_NS:
            self._looked_ns = self._now_ns
            self._wait()
            self._leave_tcp(self._now_ns)
            if self._leave_flows:
                self._leave_udp(self._now_ns)
            self._bound_rows(self._now_ns)

    def take(self, now_ns: int | None = None) -> list[tuple[str, list[Record]]]:
        """Rows that were not taken before, by table.

        Args:
            now_ns: the time by now, if that may be later than the last frame.
        """
        self._wait()
        self._look_who()
        if self._now_ns is not None:
            self._collect(self._now_ns if now_ns is None else max(now_ns, self._now_ns))
        out, self._out = self._out, []
        return out

    @property
    def now_ns(self) -> int | None:
        """Time of the newest frames that were taken in, None before any."""
        return self._now_ns

    @property
    def said_names(self) -> Mapping[int, str]:
        """The names of servers that clients said, by stream, if names are wanted."""
        return self._said.names if self._said is not None else {}

    def counts(self) -> tuple[int, int, int]:
        """How many TCP streams are open, how many others there were, and how many UDP flows."""
        self._wait()
        tcp, udp = self._flows.tcp, self._flows.udp
        over = int(np.count_nonzero(self._tcp.over(tcp, never_open=True))) if self._tcp is not None else 0
        return tcp.count - over, over + tcp.let_go, udp.count + udp.let_go

    def glimpse(self, name: str, rows: int) -> Table[Any]:
        """The first rows of ``streams``, ``udp`` or ``listeners`` as it is now; it must be wanted.

        Streams and flows of which something came lately stand first, then those with most bytes; listeners
        with most attempts.
        """
        self._wait()
        table = self._udp() if name == "udp" else self._tcp_tables(self._streams())[name]()
        if not rows:
            return table[:0]
        if name == "listeners":
            return table.top(rows, "attempts")
        flows = self._flows.udp if name == "udp" else self._flows.tcp
        lately = flows.word(fields.LAST_NS) > (self._now_ns or 0) - LATELY_NS
        size = flows.word(fields.PAYLOAD) + flows.word(fields.PAYLOAD + 1)
        return table.at(np.lexsort((-size, ~lately))[:rows])

    def find(self, capture: Capture | LiveCapture) -> list[Finding]:
        """The findings so far, of rules that read nothing but tables that are quickly made.

        Nothing is taken, and nothing changes by it. Of rows that were taken and are kept the newest
        ``FIND_ROWS`` of each table are looked at, and of messages no others.

        Args:
            capture: that is analysed.
        """
        self._wait()
        streams = self._streams() if self._tcp is not None else None
        make = self._packet_tables(capture, streams)
        made: dict[str, Table[Any]] = {}
        for name in tables_needed(self._quick_rules):
            now = make[name]() if name in make else build.empty_table(name, table_kind(name).record)
            kept = self._kept.get(name, ())
            newest = list(islice(reversed(kept), FIND_ROWS)) if kept else []
            made[name] = joined(newest[::-1], now, _key_of(name))
        return find(made, self._quick_rules)

    def _look_who(self, *, now: bool = False) -> None:
        """Look up who has the sockets of new streams and flows."""
        for name, owned in self._owned.items():
            owned.look(self._flows.tcp if name == "tcp" else self._flows.udp, now=now)

    def _owners(self, transport: str, client: NDArray[np.int64], rows: Rows) -> dict[str, Any]:
        if transport not in self._owned:
            return super()._owners(transport, client, rows)
        count = (self._flows.tcp if transport == "tcp" else self._flows.udp).count
        return build.owner_columns(len(client), *self._owned[transport].columns(count, rows, client))

    def _until_ns(self, batch: Batch) -> int | None:
        """Streams leave by other rules here."""
        del batch
        return None

    # Taking rows.

    def _packets(self) -> NDArray[np.int64]:
        tcp = self._flows.tcp
        return tcp.word(fields.PACKETS) + tcp.word(fields.PACKETS + 1)

    def _collect(self, now_ns: int, gone: NDArray[np.bool_] | None = None) -> None:
        """Take what there is to take.

        Args:
            now_ns: the time by now.
            gone: streams that leave, whose rows are all taken if they have not been as they are.
        """
        tcp, analysis = self._flows.tcp, self._tcp
        self._told.reach(tcp.count)
        packets = self._packets()
        new = packets != self._told.array[: tcp.count, 0]
        if gone is not None:
            ready = gone & new
        elif analysis is not None:
            ready = analysis.over(tcp) & (tcp.word(fields.LAST_NS) <= now_ns - LINGER_NS) & new
        else:
            ready = np.zeros(tcp.count, np.bool_)
        over = frozenset(tcp.numbers[gone].tolist()) if gone is not None else frozenset()
        found = self._messages.taken(over) if self._messages is not None else {}
        found = {name: columns for name, columns in found.items() if _any(columns)}
        events = analysis is not None and analysis.event_count > 0 and "events" in self._wanted
        leaving = gone if gone is not None and self.bounds.keep_rows else None
        if not (ready.any() or found or events or (leaving is not None and leaving.any())):
            return
        streams = self._streams()
        tables = {**self._tcp_tables(streams), **self._message_tables(streams, found)}
        for name in (name for name in OF_STREAMS if name in tables and name in self._wanted):
            self._take_streams(tables[name](), tcp.numbers, ready, leaving)
        if events:
            self._take_events(tables["events"](), now_ns, gone)
        for name in (name for name in found if name in self._wanted):
            self._put(name, list(tables[name]()))
        self._told.array[: tcp.count, 0][ready] = packets[ready]

    def _take_streams(
        self,
        table: Table[Any],
        numbers: NDArray[np.int64],
        ready: NDArray[np.bool_],
        leaving: NDArray[np.bool_] | None,
    ) -> None:
        """Rows of streams that are ready are given out, those of streams that leave are kept."""
        mine = np.searchsorted(numbers, table.column(table.field("stream")).ranks())
        if ready.any() and self.bounds.give_rows:
            self._out.append((table.name, list(table.at(np.flatnonzero(ready[mine])))))
        if leaving is not None:
            self._keep(table.name, table.at(np.flatnonzero(leaving[mine])))

    def _take_events(self, table: Table[Any], now_ns: int, gone: NDArray[np.bool_] | None) -> None:
        assert self._tcp is not None  # noqa: S101 - there are events
        ready = table.column(table.field("time_ns")).ranks() <= now_ns - LINGER_NS
        if gone is not None:
            places = np.searchsorted(self._flows.tcp.numbers, table.column(table.field("stream")).ranks())
            ready |= gone[places]
        if ready.any():
            self._put("events", list(table.at(np.flatnonzero(ready))))
            self._tcp.keep_events(np.flatnonzero(~ready))

    def _put(self, name: str, rows: list[Record]) -> None:
        """Rows that are taken and forgotten."""
        self._drained = True
        if self.bounds.give_rows:
            self._out.append((name, rows))
        if self.bounds.keep_rows:
            self._keep(name, rows)

    def _keep(self, name: str, rows: Iterable[Record]) -> None:
        kept = self._kept.setdefault(name, deque())
        kept.extend(rows)
        self._drained = True
        beyond = len(kept) - self.bounds.max_streams * _ROWS_EACH.get(name, 1)
        for _ in range(beyond):
            kept.popleft()
        self._forgotten[name] = self._forgotten.get(name, 0) + max(beyond, 0)

    # Leaving.

    def _leave_tcp(self, now_ns: int) -> None:
        tcp, analysis = self._flows.tcp, self._tcp
        last_ns = tcp.word(fields.LAST_NS)
        closed = analysis.over(tcp, never_open=True) if analysis is not None else np.ones(tcp.count, np.bool_)
        gone = closed & (last_ns <= now_ns - LEAVE_NS - self._time_wait_ns)
        if self.bounds.idle_ns is not None:
            gone |= last_ns <= now_ns - max(self.bounds.idle_ns, LINGER_NS)
        most = self.bounds.max_streams
        forced = tcp.count - int(np.count_nonzero(gone)) > most
        if forced:
            order = np.lexsort((last_ns, ~closed, ~gone))  # those that leave anyway, closed, silent longest
            chosen = order[: tcp.count - most + max(most // _KEEP, 1)]
            early = chosen[~gone[chosen]]
            self.evicted["open"] += int(np.count_nonzero(~closed[early]))
            gone[chosen] = True
        if not gone.any():
            return
        if self._messages is not None:
            self._messages.end(np.flatnonzero(gone).tolist())
        self._collect(now_ns, gone)
        if self._messages is not None:
            rows = self.bounds.max_streams if self._sums else 0
            self._messages.forget(frozenset(tcp.numbers[gone].tolist()), rows)
        if analysis is not None:
            ports = self._identifier.service_ports["tcp"]
            streams = Streams(tcp, ports)
            until_ns = int(last_ns[gone].max()) if forced else now_ns - LEAVE_NS
            analysis.let_go(streams, max(until_ns, now_ns - LEAVE_NS), chosen=gone)
        kept = np.flatnonzero(~gone)
        if self._messages is not None:
            self._messages.keep(kept, tcp.count)
        self._identifier.keep_tcp(kept)
        self._told.keep(kept, tcp.count)
        if "tcp" in self._owned:
            self._owned["tcp"].keep(kept, tcp.count)
        tcp.keep(kept)

    def _leave_udp(self, now_ns: int) -> None:
        udp = self._flows.udp
        last_ns = udp.word(fields.LAST_NS)
        gone = last_ns <= now_ns - LEAVE_NS
        most = self.bounds.max_streams
        if udp.count - int(np.count_nonzero(gone)) > most:
            order = np.argsort(last_ns, kind="stable")
            chosen = order[: udp.count - most + max(most // _KEEP, 1)]
            self.evicted["udp"] += int(np.count_nonzero(~gone[chosen]))
            gone[chosen] = True
        if not gone.any():
            return
        if "udp" in self._wanted:
            self._put("udp", list(self._udp().at(np.flatnonzero(gone))))
        if self._tcp is not None:
            self._tcp.hear(udp)
        kept = np.flatnonzero(~gone)
        if self._datagrams is not None:
            self._datagrams.keep(kept, udp.count)
        self._identifier.keep_udp(kept)
        if "udp" in self._owned:
            self._owned["udp"].keep(kept, udp.count)
        udp.keep(kept)

    def _bound_rows(self, now_ns: int) -> None:
        """Events and messages of streams that stay."""
        most = self.bounds.max_streams
        if self._tcp is not None and self._tcp.event_count > most:
            self._collect(now_ns)
            beyond = self._tcp.event_count - most
            if beyond > 0:
                self._forgotten["events"] = self._forgotten.get("events", 0) + beyond
                self._tcp.keep_events(np.arange(beyond, beyond + most))
        if self._messages is not None:
            self.evicted["messages"] += self._messages.forget(frozenset(), most)

    # The report.

    def _final(self, capture: Capture | LiveCapture, but: frozenset[str] = frozenset()) -> list[Table[Any]]:
        """The tables: of rows that were taken those that are kept, and all that were not taken."""
        self._look_who(now=True)
        gone = self._flows.tcp.let_go or self.evicted["messages"]
        most = self.bounds.max_streams
        for line in eviction_lines(self.evicted, self._forgotten, self._sums if gone else (), most):
            self._warn(line)
        if not self._drained and self.bounds.keep_rows:
            return super()._final(capture)
        everything = np.ones(self._flows.tcp.count, np.bool_)
        rows: dict[str, list[Record]] = {name: [] for name in self._row_tables}
        self._collect(_LATEST_NS, everything)
        if "udp" in self._wanted:
            self._put("udp", list(self._udp()))
        given = self._kept.items() if self.bounds.keep_rows else self._out
        for name, some in given:
            rows[name] += some
        self._out = []
        made = super()._final(capture, but | frozenset(rows))
        for name, some in rows.items():
            ordered = sorted(some, key=partial(_place, _key_of(name)))
            made.append(Table.from_rows(name, table_kind(name).record, ordered))
        return made


def _any(columns: Mapping[str, Sequence[Any]] | ManyRows) -> bool:
    """Whether there is a row."""
    return columns.length > 0 if isinstance(columns, ManyRows) else any(map(len, columns.values()))


def _key_of(name: str) -> str:
    """The column that the rows of a table are ordered by."""
    return "stream" if name in OF_STREAMS else "flow" if name == "udp" else "frame"


def _place(key: str, row: Record) -> int:
    """What rows are ordered by."""
    found: int | None = getattr(row, key, None)
    if found is None:
        found = getattr(row, "response_frame", None)
    return -1 if found is None else found
