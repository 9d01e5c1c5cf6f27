"""Tables of rows that grow, and of which some are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze import columns
from netanalyze.columns import GrowingRows


def numbered(rows: int, words: int) -> GrowingRows:
    """A table whose words are all different, in ``rows`` rows."""
    table = GrowingRows(words, first_rows=16)
    table.reach(rows + 3)
    table.array[:rows] = np.arange(1, rows * words + 1).reshape(rows, words)
    return table


@pytest.mark.parametrize("reserved", [True, False])
@given(rows=st.integers(0, 3000), words=st.sampled_from([1, 3, 7, 24]), seed=st.integers(0, 1 << 30))
def test_rows_that_are_kept_move_to_the_front(*, reserved: bool, rows: int, words: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not reserved:
            patch.setattr(columns, "_reserve", lambda _, **_options: None)
        table = numbered(rows, words)
    kept = np.flatnonzero(np.random.default_rng(seed).random(rows) < 0.5)
    expected = table.array[kept].copy()
    table.keep(kept, rows)
    assert (table.array[: len(kept)] == expected).all()
    assert not table.array[len(kept) :].any()
    table.reach(10_000)
    assert (table.array[: len(kept)] == expected).all()
    assert not table.array[len(kept) :].any()


def test_keeping_again_and_again() -> None:
    table = numbered(5000, 4)
    kept = np.arange(0, 5000, 2)
    for _ in range(5):
        before = table.array[: len(kept) * 2][kept].copy()
        table.keep(kept, len(kept) * 2)
        assert (table.array[: len(kept)] == before).all()
        kept = kept[: len(kept) // 2]
    table.keep(np.zeros(0, np.int64), 5000)
    assert not table.array.any()


@given(
    steps=st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1)), min_size=1, max_size=6),
    words=st.sampled_from([1, 3, 43]),
    seed=st.integers(0, 1 << 30),
)
def test_writing_first_changes_nothing(steps: list[tuple[int, float]], words: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "_HUGE_PAGE_BYTES", 4096)  # so that there are many
        table = numbered(0, words)
        used = 0
        for more, share in steps:
            before = table.array[:used].copy()
            table.prepare(used + more)
            table.reach(used + more)
            assert (table.array[:used] == before).all()
            assert not table.array[used:].any()
            used += more
            table.array[:used] = rng.integers(1, 1 << 60, (used, words))
            kept = np.flatnonzero(rng.random(used) < share)
            before = table.array[kept].copy()
            table.keep(kept, used)
            used = len(kept)
            assert (table.array[:used] == before).all()


INTEGERS = st.lists(st.one_of(st.integers(-3, 3), st.integers(-(1 << 63), (1 << 63) - 1)), max_size=30)


@given(values=INTEGERS, others=INTEGERS)
def test_distinct_and_found_in_are_what_numpy_says(values: list[int], others: list[int]) -> None:
    array = np.array(values, np.int64)
    assert columns.distinct(array).tolist() == np.unique(array).tolist()
    expected = np.isin(array, np.array(others, np.int64)).tolist()
    assert columns.found_in(array, others).tolist() == expected
    assert columns.found_in(array.reshape(-1, 1), np.array(others, np.int64)).ravel().tolist() == expected
