"""Sums by key that are added to from time to time: what is left of connections that were let go.

A leaf of the TCP layer: arrays in, arrays out. What is added comes in parts, each with a row for every key
that it has something of, and a part may be added at any time, in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[Any]]

NEVER = int(np.iinfo(np.int64).max)
"""In a column whose lowest value counts: there is none."""


class Rule(NamedTuple):
    """How the values of one key become one.

    Attributes:
        function: what makes one value of two.
        nothing: the value that changes no other.
        among: if not empty, only rows count that have the value of this column that its key has.
    """

    function: np.ufunc
    nothing: int
    among: str = ""


SUM = Rule(np.add, 0)
HIGHEST = Rule(np.maximum, NULL)
LOWEST = Rule(np.minimum, NEVER)


def highest_among(column: str) -> Rule:
    """The highest value where another column has the value of the key."""
    return Rule(np.maximum, NULL, column)


def lowest_among(column: str) -> Rule:
    """The lowest value where another column has the value of the key."""
    return Rule(np.minimum, NEVER, column)


class Sums:
    """One row of values for each key."""

    def __init__(self, keys: Sequence[str], **rules: Rule) -> None:
        """Nothing yet.

        Args:
            keys: names of the columns that make up a key, the most significant one first.
            rules: names of the other columns, and how their values become one. What a rule is ``among``
                stands before it.
        """
        self._keys = tuple(keys)
        self._rules = rules
        self._sum: dict[str, NDArray[Any]] | None = None
        self._parts: list[dict[str, NDArray[Any]]] = []
        self._waiting = 0

    def add(self, part: Columns) -> None:
        """Add rows, of which several may have one key."""
        made = self._summed([part])
        self._parts.append(made)
        self._waiting += len(made[self._keys[0]])
        # Now and then, so that the work is in proportion to what comes and not to what is there.
        if self._sum is None or self._waiting > len(self._sum[self._keys[0]]):
            self._sum, self._parts, self._waiting = self._summed(self._all()), [], 0

    def with_(self, part: Columns) -> dict[str, NDArray[Any]]:
        """What there would be if this was added too: a row for each key, in ascending order."""
        return self._summed([*self._all(), part])

    def total(self) -> dict[str, NDArray[Any]]:
        """What there is, once something has been added, be it empty: a row for each key, in order."""
        return self._summed(self._all())

    def _all(self) -> list[dict[str, NDArray[Any]]]:
        return self._parts if self._sum is None else [self._sum, *self._parts]

    def _summed(self, parts: Sequence[Columns]) -> dict[str, NDArray[Any]]:
        names = (*self._keys, *self._rules)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
        count = len(columns[self._keys[0]])
        if count == 0:
            return columns
        order = np.lexsort([columns[key] for key in reversed(self._keys)])
        columns = {name: column[order] for name, column in columns.items()}
        begins = np.zeros(count, np.bool_)
        begins[0] = True
        for key in self._keys:
            begins[1:] |= columns[key][1:] != columns[key][:-1]
        first = np.flatnonzero(begins)
        group = np.cumsum(begins) - 1
        found = {key: columns[key][first] for key in self._keys}
        for name, rule in self._rules.items():
            values = columns[name]
            if rule.among:
                values = np.where(columns[rule.among] == found[rule.among][group], values, rule.nothing)
            found[name] = rule.function.reduceat(values, first)
        return found
