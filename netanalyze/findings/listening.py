"""Connections that could not be made, or late, by listening socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.findings.facts import time_covered
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, Service, address_filter, by_service
from netanalyze.findings.words import counted, duration, endpoint, frames_of, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group, Rows

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "streams": SERVICE,
    "events": ("stream", "kind", "cause", "time_ns", "ago_ns", "frame", "seq", "payload_bytes"),
    "listeners": (
        *("server", "server_port", "attempts", "established", "refused", "unanswered", "syn_retries"),
        *("syn_ack_retries", "max_half_open", "max_waiting", "first_drop", "first_drop_frame", "overflows"),
        *("connect_avg_ns", "connect_max_ns", "cost_ns", "verdict", "signs", "first_frame"),
    ),
}


_SOONEST_NS = 100 * 10**6
"""Handshakes are repeated after a second, as RFC 6298 says, or in a few systems after a tenth of one."""


def _again(facts: Facts, server: str, port: int) -> tuple[list[int], int]:
    """Frames of SYNs that were sent again to a port, and how long clients waited for that in all."""
    events = facts["events"]
    # Labels by Wireshark's rules name no cause: there it is what stands at the number of the SYN.
    begins = (events.numbers("seq") == 0) & (events.numbers("payload_bytes") == 0)
    handshake = events.among("cause", "handshake") | (events.among("cause", None) & begins)
    rows = events.among("kind", "retransmission") & handshake
    # Sooner than any timer of a handshake runs out: a copy that was captured by another way.
    rows &= ~(events.known("ago_ns") & (events.amounts("ago_ns") < _SOONEST_NS))
    for service in by_service(facts, events.numbers("stream"), rows):
        if (service.server, service.port) == (server, port):
            return events.numbers("frame")[service.places].tolist(), _waited(events, service)
    return [], 0


def _waited(events: Rows, service: Service) -> int:
    end = events.numbers("time_ns")[service.places]
    start = end - events.amounts("ago_ns")[service.places]
    return time_covered(events.numbers("stream")[service.places], start, end)


class _Verdict(Rule):
    """Listeners with one of some verdicts."""

    needs = _NEEDS
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED})
    verdicts: ClassVar[tuple[str, ...]]

    MANY = 5
    """Servers with the same trouble on the same port that get a finding each."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        listeners = facts["listeners"]
        meant = listeners.among("verdict", *self.verdicts) & self.counts(listeners)
        for group in listeners.groups(meant, "verdict", "server_port"):
            if len(group.rows) > self.MANY:
                yield self._of_many(facts, group)
                continue
            for row in group.rows.tolist():
                yield from self.of_listener(facts, listeners, row)

    def counts(self, listeners: Rows) -> NDArray[np.bool_]:
        """Which listeners with such a verdict count."""
        return np.ones(len(listeners), np.bool_)

    def _of_many(self, facts: Facts, group: Group) -> Finding:
        """The same port of many servers: somebody looks for it, or all of them are behind one device."""
        listeners, rows = facts["listeners"], group.rows
        verdict, port = group.key
        attempts, established = (
            int(listeners.numbers(name)[rows].sum()) for name in ("attempts", "established")
        )
        again = [_again(facts, server, port) for server in listeners.pick("server", rows)]
        cost = sum(waited for _, waited in again) + int(listeners.amounts("cost_ns")[rows].sum())
        return self.found(
            count=attempts - established,
            subject=f"port {port} of {len(rows)} servers",
            evidence=(
                f"{verdict}: {established} of {counted(attempts, 'attempt')} to {len(rows)} servers made,"
                f" among them {listed(listeners.pick('server', rows))}"
            ),
            counter="one port of many servers: a scan, a worm, or one device in front of all of them",
            wireshark_filter=f"tcp.flags.syn == 1 && tcp.port == {port}",
            frames=frames_of(listeners.numbers("first_frame")[rows]),
            cost_ns=cost or None,
            cost_requests=attempts - established or None,
        )

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """What is said about one of them."""
        raise NotImplementedError

    def told(  # noqa: PLR0913 - what differs between the rules
        self,
        facts: Facts,
        row: int,
        *,
        count: int,
        evidence: str,
        counter: str,
        failed: int,
        frame: int | None = None,
        wireshark_filter: str = "",
        confidence: Confidence = Confidence.HIGH,
    ) -> Finding:
        """A finding about a listener, from its row."""
        listeners = facts["listeners"]
        server, port = listeners.one("server", row), listeners.one("server_port", row)
        of_port = f"{address_filter(server)} && tcp.port == {port}"
        frames, waited = _again(facts, server, port)
        # Of a full queue the table knows more: an ACK that was ignored was no handshake to repeat.
        cost = max(listeners.one("cost_ns", row) or 0, waited)
        return self.found(
            count=count,
            subject=endpoint(server, port),
            evidence=evidence,
            counter=counter,
            wireshark_filter=f"{wireshark_filter or 'tcp.flags.syn == 1'} && {of_port}",
            frames=frames_of([frame or listeners.one("first_frame", row), *frames]),
            cost_ns=cost or None,
            cost_requests=failed or None,
            confidence=confidence,
        )


