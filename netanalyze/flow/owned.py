"""Which processes of this machine have the sockets of the streams and flows of a live capture."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.capture.live.sockets import End, Owners
from netanalyze.columns import GrowingRows
from netanalyze.flow import fields
from netanalyze.flow.table import ports

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.columns import Rows
    from netanalyze.flow.table import Conversations

MOST_AT_ONCE = 1024
"""New streams that are looked up together; of more, the newest ones."""
_SHARE = 40
"""No more than one part in so many of the time is spent looking, for each transport."""
_MOST_NAMES = 1 << 16


class Owned:
    """Remembers of each stream or flow who had its sockets when it was seen first."""

    def __init__(self, owners: Owners, transport: str) -> None:
        """Nobody known yet; ``owners`` finds them, of ``tcp`` or ``udp``."""
        self._owners = owners
        self._transport = transport
        self._there = self._owners.there
        self._codes = GrowingRows(2, "i4")  # a number of a name and one
        self._names: dict[str, int] = {}
        self._looked = 0  # streams up to here
        self._next = 0.0

    def look(self, streams: Conversations, *, now: bool = False) -> None:
        """Look up those that are new; unless ``now``, not if that was done just before."""
        began = time.monotonic()
        if not self._there or streams.count == self._looked or (began < self._next and not now):
            return
        self._codes.reach(streams.count)
        codes = self._codes.array
        places = np.arange(max(self._looked, streams.count - MOST_AT_ONCE), streams.count)
        found = self._owners.of(_ends(streams, places), self._transport)
        for place, names in zip(places.tolist(), found, strict=True):
            codes[place] = [self._code(name) for name in names]
        self._looked = streams.count
        self._next = began + _SHARE * (time.monotonic() - began)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        self._codes.reach(count)
        self._codes.keep(streams, count)
        self._looked = int(np.searchsorted(streams, self._looked))

    def columns(self, count: int, rows: Rows, client: NDArray[np.int64]) -> tuple[NDArray[Any], list[str]]:
        """The numbers of names of client and server of some streams, -1 for none, and the names by number.

        Args:
            count: how many streams there are.
            rows: which of them.
            client: which side of each of these is the client.
        """
        self._codes.reach(count)
        codes = self._codes.array[:count][rows] - 1
        each = np.arange(len(client))
        return np.column_stack((codes[each, client], codes[each, 1 - client])), list(self._names)

    def _code(self, name: str) -> int:
        if not name or (name not in self._names and len(self._names) >= _MOST_NAMES):
            return 0
        return self._names.setdefault(name, len(self._names)) + 1


def _ends(streams: Conversations, places: NDArray[np.int64]) -> list[tuple[End, End]]:
    """Side 0 and side 1 of some streams."""
    words = [
        streams.raw(word)[places].tolist() for word in (fields.A_HI, fields.A_LO, fields.B_HI, fields.B_LO)
    ]
    first, second = (side[places].tolist() for side in ports(streams))
    return [
        (End((a_hi, a_lo), port), End((b_hi, b_lo), other))
        for a_hi, a_lo, b_hi, b_lo, port, other in zip(*words, first, second, strict=True)
    ]
