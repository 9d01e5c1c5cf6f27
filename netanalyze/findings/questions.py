"""Questions to DNS servers: which server let the client wait, for how long, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import found_in
from netanalyze.findings.facts import time_covered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts

NEEDS = (
    *("frame", "response_frame", "first_frame", "time_ns", "client", "client_port", "server", "name", "type"),
    *("rcode", "server_ns", "wait_ns", "end", "pattern", "protocol", "transport", "note"),
)
"""Columns of ``dns`` that are read here and by those who ask."""
SETTLED_NS = 5 * 10**9
"""A server that was silent for so long has not answered, even if the lookup was still open when the capture
ended: the longest that resolvers wait before they ask again (glibc)."""
_SERVERS = 1 << 31


class Questions:
    """The questions of programs to servers; those to everybody (mDNS, LLMNR, NetBIOS) are none.

    Attributes:
        dns: the rows of the table.
        asked: which of them are questions to a server.
        answered: which were answered by it,
        settled: and which by it or another server, at this or another attempt of the same lookup.
        silent: which the server did not answer at all, at no attempt of the lookup.
        again: which it answered only when it was asked again, without known reason.
        twins: likewise; the answer to the other question of the same socket (A and AAAA) had come.
    """

    def __init__(self, facts: Facts) -> None:
        """Take them from the table ``dns``."""
        self.dns = dns = facts["dns"]
        self.asked = dns.among("protocol", "dns") & dns.known("frame")
        self.answered = self.asked & dns.known("response_frame")
        # A datagram asks one question, so that the first attempt's frame is the lookup.
        types, _ = dns.codes("type")
        _, lookup = np.unique(dns.numbers("first_frame") << 9 | types & 0x1FF, return_inverse=True)
        at_server = lookup * _SERVERS + dns.codes("server")[0]
        served = self._with(at_server, self.answered)
        self.settled = self._with(lookup, self.answered)
        waited = self.asked & dns.known("wait_ns")
        retried = self.asked & dns.among("end", "retried") & ~served
        pending = self._with(lookup, self.asked & dns.among("end", "open"))
        pending &= self._total(at_server, dns.amounts("wait_ns")) < SETTLED_NS
        # What ICMP refuses costs nothing where another server answers; that nobody listens is UDP001.
        refused = dns.matching("note", "an ICMP error") & self.settled
        self.silent = (self.asked & dns.among("end", "unanswered")) | (retried & ~pending)
        self.silent &= ~refused
        self.twins = waited & served & dns.among("pattern", "lost_twin")
        self.again = waited & served & ~self.twins & dns.among("transport", "udp")
        self.again &= ~dns.among("end", "late")  # a slow answer, not a lost one

    @staticmethod
    def _with(key: NDArray[np.int64], rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows have a key that one of some rows has."""
        found: NDArray[np.bool_] = found_in(key, key[rows])
        return found

    @staticmethod
    def _total(key: NDArray[np.int64], amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row the sum over all of its key."""
        _, place = np.unique(key, return_inverse=True)
        sums = np.zeros(len(key), np.int64)
        np.add.at(sums, place, amounts)
        return sums[place]

    def lookups(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number for each client and name: what was asked for it at the same time was waited for once."""
        numbers: dict[tuple[str, str], int] = {}
        keys = zip(self.dns.pick("client", rows), self.dns.pick("name", rows), strict=True)
        return np.array(
            [numbers.setdefault((client, (name or "").lower()), len(numbers)) for client, name in keys],
            np.int64,
        )

    def waited_for(self, rows: NDArray[np.int64]) -> int:
        """How long clients waited in vain until they asked again, in ns."""
        begin = self.dns.numbers("time_ns")[rows]
        return time_covered(self.lookups(rows), begin, begin + self.dns.amounts("wait_ns")[rows])

    def served_in(self, rows: NDArray[np.int64]) -> int:
        """How long clients waited for answers that came, from when the server was asked last, in ns."""
        begin, wait = self.dns.numbers("time_ns")[rows], self.dns.amounts("wait_ns")[rows]
        late = self.dns.among("end", "late")[rows]
        # Nobody waits any more for one that comes after another server was asked.
        end = begin + wait + np.where(late, 0, self.dns.amounts("server_ns")[rows])
        return time_covered(self.lookups(rows), np.where(late, begin, begin + wait), end)
