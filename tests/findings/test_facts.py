"""Columns, groups and sums of intervals."""

from __future__ import annotations

import numpy as np
import pytest
from fake_tables import fake
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.findings.facts import Facts, grouped, time_covered
from netanalyze.findings.words import counted, duration, endpoint, frames_of, listed, percent, size

INTERVALS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 20)), max_size=12)


@given(INTERVALS)
def test_time_covered_is_the_size_of_the_union(intervals: list[tuple[int, int, int]]) -> None:
    group, start, length = (
        (np.array(column, np.int64) for column in zip(*intervals, strict=True))
        if intervals
        else (np.zeros(0, np.int64),) * 3
    )
    instants = {(who, at) for who, begin, long in intervals for at in range(begin, begin + long)}
    assert time_covered(group, start, start + length) == len(instants)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=20))
def test_groups_hold_each_row_once(rows: list[tuple[int, int]]) -> None:
    keys = np.array(rows, np.int64).reshape(-1, 2).T
    groups = grouped(keys)
    assert sorted(place for some in groups for place in some.tolist()) == list(range(len(rows)))
    for some in groups:
        assert len({rows[place] for place in some.tolist()}) == 1
        assert some.tolist() == sorted(some.tolist())
    assert len(groups) == len(set(rows))


def test_a_missing_value_is_in_no_sum_and_can_be_asked_for() -> None:
    rows = Facts(fake(listeners=[{"verdict": "ok", "signs": None}, {"verdict": "refused", "signs": "x"}]))[
        "listeners"
    ]
    assert rows.among("signs", None).tolist() == [True, False]
    assert rows.amounts("first_drop").tolist() == [0, 0]
    assert rows.known("first_drop").tolist() == [False, False]
    assert rows.matching("verdict", "fuse").tolist() == [False, True]
    assert [group.key for group in rows.groups(np.array([True, True]), "signs")] == [(None,), ("x",)]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (duration(1_520_000_000), "1.52 s"),
        (duration(90 * 10**9), "1.5 min"),
        (duration(45_000), "45 µs"),
        (duration(0), "0 µs"),
        (size(999), "999 B"),
        (size(1_500_000), "1.5 MB"),
        (percent(1, 3), "33 %"),
        (percent(1, 10**6), "less than 0.01 %"),
        (percent(0, 0), "0 %"),
        (counted(1, "frame"), "1 frame"),
        (counted(2, "query", "queries"), "2 queries"),
        (listed("abcde"), "a, b, c and 2 more"),
        (endpoint("fd00::1", 80), "[fd00::1]:80"),
    ],
)
def test_words(made: str, text: str) -> None:
    assert made == text


def test_frames_are_named_once_in_order_and_only_a_few() -> None:
    assert frames_of([9, 3, 3, 0, -1]) == (3, 9)
    assert len(frames_of(range(1, 100))) == 8
