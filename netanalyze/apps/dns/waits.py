"""How long clients waited for answers that did not come, and how long servers took for those that did.

The attempts of a lookup are the rows with one first frame, name and type. Whoever was asked last is who the
client waits for: until it asks again, this server or another one. So the waits of a lookup follow each other
and never overlap; those of lookups that ran at the same time (A and AAAA) do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.model import NULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.apps.dns.queries import Rows

PATIENCE_NS = 10 * 10**9
"""Longer than this no resolver waits for one answer (glibc 5 s, Windows 8 s): what is asked later is asked by
a program that had given up, and what it did meanwhile is not known."""


def waits_ns(rows: Rows) -> NDArray[np.int64]:
    """Of each row how long the client waited in vain before it asked again, ``NULL`` where it did not.

    What the same port sent once more and got an answer to each time was not in vain: the server was slow.
    """
    found = np.full(len(rows), NULL, np.int64)
    end, sent = rows.number(fields.END), rows.number(fields.SENT)
    frames = rows.word(fields.FRAME)
    elsewhere = (end == fields.RETRIED) | (end == fields.LATE)
    waited = elsewhere | ((sent > 1) & (rows.number(fields.RESPONSES) < sent))
    waited &= (frames != NULL) & (rows.number(fields.PROTOCOL) != fields.MDNS)
    if not waited.any():
        return found
    chosen = np.flatnonzero(waited | ((rows.word(fields.FIRST_FRAME) != frames) & (frames != NULL)))
    chosen = chosen[_in_order(rows.pick(chosen))]
    attempts = rows.pick(chosen)
    time, last = attempts.word(fields.TIME), attempts.word(fields.LAST_NS)
    starts = _first_attempts(attempts)
    lookup = np.cumsum(starts) - 1
    latest = np.maximum.reduceat(last, np.flatnonzero(starts))[lookup]
    following = _time_of_next(attempts, lookup)
    until = np.where(
        elsewhere[chosen],
        np.where(following == NULL, latest, np.where(following - last <= PATIENCE_NS, following, last)),
        np.where(following == NULL, last, np.minimum(last, following)),
    )
    found[chosen] = np.where(waited[chosen] & (until > time), until - time, NULL)
    return found


_LOOKUP = (fields.QTYPE, fields.NAME_FOLDED)


def _in_order(rows: Rows) -> NDArray[np.int64]:
    """The places of rows, those of a lookup together and these by time."""
    kinds = [rows.number(field).astype(np.int64) for field in _LOOKUP]
    return np.lexsort([rows.word(fields.TIME), *kinds, rows.word(fields.FIRST_FRAME)])


def _first_attempts(rows: Rows) -> NDArray[np.bool_]:
    """Which rows in order are the first of a lookup."""
    found = np.ones(len(rows), np.bool_)
    first = rows.word(fields.FIRST_FRAME)
    found[1:] = first[1:] != first[:-1]
    for field in _LOOKUP:
        key = rows.number(field)
        found[1:] |= key[1:] != key[:-1]
    return found


def _time_of_next(rows: Rows, lookup: NDArray[np.int64]) -> NDArray[np.int64]:
    """When the client asked next for what each row in order is about, ``NULL`` if it did not.

    Servers that are asked at the same time are no next attempt.
    """
    places = np.flatnonzero((rows.number(fields.NOTE) & fields.AT_ONCE) == 0)
    if not len(places):
        return np.full(len(rows), NULL, np.int64)
    index = np.searchsorted(places, np.arange(len(rows)), "right")
    there = places[np.minimum(index, len(places) - 1)]
    known = (index < len(places)) & (lookup[there] == lookup)
    return np.where(known, rows.word(fields.TIME)[there], NULL)


def served_ns(rows: Rows) -> NDArray[np.int64]:
    """Of each row how long its server took to answer, ``NULL`` where it did not or nobody asked.

    From when it was asked last, because an earlier query may have been lost; but from the first query if each
    of them was answered.
    """
    response, last, first = (rows.word(field) for field in (fields.RESPONSE_NS, fields.LAST_NS, fields.TIME))
    known = (response != NULL) & (rows.word(fields.FRAME) != NULL)
    each = rows.number(fields.RESPONSES) >= rows.number(fields.SENT)
    since = np.where(each | (response < last), first, last)
    return np.where(known, response - np.where(known, since, 0), NULL)
