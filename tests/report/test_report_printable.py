from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.report.printable import plain, printable, shorten, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /index.html", "GET /index.html"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r\tx", "two\\nlines\\r\\tx"),
        ("a\u202egpj.exe", "a\\u202egpj.exe"),
        ("\u2066isolate\u2069", "\\u2066isolate\\u2069"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("csi\x9b31m", "csi\\x9b31m"),
        ("nbsp\xa0", "nbsp\\xa0"),
        ("e\u0301", "e\\u0301"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
        ("bücher.example", "bücher.example"),
        ("例え.jp", "例え.jp"),
        ("", ""),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(), st.booleans())
def test_printable_leaves_nothing_that_acts(text: str, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    shown = printable(text, ascii_only=ascii_only)
    assert shown.isprintable()
    assert not any(unicodedata.category(char)[0] in "CM" for char in shown)
    assert not ascii_only or shown.isascii()
    shown.encode()  # no half of a surrogate pair is left
    assert printable(shown, ascii_only=ascii_only) == shown


def test_width_counts_wide_characters_twice() -> None:
    assert width("abc") == 3
    assert width("例え.jp") == 7
    assert width("ﾊ") == 1  # a narrow form


@given(st.text(), st.integers(0, 30), st.booleans(), st.sampled_from(["…", ".."]))
def test_shorten_fits(text: str, limit: int, middle: bool, mark: str) -> None:  # noqa: FBT001 - drawn
    shown = printable(text)
    short = shorten(shown, limit, mark, middle=middle)
    assert width(short) <= limit
    if width(shown) <= limit:
        assert short == shown


def test_shorten_keeps_the_ends_that_tell() -> None:
    assert shorten("www.example.com", 8) == "www.exa…"
    assert shorten("2001:db8::1234:5678", 11, middle=True) == "2001:…:5678"
    assert shorten("www.example.com", 8, "..") == "www.ex.."


def test_plain_has_an_ascii_form_for_our_own_signs() -> None:
    assert plain("43.8 µs ·FDASS …") == "43.8 us -FDASS .."
