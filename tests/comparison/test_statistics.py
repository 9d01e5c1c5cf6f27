"""The tests of significance against the long way, and against what they are for."""

from __future__ import annotations

import random
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.comparison.statistics import LEAST, rank_test, share_test, two_sided

VALUES = st.lists(st.integers(0, 30), min_size=1, max_size=25)


def higher(before: list[int], after: list[int]) -> float:
    """By every pair."""
    wins = sum((second > first) + (second == first) / 2 for first in before for second in after)
    return wins / (len(before) * len(after))


@settings(deadline=None)
@given(VALUES, VALUES)
def test_u_counts_pairs(before: list[int], after: list[int]) -> None:
    found = rank_test(before, after)
    assert found is not None
    assert isclose(found.higher, higher(before, after), abs_tol=1e-9)
    other = rank_test(after, before)
    assert other is not None
    assert isclose(other.higher, 1 - found.higher, abs_tol=1e-9)
    assert (found.p is None) == (min(len(before), len(after)) < LEAST)
    if found.p is not None and other.p is not None:
        assert 0 <= found.p <= 1
        assert isclose(found.p, other.p, abs_tol=1e-9)


@pytest.mark.parametrize(("shift", "ties"), [(0, False), (6, False), (6, True), (14, True)])
def test_p_is_that_of_shuffling(shift: int, *, ties: bool) -> None:
    rng = random.Random(7)
    before = [rng.randrange(8 if ties else 1000) for _ in range(20)]
    after = [rng.randrange(8 if ties else 1000) + shift * (1 if ties else 20) // 6 for _ in range(18)]
    found = rank_test(before, after)
    assert found is not None
    assert found.p is not None
    pool = before + after
    away = abs(higher(before, after) - 0.5)
    more = 0
    rounds = 2000
    for _ in range(rounds):
        rng.shuffle(pool)
        more += abs(higher(pool[:20], pool[20:]) - 0.5) >= away - 1e-12
    assert abs(found.p - more / rounds) < 0.04


def test_equal_values_say_nothing() -> None:
    found = rank_test([5] * 20, [5] * 20)
    assert found is not None
    assert (found.p, found.higher) == (1.0, 0.5)
    assert rank_test([], [1]) is None


def test_shares() -> None:
    # 15 of 100 against 30 of 100: z = 2.540, p = 0.0111.
    assert share_test((15, 100), (30, 100)) == pytest.approx(0.01108, abs=1e-4)
    assert share_test((50, 1000), (50, 1000)) == pytest.approx(1.0)
    assert share_test((0, 10), (1, 10)) is None
    assert share_test((0, 0), (1, 10)) is None
    assert share_test((10, 10), (10, 10)) is None


def test_the_normal_distribution() -> None:
    assert two_sided(1.959964) == pytest.approx(0.05, abs=1e-6)
    assert two_sided(0) == 1
