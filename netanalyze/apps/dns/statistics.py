"""Tables that count queries: by server, by name."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.table import TRANSPORTS, latency_ns
from netanalyze.apps.dns.tally_kernel import enter_servers, tally
from netanalyze.apps.dns.texts import type_name
from netanalyze.columns import GrowingRows, view_of, zeros_to_look_up
from netanalyze.model import NULL, format_address

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.apps.dns.queries import Rows
    from netanalyze.apps.dns.texts import Texts

EXACT = 4096
"""Latencies of a server that are kept as they are; of more, how many there are in each of many ranges."""
_FINE = 7
"""Ranges are a 128th of a power of two wide: what a percentile says is within 0.8 %."""
_BINS = 64 << _FINE
_MOST_NAMES = 8192
_KEPT_NAMES = 2048
_TOP = 3
_AT_ONCE = 1 << 16
PERCENTILES = (50, 95, 99)
RCODES = {"noerror": 0, "nxdomain": 3, "servfail": 2, "refused": 5}


class Latencies:
    """Durations of which percentiles are wanted, in little memory.

    Attributes:
        count: how many there are.
        largest: the longest.
    """

    def __init__(self) -> None:
        """None yet."""
        self.count = 0
        self.largest = 0
        self._parts: list[NDArray[np.int64]] = []
        self._bins: NDArray[np.int64] | None = None

    def add(self, values: NDArray[np.int64]) -> None:
        """Take some more."""
        if not len(values):
            return
        self.count += len(values)
        self.largest = max(self.largest, int(values.max()))
        if self._bins is None:
            self._parts.append(values.copy())
            if self.count > EXACT:
                self._bins = np.zeros(_BINS, np.int64)
                for part in self._parts:
                    self._bins += np.bincount(bins_of(part), minlength=_BINS)
                self._parts.clear()
            return
        self._bins += np.bincount(bins_of(values), minlength=_BINS)

    def percentile(self, percent: int) -> int | None:
        """The value that this share is not above (nearest rank); None without any."""
        if not self.count:
            return None
        rank = max(-(-percent * self.count // 100), 1)
        if self._bins is None:
            return int(np.sort(np.concatenate(self._parts))[rank - 1])
        place = int(np.searchsorted(np.cumsum(self._bins), rank))
        return min(middle_of(place), self.largest)


def bins_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The range of each duration: those of one power of two are equally wide."""
    values = np.maximum(values, 0)
    exponent = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    shift = np.maximum(exponent - _FINE - 1, 0)
    return (shift << _FINE) + (values >> shift)


def middle_of(place: int) -> int:
    """The middle of a range."""
    shift = max((place >> _FINE) - 1, 0)
    low = (place - (shift << _FINE)) << shift
    return low + (1 << shift >> 1)


