"""What answers about NetBIOS names say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dns_talk import CLIENT, SERVER, Talk
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps.dns.netbios import addresses, names

if TYPE_CHECKING:
    from pathlib import Path


def encoded(name: str, kind: int) -> bytes:
    """A name in first-level encoding (RFC 1001 section 14.1)."""
    raw = name.encode().ljust(15) + bytes([kind])
    return b"\x20" + bytes(65 + half for byte in raw for half in (byte >> 4, byte & 15)) + b"\0"


def entry(name: bytes, kind: int, flags: int) -> bytes:
    return name.ljust(15) + bytes([kind]) + flags.to_bytes(2, "big")


NAME = encoded("FILES", 0x20)
STATUS = bytes([2]) + entry(b"FILES", 0x20, 0x400) + entry(b"\1\2__MSBROWSE__\2", 1, 0x8400) + bytes(46)


def messages(kind: int, *data: bytes) -> tuple[bytes, bytes]:
    """A query and its answer, which has no question (RFC 1002 section 4.2.13)."""
    ask = b"\0\7\1\x10\0\1\0\0\0\0\0\0" + NAME + kind.to_bytes(2, "big") + b"\0\1"
    answer = b"\0\7\x85\0\0\0" + len(data).to_bytes(2, "big") + bytes(4)
    for one in data:
        answer += NAME + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(one).to_bytes(2, "big") + one
    return ask, answer


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (32, [b"\0\0\xc0\0\2\1"], "192.0.2.1"),
        (32, [b"\x80\0\xc0\0\2\1\0\0\xc0\0\2\2"], "192.0.2.1 group, 192.0.2.2"),
        (32, [b"\0\0\xc0\0\2\1", b"\xe0\0\xc0\0\2\2"], "192.0.2.1, 192.0.2.2 group"),
        (32, [b"\0\0\xc0\0\2"], "\\# 5 0000c00002"),
        (33, [STATUS], "FILES<20>, \\001\\002__MSBROWSE__\\002<01> group"),
        (33, [b"\2" + bytes(20)], f"\\# 21 02{'00' * 20}"),
    ],
)
def test_answers_in_words(tmp_path: Path, kind: int, data: list[bytes], said: str) -> None:
    """What does not keep to its form is shown as it is."""
    talk = Talk()
    ask, answer = messages(kind, *data)
    # Twice, so that the text is met again.
    for at_s in (0, 20):
        talk.datagram(at_s, (CLIENT, 137), (SERVER, 137), ask)
        talk.datagram(at_s + 0.01, (SERVER, 137), (CLIENT, 137), answer)
    rows, by_name = talk.tables(tmp_path, "dns", "dns_names")
    assert [row["answer"] for row in rows] == [said] * 2
    assert [row["end"] for row in rows] == ["answered"] * 2
    assert [row["answer"] for row in by_name] == [said]


@given(st.binary(max_size=120))
def test_any_data(data: bytes) -> None:
    """Nothing is read that is not there, and everything shows."""
    found = addresses(data)
    assert (found is None) == (not data or len(data) % 6 != 0)
    listed = names(data)
    assert (listed is None) == (not data or len(data) < 1 + 18 * data[0])
    if listed is not None:
        assert len(listed) == data[0]
    assert all(one.isascii() and one.isprintable() for one in (*(found or ()), *(listed or ())))
