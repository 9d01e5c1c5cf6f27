"""Rows of two taps with the same key: what the kernels of ``join_kernel`` are called by."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import view_of, zeros_to_look_up
from netanalyze.comparison.join_kernel import mark_groups, number_keys, pair_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class _Groups:
    """The different keys of some rows, numbered."""

    def __init__(self, keys: NDArray[np.uint64], masks: Sequence[int], rows: NDArray[np.int64]) -> None:
        slots = zeros_to_look_up(1 << max(2 * len(rows) - 1, 1).bit_length(), np.int32)
        members = np.zeros(len(rows), np.int32)
        self.of = np.zeros(len(rows), np.int32)
        salt = int.from_bytes(os.urandom(8), "little")
        self._table = (
            view_of(keys), view_of(np.array(masks, np.uint64)), salt, view_of(slots), view_of(members),
        )  # fmt: skip
        self.count = number_keys(view_of(rows), *self._table, view_of(self.of))

    def with_key_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For each group whether one of these rows has its key."""
        found = np.zeros(self.count, np.uint8)
        mark_groups(view_of(rows), *self._table, view_of(found))
        return found.astype(np.bool_)


def same(
    keys: NDArray[np.uint64],
    masks: Sequence[int],
    near: NDArray[np.int64],
    far: NDArray[np.int64],
    *,
    only_alike: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows with the same key, the first of the one with the first of the other, and so on.

    Args:
        keys: a few words for each row of both.
        masks: which bits of each word count.
        near: the rows of the one to look at.
        far: the rows of the other.
        only_alike: only keys of which there are as many in both.

    Returns:
        Rows of the one, and beside each that of the other; in the order of the latter.
    """
    nothing = np.zeros(0, np.int64)
    if not len(near) or not len(far):
        return nothing, nothing
    groups = _Groups(keys, masks, np.concatenate((near, far)))
    ours, theirs = groups.of[: len(near)], groups.of[len(near) :]
    if only_alike:
        alike = np.bincount(ours, minlength=groups.count) == np.bincount(theirs, minlength=groups.count)
        near, far = near[alike[ours]], far[alike[theirs]]
        ours, theirs = ours[alike[ours]], theirs[alike[theirs]]
    heads, following = np.zeros(groups.count, np.int32), np.zeros(len(ours), np.int32)
    partners = np.zeros(len(theirs), np.int64)
    pair_up(*(view_of(array) for array in (ours, theirs, heads, following, partners)))
    found = np.flatnonzero(partners >= 0)
    return near[partners[found]], far[found]


def shared(
    keys: NDArray[np.uint64], masks: Sequence[int], rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of some rows have a key that one of the others has, too."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), np.bool_)
    groups = _Groups(keys, masks, rows)
    found: NDArray[np.bool_] = groups.with_key_of(others)[groups.of]
    return found
