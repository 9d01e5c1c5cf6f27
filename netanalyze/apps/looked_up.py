"""Which connections came of a lookup: the columns of the table ``lookups``, ``names`` from the other end.

For each client and name, what answers said to that client, and the TCP streams and UDP flows with one of
these addresses that were there when the answer had come, or later. Whose they are is counted apart: the
connection of a host with several addresses may come from another one than the question did, and a resolver
asks for others. Answers to groups (multicast DNS) are to nobody in particular, and addresses that nobody
reaches over a network (unspecified, loopback: block lists answer so) are none; neither is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns.fields import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.apps.dns.answers import Answers

_LOOPBACK_4 = 127


def lookup_columns(tcp: Mapping[str, Any], udp: Mapping[str, Any], answers: Answers | None) -> dict[str, Any]:
    """The columns of the table ``lookups``, in order of the first answers.

    Args:
        tcp: columns of ``streams``.
        udp: columns of ``udp``.
        answers: the addresses that answers had.
    """
    records = _Records(answers)
    flows = {name: np.concatenate([tcp[name], udp[name]]) for name in _OF_FLOWS}
    return records.columns(_Reached(flows, records))


_OF_FLOWS = (
    *(f"{end}_{part}" for end in ("client", "server") for part in ("hi", "lo", "version")),
    "start_ns",
    "duration_ns",
)


class _Records:
    """The address records that count, in order of time, and the lookup that each belongs to."""

    def __init__(self, answers: Answers | None) -> None:
        self._answers = answers
        self.rows = np.zeros(0, np.int64)
        self.lookup = self.rows
        if answers is not None and answers.count:
            counts = (answers.client_version != 0) & (answers.name != 0) & _reachable(answers)
            places = np.flatnonzero(counts)
            self.rows = places[np.argsort(answers.time_ns[places], kind="stable")]
            self.lookup = _numbered(
                *(self.of(name) for name in ("client_hi", "client_lo", "client_version", "name", "protocol"))
            )

    def of(self, name: str) -> NDArray[Any]:
        """A field of the records."""
        if self._answers is None:
            return np.zeros(0, np.int64)
        found: NDArray[Any] = getattr(self._answers, name)[self.rows]
        return found

    def columns(self, reached: _Reached) -> dict[str, Any]:
        """A row for each lookup."""
        # The first record of each, in order of time; numbers of lookups have an order of their own.
        first = np.sort(np.unique(self.lookup, return_index=True)[1]).astype(np.int64)
        place = np.zeros(len(first), np.int64)
        place[self.lookup[first]] = np.arange(len(first))
        row = place[self.lookup]
        frames, times = self.of("frame"), self.of("time_ns")
        last = np.zeros(len(first), np.int64)
        np.maximum.at(last, row, np.arange(len(row)))
        names = self._answers.names(self.rows[first]) if self._answers is not None else []
        numbers: dict[str | None, int] = {}
        own, others = reached.counts(row)
        return {
            "client_hi": self.of("client_hi")[first],
            "client_lo": self.of("client_lo")[first],
            "client_version": self.of("client_version")[first],
            "name": np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64),
            "name_names": list(numbers),
            "protocol": self.of("protocol")[first],
            "protocol_names": PROTOCOLS,
            "answers": _different(row, frames),
            "addresses": _different(row, reached.address),
            "connections": own,
            "of_others": others,
            "time_ns": times[first],
            "last_ns": times[last],
            "first_frame": frames[first],
            "last_frame": frames[last],
        }


class _Reached:
    """The conversations that there were with the addresses of records, when they had come or later.

    Attributes:
        address: of each record a number of its address.
    """

    def __init__(self, flows: Mapping[str, NDArray[Any]], records: _Records) -> None:
        ends = ("hi", "lo", "version")
        client, server = ([flows[f"{end}_{part}"] for part in ends] for end in ("client", "server"))
        teller, told = [records.of(part) for part in ends], [records.of(f"client_{part}") for part in ends]
        number = _numbered(
            *(np.concatenate(parts) for parts in zip(client, server, teller, told, strict=True))
        )
        count, many = len(flows["start_ns"]), len(records.rows)
        self.address = number[2 * count : 2 * count + many]
        self._told = number[2 * count + many :]
        # Who is the client is a guess where the beginning is missing: either end may be the address.
        self._there = np.concatenate((number[count : 2 * count], number[:count]))
        self._here = np.concatenate((number[:count], number[count : 2 * count]))
        self._end_ns = np.tile(flows["start_ns"] + flows["duration_ns"], 2)
        self._time_ns = records.of("time_ns")

    def counts(self, row: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each lookup how many there were of the client, and how many of others; ``row`` is its number."""
        # An address that several answers to one lookup had counts once, from the first of them.
        _, first = np.unique(_numbered(row, self.address), return_index=True)
        to_pair = _numbered(
            np.concatenate((self._there, self.address)), np.concatenate((self._here, self._told))
        )
        flows, lookups = len(self._there), int(row.max(initial=-1)) + 1
        own = np.zeros(lookups, np.int64)
        everybody = np.zeros(lookups, np.int64)
        times = self._time_ns[first]
        np.add.at(own, row[first], _later(to_pair[:flows], self._end_ns, to_pair[flows:][first], times))
        np.add.at(everybody, row[first], _later(self._there, self._end_ns, self.address[first], times))
        return own, everybody - own


def _reachable(answers: Answers) -> NDArray[np.bool_]:
    four, hi, lo = answers.version == 4, answers.hi, answers.lo  # noqa: PLR2004 - of IP
    local = np.where(four, lo >> np.uint64(24) == _LOOPBACK_4, lo == 1) | (lo == 0)
    found: NDArray[np.bool_] = ~(local & (hi == 0))
    return found


def _numbered(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """A number for each row, the same for rows that are alike in every key."""
    order = np.lexsort(keys)
    new = np.zeros(len(order), np.bool_)
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    found = np.empty(len(order), np.int64)
    found[order] = np.cumsum(new)
    return found


def _different(row: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """How many different values each row has."""
    _, first = np.unique(_numbered(row, values), return_index=True)
    return np.bincount(row[first], minlength=int(row.max(initial=-1)) + 1).astype(np.int64)


def _later(
    key: NDArray[np.int64], end_ns: NDArray[np.int64], wanted: NDArray[np.int64], times: NDArray[np.int64]
) -> NDArray[np.int64]:
    """For each wanted key how many rows of it end at a time or later."""
    # Times by rank, so that the key can stand before them in one number.
    rank = np.unique(np.concatenate((end_ns, times)), return_inverse=True)[1]
    span = len(rank) + 1
    ends = np.sort(key * span + rank[: len(end_ns)])
    from_then = np.searchsorted(ends, wanted * span + rank[len(end_ns) :], "left")
    return np.asarray(np.searchsorted(ends, (wanted + 1) * span, "left") - from_then, np.int64)
