from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.report import units


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (43_849, "43.8 µs"),
        (43_850, "43.9 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (9_994_999, "9.99 ms"),
        (9_995_000, "10.0 ms"),
        (99_950_000, "100 ms"),
        (1_270_000_000, "1.27 s"),
        (119_400_000_000, "119 s"),
        (120_000_000_000, "2 min 00 s"),
        (125_400_000_000, "2 min 05 s"),
        (3_599_400_000_000, "59 min 59 s"),
        (3_599_500_000_000, "1 h 00 min"),
        (11_220_000_000_000, "3 h 07 min"),
        (86_400_000_000_000, "1 d 00 h"),
        (352_800_000_000_000, "4 d 02 h"),
        (-43_800_000, "-43.8 ms"),
    ],
)
def test_duration(ns: int, text: str) -> None:
    assert units.duration(ns) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (1_234_567, "1.23 MB"),
        (12_345_678, "12.3 MB"),
        (123_456_789_012, "123 GB"),
        (2**63 - 1, "9223 PB"),
        (-5_000, "-5.00 kB"),
    ],
)
def test_size(number: int, text: str) -> None:
    assert units.size(number) == text


@given(st.integers(0, 10**15))
def test_size_is_within_half_a_percent(number: int) -> None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) (\w+)", units.size(number))
    assert match
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}[match[2]]
    assert float(match[1]) * factor == pytest.approx(number, rel=0.0051)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_moment_is_the_time_of_the_standard_library(ns: int) -> None:
    time = datetime.fromisoformat(units.moment(ns)).replace(tzinfo=UTC)
    whole = (time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert whole == pytest.approx(ns / 1e9, abs=0.002)


def test_moment() -> None:
    assert units.moment(1_714_566_600_123_456_789) == "2024-05-01 12:30:00.123"
    assert units.moment(0) == "1970-01-01 00:00:00.000"
    assert units.moment(-1) == "1969-12-31 23:59:59.999"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (1_234_567, "1 234 567 frames")],
)
def test_counted(number: int, text: str) -> None:
    assert units.counted(number, "frame") == text
    assert units.counted(2, "reply", "replies") == "2 replies"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, ""),
        (0, 10, "0 %"),
        (1, 1000, "<1 %"),
        (10, 1000, "1 %"),
        (999, 1000, ">99 %"),
        (994, 1000, "99 %"),
        (1000, 1000, "100 %"),
        (1, 3, "33 %"),
    ],
)
def test_share(part: int, whole: int, text: str) -> None:
    assert units.share(part, whole) == text


def test_rates() -> None:
    assert units.rate(1_250_000, 1_000_000_000) == "10.0 Mbit/s"
    assert units.rate(1, 2**62) == "0 bit/s"
    assert units.per_second(1234, 10_000_000_000) == "123"
    assert units.per_second(12, 10_000_000_000) == "1.2"


@pytest.mark.parametrize(("number", "text"), [(31, "·FDASS"), (0, "······"), (63, "RFDASS"), (33, "R····S")])
def test_flags(number: int, text: str) -> None:
    assert units.flags(number, "RFDASS") == text
