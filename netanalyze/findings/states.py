"""Connections that stay behind: TIME-WAIT, CLOSE-WAIT, unanswered FINs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import found_in
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, address_filter, rows_of, stream_filter
from netanalyze.findings.words import counted, duration, endpoint, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts

_MINUTE_NS = 60 * 10**9
_MOVES = {"transitions": ("stream", "endpoint", "frame", "to_state")}


class TimeWait(Rule):
    """Ports that wait out TIME-WAIT."""

    code = "FSM001"
    title = "Client's ports pile up in TIME-WAIT"
    severity = Severity.NOTICE
    needs: ClassVar = {
        "populations": (
            *("host", "state", "peak", "busiest_server", "busiest_server_port", "busiest_peak"),
            *("ports_percent", "ports_last_ns"),
        ),
        **_MOVES,
        "streams": (*SERVICE, "client"),
    }
    means = (
        "The side that closes first keeps its port in TIME-WAIT for a minute. A client that opens a"
        " connection for each request and closes it first runs through its 28 232 ports"
        " (net.ipv4.ip_local_port_range) at 470 connections a second to one server, and then connect()"
        " fails with EADDRNOTAVAIL."
    )
    advice = (
        "Keep connections and reuse them (keep-alive, a pool); net.ipv4.tcp_tw_reuse=1 helps with"
        " timestamps on."
    )

    LEAST_PERCENT = 10
    """Of the ports to one server; below that a tenfold rise still leaves room."""
    MUCH_PERCENT = 50
    SOON_NS = 10 * _MINUTE_NS

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        populations = facts["populations"]
        share, last = populations.amounts("ports_percent"), populations.numbers("ports_last_ns")
        soon = populations.known("ports_last_ns") & (last < self.SOON_NS)
        rows = populations.among("state", "TIME-WAIT") & ((share >= self.LEAST_PERCENT) | soon)
        for row in np.flatnonzero(rows).tolist():
            host, server = populations.one("host", row), populations.one("busiest_server", row)
            port, peak = populations.one("busiest_server_port", row), populations.one("busiest_peak", row)
            ahead = bool(soon[row]) or share[row] >= self.MUCH_PERCENT
            frames = self._closing(facts, host, server, port)
            left = f"; at this rate they last {duration(int(last[row]))}" if soon[row] else ""
            yield self.found(
                count=peak,
                title="Client will run out of ports" if ahead else self.title,
                severity=Severity.WARNING if ahead else Severity.NOTICE,
                subject=f"{host} to {endpoint(server, port)}",
                evidence=(
                    f"{counted(peak, 'port')} in TIME-WAIT at once, {int(share[row])} % of the usual"
                    f" range{left}"
                ),
                counter=(
                    f"{populations.one('peak', row)} connections of the host in TIME-WAIT to all servers"
                    " together"
                ),
                wireshark_filter=(
                    f"tcp.flags.fin == 1 && {address_filter(host)} && {address_filter(server)} && tcp.port"
                    f" == {port}"
                ),
                frames=frames_of(frames),
            )

    def _closing(self, facts: Facts, host: str, server: str, port: int) -> NDArray[np.int64]:
        """The frames that brought connections of a client to a server to TIME-WAIT."""
        streams, moves = facts["streams"], facts["transitions"]
        rows = np.flatnonzero(moves.among("endpoint", "client") & moves.among("to_state", "TIME-WAIT"))
        at = rows_of(streams, moves.numbers("stream")[rows])
        here = streams.among("client", host) & streams.among("server", server)
        here &= streams.numbers("server_port") == port
        return moves.numbers("frame")[rows[here[at]]]


class CloseWaitLeak(Rule):
    """A program does not close what its peer has closed."""

    code = "FSM002"
    title = "Connections leak in CLOSE-WAIT"
    severity = Severity.WARNING
    needs: ClassVar = {
        "closers": (
            *("server", "server_port", "connections", "client_leaks", "server_leaks", "leaks_ended_by_exit"),
            *("leaks_per_minute",),
        ),
        "transitions": ("stream", "endpoint", "frame", "from_state", "to_state", "dwell_ns"),
        "streams": (*SERVICE, "client_state", "server_state"),
    }
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS})
    means = (
        "The other side has closed the connection and this one never does: the program has lost track of"
        " the socket (an error path without close(), a pool that does not look). Each one keeps a file"
        " descriptor until the process ends, so that in time accept() or connect() fails with EMFILE."
    )
    advice = (
        "Close sockets when read() returns 0 and on every error path; ss -tnp state close-wait names the"
        " process."
    )

    LEAST = 2
    """One connection may be open for a reason; two have it in common."""
    MANY = 5
    """So many that neither a slow program nor the end of the capture explains it."""
    STUCK_NS = 10**9

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        closers = facts["closers"]
        for side, name in enumerate(("client", "server")):
            leaks = closers.amounts(f"{name}_leaks")
            # Two that a server with a patient timeout closes at the same time look like one that exits.
            still = leaks - np.minimum(closers.amounts("leaks_ended_by_exit"), leaks)
            for row in np.flatnonzero((leaks >= self.MANY) | (still >= self.LEAST)).tolist():
                yield self._told(facts, row, side, int(leaks[row]))

    def _told(self, facts: Facts, row: int, side: int, leaks: int) -> Finding:
        closers = facts["closers"]
        server, port = closers.one("server", row), closers.one("server_port", row)
        who = ("clients", "server")[side]
        streams, frames = self._leaking(facts, server, port, side)
        rate = closers.one("leaks_per_minute", row)
        exited = closers.one("leaks_ended_by_exit", row)
        sure = leaks >= self.MANY
        return self.found(
            count=leaks,
            subject=f"{who} of {endpoint(server, port)}" if side == 0 else endpoint(server, port),
            evidence=(
                f"{leaks} of {counted(closers.one('connections', row), 'connection')} were not closed for"
                f" more than a second after the other side had closed{f', {rate} a minute' if rate else ''}"
            ),
            counter=(
                f"{exited} of them ended when the process did; a reply that was still being sent is not"
                " counted"
            ),
            wireshark_filter=(
                stream_filter(streams)
                if len(streams) > 0 and stream_filter(streams)
                else f"{address_filter(server)} && tcp.port == {port}"
            ),
            frames=frames_of(frames),
            stream=int(streams[0]) if len(streams) == 1 else None,
            severity=Severity.WARNING if sure else Severity.NOTICE,
            confidence=Confidence.HIGH if sure else Confidence.LOW,
            cost_requests=leaks,
        )

    def _leaking(
        self, facts: Facts, server: str, port: int, side: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Streams whose endpoint was in CLOSE-WAIT for long, and the frames that brought it there."""
        moves, streams = facts["transitions"], facts["streams"]
        name = ("client", "server")[side]
        mine = moves.among("endpoint", name)
        long = moves.among("from_state", "CLOSE-WAIT") & (moves.amounts("dwell_ns") > self.STUCK_NS) & mine
        still = streams.numbers("stream")[streams.among(f"{name}_state", "CLOSE-WAIT")]
        numbers = np.union1d(moves.numbers("stream")[long], still)
        at = rows_of(streams, numbers)
        here = streams.among("server", server)[at] & (streams.numbers("server_port")[at] == port)
        numbers = numbers[here]
        entered = moves.among("to_state", "CLOSE-WAIT") & mine & found_in(moves.numbers("stream"), numbers)
        return numbers, moves.numbers("frame")[entered]


