"""What segments have been read as before: clients and servers say the same thing again and again.

A segment that is one whole message is looked up by its bytes before llhttp gets it. What was read the first
time is true of the next time, too; only frames and times differ. Where little comes twice, looking is given
up, so that it costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netanalyze.apps.http.exchange import Exchange

LONGEST = 4096
"""Longer segments are not looked up."""

_BYTES = 8 << 20  # kept at most, then all is forgotten
_ENTRY_BYTES = 150  # what an entry takes beside its bytes
_ENOUGH = 4096  # messages read before the use of looking is judged
_WORTH = 8  # one in so many must be found


class Memo:
    """Whole messages and the exchanges that they were first read for.

    Attributes:
        on: whether looking is worth it.
        known: what was read, by the bytes.
        found: how often looking has found something; who looks counts.
    """

    __slots__ = ("_bytes", "_missed", "found", "known", "on")

    def __init__(self) -> None:
        """Nothing known."""
        self.on = True
        self.known: dict[bytes, Exchange] = {}
        self._bytes = 0
        self.found = 0
        self._missed = 0

    def put(self, data: bytes, exchange: Exchange) -> None:
        """Remember what bytes were read for."""
        self._missed += 1
        if self._missed >= _ENOUGH and self.found * _WORTH < self._missed:
            self.on = False
            self.known.clear()
            return
        self._bytes += len(data) + _ENTRY_BYTES
        if self._bytes > _BYTES:
            self.known.clear()
            self._bytes = len(data) + _ENTRY_BYTES
        self.known[data] = exchange
