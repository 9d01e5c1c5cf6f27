"""Which name an address was given by: the address records of answers, by address and time.

For tables that show names beside addresses. It is filled only when a wanted table asks for it
(``WANTED_BY`` in ``application.py``), from every answer that was captured, asked for or not, whatever
protocol it came by (``dns``, ``mdns``, ``llmnr``, ``nbns``).

How to get it: the application of DNS that ``readers.application("dns", asked)`` makes has an attribute
``answers``, an ``Answers``, if one of the tables asked for is in ``WANTED_BY``, else None. It is complete
after ``finish``. Then::

    index = answers.find(hi, lo, version, before_ns, client_hi, client_lo)   # arrays, one element a flow
    names = answers.names(index)      # list of str | None
    chains = answers.chains(index)    # "alias.example edge.example", None where there was no CNAME
    age_ns = before_ns - answers.time_ns[index]                             # where index >= 0
    expired = age_ns > answers.ttl_s[index] * 10**9
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# A row of 64-bit words for each address record.
HI = 0
LO = 1
CLIENT_HI = 2
CLIENT_LO = 3
TIME = 4
FRAME = 5
WORDS = 6
# And one of 32-bit numbers.
VERSION = 0
"""IP version of the address: 4 for A, 6 for AAAA."""
CLIENT_VERSION = 1
"""Of the address that the answer was sent to; 0 if that is a group, so that every host may have heard it."""
TTL = 2
"""Seconds, at most 2**31 - 1 (RFC 2181 section 8)."""
NAME = 3
"""Code of the name that was asked for, in lower case."""
CHAIN = 4
"""Code of the names that CNAME records led to, one after the other with a space between; 0 if none did."""
PROTOCOL = 5
NUMBERS = 6


class Answers:
    """Address records, in order of address and time.

    Attributes:
        count: how many there are.
        hi, lo, version: the address.
        client_hi, client_lo, client_version: who was told; version 0 if a group was.
        time_ns: when the answer was captured.
        frame: that had it; the last one of a message of several.
        ttl_s: time to live of the record that has the address, or of a CNAME on the way if that is less.
        name, chain: codes of texts, see ``names`` and ``chains``.
    """

    def __init__(
        self,
        words: NDArray[np.uint64],
        numbers: NDArray[np.int32],
        texts: Callable[[NDArray[np.int64]], list[str | None]],
    ) -> None:
        """Take a row of words and one of numbers for each record, and what makes texts of codes."""
        order = np.lexsort((words.view(np.int64)[:, TIME], words[:, LO], words[:, HI], numbers[:, VERSION]))
        words, numbers = words[order], numbers[order]
        self.count = len(words)
        self.hi, self.lo = words[:, HI], words[:, LO]
        self.client_hi = words[:, CLIENT_HI]
        self.client_lo = words[:, CLIENT_LO]
        self.time_ns = words[:, TIME].astype(np.int64)
        self.frame = words[:, FRAME].astype(np.int64)
        self.version, self.client_version = numbers[:, VERSION], numbers[:, CLIENT_VERSION]
        self.ttl_s = numbers[:, TTL].astype(np.int64)
        self.name, self.chain = numbers[:, NAME].astype(np.int64), numbers[:, CHAIN].astype(np.int64)
        self.protocol = numbers[:, PROTOCOL]
        self._texts = texts

    def find(  # noqa: PLR0913, PLR0917 - two addresses are four numbers
        self,
        hi: NDArray[Any],
        lo: NDArray[Any],
        version: NDArray[Any],
        before_ns: NDArray[Any],
        client_hi: NDArray[Any],
        client_lo: NDArray[Any],
    ) -> NDArray[np.int64]:
        """For each address the latest record that gave it, not later than a time; -1 where there is none.

        A record that was sent to the client itself, or to a group, goes before one that another host got,
        however much later that is: look at ``told`` to see which it was.

        Args:
            hi: of the addresses that flows go to, the high 64 bits,
            lo: and the low ones.
            version: 4 or 6.
            before_ns: when each flow began.
            client_hi: of the address that began it, the high 64 bits,
            client_lo: and the low ones.
        """
        found = np.full(len(hi), -1, np.int64)
        if not self.count or not len(found):
            return found
        client_hi, client_lo = np.asarray(client_hi, np.uint64), np.asarray(client_lo, np.uint64)
        starts = self._first_of(np.asarray(hi, np.uint64), np.asarray(lo, np.uint64), np.asarray(version))
        for place in np.flatnonzero(starts >= 0).tolist():
            found[place] = self._latest(
                int(starts[place]), int(before_ns[place]), client_hi[place], client_lo[place]
            )
        return found

    def told(
        self, index: NDArray[np.int64], client_hi: NDArray[Any], client_lo: NDArray[Any]
    ) -> NDArray[np.bool_]:
        """Whether the record was sent to this client or to a group; ``index`` has no -1."""
        same = (self.client_hi[index] == client_hi) & (self.client_lo[index] == client_lo)
        found: NDArray[np.bool_] = same | (self.client_version[index] == 0)
        return found

    def names(self, index: NDArray[np.int64]) -> list[str | None]:
        """The name asked for, of each record; None for -1."""
        return self._of(self.name, index)

    def chains(self, index: NDArray[np.int64]) -> list[str | None]:
        """The names that CNAME records led to, with a space between; None for -1 and where none did."""
        return self._of(self.chain, index)

    def _of(self, codes: NDArray[np.int64], index: NDArray[np.int64]) -> list[str | None]:
        if not self.count:
            return [None] * len(index)
        return self._texts(np.where(index >= 0, codes[index], 0))

    def _first_of(
        self, hi: NDArray[np.uint64], lo: NDArray[np.uint64], version: NDArray[Any]
    ) -> NDArray[np.int64]:
        """The first record of each address, -1 where there is none."""
        new = np.ones(self.count, np.bool_)
        new[1:] = (
            (self.hi[1:] != self.hi[:-1])
            | (self.lo[1:] != self.lo[:-1])
            | (self.version[1:] != self.version[:-1])
        )
        firsts = np.flatnonzero(new)
        self._ends = dict(zip(firsts.tolist(), [*firsts[1:].tolist(), self.count], strict=True))
        keys = [part[firsts].tolist() for part in (self.hi, self.lo, self.version)]
        known = dict(zip(zip(*keys, strict=True), firsts.tolist(), strict=True))
        wanted = zip(hi.tolist(), lo.tolist(), version.tolist(), strict=True)
        return np.array([known.get(key, -1) for key in wanted], np.int64)

    def _latest(self, first: int, before_ns: int, client_hi: np.uint64, client_lo: np.uint64) -> int:
        end = first + int(np.searchsorted(self.time_ns[first : self._ends[first]], before_ns, "right"))
        if end == first:
            return -1
        index = np.arange(first, end)
        told = index[self.told(index, client_hi, client_lo)]
        return int(told[-1]) if len(told) else end - 1
