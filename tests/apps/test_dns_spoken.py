"""Messages of DNS in words: what is shown of good ones, and of those that cannot be read."""

from __future__ import annotations

import re
import struct

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps.dns.spoken import say_message
from netanalyze.apps.dns.transcript import StreamTranscriber
from netanalyze.model import Gap
from netanalyze.tcp.byte_streams import Ending, StreamFacts

APPS = ("dns", "mdns", "llmnr", "nbns")


def header(flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", 0x1234, flags, *counts)


QUESTION = b"\x03www\x07example\x00\x00\x01\x00\x01"
RESPONSE = """id 4660
opcode QUERY
rcode NXDOMAIN
flags QR AA RD RA
edns 0
eflags DO
payload 1232
;QUESTION
www.example. IN A
;ANSWER
www.example. 300 IN CNAME web.example.
web.example. 60 IN A 192.0.2.1
;AUTHORITY
;ADDITIONAL
"""


def test_a_response() -> None:
    data = dns.message.from_text(RESPONSE).to_wire()
    assert say_message(data, len(data), "dns") == (
        ";; opcode QUERY, status NXDOMAIN, id 4660; flags: qr aa rd ra;"
        " QUERY 1, ANSWER 2, AUTHORITY 0, ADDITIONAL 1\n"
        ";; EDNS: version 0, flags do, udp 1232\n"
        ";; QUESTION\n"
        ";www.example.  IN A\n"
        ";; ANSWER\n"
        "www.example.  300  IN CNAME  web.example.\n"
        "web.example.   60  IN A      192.0.2.1\n"
    )


def test_upper_bits_of_the_response_code_come_from_edns() -> None:
    data = header(0x8000, (0, 0, 0, 1)) + b"\x00" + struct.pack("!HHIH", 41, 512, 1 << 24, 0)
    assert "status BADVERS" in say_message(data, len(data), "dns")


def test_updates_have_sections_of_their_own_and_deletions_no_data() -> None:
    data = header(5 << 11, (1, 0, 1, 0)) + b"\x07example\x00\x00\x06\x00\x01"
    data += b"\xc0\x0c" + struct.pack("!HHIH", 1, 255, 0, 0)
    lines = say_message(data, len(data), "dns").splitlines()
    assert lines == [
        (
            ";; opcode UPDATE, status NOERROR, id 4660; flags: none;"
            " ZONE 1, PREREQUISITE 0, UPDATE 1, ADDITIONAL 0"
        ),
        ";; ZONE",
        ";example.  IN SOA",
        ";; UPDATE",
        "example.  0  ANY A",
    ]


def test_the_upper_bit_of_a_class_in_multicast_dns() -> None:
    data = header(0x8400, (1, 1, 0, 0)) + b"\x01a\x05local\x00\x00\x01\x80\x01"
    data += b"\xc0\x0c" + struct.pack("!HHIH4s", 1, 0x8001, 120, 4, b"\xc0\x00\x02\x01")
    text = say_message(data, len(data), "mdns")
    assert ";a.local.  IN A (QU)\n" in text
    assert "a.local.  120  IN A (cache-flush)  192.0.2.1\n" in text
    assert "CLASS32769" in say_message(data, len(data), "dns")


def test_names_of_netbios() -> None:
    encoded = b"\x20" + b"EGEJEMEFFDCACACACACACACACACACACA" + b"\x00"
    data = header(0x2910, (1, 1, 0, 0)) + encoded + struct.pack("!HH", 32, 1)
    data += b"\xc0\x0c" + struct.pack("!HHIHH4s", 32, 1, 300, 6, 0x8000, b"\xc0\x00\x02\x07")
    text = say_message(data, len(data), "nbns")
    assert ";FILES<20>  IN NB\n" in text
    assert "FILES<20>  300  IN NB  192.0.2.7 group\n" in text
    assert text.startswith(";; opcode REGISTRATION, status NOERROR, id 4660; flags: rd b; QUERY 1, ANSWER 1")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"\x12\x34", ";; no message: 2 of the 12 bytes of a header"),
        (header(), ";; malformed: the name of question 1 at byte 12 cannot be read (FormError)"),
        (
            header() + b"\xc0\x0c\x00\x01\x00\x01",
            ";; malformed: the name of question 1 at byte 12 cannot be read (BadPointer)",
        ),
        (header() + b"\x03www\x00\x00", ";; malformed: question 1 is cut off"),
        (
            header(0x8000, (0, 1, 0, 0)) + b"\x00" + struct.pack("!HHIH", 1, 1, 1, 400) + b"abc",
            ";; malformed: answer 1 (. A) has 400 bytes of data, of which 3 are there",
        ),
        (header() + QUESTION + b"more", ";; 4 bytes behind the message"),
    ],
)
def test_what_cannot_be_read(data: bytes, line: str) -> None:
    lines = say_message(data, len(data), "dns").splitlines()
    assert line in lines
    shown = "".join(each[4:] for each in lines if each.startswith(";;   ")).replace(" ", "")
    assert data.endswith(bytes.fromhex(shown))


