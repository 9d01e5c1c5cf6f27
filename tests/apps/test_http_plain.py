"""What the kernel reads of plain messages is what llhttp reads of them, compiled and interpreted."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from apps.http_play import CLIENT, FIN, SERVER, chunked, get, ok, only, play
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.http import client, head_kernel, plain, server
from netanalyze.capture import open_capture
from netanalyze.pipeline import Engine, Options

if TYPE_CHECKING:
    from netanalyze.apps.http.application import Http

CAPTURES = sorted((Path(__file__).parent.parent.parent / "captures").glob("*http*.pcap*"))


def _interpreted() -> Any:  # noqa: ANN401 - a module
    path = Path(str(head_kernel.__file__)).parent / "head_kernel.py"
    spec = importlib.util.spec_from_file_location("interpreted_head", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INTERPRETED = _interpreted()


def without_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is plain: llhttp reads everything."""
    monkeypatch.setattr(client, "read_request", lambda *_: None)
    monkeypatch.setattr(server, "read_response", lambda *_: None)


def rows(app: Http) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in row.__struct_fields__} for row in app.exchanges]


# Pieces that heads are made of, plain and not.
_NAMES = st.sampled_from(
    [
        *(
            "Host",
            "host",
            "Content-Type",
            "X-Other",
            "Content-Encoding",
            "Connection",
            "Keep-Alive",
            "Location",
        ),
        *("Upgrade", "Expect", "Content-Length", "Transfer-Encoding", "Bad Name", "Bäd", "", "Cookie"),
        "A!#$%&'*+.^_`|~",
    ]
)
_VALUES = st.sampled_from(
    [
        *("a.example", "text/html; charset=x", "close", "keep-alive, Upgrade", "websocket", "100-continue"),
        *("5", "05", "chunked", "gzip, chunked", "gzip", "", " 5 ", "a\tb", "\x7f", "ä", "5, 5", "-1", "0"),
        "99999999999999999999",
    ]
)
_BREAKS = st.sampled_from(["\r\n"] * 9 + ["\n", "\r\n ", "\r"])
_FIELDS = st.lists(
    st.tuples(_NAMES, st.sampled_from([":", ": ", ":\t ", " :"]), _VALUES, _BREAKS).map("".join), max_size=4
).map("".join)
_ENDS = st.sampled_from(["\r\n"] * 6 + ["\n", ""])
_TARGETS = st.sampled_from(["/", "/a?b=c&d=%20", "*", "http://a/x", "/a#b", "/ä", "/a b", "/{x}", "a:1", ""])
_METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "CONNECT", "BREW", "get", "M-SEARCH", "OPTIONS"])
_VERSIONS = st.sampled_from(["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1"])
_STATUSES = st.sampled_from(
    ["200 OK"] * 5 + ["204 x", "304 Not", "100 x", "101 x", "404", "500 ", "99 x", "600 ä", "2000 x"]
)
_REQUEST = st.tuples(_METHODS, st.just(" "), _TARGETS, st.just(" "), _VERSIONS, _BREAKS, _FIELDS, _ENDS).map(
    "".join
)
_RESPONSE = st.tuples(_VERSIONS, st.just(" "), _STATUSES, _BREAKS, _FIELDS, _ENDS).map("".join)
_BODY = st.sampled_from(
    [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n00\r\nTrailer: x\r\n\r\n"]
) | st.lists(
    st.sampled_from(
        [b"5\r\nhello\r\n", b"A;e=1\r\n0123456789\r\n", b"0\r\n\r\n", b"\r\n", b"5\nhello\n", b"xyz"]
    ),
    max_size=4,
).map(b"".join)


def _latin(text: str) -> bytes:
    return text.encode("latin-1")


_MESSAGES_OF_CLIENT = st.lists(st.tuples(_REQUEST.map(_latin), _BODY).map(b"".join), min_size=1, max_size=3)
_MESSAGES_OF_SERVER = st.lists(st.tuples(_RESPONSE.map(_latin), _BODY).map(b"".join), min_size=1, max_size=3)


@settings(deadline=None, max_examples=600)
@given(_MESSAGES_OF_CLIENT, _MESSAGES_OF_SERVER, st.integers(0, 400), st.sampled_from([0, 1]))
def test_llhttp_agrees(client_says: list[bytes], server_says: list[bytes], cut: int, together: int) -> None:
    requests, responses = (([b"".join(said)] if together else said) for said in (client_says, server_says))
    first = responses[0]
    events = [(CLIENT, said) for said in requests]
    events += [
        (SERVER, part) for part in (first[: cut % (len(first) + 1)], first[cut % (len(first) + 1) :]) if part
    ]
    events += [(SERVER, said) for said in responses[1:]] + [(SERVER, FIN)]
    found = rows(play(events))
    with pytest.MonkeyPatch.context() as patch:
        without_kernel(patch)
        assert rows(play(events)) == found


@settings(deadline=None, max_examples=500)
@given((_REQUEST | _RESPONSE).map(_latin) | st.binary(max_size=60), st.integers(0, 3))
def test_compiled_and_interpreted_agree(head: bytes, place: int) -> None:
    for name in ("read_request", "read_response"):
        answers = []
        for kernel in (head_kernel, INTERPRETED):
            fields: list[tuple[bytes, bytes]] = []
            known: dict[bytes, str] = {}
            learn = partial(lambda names, text: names.setdefault(text, text.lower().decode("latin-1")), known)
            answers.append((getattr(kernel, name)(head, place, known, learn, fields), fields))
        assert answers[0] == answers[1]


@settings(deadline=None, max_examples=500)
@given(_BODY | st.binary(max_size=40), st.integers(0, 3))
def test_chunks_compiled_and_interpreted_agree(body: bytes, place: int) -> None:
    assert head_kernel.read_chunks(body, place) == INTERPRETED.read_chunks(body, place)
    assert head_kernel.chunk_at(body, place) == INTERPRETED.chunk_at(body, place)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_captures_read_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> list[dict[str, Any]]:
        options = Options(tables=("http", "http_headers", "websocket"))
        with open_capture([str(path)]) as capture:
            engine = Engine(options)
            for batch in capture:
                engine.feed(batch)
            report = engine.finish(capture)
        return [row for name in ("http", "http_headers", "websocket") for row in report[name].to_dicts()]

    found = read()
    without_kernel(monkeypatch)
    assert read() == found


def test_plain_messages_need_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above would compare llhttp with itself."""
    monkeypatch.setattr(plain, "make_parser", lambda *_: pytest.fail("llhttp was asked"))
    app = play(
        [(CLIENT, get("/a")), (SERVER, ok(b"x" * 9)), (CLIENT, get("/b")), (SERVER, chunked(b"abc", b"de"))]
    )
    assert [(row.status, row.wire, row.end) for row in app.exchanges] == [
        (200, 9, "complete"),
        (200, 5, "complete"),
    ]


def test_a_body_goes_on_over_a_gap() -> None:
    response = ok(b"x" * 100)
    row = only(play([(CLIENT, get("/a")), (SERVER, response[:-60]), (SERVER, 20), (SERVER, response[-40:])]))
    assert (row.wire, row.missing, row.end, row.hash) == (80, 20, "complete", None)


def test_a_chunk_goes_on_over_a_gap() -> None:
    response = chunked(b"x" * 100, b"yz")
    place = response.index(b"x" * 60)
    events = [
        (CLIENT, get("/a")),
        (SERVER, response[: place + 30]),
        (SERVER, 70),
        (SERVER, response[place + 100 :]),
    ]
    row = only(play(events))
    assert (row.wire, row.missing, row.end) == (32, 70, "complete")
