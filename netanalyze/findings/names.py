"""Questions to DNS: unanswered, failing, slow, repeated, lost, and those that search lists add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netanalyze.columns import distinct
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.questions import NEEDS, Questions
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import address_filter
from netanalyze.findings.words import counted, duration, frames_of, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group


class _Questions(Rule):
    """Questions to servers, of which some are meant."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"dns": NEEDS}
    harmed_by = frozenset({Flaw.DROPS})
    also_seen: ClassVar[str]

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        questions = facts.shared("questions", Questions)
        dns = questions.dns
        servers, _ = dns.codes("server")
        for group in dns.groups(questions.asked & self.meant(questions), "server"):
            asked = questions.asked & (servers == servers[group.rows[0]])
            yield self._told(questions, group, int(np.count_nonzero(asked)))

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """Which questions are meant."""
        raise NotImplementedError

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """What else there is to say of them."""
        del questions, rows
        return ""

    def cost_ns(self, questions: Questions, rows: NDArray[np.int64]) -> int:
        """How long clients waited because of them."""
        return questions.waited_for(rows)

    def graded(self, questions: Questions, rows: NDArray[np.int64], asked: int) -> dict[str, Any]:
        """Severity and confidence, where they are not the usual ones."""
        del questions, rows, asked
        return {}

    def filter(self, questions: Questions, rows: NDArray[np.int64], server: str) -> str:
        """Shows them."""
        del questions, rows
        return f"dns && {address_filter(server)}"

    def _told(self, questions: Questions, group: Group, asked: int) -> Finding:
        rows, server = group.rows, str(group.key[0])
        dns = questions.dns
        names = dict.fromkeys(name for name in dns.pick("name", rows) if name)
        return self.found(
            count=len(rows),
            subject=server,
            evidence=(
                f"{len(rows)} of {counted(asked, 'question')} ({percent(len(rows), asked)}):"
                f" {listed(names)}{self.told(questions, rows)}"
            ),
            counter=self.also_seen,
            wireshark_filter=self.filter(questions, rows, server),
            frames=frames_of(dns.numbers("frame")[rows]),
            cost_ns=self.cost_ns(questions, rows) or None,
            cost_requests=len(rows),
            **self.graded(questions, rows, asked),
        )


