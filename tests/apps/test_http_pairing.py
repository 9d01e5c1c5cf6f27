"""Which response answers which request: in order, with interim responses, after gaps."""

from __future__ import annotations

import pytest
from apps.http_play import CLIENT, FIN, SERVER, chunked, get, ok, only, pairs, play

from netanalyze.apps.http.application import Http
from netanalyze.apps.reading import StreamFacts

DONE = "complete"


def test_one_exchange() -> None:
    row = only(play([(CLIENT, get("/a"), 10), (SERVER, ok(b"hello")[:-2], 30), (SERVER, b"lo", 35)]))
    assert (row.method, row.target, row.host, row.version, row.status) == (
        "GET",
        "/a",
        "a.example",
        "1.1",
        200,
    )
    assert (row.frame, row.request_last_frame, row.response_frame, row.last_frame) == (1, 1, 2, 3)
    assert (row.ttfb_ns, row.duration_ns, row.wire, row.size) == (20_000_000, 25_000_000, 5, 5)


def test_pipelined_requests_are_answered_in_order() -> None:
    app = play(
        [(CLIENT, get("/1") + get("/2") + get("/3")), (SERVER, ok(b"1") + chunked(b"2")), (SERVER, ok(b"3"))]
    )
    assert pairs(app) == [("/1", 200, DONE, None), ("/2", 200, DONE, None), ("/3", 200, DONE, None)]
    assert [row.number for row in app.exchanges] == [1, 2, 3]
    (use,) = app.uses
    assert use.pipelined == 2


