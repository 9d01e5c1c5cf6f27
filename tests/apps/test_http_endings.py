"""How exchanges are broken off: a case for each class, and what is estimated from many."""

from __future__ import annotations

from apps.http_play import CLIENT, FIN, MS, RESET, SERVER, get, ok, only, play

from netanalyze.apps.http.application import Http
from netanalyze.apps.http.connections import connection_rows, host_rows, idle_timeout
from netanalyze.apps.http.statistics import method_rows, nearest_rank, status_rows

FIRST = [(CLIENT, get("/1"), 10), (SERVER, ok(b"1"), 20)]
PART = ok(b"0123456789")[:-4]


def last(app: Http) -> tuple[str | None, str | None, int | None]:
    row = app.exchanges[-1]
    return row.end, row.hangup, None if row.hangup_ns is None else row.hangup_ns // MS


def test_sent_after_the_fin_had_been_received() -> None:
    events = [*FIRST, (SERVER, FIN, 5000), (CLIENT, get("/2"), 5030), (SERVER, RESET, 5031)]
    assert last(play(events, client_rtt_ns=20 * MS)) == ("unanswered", "after_fin", 30)


def test_crossing_the_fin() -> None:
    events = [*FIRST, (SERVER, FIN, 5000), (CLIENT, get("/2"), 5003), (SERVER, RESET, 5005)]
    assert last(play(events, client_rtt_ns=20 * MS)) == ("unanswered", "crossing_fin", 3)
    # Captured at the client: the FIN arrives after the request has left, too early to be an answer to it.
    events = [*FIRST, (CLIENT, get("/2"), 5000), (SERVER, FIN, 5003), (SERVER, RESET, 5040)]
    assert last(play(events, server_rtt_ns=20 * MS)) == ("unanswered", "crossing_fin", 3)


def test_round_trips_are_bounded_where_no_handshake_tells() -> None:
    # The client sent its first request 10 ms after the SYN: its round trip is not longer than that.
    events = [*FIRST, (SERVER, FIN, 5000), (CLIENT, get("/2"), 5011)]
    assert last(play(events))[1] == "after_fin"
    events = [*FIRST, (SERVER, FIN, 5000), (CLIENT, get("/2"), 5009)]
    assert last(play(events))[1] == "crossing_fin"


def test_on_a_reset_socket() -> None:
    assert last(play([*FIRST, (SERVER, RESET, 100), (CLIENT, get("/2"), 130)])) == (
        "unanswered",
        "after_reset",
        30,
    )


def test_crossing_a_reset() -> None:
    events = [*FIRST, (SERVER, RESET, 100), (CLIENT, get("/2"), 103)]
    assert last(play(events, client_rtt_ns=20 * MS)) == ("unanswered", "crossing_reset", 3)
    events = [*FIRST, (CLIENT, get("/2"), 100), (SERVER, RESET, 103)]
    assert last(play(events, server_rtt_ns=20 * MS)) == ("unanswered", "crossing_reset", 3)


def test_reset_instead_of_an_answer() -> None:
    assert last(play([*FIRST, (CLIENT, get("/2"), 30), (SERVER, RESET, 80)])) == (
        "unanswered",
        "reset_unanswered",
        50,
    )


def test_closed_without_an_answer() -> None:
    events = [*FIRST, (CLIENT, get("/2"), 30), (SERVER, FIN, 90)]
    assert last(play(events, server_rtt_ns=MS)) == ("unanswered", "closed_unanswered", 60)


def test_reset_in_the_middle_of_a_response() -> None:
    assert last(play([(CLIENT, get("/1"), 1), (SERVER, PART, 2), (SERVER, RESET, 50)])) == (
        "reset",
        "reset_mid_response",
        49,
    )


def test_shorter_than_promised() -> None:
    app = play([(CLIENT, get("/1"), 1), (SERVER, PART, 2), (SERVER, FIN, 50)])
    assert last(app) == ("truncated", "short_response", 49)
    assert (only(app).promised, only(app).wire) == (10, 6)
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    assert last(play([(CLIENT, get("/1"), 1), (SERVER, cut, 2), (SERVER, FIN, 50)]))[:2] == (
        "truncated",
        "short_response",
    )
    assert (
        last(play([(CLIENT, get("/1"), 1), (SERVER, b"HTTP/1.1 200 OK\r\nServ", 2), (SERVER, FIN, 50)]))[0]
        == "truncated"
    )


def test_client_gave_up() -> None:
    for ending in (FIN, RESET):
        assert last(play([(CLIENT, get("/1"), 10), (CLIENT, ending, 3010)])) == (
            "unanswered",
            "client_gave_up",
            3000,
        )
    events = [(CLIENT, get("/1"), 10), (SERVER, PART, 20), (CLIENT, RESET, 510), (SERVER, FIN, 600)]
    assert last(play(events)) == ("reset", "client_gave_up", 500)


