"""Header fields that exchanges are made of, found by their names as sent."""

from __future__ import annotations

INTERESTING = frozenset(
    {
        "host",
        "content-type",
        "content-encoding",
        "content-length",
        "transfer-encoding",
        "connection",
        "proxy-connection",
        "keep-alive",
        "expect",
        "upgrade",
        "user-agent",
        "location",
        "authorization",
        "cookie",
        "set-cookie",
        "origin",
        "sec-websocket-extensions",
        "access-control-request-method",
        "access-control-request-headers",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-max-age",
        "sec-fetch-mode",
        "sec-fetch-site",
    }
)
"""Lower-case names; the others are looked at only for the table of all fields."""

JOINED_BY = {"set-cookie": b"\n", "cookie": b"; "}
"""What stands between the values of fields that come twice: a comma, but for these."""

_LONG_NAME = 64  # not remembered
_MOST_NAMES = 4096

KNOWN: dict[bytes, str] = {name.encode(): name for name in INTERESTING}
"""Names in each spelling seen, empty for those that do not matter. Senders know few spellings."""


def learn(name: bytes) -> str:
    """What ``KNOWN`` should have for a name."""
    lower = name.rstrip().lower().decode("latin-1")
    key = lower if lower in INTERESTING else ""
    if len(KNOWN) < _MOST_NAMES and len(name) < _LONG_NAME:
        KNOWN[name] = key
    return key
