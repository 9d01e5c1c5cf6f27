"""Connections that ended with a reset, or were cut while nobody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

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


def _history_marks(streams: Rows, test: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - a function of a text
    """Which streams have a history that fulfils a test; each history is looked at once."""
    codes, names = streams.codes("history")
    passed = np.array([name is not None and test(name) for name in names] + [False], np.bool_)
    return passed[codes]


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
        "streams": (*SERVICE, "conn_state", "history", "last_frame", "client_bytes", "server_bytes"),
        "listeners": ("server", "server_port", "signs"),
    }
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {"http": ("stream", "hang_up")}
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
        aborted = _history_marks(streams, lambda history: _reset_first(history) and _established(history))
        aborted &= ~self._explained(facts, streams)
        for state, side, who in (("RSTR", _SERVER, "server"), ("RSTO", 0, "client")):
            rows = streams.among("conn_state", state) & aborted
            for service in by_service(facts, streams.numbers("stream"), rows):
                yield self._told(streams, service, side, who)

    def _explained(self, facts: Facts, streams: Rows) -> NDArray[np.bool_]:
        """Streams of which another rule tells why they were reset: full queues, HTTP's broken exchanges."""
        found = np.zeros(len(streams), np.bool_)
        listeners = facts["listeners"]
        for row in np.flatnonzero(~listeners.among("signs", None)).tolist():
            port = streams.numbers("server_port") == listeners.one("server_port", row)
            found |= port & streams.among("server", listeners.one("server", row))
        found &= streams.amounts("server_bytes") == 0
        if "http" in facts:
            http = facts["http"]
            broken = http.numbers("stream")[~http.among("hang_up", None)]
            found |= np.isin(streams.numbers("stream"), broken)
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
        "directions": ("silent_max_ns", "silent_max_frame", "resets", "keep_alives"),
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

    LEAST_IDLE_NS = 30 * 10**9
    """The shortest usual idle timeouts of middleboxes are 30 and 60 seconds."""
    TRIES = 2

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        streams = facts["streams"]
        # Only streams that last as long, and did not end in order, need to be looked at closely.
        closed = _history_marks(streams, lambda history: any(letter in history for letter in "FfIi"))
        places = np.flatnonzero((streams.amounts("duration_ns") >= self.LEAST_IDLE_NS) & ~closed)
        dead, by_reset = np.zeros(len(streams), np.bool_), np.zeros(len(streams), np.bool_)
        idle, frame = np.zeros(len(streams), np.int64), np.zeros(len(streams), np.int64)
        last = streams.numbers("last_frame")[places]
        sides = [self._side(facts, 2 * places + side) for side in (0, 1)]
        for mine, other in (sides, sides[::-1]):
            quiet = (mine["silent_max_ns"] >= self.LEAST_IDLE_NS) & (mine["keep_alives"] == 0)
            quiet &= other["keep_alives"] == 0
            first = mine["silent_max_frame"]
            reset = quiet & (other["resets"] > 0) & (other["silent_max_frame"] == last) & (first < last)
            reset &= other["silent_max_ns"] >= self.LEAST_IDLE_NS
            unanswered = quiet & (self._last_tries(facts, first) == last)
            found = places[reset | unanswered]
            dead[found], by_reset[places[reset]] = True, True
            idle[found], frame[found] = mine["silent_max_ns"][reset | unanswered], first[reset | unanswered]
        for service in by_service(facts, streams.numbers("stream"), dead):
            yield self._told(facts, service, idle, frame, by_reset)

    def _side(self, facts: Facts, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """What ``directions`` says of some half-streams, 0 where it says nothing."""
        return {
            name: np.array([value or 0 for value in facts["directions"].pick(name, rows)], np.int64)
            for name in self.needs["directions"]
        }

    def _last_tries(self, facts: Facts, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """The frames in which some segments were sent for the last time, 0 where it was not often enough."""
        last = self._unanswered(facts)
        return np.array([last.get(frame, 0) for frame in frames.tolist()], np.int64)

    def _unanswered(self, facts: Facts) -> dict[int, int]:
        """Of each segment that was sent again at least twice: the frame of the last try."""
        events = facts["events"]
        rows = np.flatnonzero(events.among("kind", "retransmission") & events.known("other_frame"))
        first, frame = events.numbers("other_frame")[rows], events.numbers("frame")[rows]
        last: dict[int, int] = {}
        tries: dict[int, int] = {}
        for one, again in zip(first.tolist(), frame.tolist(), strict=True):
            last[one] = again
            tries[one] = tries.get(one, 0) + 1
        return {one: again for one, again in last.items() if tries[one] >= self.TRIES}

    def _told(
        self,
        facts: Facts,
        service: Service,
        idle: NDArray[np.int64],
        frame: NDArray[np.int64],
        by_reset: NDArray[np.bool_],
    ) -> Finding:
        streams = facts["streams"]
        places = rows_of(streams, service.streams)
        resets = int(np.count_nonzero(by_reset[places]))
        return self.found(
            count=len(places),
            subject=service.name,
            evidence=(
                f"{counted(len(places), 'connection')} dead when used again after"
                f" {duration(int(idle[places].min()))} or more of silence: {resets} answered with RST,"
                f" {len(places) - resets} by nobody"
            ),
            counter=(
                "neither side had sent a FIN, and no keep-alive was sent meanwhile; a host that was"
                " restarted looks alike"
            ),
            wireshark_filter=service.filter,
            frames=frames_of(frame[places]),
            stream=service.stream,
            cost_requests=len(places),
            confidence=Confidence.MEDIUM,
        )