class Servers:
    """Adds up rows by server; what it keeps does not grow with them, but with servers.

    Of names that do not exist those that are asked for most are kept: at most 8192 a server between two
    clearings, which let go of the rarest.
    """

    def __init__(self) -> None:
        """None yet."""
        self._salt = int.from_bytes(os.urandom(8), "little")
        self._known = np.zeros(1, np.int64)
        self._servers = GrowingRows(3, "u8")
        self._counts = GrowingRows(fields.COUNTS)
        self._slots = np.zeros(0, np.int32)
        self._latencies: dict[int, Latencies] = defaultdict(Latencies)
        self._failed: dict[int, Counter[int]] = defaultdict(Counter)

    def add(self, rows: Rows) -> None:
        """Take rows that are final."""
        for start in range(0, len(rows), _AT_ONCE):
            self._add(rows.pick(slice(start, start + _AT_ONCE)))

    def _add(self, rows: Rows) -> None:
        count, known = len(rows), int(self._known[0])
        servers, counts = self._servers.reach(known + count), self._counts.reach(known + count)
        if 2 * (known + count) > len(self._slots):
            self._slots = zeros_to_look_up(1 << (4 * (known + count) - 1).bit_length(), np.int32)
            again = view_of(np.zeros(1, np.int64))
            enter_servers(known, servers, view_of(self._slots), self._salt, again)
        number_of, took_ns = np.zeros(count, np.int32), np.zeros(count, np.int64)
        failed = np.zeros(count, np.int32)
        arguments = (
            count, *(view_of(part) for part in (rows.words, rows.addresses, rows.numbers)), self._salt,
            servers, view_of(self._slots), view_of(self._known), counts, view_of(number_of),
            view_of(took_ns), view_of(failed),
        )  # fmt: skip
        tally(*arguments)
        known_ns = took_ns != NULL
        for server, values in _by_server(number_of[known_ns], took_ns[known_ns]):
            self._latencies[server].add(values)
        absent = failed != 0
        for server, names in _by_server(number_of[absent], failed[absent]):
            distinct, times = np.unique(names, return_counts=True)
            counted = self._failed[server]
            counted.update(dict(zip(distinct.tolist(), times.tolist(), strict=True)))
            if len(counted) > _MOST_NAMES:
                self._failed[server] = Counter(dict(counted.most_common(_KEPT_NAMES)))

    def columns(self, texts: Texts) -> dict[str, list[Any]]:
        """The table ``dns_servers``, busiest first."""
        columns: dict[str, list[Any]] = {name: [] for name in SERVER_COLUMNS}
        known = int(self._known[0])
        counts = self._counts.array[:known]
        order = np.lexsort((counts[:, fields.COUNT_FIRST], -counts[:, fields.COUNT_QUERIES]))
        for server in order.tolist():
            for name, value in self._row(server, counts[server].tolist(), texts).items():
                columns[name].append(value)
        return columns

    def _row(self, server: int, counts: list[int], texts: Texts) -> dict[str, Any]:
        hi, lo, kind = self._servers.array[server].tolist()
        version = kind >> 16 & 7
        ends = dict(zip(fields.ENDS, counts[fields.COUNT_ENDS :], strict=False))
        rcodes = counts[fields.COUNT_RCODES :]
        latencies = self._latencies[server]
        top = self._failed[server].most_common(_TOP)
        return {
            "server": format_address(hi, lo, version),
            "server_port": kind & 0xFFFF,
            "protocol": fields.PROTOCOLS[kind >> 20],
            "transport": TRANSPORTS[kind >> 19 & 1],
            "queries": counts[fields.COUNT_QUERIES],
            "sent": counts[fields.COUNT_SENT],
            "answered": ends["answered"] + ends["late"] + ends["truncated"],
            "unanswered": ends["unanswered"] + ends["retried"],
            **{name: ends[name] for name in _ENDS},
            **{name: rcodes[rcode] for name, rcode in RCODES.items()},
            "other_errors": sum(rcodes[1:]) - sum(rcodes[rcode] for rcode in RCODES.values() if rcode),
            "malformed": counts[fields.COUNT_MALFORMED],
            **{f"response_p{part}_ns": latencies.percentile(part) for part in PERCENTILES},
            "response_max_ns": latencies.largest if latencies.count else None,
            "top_nxdomain": ", ".join(f"{texts.text(name)} ({times})" for name, times in top) or None,
            "first_frame": counts[fields.COUNT_FIRST],
        }


def _by_server(servers: NDArray[np.int32], values: NDArray[Any]) -> list[tuple[int, NDArray[Any]]]:
    """The values of each server."""
    if not len(servers):
        return []
    if (servers == servers[0]).all():
        return [(int(servers[0]), values)]
    order = np.argsort(servers, kind="stable")
    found, starts = np.unique(servers[order], return_index=True)
    return list(zip(found.tolist(), np.split(values[order], starts[1:]), strict=True))


_ENDS = ("open", "retried", "late", "duplicate", "unasked", "announced", "truncated")
SERVER_COLUMNS = (
    *("server", "server_port", "protocol", "transport", "queries", "sent", "answered", "unanswered"),
    *_ENDS,
    *(*RCODES, "other_errors", "malformed"),
    *(f"response_p{part}_ns" for part in PERCENTILES),
    *("response_max_ns", "top_nxdomain", "first_frame"),
)

