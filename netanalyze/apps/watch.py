"""One TCP stream, followed: its bytes put together and given out as passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, field

from netanalyze.apps.backlog import Backlog, Budget
from netanalyze.apps.identify import Identifier
from netanalyze.apps.readers import transcriber
from netanalyze.apps.reading import MAX_BODY_BYTES
from netanalyze.apps.transcript import Ends, Passage, Plain
from netanalyze.columns import GrowingRows
from netanalyze.errors import UsageError
from netanalyze.flow.summary import client_side, stream_columns
from netanalyze.model import format_address
from netanalyze.tcp.assembler import FIRST
from netanalyze.tcp.reassembly import Reassembly
from netanalyze.tcp.reassembly_fields import ASKED
from netanalyze.tcp.streams import keep_times_in_reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.apps.transcript import Transcriber
    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import FlowTable
    from netanalyze.tcp.byte_streams import Consumer, StreamFacts
    from netanalyze.wire.packets import Packets


class Wanted(Struct, frozen=True):
    """How a stream is put together, and what is shown of it.

    Attributes:
        as_sent: its bytes, also where its protocol would show messages.
        max_body_bytes: what one body may grow to when it is decoded.
        overlap: which copy of bytes counts that came twice before they were in order.
        keep_duplicates: take frames that were captured twice each time.
        decode_as: application protocol by transport and port.
    """

    as_sent: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    overlap: str = FIRST
    keep_duplicates: bool = False
    decode_as: Mapping[tuple[str, int], str] = field(default_factory=dict)


class StreamWatch:
    """Follows the stream of a number through a capture."""

    def __init__(self, number: int, capacity: int, flows: FlowTable, wanted: Wanted) -> None:
        """Nothing seen yet.

        Args:
            number: of the stream.
            capacity: how many packets a batch holds at most.
            flows: which sees every batch before.
            wanted: how to put the stream together and what to show of it.
        """
        self._number = number
        self._flows = flows
        self._wanted = wanted
        self._identifier = Identifier(wanted.decode_as)
        self._ports = self._identifier.service_ports["tcp"]
        self._reassembly = Reassembly(capacity, self._open, policy=wanted.overlap, service_ports=self._ports)
        self._asked = GrowingRows(1, "u1")
        self._transcriber: Transcriber | None = None
        self._backlog: Backlog | None = None  # while it is not known which protocol it carries
        self._introduced = False
        self._last_ns = 0

    def feed(self, batch: Batch, packets: Packets) -> Iterator[Ends | Passage]:
        """Take a batch; gives what has been said with it, and before the first passage who says it."""
        keep_times_in_reach(batch)
        self._identifier.feed(packets, batch.data)
        count = self._flows.tcp.count
        asked = self._asked.reach(count)
        if self._number < count:
            self._asked.array[self._number] = ASKED
        self._reassembly.feed(batch, packets, count, asked)
        if self._backlog is not None and self._named():
            self._decide(self._backlog)
        if batch.count:
            self._last_ns = int(batch.arrays["time_ns"][batch.count - 1])
        return self._said()

    def finish(self) -> Iterator[Ends | Passage]:
        """Nothing more comes; gives the rest.

        Raises:
            UsageError: there is no such stream.
        """
        if self._number >= self._flows.tcp.count:
            raise UsageError(no_such("TCP stream", self._number, self._flows.tcp.count))
        self._reassembly.finish(self._last_ns)
        yield from self._said()
        if not self._introduced:
            yield self._ends()

    def warnings(self) -> list[str]:
        """What was left out of the stream, a line each."""
        return self._reassembly.losses.lines(self._wanted.overlap)

    def _said(self) -> Iterator[Ends | Passage]:
        for passage in self._transcriber.take() if self._transcriber is not None else ():
            if not self._introduced:
                yield self._ends()
                self._introduced = True
            yield passage

    def _open(self, facts: StreamFacts) -> Consumer:
        if self._wanted.as_sent or self._named():
            return self._choose(facts)
        self._backlog = Backlog(facts, Budget(), self._decide)
        return self._backlog

    def _named(self) -> bool:
        """Whether the name of the stream's protocol stays as it is."""
        return bool(self._identifier.tcp_settled(np.array([self._number]))[0])

    def _decide(self, backlog: Backlog) -> Consumer:
        """There is nothing more to wait for, or no more room: what the stream is called now counts."""
        self._backlog = None
        chosen = self._choose(backlog.facts)
        self._reassembly.replace(self._number, chosen)
        backlog.replay(chosen)
        return chosen

    def _choose(self, facts: StreamFacts) -> Transcriber:
        chosen = None
        if not self._wanted.as_sent:
            chosen = transcriber(self._app() or "", facts, self._wanted.max_body_bytes)
        self._transcriber = chosen or Plain()
        return self._transcriber

    def _app(self) -> str | None:
        return self._identifier.tcp_app(self._number) or None

    def _ends(self) -> Ends:
        """Who the two sides are, as the table of streams would have them now."""
        stream = self._flows.tcp.some(slice(self._number, self._number + 1))
        side = int(client_side(stream, self._ports)[0])
        return ends_of(stream_columns(stream, self._ports), side, self._app(), "tcp")


def ends_of(columns: Mapping[str, NDArray[Any]], side: int, app: str | None, transport: str) -> Ends:
    """Who the two sides of a stream or flow are.

    Args:
        columns: of this one alone (``flow.summary``).
        side: that of the client.
        app: what it carries, if that is known.
        transport: ``tcp`` or ``udp``.
    """
    row = {name: int(column[0]) for name, column in columns.items()}
    client, server = (
        format_address(row[f"{end}_hi"], row[f"{end}_lo"], row[f"{end}_version"])
        for end in ("client", "server")
    )
    return Ends(
        stream=row["stream" if transport == "tcp" else "flow"],
        app=app,
        client_side=side,
        client=client,
        client_port=row["client_port"],
        server=server,
        server_port=row["server_port"],
        first_frame=row["first_frame"],
        start_ns=row["start_ns"],
        transport=transport,
    )


def no_such(kind: str, number: int, count: int) -> str:
    """The message for a number that no ``TCP stream`` or ``UDP flow`` has."""
    if not count:
        return f"no {kind} {number}: there is none in the capture"
    return f"no {kind} {number}; there are 0 to {count - 1}"
