"""How many connections were in each of many queues over time: sweeps over intervals.

A leaf of the TCP layer: arrays in, arrays out. Queues are numbered; an interval is from when a
connection entered one to when it left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import distinct
from netanalyze.model import NULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_ROOM = 1 << 62
"""Keys stay below this."""


def sweep(
    queue: Numbers, enters_ns: Numbers, leaves_ns: Numbers, asks: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    """The longest that each queue was, and how long each was when it was asked.

    Args:
        queue: of each interval, its queue.
        enters_ns: begin of each interval.
        leaves_ns: its end, at least a nanosecond later; one that would be earlier is put there.
        asks: queues and times to ask; who enters at that time is not counted, who leaves then has left.

    Returns:
        The peak of each queue up to the highest number there is, and the answers in order.
    """
    # Queue and time in one number: what all earlier queues were entered by, they were also left by.
    enters, leaves, at = _keys((queue, enters_ns), (queue, np.maximum(leaves_ns, enters_ns + 1)), asks)
    order = np.argsort(enters, kind="stable")  # a fast one where they are nearly in order
    enters, leaves = enters[order], np.sort(leaves)
    lengths = np.arange(1, len(enters) + 1) - np.searchsorted(leaves, enters, side="right")
    peaks = np.zeros(
        max((int(part.max()) + 1 for part in (queue, asks[0]) if len(part)), default=0), np.int64
    )
    present, begins = np.unique(queue[order], return_index=True)
    if len(begins):
        peaks[present] = np.maximum.reduceat(lengths, begins)
    answers = np.searchsorted(enters, at) - np.searchsorted(leaves, at, side="right")
    return peaks, answers


def peaks(key: Numbers, start_ns: Numbers, end_ns: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """How many of these spans of time at most there are at once, for each key, and when first.

    Args:
        key: what each belongs to.
        start_ns: when it begins.
        end_ns: when it ends, at which moment it is over; ``NULL`` for never.

    Returns:
        The keys in ascending order, the most spans at once, and when there were first that many.
    """
    if len(key) == 0:
        return key, key, key
    ends = end_ns != NULL
    ended, end_ns = key[ends], end_ns[ends]
    low = min(int(start_ns.min()), int(end_ns.min(initial=start_ns[0])))
    high = max(int(start_ns.max()), int(end_ns.max(initial=start_ns[0])))
    known = None
    span = 2 * (high - low + 1)
    if span * (int(key.max()) + 1) < _ROOM:
        starts, stops = start_ns - low, end_ns - low
    else:  # places in the order of all times have to stand for times, as below
        known = distinct(np.concatenate((start_ns, end_ns)))
        starts, stops = np.searchsorted(known, start_ns), np.searchsorted(known, end_ns)
        span = 2 * len(known)
    # Key, time and whether it begins in one number: at one time spans end before others begin.
    steps = np.concatenate((key * span + starts * 2 + 1, ended * span + stops * 2))
    steps.sort()
    running = np.cumsum((steps & 1) * 2 - 1)
    of = steps // span
    first = np.flatnonzero(np.concatenate((np.ones(1, np.bool_), of[1:] != of[:-1])))
    before = np.concatenate((np.zeros(1, np.int64), running[first[1:] - 1]))
    most = np.maximum.reduceat(running, first)
    reached = np.flatnonzero(running == np.repeat(most, np.diff(first, append=len(of))))
    when = reached[np.searchsorted(reached, first)]
    times = steps[when] % span // 2
    return of[first], most - before, times + low if known is None else known[times]


def _keys(*pairs: tuple[Numbers, Numbers]) -> list[Numbers]:
    """Numbers that sort as queues do, and within a queue as times do."""
    filled = [pair for pair in pairs if len(pair[0])]
    if not filled:
        return [times for _, times in pairs]
    last = max(int(queues.max()) for queues, _ in filled)
    low = min(int(times.min()) for _, times in filled)
    span = max(int(times.max()) for _, times in filled) - low + 1
    if span * (last + 1) < _ROOM:
        return [queues * span + (times - low) for queues, times in pairs]
    # So many queues, or so long a time, that places in the order of all times have to stand for times.
    known = distinct(np.concatenate([times for _, times in pairs]))
    return [queues * len(known) + np.searchsorted(known, times) for queues, times in pairs]
