"""What HTTP servers answer, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import found_in
from netanalyze.findings.facts import time_covered
from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.http_use import host_filter
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.words import counted, duration, endpoint, frames_of, listed, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group, Rows

_EXCHANGES = (
    *("stream", "frame", "response_frame", "host", "server", "server_port", "method", "target", "status"),
    *("ttfb_ns", "duration_ns", "time_ns", "wire_bytes", "upgrade"),
)


def _subject(group: Group) -> str:
    host, server, port = group.key
    name = endpoint(server, port)
    return name if host is None else host if host in name else f"{host} at {name}"


def _filter(http: Rows, rows: NDArray[np.int64], group: Group) -> str:
    _, server, port = group.key
    return host_filter(http.numbers("stream")[rows], server, port)


_KEY = ("host", "server", "server_port")


class _Statuses(Rule):
    """Responses with statuses in a range."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"http": _EXCHANGES}
    harmed_by = frozenset({Flaw.CUT})
    first: ClassVar[int]
    last: ClassVar[int]
    left_out: ClassVar[tuple[int, ...]] = ()
    least_percent: ClassVar[float] = 0

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        http = facts["http"]
        status = http.amounts("status")
        bad = (status >= self.first) & (status <= self.last) & ~found_in(status, self.left_out)
        for group in http.groups(np.ones(len(http), np.bool_), *_KEY):
            rows = group.rows[bad[group.rows]]
            if not len(rows) or 100 * len(rows) < self.least_percent * len(group.rows):
                continue
            kinds, counts = np.unique(status[rows], return_counts=True)
            told = ", ".join(
                f"{kind} {count}" for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True)
            )
            targets = dict.fromkeys(
                f"{method} {target}" if method else "(no request)"
                for method, target in zip(http.pick("method", rows), http.pick("target", rows), strict=True)
            )
            yield self.found(
                count=len(rows),
                subject=_subject(group),
                evidence=(
                    f"{len(rows)} of {counted(len(group.rows), 'response')}"
                    f" ({percent(len(rows), len(group.rows))}): {told}; {listed(targets)}"
                ),
                counter=f"{counted(len(group.rows) - len(rows), 'other request')} to this host",
                # Of a response that never is whole Wireshark shows no status: the request is shown as well.
                wireshark_filter=(
                    f"(http.request || (http.response.code >= {self.first} && http.response.code <="
                    f" {self.last})) && {_filter(http, rows, group)}"
                ),
                frames=frames_of(http.amounts("response_frame")[rows]),
                cost_ns=int(http.amounts("duration_ns")[rows].sum()) or None,
                cost_requests=len(rows),
            )


class ServerErrors(_Statuses):
    """Status 500 and above."""

    code = "HTTP006"
    title = "Server errors (5xx)"
    severity = Severity.ERROR
    first, last = 500, 599
    means = (
        "The server says that it failed: 500 a fault of its program, 502 and 504 a proxy whose upstream"
        " answered wrongly or not in time, 503 overload or maintenance."
    )
    advice = (
        "See the server's log at these times; for 502 and 504 that of the upstream, and the proxy's timeouts."
    )


class ClientErrors(_Statuses):
    """Status 400 to 499."""

    code = "HTTP007"
    title = "Client errors (4xx)"
    severity = Severity.NOTICE
    first, last = 400, 499
    left_out = (401, 407)
    least_percent = 1
    means = (
        "The server refuses requests: not found, forbidden, too large, too many (429), malformed (400). 401"
        " and 407 are not counted, because clients provoke them in order to be asked for a password."
    )
    advice = (
        "See which targets fail: dead links, a client that is out of date, or limits (client_max_body_size,"
        " rate limits)."
    )


