"""However the bytes are cut into segments, the exchanges are the same; and nothing raises."""

from __future__ import annotations

import gzip
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.http.application import Http
from netanalyze.apps.reading import Ending, StreamFacts
from netanalyze.model import Gap

FACTS = StreamFacts(0, 0, (40000, 80), 1, 0, from_the_start=True)
BODY = b"a body of some length, with \r\n and HTTP/1.1 in it" * 9

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"HEAD /head HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: a.example\r\nContent-Length: 7\r\n\r\na=1&b=2",
    b"POST /chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"BREW /pot with blanks HTTP/1.1\nHost: a.example\nfolded: one\n two\nno field\n\n",
    b"POST /h2c HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
    b"GET http://proxy.example/x HTTP/1.0\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY)
    + BODY
    + b"\r\n3;e=1\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    % len(gzip.compress(BODY, mtime=0))
    + gzip.compress(BODY, mtime=0),
    b"HTTP/1.1 500\nContent-Length: 2\nContent-Length: 2\n\nno",
]
GARBAGE = st.sampled_from(
    [b"\r\n", b"garbage\r\n\r\n", b"\x16\x03\x01\x00\xa5", b"HTTP/1.1 junk\r\n\r\n", b"GET", b"0\r\n"]
)


def rows(app: Http) -> list[dict[str, object]]:
    return [{name: getattr(row, name) for name in row.__struct_fields__} for row in app.exchanges]


def play(client: bytes, server: bytes, cuts: list[int]) -> list[dict[str, object]]:
    """One message a side at a time is not needed: the client's bytes come first, cut as asked."""
    app = Http(frozenset({"http"}))
    reader = app.open(FACTS)
    for side, stream in ((0, client), (1, server)):
        ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
        for begin, end in pairwise(ends):
            reader.data(side, memoryview(stream)[begin:end], begin, 1 + side, 1000 * (1 + side))
    reader.end(1, Ending.FIN, 3, 3000)
    reader.finish(4000)
    return rows(app)


MESSAGES = st.lists(st.one_of(st.sampled_from(REQUESTS), GARBAGE), max_size=5).map(b"".join)
ANSWERS = st.lists(st.one_of(st.sampled_from(RESPONSES), GARBAGE), max_size=5).map(b"".join)


@settings(deadline=None, max_examples=400)
@given(MESSAGES, ANSWERS, st.lists(st.integers(0, 5000), max_size=12))
def test_any_cut_gives_the_same_rows(client: bytes, server: bytes, cuts: list[int]) -> None:
    assert play(client, server, cuts) == play(client, server, [])


@settings(deadline=None, max_examples=60)
@given(MESSAGES, ANSWERS)
def test_byte_by_byte(client: bytes, server: bytes) -> None:
    assert play(client, server, list(range(len(client) + len(server)))) == play(client, server, [])


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.one_of(
                st.binary(max_size=80), st.integers(1, 3000), MESSAGES, ANSWERS, st.sampled_from(list(Ending))
            ),
        ),
        max_size=12,
    )
)
def test_nothing_raises(calls: list[tuple[int, bytes | int]]) -> None:
    app = Http(frozenset({"http"}))
    reader = app.open(FACTS)
    offsets = [0, 0]
    for place, (side, what) in enumerate(calls):
        if isinstance(what, Ending):
            reader.end(side, what, place + 1, place)
        elif isinstance(what, int):
            reader.gap(side, Gap(offsets[side], what), place + 1, place)
            offsets[side] += what
        else:
            reader.data(side, memoryview(what), offsets[side], place + 1, place)
            offsets[side] += len(what)
    reader.finish(99)
    for row in app.exchanges:
        assert row.end is not None
        assert row.frame is not None or row.response_frame is not None
