"""Framings: as users write them, and where messages end by them, however the bytes are cut."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_layouts import COMPILED, INTERPRETED, cut_at, kernel, lay_out

from netanalyze.apps.amqp import PROTOCOL as AMQP
from netanalyze.apps.pgsql import PROTOCOL as PGSQL
from netanalyze.apps.rpc import RECORDS
from netanalyze.apps.ssh import PROTOCOL as SSH
from netanalyze.columns import view_of
from netanalyze.errors import UsageError
from netanalyze.tcp.writes import framing_fields as fields
from netanalyze.tcp.writes.framing import (
    BER,
    LINE,
    RESP,
    TEXT_LINES,
    WEBSOCKET,
    Framing,
    parse_framing,
    parse_framings,
    start_state,
)


def _websocket(size: int, *, masked: bool) -> bytes:
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([0x82, mask | size])
    elif size < 1 << 16:
        head = bytes([0x82, mask | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x82, mask | 127]) + size.to_bytes(8, "big")
    return head + bytes(4 if masked else 0) + bytes(size)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes([*found, number])


def _known(text: str, sizes: list[int]) -> tuple[Framing, list[bytes]]:
    """A framing by its text, and messages of it."""
    bodies = [bytes(index % 251 + 1 for index in range(size)) for size in sizes]
    made = {
        "length=u8": [struct.pack("B", len(b) % 256) + b[: len(b) % 256] for b in bodies],
        "length=u32be": [struct.pack(">I", len(b)) + b for b in bodies],
        "length=u16le,offset=2,adjust=4": [b"hi" + struct.pack("<H", len(b)) + b"more" + b for b in bodies],
        "length=u16be,include_header": [struct.pack(">H", len(b) + 2) + b for b in bodies],
        "length=u24be,offset=1,include_header": [b"\1" + (len(b) + 4).to_bytes(3, "big") + b for b in bodies],
        "length=u32be,offset=4,adjust=-8,include_header": None,
        "length=u64le": [struct.pack("<Q", len(b)) + b for b in bodies],
        "varint": [_varint(len(b)) + b for b in bodies],
        "varint,offset=1": [b"\x30" + _varint(len(b)) + b for b in bodies],
        "line": [b.replace(b"\n", b" ") + b"\n" for b in bodies],
        "crlf": [b.replace(b"\n", b" ") + b"\r\n" for b in bodies],
        "null": [b.replace(b"\0", b" ") + b"\0" for b in bodies],
        "delimiter=0d0a0d0a": [b.replace(b"\n", b" ") + b"\r\n\r\n" for b in bodies],
        "fixed=7": [b"1234567" for _ in bodies],
    }[text]
    assert made is not None
    return parse_framing(text), made


TEXTS = (
    "length=u8",
    "length=u32be",
    "length=u16le,offset=2,adjust=4",
    "length=u16be,include_header",
    "length=u24be,offset=1,include_header",
    "length=u64le",
    "varint",
    "varint,offset=1",
    "line",
    "crlf",
    "null",
    "delimiter=0d0a0d0a",
    "fixed=7",
)


@given(
    text=st.sampled_from(TEXTS),
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=8),
    places=st.lists(st.integers(1, 3000)),
)
def test_messages_end_where_they_were_made_to(text: str, sizes: list[int], places: list[int]) -> None:
    framing, messages = _known(text, sizes)
    data = b"".join(messages)
    for cuts in (places, [], range(len(data))):
        laid = lay_out([framing], cut_at(data, cuts))
        assert [length for _, length, *_ in laid.messages] == [len(message) for message in messages]
        assert laid.counts["UNFRAMED"] == 0
        assert not laid.half.fault


SPECIAL = {
    "ber": (
        BER,
        [b"\x30\x03abc", b"\x30\x81\x80" + bytes(128), b"\x30\x82\x01\x00" + bytes(256), b"\x30\x00"],
    ),
    "resp": (
        RESP,
        [
            b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"+OK\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"PING\r\n",
            b"*2\r\n*1\r\n:1\r\n*2\r\n$2\r\n\r\n\r\n+x\r\n",
            b":-12\r\n",
            b"%1\r\n+a\r\n:1\r\n",
        ],
    ),
    "websocket": (
        WEBSOCKET,
        [_websocket(n, masked=m) for n in (0, 5, 125, 126, 70000) for m in (True, False)],
    ),
    "rpc": (
        RECORDS,
        [
            b"\x80\0\0\x05hello",
            b"\0\0\0\x02he\0\0\0\x02ll\x80\0\0\x01o",
            b"\x80\0\0\0",
        ],
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("seed", range(3))
def test_framings_of_protocols(name: str, seed: int) -> None:
    framing, messages = SPECIAL[name]
    data = b"".join(messages)
    chance = random.Random(seed)
    for cuts in (
        [],
        range(len(data)) if len(data) < 2000 else [1],
        sorted(chance.sample(range(len(data)), 20)),
    ):
        laid = lay_out([framing], cut_at(data, cuts))
        assert [length for _, length, *_ in laid.messages] == [len(message) for message in messages]
        assert not laid.half.fault


def test_protocols_that_begin_otherwise() -> None:
    startup = struct.pack(">I", 12) + b"\0\3\0\0abcd"
    query = b"Q" + struct.pack(">I", 4 + 9) + b"SELECT 1\0"
    assert PGSQL.framing is not None
    laid = lay_out(PGSQL.framing.client, cut_at(startup + query, [3, 14]))
    assert [length for _, length, *_ in laid.messages] == [12, 14]

    frame = b"\1\0\0" + struct.pack(">I", 5) + b"hello\xce"
    assert AMQP.framing is not None
    laid = lay_out(AMQP.framing.client, [b"AMQP\0\0\x09\1" + frame, frame])
    assert [length for _, length, *_ in laid.messages] == [8, 13, 13]

    def packet(kind: int) -> bytes:
        return struct.pack(">IBB", 8, 4, kind) + bytes(6)

    assert SSH.framing is not None
    encrypted = bytes(range(200, 250)) * 5
    laid = lay_out(SSH.framing.client, [b"SSH-2.0-x\r\n" + packet(20), packet(21) + encrypted, encrypted])
    assert [length for _, length, *_ in laid.messages] == [11, 12, 12]
    assert laid.counts["UNFRAMED"] == 2 * len(encrypted)
    assert (laid.half.fault, laid.half.fault_frame) == ("ended", 2)


def test_text_ends_where_it_is_none_any_more() -> None:
    laid = lay_out([TEXT_LINES], [b"EHLO a\r\n", b"STARTTLS\r\n", b"\x16\x03\x01\n\0\n", b"\n\n"])
    assert [length for _, length, *_ in laid.messages] == [8, 10]
    assert (laid.half.fault, laid.half.fault_frame) == ("not text", 3)
    assert laid.counts["UNFRAMED"] == 8


@pytest.mark.parametrize(
    ("text", "data", "fault"),
    [
        ("length=u32be", b"\xff\xff\xff\xffabc", "length too large"),
        ("length=u64be", b"\xff" * 20, "length too large"),
        ("length=u64le", b"\xff" * 20, "length too large"),
        ("length=u32be,max=100", b"\0\0\0\x65abc", "length too large"),
        ("length=u16be,adjust=-8", b"\0\x02abcdefghi", "length below the header's"),
        ("length=u16be,include_header", b"\0\x01abc", "length below the header's"),
        ("length=u8,adjust=-2147483648", b"\x10abcdef", "length below the header's"),
        ("length=u32be,adjust=2147483648", b"\0\0\0\x01abc", "length too large"),
        ("varint", b"\xff" * 12, "no length"),
        ("line,max=10", b"x" * 11, "length too large"),
    ],
)
def test_hostile_lengths(text: str, data: bytes, fault: str) -> None:
    for cuts in ([], range(len(data))):
        laid = lay_out([parse_framing(text)], [*cut_at(data, cuts), b"more"])
        assert laid.half.fault == fault
        assert laid.messages == []
        assert laid.counts["UNFRAMED"] == len(data) + 4


def test_messages_of_no_bytes_are_none() -> None:
    laid = lay_out([parse_framing("length=u8,offset=0,adjust=-1")], [b"\0\0"])
    assert laid.half.fault == "length below the header's"
    laid = lay_out([parse_framing("length=u8")], [b"\0\0\0"])
    assert [length for _, length, *_ in laid.messages] == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("line", "line"),
        (" crlf ", "crlf"),
        ("null,max=5", "null,max=5"),
        ("delimiter=0D0A", "delimiter=0d0a"),
        ("length=u8", "length=u8"),
        ("length=u16le, offset=2, adjust=4, include_header", "length=u16le,offset=2,adjust=4,include_header"),
        ("length=u56be,max=9", "length=u56be,max=9"),
        ("fixed=64", "fixed=64"),
        ("varint,offset=1,adjust=-1,max=4", "varint,offset=1,adjust=-1,max=4"),
    ],
)
def test_as_users_write_them(text: str, same_as: str) -> None:
    found = parse_framings([text])
    assert set(found) == {None}
    assert found[None].text == same_as
    assert parse_framings([f"9000={text.strip()}"])[9000].text == same_as


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "write line, crlf"),
        ("lines", "write line, crlf"),
        ("length", "length takes u8"),
        ("length=32", "length takes u8"),
        ("length=u32", "length takes u8"),
        ("length=u12be", "length takes u8"),
        ("length=u72be", "length takes u8"),
        ("length=u8,offset=x", "offset takes a whole number"),
        ("length=u8,offset=-1", "offset takes a whole number"),
        ("length=u8,offset=70000", "offset takes a whole number"),
        ("length=u8,adjust=99999999999", "adjust takes a whole number"),
        ("length=u8,include_header=1", "does not belong there"),
        ("length=u8,adjust", "does not belong there"),
        ("length=u8,offset=1,offset=2", "does not belong there"),
        ("line,offset=1", "does not belong there"),
        ("delimiter=", "1 to 7 bytes"),
        ("delimiter=0", "1 to 7 bytes"),
        ("delimiter=0011223344556677", "1 to 7 bytes"),
        ("fixed=0", "fixed takes a whole number"),
        ("fixed", "fixed takes a whole number"),
        ("99999=line", "is no port"),
    ],
)
def test_what_is_no_framing(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_framings([text])


def test_one_framing_for_a_port() -> None:
    assert set(parse_framings(["line", "1=crlf", "2=crlf"])) == {None, 1, 2}
    with pytest.raises(UsageError, match="one for port 1 already"):
        parse_framings(["1=line", "1=crlf"])
    with pytest.raises(UsageError, match="one for all ports already"):
        parse_framings(["line", "crlf"])


ALL = (*(parse_framing(text) for text in TEXTS), *(framing for framing, _ in SPECIAL.values()), LINE)


@given(framing=st.sampled_from(ALL), pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_any_bytes(framing: Framing, pieces: list[bytes]) -> None:
    """Whatever the bytes are, both kernels say the same, and how they are cut does not matter."""
    compiled, interpreted = (kernel("framing_kernel", kind) for kind in (COMPILED, INTERPRETED))
    whole = b"".join(pieces)
    found = []
    for made in (compiled or interpreted, interpreted):
        for parts in (pieces, [whole], [bytes([byte]) for byte in whole]):
            state, at, ends = start_state(), 0, []
            for part in parts:
                room = view_of(np.zeros(len(part) + 1, np.int64))
                count = made.cut(memoryview(part), 0, view_of(framing.words()), view_of(state), room)
                ends += [at + place for place in room[:count]]
                if state[fields.FAULT]:
                    break
                at += len(part)
            found.append((ends, int(state[fields.FAULT])))
    assert all(one == found[0] for one in found)
    laid = lay_out([framing], pieces)
    assert sum(length for _, length, *_ in laid.messages) + laid.counts["UNFRAMED"] == len(whole)
