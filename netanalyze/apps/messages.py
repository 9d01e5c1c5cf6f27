"""The stage that reads application protocols: byte streams go to the readers of the protocols they carry.

Datagrams go to those of ``datagrams``.

Which protocol a stream carries is what ``identify`` has found out by the end of the batch. A stream is read
once its name stays, or once nothing more is looked at that could change it; until then it is kept in a
``Backlog``. Streams that carry something else are not put together any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from msgspec.structs import replace

from netanalyze.apps.backlog import Backlog, Budget
from netanalyze.apps.datagrams import DatagramReading
from netanalyze.apps.reading import Forgetting
from netanalyze.columns import GrowingRows
from netanalyze.tcp.assembler import FIRST
from netanalyze.tcp.reassembly import Reassembly
from netanalyze.tcp.streams import keep_times_in_reach
from netanalyze.wire.packets import CARRIER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.identify import Identifier
    from netanalyze.apps.reading import Application, DatagramApplication, ManyRows
    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.byte_streams import Consumer, StreamFacts
    from netanalyze.wire.packets import Packets

_TCP = 6
# What a stream is; the first two are among ``reassembly_fields.ASKED``.
_UNDECIDED = 1
_READ = 2
_IGNORED = 4


class Messages:
    """Reads the streams of some protocols."""

    def __init__(
        self,
        capacity: int,
        identifier: Identifier,
        applications: Mapping[str, Application],
        *,
        policy: str = FIRST,
        number: Callable[[int], int] | None = None,
    ) -> None:
        """Nothing read yet.

        Args:
            capacity: how many packets a batch holds at most.
            identifier: which sees every batch before.
            applications: of the protocols that are to be read, by name.
            policy: which copy of bytes counts that came twice (``tcp.assembler``).
            number: the number of a stream by its place, if these are not the same.
        """
        self._number = number
        self._identifier = identifier
        self._applications = applications
        self._policy = policy
        ports = identifier.service_ports["tcp"]
        self._reassembly = Reassembly(capacity, self._open, policy=policy, service_ports=ports)
        self._status = GrowingRows(1, "u1")
        self._backlogs: dict[int, Backlog] = {}
        self._budget = Budget()
        self._last_ns: int | None = None
        self._datagrams = [
            DatagramReading(capacity, identifier, cast("DatagramApplication", made))
            for made in applications.values()
            if hasattr(made, "datagrams")
        ]

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Read a batch whose streams have been looked at by the identifier."""
        asked = self._status.reach(streams)
        keep_times_in_reach(batch)
        if batch.count:
            latest = int(batch.arrays["time_ns"][: batch.count].max())
            self._last_ns = latest if self._last_ns is None else max(latest, self._last_ns)
        for reading in self._datagrams:
            reading.feed(batch, packets)
        arrays, count = packets.arrays, packets.count
        tcp = (arrays["protocol"][:count] == _TCP) & (arrays["role"][:count] <= CARRIER)
        if not tcp.any():
            return
        self._decide(arrays["stream"][:count][tcp])
        self._reassembly.feed(batch, packets, streams, asked)

    def finish(self) -> None:
        """Nothing more comes: every reader is told."""
        self._reassembly.finish(self._last_ns or 0)
        for reading in self._datagrams:
            reading.finish()

    def columns(self) -> dict[str, Mapping[str, Sequence[Any]] | ManyRows]:
        """What the readers found, by table and column."""
        found: dict[str, Mapping[str, Sequence[Any]] | ManyRows] = {}
        for made in self._applications.values():
            found |= made.columns()
        return found

    @property
    def reads_datagrams(self) -> bool:
        """Whether any of the protocols is carried by UDP; its flows must keep their numbers."""
        return bool(self._datagrams)

    def application(self, protocol: str) -> Application:
        """What is kept of a protocol that is read."""
        return self._applications[protocol]

    def warnings(self) -> list[str]:
        """What was left out, a line each."""
        lines = self._reassembly.losses.lines(self._policy)
        if self._budget.dropped_bytes:
            lines.append(
                f"{self._budget.dropped_bytes} bytes of TCP streams came before it was known which protocol"
                " they carry, and were too many to keep"
            )
        return lines

    def taken(self, over: Collection[int] = ()) -> dict[str, Mapping[str, Sequence[Any]] | ManyRows]:
        """Rows that are complete and were not taken before, as in ``columns``.

        Args:
            over: numbers of streams that have ended, of which every row is complete.
        """
        found: dict[str, Mapping[str, Sequence[Any]] | ManyRows] = {}
        for made in self._applications.values():
            if isinstance(made, Forgetting):
                found |= made.taken(over)
        return found

    def forget(self, numbers: Collection[int], most: int) -> int:
        """Keep no row of these streams, and not more than ``most`` of others that were taken.

        Returns:
            How many rows of other streams were let go of.
        """
        made = self._applications.values()
        return sum(each.forget(numbers, most) for each in made if isinstance(each, Forgetting))

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order. Others have ended."""
        self._status.reach(count)
        self._status.keep(streams, count)
        self._reassembly.keep(streams, count)
        backlogs = list(self._backlogs.values())
        places = np.searchsorted(streams, [backlog.facts.number for backlog in backlogs]).tolist()
        self._backlogs = dict(zip(places, backlogs, strict=True))
        for place, backlog in self._backlogs.items():
            backlog.facts = replace(backlog.facts, number=place)

    def end(self, streams: Iterable[int]) -> None:
        """Nothing more is told of these streams: their readers know it afterwards."""
        for stream in streams:
            self._reassembly.end(stream, self._last_ns or 0)

    def _decide(self, streams: NDArray[np.int64]) -> None:
        """Find out about the streams of a batch of which it is not known yet whether they are read."""
        status = self._status.array[:, 0]
        pending = streams[streams >= 0]
        pending = pending[(status[pending] & (_READ | _IGNORED)) == 0]
        if not pending.size:
            return
        pending = np.array(sorted(set(pending.tolist())), np.int64)
        status[pending] = _UNDECIDED
        for stream in pending[self._identifier.tcp_settled(pending)].tolist():
            if self._identifier.tcp_app(stream) in self._applications:
                self._read(stream)
            else:
                self._ignore(stream)

    def _read(self, stream: int) -> Consumer | None:
        """From now on a stream is read; returns its reader if there was something to tell it already."""
        self._status.array[stream, 0] = _READ
        backlog = self._backlogs.pop(stream, None)
        if backlog is None:
            return None
        reader = self._reader(backlog.facts)
        self._reassembly.replace(stream, reader)
        backlog.replay(reader)
        return reader

    def _ignore(self, stream: int) -> None:
        self._status.array[stream, 0] = _IGNORED
        self._reassembly.drop(stream)
        backlog = self._backlogs.pop(stream, None)
        if backlog is not None:
            backlog.clear()

    def _open(self, facts: StreamFacts) -> Consumer:
        if self._status.array[facts.number, 0] & _READ:
            return self._reader(facts)
        backlog = self._backlogs[facts.number] = Backlog(facts, self._budget, self._decide_now)
        return backlog

    def _decide_now(self, backlog: Backlog) -> Consumer | None:
        """There is no more room to wait, or nothing more to wait for: what a stream is called now counts."""
        stream = backlog.facts.number
        if self._identifier.tcp_app(stream) in self._applications:
            return self._read(stream)
        if backlog.finished_ns is not None:
            self._status.array[stream, 0] = _IGNORED
            self._backlogs.pop(stream).clear()
        return None

    def _reader(self, facts: StreamFacts) -> Consumer:
        application = self._applications[self._identifier.tcp_app(facts.number)]
        if self._number is not None:
            facts = replace(facts, number=self._number(facts.number))
        return application.open(facts)
