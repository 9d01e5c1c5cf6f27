"""Of which earlier frame a packet is a copy, and what tells so (see ``duplicates_kernel``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from netanalyze.flow.duplicates_kernel import COPY_INSTANT_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

_SAME = (
    "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo", "sport", "dport", "payload_bytes", "seq", "ack",
    "flags", "window", "checksum", "ip_id",
)  # fmt: skip
"""What a copy has in common with the packet; the TCP fields count only for TCP."""
_TCP_ONLY = frozenset({"seq", "ack", "flags", "window"})
_PLACE = ("link_hash", "ttl", "interface")
_TCP = 6
_FIN_OR_SYN = 3
_REMEMBERED = 2048
"""Packets that the recognition of copies remembers."""


class Copy(Struct, frozen=True):
    """A packet that was captured before.

    Attributes:
        frame: number of the frame that has it first; 0 if it is not known any more.
        after_ns: how much later this one was captured.
        elsewhere: what shows that it was captured in another place: ``link_hash``, ``ttl``, ``interface``.
        ttl, first_ttl: time to live of both.
        interface, first_interface: indexes of the interfaces of both, -1 where there is none.
        ip_id: the identification that both have; 0 if it tells nothing.
        instant: whether it came sooner than anybody could have sent it again.
    """

    frame: int
    after_ns: int = 0
    elsewhere: tuple[str, ...] = ()
    ttl: int = 0
    first_ttl: int = 0
    interface: int = -1
    first_interface: int = -1
    ip_id: int = 0
    instant: bool = False


class RecentPackets:
    """The packets that a copy may be a copy of: those of the last batches."""

    def __init__(self) -> None:
        """No packets yet."""
        self._kept: list[Mapping[str, NDArray[np.int64]]] = []

    def add(self, batch: Batch, packets: Packets) -> None:
        """Remember the packets of a batch; of the oldest, those that are too many are forgotten."""
        self._kept.append(_columns(batch, packets))
        while len(self._kept) > 1 and sum(len(part["frame"]) for part in self._kept[1:]) >= _REMEMBERED:
            del self._kept[0]

    def copied(self, batch: Batch, packets: Packets, row: int) -> Copy:
        """What a packet of the present batch, marked as a copy, is a copy of."""
        frame = batch.first_frame + int(packets.arrays["frame"][row])
        mine = {name: int(packets.arrays[name][row]) for name in (*_SAME, "link_hash", "ttl")}
        mine["interface"] = int(batch.arrays["interface"][frame - batch.first_frame])
        mine = {name: _signed(value) for name, value in mine.items()}
        time_ns = int(batch.arrays["time_ns"][frame - batch.first_frame])
        names = [name for name in _SAME if mine["protocol"] == _TCP or name not in _TCP_ONLY]
        for part in reversed([*self._kept, _columns(batch, packets)]):
            same = (part["frame"] < frame) & (part["duplicate"] == 0)
            for name in names:
                if name == "ip_id" and mine[name] <= 0:
                    same &= part[name] <= 0
                else:
                    same &= part[name] == mine[name]
            found = np.flatnonzero(same)
            if found.size:
                first = {name: int(column[found[-1]]) for name, column in part.items()}
                return _copy(mine, first, time_ns)
        return Copy(0)


def _copy(mine: Mapping[str, int], first: Mapping[str, int], time_ns: int) -> Copy:
    after_ns = time_ns - first["time_ns"]
    takes_space = mine["payload_bytes"] > 0 or bool(mine["flags"] & _FIN_OR_SYN)
    return Copy(
        first["frame"],
        after_ns,
        tuple(name for name in _PLACE if mine[name] != first[name]),
        mine["ttl"],
        first["ttl"],
        mine["interface"],
        first["interface"],
        max(0, mine["ip_id"]),
        mine["protocol"] == _TCP and takes_space and abs(after_ns) <= COPY_INSTANT_NS,
    )


def _columns(batch: Batch, packets: Packets) -> dict[str, NDArray[np.int64]]:
    """The last packets of a batch in the order of their frames, as copies."""
    rows = np.asarray(packets.order[: packets.count])[-_REMEMBERED:]
    found = {
        name: packets.arrays[name][rows].astype(np.int64)
        for name in (*_SAME, "link_hash", "ttl", "duplicate")
    }
    index = packets.arrays["frame"][rows].astype(np.int64)
    found["frame"] = index + batch.first_frame
    found["time_ns"] = batch.arrays["time_ns"][index]
    found["interface"] = batch.arrays["interface"][index].astype(np.int64)
    return found


def _signed(value: int) -> int:
    """A 64-bit number as numpy reads it as ``int64``."""
    return value - (1 << 64) if value >= 1 << 63 else value
