"""Lists of nodes in a pool, of half-streams that are let go of: the nodes are free for others then.

The pools are those of ``sequence``, ``limits`` and the like: a node is a row of words, one of them the number
of the node after it, 0 for none. ``counters`` hold how many nodes have ever been used (0) and the first free
one (1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]


def both_halves(streams: Numbers, count: int) -> tuple[Numbers, Numbers]:
    """The rows of the half-streams of some of the first ``count`` streams, and those of the others."""
    kept = np.zeros(count, np.bool_)
    kept[streams] = True
    halves = np.repeat(kept, 2)
    return np.flatnonzero(halves), np.flatnonzero(~halves)


def give_back(nodes: Numbers, state: Numbers, heads: Sequence[int], after: int, counters: memoryview) -> None:
    """Put the nodes of all lists of some rows into the list of free ones.

    Args:
        nodes: the pool.
        state: rows whose lists are given back; they are not to be used again.
        heads: words of a row that are the first node of a list.
        after: word of a node that is the node after it.
        counters: see above.
    """
    at = state[:, list(heads)].reshape(-1).astype(np.int64)
    found = []
    while len(at := at[at > 0]):  # one step along all lists at once
        found.append(at)
        at = nodes[at, after]
    if not found:
        return
    chain = np.concatenate(found)
    nodes[chain[:-1], after] = chain[1:]
    nodes[chain[-1], after] = counters[1]
    counters[1] = int(chain[0])
