"""Names that are looked up and never connected to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.questions import NEEDS, Questions
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import address_filter
from netanalyze.findings.words import counted, frames_of, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group, Rows

_PLAIN = re.compile(r"[a-z0-9._-]+")
_LOCAL = ("127.", "::1")


class Unused(Rule):
    """Answers with addresses that nobody used."""

    code = "DNS007"
    title = "DNS answers never used"
    severity = Severity.INFO
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "lookups": (
            *("client", "name", "protocol", "answers", "connections", "of_others", "time_ns"),
            "first_frame",
        ),
        "dns": (*NEEDS, "query_flags"),
        "streams": ("client", "start_ns"),
        "capture": ("last_ns",),
    }
    harmed_by = frozenset({Flaw.DROPS})
    means = (
        "A client was told addresses of names and never sent anything to any of them, though other"
        " connections of it were captured. Programs do that which resolve a name before each request and"
        " then use a connection that is open or go through a proxy (which resolves again), that look up"
        " what they log, or that resolve ahead (browsers do, for links that nobody clicks). Each such"
        " question is load for the server, and time where the program waits for it."
    )
    advice = (
        "Find the program (resolve only where a connection is opened; leave names to the proxy; cache"
        " addresses for their TTL), or turn DNS prefetching off."
    )

    LEAST = 20
    """Answers: a handful is somebody with dig, or a page that was left."""
    MANY = 100
    """From here on it is worth a notice."""
    END_NS = 5 * 10**9
    """What was resolved less than this before the end may be used after it."""
    _NAMED = 8

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        lookups = facts["lookups"]
        questions = facts.shared("questions", Questions)
        end = int(facts["capture"].amounts("last_ns").max(initial=0))
        told = lookups.among("protocol", "dns")
        unused = told & (lookups.numbers("connections") + lookups.numbers("of_others") == 0)
        unused &= lookups.numbers("time_ns") <= end - self.END_NS
        clients, _ = lookups.codes("client")
        for group in lookups.groups(unused, "client"):
            client = str(group.key[0])
            mine = told & (clients == clients[group.rows[0]])
            count = int(lookups.numbers("answers")[group.rows].sum())
            total = int(lookups.numbers("answers")[mine].sum())
            if count < self.LEAST or 2 * count < total or client.startswith(_LOCAL):
                continue
            if _asks_for_others(questions, client) or not _connects(facts, client, lookups, group):
                continue
            yield self._told(lookups, questions, group, mine, total)

    def _told(
        self, lookups: Rows, questions: Questions, group: Group, mine: NDArray[np.bool_], total: int
    ) -> Finding:
        rows, client = group.rows, str(group.key[0])
        count = int(lookups.numbers("answers")[rows].sum())
        names = [str(name) for name in lookups.pick("name", rows)]
        used = int(np.count_nonzero(mine & (lookups.numbers("connections") > 0)))
        asked = _questions_about(questions, client, set(names))
        shown = f"dns && {address_filter(client)}"
        if len(names) <= self._NAMED and all(map(_PLAIN.fullmatch, names)):
            shown += " && dns.qry.name in {" + ", ".join(f'"{name}"' for name in names) + "}"
        return self.found(
            count=count,
            subject=client,
            severity=Severity.NOTICE if count >= self.MANY else self.severity,
            evidence=(
                f"{counted(count, 'answer')} of {total} ({percent(count, total)}), about"
                f" {counted(len(names), 'name')}: {listed(names)}; no packet of TCP or UDP went to any of"
                f" their addresses; {counted(used, 'other name')} of this client led to connections"
            ),
            counter=(
                "a name counts as a whole, A and AAAA together, and as used if any host reached one of its"
                " addresses; clients that answer questions themselves, names first resolved within 5 s of the"
                " capture's end, and ping were not looked at; a capture filter may have left connections out"
            ),
            wireshark_filter=shown,
            frames=frames_of(lookups.numbers("first_frame")[rows]),
            cost_ns=questions.served_in(asked) or None,
            cost_requests=count,
            confidence=Confidence.MEDIUM if used else Confidence.LOW,
        )


def _asks_for_others(questions: Questions, client: str) -> bool:
    """Whether it is a server itself, or asks as resolvers do: without wanting recursion."""
    dns = questions.dns
    if bool((questions.answered & dns.among("server", client)).any()):
        return True
    mine = questions.asked & dns.among("client", client)
    wants = mine & dns.matching("query_flags", "RD")
    return 2 * int(np.count_nonzero(wants)) < int(np.count_nonzero(mine))


def _connects(facts: Facts, client: str, lookups: Rows, group: Group) -> bool:
    """Whether it connected to anybody since: else what it does besides DNS was not captured."""
    streams = facts["streams"]
    since = int(lookups.numbers("time_ns")[group.rows].min())
    mine = streams.among("client", client) & (streams.numbers("start_ns") >= since)
    return bool(mine.any())


def _questions_about(questions: Questions, client: str, names: set[str]) -> NDArray[np.int64]:
    """Rows of the questions for addresses of these names that the client asked and had answered."""
    dns = questions.dns
    rows = np.flatnonzero(questions.answered & dns.among("client", client) & dns.among("type", "A", "AAAA"))
    about = [(name or "").lower() in names for name in dns.pick("name", rows)]
    return rows[np.array(about, np.bool_)]
