"""Cross-origin requests: what was asked and allowed, and whether the page could read the response.

The rules are those of the Fetch standard: section 4.10 (CORS check), 4.8 (CORS-preflight fetch), 4.9
(CORS-preflight cache). Whether a request was made with credentials is told by its Cookie or Authorization
field (unless a preflight asked for that field: then the page's script set it). A preflight never has any, so
what it is for is judged as without, unless the request that follows it has some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.apps.http.texts import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netanalyze.apps.http.exchange import Exchange

DEFAULT_MAX_AGE_S = 5
"""How long a preflight's answer may be used again where it does not say (section 4.8)."""

LONGEST_MAX_AGE_S = 7200
"""What Chromium makes of anything longer; Firefox goes up to a day."""

SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})
_OK, _NOT_OK = 200, 300
_SECOND_NS = 1_000_000_000

COLUMNS = (
    *("stream", "frame", "response_frame", "time_ns", "method", "host", "target", "origin", "preflight"),
    *("asked_method", "asked_headers", "credentials", "status", "allow_origin", "allow_credentials"),
    *(
        "allow_methods",
        "allow_headers",
        "max_age_s",
        "allowed",
        "reason",
        "cost_ns",
        "avoidable",
        "since_last_ns",
    ),
)


def rows(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """A row for each request that a browser made for a page of another origin."""
    crossing = [row for row in exchanges if row.asked and "origin" in row.asked and not _same_origin(row)]
    made = []
    answered: dict[Any, tuple[int, int]] = {}
    by_script = {_resource(row) for row in crossing if _is_preflight(row) and _asks_for_authorization(row)}
    credentialed = {
        _resource(row) for row in crossing if not _is_preflight(row) and _credentials(row, by_script)
    }
    for row in crossing:
        preflight = _is_preflight(row)
        with_credentials = _resource(row) in credentialed if preflight else _credentials(row, by_script)
        allowed, reason = _preflight(row, with_credentials) if preflight else _check(row, with_credentials)
        values = _values(row)
        avoidable, since = None, None
        if preflight and row.time_ns is not None:
            avoidable, since = _avoidable(row, answered)
            if allowed:
                answered[_asked_for(row)] = row.time_ns, _max_age(values.get("max-age"))
        made.append(
            {
                "stream": row.stream,
                "frame": row.frame,
                "response_frame": row.response_frame,
                "time_ns": row.time_ns,
                "method": row.method,
                "host": row.host,
                "target": row.target,
                "origin": _text(row.asked, "origin"),
                "preflight": preflight,
                "asked_method": _text(row.asked, "access-control-request-method"),
                "asked_headers": _text(row.asked, "access-control-request-headers"),
                "credentials": with_credentials,
                "status": row.status,
                "allow_origin": values.get("allow-origin"),
                "allow_credentials": values.get("allow-credentials"),
                "allow_methods": values.get("allow-methods"),
                "allow_headers": values.get("allow-headers"),
                "max_age_s": _number(values.get("max-age")),
                "allowed": allowed,
                "reason": reason,
                "cost_ns": row.duration_ns if preflight else None,
                "avoidable": avoidable,
                "since_last_ns": since,
            }
        )
    return made


def _text(fields: dict[str, bytes] | None, name: str) -> str | None:
    value = fields.get(name) if fields else None
    return None if value is None else decode(value)


def _values(row: Exchange) -> dict[str, str]:
    prefix = "access-control-"
    told = row.told or {}
    return {name[len(prefix) :]: decode(value) for name, value in told.items() if name.startswith(prefix)}


def _same_origin(row: Exchange) -> bool:
    """Whether the page is of the host that is asked, as far as HTTP without TLS tells."""
    origin = _text(row.asked, "origin") or ""
    return row.host is not None and origin.lower() == f"http://{row.host.lower().removesuffix(':80')}"


def _is_preflight(row: Exchange) -> bool:
    return row.method == "OPTIONS" and "access-control-request-method" in (row.asked or {})


def _asks_for_authorization(row: Exchange) -> bool:
    names = _listed(_text(row.asked, "access-control-request-headers"))
    return "authorization" in (name.lower() for name in names)


def _credentials(row: Exchange, by_script: set[Any]) -> bool:
    """Whether the browser added credentials; Authorization that a script set is a field like others."""
    asked = row.asked or {}
    return "cookie" in asked or ("authorization" in asked and _resource(row) not in by_script)


def _resource(row: Exchange) -> Any:  # noqa: ANN401 - a key
    return row.host, row.target, (row.asked or {}).get("origin")


def _asked_for(row: Exchange) -> Any:  # noqa: ANN401 - a key
    asked = row.asked or {}
    names = asked.get("access-control-request-headers", b"").lower()
    return (*_resource(row), row.user_agent, asked.get("access-control-request-method"), names)


def _avoidable(row: Exchange, answered: dict[Any, tuple[int, int]]) -> tuple[bool, int | None]:
    """Whether a longer Access-Control-Max-Age before would have saved this preflight, and its time since."""
    before = answered.get(_asked_for(row))
    if before is None or row.time_ns is None:
        return False, None
    since = row.time_ns - before[0]
    return before[1] * _SECOND_NS < since <= LONGEST_MAX_AGE_S * _SECOND_NS, since


def _number(text: str | None) -> int | None:
    """Seconds; None if it is no number of them."""
    if text is None or not text.strip().removeprefix("-").isdecimal() or len(text) > 15:  # noqa: PLR2004
        return None
    return int(text)


def _max_age(text: str | None) -> int:
    number = _number(text)
    return DEFAULT_MAX_AGE_S if number is None else min(max(number, 0), LONGEST_MAX_AGE_S)


def _check(  # noqa: PLR0911 - a way out for each rule
    row: Exchange,
    with_credentials: bool,  # noqa: FBT001
) -> tuple[bool | None, str | None]:
    """The CORS check: whether the page may read the response, and why not; None if there is none."""
    if row.status is None:
        return None, None
    values = _values(row)
    allowed = values.get("allow-origin")
    origin = _text(row.asked, "origin")
    if allowed is None:
        return False, "no Access-Control-Allow-Origin"
    if allowed == "*" and not with_credentials:
        return True, None
    if allowed == "*":
        return False, "Access-Control-Allow-Origin is *, which does not hold with credentials"
    if allowed != origin:
        several = "," in allowed
        return (
            False,
            f"Access-Control-Allow-Origin {'has several values' if several else 'is another origin'}",
        )
    if with_credentials and values.get("allow-credentials") != "true":
        return False, "no Access-Control-Allow-Credentials: true"
    return True, None


def _preflight(row: Exchange, with_credentials: bool) -> tuple[bool | None, str | None]:  # noqa: FBT001
    """Whether a preflight allows the request it is for."""
    allowed, reason = _check(row, with_credentials)
    if not allowed:
        return allowed, reason
    if not _OK <= (row.status or 0) < _NOT_OK:
        return False, f"the preflight's status is {row.status}, not 200 to 299"
    values = _values(row)
    method = _text(row.asked, "access-control-request-method") or ""
    methods = _listed(values.get("allow-methods"))
    star = "*" in methods and not with_credentials
    if method not in methods and method not in SAFE_METHODS and not star:
        return False, f"method {method} is not in Access-Control-Allow-Methods"
    names = {name.lower() for name in _listed(values.get("allow-headers"))}
    star = "*" in names and not with_credentials
    for name in _listed(_text(row.asked, "access-control-request-headers")):
        lower = name.lower()
        if lower not in names and not (star and lower != "authorization"):
            return False, f"header {name} is not in Access-Control-Allow-Headers"
    return True, None


def _listed(text: str | None) -> Sequence[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