class _Slow(Rule):
    """Exchanges that took long, and where the time went."""

    severity = Severity.WARNING
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "http": _EXCHANGES,
        "directions": ("rtt_min_ns", "syn_rtt_ns"),
        "streams": ("stream",),
        "events": ("stream", "kind", "time_ns", "ago_ns"),
    }
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED})

    SLOW_NS = 10**9
    """People lose the thread of what they do when they wait for more than a second."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        http = facts["http"]
        whole = http.known("duration_ns") & http.known("ttfb_ns") & http.among("upgrade", None)
        first, total = http.amounts("ttfb_ns"), http.amounts("duration_ns")
        trip = np.minimum(self._trips(facts, http), first)
        # What is sent again before the response begins is the network's time, not the server's.
        lost = np.zeros(len(http), np.int64)
        long = np.flatnonzero(whole & (first - trip >= self.SLOW_NS))
        if len(long):
            lost[long] = self._repairs(facts, http, long)
        parts = {
            "server": first - trip - np.minimum(lost, first - trip),
            "lost segments": np.minimum(lost, first - trip),
            "round trip": trip,
            "transfer": total - first,
        }
        slow = whole & self.slow(parts)
        for group in http.groups(slow, *_KEY):
            yield self._told(http, group, parts, whole)

    def slow(self, parts: Mapping[str, NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Which exchanges are meant, by how long their parts took."""
        raise NotImplementedError

    def _repairs(self, facts: Facts, http: Rows, rows: NDArray[np.int64]) -> list[int]:
        """How long each of these exchanges waited for segments to come again before the response began."""
        events = facts["events"]
        again = np.flatnonzero(events.among("kind", "retransmission") & events.known("ago_ns"))
        again = again[np.argsort(events.numbers("stream")[again], kind="stable")]
        streams, end = events.numbers("stream")[again], events.numbers("time_ns")[again]
        start = end - events.numbers("ago_ns")[again]
        waits = []
        for row in rows.tolist():
            stream, answered = (
                http.numbers("stream")[row],
                http.numbers("time_ns")[row] + http.numbers("ttfb_ns")[row],
            )
            low, high = np.searchsorted(streams, [stream, stream + 1])
            begin = np.maximum(start[low:high], http.numbers("time_ns")[row])
            until = np.minimum(end[low:high], answered)
            real = until > begin
            waits.append(time_covered(np.zeros(int(real.sum()), np.int64), begin[real], until[real]))
        return waits

    def _trips(self, facts: Facts, http: Rows) -> NDArray[np.int64]:
        """Of each exchange the round trip time of its connection between tap and server."""
        directions = facts["directions"]
        streams, places = np.unique(http.numbers("stream"), return_inverse=True)
        at = np.searchsorted(facts["streams"].numbers("stream"), streams)
        times = [
            min((time for time in pair if time is not None), default=0)
            for pair in zip(
                directions.pick("rtt_min_ns", 2 * at), directions.pick("syn_rtt_ns", 2 * at), strict=True
            )
        ]
        found: NDArray[np.int64] = np.array(times or [0], np.int64)[places.reshape(-1)]
        return found

    def _told(
        self, http: Rows, group: Group, parts: Mapping[str, NDArray[np.int64]], whole: NDArray[np.bool_]
    ) -> Finding:
        rows = group.rows
        host, server, port = group.key
        all_rows = np.flatnonzero(
            whole
            & http.among("host", host)
            & http.among("server", server)
            & (http.numbers("server_port") == port)
        )
        total = http.amounts("duration_ns")
        sums = {name: int(part[rows].sum()) for name, part in parts.items()}
        split = ", ".join(
            f"{name} {duration(time)}" for name, time in sums.items() if time or name != "lost segments"
        )
        slowest = rows[np.argmax(total[rows])]
        told = f"{http.one('method', slowest)} {http.one('target', slowest)}"
        return self.found(
            count=len(rows),
            subject=_subject(group),
            severity=Severity.WARNING if 20 * len(rows) >= len(all_rows) else Severity.NOTICE,
            evidence=(
                f"{len(rows)} of {counted(len(all_rows), 'exchange')} took"
                f" {duration(int(total[rows].sum()))} together: {split}; the slowest"
                f" {duration(int(total[slowest]))} ({told})"
            ),
            counter=(
                f"half of all took {duration(int(np.percentile(total[all_rows], 50)))} or less, 95 % at most"
                f" {duration(int(np.percentile(total[all_rows], 95)))}"
            ),
            wireshark_filter=_filter(http, rows, group),
            frames=frames_of(http.numbers("frame")[rows]),
            cost_ns=self.cost(sums),
            cost_requests=len(rows),
        )

    def cost(self, sums: Mapping[str, int]) -> int:
        """What of these times is the trouble's."""
        raise NotImplementedError


class SlowServer(_Slow):
    """The server thinks for long."""

    code = "HTTP008"
    title = "Slow server"
    means = (
        "Between the last byte of the request and the first of the response more than a second passed, of"
        " which the round trip of the network is a small part: the server's program (or what it asks in"
        " turn, a database, another service) takes the time. A network that is made faster will not help."
        " Long polling looks the same."
    )
    advice = (
        "Measure in the server what these targets do (queries, locks, upstream calls); not a matter of the"
        " network."
    )

    def slow(self, parts: Mapping[str, NDArray[np.int64]]) -> NDArray[np.bool_]:
        """See ``_Slow``."""
        found: NDArray[np.bool_] = (parts["server"] >= self.SLOW_NS) & (
            parts["server"] >= parts["transfer"] + parts["lost segments"]
        )
        return found

    def cost(self, sums: Mapping[str, int]) -> int:
        """See ``_Slow``."""
        return sums["server"]


