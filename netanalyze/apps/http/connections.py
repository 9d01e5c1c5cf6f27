"""How connections are used: reuse, idle times, who closes and why; and what that means for each host."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netanalyze.apps.http.endings import AFTER_FIN, AFTER_RESET, CROSSING_FIN, CROSSING_RESET, HANG_UPS
from netanalyze.apps.http.exchange import COMPLETE
from netanalyze.apps.http.statistics import LATENCIES, grouped, latencies, nearest_rank, traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netanalyze.apps.http.connection import Connection
    from netanalyze.apps.http.exchange import Exchange

_RACES = (AFTER_FIN, CROSSING_FIN, AFTER_RESET, CROSSING_RESET)

IDLE_FROM_NS = 50_000_000
"""A side that closes sooner after the last message did not wait for an idle time to run out."""

_SAME_SHARE = 10  # idle times within a tenth of each other are one setting


class Use(Struct):
    """What is kept of a connection that is over.

    Attributes:
        stream, server_port: which one.
        client_side: side of the client.
        host: that its first request names.
        first_ns: of the stream.
        setup_ns: from the SYN to the first request.
        requests, responses, pipelined, hang_ups: counts.
        idle: times from a whole response to the next request.
        closed_by: client, server or None.
        reason: why it was closed.
        idle_at_close_ns: time from the last whole response to the close; None if a request was waiting.
        keep_alive: what the server says in its Keep-Alive field.
        last_ns: last message, or the close.
        through: the tunnel that it goes through.
    """

    stream: int
    server_port: int
    client_side: int
    host: str | None
    first_frame: int
    first_ns: int
    setup_ns: int | None
    requests: int
    responses: int
    pipelined: int
    hang_ups: int
    idle: list[int]
    closed_by: str | None
    reason: str | None
    idle_at_close_ns: int | None
    keep_alive: str | None
    websocket: bool
    last_ns: int
    through: str | None = None


def use_of(connection: Connection) -> Use | None:
    """What to keep of a connection; None if there was no message on it."""
    rows = connection.exchanges
    if not rows:
        return None
    facts = connection.facts
    client = connection.client
    client_side = client.side if client is not None else 0
    first = next((row for row in rows if row.time_ns is not None), None)
    setup = first.time_ns - facts.first_ns if first and first.time_ns and facts.from_the_start else None
    closed_by, reason, idle_at_close = _closing(connection)
    ends = [end.time_ns for end in (connection.client_end, connection.server_end) if end is not None]
    times = [
        value
        for row in rows
        for value in (row.last_ns, row.request_last_ns, row.time_ns)
        if value is not None
    ]
    return Use(
        stream=facts.number,
        server_port=facts.ports[1 - client_side],
        client_side=client_side,
        host=next((row.host for row in rows if row.host), None),
        first_frame=facts.first_frame,
        first_ns=facts.first_ns,
        setup_ns=setup if setup is None or setup >= 0 else None,
        requests=connection.requests,
        responses=sum(row.response_frame is not None for row in rows),
        pipelined=connection.pipelined,
        hang_ups=sum(row.hangup in HANG_UPS for row in rows),
        idle=_idle_times(rows),
        closed_by=closed_by,
        reason=reason,
        idle_at_close_ns=idle_at_close,
        keep_alive=next((row.keep_alive for row in rows if row.keep_alive), None),
        websocket=connection.websocket,
        last_ns=max(times + ends, default=facts.first_ns),
        through=connection.through,
    )


def _idle_times(rows: Sequence[Exchange]) -> list[int]:
    times = []
    for before, after in pairwise(rows):
        if before.end == COMPLETE and before.last_ns is not None and after.time_ns is not None:
            times.append(max(after.time_ns - before.last_ns, 0))
    return times


def _closing(connection: Connection) -> tuple[str | None, str | None, int | None]:
    """Who closed, why, and after how long without a message."""
    client, server = connection.client_end, connection.server_end
    if client is None and server is None:
        return None, None, None
    by_server = client is None or (server is not None and server.time_ns < client.time_ns)
    end = server if by_server else client
    assert end is not None  # noqa: S101 - for the type checker
    who = "server" if by_server else "client"
    before = [row for row in connection.exchanges if (row.time_ns or row.response_ns or 0) <= end.time_ns]
    last = before[-1] if before else None
    if last is None:
        return who, f"{who}_without_request", None
    if connection.websocket:
        return who, "websocket_over", None
    whole = last.end == COMPLETE and last.last_ns is not None and last.last_ns <= end.time_ns
    if not whole:
        return who, f"{who}_reset" if end.reset else f"{who}_unfinished", None
    idle = end.time_ns - (last.last_ns or 0)
    if last.closes or last.close_asked:
        reason = "announced"
    elif end.reset:
        reason = f"{who}_reset"
    elif idle >= IDLE_FROM_NS:
        reason = f"{who}_idle"
    else:
        reason = f"{who}_unannounced" if by_server else "client_done"
    return who, reason, idle


def idle_timeout(uses: Iterable[Use]) -> tuple[int | None, int]:
    """A server's idle timeout, as seen from connections that it closed after an idle time.

    Returns:
        The median of the times that lie within a tenth of it, and how many these are: None if the times are
        no single setting's (fewer than half of them agree).
    """
    times = sorted(
        use.idle_at_close_ns
        for use in uses
        if use.reason == "server_idle" and use.idle_at_close_ns is not None
    )
    middle = nearest_rank(times, 50)
    if middle is None:
        return None, 0
    near = [value for value in times if abs(value - middle) * _SAME_SHARE <= middle]
    return (middle, len(near)) if 2 * len(near) >= len(times) else (None, 0)


CONNECTION_COLUMNS = (
    *("stream", "client_side", "host", "first_frame", "start_ns", "duration_ns", "requests", "responses"),
    *("reused", "pipelined", "websocket", "setup_ns", "idle_gaps", "idle_avg_ns", "idle_max_ns", "closed_by"),
    *("close_reason", "idle_at_close_ns", "keep_alive", "server_idle_timeout_ns", "hang_ups"),
)


def connection_rows(uses: Sequence[Use]) -> list[dict[str, Any]]:
    """A row for each connection."""
    timeouts = {key: idle_timeout(group)[0] for key, group in by_server(uses).items()}
    return [
        {
            "stream": use.stream,
            "client_side": use.client_side,
            "host": use.host,
            "first_frame": use.first_frame,
            "start_ns": use.first_ns,
            "duration_ns": use.last_ns - use.first_ns,
            "requests": use.requests,
            "responses": use.responses,
            "reused": max(use.requests - 1, 0),
            "pipelined": use.pipelined,
            "websocket": use.websocket,
            "setup_ns": use.setup_ns,
            "idle_gaps": len(use.idle),
            "idle_avg_ns": sum(use.idle) // len(use.idle) if use.idle else None,
            "idle_max_ns": max(use.idle, default=None),
            "closed_by": use.closed_by,
            "close_reason": use.reason,
            "idle_at_close_ns": use.idle_at_close_ns,
            "keep_alive": use.keep_alive,
            "server_idle_timeout_ns": timeouts.get(_server(use)),
            "hang_ups": use.hang_ups,
        }
        for use in uses
    ]


def _server(use: Use) -> tuple[str | None, int]:
    return use.host, use.server_port


def by_server(uses: Iterable[Use]) -> dict[tuple[str | None, int], list[Use]]:
    """Connections by the host they name and the server's port."""
    found: dict[tuple[str | None, int], list[Use]] = {}
    for use in uses:
        found.setdefault(_server(use), []).append(use)
    return found