class AcceptQueue(_Verdict):
    """The queue of connections that wait for accept() is full."""

    code = "LSN001"
    title = "Accept queue full"
    severity = Severity.ERROR
    verdicts = ("accept queue full",)
    means = (
        "The handshake of a new connection is done by the kernel, which then keeps it in a queue until the"
        " program calls accept(). When the program does not keep up and the queue is full (the backlog of"
        " listen(), at most net.core.somaxconn), Linux drops SYNs and the last ACK of handshakes. Clients"
        " wait for a second and more and try again, or are reset if net.ipv4.tcp_abort_on_overflow is set."
    )
    advice = (
        "Accept faster (a blocked event loop?), or raise listen()'s backlog and net.core.somaxconn; ss -ltn"
        " shows it."
    )

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        drops, frame = listeners.one("overflows", row), listeners.one("first_drop_frame", row)
        attempts, established = listeners.one("attempts", row), listeners.one("established", row)
        yield self.told(
            facts,
            row,
            count=drops,
            evidence=(
                f"{counted(drops, 'segment')} dropped by a full queue ({listeners.one('signs', row)}), first"
                f" with {listeners.one('first_drop', row)} connections waiting; {established} of"
                f" {counted(attempts, 'attempt')} established, the slowest after"
                f" {duration(listeners.one('connect_max_ns', row) or 0)}"
            ),
            counter="the same host went on answering, which lost packets on the way would not explain",
            failed=max(attempts - established, 0),
            frame=frame,
            wireshark_filter="(tcp.flags.syn == 1 || tcp.flags.reset == 1 || tcp.analysis.flags)",
        )


class SynQueue(_Verdict):
    """The queue of half-open connections is full."""

    code = "LSN002"
    title = "SYN queue full"
    severity = Severity.ERROR
    verdicts = ("SYN queue full", "SYN cookies")
    means = (
        "More handshakes were under way than the server keeps half-open (backlog,"
        " net.ipv4.tcp_max_syn_backlog): it drops SYNs, or answers with SYN cookies, which lose window"
        " scaling and SACK where timestamps are off. It is a flood of SYNs, or clients that vanish behind a"
        " way that loses their ACKs."
    )
    advice = (
        "See who sends the SYNs; raise net.ipv4.tcp_max_syn_backlog and the backlog; keep"
        " net.ipv4.tcp_syncookies=1."
    )

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        attempts, established = listeners.one("attempts", row), listeners.one("established", row)
        half_open = listeners.one("max_half_open", row)
        yield self.told(
            facts,
            row,
            count=max(listeners.one("overflows", row), 1),
            evidence=(
                f"{listeners.one('verdict', row)}: {half_open} connections half-open at once,"
                f" {listeners.one('overflows', row)} SYNs dropped; {established} of"
                f" {counted(attempts, 'attempt')} established"
            ),
            counter="the host went on answering other segments meanwhile",
            failed=max(attempts - established, 0),
            frame=listeners.one("first_drop_frame", row),
        )


class SynRetries(_Verdict):
    """Handshakes that needed another try without a full queue."""

    code = "LSN003"
    title = "Handshakes needed more than one try"
    severity = Severity.WARNING
    verdicts = ("packet loss",)
    means = (
        "SYNs or SYN-ACKs were sent again and nothing points to a full queue: the way loses packets, or a"
        " firewall drops the first ones. Each try that fails costs the client a second (Linux: 1 s, then 1"
        " s again up to five times on new kernels, doubling on others)."
    )
    advice = (
        "Compare captures of both ends to see where the SYN is lost; look at firewall and conntrack drop"
        " counters."
    )

    def counts(self, listeners: Rows) -> NDArray[np.bool_]:
        """See ``_Verdict``."""
        found: NDArray[np.bool_] = listeners.amounts("syn_retries") + listeners.amounts("syn_ack_retries") > 0
        return found

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        syns, syn_acks = listeners.one("syn_retries", row), listeners.one("syn_ack_retries", row)
        attempts, established = listeners.one("attempts", row), listeners.one("established", row)
        slowest, silent = listeners.one("connect_max_ns", row), listeners.one("unanswered", row)
        if not _again(facts, listeners.one("server", row), listeners.one("server_port", row))[0]:
            return
        yield self.told(
            facts,
            row,
            count=syns + syn_acks,
            evidence=(
                f"{counted(syns, 'SYN')} and {counted(syn_acks, 'SYN-ACK')} sent again in"
                f" {counted(attempts, 'attempt')}, {established} established"
                + (f", the slowest after {duration(slowest)}" if slowest is not None else "")
                + (f", {silent} never answered" if silent else "")
            ),
            counter="no sign of a full queue: no handshake was complete and ignored, no queue was long",
            failed=max(attempts - established, 0),
            confidence=Confidence.MEDIUM,
        )


