"""Sums by key, whose parts may come in any order and at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.model import NULL
from netanalyze.tcp.populations import _next_ns
from netanalyze.tcp.sums import HIGHEST, LOWEST, NEVER, SUM, Sums, highest_among, lowest_among

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = st.integers(-3, 3)
ROWS = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), SMALL, SMALL), max_size=6), max_size=12
)
KEYS = ("major", "minor")


def columns(rows: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    """Of each row two parts of a key and two values, each value in the columns that there are."""
    major, minor, value, other = (np.array([row[place] for row in rows], np.int64) for place in range(4))
    return {
        "major": major, "minor": minor, "total": value, "most": value, "first": other, "least": value,
        "latest": other,
    }  # fmt: skip


@given(ROWS)
def test_against_lists(parts: list[list[tuple[int, int, int, int]]]) -> None:
    sums = Sums(
        KEYS, total=SUM, most=HIGHEST, first=lowest_among("most"), least=LOWEST, latest=highest_among("least")
    )
    for part in parts[:-1]:
        sums.add(columns(part))
    made = sums.with_(columns(parts[-1] if parts else []))
    again = sums.with_(columns(parts[-1] if parts else []))
    rows = [row for part in parts for row in part]
    expected = {}
    for key in sorted({row[:2] for row in rows}):
        mine = [row[2:] for row in rows if row[:2] == key]
        most, least = max(value for value, _ in mine), min(value for value, _ in mine)
        expected[key] = (
            sum(value for value, _ in mine),
            most,
            min(other for value, other in mine if value == most),
            least,
            max(other for value, other in mine if value == least),
        )
    for found in (made, again):
        names = ("total", "most", "first", "least", "latest")
        values = list(zip(*(found[name].tolist() for name in names), strict=True))
        keys = list(zip(*(found[name].tolist() for name in KEYS), strict=True))
        assert list(zip(keys, values, strict=True)) == list(expected.items())


def test_nothing_counts_for_nothing() -> None:
    sums = Sums(("key",), frame=LOWEST, length=highest_among("frame"), most=HIGHEST)
    for frame, length, most in ((NEVER, NULL, NULL), (7, 3, 1), (NEVER, NULL, NULL)):
        sums.add({
            "key": np.array([1]), "frame": np.array([frame]), "length": np.array([length]),
            "most": np.array([most]),
        })  # fmt: skip
    found = sums.with_({name: np.zeros(0, np.int64) for name in ("key", "frame", "length", "most")})
    assert {name: column.tolist() for name, column in found.items()} == {
        "key": [1], "frame": [7], "length": [3], "most": [1],
    }  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=8),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=8),
)
def test_next_stream_between_the_same_ports(
    asked: list[tuple[int, int]], streams: list[tuple[int, int]]
) -> None:
    hashes, after = (np.array([pair[place] for pair in asked], np.int64) for place in (0, 1))
    among, start = (np.array([pair[place] for pair in streams], np.int64) for place in (0, 1))
    found = _next_ns(hashes.astype(np.uint64), after, among.astype(np.uint64), start).tolist()
    assert found == [
        min((when for other, when in streams if other == key and when >= time), default=NULL)
        for key, time in asked
    ]