NAME_COLUMNS = (
    *("name", "protocol", "types", "queries", "clients", "answered", "unanswered", "nxdomain", "errors"),
    *("retries", "ttl_min_s", *(f"latency_p{part}_ns" for part in PERCENTILES), "answer", "first_frame"),
)
_MOST_TYPES = 8


def name_rows(rows: Rows, texts: Texts) -> dict[str, list[Any]]:
    """The table ``dns_names``: a row for each name that was asked for, those asked for most first."""
    columns: dict[str, list[Any]] = {name: [] for name in NAME_COLUMNS}
    asked = np.flatnonzero(rows.word(fields.FRAME) != NULL)
    if not len(asked):
        return columns
    rows = rows.pick(asked)
    name, protocol = rows.number(fields.NAME_FOLDED), rows.number(fields.PROTOCOL)
    order = np.lexsort((np.arange(len(rows)), protocol, name))
    key = name.astype(np.int64) * 4 + protocol
    changed = np.ones(len(order), np.bool_)
    changed[1:] = key[order][1:] != key[order][:-1]
    starts = np.flatnonzero(changed)
    ends = np.append(starts[1:], len(order))
    latency = latency_ns(rows, fields.FIRST_NS)
    found = zip(starts.tolist(), ends.tolist(), strict=True)
    groups = sorted(found, key=lambda span: (span[0] - span[1], int(order[span[0]])))
    for start, end in groups:
        for column, value in _name_row(rows, order[start:end], latency, texts).items():
            columns[column].append(value)
    return columns


def _name_row(
    rows: Rows, group: NDArray[np.int64], latency: NDArray[np.int64], texts: Texts
) -> dict[str, Any]:
    number = rows.number
    first = int(group[0])
    protocol = int(number(fields.PROTOCOL)[first])
    rcode, end = number(fields.RCODE)[group], number(fields.END)[group]
    types = sorted({int(kind) for kind in number(fields.QTYPE)[group].tolist() if kind >= 0})
    took = np.sort(latency[group])
    took = took[took != NULL].tolist()
    ttl = number(fields.MIN_TTL)[group]
    ttl = ttl[ttl >= 0]
    texts_of = number(fields.ANSWER_TEXT)[group]
    told = texts_of[texts_of > 0]
    clients = rows.addresses[group, : fields.SERVER_HI].tolist()
    answered = (end == fields.ANSWERED) | (end == fields.LATE) | (end == fields.TRUNCATED)
    return {
        "name": texts.text(int(number(fields.NAME_FOLDED)[first])),
        "protocol": fields.PROTOCOLS[protocol],
        "types": ", ".join(type_name(kind, netbios=protocol == fields.NBNS) for kind in types[:_MOST_TYPES])
        or None,
        "queries": len(group),
        "clients": len({tuple(client) for client in clients}),
        "answered": int(answered.sum()),
        "unanswered": int(((end == fields.UNANSWERED) | (end == fields.RETRIED)).sum()),
        "nxdomain": int((rcode == RCODES["nxdomain"]).sum()),
        "errors": int(((rcode > 0) & (rcode != RCODES["nxdomain"])).sum()),
        "retries": int((number(fields.SENT)[group] - 1).sum()) + int((end == fields.RETRIED).sum()),
        "ttl_min_s": int(ttl.min()) if len(ttl) else None,
        **{f"latency_p{part}_ns": _nearest(took, part) for part in PERCENTILES},
        "answer": texts.text(int(told[-1])) if len(told) else None,
        "first_frame": int(rows.word(fields.FRAME)[first]),
    }


def _nearest(ordered: list[int], percent: int) -> int | None:
    """The smallest value that at least this share of all is not above."""
    return ordered[max(-(-percent * len(ordered) // 100), 1) - 1] if ordered else None