class Refused(_Verdict):
    """Nobody listens."""

    code = "LSN004"
    title = "Connections refused"
    severity = Severity.ERROR
    verdicts = ("refused",)
    means = (
        "The SYN was answered with RST: on that host no program listens on the port (it has not started,"
        " has crashed, listens on another address), or a firewall rejects with a RST."
    )
    advice = (
        "Check with ss -ltn on the server that the program listens on this port and address; see firewall"
        " rejects."
    )

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        refused, attempts = listeners.one("refused", row), listeners.one("attempts", row)
        yield self.told(
            facts,
            row,
            count=refused,
            evidence=f"{refused} of {counted(attempts, 'attempt')} answered with RST at once",
            counter=f"{listeners.one('established', row)} attempts succeeded",
            failed=refused,
            wireshark_filter="(tcp.flags.syn == 1 || tcp.flags.reset == 1)",
        )


class Unanswered(_Verdict):
    """SYNs that nobody answers."""

    code = "LSN005"
    title = "Connection attempts unanswered"
    severity = Severity.ERROR
    verdicts = ("filtered", "host dead", "no answer")
    means = (
        "SYNs get no answer at all. If the host sends other things, a firewall drops them (filtered); if it"
        " sends nothing, it is down, or the way to it or back is broken. A client waits for up to two"
        " minutes before it gives up."
    )
    advice = (
        "Check the host and its route, then firewalls on the way and security groups; set a connect timeout."
    )

    LEAST = 3
    """One SYN without an answer near the end of a capture proves nothing, unless it is repeated."""

    def counts(self, listeners: Rows) -> NDArray[np.bool_]:
        """See ``_Verdict``."""
        found: NDArray[np.bool_] = (listeners.amounts("syn_retries") > 0) | (
            listeners.amounts("unanswered") >= self.LEAST
        )
        return found

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        verdict, retries = listeners.one("verdict", row), listeners.one("syn_retries", row)
        silent, attempts = listeners.one("unanswered", row), listeners.one("attempts", row)
        why = {
            "filtered": "the host sends other packets, so something filters these",
            "host dead": "the host sends nothing at all",
        }.get(verdict, "nothing else is known of the host")
        yield self.told(
            facts,
            row,
            count=silent,
            evidence=(
                f"{silent} of {counted(attempts, 'attempt')} unanswered, SYNs sent again {retries} times;"
                f" {why}"
            ),
            counter="no RST and no ICMP error came either",
            failed=silent,
            confidence=Confidence.HIGH if retries else Confidence.LOW,
        )


class Unreachable(_Verdict):
    """ICMP errors in answer to SYNs."""

    code = "LSN006"
    title = "Connections rejected by ICMP"
    severity = Severity.ERROR
    verdicts = ("prohibited", "host unreachable", "net unreachable", "port unreachable", "ICMP error")
    means = (
        "A router or the host itself answered the SYN with an ICMP error: there is no route, the next hop"
        " does not answer ARP, or a firewall prohibits the connection."
    )
    advice = "The sender of the ICMP error knows the reason: look at its routes and firewall rules."

    def of_listener(self, facts: Facts, listeners: Rows, row: int) -> Iterator[Finding]:
        """See ``_Verdict``."""
        attempts, established = listeners.one("attempts", row), listeners.one("established", row)
        yield self.told(
            facts,
            row,
            count=attempts - established,
            evidence=(
                f"ICMP says '{listeners.one('verdict', row)}' to {counted(attempts - established, 'attempt')}"
            ),
            counter=f"{established} attempts succeeded",
            failed=attempts - established,
            wireshark_filter="(tcp.flags.syn == 1 || icmp || icmpv6)",
        )


class Partial(Rule):
    """Attempts refused or unanswered where the listener as a whole has another verdict."""

    code = "LSN007"
    title = "Some connections refused or unanswered"
    severity = Severity.NOTICE
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **_NEEDS,
        "streams": (*SERVICE, "conn_state", "last_frame"),
    }
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED})
    means = (
        "A port that accepts connections refused others, or left SYNs unanswered: the program was"
        " restarted, one of several servers behind an address is down, or a limit on connections was"
        " reached."
    )
    advice = (
        "See whether the refusals are together in time (a restart) or spread out (one of several backends"
        " is down)."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        listeners = facts["listeners"]
        streams = facts["streams"]
        rejected = streams.among("conn_state", "REJ")
        refused = listeners.amounts("refused")
        some = (refused > 0) & listeners.among("verdict", "ok")
        for row in some.nonzero()[0].tolist():
            server, port = listeners.one("server", row), listeners.one("server_port", row)
            count = int(refused[row])
            there = rejected & streams.among("server", server) & (streams.numbers("server_port") == port)
            yield self.found(
                count=count,
                subject=endpoint(server, port),
                evidence=f"{count} of {counted(listeners.one('attempts', row), 'attempt')} answered with RST",
                counter=f"{listeners.one('established', row)} succeeded",
                wireshark_filter=f"tcp.flags.reset == 1 && {address_filter(server)} && tcp.port == {port}",
                frames=frames_of(streams.numbers("last_frame")[there]),
                cost_requests=count,
            )