class Unanswered(_Questions):
    """Questions that a server does not answer."""

    code = "DNS001"
    title = "DNS questions unanswered"
    severity = Severity.ERROR
    also_seen = (
        "not counted: questions that were open when the capture ended (less than 5 s old), those to everybody"
        " (mDNS, LLMNR, NetBIOS), and what ICMP refused before another server answered"
    )
    means = (
        "A server did not answer a question, however often it was asked. The client waits (5 s in glibc) and"
        " asks again or another server; whoever wanted to connect waits with it, and where nobody answers it"
        " cannot connect. The wait counts against the server that was silent, not against the one that was"
        " asked next. The server is down or overloaded, a firewall drops port 53 or large answers, or"
        " answers in fragments are lost."
    )
    advice = (
        "Ask the server by hand (dig @SERVER NAME, and +tcp); check firewalls, fragments and its load; take"
        " it out of resolv.conf if it is gone, and list one that answers first."
    )

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        return questions.silent

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        waited = questions.waited_for(rows)
        failed = int(np.count_nonzero(~questions.settled[rows]))
        said = f"; clients waited {duration(waited)} before they asked again" if waited else ""
        if failed:
            return f"{said}; {'none' if failed == len(rows) else f'{failed} of them not'} answered by anybody"
        return f"{said}; another server answered"

    def graded(self, questions: Questions, rows: NDArray[np.int64], asked: int) -> dict[str, Any]:
        """One lost question that another server answered is no failure; a dead server is one."""
        found: dict[str, Any] = {}
        if questions.settled[rows].all() and len(rows) < asked:
            found["severity"] = Severity.WARNING
        if not questions.answered.any():  # perhaps answers were not captured
            found["confidence"] = Confidence.MEDIUM
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

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        return questions.dns.among("rcode", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP")

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        codes = sorted({str(code) for code in questions.dns.pick("rcode", rows)})
        return f"; {listed(codes)}"

    def cost_ns(self, questions: Questions, rows: NDArray[np.int64]) -> int:
        """See ``_Questions``."""
        return questions.served_in(rows)


class Slow(_Questions):
    """Answers that take long."""

    code = "DNS003"
    title = "DNS answers slow"
    severity = Severity.WARNING
    also_seen = (
        "the time counts from when this server was asked last; waits for servers that did not answer (DNS001)"
        " and for lost packets (DNS004, DNS006) are not in it"
    )
    means = (
        "Answers took half a second and more. A server answers from its cache within a millisecond and asks"
        " others within some tenths of a second; what takes longer waits for a server that does not answer,"
        " or is overloaded. Every new connection to such a name is as late. Answers that came after the"
        " client had asked again count, too, but only what it waited for them."
    )
    advice = (
        "A resolver with a cache near the clients; find the slow authority with dig +trace; keep"
        " connections open."
    )

    SLOW_NS = 500 * 10**6
    """More than asking three servers one after the other over a long way takes."""

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        found: NDArray[np.bool_] = questions.dns.amounts("server_ns") >= self.SLOW_NS
        return found

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        return f"; the slowest after {duration(int(questions.dns.amounts('server_ns')[rows].max()))}"

    def cost_ns(self, questions: Questions, rows: NDArray[np.int64]) -> int:
        """See ``_Questions``."""
        return questions.served_in(rows)


class Repeated(_Questions):
    """Questions that were asked more than once."""

    code = "DNS004"
    title = "DNS questions repeated"
    severity = Severity.WARNING
    also_seen = (
        "only questions that this server answered in the end, and not at each attempt; those that it never"
        " answered are DNS001, slow answers DNS003, one of a pair of A and AAAA DNS006"
    )
    means = (
        "The client asked the same server again because no answer came in time, and then got one: question"
        " or answer was lost. Each repetition costs the client's timeout, 5 s in glibc."
    )
    advice = (
        "Look for loss on the way to the server; options timeout:1 attempts:3 in resolv.conf make it hurt"
        " less."
    )

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        return questions.again

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        longest = int(questions.dns.amounts("wait_ns")[rows].max())
        return f"; clients waited up to {duration(longest)} before they asked again"


class LostTwin(_Questions):
    """A and AAAA from one socket, of which one was lost."""

    code = "DNS006"
    title = "One of two DNS questions lost (A and AAAA)"
    severity = Severity.WARNING
    also_seen = (
        "the answer to the other question of the same socket had come, and the server answered this one when"
        " it was asked again; questions that were lost alone are DNS004"
    )
    means = (
        "The C library asks for A and AAAA at the same moment from one socket. The answer to one came, the"
        " other question or its answer was lost, and the program waited (5 s in glibc) with an address"
        " already in hand. Connection tracking does that: two packets of a new flow race for the same entry,"
        " and the second one is dropped. Firewalls that close the port behind the first answer do it, too,"
        " and now and then plain loss."
    )
    advice = (
        "options single-request-reopen (or single-request) in resolv.conf, timeout:1 to wait less; a caching"
        " resolver on the host (NodeLocal DNSCache, systemd-resolved, unbound); look at insert_failed of"
        " conntrack -S."
    )
    FEW = 3
    """Chance loses one packet here and there, but hardly three times one of a pair and none else."""
    _PORTS = 12

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        return questions.twins

    def told(self, questions: Questions, rows: NDArray[np.int64]) -> str:
        """See ``_Questions``."""
        types = sorted({str(kind) for kind in questions.dns.pick("type", rows)})
        longest = int(questions.dns.amounts("wait_ns")[rows].max())
        return f"; {listed(types)} lost, asked again after up to {duration(longest)}"

    def graded(self, questions: Questions, rows: NDArray[np.int64], asked: int) -> dict[str, Any]:
        """Where others are lost as well, it may be chance."""
        del asked
        servers, _ = questions.dns.codes("server")
        others = (questions.again | questions.silent) & (servers == servers[rows[0]])
        few = len(rows) < self.FEW or int(np.count_nonzero(others)) >= len(rows)
        return {"confidence": Confidence.MEDIUM} if few else {}

    def filter(self, questions: Questions, rows: NDArray[np.int64], server: str) -> str:
        """See ``_Questions``."""
        ports = distinct(questions.dns.numbers("client_port")[rows]).tolist()
        shown = f"dns && {address_filter(server)}"
        if len(ports) > self._PORTS:
            return shown
        return f"{shown} && udp.port in {{{', '.join(map(str, ports))}}}"


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

    def meant(self, questions: Questions) -> NDArray[np.bool_]:
        """See ``_Questions``."""
        dns = questions.dns
        good = np.flatnonzero(dns.among("rcode", "NOERROR"))
        known = set(zip(dns.pick("client", good), dns.pick("name", good), strict=True))
        failed = np.flatnonzero(dns.among("rcode", "NXDOMAIN"))
        asked = zip(failed.tolist(), dns.pick("client", failed), dns.pick("name", failed), strict=True)
        longer = [row for row, client, name in asked if name and _lengthened(client, name, known)]
        found = np.zeros(len(dns), np.bool_)
        if len(longer) >= self.LEAST:
            found[longer] = True
        return found

    def cost_ns(self, questions: Questions, rows: NDArray[np.int64]) -> int:
        """See ``_Questions``."""
        return questions.served_in(rows)


def _lengthened(client: str, name: str, known: set[tuple[str, str]]) -> bool:
    """Whether a name begins with another one that the client resolved."""
    labels = name.rstrip(".").split(".")
    heads = (".".join(labels[:count]) for count in range(1, len(labels)))
    return any((client, head) in known or (client, head + ".") in known for head in heads)
