"""Patterns of queries that cost time or traffic, found in all rows of a capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.table import (
    FAILOVER,
    LOST_TWIN,
    NO_PATTERN,
    PATTERNS,
    RETRY_OVER_TCP,
    SEARCH_LIST,
    TTL_0,
    latency_ns,
)
from netanalyze.columns import time_added
from netanalyze.model import NULL, format_address

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.apps.dns.queries import Rows
    from netanalyze.apps.dns.texts import Texts

TWIN_NS = 50_000_000
"""A and AAAA of one lookup leave within this."""
LEAST_WAIT_NS = 900_000_000
"""The shortest wait of a resolver before it asks again; glibc's is five seconds, others take one."""
SEARCH_NS = 2_000_000_000
"""After a name that does not exist the next one of a search list is asked within this."""
_NXDOMAIN = 3
_A, _AAAA = 1, 28
_NEXT = 6
"""Later queries of a client that are compared with one that failed."""

ADVICE = {
    LOST_TWIN: "the answer to one of two queries from one socket was lost, mostly by connection tracking:"
    " options single-request-reopen, a local cache, or DNS over TCP",
    SEARCH_LIST: "write names with a dot at the end, or lower ndots in resolv.conf",
    FAILOVER: "the first server did not answer or failed: mend it or take it out of resolv.conf",
    RETRY_OVER_TCP: "answers do not fit: a larger EDNS size, or smaller answers",
    TTL_0: "answers that may not be kept are asked for every time",
}


def patterns_of(rows: Rows, waits: NDArray[np.int64], texts: Texts) -> NDArray[np.int8]:
    """The pattern of each row, ``NO_PATTERN`` for most.

    Args:
        rows: the queries.
        waits: how long the client waited for each in vain (``waits.waits_ns``).
        texts: of names.
    """
    found = np.zeros(len(rows), np.int8)
    if not len(rows):
        return found
    asked = rows.word(fields.FRAME) != NULL
    note = rows.number(fields.NOTE)
    ttl_0 = asked & (rows.number(fields.MIN_TTL) == 0) & (rows.number(fields.PROTOCOL) == fields.DNS)
    qtype = rows.number(fields.QTYPE)
    found[ttl_0 & ((qtype == _A) | (qtype == _AAAA))] = TTL_0
    found[_search_list(rows, texts)] = SEARCH_LIST
    found[(note & fields.OTHER_SERVER) != 0] = FAILOVER
    found[(note & fields.AFTER_TRUNCATED) != 0] = RETRY_OVER_TCP
    found[_lost_twins(rows, waits)] = LOST_TWIN
    return found


