"""Cookies: what servers set, with which attributes, and what clients sent back (RFC 6265, 6265bis)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from netanalyze.apps.http.texts import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.apps.http.exchange import Exchange

_MOST_VALUES = 4096
_MOST_STREAMS = 4096

COLUMNS = (
    *(
        "host",
        "name",
        "set",
        "values",
        "first_set_frame",
        "domain",
        "path",
        "secure",
        "http_only",
        "same_site",
    ),
    *("max_age_s", "expires_ns", "session", "deleted", "sent", "first_sent_frame", "connections", "problems"),
)


class Cookie(Struct):
    """One cookie of one host; the attributes are those it was last set with."""

    host: str | None
    name: str
    times_set: int = 0
    first_set_frame: int | None = None
    domain: str | None = None
    path: str | None = None
    secure: bool | None = None
    http_only: bool | None = None
    same_site: str | None = None
    max_age_s: int | None = None
    expires_ns: int | None = None
    deleted: int = 0
    sent: int = 0
    first_sent_frame: int | None = None
    values: set[bytes] = field(default_factory=set)
    streams: set[int] = field(default_factory=set)


def rows(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """A row for each cookie of each host."""
    found: dict[tuple[str | None, str], Cookie] = {}
    for exchange in exchanges:
        if exchange.asked and "cookie" in exchange.asked:
            _sent(found, exchange, exchange.asked["cookie"])
        if exchange.told and "set-cookie" in exchange.told:
            for line in exchange.told["set-cookie"].split(b"\n"):
                _set(found, exchange, line)
    return [
        _row(cookie) for _, cookie in sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1]))
    ]


def _cookie(found: dict[tuple[str | None, str], Cookie], host: str | None, name: bytes) -> Cookie:
    host = host.rsplit(":", 1)[0] if host and host.rsplit(":", 1)[-1].isdigit() else host
    key = host, decode(name[:256])
    cookie = found.get(key)
    if cookie is None:
        cookie = found[key] = Cookie(*key)
    return cookie


def _sent(found: dict[tuple[str | None, str], Cookie], exchange: Exchange, value: bytes) -> None:
    """RFC 6265 section 4.2.1: pairs with semicolons between them."""
    for part in value.split(b";"):
        name, equals, content = part.strip().partition(b"=")
        if not equals:
            continue
        cookie = _cookie(found, exchange.host, name.strip())
        cookie.sent += 1
        if cookie.first_sent_frame is None:
            cookie.first_sent_frame = exchange.frame
        _note(cookie, exchange, content.strip())


def _note(cookie: Cookie, exchange: Exchange, content: bytes) -> None:
    if len(cookie.values) < _MOST_VALUES:
        cookie.values.add(content[:256].strip(b'"'))
    if len(cookie.streams) < _MOST_STREAMS:
        cookie.streams.add(exchange.stream)


def _set(found: dict[tuple[str | None, str], Cookie], exchange: Exchange, line: bytes) -> None:
    """RFC 6265 section 5.2: a pair, then attributes."""
    pair, *attributes = line.split(b";")
    name, equals, content = pair.strip().partition(b"=")
    if not equals or not name.strip():
        return
    cookie = _cookie(found, exchange.host, name.strip())
    cookie.times_set += 1
    if cookie.first_set_frame is None:
        cookie.first_set_frame = exchange.response_frame
    cookie.domain = cookie.path = cookie.same_site = cookie.max_age_s = cookie.expires_ns = None
    cookie.secure = cookie.http_only = False
    for attribute in attributes:
        _attribute(cookie, attribute)
    if _gone(cookie, exchange.response_ns):
        cookie.deleted += 1
    else:
        _note(cookie, exchange, content.strip())


def _attribute(cookie: Cookie, attribute: bytes) -> None:
    name, _, content = (part.strip() for part in attribute.partition(b"="))
    key = name.lower()
    text = decode(content[:256])
    if key == b"secure":
        cookie.secure = True
    elif key == b"httponly":
        cookie.http_only = True
    elif key == b"samesite":
        cookie.same_site = text.capitalize() or None
    elif key == b"domain":
        cookie.domain = text.lstrip(".").lower() or None
    elif key == b"path":
        cookie.path = text or None
    elif key == b"max-age":
        digits = text.removeprefix("-")
        if digits.isdecimal() and len(digits) < 16:  # noqa: PLR2004 - seconds that fit into 64 bits as ns
            cookie.max_age_s = int(text)
    elif key == b"expires":
        cookie.expires_ns = _time(text)


def _time(text: str) -> int | None:
    """A date as cookies have it: that of RFC 9110 section 5.6.7, or with hyphens between its parts."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow to import, rarely needed

    try:
        parsed = parsedate_to_datetime(text.replace("-", " "))
        return int(parsed.timestamp()) * 1_000_000_000
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _gone(cookie: Cookie, now_ns: int | None) -> bool:
    """Whether the server has the cookie deleted: Max-Age goes before Expires."""
    if cookie.max_age_s is not None:
        return cookie.max_age_s <= 0
    return cookie.expires_ns is not None and now_ns is not None and cookie.expires_ns <= now_ns


def _row(cookie: Cookie) -> dict[str, Any]:
    was_set = cookie.times_set > 0
    return {
        "host": cookie.host,
        "name": cookie.name,
        "set": cookie.times_set,
        "values": len(cookie.values),
        "first_set_frame": cookie.first_set_frame,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "http_only": cookie.http_only,
        "same_site": cookie.same_site,
        "max_age_s": cookie.max_age_s,
        "expires_ns": cookie.expires_ns,
        "session": (cookie.max_age_s is None and cookie.expires_ns is None) if was_set else None,
        "deleted": cookie.deleted,
        "sent": cookie.sent,
        "first_sent_frame": cookie.first_sent_frame,
        "connections": len(cookie.streams),
        "problems": _problems(cookie) if was_set else None,
    }


def _problems(cookie: Cookie) -> str | None:
    """What browsers refuse, and what leaves the cookie open to theft (RFC 6265bis section 5.6 and 4.1.3)."""
    found = []
    if cookie.same_site == "None" and not cookie.secure:
        found.append("SameSite=None without Secure: browsers refuse it")
    if cookie.name.startswith("__Secure-") and not cookie.secure:
        found.append("__Secure- without Secure: browsers refuse it")
    if cookie.name.startswith("__Host-") and (not cookie.secure or cookie.domain or cookie.path != "/"):
        found.append("__Host- needs Secure, Path=/ and no Domain: browsers refuse it")
    if cookie.secure and not found:
        found.append("Secure, but set over HTTP without TLS: browsers refuse it")
    if not cookie.secure:
        found.append("no Secure")
    if not cookie.http_only:
        found.append("no HttpOnly")
    if cookie.same_site is None:
        found.append("no SameSite")
    return "; ".join(found) or None