class UnansweredFin(Rule):
    """FINs that nobody acknowledges."""

    code = "FSM003"
    title = "Closing unanswered"
    severity = Severity.NOTICE
    needs: ClassVar = {
        "populations": ("host", "state", "stuck", "longest_ns"),
        **_MOVES,
        "streams": (*SERVICE, "client", "client_state", "server_state"),
    }
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS})
    means = (
        "A host sent its FIN and nobody acknowledges it: the other end is gone (crashed, unplugged, its"
        " address moved) or a middlebox has forgotten the connection."
    )
    advice = "Look for hosts that vanish and for idle timeouts of NAT and load balancers on the way."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        populations = facts["populations"]
        rows = populations.among("state", "LAST-ACK") & (populations.amounts("stuck") > 0)
        for row in np.flatnonzero(rows).tolist():
            host, count = populations.one("host", row), populations.one("stuck", row)
            yield self.found(
                count=count,
                subject=host,
                evidence=(
                    f"{counted(count, 'connection')} in LAST-ACK at the end of the capture, for up to"
                    f" {duration(populations.one('longest_ns', row))}"
                ),
                counter="more than a second each, which no round trip explains",
                wireshark_filter=f"tcp.flags.fin == 1 && {address_filter(host)}",
                frames=frames_of(self._left(facts, host)),
                cost_requests=count,
                confidence=Confidence.MEDIUM,
            )

    def _left(self, facts: Facts, host: str) -> NDArray[np.int64]:
        """The frames that brought connections of a host to LAST-ACK, where they are still."""
        streams, moves = facts["streams"], facts["transitions"]
        found = []
        for side in ("client", "server"):
            rows = np.flatnonzero(moves.among("endpoint", side) & moves.among("to_state", "LAST-ACK"))
            at = rows_of(streams, moves.numbers("stream")[rows])
            here = streams.among(side, host) & streams.among(f"{side}_state", "LAST-ACK")
            found.append(moves.numbers("frame")[rows[here[at]]])
        return np.concatenate(found)