def test_response_that_comes_when_the_client_has_gone() -> None:
    events = [(CLIENT, get("/1"), 10), (CLIENT, FIN, 400), (SERVER, ok(b"late"), 500), (CLIENT, RESET, 501)]
    assert last(play(events)) == ("complete", "client_gave_up", 390)
    # A client that only sends no more, and reads on, has not given up.
    assert last(play(events[:3])) == ("complete", None, None)


def test_nobody_broke_it_off() -> None:
    assert last(play([(CLIENT, get("/1"), 10)], last_ms=60)) == ("unanswered", "capture_ended", 50)
    assert last(play([(CLIENT, get("/1"), 10), (SERVER, PART, 20)], last_ms=60)) == (
        "truncated",
        "capture_ended",
        50,
    )


def test_a_complete_response_stays_complete() -> None:
    assert last(play([*FIRST, (SERVER, RESET, 30)])) == ("complete", None, None)


def test_body_until_close_broken_by_a_reset() -> None:
    assert last(
        play([(CLIENT, get("/1"), 1), (SERVER, b"HTTP/1.0 200 OK\r\n\r\nabc", 2), (SERVER, RESET, 9)])
    )[:2] == (
        "reset",
        "reset_mid_response",
    )


def many() -> Http:
    """Five connections whose server closes after 5 s without a request; one request is too late."""
    app = Http()
    for stream in range(5):
        play(
            [*FIRST, (CLIENT, get("/2"), 1020), (SERVER, ok(b"2"), 1030), (SERVER, FIN, 6030 + stream)],
            app=app,
            stream=stream,
        )
    late = [*FIRST, (SERVER, FIN, 5021), (CLIENT, get("/3"), 5121), (SERVER, RESET, 5122)]
    play(late, app=app, stream=5, client_rtt_ns=MS)
    return app


def test_idle_timeout_and_advice() -> None:
    app = many()
    timeout, closes = idle_timeout(app.uses)
    assert (timeout, closes) == (5001 * MS, 6)
    rows = connection_rows(app.uses)
    assert [row["close_reason"] for row in rows] == ["server_idle"] * 6
    assert [row["reused"] for row in rows] == [1] * 6
    assert rows[0]["idle_max_ns"] == 1000 * MS
    assert rows[0]["setup_ns"] == 10 * MS
    (host,) = host_rows(app.exchanges, app.uses)
    assert host["hang_ups"] == 1
    assert "1 request met a connection that the server had closed" in host["advice"]
    assert "5 s" in host["advice"]


def test_close_reasons() -> None:
    def reason(*events: tuple[object, ...]) -> tuple[object, object]:
        (row,) = connection_rows(play(events).uses)
        return row["closed_by"], row["close_reason"]

    assert reason(*FIRST, (CLIENT, FIN, 21)) == ("client", "client_done")
    assert reason(*FIRST, (CLIENT, FIN, 2100)) == ("client", "client_idle")
    assert reason(*FIRST, (SERVER, FIN, 21)) == ("server", "server_unannounced")
    assert reason((CLIENT, get("/"), 1), (SERVER, ok(b"", "Connection: close"), 2), (SERVER, FIN, 3)) == (
        "server",
        "announced",
    )
    assert reason(*FIRST, (CLIENT, RESET, 21)) == ("client", "client_reset")
    assert reason((CLIENT, get("/"), 1), (SERVER, PART, 2), (SERVER, FIN, 3)) == (
        "server",
        "server_unfinished",
    )
    assert reason(*FIRST) == (None, None)


def test_percentiles_are_values_that_occurred() -> None:
    assert [nearest_rank(range(1, 101), part) for part in (50, 95, 99)] == [50, 95, 99]
    assert [nearest_rank([7], part) for part in (50, 95, 99)] == [7, 7, 7]
    assert nearest_rank([], 50) is None


def test_methods_and_statuses() -> None:
    post = b"POST /pay HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc"
    app = play(
        [(CLIENT, post, 1), (SERVER, ok(b"1"), 3), (CLIENT, post, 5), (SERVER, ok(b"no", status="500 No"), 9)]
    )
    (row,) = method_rows(app.exchanges)
    assert (row["method"], row["requests"], row["idempotent"], row["repeated"], row["errors"]) == (
        "POST",
        2,
        False,
        1,
        1,
    )
    assert (row["ttfb_p50_ns"], row["ttfb_p99_ns"]) == (2 * MS, 4 * MS)
    assert [(row["status"], row["responses"]) for row in status_rows(app.exchanges)] == [(200, 1), (500, 1)]
