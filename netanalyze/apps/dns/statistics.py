"""Tables that count queries: by server, by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.table import TRANSPORTS, latency_ns
from netanalyze.apps.dns.texts import type_name
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


@dataclass(slots=True)
class Server:
    """What is known of one server.

    Attributes:
        counts: by name of a column.
        latencies: of answers, from the query that they answer.
        failed: names that do not exist, by code, and how often each was asked for.
        first_frame: of the first query or answer.
    """

    counts: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)
    failed: Counter[int] = field(default_factory=Counter)
    first_frame: int = 0


_Key = tuple[int, int, int, int, int, int]


class Servers:
    """Adds up rows by server; what it keeps does not grow with them, but with servers.

    Of names that do not exist those that are asked for most are kept: at most 8192 a server between two
    clearings, which let go of the rarest.
    """

    def __init__(self) -> None:
        """None yet."""
        self.servers: dict[_Key, Server] = {}

    def add(self, rows: Rows) -> None:
        """Take rows that are final."""
        if not len(rows):
            return
        number = rows.number
        keys = [
            number(fields.PROTOCOL), number(fields.TRANSPORT), number(fields.VERSION),
            rows.addresses[:, fields.SERVER_HI], rows.addresses[:, fields.SERVER_LO],
            number(fields.SERVER_PORT),
        ]  # fmt: skip
        if all((key[1:] == key[:-1]).all() for key in keys):
            order, starts = None, np.zeros(1, np.int64)
        else:
            order = np.lexsort([key for key in reversed(keys) if (key != key[0]).any()])
            changed = np.ones(len(rows), np.bool_)
            changed[1:] = False
            for key in keys:
                changed[1:] |= key[order][1:] != key[order][:-1]
            starts = np.flatnonzero(changed)
        ends = [*starts[1:].tolist(), len(rows)]
        for start, end in zip(starts.tolist(), ends, strict=True):
            group = rows if order is None else rows.pick(order[start:end])
            first = 0 if order is None else int(order[start])
            key: Any = tuple(int(column[first]) for column in keys)
            self._add(self.servers.setdefault(key, Server()), group)

    def _add(self, server: Server, rows: Rows) -> None:
        counts = server.counts
        asked = rows.word(fields.FRAME) != NULL
        ends = np.bincount(rows.number(fields.END)[asked], minlength=len(fields.ENDS)).tolist()
        stray = np.bincount(rows.number(fields.END)[~asked], minlength=len(fields.ENDS)).tolist()
        counts["queries"] += int(asked.sum())
        counts["sent"] += int(rows.number(fields.SENT)[asked].sum())
        for name, end in zip(fields.ENDS, ends, strict=True):
            counts[name] += end
        for name, end in zip(fields.ENDS, stray, strict=True):
            counts[name] += end
        rcode = rows.number(fields.RCODE)[asked]
        for name, value in RCODES.items():
            counts[name] += int((rcode == value).sum())
        counts["other_errors"] += int(((rcode > 0) & ~np.isin(rcode, list(RCODES.values()))).sum())
        counts["malformed"] += int((rows.number(fields.PROBLEM) != 0).sum())
        latency = latency_ns(rows, fields.TIME)
        server.latencies.add(latency[latency != NULL])
        failed = rows.number(fields.NAME_FOLDED)[asked][rcode == RCODES["nxdomain"]]
        if len(failed):
            names, times = np.unique(failed, return_counts=True)
            server.failed.update(dict(zip(names.tolist(), times.tolist(), strict=True)))
            if len(server.failed) > _MOST_NAMES:
                server.failed = Counter(dict(server.failed.most_common(_KEPT_NAMES)))
        frame = np.where(asked, rows.word(fields.FRAME), rows.word(fields.RESPONSE_FRAME)).min()
        server.first_frame = min(server.first_frame or int(frame), int(frame))

    def columns(self, texts: Texts) -> dict[str, list[Any]]:
        """The table ``dns_servers``, busiest first."""
        columns: dict[str, list[Any]] = {name: [] for name in SERVER_COLUMNS}
        for key, server in sorted(
            self.servers.items(), key=lambda item: (-item[1].counts["queries"], item[1].first_frame)
        ):
            for name, value in self._row(key, server, texts).items():
                columns[name].append(value)
        return columns

    def _row(self, key: _Key, server: Server, texts: Texts) -> dict[str, Any]:
        protocol, transport, version, hi, lo, port = key
        counts = server.counts
        top = server.failed.most_common(_TOP)
        return {
            "server": format_address(hi, lo, version),
            "server_port": port,
            "protocol": fields.PROTOCOLS[protocol],
            "transport": TRANSPORTS[transport],
            "queries": counts["queries"],
            "sent": counts["sent"],
            "answered": counts["answered"] + counts["late"] + counts["truncated"],
            "unanswered": counts["unanswered"] + counts["retried"],
            **{name: counts[name] for name in _PLAIN},
            **{f"response_p{part}_ns": server.latencies.percentile(part) for part in PERCENTILES},
            "response_max_ns": server.latencies.largest if server.latencies.count else None,
            "top_nxdomain": ", ".join(f"{texts.text(name)} ({times})" for name, times in top) or None,
            "first_frame": server.first_frame,
        }


_PLAIN = (
    *("open", "retried", "late", "duplicate", "unasked", "announced", "truncated"),
    *(*RCODES, "other_errors", "malformed"),
)
SERVER_COLUMNS = (
    *("server", "server_port", "protocol", "transport", "queries", "sent", "answered", "unanswered"),
    *_PLAIN,
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