class SlowTransfer(_Slow):
    """The way takes long."""

    code = "HTTP009"
    title = "Slow transfer"
    means = (
        "The server answers soon, and the rest of request or response takes more than a second: the way is"
        " narrow or loses, the receiver is slow, windows are too small, or the server's program produces"
        " the body as slowly. The tables limits and directions, and the findings TCP and WIN about the same"
        " streams, tell which."
    )
    advice = (
        "See netanalyze analyze FILE -r limits for what these streams waited for; compress and shrink large"
        " bodies."
    )

    def slow(self, parts: Mapping[str, NDArray[np.int64]]) -> NDArray[np.bool_]:
        """See ``_Slow``."""
        slow = parts["transfer"] + parts["lost segments"]
        found: NDArray[np.bool_] = (slow >= self.SLOW_NS) & (slow > parts["server"])
        return found

    def cost(self, sums: Mapping[str, int]) -> int:
        """See ``_Slow``."""
        return sums["transfer"] + sums["lost segments"]


class Uncompressed(Rule):
    """Text that was sent as it is."""

    code = "HTTP010"
    title = "Text sent uncompressed"
    severity = Severity.NOTICE
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "http": (*_EXCHANGES, "compressible", "content_type"),
    }
    harmed_by = frozenset({Flaw.CUT, Flaw.DROPS})
    means = (
        "Responses of text (HTML, JSON, JavaScript, CSS, XML, SVG) went without a content coding. gzip"
        " makes about a quarter of such text, Brotli a fifth, for little work, and fewer bytes need fewer"
        " round trips in slow start."
    )
    advice = (
        "nginx: gzip on; gzip_types with JSON and JavaScript. Node: compression middleware. See that"
        " clients accept gzip."
    )

    LEAST_BYTES = 16_384
    """What an initial window of ten segments carries: less takes one round trip, compressed or not."""
    SAVED = 3 / 4

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        http = facts["http"]
        sizes = http.amounts("wire_bytes")
        for group in http.groups(http.among("compressible", True), *_KEY):  # noqa: FBT003 - a value
            rows, total = group.rows, int(sizes[group.rows].sum())
            if total < self.LEAST_BYTES:
                continue
            kinds = sorted({kind.split(";")[0] for kind in http.pick("content_type", rows) if kind})
            yield self.found(
                count=len(rows),
                subject=_subject(group),
                evidence=f"{counted(len(rows), 'response')} of {size(total)} in all: {listed(kinds)}",
                counter=(
                    "only text of 1 KiB and more counts; whether the client accepts a coding was not looked"
                    " at"
                ),
                wireshark_filter=f"http.response && !http.content_encoding && {_filter(http, rows, group)}",
                frames=frames_of(http.amounts("response_frame")[rows]),
                cost_bytes=round(total * self.SAVED),
            )


class WronglyCoded(Rule):
    """Bodies that are not coded as they say."""

    code = "HTTP011"
    title = "Bodies not coded as declared"
    severity = Severity.ERROR
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "http": (*_EXCHANGES, "body_verdict", "content_encoding", "missing_bytes", "end"),
    }
    harmed_by = frozenset({Flaw.CUT, Flaw.DROPS})
    means = (
        "Content-Encoding says one thing and the body is another: not compressed at all, compressed twice"
        " or damaged, ending in the middle, or in a coding with an unknown name. Browsers show an error or"
        " garbage (ERR_CONTENT_DECODING_FAILED)."
    )
    advice = (
        "Find out which of program, proxy and cache sets Content-Encoding and which compresses: only one"
        " should do both."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        http = facts["http"]
        wrong = http.among("body_verdict", "not_coded", "cut", "damaged", "trailing_data", "unknown_coding")
        wrong &= http.among("end", "complete") & (http.amounts("missing_bytes") == 0)
        for group in http.groups(wrong, *_KEY):
            rows = group.rows
            told: dict[str, int] = {}
            for verdict, coding in zip(
                http.pick("body_verdict", rows), http.pick("content_encoding", rows), strict=True
            ):
                name = f"{coding} {verdict.replace('_', ' ')}"
                told[name] = told.get(name, 0) + 1
            yield self.found(
                count=len(rows),
                subject=_subject(group),
                evidence=(
                    f"{counted(len(rows), 'response')}: "
                    + ", ".join(f"{name} ({count})" for name, count in told.items())
                ),
                counter="only responses that were captured whole count",
                wireshark_filter=f"http.content_encoding && {_filter(http, rows, group)}",
                frames=frames_of(http.amounts("response_frame")[rows]),
                cost_requests=len(rows),
            )