def _lost_twins(rows: Rows, waits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Queries that were sent again by a socket that had the answer to their twin, but not theirs."""
    qtype = rows.number(fields.QTYPE)
    twin = ((qtype == _A) | (qtype == _AAAA)) & (rows.number(fields.PROTOCOL) == fields.DNS)
    twin &= (waits >= LEAST_WAIT_NS) & (rows.number(fields.END) != fields.LATE)
    candidates = np.flatnonzero(twin & (rows.number(fields.TRANSPORT) == 0))
    if not len(candidates):
        return candidates
    times = rows.word(fields.TIME)
    flow, name = rows.word(fields.FLOW), rows.number(fields.NAME_FOLDED)
    found = []
    order = np.argsort(times, kind="stable")
    sorted_times = times[order]
    for row in candidates.tolist():
        first, last = np.searchsorted(sorted_times, (times[row] - TWIN_NS, times[row] + TWIN_NS + 1))
        near = order[first : min(last, first + 4096)]
        other = _A + _AAAA - qtype[row]
        pair = near[(flow[near] == flow[row]) & (name[near] == name[row]) & (qtype[near] == other)]
        if not len(pair):
            continue
        response = rows.word(fields.RESPONSE_NS)[pair[0]]
        if response != NULL and response < times[row] + waits[row]:
            found.append(row)
    return np.array(found, np.int64)


def _search_list(rows: Rows, texts: Texts) -> NDArray[np.int64]:
    """Names that do not exist and are the next name asked for with a suffix, or share its beginning."""
    failed = (rows.number(fields.RCODE) == _NXDOMAIN) & (rows.number(fields.PROTOCOL) == fields.DNS)
    failed &= rows.word(fields.FRAME) != NULL
    if not failed.any():
        return np.zeros(0, np.int64)
    qtype, name = rows.number(fields.QTYPE), rows.number(fields.NAME_FOLDED)
    keys = (rows.addresses[:, fields.CLIENT_LO], rows.addresses[:, fields.CLIENT_HI])
    # Rows of one client and type one after the other; others between them do not matter.
    mixed = keys[0] ^ keys[0] >> np.uint64(16) ^ keys[1] ^ keys[1] >> np.uint64(32)
    order = np.argsort((mixed ^ qtype.astype(np.uint64) << np.uint64(9)).astype(np.uint16), kind="stable")
    response = rows.word(fields.RESPONSE_NS)
    times = rows.word(fields.TIME)
    places = np.flatnonzero(failed[order])
    pairs = []
    for step in range(1, _NEXT + 1):
        there = places[places < len(order) - step]
        here, after = order[there], order[there + step]
        near = (qtype[here] == qtype[after]) & (name[here] != name[after])
        here, after = here[near], after[near]
        wait = times[after] - response[here]
        near = (wait >= 0) & (wait <= SEARCH_NS)
        for key in keys:
            near &= key[here] == key[after]
        pairs.append(np.stack((here[near], after[near])))
    suspects = np.concatenate(pairs, axis=1)
    if not suspects.size:
        return np.zeros(0, np.int64)
    used, which = np.unique(name[suspects], return_inverse=True)
    words = [text or "" for text in texts.words(used)]
    # Only names that begin with the same label can be.
    labels: dict[str, int] = {}
    label = np.array([labels.setdefault(word.split(".", 1)[0], len(labels)) for word in words])
    texts_of = which.reshape(suspects.shape)
    alike = label[texts_of[0]] == label[texts_of[1]]
    known: dict[tuple[int, int], bool] = {}
    found = set()
    for row, first, second in zip(suspects[0][alike].tolist(), *texts_of[:, alike].tolist(), strict=True):
        if (first, second) not in known:
            known[first, second] = same_beginning(words[first], words[second])
        if known[first, second]:
            found.add(row)
    return np.array(sorted(found), np.int64)


def same_beginning(failed: str, later: str) -> bool:
    """Whether two names are one name with different suffixes, or the second one is the first without."""
    if failed.startswith(later + "."):
        return True
    first, second = failed.split("."), later.split(".")
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    # What is left of both are suffixes; a single label is no suffix that another one is tried after.
    return 0 < same < len(second) and len(first) - same > 1


COLUMNS = (
    "pattern", "client", "server", "count", "wait_ns", "longest_ns", "example", "first_frame", "last_frame",
    "advice",
)  # fmt: skip
MOST_ROWS = 100_000


def pattern_rows(
    rows: Rows, patterns: NDArray[Any], waits: NDArray[np.int64], texts: Texts
) -> dict[str, list[Any]]:
    """The table ``dns_patterns``: a row for each pattern, client and server."""
    places = np.flatnonzero(patterns != NO_PATTERN)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    if not len(places):
        return columns
    picked = rows.pick(places)
    kind = patterns[places].astype(np.int64)
    keys = [picked.addresses[:, place] for place in range(fields.ADDRESS_WORDS)]
    order = np.lexsort((places, *keys, kind))
    changed = np.ones(len(order), np.bool_)
    changed[1:] = kind[order][1:] != kind[order][:-1]
    for key in keys:
        changed[1:] |= key[order][1:] != key[order][:-1]
    begin, end = spent(picked, kind, waits[places])
    # What was asked for the same name at the same time (A and AAAA) was waited for once.
    lookup = picked.number(fields.NAME_FOLDED).astype(np.int64)
    lookup[order] |= np.cumsum(changed) << 31
    added = time_added(lookup, begin, end)
    starts = np.flatnonzero(changed)[:MOST_ROWS]
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        group = order[start:stop]
        first = int(group[0])
        version = int(picked.number(fields.VERSION)[first])
        hi = picked.addresses[first].tolist()
        frames = picked.word(fields.FRAME)[group]
        number = int(kind[first])
        row = {
            "pattern": PATTERNS[number],
            "client": format_address(hi[0], hi[1], version),
            "server": format_address(hi[2], hi[3], version),
            "count": len(group),
            "wait_ns": int(added[group].sum()),
            "longest_ns": int((end - begin)[group].max()),
            "example": texts.text(int(picked.number(fields.NAME)[first])),
            "first_frame": int(frames.min()),
            "last_frame": int(frames.max()),
            "advice": ADVICE[number],
        }
        for name, value in row.items():
            columns[name].append(value)
    return columns


def spent(
    rows: Rows, kind: NDArray[np.int64], waits: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From when to when each cost time: the wait until it was asked again, or for an answer of no use."""
    time, first, asked = (rows.word(field) for field in (fields.TIME, fields.FIRST_NS, fields.ASKED_NS))
    answer = latency_ns(rows, fields.ASKED_NS)
    begin = np.where(
        (kind == FAILOVER) | (kind == RETRY_OVER_TCP), np.where(first == NULL, time, first), time
    )
    answered = ((kind == SEARCH_LIST) | (kind == TTL_0)) & (answer != NULL)
    begin = np.where(answered, asked, begin)
    end = np.where(answered, asked + np.where(answered, answer, 0), time)
    return begin, np.where(kind == LOST_TWIN, time + np.where(waits == NULL, 0, waits), end)
