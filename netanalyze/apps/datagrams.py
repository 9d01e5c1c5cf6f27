"""The stage that reads protocols of datagrams: UDP flows go to the applications of what they carry.

A flow has the name that ``identify`` gives it by the end of the batch. Until its name stays, its datagrams
are kept, so that those that came before the name are read, too. Duplicates are not read, nor what ICMP errors
quote; of these the application is told which flow they are about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.reading import Datagrams
from netanalyze.wire.packets import CARRIER, QUOTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.identify import Identifier
    from netanalyze.apps.reading import DatagramApplication
    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

_UDP = 17
KEPT_OF_FLOW = 12
"""Datagrams that are kept of a flow without a name: as many as ``identify`` looks at."""
KEPT_BYTES = 16 << 20
"""And of all flows together, with what keeping them takes."""
_COST = 400
"""Bytes of memory that a datagram takes beside its payload."""
_COPIED = {
    "flow": "stream", "side": "side", "source": "source", "offset": "payload_offset",
    "captured": "payload_captured", "wire": "payload_bytes", "version": "ip_version", "src_hi": "src_hi",
    "src_lo": "src_lo", "dst_hi": "dst_hi", "dst_lo": "dst_lo", "sport": "sport", "dport": "dport",
}  # fmt: skip
"""Columns that come from the packets as they are."""
_ROW = tuple(Datagrams.FIELDS)


class Kept:
    """Datagrams of flows without a name yet, the oldest flows let go of when they become too many."""

    def __init__(self) -> None:
        """Nothing kept."""
        self._flows: dict[int, list[tuple[dict[str, int], bytes]]] = {}
        self._taken = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._flows)

    def keep(self, found: Datagrams, row: int) -> None:
        """Copy a datagram, unless enough of its flow were."""
        views = found.views
        rows = self._flows.setdefault(views["flow"][row], [])
        if len(rows) >= KEPT_OF_FLOW:
            return
        start, source = views["offset"][row], found.arena if views["source"][row] else found.data
        payload = bytes(source[start : start + views["captured"][row]])
        rows.append(({name: views[name][row] for name in _ROW}, payload))
        self._taken += _COST + len(payload)
        while self._taken > KEPT_BYTES:
            self.drop(next(iter(self._flows)))

    def drop(self, flow: int) -> None:
        """Nobody will ask for a flow any more."""
        for _, payload in self._flows.pop(flow, ()):
            self._taken -= _COST + len(payload)

    def among(self, flows: NDArray[np.int64]) -> list[int]:
        """Of which of these flows there are any."""
        return sorted(self._flows.keys() & set(flows.tolist()))

    def take(self, flows: Sequence[int], protocols: Mapping[int, int]) -> Datagrams:
        """All of some flows, in the order in which they came; they are not kept any more."""
        rows = sorted(
            (item for flow in flows for item in self._flows[flow]), key=lambda item: item[0]["frame"]
        )
        made = Datagrams(len(rows))
        made.count = len(rows)
        arena = bytearray()
        for place, (values, payload) in enumerate(rows):
            at = {"source": 1, "offset": len(arena), "protocol": protocols[values["flow"]]}
            for name, value in (values | at).items():
                made.views[name][place] = value
            arena += payload
        made.arena = memoryview(bytes(arena))
        for flow in flows:
            self.drop(flow)
        return made


class DatagramReading:
    """Hands datagrams to one application."""

    def __init__(self, capacity: int, identifier: Identifier, application: DatagramApplication) -> None:
        """Nothing read yet.

        Args:
            capacity: how many packets a batch holds at most.
            identifier: which sees every batch before.
            application: takes the datagrams.
        """
        self._identifier = identifier
        self._application = application
        self._found = Datagrams(capacity)
        self._kept = Kept()
        self._place = np.full(len(identifier.names), -1, np.int8)  # of a protocol's code
        for place, name in enumerate(application.datagrams):
            self._place[identifier.names.index(name)] = place

    def feed(self, batch: Batch, packets: Packets) -> None:
        """Read a batch whose flows have been looked at by the identifier."""
        arrays = packets.arrays
        count = packets.count
        udp = arrays["protocol"][:count] == _UDP
        quoted = udp & (arrays["role"][:count] == QUOTED)
        if quoted.any():
            flows = arrays["stream"][:count][quoted]
            self._application.refuse(flows[flows >= 0])
        udp &= arrays["role"][:count] <= CARRIER
        udp &= (arrays["duplicate"][:count] == 0) & (arrays["payload_bytes"][:count] > 0)
        udp &= arrays["stream"][:count] >= 0
        order = np.asarray(packets.order)[:count]
        rows = order[udp[order]]
        if not len(rows):
            return
        flows = arrays["stream"][rows]
        places = self._place[self._identifier.udp_codes(flows)]
        self._keep(batch, packets, rows, flows, places)
        if self._kept:
            self._take_kept(flows, places)
        read = places >= 0
        if read.any():
            self._gather(batch, packets, rows[read], places[read])
            self._application.take(self._found)

    def finish(self) -> None:
        """Nothing more comes."""
        self._application.finish()

    def _gather(self, batch: Batch, packets: Packets, rows: NDArray[Any], places: NDArray[Any]) -> None:
        """Fill the columns with some packets of a batch."""
        found, count = self._found, len(rows)
        found.count = count
        found.data, found.arena = batch.data, packets.arena
        for name, column in _COPIED.items():
            # In any other mode numpy makes a copy first.
            np.take(packets.arrays[column], rows, out=found.arrays[name][:count], mode="clip")
        frames = packets.arrays["frame"][rows]
        found.arrays["frame"][:count] = frames
        found.arrays["frame"][:count] += batch.first_frame
        found.arrays["time_ns"][:count] = batch.arrays["time_ns"][frames]
        found.arrays["protocol"][:count] = places
        found.arrays["transport"][:count] = 0

    def _keep(
        self, batch: Batch, packets: Packets, rows: NDArray[Any], flows: NDArray[Any], places: NDArray[Any]
    ) -> None:
        """Keep the datagrams of flows that have no name that stays."""
        unnamed = places < 0
        if not unnamed.any():
            return
        unnamed[unnamed] = ~self._identifier.udp_settled(flows[unnamed])
        if not unnamed.any():
            return
        self._gather(batch, packets, rows[unnamed], places[unnamed])
        for row in range(self._found.count):
            self._kept.keep(self._found, row)

    def _take_kept(self, flows: NDArray[Any], places: NDArray[Any]) -> None:
        """Read what was kept of flows that have a name now, and drop it of those that have another."""
        known = self._kept.among(flows)
        if not known:
            return
        where = dict(zip(flows.tolist(), places.tolist(), strict=True))
        named = [flow for flow in known if where[flow] >= 0]
        if named:
            self._application.take(self._kept.take(named, where))
        others = np.array([flow for flow in known if where[flow] < 0], np.int64)
        for flow in others[self._identifier.udp_settled(others)].tolist() if len(others) else ():
            self._kept.drop(flow)
