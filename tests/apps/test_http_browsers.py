"""Cookies, cross-origin requests and WebSockets."""

from __future__ import annotations

from typing import Any

import pytest
from apps.http_play import CLIENT, MS, SERVER, get, ok, play

from netanalyze.apps.http import cookies, cors
from netanalyze.apps.http.application import Http

ORIGIN = "Origin: http://page.example"


def test_cookie_attributes_and_what_comes_back() -> None:
    set_one = "Set-Cookie: sid=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600"
    set_two = "Set-Cookie: lang=de; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Domain=.a.example"
    app = Http()
    play([(CLIENT, get("/"), 1), (SERVER, ok(b"", set_one, set_two), 2)], app=app)
    play([(CLIENT, get("/", "Cookie: sid=abc; lang=de"), 3), (SERVER, ok(b""), 4)], app=app, stream=1)
    lang, sid = cookies.rows(app.exchanges)
    assert (sid["name"], sid["path"], sid["secure"], sid["http_only"], sid["same_site"]) == (
        "sid",
        "/",
        True,
        True,
        "Strict",
    )
    assert (sid["max_age_s"], sid["session"], sid["set"], sid["sent"], sid["connections"], sid["values"]) == (
        3600,
        False,
        1,
        1,
        2,
        1,
    )
    assert (lang["domain"], lang["expires_ns"], lang["secure"]) == ("a.example", 2139722880 * 10**9, False)
    assert lang["problems"] == "no Secure; no HttpOnly; no SameSite"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a=1; SameSite=None", "SameSite=None without Secure"),
        ("__Host-a=1; Secure; Path=/; Domain=a.example", "__Host- needs"),
        ("__Secure-a=1", "__Secure- without Secure"),
    ],
)
def test_cookies_that_browsers_refuse(line: str, problem: str) -> None:
    (row,) = cookies.rows(play([(CLIENT, get("/")), (SERVER, ok(b"", f"Set-Cookie: {line}"))]).exchanges)
    assert problem in row["problems"]


def test_deleted_and_odd_cookies() -> None:
    lines = (
        "a=; Max-Age=0",
        "a=; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "=x",
        "no pair",
        "b=1; Expires=soon; Max-Age=x",
    )
    app = play(
        [
            (CLIENT, get("/", "Cookie: ; =; x", "Cookie: a=1")),
            (SERVER, ok(b"", *(f"Set-Cookie: {line}" for line in lines))),
        ]
    )
    found = {row["name"]: row for row in cookies.rows(app.exchanges)}
    assert (found["a"]["deleted"], found["a"]["sent"], found["b"]["session"]) == (2, 1, True)


def check(
    *fields: str, request: tuple[str, ...] = (), status: str = "200 OK", method: str = "GET"
) -> tuple[Any, Any]:
    app = play(
        [(CLIENT, get("/x", ORIGIN, *request, method=method)), (SERVER, ok(b"", *fields, status=status))]
    )
    (row,) = cors.rows(app.exchanges)
    return row["allowed"], row["reason"]


STAR = "Access-Control-Allow-Origin: *"
MINE = "Access-Control-Allow-Origin: http://page.example"
CREDENTIALS = "Access-Control-Allow-Credentials: true"
COOKIE = ("Cookie: a=1",)


@pytest.mark.parametrize(
    ("fields", "request_fields", "allowed"),
    [
        ((), (), False),
        ((STAR,), (), True),
        ((MINE,), (), True),
        ((STAR,), COOKIE, False),
        ((STAR, CREDENTIALS), COOKIE, False),
        ((MINE,), COOKIE, False),
        ((MINE, CREDENTIALS), COOKIE, True),
        ((MINE, "Access-Control-Allow-Credentials: True"), COOKIE, False),
        (("Access-Control-Allow-Origin: http://page.example/",), (), False),
        ((MINE, STAR), (), False),
        (("Access-Control-Allow-Origin: null",), (), False),
    ],
)
def test_the_check_of_the_fetch_standard(
    fields: tuple[str, ...], request_fields: tuple[str, ...], *, allowed: bool
) -> None:
    found, reason = check(*fields, request=request_fields)
    assert found is allowed
    assert (reason is None) is allowed


def preflight(
    *fields: str, method: str = "PUT", asked: str = "", status: str = "204 No Content"
) -> tuple[Any, Any]:
    request = (
        f"Access-Control-Request-Method: {method}",
        *((f"Access-Control-Request-Headers: {asked}",) if asked else ()),
    )
    return check(*fields, request=request, status=status, method="OPTIONS")


