"""Bytes as people see them: nothing that could act on a terminal, text where it is text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.report.payload import hex_lines, payload_lines, text_bytes, text_lines


def shown(data: bytes, *, as_hex: bool = False, ascii_only: bool = False) -> list[str]:
    return list(payload_lines(data, 0, as_hex=as_hex, ascii_only=ascii_only))


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"", 0),
        (b"plain\r\n\ttext", 12),
        ("Grüße, 世界".encode(), 15),
        ("Grüße".encode()[:3], 3),  # cut in the middle of a character
        (b"\x1b[31mred", 8),
        (b"text\0more", 4),
        (b"text\xff\xfemore", 4),
        (b"\x81\n0 received", 0),
        (b"\0\0\0", 0),
        (b"ends with one wrong byte \xff", 25),
    ],
)
def test_how_much_is_text(data: bytes, size: int) -> None:
    assert text_bytes(data) == size


def test_text_that_begins_in_the_middle_of_a_character() -> None:
    rest = "世界".encode()[1:]
    assert text_bytes(rest) == 0
    assert text_bytes(rest, cut=True) == 5
    assert text_bytes(b"\x80" * 5, cut=True) == 3


def test_text_keeps_its_lines() -> None:
    assert shown(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody") == ["GET / HTTP/1.1", "Host: x", "", "body"]
    assert shown(b"one\ttab\n") == ["one\ttab"]


def test_text_before_binary_is_shown_as_text() -> None:
    assert shown(b"HTTP/1.1 200 OK\r\n\r\n\x1f\x8b\x08\x00") == [
        "HTTP/1.1 200 OK",
        "",
        "00000013  1f 8b 08 00                                       |....|",
    ]


def test_a_few_letters_before_binary_are_binary() -> None:
    assert shown(b"PK\x03\x04") == ["00000000  50 4b 03 04                                       |PK..|"]


def test_hexadecimal() -> None:
    assert list(hex_lines(bytes(range(0x41, 0x55)), 0x1000)) == [
        "00001000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|",
        "00001010  51 52 53 54                                       |QRST|",
    ]
    assert shown(b"text\n", as_hex=True) == [
        "00000000  74 65 78 74 0a                                    |text.|"
    ]


def test_what_would_act_on_a_terminal_is_an_escape() -> None:
    assert list(text_lines(b"\x1b]0;title\x07\x9b31m\r over", ascii_only=False)) == [
        "\\x1b]0;title\\x07\\x9b31m\\r over"
    ]
    assert list(text_lines("\u202eevil".encode(), ascii_only=False)) == ["\\u202eevil"]
    assert list(text_lines("é".encode(), ascii_only=True)) == ["\\xe9"]


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_no_bytes_give_anything_but_printable_lines(data: bytes, as_hex: bool, ascii_only: bool) -> None:  # noqa: FBT001 - hypothesis passes them so
    for line in shown(data, as_hex=as_hex, ascii_only=ascii_only):
        assert all(char == "\t" or char.isprintable() for char in line)
        if ascii_only:
            assert line.isascii()
    whole = "".join(re.findall(r"^[0-9a-f]{8}  (.{48})", "\n".join(shown(data, as_hex=True)), re.MULTILINE))
    assert bytes.fromhex(whole.replace(" ", "")) == data
