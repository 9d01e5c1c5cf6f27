"""One UDP flow, followed: its datagrams given out as passages, each one a turn of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.identify import Identifier
from netanalyze.apps.readers import datagram_words
from netanalyze.apps.transcript import Passage
from netanalyze.apps.watch import ends_of, no_such
from netanalyze.errors import UsageError
from netanalyze.flow.summary import client_side, flow_columns
from netanalyze.wire.packets import CARRIER, IN_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.apps.transcript import Ends
    from netanalyze.apps.watch import Wanted
    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import FlowTable
    from netanalyze.wire.packets import Packets

_UDP = 17
_MOST_WAITING = 64
"""Datagrams that wait for the name of their protocol; ``identify`` looks at a dozen."""


class FlowWatch:
    """Follows the UDP flow of a number through a capture."""

    def __init__(self, number: int, flows: FlowTable, wanted: Wanted) -> None:
        """Nothing seen yet.

        Args:
            number: of the flow.
            flows: which sees every batch before.
            wanted: what to show of it.
        """
        self._number = number
        self._flows = flows
        self._wanted = wanted
        self._identifier = Identifier(wanted.decode_as)
        self._ports = self._identifier.service_ports["udp"]
        self._waiting: list[tuple[Passage, int]] = []  # with the bytes each had on the wire
        self._introduced = False

    def feed(self, batch: Batch, packets: Packets) -> Iterator[Ends | Passage]:
        """Take a batch; gives what has been said with it, and before the first passage who says it."""
        self._identifier.feed(packets, batch.data)
        for row in self._rows(packets):
            self._waiting.append(_datagram(batch, packets, row))
        if not self._waiting:
            return iter(())
        settled = self._wanted.as_sent or bool(self._identifier.udp_settled(np.array([self._number]))[0])
        return self._said() if settled or len(self._waiting) > _MOST_WAITING else iter(())

    def finish(self) -> Iterator[Ends | Passage]:
        """Nothing more comes; gives the rest.

        Raises:
            UsageError: there is no such flow.
        """
        count = self._flows.udp.count
        if self._number >= count:
            raise UsageError(no_such("UDP flow", self._number, count))
        yield from self._said()
        if not self._introduced:
            yield self._ends()

    def warnings(self) -> list[str]:
        """What was left out of the flow: nothing."""
        return []

    def _rows(self, packets: Packets) -> list[int]:
        """The flow's datagrams in a batch."""
        arrays, count = packets.arrays, packets.count
        mine = (arrays["protocol"][:count] == _UDP) & (arrays["stream"][:count] == self._number)
        mine &= (arrays["role"][:count] <= CARRIER) & (arrays["duplicate"][:count] == 0)
        order = np.frombuffer(packets.order, np.int32)[:count]
        rows: list[int] = order[mine[order]].tolist()
        return rows

    def _said(self) -> Iterator[Ends | Passage]:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        if not self._introduced:
            self._introduced = True
            yield self._ends()
        app = None if self._wanted.as_sent else self._app()
        for passage, wire_bytes in waiting:
            said = datagram_words(app, passage.data or b"", wire_bytes) if app else None
            if said is not None:
                yield Passage(
                    passage.side, 0, wire_bytes, said.encode(), passage.first_frame, passage.last_frame,
                    passage.time_ns, part="message", body_offset=0, begins=True,
                )  # fmt: skip
                continue
            yield passage
            missing = wire_bytes - passage.wire_bytes
            if missing > 0:
                yield Passage(
                    passage.side, passage.wire_bytes, missing, None, passage.first_frame,
                    passage.last_frame, passage.time_ns,
                )  # fmt: skip

    def _app(self) -> str | None:
        code = int(self._identifier.udp_codes(np.array([self._number]))[0])
        return self._identifier.names[code] or None

    def _ends(self) -> Ends:
        """Who the two sides are, as the table of flows would have them now."""
        flow = self._flows.udp.some(slice(self._number, self._number + 1))
        side = int(client_side(flow, self._ports)[0])
        return ends_of(flow_columns(flow, self._ports), side, self._app(), "udp")


def _datagram(batch: Batch, packets: Packets, row: int) -> tuple[Passage, int]:
    """A datagram's bytes as far as they were captured, and how many it had."""
    views = packets.views
    begin, size = views["payload_offset"][row], views["payload_captured"][row]
    source = batch.data if views["source"][row] == IN_BATCH else packets.arena
    frame = views["frame"][row]
    number, time_ns = frame + batch.first_frame, batch.views["time_ns"][frame]
    data = bytes(source[begin : begin + size])
    passage = Passage(views["side"][row], 0, len(data), data, number, number, time_ns, begins=True)
    return passage, max(views["payload_bytes"][row], len(data))
