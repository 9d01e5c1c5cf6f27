"""HTTP as ``follow`` shows it: heads as sent, bodies decoded, every byte accounted for."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import brotli
import pytest
from http_play import CLIENT, FIN, SERVER, chunked, get, ok, tell
from hypothesis import given, settings
from hypothesis import strategies as st
from test_http_segments import ANSWERS, FACTS, MESSAGES

import netanalyze
from netanalyze.apps.http.bodies import RATIO_FROM_BYTES
from netanalyze.apps.http.shown_body import HELD_BYTES
from netanalyze.apps.http.transcript import HttpTranscriber
from netanalyze.apps.reading import MAX_BODY_BYTES, Ending
from netanalyze.apps.transcript import Ends, Passage
from netanalyze.closeup import follow
from netanalyze.report.turns import turns

CAPTURES = Path(__file__).parent.parent.parent / "captures"
SAMPLES = [*sorted(CAPTURES.glob("http-*.pcap*")), CAPTURES / "websocket.pcap", CAPTURES / "ipv6-http.pcap"]
TEXT = b"some text that is worth packing, " * 40


def play(events: list[tuple[Any, ...]], *, max_body_bytes: int = MAX_BODY_BYTES) -> list[Passage]:
    """Passages of events: side, then bytes, the length of a gap, or an ``Ending``; a frame each."""
    shows = HttpTranscriber(FACTS, max_body_bytes)
    offsets = [0, 0]
    passages: list[Passage] = []
    for place, (side, what) in enumerate(events):
        tell(shows, offsets, side, what, place + 1, (place + 1) * 1000)
        if place % 2:
            passages += shows.take()
    shows.finish(10**6)
    passages += shows.take()
    for side in (0, 1):
        accounted(passages, side, offsets[side])
    return passages


def accounted(passages: list[Passage], side: int, total: int) -> None:
    """Every byte of a side is in one passage, in order."""
    reached = 0
    for passage in passages:
        if passage.side == side and passage.wire_bytes:
            assert passage.offset == reached
            reached += passage.wire_bytes
        if passage.side == side and passage.data is not None and passage.body_offset is None:
            assert len(passage.data) == passage.wire_bytes
    assert reached == total


def shown(passages: list[Passage]) -> list[tuple[Any, ...]]:
    """Runs: the side, the part, the note, the bytes (a number for missing ones)."""
    return [
        (turn.side, run.part, run.note, run.wire_bytes if run.data is None else bytes(run.data))
        for turn in turns(passages)
        for run in turn.runs
    ]


def coded(body: bytes, coding: str, *fields: str) -> tuple[bytes, bytes]:
    """Head and body of a response."""
    whole = ok(body, f"Content-Encoding: {coding}", *fields)
    return whole[: len(whole) - len(body)], body


def test_a_body_is_decoded_behind_its_head() -> None:
    head, body = coded(gzip.compress(TEXT, mtime=0), "gzip")
    assert shown(play([(CLIENT, get("/")), (SERVER, head + body[:20]), (SERVER, body[20:])])) == [
        (CLIENT, "head", "", get("/")),
        (SERVER, "head", "", head),
        (SERVER, "body", f"body: gzip, {len(body)} bytes on the wire, 1 320 decoded", TEXT),
    ]


def test_chunks_interim_responses_and_trailers() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    sent = chunked(b"one, ", b"two")
    head = sent[: sent.index(b"\r\n\r\n") + 4]
    framed = sent[len(head) : -2]
    trailer = b"Checksum: 1\r\n\r\n"
    assert shown(play([(CLIENT, get("/")), (SERVER, interim + head + framed + trailer)])) == [
        (CLIENT, "head", "", get("/")),
        (SERVER, "head", "", interim + head),
        (SERVER, "body", f"body: chunked, {len(framed)} bytes on the wire, 8 decoded", b"one, two"),
        (SERVER, "trailer", "trailer section", trailer),
    ]


def test_plain_bodies_are_as_sent() -> None:
    post = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
    first = ok(b"abc", "X: y")
    assert shown(play([(CLIENT, post + b"a=b" + get("/2")), (SERVER, first), (SERVER, ok(b""))])) == [
        (CLIENT, "head", "", post),
        (CLIENT, "body", "", b"a=b"),
        (CLIENT, "head", "", get("/2")),
        (SERVER, "head", "", first[:-3]),
        (SERVER, "body", "", b"abc"),
        (SERVER, "head", "", ok(b"")),
    ]


def test_what_is_missing_is_said_in_its_place() -> None:
    packed = gzip.compress(TEXT, mtime=0)
    head, _ = coded(packed, "gzip")
    found = shown(
        play(
            [(CLIENT, get("/")), (SERVER, head + packed[:40]), (SERVER, 10), (SERVER, packed[50:] + ok(b""))]
        )
    )
    begun = found[2][3]
    sizes = f"{len(packed) - 10} bytes on the wire, {len(begun)} decoded"
    assert TEXT.startswith(begun)
    assert found[2:] == [
        (SERVER, "body", "body: gzip", begun),
        (SERVER, "", "", 10),
        (
            SERVER,
            "body",
            f"end of body: {sizes}; not decoded beyond the missing bytes",
            b"",
        ),
        (SERVER, "head", "", ok(b"")),
    ]


def test_a_plain_body_with_a_gap_goes_on_behind_it() -> None:
    whole = ok(b"0123456789")
    assert shown(play([(SERVER, whole[:-8]), (SERVER, 4), (SERVER, whole[-4:])]))[1:] == [
        (SERVER, "body", "", b"01"),
        (SERVER, "", "", 4),
        (SERVER, "body", "", b"6789"),
    ]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (ok(b"0123456789")[:-7], "end of body: 7 bytes short of its Content-Length"),
        (chunked(b"abc")[:-5], "body: chunked, 8 bytes on the wire, 3 decoded; its last chunk is missing"),
        (ok(b"")[:-4].replace(b"Content-Length: 0", b"X: y") + b"\r\n\r\nabc", "the connection was not seen"),
        (
            ok(b"abc", "Content-Encoding: odd"),
            "body: odd, 3 bytes on the wire, 3 shown; the coding is not known",
        ),
        (ok(b"abc", "Content-Encoding: gzip"), "declared to be coded, but it is not"),
        (ok(gzip.compress(TEXT)[:-9], "Content-Encoding: gzip"), "it ends before the coded data does"),
        (chunked(b"abc")[:-5] + b"xyz\r\n", "its last chunk is missing"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(sent: bytes, said: str) -> None:
    notes = [passage.note for passage in play([(CLIENT, get("/")), (SERVER, sent)]) if passage.note]
    assert said in notes[-1]


def test_a_body_that_ends_with_the_connection() -> None:
    head = b"HTTP/1.0 200 OK\r\n\r\n"
    found = shown(play([(CLIENT, get("/")), (SERVER, head + b"abc"), (SERVER, FIN)]))
    assert found[1:] == [(SERVER, "head", "", head), (SERVER, "body", "", b"abc")]


def test_long_bodies_come_in_pieces_and_are_capped() -> None:
    packed = brotli.compress(bytes(1 << 22))
    events = [(CLIENT, get("/")), (SERVER, b"".join(coded(packed, "br")))]
    passages = play(events)
    assert max(len(passage.data or b"") for passage in passages) <= HELD_BYTES
    notes = [passage.note for passage in passages if passage.note]
    assert notes == ["body: br", f"end of body: {len(packed)} bytes on the wire, 4 194 304 decoded"]
    assert [each.body_offset for each in passages if each.part == "body"][:3] == [
        0,
        HELD_BYTES,
        2 * HELD_BYTES,
    ]
    capped = play(events, max_body_bytes=100_000)
    assert sum(len(passage.data or b"") for passage in capped if passage.part == "body") == 100_000
    assert "decoding stopped at the limit" in capped[-1].note


def test_nothing_is_kept_that_was_given_out() -> None:
    shows = HttpTranscriber(FACTS)
    offset = 0
    for number in range(50):
        for side, data in ((CLIENT, get("/")), (SERVER, ok(TEXT))):
            shows.data(side, memoryview(data), offset, number, number)
            offset += len(data)
            assert list(shows.take())
    assert not shows._app.exchanges
    assert not shows._connection.exchanges


def test_what_is_said_meanwhile_keeps_its_place() -> None:
    """The server answers while the client is in the middle of its request."""
    head, body = (
        b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n",
        gzip.compress(TEXT),
    )
    sides = [
        entry[0]
        for entry in shown(play([(CLIENT, head + body[:30]), (SERVER, ok(b"no")), (CLIENT, body[30:])]))
    ]
    assert [side for side, before in pairwise([*sides, None]) if side != before] == [CLIENT, SERVER, CLIENT]


def test_another_protocol_is_shown_as_it_is() -> None:
    asked = get("/", "Connection: Upgrade", "Upgrade: websocket")
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    found = shown(play([(CLIENT, asked), (SERVER, agreed + b"\x81\x02hi"), (CLIENT, b"\x88\x80\0\0\0\0")]))
    assert found == [
        (CLIENT, "head", "", asked),
        (SERVER, "head", "", agreed),
        (SERVER, "message", "websocket text", b"hi"),
        (CLIENT, "message", "websocket close", b""),
    ]
    connect = b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"
    found = shown(play([(CLIENT, connect), (SERVER, ok(b"")), (CLIENT, get("/")), (SERVER, chunked(b"a"))]))
    assert found[1:] == [
        (SERVER, "head", "", ok(b"")),
        (CLIENT, "head", "CONNECT a.example:443: http", get("/")),
        (SERVER, "head", "", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (SERVER, "body", found[4][2], b"a"),
    ]
    found = shown(play([(CLIENT, connect), (SERVER, ok(b"")), (CLIENT, b"\0\1"), (SERVER, b"\2")]))
    assert found[2:] == [
        (CLIENT, "", "CONNECT a.example:443: tls", b"\0\1"),
        (SERVER, "", "", b"\2"),
    ]


def test_an_upgrade_that_is_declined() -> None:
    asked = get("/", "Connection: Upgrade", "Upgrade: h2c")
    packed = gzip.compress(TEXT, mtime=0)
    post = b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    found = shown(play([(CLIENT, asked), (CLIENT, post + packed), (SERVER, ok(b"1")), (SERVER, ok(b"2"))]))
    assert (CLIENT, "head", "", asked) in found or (CLIENT, "head", "", asked + post) in found
    assert [entry[3] for entry in found if entry[1] == "body"] == [TEXT, b"1", b"2"]


def test_no_http_is_shown_as_it_is() -> None:
    noise = bytes(range(256)) * 50
    found = play([(CLIENT, noise), (SERVER, noise), (CLIENT, get("/")), (SERVER, ok(b"abc"))])
    sent = [b"".join(each.data or b"" for each in found if each.side == side) for side in (0, 1)]
    assert sent == [noise + get("/"), noise + ok(b"abc")]


CODED = st.lists(
    st.sampled_from(
        [
            b"".join(coded(gzip.compress(TEXT, mtime=0), "gzip")),
            b"".join(coded(brotli.compress(TEXT), "br")),
            b"".join(coded(gzip.compress(TEXT, mtime=0)[:-30], "gzip")),
            chunked(b"one", b"two")[:-2] + b"Trailer: x\r\n\r\n",
            chunked(b"\r\n0\r\n\r\n", b"0"),
            chunked(b"abc")[:-5] + b"zz\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01a",
        ]
    ),
    max_size=4,
).map(b"".join)


def cut(side: int, stream: bytes, cuts: list[int]) -> list[tuple[int, bytes]]:
    ends = sorted({place % (len(stream) + 1) for place in cuts} | {0, len(stream)})
    return [(side, stream[begin:end]) for begin, end in pairwise(ends)]


def joined(client: bytes, server: bytes, cuts: list[int]) -> list[tuple[Any, ...]]:
    return shown(play([*cut(0, client, cuts), *cut(1, server, cuts), (1, FIN)]))


@settings(deadline=None, max_examples=300)
@given(MESSAGES, st.one_of(ANSWERS, CODED), st.lists(st.integers(0, 5000), max_size=12))
def test_any_cut_shows_the_same(client: bytes, server: bytes, cuts: list[int]) -> None:
    assert joined(client, server, cuts) == joined(client, server, [])


@settings(deadline=None, max_examples=60)
@given(MESSAGES, st.one_of(ANSWERS, CODED))
def test_byte_by_byte(client: bytes, server: bytes) -> None:
    whole = list(range(len(client) + len(server)))
    assert joined(client, server, whole) == joined(client, server, [])


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.one_of(
                st.binary(max_size=80),
                st.integers(1, 3000),
                MESSAGES,
                ANSWERS,
                CODED,
                st.sampled_from(list(Ending)),
            ),
        ),
        max_size=12,
    )
)
def test_nothing_raises_and_every_byte_is_accounted_for(events: list[tuple[int, Any]]) -> None:
    play(events)


# Captures.


def passages_of(sample: Path, stream: int) -> tuple[Ends, list[Passage]]:
    ends, *passages = follow([str(sample)], stream)
    assert isinstance(ends, Ends)
    return ends, [each for each in passages if isinstance(each, Passage)]


def bodies(passages: list[Passage], side: int) -> list[tuple[int, str]]:
    """Size and hash of each body of a side that is not empty."""
    found: list[tuple[int, str]] = []
    whole: bytearray | None = None
    for passage in [*(each for each in passages if each.side == side), None]:
        if passage is not None and passage.part == "body":
            whole = bytearray() if whole is None else whole
            whole += passage.data or b""
        elif whole is not None and (passage is None or passage.data is not None):
            if whole:
                found.append((len(whole), sha256(whole).hexdigest()))
            whole = None
    return found


def streams_of(sample: Path) -> int:
    return len(netanalyze.analyze(sample, reports=["streams"])["streams"])


@pytest.mark.parametrize("name", ["http-encodings", "http-loss"])
def test_bodies_are_those_that_the_programs_sent(name: str) -> None:
    truth = json.loads((CAPTURES / f"{name}.truth.json").read_text())
    sent: dict[int, list[tuple[int, str]]] = {}
    for row in truth["exchanges"]:
        whole = row.get("decodes", True) and row["decoded_bytes"] <= RATIO_FROM_BYTES  # one is a bomb
        if row["method"] != "HEAD" and row["decoded_bytes"] and whole:
            sent.setdefault(row["client_port"], []).append((row["decoded_bytes"], row["decoded_sha256"]))
    sample = CAPTURES / f"{name}.pcap"
    compared = 0
    for stream in range(streams_of(sample)):
        ends, passages = passages_of(sample, stream)
        found = bodies(passages, 1 - ends.client_side)
        expected = sent.get(ends.client_port, [])
        assert [entry for entry in expected if entry not in found] == []
        compared += len(expected)
    assert compared >= 15


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_bodies_are_those_of_the_table(sample: Path) -> None:
    """The table decodes bodies whole where they are small, and in other pieces where they are not."""
    rows = list(netanalyze.analyze(sample, reports=["http"])["http"])
    assert rows
    for stream in sorted({row.stream for row in rows}):
        ends, passages = passages_of(sample, stream)
        mine = [row for row in rows if row.stream == stream]
        for side, names in (
            (ends.client_side, ("request_body_bytes", "request_body_sha256")),
            (1 - ends.client_side, ("body_bytes", "body_sha256")),
        ):
            expected = [tuple(getattr(row, name) for name in names) for row in mine]
            found = bodies(passages, side)
            assert [entry for entry in expected if entry[1] is not None and entry not in found] == []