HOST_COLUMNS = (
    *("host", "connections", "requests", "complete", "client_errors", "server_errors", "hang_ups", "gave_up"),
    *("setup_avg_ns", "setup_total_ns", "single_request_connections"),
    *LATENCIES,
    *("wire_bytes", "body_bytes", "saved_bytes", "compressible", "compressible_bytes"),
    *("server_idle_timeout_ns", "server_idle_closes", "longest_reused_idle_ns", "advice"),
)


def host_rows(exchanges: Sequence[Exchange], uses: Sequence[Use]) -> list[dict[str, Any]]:
    """A row for each host that requests name."""
    by_stream = {(use.stream, use.through): use for use in uses}
    rows = []
    for host, group in sorted(grouped(exchanges, lambda row: row.host).items()):
        used = [
            by_stream[key]
            for key in dict.fromkeys((row.stream, row.through) for row in group)
            if key in by_stream
        ]
        setups = [use.setup_ns for use in used if use.setup_ns is not None]
        timeout, closes = idle_timeout(used)
        longest = max((value for use in used for value in use.idle), default=None)
        row = {
            "host": host,
            "connections": len(used),
            **traffic(group),
            "single_request_connections": sum(use.requests == 1 for use in used),
            "setup_avg_ns": sum(setups) // len(setups) if setups else None,
            "setup_total_ns": sum(setups) if setups else None,
            **latencies(group),
            "server_idle_timeout_ns": timeout,
            "server_idle_closes": closes,
            "longest_reused_idle_ns": longest,
        }
        row["advice"] = _advice(group, row)
        rows.append(row)
    return rows


def _advice(group: Sequence[Exchange], row: dict[str, Any]) -> str | None:
    """What to change, with the numbers it is taken from."""
    said = []
    races = sum(exchange.hangup in _RACES for exchange in group)
    timeout, longest = row["server_idle_timeout_ns"], row["longest_reused_idle_ns"]
    if races:
        found = (
            f"the server closes idle connections after {_seconds(timeout)}"
            if timeout
            else ("the server closes connections that the client wants to use again")
        )
        said.append(
            f"{races} request{'s' * (races > 1)} met a connection that the server had closed: {found}; let"
            " its keep-alive timeout be longer than the client's pool keeps idle connections"
            + (f" (it reused one after {_seconds(longest)})" if longest else "")
            + (f", or the pool's shorter than {_seconds(timeout)}" if timeout else "")
        )
    single, total = row["single_request_connections"], row["setup_total_ns"]
    if single > 1 and 2 * single >= row["connections"] and total:
        said.append(
            f"{single} of {row['connections']} connections carried one request, and connecting took"
            f" {_seconds(total)} in all: keep connections open"
        )
    if row["compressible"]:
        said.append(
            f"{row['compressible']} response{'s' * (row['compressible'] > 1)} with"
            f" {row['compressible_bytes']} bytes of text were not compressed"
        )
    return "; ".join(said) or None


def _seconds(time_ns: int) -> str:
    if time_ns >= 1_000_000_000:  # noqa: PLR2004 - a second
        return f"{time_ns / 1e9:.3g} s"
    return f"{time_ns / 1e6:.3g} ms"
