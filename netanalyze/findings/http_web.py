"""What browsers care about: other origins, cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netanalyze.columns import distinct
from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import stream_filter
from netanalyze.findings.words import counted, duration, frames_of, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

_CORS = (
    *("stream", "frame", "host", "origin", "method", "target", "preflight", "allowed", "reason", "cost_ns"),
    *("avoidable", "max_age_s", "asked_method"),
)


def _streams(cors: Rows, rows: NDArray[np.int64]) -> str:
    return stream_filter(distinct(cors.numbers("stream")[rows])) or "tcp"


class Preflights(Rule):
    """Preflights that need not be."""

    code = "HTTP012"
    title = "CORS preflights that could be saved"
    severity = Severity.NOTICE
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"cors": _CORS}
    harmed_by = frozenset({Flaw.CUT, Flaw.DROPS})
    means = (
        "Before a request to another origin that is not a simple one, the browser asks for permission with"
        " OPTIONS, and waits. The answer may be kept for as long as Access-Control-Max-Age says, five"
        " seconds without it; a browser that asks the same again later pays a round trip for each request."
    )
    advice = (
        "Send Access-Control-Max-Age: 7200 in answers to preflights, or serve the API under the page's own"
        " origin."
    )

    LEAST = 2
    """One repetition may be the page loaded anew."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        cors = facts["cors"]
        for group in cors.groups(cors.among("avoidable", True), "host", "origin"):  # noqa: FBT003 - a value
            rows = group.rows
            if len(rows) < self.LEAST:
                continue
            host, origin = group.key
            cost = int(cors.amounts("cost_ns")[rows].sum())
            ages = sorted({age for age in cors.pick("max_age_s", rows) if age is not None})
            kept = f"Access-Control-Max-Age is {listed(ages)} s" if ages else "no Access-Control-Max-Age"
            yield self.found(
                count=len(rows),
                subject=f"{origin} to {host}",
                evidence=(
                    f"{counted(len(rows), 'preflight')} asked what had been answered before,"
                    f" {duration(cost)}; {kept}"
                ),
                counter="those that a browser would ask anyway after 7200 s are not counted",
                wireshark_filter=f'http.request.method == "OPTIONS" && {_streams(cors, rows)}',
                frames=frames_of(cors.numbers("frame")[rows]),
                cost_ns=cost,
                cost_requests=len(rows),
            )


class Refused(Rule):
    """Pages that may not read what they asked for."""

    code = "HTTP013"
    title = "Cross-origin requests refused by browsers"
    severity = Severity.ERROR
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"cors": _CORS}
    harmed_by = frozenset({Flaw.CUT, Flaw.DROPS})
    means = (
        "The response does not allow the page's origin to read it (Access-Control-Allow-Origin and its"
        " relatives), so that the browser hides it from the page's script, or does not send the request"
        " after a failed preflight. The server's log shows a success."
    )
    advice = (
        "Let the server answer with the page's origin, and with the methods, header fields and credentials"
        " that it uses."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        cors = facts["cors"]
        # Extensions of browsers may read what their permissions let them.
        refused = cors.among("allowed", False) & ~cors.matching("origin", "-extension:")  # noqa: FBT003
        for group in cors.groups(refused, "host", "origin"):
            rows = group.rows
            host, origin = group.key
            reasons = dict.fromkeys(reason for reason in cors.pick("reason", rows) if reason)
            yield self.found(
                count=len(rows),
                subject=f"{origin} to {host}",
                evidence=f"{counted(len(rows), 'response')} that the page may not read: {listed(reasons)}",
                counter="by the rules of the Fetch standard; programs that are no browsers do not care",
                wireshark_filter=f"http && {_streams(cors, rows)}",
                frames=frames_of(cors.numbers("frame")[rows]),
                cost_requests=len(rows),
            )


class Cookies(Rule):
    """Cookies that can be stolen or that browsers refuse."""

    code = "HTTP014"
    title = "Cookies without protection"
    severity = Severity.NOTICE
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "http_cookies": ("host", "name", "set", "first_set_frame", "secure", "http_only", "problems"),
    }
    harmed_by = frozenset({Flaw.CUT, Flaw.DROPS})
    means = (
        "Without Secure a cookie also goes over connections that are not encrypted, where anybody on the"
        " way reads it; without HttpOnly scripts can read it, also those that somebody smuggled in."
        " Browsers refuse some combinations altogether (SameSite=None without Secure, prefixes __Host- and"
        " __Secure-)."
    )
    advice = "Set-Cookie: …; Secure; HttpOnly; SameSite=Lax for every cookie that scripts need not read."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        cookies = facts["http_cookies"]
        set_here = cookies.amounts("first_set_frame") > 0
        bare = cookies.among("secure", False) | cookies.among("http_only", False)  # noqa: FBT003 - values
        troubled = ~cookies.among("problems", None)
        for group in cookies.groups(set_here & (bare | troubled), "host"):
            rows = group.rows
            insecure = cookies.among("secure", False)[rows]  # noqa: FBT003 - a value
            open_to_scripts = cookies.among("http_only", False)[rows]  # noqa: FBT003 - a value
            yield self.found(
                count=len(rows),
                subject=str(group.key[0]),
                evidence=(
                    f"{counted(len(rows), 'cookie')} ({listed(cookies.pick('name', rows))}):"
                    f" {int(insecure.sum())} without Secure, {int(open_to_scripts.sum())} without HttpOnly"
                ),
                counter=(
                    "what scripts need to read may lack HttpOnly; the table http_cookies has the problems"
                    " of each"
                ),
                wireshark_filter="http.set_cookie",
                frames=frames_of(cookies.numbers("first_set_frame")[rows]),
            )
