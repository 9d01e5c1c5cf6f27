"""From labels to events: counts by half-stream and kind, and a row for each event.

A segment may have several labels; each is an event of its own, a row of ``event_fields``.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import event_fields as fields
from netanalyze.tcp import kinds

MOST_LABELS = 6
"""A segment never has more: probes, keep-alives, acknowledgements and retransmissions exclude each other."""

FRAME = cython.declare(cython.int, fields.FRAME)
TIME_NS = cython.declare(cython.int, fields.TIME_NS)
STREAM = cython.declare(cython.int, fields.STREAM)
SIDE = cython.declare(cython.int, fields.SIDE)
KIND = cython.declare(cython.int, fields.KIND)
CAUSE = cython.declare(cython.int, fields.CAUSE)
OTHER_FRAME = cython.declare(cython.int, fields.OTHER_FRAME)
AGO_NS = cython.declare(cython.int, fields.AGO_NS)
NUMBER = cython.declare(cython.int, fields.NUMBER)
SEQ = cython.declare(cython.int, fields.SEQ)
ACK = cython.declare(cython.int, fields.ACK)
PAYLOAD = cython.declare(cython.int, fields.PAYLOAD)
LATER_FRAME = cython.declare(cython.int, fields.LATER_FRAME)
LATER = cython.declare(cython.int, fields.LATER)

AGAIN = cython.declare(
    cython.int,
    kinds.RETRANSMISSION
    | kinds.FAST_RETRANSMISSION
    | kinds.SPURIOUS_RETRANSMISSION
    | kinds.DIFFERING_RETRANSMISSION
    | kinds.OUT_OF_ORDER
    | kinds.NETWORK_COPY,
)
DUPLICATE_ACK = cython.declare(cython.int, kinds.DUPLICATE_ACK)
LOST = cython.declare(cython.int, kinds.LOST_SEGMENT | kinds.ACK_LOST_SEGMENT)
WINDOWS = cython.declare(cython.int, kinds.ZERO_WINDOW | kinds.WINDOW_UPDATE | kinds.ZERO_WINDOW_PROBE_ACK)
FULL = cython.declare(cython.int, kinds.WINDOW_FULL)
ACK_FLAG = cython.declare(cython.int, 0x10)
KIND_COUNT = cython.declare(cython.int, len(kinds.KINDS))


def tally_events(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    cause: cython.uchar[::1],
    again_of: cython.longlong[::1],
    again_ns: cython.longlong[::1],
    dup_number: cython.int[::1],
    dup_of: cython.longlong[::1],
    gap_bytes: cython.int[::1],
    window_bytes: cython.int[::1],
    peer_window: cython.int[::1],
    counts: cython.int[:, ::1],
    events: cython.longlong[:, ::1],
    known: cython.longlong,
    keep: cython.bint,
) -> cython.longlong:
    """Count the labels of a batch, and append its events to ``events`` if they are to be kept.

    ``counts`` has a row for each half-stream; ``events`` has room for ``MOST_LABELS`` more a segment.

    Returns:
        How many events there are now (``known`` before).
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    half: cython.Py_ssize_t
    kind: cython.int
    bits: cython.int
    bit: cython.int
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if not analysed[row] or labels[row] == 0:
                continue
            bits = labels[row]
            half = stream[row] * 2 + side[row]
            for kind in range(KIND_COUNT):
                bit = 1 << kind
                if not bits & bit:
                    continue
                counts[half, kind] += 1
                if not keep:
                    continue
                events[known, FRAME] = first_frame + frame[row]
                events[known, TIME_NS] = time_ns[frame[row]]
                events[known, STREAM] = stream[row]
                events[known, SIDE] = side[row]
                events[known, KIND] = kind
                events[known, CAUSE] = 0
                events[known, OTHER_FRAME] = 0
                events[known, AGO_NS] = 0
                events[known, NUMBER] = 0
                if bit & AGAIN:
                    events[known, CAUSE] = cause[row]
                    events[known, OTHER_FRAME] = again_of[row]
                    events[known, AGO_NS] = again_ns[row]
                elif bit == DUPLICATE_ACK:
                    events[known, CAUSE] = cause[row]
                    events[known, OTHER_FRAME] = dup_of[row]
                    events[known, NUMBER] = dup_number[row]
                elif bit & LOST:
                    events[known, NUMBER] = gap_bytes[row]
                elif bit & WINDOWS:
                    events[known, NUMBER] = window_bytes[row]
                elif bit == FULL:
                    events[known, NUMBER] = peer_window[row]
                events[known, SEQ] = seq[row]
                events[known, ACK] = ack[row] if flags[row] & ACK_FLAG else -1
                events[known, PAYLOAD] = payload_bytes[row]
                events[known, LATER_FRAME] = 0
                events[known, LATER] = 0
                known += 1
    return known
