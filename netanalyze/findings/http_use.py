"""How HTTP uses connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import distinct
from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import stream_filter
from netanalyze.findings.words import counted, duration, endpoint, frames_of, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Group, Rows

_CONNECTIONS = (
    *("stream", "host", "first_frame", "requests", "close_reason", "setup_ns", "start_ns", "duration_ns"),
    *("client", "server", "server_port", "server_idle_timeout_ns", "keep_alive", "websocket"),
)


def host_filter(streams: NDArray[np.int64], server: str, port: int) -> str:
    """Shows the HTTP of some streams, or of a server if they are many."""
    some = stream_filter(distinct(streams))
    if some:
        return f"http && {some}"
    return f"http && {'ipv6' if ':' in server else 'ip'}.addr == {server} && tcp.port == {port}"


class _Unused(Rule):
    """Connections with a single request each."""

    severity = Severity.WARNING
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"http_connections": _CONNECTIONS}
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.MIDSTREAM})
    reasons: ClassVar[tuple[str, ...]]

    LEAST = 4
    """A browser opens up to six connections at once and may use each for one request; these are one after the
    other, each opened when an earlier one was over. A script may do that twice or thrice."""

    MUCH_NS = 100 * 10**6
    """What people notice."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        connections = facts["http_connections"]
        single = (connections.numbers("requests") == 1) & ~connections.among("websocket", True)  # noqa: FBT003
        single &= connections.among("close_reason", *self.reasons)
        used = connections.numbers("requests") > 0
        servers: dict[tuple[str, int], list[tuple[Group, NDArray[np.int64], NDArray[np.int64]]]] = {}
        for group in connections.groups(used, "client", "server", "server_port"):
            mine = group.rows[single[group.rows]]
            later = self._one_after_another(connections, mine)
            if len(later) + 1 >= self.LEAST and 2 * len(mine) > len(group.rows):
                _, server, port = group.key
                servers.setdefault((server, port), []).append((group, mine, later))
        for (server, port), clients in servers.items():
            yield self._told(connections, server, port, clients)

    @staticmethod
    def _one_after_another(connections: Rows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the connections that began when one of them was over: the old one could have been used."""
        if not len(rows):
            return rows
        start = connections.numbers("start_ns")[rows]
        first_end = int((start + connections.amounts("duration_ns")[rows]).min())
        return rows[start >= first_end]

    def _told(
        self,
        connections: Rows,
        server: str,
        port: int,
        clients: Sequence[tuple[Group, NDArray[np.int64], NDArray[np.int64]]],
    ) -> Finding:
        of_all = sum(len(group.rows) for group, _, _ in clients)
        rows = np.concatenate([mine for _, mine, _ in clients])
        later = np.concatenate([some for _, _, some in clients])
        setup = connections.amounts("setup_ns")[later]
        name = endpoint(server, port)
        hosts = sorted({host for host in connections.pick("host", rows) if host and host not in name})
        who = clients[0][0].key[0] if len(clients) == 1 else counted(len(clients), "client")
        return self.found(
            count=len(rows),
            subject=f"{who} to {name}{f' ({listed(hosts)})' if hosts else ''}",
            evidence=(
                f"{len(rows)} of {counted(of_all, 'connection')} carried one request each; connecting"
                f" took {duration(int(setup.sum()))} in all, {duration(int(setup.max(initial=0)))} at most"
            ),
            counter=(
                f"{len(later)} of them were opened when an earlier one of the same client was over, which"
                " could have been used again"
            ),
            wireshark_filter=host_filter(connections.numbers("stream")[rows], server, port),
            frames=frames_of(connections.numbers("first_frame")[rows]),
            severity=Severity.WARNING if setup.sum() >= self.MUCH_NS else Severity.NOTICE,
            cost_ns=int(setup.sum()) or None,
            cost_requests=len(later),
        )


class KeepAliveOff(_Unused):
    """Connection: close."""

    code = "HTTP001"
    title = "Keep-alive is off"
    reasons = ("announced",)
    means = (
        "Client or server says Connection: close (or speaks HTTP/1.0 without keep-alive), so that each"
        " request needs a TCP handshake, a new slow start and, with TLS, a handshake more; and the ports of"
        " the side that closes wait in TIME-WAIT."
    )
    advice = (
        "Server: remove Connection: close (nginx keepalive_timeout, proxy_http_version 1.1). Client: an"
        " agent with keepAlive."
    )


class NotReused(_Unused):
    """The client does not use connections again."""

    code = "HTTP002"
    title = "Kept connections are not reused"
    reasons = ("client_done", "client_idle", "client_reset", "client_done_reset", "client_idle_reset")
    means = (
        "The server would keep the connection, and the client closes it after one request and opens another"
        " for the next: no agent or session object, or one made anew for each request."
    )
    advice = (
        "Use one agent or session for all requests (Node http.Agent keepAlive, requests.Session, an HTTP"
        " client pool)."
    )


_FIRST_ERROR = 400
_EXCHANGES = (
    *(
        "stream",
        "frame",
        "host",
        "server",
        "server_port",
        "request_of_connection",
        "hang_up",
        "hang_up_ns",
        "status",
        "method",
    ),
    *("end", "duration_ns", "ttfb_ns"),
)


class _HangUps(Rule):
    """Exchanges that were broken off in some ways."""

    severity = Severity.ERROR
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "http": _EXCHANGES,
        "http_connections": ("stream", "server", "server_port", "server_idle_timeout_ns"),
    }
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED, Flaw.CUT})
    ways: ClassVar[tuple[str, ...]]

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        http = facts["http"]
        for group in http.groups(self.meant(http), "server", "server_port"):
            server, port = group.key
            ways: dict[str, int] = {}
            for way in http.pick("hang_up", group.rows):
                ways[way] = ways.get(way, 0) + 1
            of_all = int(
                np.count_nonzero(http.among("server", server) & (http.numbers("server_port") == port))
            )
            name = endpoint(server, port)
            hosts = sorted({host for host in http.pick("host", group.rows) if host and host not in name})
            waited = int(self.waits(http, group.rows).sum())
            yield self.found(
                count=len(group.rows),
                subject=f"{name}{f' ({listed(hosts)})' if hosts else ''}",
                evidence=(
                    f"{len(group.rows)} of {counted(of_all, 'request')}"
                    f" ({percent(len(group.rows), of_all)}): "
                    + ", ".join(f"{way.replace('_', ' ')} {count}" for way, count in sorted(ways.items()))
                    + self.more(facts, group)
                ),
                counter=self.against(http, group.rows),
                wireshark_filter=stream_filter(distinct(http.numbers("stream")[group.rows]))
                or host_filter(http.numbers("stream")[group.rows], server, port),
                frames=frames_of(http.numbers("frame")[group.rows]),
                cost_ns=waited or None,
                cost_requests=len(group.rows),
            )

    def meant(self, http: Rows) -> NDArray[np.bool_]:
        """Rows of ``http`` that are meant."""
        return http.among("hang_up", *self.ways)

    def waits(self, http: Rows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How long each client had waited."""
        return http.amounts("hang_up_ns")[rows]

    def more(self, facts: Facts, group: Group) -> str:
        """What else there is to say."""
        del facts, group
        return ""

    def against(self, http: Rows, rows: NDArray[np.int64]) -> str:
        """The counter-evidence."""
        del http, rows
        return "requests whose end was not captured are not counted"


class KeepAliveRace(_HangUps):
    """A request met the server's close."""

    code = "HTTP003"
    title = "Requests sent on connections being closed (keep-alive race)"
    ways = ("after_fin", "crossing_fin", "after_reset", "crossing_reset")
    means = (
        "The server closed an idle connection, and the client sent its next request on it before it saw the"
        " FIN, or although it had. The request is lost and the client reports 'socket hang up' or"
        " ECONNRESET. It happens when clients keep connections longer than the server does."
    )
    advice = (
        "Client: an idle timeout below the server's (and retry idempotent requests). Server:"
        " keepAliveTimeout above the client's."
    )

    def waits(self, http: Rows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """See ``_HangUps``: here the column says how long after the close the request came."""
        del http
        return np.zeros(len(rows), np.int64)

    def more(self, facts: Facts, group: Group) -> str:
        """See ``_HangUps``."""
        connections = facts["http_connections"]
        server, port = group.key
        rows = connections.among("server", server) & (connections.numbers("server_port") == port)
        times = connections.amounts("server_idle_timeout_ns")[rows]
        longest = int(times.max(initial=0))
        return (
            f"; the server closes connections after {duration(longest)} without a request" if longest else ""
        )

    def against(self, http: Rows, rows: NDArray[np.int64]) -> str:
        """See ``_HangUps``."""
        first = int(np.count_nonzero(http.numbers("request_of_connection")[rows] == 1))
        return f"{first} of them were the first request of their connection, where no idle time explains it"


class BrokenOff(_HangUps):
    """The server ended the connection within an exchange."""

    code = "HTTP004"
    title = "Responses broken off"
    ways = ("reset_unanswered", "closed_unanswered", "reset_mid_response", "short_response")
    means = (
        "The server closed or reset the connection after a whole request and before the whole response: its"
        " program crashed, hit a timeout or a limit, was restarted, or a proxy lost its upstream. Clients"
        " report 'socket hang up', ECONNRESET or an incomplete body."
    )
    advice = (
        "See the server's log at these times (crash, worker timeout, OOM, deploys); proxies: upstream"
        " timeouts."
    )


class GaveUp(_HangUps):
    """The client did not wait."""

    code = "HTTP005"
    title = "Clients gave up waiting"
    severity = Severity.WARNING
    ways = ("client_gave_up",)
    means = (
        "The client closed the connection before the response was whole: its timeout ran out, or somebody"
        " cancelled."
    )
    advice = "Compare the client's timeout with how long the server takes; raise one or mend the other."

    def meant(self, http: Rows) -> NDArray[np.bool_]:
        """See ``_HangUps``: who was told of an error need not read why."""
        return super().meant(http) & (http.amounts("status") < _FIRST_ERROR)
