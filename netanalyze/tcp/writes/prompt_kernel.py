"""What made each segment leave when it did: an acknowledgement that had just come, or the application.

A sender that was held back (by Nagle's algorithm, RFC 9293 section 3.7.4, by a window or a congestion window)
sends as soon as the acknowledgement reaches it: seen from the capture point, the way to the sender and back
later, and hardly more. Where the acknowledgement brought payload it may as well have been the application
that answered; such segments are not called prompted.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import kinds
from netanalyze.tcp.writes import layout_fields
from netanalyze.tcp.writes import prompt_fields as fields

FLIGHT = cython.declare(cython.int, fields.FLIGHT)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
TRIP_NS = cython.declare(cython.int, fields.TRIP_NS)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
SYN_ACK_NS = cython.declare(cython.int, fields.SYN_ACK_NS)
MSS = cython.declare(cython.int, fields.MSS)
STAMPED = cython.declare(cython.int, fields.STAMPED)
PUSH = cython.declare(cython.int, layout_fields.PUSH)
REPACKED = cython.declare(cython.int, layout_fields.REPACKED)
PROMPTED = cython.declare(cython.int, layout_fields.PROMPTED)
AGAIN = cython.declare(
    cython.int, kinds.RETRANSMISSION | kinds.FAST_RETRANSMISSION | kinds.SPURIOUS_RETRANSMISSION
)
WINDOW_UPDATE = cython.declare(cython.int, kinds.WINDOW_UPDATE)
SYN = cython.declare(cython.int, 0x02)
PSH = cython.declare(cython.int, 0x08)
ACK = cython.declare(cython.int, 0x10)
SLACK_NS = cython.declare(cython.longlong, 1_000_000)
"""What a sender may take to react."""


def note_prompts(
    count: cython.Py_ssize_t,
    order: cython.int[::1],
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    protocol: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    flags: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    mss: cython.int[::1],
    tsval: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    new_bytes: cython.int[::1],
    old_bytes: cython.int[::1],
    in_flight: cython.int[::1],
    peer_in_flight: cython.int[::1],
    state: cython.longlong[:, ::1],
    bits: cython.uchar[::1],
    row_of: cython.int[::1],
) -> cython.int:
    """Go through the packets of a batch.

    ``state`` has two rows for each stream, ``bits`` one element for each packet: the facts of
    ``layout_fields`` about each segment with payload. ``row_of`` has one for each frame: the row of its
    segment with payload, -1 for none.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    f: cython.Py_ssize_t
    r: cython.Py_ssize_t
    now: cython.longlong
    left: cython.longlong
    trip: cython.longlong
    found: cython.int
    with cython.nogil:
        for index in range(row_of.shape[0]):
            row_of[index] = -1
        for index in range(count):
            row = order[index]
            if protocol[row] != 6 or not analysed[row] or stream[row] < 0:
                continue
            f = 2 * stream[row] + (side[row] & 1)
            r = f ^ 1
            now = time_ns[frame[row]]
            if flags[row] & SYN:
                if mss[row] >= 0:
                    state[f, MSS] = mss[row] + 1
                state[f, SYN_NS] = now + 1
                if flags[row] & ACK:
                    state[f, SYN_ACK_NS] = now + 1
                    if state[r, SYN_NS] and not state[f, TRIP_NS]:
                        state[f, TRIP_NS] = max(now + 1 - state[r, SYN_NS], 0) + 1
            elif state[r, SYN_ACK_NS] and not state[f, TRIP_NS]:
                state[f, TRIP_NS] = max(now + 1 - state[r, SYN_ACK_NS], 0) + 1
            if tsval[row] >= 0:
                state[f, STAMPED] = 1
            if payload_bytes[row] > 0:
                state[r, ACK_NS] = 0
            if flags[row] & ACK:
                left = peer_in_flight[row]
                if left >= 0:
                    if (left + 1 < state[r, FLIGHT] or labels[row] & WINDOW_UPDATE) and payload_bytes[
                        row
                    ] == 0:
                        state[r, ACK_NS] = now
                    state[r, FLIGHT] = left + 1
            if payload_bytes[row] <= 0:
                continue
            row_of[frame[row]] = cython.cast(cython.int, row)
            found = PUSH if flags[row] & PSH else 0
            if labels[row] & AGAIN and old_bytes[row] > 0 and new_bytes[row] > 0:
                found |= REPACKED
            if state[f, ACK_NS] and new_bytes[row] > 0:
                trip = max(state[f, TRIP_NS] - 1, 0)
                if now - state[f, ACK_NS] <= trip + max(trip // 4, SLACK_NS):
                    found |= PROMPTED
            state[f, ACK_NS] = 0
            if in_flight[row] >= 0:
                state[f, FLIGHT] = in_flight[row] + 1
            bits[row] = cython.cast(cython.uchar, found)
    return 0
