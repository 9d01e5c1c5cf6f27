"""Two tests of significance, in a few lines each: scipy would be a heavy thing for them.

Both are asymptotic: below ``LEAST`` samples a side they say nothing.
"""

from __future__ import annotations

from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 8
"""Samples on each side that the normal approximation wants: with fewer it is off by more than a tenth."""


class RankTest(Struct, frozen=True):
    """What the Mann-Whitney U test says.

    Attributes:
        p: probability of such a difference, or a greater one, if both sides are alike (two-sided); None if
            there are too few samples.
        higher: probability that a value of the second side is higher than one of the first, half for ties.
    """

    p: float | None
    higher: float


def rank_test(before: Sequence[int], after: Sequence[int]) -> RankTest | None:
    """Mann-Whitney U with the normal approximation, corrected for ties and for continuity.

    H. B. Mann, D. R. Whitney: On a test of whether one of two random variables is stochastically larger than
    the other, 1947. None if a side has no values.
    """
    first, second = len(before), len(after)
    if not first or not second:
        return None
    values = np.concatenate([np.asarray(before, np.float64), np.asarray(after, np.float64)])
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places]  # the mean of the ranks of those that are equal
    u = float(ranks[first:].sum()) - second * (second + 1) / 2
    higher = u / (first * second)
    if min(first, second) < LEAST:
        return RankTest(None, higher)
    total = first + second
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = first * second / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return RankTest(1.0, higher)
    distance = max(abs(u - first * second / 2) - 0.5, 0.0)
    return RankTest(two_sided(distance / sqrt(variance)), higher)


def share_test(before: tuple[int, int], after: tuple[int, int]) -> float | None:
    """The p of the z-test for two shares, each (how many, of how many), with the pooled share.

    None where it cannot be told: a side is empty, or fewer than five are expected to be, or not to be, on one
    (W. G. Cochran, 1954).
    """
    (some, first), (others, second) = before, after
    if not first or not second:
        return None
    pooled = (some + others) / (first + second)
    if min(first, second) * min(pooled, 1 - pooled) < 5:  # noqa: PLR2004 - Cochran's
        return None
    deviation = sqrt(pooled * (1 - pooled) * (1 / first + 1 / second))
    return two_sided(abs(some / first - others / second) / deviation)


def two_sided(z: float) -> float:
    """Probability that a standard normal variable is at least this far from zero."""
    return erfc(z / sqrt(2))