def test_data_that_are_not_as_the_type_demands() -> None:
    data = header(0x8000, (0, 1, 0, 0)) + b"\x00" + struct.pack("!HHIH", 1, 1, 1, 3) + b"abc"
    assert "\n.  1  IN A  \\# 3 616263\n" in say_message(data, len(data), "dns")


def test_a_message_that_was_not_captured_whole() -> None:
    data = dns.message.from_text(RESPONSE).to_wire()
    text = say_message(data[:60], len(data), "dns")
    assert f";; cut short: 60 of {len(data)} bytes were captured\n" in text
    assert ";www.example.  IN A\n" in text


@given(st.binary(max_size=200), st.integers(0, 3), st.sampled_from(APPS), st.booleans())
def test_random_bytes_are_lines_that_show(data: bytes, more: int, app: str, framed: bool) -> None:  # noqa: FBT001
    if framed:  # far more is read than of random counts
        data = header(0x8000, (1, 2, 1, 1)) + QUESTION + data
    text = say_message(data, len(data) + more, app)
    assert text.endswith("\n")
    assert re.fullmatch(r"[\x20-\x7e\n]+", text)


KINDS = (1, 2, 6, 12, 15, 16, 28, 29, 33, 35, 41, 43, 46, 47, 50, 55, 64, 65, 250, 257, 65280)


@given(st.sampled_from(KINDS), st.binary(max_size=80), st.sampled_from(APPS))
def test_random_data_of_each_type(kind: int, data: bytes, app: str) -> None:
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data
    message = header(0x8000, (1, 1, 0, 0)) + QUESTION + record
    assert re.fullmatch(r"[\x20-\x7e\n]+", say_message(message, len(message), app))


# Over TCP.


def facts(*, from_the_start: bool = True) -> StreamFacts:
    return StreamFacts(0, 0, (40000, 53), 1, 0, from_the_start=from_the_start)


def message(number: int) -> bytes:
    data = struct.pack("!6H", number, 0, 1, 0, 0, 0) + QUESTION
    return len(data).to_bytes(2, "big") + data


@given(st.lists(st.integers(1, 60), max_size=8))
def test_messages_in_any_segments(sizes: list[int]) -> None:
    data = b"".join(message(number) for number in range(3))
    transcriber = StreamTranscriber(facts())
    at = 0
    for frame, size in enumerate([*sizes, len(data)], 1):
        part = data[at : at + size]
        transcriber.data(0, memoryview(part), at, frame, frame)
        at += len(part)
    passages = transcriber.take()
    assert [passage.data for passage in passages] == [
        say_message(message(number)[2:], 29, "dns").encode() for number in range(3)
    ]
    assert [passage.offset for passage in passages] == [0, 31, 62]
    assert all(passage.begins and passage.wire_bytes == 31 for passage in passages)
    assert not transcriber.take()


def test_a_gap_ends_a_message_and_the_next_one_is_found() -> None:
    transcriber = StreamTranscriber(facts())
    transcriber.data(0, memoryview(message(1)[:20]), 0, 1, 1)
    transcriber.gap(0, Gap(20, 40), 2, 2)
    transcriber.data(0, memoryview(b"no beginning of a message"), 60, 3, 3)
    transcriber.data(0, memoryview(message(2)), 85, 4, 4)
    cut, gap, rest, found = transcriber.take()
    assert cut.data is not None
    assert b";; cut short: 18 of 29 bytes were captured\n" in cut.data
    assert (gap.data, gap.offset, gap.wire_bytes) == (None, 20, 40)
    assert (rest.data, rest.begins) == (b"no beginning of a message", False)
    assert (found.offset, found.wire_bytes, found.begins) == (85, 31, True)


def test_what_is_left_at_the_end_is_shown() -> None:
    transcriber = StreamTranscriber(facts())
    transcriber.data(0, memoryview(message(1)[:20]), 0, 1, 1)
    transcriber.data(1, memoryview(b"\x00"), 0, 2, 2)
    transcriber.end(0, Ending.FIN, 3, 3)
    transcriber.finish(4)
    cut, rest = transcriber.take()
    assert (cut.side, cut.wire_bytes, cut.first_frame) == (0, 20, 1)
    assert (rest.side, rest.data) == (1, b"\x00")


def test_a_stream_whose_beginning_was_not_captured() -> None:
    transcriber = StreamTranscriber(facts(from_the_start=False))
    transcriber.data(0, memoryview(b"the rest of a message"), 0, 1, 1)
    transcriber.data(0, memoryview(message(7)), 21, 2, 2)
    rest, found = transcriber.take()
    assert rest.data == b"the rest of a message"
    assert found.begins
