"""Tables that count exchanges: by method, by status, by host."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from netanalyze.apps.http.endings import CLIENT_GAVE_UP, HANG_UPS
from netanalyze.apps.http.exchange import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netanalyze.apps.http.exchange import Exchange

IDEMPOTENT = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "QUERY"}
    | {"MKCOL", "COPY", "MOVE", "UNLOCK", "ACL", "BIND", "UNBIND", "REBIND", "LINK", "UNLINK", "MKCALENDAR"}
)
"""Methods that a client may repeat (RFC 9110 section 9.2.2, RFC 4918, 5842 and others)."""

NOT_IDEMPOTENT = frozenset({"POST", "PATCH", "LOCK", "CONNECT"})

_WORTH_BYTES = 1024
_TEXTS = (
    "text/",
    "application/json",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "image/svg",
    "application/manifest",
    "application/rss",
    "application/atom",
    "application/graphql",
)
_SUFFIXES = ("+json", "+xml", "+text")


def compressible(exchange: Exchange) -> bool:
    """Whether the response could have been compressed and was not: text of 1 KiB or more, not coded."""
    kind = exchange.content_type
    if kind is None or exchange.content_encoding is not None or (exchange.wire or 0) < _WORTH_BYTES:
        return False
    media = kind.split(";", 1)[0].strip().lower()
    if media == "text/event-stream":
        return False
    return media.startswith(_TEXTS) or media.endswith(_SUFFIXES)


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that at least this share of all is not above; None if there is none."""
    if not ordered:
        return None
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1]


def latencies(exchanges: Iterable[Exchange]) -> dict[str, int | None]:
    """Percentiles of the time to the first byte and of the duration."""
    listed = list(exchanges)
    first = sorted(value for value in (row.ttfb_ns for row in listed) if value is not None)
    whole = sorted(value for value in (row.duration_ns for row in listed) if value is not None)
    return {
        **{f"ttfb_p{part}_ns": nearest_rank(first, part) for part in (50, 95, 99)},
        **{f"duration_p{part}_ns": nearest_rank(whole, part) for part in (50, 95, 99)},
    }


LATENCIES = tuple(latencies(()))
"""The names of these."""


def grouped(exchanges: Iterable[Exchange], key: Callable[[Exchange], Any]) -> dict[Any, list[Exchange]]:
    """The exchanges by what ``key`` says of them, those left out for which it is None."""
    groups: dict[Any, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        name = key(exchange)
        if name is not None:
            groups[name].append(exchange)
    return groups


def columns_of(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Columns out of rows; every row has all names."""
    return {name: [row[name] for row in rows] for name in names}


def _sum(values: Iterable[int | None]) -> int:
    return sum(value for value in values if value is not None)


METHOD_COLUMNS = (
    *("method", "requests", "idempotent", "answered", "errors", "hang_ups", "repeated", "request_bytes"),
    *LATENCIES,
)


def method_rows(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """A row for each method."""
    rows = []
    for method, group in sorted(grouped(exchanges, lambda row: row.method).items()):
        idempotent = True if method in IDEMPOTENT else False if method in NOT_IDEMPOTENT else None
        rows.append(
            {
                "method": method,
                "requests": len(group),
                "idempotent": idempotent,
                "answered": sum(row.status is not None for row in group),
                "errors": sum((row.status or 0) >= 400 for row in group),  # noqa: PLR2004 - client errors and up
                "hang_ups": sum(row.hangup in HANG_UPS for row in group),
                "repeated": 0 if idempotent else _repeated(group),
                "request_bytes": _sum(row.request_wire for row in group),
                **latencies(group),
            }
        )
    return rows


def _repeated(group: Iterable[Exchange]) -> int:
    """Requests that are the same as one before: address and body."""
    seen: set[Any] = set()
    repeated = 0
    for row in group:
        if row.request_hash is None:
            continue  # nothing that could be done twice by mistake
        key = (row.host, row.target, row.request_hash)
        if key in seen:
            repeated += 1
        seen.add(key)
    return repeated


STATUS_COLUMNS = (
    *("status", "responses", "wire_bytes", "body_bytes", "first_frame"),
    *LATENCIES,
)


def status_rows(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """A row for each status code."""
    return [
        {
            "status": status,
            "responses": len(group),
            "wire_bytes": _sum(row.wire for row in group),
            "body_bytes": _sum(row.size for row in group),
            "first_frame": min(row.response_frame for row in group if row.response_frame is not None),
            **latencies(group),
        }
        for status, group in sorted(grouped(exchanges, lambda row: row.status).items())
    ]


def traffic(group: Sequence[Exchange]) -> dict[str, Any]:
    """What a host's exchanges carried and what compression saved or could have saved."""
    coded = [row for row in group if row.content_encoding and row.wire is not None and row.size is not None]
    plain = [row for row in group if compressible(row)]
    return {
        "requests": len(group),
        "complete": sum(row.end == COMPLETE for row in group),
        "client_errors": sum(400 <= (row.status or 0) < 500 for row in group),  # noqa: PLR2004
        "server_errors": sum((row.status or 0) >= 500 for row in group),  # noqa: PLR2004
        "hang_ups": sum(row.hangup in HANG_UPS for row in group),
        "gave_up": sum(row.hangup == CLIENT_GAVE_UP for row in group),
        "wire_bytes": _sum(row.wire for row in group),
        "body_bytes": _sum(row.size for row in group),
        "saved_bytes": sum((row.size or 0) - (row.wire or 0) for row in coded),
        "compressible": len(plain),
        "compressible_bytes": _sum(row.wire for row in plain),
    }
