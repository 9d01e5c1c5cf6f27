"""Questions to DNS: unanswered, failing, slow, repeated, and those that search lists add."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import address_filter
from netanalyze.findings.words import counted, duration, frames_of, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group, Rows

_QUESTIONS = (
    "frame",
    "response_frame",
    "time_ns",
    "client",
    "server",
    "name",
    "rcode",
    "latency_ns",
    "attempts",
    "protocol",
    "transport",
)


class _Questions(Rule):
    """Questions to servers, of which some are meant."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"dns": _QUESTIONS, "capture": ("last_ns",)}
    harmed_by = frozenset({Flaw.DROPS})
    also_seen: ClassVar[str]

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        dns = facts["dns"]
        # Most questions to everybody (mDNS, LLMNR, NetBIOS) are answered by nobody.
        meant = self.meant(facts, dns) & dns.among("protocol", "dns")
        servers, _ = dns.codes("server")
        for group in dns.groups(meant, "server"):
            asked = int(np.count_nonzero((servers == servers[group.rows[0]]) & dns.known("frame")))
            yield self._told(dns, group, asked)

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """Which questions are meant."""
        raise NotImplementedError

    def told(self, dns: Rows, rows: NDArray[np.int64]) -> str:
        """What else there is to say of them."""
        del dns, rows
        return ""

    def _told(self, dns: Rows, group: Group, asked: int) -> Finding:
        rows, server = group.rows, group.key[0]
        cost = int(dns.amounts("latency_ns")[rows].sum())
        names = dict.fromkeys(name for name in dns.pick("name", rows) if name)
        return self.found(
            count=len(rows),
            subject=str(server),
            evidence=(
                f"{len(rows)} of {counted(asked, 'question')} ({percent(len(rows), asked)}):"
                f" {listed(names)}{self.told(dns, rows)}"
            ),
            counter=self.also_seen,
            wireshark_filter=f"dns && {address_filter(str(server))}",
            frames=frames_of(dns.numbers("frame")[rows]),
            cost_ns=cost or None,
            cost_requests=len(rows),
        )


class Unanswered(_Questions):
    """Questions that nobody answers."""

    code = "DNS001"
    title = "DNS questions unanswered"
    severity = Severity.ERROR
    also_seen = (
        "questions of the last two seconds are not counted, nor those to everybody (mDNS, LLMNR, NetBIOS)"
    )
    means = (
        "A question got no answer. The client waits (5 s in glibc, before it asks again or another server),"
        " and whoever wanted to connect waits with it. The server is down or overloaded, a firewall drops"
        " port 53 or large answers, or answers in fragments are lost."
    )
    advice = (
        "Ask the server by hand (dig @SERVER NAME, and +tcp); check firewalls, fragments and its load; list"
        " a second one."
    )

    LEAST_WAIT_NS = 2 * 10**9

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        end = int(facts["capture"].amounts("last_ns").max(initial=0))
        found: NDArray[np.bool_] = ~dns.known("response_frame") & (
            dns.numbers("time_ns") <= end - self.LEAST_WAIT_NS
        )
        return found


class Failing(_Questions):
    """Answers that say that the server failed."""

    code = "DNS002"
    title = "DNS questions fail"
    severity = Severity.ERROR
    also_seen = "names that do not exist (NXDOMAIN) are no failure and are not counted"
    means = (
        "The server answered that it cannot or will not: SERVFAIL (it reached nobody who knows, or a DNSSEC"
        " signature is wrong), REFUSED (it does not serve this client), FORMERR or NOTIMP (it does not"
        " understand the question)."
    )
    advice = (
        "SERVFAIL: dig +trace NAME, and +cd to see whether DNSSEC is it. REFUSED: the client asks the wrong"
        " server."
    )

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        del facts
        return dns.among("rcode", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP") & dns.known("frame")

    def told(self, dns: Rows, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        codes = sorted({str(code) for code in dns.pick("rcode", rows)})
        return f"; {listed(codes)}"


class Slow(_Questions):
    """Answers that take long."""

    code = "DNS003"
    title = "DNS answers slow"
    severity = Severity.WARNING
    also_seen = "the time counts from the first question to the answer, so that repetitions are in it"
    means = (
        "Answers took half a second and more. A server answers from its cache within a millisecond and asks"
        " others within some tenths of a second; what takes longer waits for a server that does not answer,"
        " or lost a packet. Every new connection to such a name is as late."
    )
    advice = (
        "A resolver with a cache near the clients; find the slow authority with dig +trace; keep"
        " connections open."
    )

    SLOW_NS = 500 * 10**6
    """More than asking three servers one after the other over a long way takes."""

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        del facts
        found: NDArray[np.bool_] = dns.amounts("latency_ns") >= self.SLOW_NS
        return found

    def told(self, dns: Rows, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        return f"; the slowest after {duration(int(dns.amounts('latency_ns')[rows].max()))}"


class Repeated(_Questions):
    """Questions that were asked more than once."""

    code = "DNS004"
    title = "DNS questions repeated"
    severity = Severity.WARNING
    also_seen = "only questions that were answered in the end; the others are DNS001"
    means = (
        "The client asked again because the answer did not come in time: question or answer was lost, or"
        " the server was slow. Each repetition costs the client's timeout, 5 s in glibc."
    )
    advice = (
        "Look for loss on the way to the server; options timeout:1 attempts:3 in resolv.conf make it hurt"
        " less."
    )

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        del facts
        # Over TCP an answer is asked for again because it was too long for a datagram, not lost.
        lost = (dns.amounts("attempts") > 1) & ~dns.among("transport", "tcp")
        found: NDArray[np.bool_] = lost & dns.known("response_frame")
        return found


class SearchList(_Questions):
    """Names that a search list made."""

    code = "DNS005"
    title = "DNS questions added by a search list"
    severity = Severity.NOTICE
    harmed_by = frozenset({Flaw.DROPS})
    also_seen = "each of these names is a name that the same client resolved, with something behind it"
    means = (
        "The resolver tried the names of its search list (search and ndots in resolv.conf) before the name"
        " itself: for each name several questions that end with NXDOMAIN. In Kubernetes ndots:5 does that"
        " to every name of the outside world."
    )
    advice = "Write names with a dot at the end, or set ndots:1 (Kubernetes: dnsConfig.options)."

    LEAST = 3
    """One mistyped name is no search list."""

    def meant(self, facts: Facts, dns: Rows) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        del facts
        good = np.flatnonzero(dns.among("rcode", "NOERROR"))
        known = set(zip(dns.pick("client", good), dns.pick("name", good), strict=True))
        failed = np.flatnonzero(dns.among("rcode", "NXDOMAIN"))
        asked = zip(failed.tolist(), dns.pick("client", failed), dns.pick("name", failed), strict=True)
        longer = [row for row, client, name in asked if name and _lengthened(client, name, known)]
        found = np.zeros(len(dns), np.bool_)
        if len(longer) >= self.LEAST:
            found[longer] = True
        return found


def _lengthened(client: str, name: str, known: set[tuple[str, str]]) -> bool:
    """Whether a name begins with another one that the client resolved."""
    labels = name.rstrip(".").split(".")
    heads = (".".join(labels[:count]) for count in range(1, len(labels)))
    return any((client, head) in known or (client, head + ".") in known for head in heads)