def test_responses_without_a_body_whatever_their_heads_say() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    for head in (long, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        app = play([(CLIENT, get("/h", method="HEAD") + get("/b")), (SERVER, head + ok(b"b"))])
        assert pairs(app) == [("/h", 200, DONE, None), ("/b", 200, DONE, None)]
        assert [row.wire for row in app.exchanges] == [None, 1]
    for status in (204, 304):
        head = b"HTTP/1.1 %d X\r\nContent-Length: 500\r\n\r\n" % status
        app = play([(CLIENT, get("/1")), (SERVER, head), (CLIENT, get("/2")), (SERVER, ok(b"2"))])
        assert pairs(app) == [("/1", status, DONE, None), ("/2", 200, DONE, None)]


def test_interim_responses_and_expect() -> None:
    post = b"POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    row = only(
        play(
            [
                (CLIENT, post),
                (SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"),
                (CLIENT, b"abc"),
                (SERVER, hints + ok(b"x")),
            ]
        )
    )
    assert (row.interim, row.expects, row.status, row.request_wire, row.response_frame) == (
        "100 103",
        True,
        200,
        3,
        4,
    )


def test_response_before_the_request_has_ended() -> None:
    post = b"POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"
    row = only(
        play([(CLIENT, post, 1), (SERVER, ok(b"no", status="413 Too Large"), 2), (CLIENT, b"defghij", 3)])
    )
    assert (row.status, row.end, row.request_wire) == (413, DONE, 10)
    assert row.ttfb_ns == 1_000_000


def test_request_cut_by_the_end_of_the_capture() -> None:
    for cut in (b"POST /p HTTP/1.1\r\nHost: a.exam", b"POST /p HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"):
        app = play([(CLIENT, cut)])
        row = only(app)
        assert (row.method, row.target, row.request_last_frame, row.status) == ("POST", "/p", None, None)


def test_body_until_the_connection_closes() -> None:
    row = only(
        play(
            [(CLIENT, get("/")), (SERVER, b"HTTP/1.0 200 OK\r\n\r\nall of"), (SERVER, b" it"), (SERVER, FIN)]
        )
    )
    assert (row.end, row.wire, row.last_frame) == (DONE, 9, 4)


def test_messages_go_on_after_one_that_says_close() -> None:
    app = play(
        [
            (CLIENT, get("/1", "Connection: close") + get("/2")),
            (SERVER, ok(b"1", "Connection: close") + ok(b"2")),
        ]
    )
    assert [row.status for row in app.exchanges] == [200, 200]


def test_connect_and_what_follows() -> None:
    connect = b"CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n"
    app = play(
        [
            (CLIENT, connect),
            (SERVER, b"HTTP/1.1 200 Fine\r\n\r\n"),
            (CLIENT, get("/inside")),
            (SERVER, ok(b"x")),
        ]
    )
    assert pairs(app) == [("h.example:443", 200, DONE, None), ("/inside", 200, DONE, None)]
    assert [row.through for row in app.exchanges] == [None, "CONNECT h.example:443"]
    refused = ok(b"who?", status="407 Proxy Authentication Required")
    app = play([(CLIENT, connect + get("/next")), (SERVER, refused + ok(b"x"))])
    assert pairs(app) == [("h.example:443", 407, DONE, None), ("/next", 200, DONE, None)]


@pytest.mark.parametrize(
    "body", [b"", b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_upgrade_that_the_server_does_not_follow(body: bytes) -> None:
    ask = b"POST /u HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n" + (body or b"\r\n")
    app = play([(CLIENT, ask), (SERVER, ok(b"1")), (CLIENT, get("/next")), (SERVER, ok(b"2"))])
    assert pairs(app) == [("/u", 200, DONE, None), ("/next", 200, DONE, None)]
    assert app.exchanges[0].upgrade == "h2c"
    assert app.exchanges[0].request_wire == (3 if body else None)


def test_heads_that_have_to_be_mended() -> None:
    request = b"BREW /pot one?x=\xff HTTP/1.1\nHost: a.example\nno field\n"
    request += b"Content-Length: 2\nContent-Length: 2\n\nhi"
    app = play([(CLIENT, request + get("/next")), (SERVER, ok(b"1") + ok(b"2"))])
    first, second = app.exchanges
    assert (first.method, first.target, first.host, first.request_wire, first.mended) == (
        "BREW",
        "/pot one?x=ÿ",
        "a.example",
        2,
        True,
    )
    assert (second.method, second.target, second.mended) == ("GET", "/next", False)


def test_folded_fields() -> None:
    app = play([(CLIENT, b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Long: one,\r\n\ttwo\r\n\r\n")])
    fields = only(app).request_fields or []
    assert [value.replace(b"\t", b"").replace(b" ", b"") for name, value in fields if name == b"X-Long"] == [
        b"one,two"
    ]
    assert only(app).end == "unanswered"


def test_roles_are_found_in_the_bytes() -> None:
    app = Http()
    reader = app.open(StreamFacts(0, 1, (80, 40000), 1, 0, from_the_start=False))
    reader.data(0, memoryview(get("/")), 0, 1, 1)
    reader.data(1, memoryview(ok(b"x")), 0, 2, 2)
    reader.finish(9)
    assert pairs(app) == [("/", 200, DONE, None)]


def test_capture_that_begins_in_the_middle() -> None:
    app = play([(SERVER, b"rest of a body\r\n"), (CLIENT, get("/1")), (SERVER, ok(b"1"))])
    assert pairs(app) == [("/1", 200, DONE, None)]


def test_gap_inside_a_body() -> None:
    whole = ok(b"0123456789")
    app = play(
        [
            (CLIENT, get("/1")),
            (SERVER, whole[:-6]),
            (SERVER, 4),
            (SERVER, whole[-2:]),
            (CLIENT, get("/2")),
            (SERVER, ok(b"2")),
        ]
    )
    assert pairs(app) == [("/1", 200, DONE, None), ("/2", 200, DONE, None)]
    assert (app.exchanges[0].wire, app.exchanges[0].missing, app.exchanges[0].hash) == (6, 4, None)
    whole = chunked(b"0123456789", b"more")
    place = whole.index(b"3456")
    app = play(
        [
            (CLIENT, get("/1")),
            (SERVER, whole[:place]),
            (SERVER, 4),
            (SERVER, whole[place + 4 :]),
            (CLIENT, get("/2")),
            (SERVER, ok(b"2")),
        ]
    )
    assert pairs(app) == [("/1", 200, DONE, None), ("/2", 200, DONE, None)]
    assert (app.exchanges[0].wire, app.exchanges[0].missing) == (10, 4)


def test_gap_that_ends_exactly_with_the_body() -> None:
    whole = ok(b"0123456789")
    app = play(
        [(CLIENT, get("/1")), (SERVER, whole[:-4]), (SERVER, 4), (CLIENT, get("/2")), (SERVER, ok(b"2"))]
    )
    assert pairs(app) == [("/1", 200, DONE, None), ("/2", 200, DONE, None)]


def test_gap_that_hides_a_response() -> None:
    """Responses 1 and 2 are in the gap: request 1 must not get response 3."""
    app = play(
        [
            (CLIENT, get("/1"), 1),
            (CLIENT, get("/2"), 3),
            (CLIENT, get("/3"), 5),
            (SERVER, 400, 6),
            (SERVER, ok(b"3"), 6),
        ]
    )
    assert pairs(app) == [
        ("/1", None, "uncertain", "responses_lost"),
        ("/2", None, "uncertain", "responses_lost"),
        ("/3", 200, DONE, "responses_lost"),
    ]


def test_gap_that_hides_the_end_of_a_body_and_perhaps_more() -> None:
    whole = ok(b"0123456789")
    app = play(
        [
            (CLIENT, get("/1"), 1),
            (SERVER, whole[:-4], 2),
            (CLIENT, get("/2"), 4),
            (SERVER, 150, 5),
            (SERVER, ok(b"2"), 5),
        ]
    )
    # One request is left when the response begins: no other is possible.
    assert pairs(app) == [("/1", 200, "truncated", None), ("/2", 200, DONE, None)]
    assert app.exchanges[0].hangup == "not_captured"


def test_gap_that_hides_a_request() -> None:
    app = play(
        [
            (CLIENT, get("/1"), 1),
            (SERVER, ok(b"1"), 2),
            (CLIENT, 200, 4),
            (SERVER, ok(b"2"), 5),
            (CLIENT, get("/3"), 7),
            (SERVER, ok(b"3"), 8),
        ]
    )
    assert pairs(app)[0] == ("/1", 200, DONE, None)
    assert pairs(app)[1] == (None, 200, DONE, None)  # its request was not captured
    assert pairs(app)[2] == ("/3", 200, DONE, "requests_lost")


def test_pipelining_with_lost_responses_pairs_nothing_by_guess() -> None:
    first = get("/1") + get("/2")
    app = play(
        [
            (CLIENT, first, 1),
            (SERVER, ok(b"1") + ok(b"2"), 2),
            (CLIENT, get("/3") + get("/4"), 3),
            (SERVER, 60, 5),
            (SERVER, ok(b"?"), 5),
        ]
    )
    assert pairs(app)[:2] == [("/1", 200, DONE, None), ("/2", 200, DONE, None)]
    assert {row.end for row in app.exchanges if row.target in ("/3", "/4")} == {"uncertain"}
    assert (None, 200, DONE, "responses_lost") in pairs(app)


def test_damaged_chunks() -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n"
    app = play([(CLIENT, get("/1")), (SERVER, broken), (CLIENT, get("/2")), (SERVER, ok(b"2"))])
    assert pairs(app) == [("/1", 200, "truncated", None), ("/2", 200, DONE, None)]
    assert (app.exchanges[0].hangup, app.exchanges[0].size) == ("framing_damaged", 5)


def test_response_delivered_before_its_request() -> None:
    """A hole on the client's side is filled later than the response comes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    app = play(
        [
            (SERVER, head, 5),
            (CLIENT, get("/h", method="HEAD"), 4),
            (CLIENT, get("/2"), 6),
            (SERVER, ok(b"2"), 7),
        ]
    )
    assert pairs(app) == [("/h", 200, DONE, None), ("/2", 200, DONE, None)]


def test_response_to_nobody() -> None:
    app = play([(SERVER, ok(b"", status="408 Request Timeout"), 5), (CLIENT, get("/late"), 9)])
    assert [(row.target, row.status, row.end) for row in app.exchanges] == [
        (None, 408, DONE),
        ("/late", None, "unanswered"),
    ]


def test_what_was_read_before_is_read_alike() -> None:
    """Segments that come again are not given to llhttp; nothing but frames and times may differ."""
    post = b"POST /p HTTP/1.1\r\nHost: a.example\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    once = [
        (CLIENT, get("/1", "User-Agent: x", "Connection: close")),
        (SERVER, ok(b"body", "Content-Type: text/plain", "Keep-Alive: timeout=5", "Location: /2")),
        (CLIENT, post),
        (SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"),
        (SERVER, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        (CLIENT, get("/h", method="HEAD")),
        (SERVER, head),
        (CLIENT, get("/u", "Upgrade: h2c", "Connection: Upgrade")),
        (SERVER, ok(b"body", "Content-Type: text/plain", "Keep-Alive: timeout=5", "Location: /2")),
        (CLIENT, b"ODD /x y HTTP/1.1\r\n\r\n"),
        (SERVER, chunked(b"one", b"two")),
        (CLIENT, get("/7")),
        (SERVER, ok(b"body", "Content-Type: text/plain", "Keep-Alive: timeout=5", "Location: /2")),
    ]
    app = play(once * 3, app=Http(frozenset({"http"})))
    plain = Http(frozenset({"http"}))
    plain.requests.on = plain.responses.on = False
    expected = play(once * 3, app=plain)
    assert app.exchanges == expected.exchanges
    assert app.requests.found > 4
    assert app.responses.found > 4
