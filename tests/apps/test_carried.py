"""What proxies pass on is named and read: CONNECT of HTTP, SOCKS 4, 4A and 5."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from apps.http_play import CLIENT, FIN, SERVER, get, ok, play
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.http.application import Http
from netanalyze.apps.reading import Ending, StreamFacts
from netanalyze.apps.socks_tunnel import Agreed, Carrier, SocksTranscriber, agree
from netanalyze.pipeline import Options, run

CAPTURES = Path(__file__).parent.parent.parent / "captures"
FACTS = StreamFacts(0, CLIENT, (40000, 1080), 1, 0, from_the_start=True)
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
TLS_HELLO = b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + bytes(64)
CONNECT = get("a.example:8080", method="CONNECT")

SOCKS = {
    "SOCKS4 192.0.2.1:80": (b"\x04\x01\x00\x50\xc0\x00\x02\x01me\x00", b"\x00\x5a\x00\x00\x00\x00\x00\x00"),
    "SOCKS4 a.example:81": (b"\x04\x01\x00\x51\x00\x00\x00\x01\x00a.example\x00", b"\x00\x5a" + bytes(6)),
    "SOCKS5 a.example:80": (
        b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x00\x50",
        b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
    ),
    "SOCKS5 [2001:db8::1]:80": (
        b"\x05\x02\x00\x02\x01\x02me\x03abc\x05\x01\x00\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01\x00\x50",
        b"\x05\x02\x01\x00\x05\x00\x00\x04" + bytes(18),
    ),
}
REFUSED = [
    (b"\x04\x01\x00\x50\xc0\x00\x02\x01\x00", b"\x00\x5b" + bytes(6)),
    (b"\x04\x02\x00\x50\xc0\x00\x02\x01\x00", b"\x00\x5a" + bytes(6)),  # BIND
    (b"\x05\x01\x00", b"\x05\xff"),
    (b"\x05\x01\x01", b"\x05\x01"),  # GSSAPI
    (b"\x05\x01\x02\x01\x01a\x01b", b"\x05\x02\x01\x01"),
    (b"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", b"\x05\x00\x05\x05\x00\x01" + bytes(6)),
    (b"nonsense", b"nonsense"),
]


def test_http_in_a_tunnel_is_read() -> None:
    app = play([(CLIENT, CONNECT), (SERVER, ESTABLISHED), (CLIENT, get("/x")), (SERVER, ok(b"hello"))])
    connect, inner = app.exchanges
    assert (connect.inside, connect.through) == ("http", None)
    assert (inner.target, inner.status, inner.size, inner.end) == ("/x", 200, 5, "complete")
    assert (inner.through, inner.number) == ("CONNECT a.example:8080", 1)


def test_tls_in_a_tunnel_is_named() -> None:
    app = play([(CLIENT, CONNECT), (SERVER, ESTABLISHED), (CLIENT, TLS_HELLO)])
    assert [row.inside for row in app.exchanges] == ["tls"]


def test_a_tunnel_that_carries_nothing_has_no_name() -> None:
    app = play([(CLIENT, CONNECT), (SERVER, ESTABLISHED), (CLIENT, FIN), (SERVER, FIN)])
    assert [row.inside for row in app.exchanges] == [None]


def test_a_gap_in_a_tunnel() -> None:
    response = ok(b"x" * 50)
    events = [(CLIENT, CONNECT), (SERVER, ESTABLISHED), (CLIENT, get("/x"))]
    app = play([*events, (SERVER, response[:-20]), (SERVER, 20)])
    assert [(row.missing, row.end) for row in app.exchanges[1:]] == [(20, "complete")]


def test_tunnels_in_tunnels_end_somewhere() -> None:
    events = [(CLIENT, CONNECT), (SERVER, ESTABLISHED)] * 20
    app = play(events)
    assert 2 < len(app.exchanges) < 10
    assert app.exchanges[1].through == "CONNECT a.example:8080"
    assert app.exchanges[2].through == "CONNECT a.example:8080, CONNECT a.example:8080"


@pytest.mark.parametrize("through", SOCKS)
def test_socks_agrees(through: str) -> None:
    client, proxy = SOCKS[through]
    found = agree(client + b"GET", proxy + b"HTTP")
    assert isinstance(found, Agreed)
    assert found.sizes == (len(client), len(proxy))
    for sizes in [(len(client) - 1, len(proxy)), (len(client), len(proxy) - 1)]:
        assert agree(client[: sizes[0]], proxy[: sizes[1]]) is True


@pytest.mark.parametrize(("client", "proxy"), REFUSED)
def test_socks_refuses(client: bytes, proxy: bytes) -> None:
    assert agree(client, proxy) is False


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_socks_takes_anything(client: bytes, proxy: bytes) -> None:
    for version in (b"", b"\x04", b"\x05"):
        agree(version + client, version + proxy)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(SOCKS)), st.lists(st.integers(0, 200), max_size=6))
def test_http_in_socks_however_it_is_cut(through: str, cuts: list[int]) -> None:
    app = Http(frozenset({"http"}))
    reader = Carrier({"http": app}).open(FACTS)
    shown = SocksTranscriber(FACTS, 1 << 20)
    client, proxy = SOCKS[through]
    client += get("/x")
    proxy += ok(b"hello")
    passages = []
    for side, stream in ((CLIENT, client), (SERVER, proxy)):
        ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
        for begin, end in pairwise(ends):
            for consumer in (reader, shown):
                consumer.data(side, memoryview(stream)[begin:end], begin, 1 + side, side)
            passages += shown.take()
    for consumer in (reader, shown):
        consumer.end(SERVER, Ending.FIN, 3, 3)
        consumer.finish(4)
    passages += shown.take()
    assert [(row.target, row.status, row.through) for row in app.exchanges] == [("/x", 200, through)]
    for side, stream in ((CLIENT, client), (SERVER, proxy)):
        said = [passage for passage in passages if passage.side == side]
        assert b"".join(passage.data or b"" for passage in said) == stream
        place = 0
        for passage in said:
            assert passage.offset == place
            place += passage.wire_bytes
    assert any(passage.note == f"{through}: http" for passage in passages)


def test_a_recorded_proxy() -> None:
    report = run([str(CAPTURES / "http-proxy.pcap")], Options(tables=("http",)))
    rows = [
        (row.method, row.target, row.status, row.inside, row.through)
        for row in report["http"]
        if row.stream == 2
    ]
    assert rows == [
        ("CONNECT", "10.53.2.2:80", 200, "http", None),
        ("GET", "/small.txt", 200, None, "CONNECT 10.53.2.2:80"),
        ("GET", "/missing", 404, None, "CONNECT 10.53.2.2:80"),
    ]