def test_preflights() -> None:
    assert preflight(STAR, "Access-Control-Allow-Methods: GET, PUT") == (True, None)
    assert preflight(STAR, "Access-Control-Allow-Methods: *") == (True, None)
    assert preflight(STAR, method="POST") == (True, None)
    assert preflight(STAR)[0] is False
    assert preflight(STAR, "Access-Control-Allow-Methods: put")[0] is False
    assert preflight(STAR, "Access-Control-Allow-Methods: PUT", status="404 Not Found")[0] is False
    allow = (STAR, "Access-Control-Allow-Methods: PUT")
    assert preflight(*allow, asked="x-a, content-type")[0] is False
    assert preflight(*allow, "Access-Control-Allow-Headers: X-A, Content-Type", asked="x-a,content-type") == (
        True,
        None,
    )
    assert preflight(*allow, "Access-Control-Allow-Headers: *", asked="x-a") == (True, None)
    assert preflight(*allow, "Access-Control-Allow-Headers: *", asked="authorization")[0] is False


def test_preflights_that_could_have_been_saved() -> None:
    ask = get("/x", ORIGIN, "Access-Control-Request-Method: PUT", method="OPTIONS")
    answer = ok(b"", STAR, "Access-Control-Allow-Methods: PUT", "Access-Control-Max-Age: 10")
    times = [0, 5000, 20000, 10_000_000]
    events = [event for at in times for event in ((CLIENT, ask, at), (SERVER, answer, at + 30))]
    found = cors.rows(play(events, last_ms=20_000_000).exchanges)
    # Within 10 s the browser should have used what it had; after 10 s a longer time would have helped; after
    # 7200 s none would.
    assert [row["avoidable"] for row in found] == [False, False, True, False]
    assert [row["cost_ns"] for row in found] == [30 * MS] * 4
    assert [row["max_age_s"] for row in found] == [10] * 4


def test_same_origin_is_left_out() -> None:
    app = play([(CLIENT, get("/x", "Origin: http://a.example", method="POST")), (SERVER, ok(b""))])
    assert cors.rows(app.exchanges) == []


HELLO = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"


def masked(first: int, payload: bytes, key: bytes = b"\x11\x22\x33\x44") -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([first]) + length + key + bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))


def frames(app: Http) -> list[tuple[Any, ...]]:
    return [
        (row.sender, row.opcode, row.message, row.fin, row.bytes, row.close_code, row.anomaly)
        for row in app.frames
    ]


def test_websocket_frames() -> None:
    client = (
        masked(0x01, b"part ")
        + masked(0x89, b"ping")
        + masked(0x80, b"x" * 300)
        + masked(0x88, b"\x03\xe8bye")
    )
    server = b"\x82\x7e\x01\x00" + bytes(256) + b"\x8a\x04ping" + b"\x88\x02\x03\xe9"
    expected_client = [
        ("client", "text", "text", False, 5, None, None),
        ("client", "ping", None, True, 4, None, None),
        ("client", "continuation", "text", True, 300, None, None),
        ("client", "close", None, True, 5, 1000, None),
    ]
    expected_server = [
        ("server", "binary", "binary", True, 256, None, None),
        ("server", "pong", None, True, 4, None, None),
        ("server", "close", None, True, 2, 1001, None),
    ]
    for cut in (1, 3, 1000):
        pieces = [(CLIENT, client[place : place + cut]) for place in range(0, len(client), cut)]
        app = play([(CLIENT, HELLO), (SERVER, SWITCH + server), *pieces])
        assert frames(app) == [*expected_server, *expected_client]
        assert app.exchanges[0].status == 101
        assert app.exchanges[0].upgrade == "websocket"
    # Frames that the client sends before the server's answer is seen.
    app = play([(CLIENT, HELLO + client), (SERVER, SWITCH)])
    assert frames(app) == expected_client


def test_websocket_anomalies_and_gaps() -> None:
    app = play(
        [(CLIENT, HELLO), (SERVER, SWITCH), (CLIENT, b"\x81\x02hi"), (SERVER, b"\x80\x01x\x89\x7e\x01\x00")]
    )
    assert [row.anomaly for row in app.frames] == [
        "not masked",
        "continuation of nothing",
        "control frame too long or fragmented",
    ]
    app = play(
        [
            (CLIENT, HELLO),
            (SERVER, SWITCH + b"\x82\x0aabc"),
            (SERVER, 4),
            (SERVER, b"xyz\x81\x01k"),
            (SERVER, 100),
            (SERVER, b"\x81\x01k"),
        ]
    )
    assert [(row.bytes, row.seen) for row in app.frames] == [(10, 6), (1, 1)]
