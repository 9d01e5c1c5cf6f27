"""Connections that ended with a reset, or were cut while nobody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import found_in
from netanalyze.findings.causes import IDLE_NEEDS, OF_DIRECTIONS, IdleCuts, history_marks, idle_cuts
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, Service, by_service, rows_of
from netanalyze.findings.words import counted, duration, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

_SERVER = 1


def _reset_first(history: str) -> bool:
    """Whether a RST came before any FIN."""
    for letter in history:
        if letter in "Rr":
            return True
        if letter in "FfIi":
            return False
    return False


def _established(history: str) -> bool:
    """Whether something says that the handshake was completed, or that the connection was there before."""
    return any(letter in history for letter in "AaDd")


class Aborted(Rule):
    """Resets in place of a close."""

    code = "TCP008"
    title = "Connections aborted with RST"
    severity = Severity.WARNING
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "streams": (
            *SERVICE,
            *("conn_state", "history", "duration_ns", "last_frame", "client_bytes", "server_bytes"),
        ),
        "listeners": ("server", "server_port", "signs"),
    }
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **OF_DIRECTIONS,
        "http": ("stream", "hang_up"),
        "events": ("kind", "frame", "other_frame"),
    }
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.MIDSTREAM})
    means = (
        "An established connection was ended with RST and not with FIN: the program crashed or was killed,"
        " closed a socket with data it had not read, set SO_LINGER to 0, or a middlebox tore the connection"
        " down. Whatever was on its way is lost, and the peer gets ECONNRESET (in Node: socket hang up)."
    )
    advice = (
        "Find out who sends the RST (its TTL and IP ID tell a middlebox from the peer); read all data"
        " before close()."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        streams = facts["streams"]
        aborted = history_marks(streams, lambda history: _reset_first(history) and _established(history))
        aborted &= ~self._explained(facts, streams)
        for state, side, who in (("RSTR", _SERVER, "server"), ("RSTO", 0, "client")):
            rows = streams.among("conn_state", state) & aborted
            for service in by_service(facts, streams.numbers("stream"), rows):
                yield self._told(streams, service, side, who)

    def _explained(self, facts: Facts, streams: Rows) -> NDArray[np.bool_]:
        """Streams of which another rule tells why: full queues, idle timeouts, HTTP's broken exchanges."""
        found = np.zeros(len(streams), np.bool_)
        listeners = facts["listeners"]
        for row in np.flatnonzero(~listeners.among("signs", None)).tolist():
            port = streams.numbers("server_port") == listeners.one("server_port", row)
            found |= port & streams.among("server", listeners.one("server", row))
        found &= streams.amounts("server_bytes") == 0
        if "directions" in facts and "events" in facts:
            found |= facts.shared("idle cuts", idle_cuts).dead
        if "http" in facts:
            http = facts["http"]
            broken = http.numbers("stream")[~http.among("hang_up", None)]
            found |= found_in(streams.numbers("stream"), broken)
        return found

    def _told(self, streams: Rows, service: Service, side: int, who: str) -> Finding:
        places = service.places
        silent = (streams.amounts("client_bytes") + streams.amounts("server_bytes"))[places] == 0
        empty = int(np.count_nonzero(silent))
        unanswered = int(np.count_nonzero((streams.amounts("server_bytes")[places] == 0) & ~silent))
        return self.found(
            count=len(places),
            title=f"Connections aborted by the {who} with RST",
            # Clients stop loading pages and probe ports: that a server gives up is another matter.
            severity=Severity.WARNING if side == _SERVER and empty < len(places) else Severity.NOTICE,
            subject=service.name,
            evidence=(
                f"{counted(len(places), 'connection')} ended by a RST of the {who} before any FIN: {empty}"
                f" without any data, {unanswered} after a request without an answer,"
                f" {len(places) - empty - unanswered} later"
            ),
            counter=(
                "resets behind a FIN are not counted (the close was under way), nor those that another"
                " finding explains"
            ),
            wireshark_filter=f"tcp.flags.reset == 1 && {service.filter}",
            frames=frames_of(streams.numbers("last_frame")[places]),
            stream=service.stream,
            cost_requests=len(places),
            confidence=Confidence.MEDIUM,
        )


class IdleCut(Rule):
    """Connections that were dead when they were used again after a pause."""

    code = "TCP009"
    title = "Idle connections cut on the way"
    severity = Severity.ERROR
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "streams": (*SERVICE, "duration_ns", "history", "last_frame"),
        "directions": IDLE_NEEDS,
        "events": ("stream", "sender", "kind", "other_frame", "frame", "ago_ns"),
    }
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS})
    means = (
        "After a pause the connection was used again and was dead: the segment was answered with RST, or by"
        " nobody, though neither side had closed. NAT, firewalls and load balancers forget idle connections"
        " after a time of their own (often 60 s, 350 s or an hour) and tell no one."
    )
    advice = (
        "Send keep-alives more often than the shortest timeout on the way (SO_KEEPALIVE, TCP_KEEPIDLE), or"
        " close first."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        streams = facts["streams"]
        cuts = facts.shared("idle cuts", idle_cuts)
        for service in by_service(facts, streams.numbers("stream"), cuts.dead):
            yield self._told(facts, service, cuts)

    def _told(self, facts: Facts, service: Service, cuts: IdleCuts) -> Finding:
        places = rows_of(facts["streams"], service.streams)
        resets = int(np.count_nonzero(cuts.by_reset[places]))
        return self.found(
            count=len(places),
            subject=service.name,
            evidence=(
                f"{counted(len(places), 'connection')} dead when used again after"
                f" {duration(int(cuts.idle_ns[places].min()))} or more of silence: {resets} answered with"
                f" RST, {len(places) - resets} by nobody"
            ),
            counter=(
                "neither side had sent a FIN, and no keep-alive was sent meanwhile; a host that was"
                " restarted looks alike"
            ),
            wireshark_filter=service.filter,
            frames=frames_of(cuts.frame[places]),
            stream=service.stream,
            cost_requests=len(places),
            confidence=Confidence.MEDIUM,
        )
