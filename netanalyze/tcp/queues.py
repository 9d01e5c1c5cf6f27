"""How many connections were in each of many queues over time: sweeps over intervals.

A leaf of the TCP layer: arrays in, arrays out. Queues are numbered; an interval is from when a
connection entered one to when it left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_LEAVES, _ASKS, _ENTERS = 0, 1, 2
"""What happens at the same time happens in this order: one leaves before another enters."""


def sweep(
    queue: Numbers, enters_ns: Numbers, leaves_ns: Numbers, asks: tuple[Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    """The longest that each queue was, and how long each was when it was asked.

    Args:
        queue: of each interval, its queue.
        enters_ns: begin of each interval.
        leaves_ns: its end; one that ends before it begins is empty.
        asks: queues and times to ask; who enters at that time is not counted, who leaves then has left.

    Returns:
        The peak of each queue up to the highest number there is, and the answers in order.
    """
    entered = np.ones(len(queue), np.int64)
    number = np.concatenate((queue, queue, asks[0]))
    time = np.concatenate((enters_ns, np.maximum(leaves_ns, enters_ns), asks[1]))
    kind = np.concatenate(
        (
            np.full(len(queue), _ENTERS),
            # An empty interval must end after it has begun.
            np.where(leaves_ns > enters_ns, _LEAVES, _ENTERS + 1),
            np.full(len(asks[0]), _ASKS),
        )
    )
    step = np.concatenate((entered, -entered, np.zeros(len(asks[0]), np.int64)))
    order = np.lexsort((kind, time, number))
    length = np.cumsum(step[order])  # back at zero at the end of each queue
    ordered = number[order]
    present, begins = np.unique(ordered, return_index=True)
    peaks = np.zeros(int(ordered[-1]) + 1 if len(ordered) else 0, np.int64)
    if len(begins):
        peaks[present] = np.maximum.reduceat(length, begins)
    answers = np.empty(len(number), np.int64)
    answers[order] = length
    return peaks, answers[2 * len(queue) :]
