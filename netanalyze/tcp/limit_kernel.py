"""What held a half-stream up: every nanosecond of its active time is given to one class.

The classes follow Siekkinen et al., "A root cause analysis toolkit for TCP" (2008), and T-RAT (Zhang et al.,
2002), decided for each pause between segments instead of for whole periods or flights.

A half-stream is active from its first payload to the acknowledgement of its last. Time is cut at the
segments of the stream and at first only sorted by what the sender could do: nothing is on its way or
something is, the receiver's window has room for a full segment or has not, losses are being repaired.
What it was that the sender waited for shows only when it sends again, so the rest is decided then, by
the segment before the pause, by what came in the pause, and by how soon after that the next one left:

- *recovery*: from a retransmission to the acknowledgement of all that had been sent until then (RFC 6675
  section 5), and before a retransmission by timer or a tail loss probe the time since the last news. It
  comes before the window: what fills the window behind a lost segment is the loss. Only a tail loss probe
  (RFC 8985 section 7) does not: one with a full window finds a slow receiver as a rule.
- *receiver_window*: the window had no room for a full segment, and the next segment left as soon as it
  had, or the last one left something behind, or the sender asked for window. If it takes its time after
  the window has opened, it had nothing to send. (Linux counts alike: ``rwnd_limited`` runs while the next
  segment does not fit.)
- *application*: nothing was on its way, or the last segment was not full, which empties a send buffer, or
  it was full, had PSH set (end of a write) and nothing in the network triggered the next one, or the other
  side's answer did.
- *path_rate*: acknowledgements take half as long again as the shortest round trip, with more than two
  segments on their way: a queue stands before a bottleneck. Or more was waiting to be sent, and the next
  segment left without an acknowledgement to trigger it or as long after the last as that one after its
  predecessor: the sender paces, or its card or a slower link before the capture point serialises.
- Otherwise the acknowledgement triggered the segment: the sender was at the end of its congestion window.
  *congestion_window* once a loss has cut that, *slow_start* before. But a window that nothing cuts grows
  with every round trip (RFC 5681 section 3.1), so when the flight has not been larger for four round trips,
  something of a fixed size bounds it, and nobody but the sender knows that: *send_buffer*, also a window
  that an application keeps itself. Before that much time has passed, packets cannot tell the two apart.

All this is about the sender, and the capture point may be elsewhere. The time from there to the sender
and back is the shortest that was measured (in the handshake, as a rule). An acknowledgement counts from
that time after it was seen, for only then data that it triggers can come by, or as soon as data does that
the window did not allow before it. So the intervals are the sender's own, only shifted. Where nothing was
measured, the capture point is taken to be at the sender.

What cannot be told: SACKed bytes are taken to be on their way still, windows of unknown scale to have room
unless they are zero. The loss of the last segments of a flight before the capture point looks like a pause
of the application there. Segments that Nagle's algorithm holds back (RFC 9293 section 3.7.4) are small
writes, and so the application's.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import causes, kinds
from netanalyze.tcp import limit_fields as fields

APPLICATION = cython.declare(cython.int, fields.APPLICATION)
WINDOW = cython.declare(cython.int, fields.WINDOW)
RECOVERY = cython.declare(cython.int, fields.RECOVERY)
CONGESTION = cython.declare(cython.int, fields.CONGESTION)
START = cython.declare(cython.int, fields.START)
PATH = cython.declare(cython.int, fields.PATH)
BUFFER = cython.declare(cython.int, fields.BUFFER)
IDLE = cython.declare(cython.int, fields.IDLE)
SINCE = cython.declare(cython.int, fields.SINCE)
PENDING_OPEN = cython.declare(cython.int, fields.PENDING_OPEN)
PENDING_BLOCKED = cython.declare(cython.int, fields.PENDING_BLOCKED)
PENDING_DRY = cython.declare(cython.int, fields.PENDING_DRY)
PENDING_IDLE = cython.declare(cython.int, fields.PENDING_IDLE)
PENDING_STILL = cython.declare(cython.int, fields.PENDING_STILL)
DATA_NS = cython.declare(cython.int, fields.DATA_NS)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
GROWN_NS = cython.declare(cython.int, fields.GROWN_NS)
BYTES = cython.declare(cython.int, fields.BYTES)
DELIVERY = cython.declare(cython.int, fields.DELIVERY)
FLAGS = cython.declare(cython.int, fields.FLAGS)
NEXT = cython.declare(cython.int, fields.NEXT)
ACKED = cython.declare(cython.int, fields.ACKED)
EDGE = cython.declare(cython.int, fields.EDGE)
REPAIRED = cython.declare(cython.int, fields.REPAIRED)
PEAK = cython.declare(cython.int, fields.PEAK)
FULL = cython.declare(cython.int, fields.FULL)
TRIP_US = cython.declare(cython.int, fields.TRIP_US)
GAP_US = cython.declare(cython.int, fields.GAP_US)
LAST_TRIP_US = cython.declare(cython.int, fields.LAST_TRIP_US)
HEAD = cython.declare(cython.int, fields.HEAD)
TAIL = cython.declare(cython.int, fields.TAIL)
OPTION_SHIFT = cython.declare(cython.int, fields.OPTION_SHIFT)
COUNT_SHIFT = cython.declare(cython.int, fields.COUNT_SHIFT)
STARTED = cython.declare(cython.int, fields.STARTED)
NUMBERED = cython.declare(cython.int, fields.NUMBERED)
HEARD = cython.declare(cython.int, fields.HEARD)
EDGE_SET = cython.declare(cython.int, fields.EDGE_SET)
BLOCKED = cython.declare(cython.int, fields.BLOCKED)
ZERO = cython.declare(cython.int, fields.ZERO)
RECOVERING = cython.declare(cython.int, fields.RECOVERING)
LOST = cython.declare(cython.int, fields.LOST)
SHORT = cython.declare(cython.int, fields.SHORT)
PUSHED = cython.declare(cython.int, fields.PUSHED)
PROMPTED = cython.declare(cython.int, fields.PROMPTED)
ANSWERED = cython.declare(cython.int, fields.ANSWERED)
QUEUED = cython.declare(cython.int, fields.QUEUED)
PROBED = cython.declare(cython.int, fields.PROBED)
FINISHED = cython.declare(cython.int, fields.FINISHED)
STAMPED = cython.declare(cython.int, fields.STAMPED)
DUE_NS = cython.declare(cython.int, fields.DUE_NS)
ACK_NUMBER = cython.declare(cython.int, fields.ACK)
NODE_EDGE = cython.declare(cython.int, fields.NODE_EDGE)
NEWS = cython.declare(cython.int, fields.NEWS)
AFTER = cython.declare(cython.int, fields.AFTER)

RETRANSMISSION = cython.declare(cython.int, kinds.RETRANSMISSION)
NETWORK_COPY = cython.declare(cython.int, kinds.NETWORK_COPY)
DUPLICATE_ACK = cython.declare(cython.int, kinds.DUPLICATE_ACK)
OUT_OF_ORDER = cython.declare(cython.int, kinds.OUT_OF_ORDER)
ZERO_WINDOW = cython.declare(cython.int, kinds.ZERO_WINDOW)
ZERO_WINDOW_PROBE = cython.declare(cython.int, kinds.ZERO_WINDOW_PROBE)
KEEP_ALIVE = cython.declare(cython.int, kinds.KEEP_ALIVE)
OUT_OF_WINDOW = cython.declare(cython.int, kinds.OUT_OF_WINDOW)
NONE = cython.declare(cython.int, causes.NONE)
HANDSHAKE = cython.declare(cython.int, causes.HANDSHAKE)
TIMEOUT = cython.declare(cython.int, causes.TIMEOUT)
TAIL_LOSS_PROBE = cython.declare(cython.int, causes.TAIL_LOSS_PROBE)
TAIL_TIMER = cython.declare(cython.int, causes.TAIL_TIMER)
MEASURED = cython.declare(cython.int, causes.MEASURED)
BY_TIMESTAMP = cython.declare(cython.int, causes.BY_TIMESTAMP)

AHEAD = cython.declare(cython.Py_ssize_t, 64)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
PSH = cython.declare(cython.int, 0x08)
ACK = cython.declare(cython.int, 0x10)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
REACH = cython.declare(cython.longlong, 1 << 30)
"""No window is larger (RFC 7323 section 2.3)."""
LAST_NS = cython.declare(cython.longlong, 1 << 62)
"""Times beyond, in the year 2116, are cut, so that no sum or difference is more than 64 bits hold."""
FOREVER = cython.declare(cython.longlong, (1 << 63) - 1)
TIMESTAMP_BYTES = cython.declare(cython.longlong, 12)
LEAST_SEGMENT = cython.declare(cython.longlong, 536)
"""What every host takes (RFC 9293 section 3.7.1): smaller payloads are not taken for full segments."""
USUAL_SEGMENT = cython.declare(cython.longlong, 1460)
MOST_PAYLOAD = cython.declare(cython.longlong, 0xFFFFFF)
TIMER_NS = cython.declare(cython.longlong, 180_000_000)
"""Where the cause of a retransmission is not known, a wait of this length is taken for the timer's."""
LEAST_LAG_US = cython.declare(cython.longlong, 500)
"""Nearer to the sender, the time that hosts take is as long as the way."""
LEAST_SLACK_US = cython.declare(cython.longlong, 100)
MOST_SLACK_US = cython.declare(cython.longlong, 5_000)
"""How long a sender may take to react to an acknowledgement: a sixteenth of the round trip within these,
half of it where the capture point is not at the sender."""
LEAST_QUEUE_US = cython.declare(cython.longlong, 1_000)
"""Round trips that vary less do so for other reasons than a queue."""
STILL_TRIPS = cython.declare(cython.longlong, 4)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def later(one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return ((other - one) & MASK32) >= HALF


@cython.cfunc
@cython.nogil
@cython.inline
def lag_us(h: cython.Py_ssize_t, marks: cython.uint[:, ::1]) -> cython.longlong:
    """How long it takes from the capture point to the sender and back, 0 if that is next to nothing."""
    lag: cython.longlong = marks[h, TRIP_US]
    if lag < LEAST_LAG_US or lag * 7 < marks[h ^ 1, TRIP_US]:
        return 0
    return lag


@cython.cfunc
@cython.nogil
@cython.inline
def mark_blocked(h: cython.Py_ssize_t, marks: cython.uint[:, ::1]) -> cython.longlong:
    """Note whether the window has room for a full segment."""
    room: cython.longlong
    flags: cython.longlong = marks[h, FLAGS] & ~BLOCKED
    if flags & ZERO:
        flags |= BLOCKED
    elif flags & EDGE_SET:
        room = (cython.cast(cython.longlong, marks[h, EDGE]) - marks[h, NEXT]) & MASK32
        if room >= HALF or room < (marks[h, FULL] & MOST_PAYLOAD):
            flags |= BLOCKED
    marks[h, FLAGS] = flags
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def account(
    h: cython.Py_ssize_t, now: cython.longlong, times: cython.longlong[:, ::1], marks: cython.uint[:, ::1]
) -> cython.longlong:
    """Sort the time up to now by what the sender could do in it."""
    span: cython.longlong = now - times[h, SINCE]
    part: cython.longlong
    flight: cython.longlong
    flags: cython.longlong = marks[h, FLAGS]
    if span <= 0:
        return 0
    times[h, SINCE] = now
    flight = (cython.cast(cython.longlong, marks[h, NEXT]) - marks[h, ACKED]) & MASK32
    if flags & RECOVERING:
        times[h, RECOVERY] += span
    elif flags & BLOCKED:
        if flight == 0:
            times[h, PENDING_DRY] += span
        else:
            times[h, PENDING_BLOCKED] += span
    elif flight == 0:
        times[h, PENDING_IDLE] += span
    else:
        if flags & QUEUED and flight > 2 * (marks[h, FULL] & MOST_PAYLOAD):
            # The queue explains no longer silence than twice the time that segments take.
            part = max(times[h, DATA_NS], times[h, ACK_NS]) + 2000 * cython.cast(
                cython.longlong, marks[h, LAST_TRIP_US]
            )
            part = min(max(part - (now - span), 0), span)
            times[h, PATH] += part
            span -= part
        times[h, PENDING_OPEN] += span
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def grow(h: cython.Py_ssize_t, now: cython.longlong, times: cython.longlong[:, ::1]) -> cython.longlong:
    """The flight grows, or will for other reasons: what was waited for so far was the congestion window."""
    times[h, START] += times[h, PENDING_STILL]
    times[h, PENDING_STILL] = 0
    times[h, GROWN_NS] = now
    return 0


@cython.cfunc
@cython.nogil
def start_recovery(
    h: cython.Py_ssize_t, now: cython.longlong, times: cython.longlong[:, ::1], marks: cython.uint[:, ::1]
) -> cython.longlong:
    """Its sender begins to repair a loss; until now it waited for acknowledgements."""
    grow(h, now, times)
    if marks[h, FLAGS] & LOST:
        times[h, CONGESTION] += times[h, PENDING_OPEN]
    else:
        times[h, START] += times[h, PENDING_OPEN]
    times[h, PENDING_OPEN] = 0
    marks[h, FLAGS] |= RECOVERING | LOST
    marks[h, REPAIRED] = marks[h, NEXT]
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def hear(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    acked: cython.longlong,
    edge: cython.longlong,
    news: cython.longlong,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
) -> cython.longlong:
    """The sender gets an acknowledgement: ``edge`` and ``news`` as in a node."""
    flags: cython.longlong
    distance: cython.longlong
    moved: cython.bint = False
    flags = marks[h, FLAGS]
    if flags & STARTED:
        account(h, now, times, marks)
    distance = (acked - marks[h, ACKED]) & MASK32
    if not flags & NUMBERED:
        flags |= NUMBERED
        marks[h, NEXT] = acked
        marks[h, ACKED] = acked
    elif 0 < distance <= REACH:
        moved = True
        marks[h, ACKED] = acked
        if later(acked, marks[h, NEXT]):
            marks[h, NEXT] = acked  # what was not captured has arrived
        if flags & RECOVERING and not later(marks[h, REPAIRED], acked):
            flags &= ~RECOVERING
        if marks[h, NEXT] == acked:
            flags &= ~QUEUED
    elif distance != 0 and MASK32 + 1 - distance > REACH:
        return 0
    flags |= HEARD
    if edge >= 0:
        if not flags & EDGE_SET or later(edge, marks[h, EDGE]):
            moved = True
            flags |= EDGE_SET
            marks[h, EDGE] = edge
    if news & 2:
        flags |= ZERO
    elif flags & ZERO:
        moved = True
        flags &= ~ZERO
    if moved:
        times[h, ACK_NS] = now
        flags |= PROMPTED
        flags &= ~ANSWERED
        if news & 1:
            flags |= ANSWERED
    marks[h, FLAGS] = flags
    mark_blocked(h, marks)
    if news & 4 and not flags & RECOVERING and marks[h, NEXT] != marks[h, ACKED]:
        start_recovery(h, now, times, marks)
    return 0


@cython.cfunc
@cython.nogil
def hear_due(
    h: cython.Py_ssize_t,
    until: cython.longlong,
    now: cython.longlong,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Let the acknowledgements that are due until some time have reached the sender, by now at the latest."""
    node: cython.longlong = marks[h, HEAD]
    then: cython.longlong
    while node != 0 and nodes[node, DUE_NS] <= until:
        hear(
            h, min(nodes[node, DUE_NS], now), nodes[node, ACK_NUMBER], nodes[node, NODE_EDGE],
            nodes[node, NEWS], times, marks,
        )  # fmt: skip
        then = nodes[node, AFTER]
        nodes[node, AFTER] = counters[1]
        counters[1] = node
        node = then
        marks[h, HEAD] = node
        if node == 0:
            marks[h, TAIL] = 0
    return 0


@cython.cfunc
@cython.nogil
def hear_early(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    end: cython.longlong,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Its sender uses window that it cannot have heard of yet: it is nearer than was measured."""
    lag: cython.longlong = marks[h, TRIP_US]
    took: cython.longlong
    due: cython.longlong
    while marks[h, HEAD] != 0 and later(end, marks[h, EDGE]):
        due = nodes[marks[h, HEAD], DUE_NS]
        took = max(now - due + lag * 1000, 0) // 1000
        marks[h, TRIP_US] = min(max(took, 1), marks[h, TRIP_US])
        hear_due(h, due, now, times, marks, nodes, counters)
    return 0


@cython.cfunc
@cython.nogil
def send_later(
    h: cython.Py_ssize_t,
    due: cython.longlong,
    lag: cython.longlong,
    acked: cython.longlong,
    edge: cython.longlong,
    news: cython.longlong,
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Put an acknowledgement on its way to the sender.

    Those that come within a 64th of the time that it takes go together, so that there are never more
    than that many of a half-stream.
    """
    node: cython.longlong = marks[h, TAIL]
    if node != 0 and due - nodes[node, DUE_NS] < lag // 64 + 1:
        if later(acked, nodes[node, ACK_NUMBER]):
            nodes[node, ACK_NUMBER] = acked
        if edge >= 0 and (nodes[node, NODE_EDGE] < 0 or later(edge, nodes[node, NODE_EDGE])):
            nodes[node, NODE_EDGE] = edge
        nodes[node, NEWS] = (nodes[node, NEWS] & 5) | news
        return 0
    node = counters[1]
    if node != 0:
        counters[1] = nodes[node, AFTER]
    else:
        counters[0] += 1
        node = counters[0]
    nodes[node, DUE_NS] = due
    nodes[node, ACK_NUMBER] = acked
    nodes[node, NODE_EDGE] = edge
    nodes[node, NEWS] = news
    nodes[node, AFTER] = 0
    if marks[h, TAIL] != 0:
        nodes[marks[h, TAIL], AFTER] = node
    else:
        marks[h, HEAD] = node
    marks[h, TAIL] = node
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def settle(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    repeated: cython.int,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
) -> cython.longlong:
    """A segment leaves: decide what was waited for since the last one."""
    flags: cython.longlong = marks[h, FLAGS]
    trip: cython.longlong = cython.cast(cython.longlong, marks[h, TRIP_US]) + marks[h ^ 1, TRIP_US]
    slack: cython.longlong = min(max(trip // 16, LEAST_SLACK_US), MOST_SLACK_US)
    gap: cython.longlong = max(now - times[h, DATA_NS], 0) // 1000
    reaction: cython.longlong = max(now - times[h, ACK_NS], 0) // 1000
    before: cython.longlong = marks[h, GAP_US]
    idle: cython.longlong = times[h, PENDING_IDLE]
    waiting: cython.longlong = times[h, PENDING_BLOCKED]
    dry: cython.longlong = times[h, PENDING_DRY]
    size: cython.longlong = times[h, PENDING_OPEN]
    prompt: cython.bint = flags & PROMPTED != 0 and reaction <= slack
    even: cython.bint = False
    paused: cython.bint = False
    answered: cython.bint
    empty: cython.bint
    if lag_us(h, marks) > 0:
        # The way to the capture point does not take the same time for each.
        slack = max(trip // 2, slack)
        prompt = flags & PROMPTED != 0 and reaction <= slack
    if gap * 256 > trip:
        # Evenly spaced, but not one flight a round trip.
        even = before > 0 and 3 * abs(gap - before) <= max(gap, before) and (trip == 0 or 2 * gap < trip)
        marks[h, GAP_US] = min(gap, MASK32)
    # Had the application written all? A short segment says so, unless an acknowledgement brought the next
    # one while others were on their way; PSH does if nothing in the network or an answer brought it.
    answered = flags & ANSWERED != 0
    empty = marks[h, NEXT] == marks[h, ACKED]
    if flags & SHORT:
        paused = not prompt or answered or empty or reaction * 8 > gap
    elif flags & PUSHED:
        paused = (not prompt and not even) or (answered and empty)
    if waiting + dry > 0:
        if flags & PROBED or repeated or (not flags & BLOCKED and (prompt or not flags & (SHORT | PUSHED))):
            times[h, WINDOW] += waiting + dry
        else:
            times[h, APPLICATION] += waiting + dry
            times[h, IDLE] += dry
        times[h, PENDING_BLOCKED] = 0
        times[h, PENDING_DRY] = 0
    if idle > 0:
        times[h, APPLICATION] += idle
        times[h, IDLE] += idle
        times[h, PENDING_IDLE] = 0
    if size > 0:
        times[h, PENDING_OPEN] = 0
        if idle // 1000 > slack:
            times[h, APPLICATION] += size
            times[h, DELIVERY] += size
        elif repeated and not flags & SHORT:
            if flags & LOST:
                times[h, CONGESTION] += size
            else:
                times[h, START] += size
        elif paused:
            times[h, APPLICATION] += size
        elif not prompt or even:
            times[h, PATH] += size
        elif flags & LOST:
            times[h, CONGESTION] += size
        else:
            times[h, PENDING_STILL] += size
            if trip > 0 and now - times[h, GROWN_NS] > STILL_TRIPS * trip * 1000:
                times[h, BUFFER] += times[h, PENDING_STILL]
                times[h, PENDING_STILL] = 0
    if idle // 1000 > slack or (flags & SHORT and gap > slack and not prompt):
        # After a pause of the application the flight begins anew.
        grow(h, now, times)
        marks[h, PEAK] = 0
    return 0


@cython.cfunc
@cython.nogil
def repeat(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    why: cython.longlong,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
) -> cython.longlong:
    """Something is sent again: it was waited for the timer, or for the acknowledgements that tell."""
    silent: cython.longlong = max(now - max(times[h, DATA_NS], times[h, ACK_NS]), 0)
    part: cython.longlong
    if why == NONE and silent >= TIMER_NS:
        why = TIMEOUT
    if why == TIMEOUT or why == TAIL_LOSS_PROBE or why == TAIL_TIMER:
        part = min(silent, times[h, PENDING_OPEN])
        times[h, PENDING_OPEN] -= part
        times[h, RECOVERY] += part
        silent -= part
        # A receiver that leaves the window full for two round trips is probed: nothing is lost.
        if why == TIMEOUT:
            part = min(silent, times[h, PENDING_BLOCKED])
            times[h, PENDING_BLOCKED] -= part
            times[h, RECOVERY] += part
            silent -= part
        # The acknowledgement that was seen may have been lost or late on its way from here.
        part = min(silent, times[h, PENDING_IDLE])
        times[h, PENDING_IDLE] -= part
        times[h, RECOVERY] += part
    settle(h, now, 1, times, marks)
    if why == HANDSHAKE or why == TAIL_LOSS_PROBE:
        return 0
    if marks[h, NEXT] != marks[h, ACKED] and (why == TIMEOUT or not marks[h, FLAGS] & RECOVERING):
        start_recovery(h, now, times, marks)
    return 0


@cython.cfunc
@cython.nogil
def stop(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """A reset ends the half-stream: nothing is on its way or waits any longer."""
    hear_due(h, FOREVER, FOREVER, times, marks, nodes, counters)
    if marks[h, FLAGS] & STARTED:
        account(h, now, times, marks)
    marks[h, ACKED] = marks[h, NEXT]
    marks[h, FLAGS] = (marks[h, FLAGS] & ~(RECOVERING | BLOCKED | ZERO | EDGE_SET | QUEUED)) | FINISHED
    return 0


def limit_segments(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    mss: cython.int[::1],
    tsval: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    cause: cython.uchar[::1],
    dup_number: cython.int[::1],
    new_bytes: cython.int[::1],
    window_bytes: cython.int[::1],
    peer_in_flight: cython.int[::1],
    measured: cython.uchar[::1],
    rtt_ns: cython.longlong[::1],
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Account for the time between the segments of a batch.

    ``times`` and ``marks`` have two rows for each stream, ``nodes`` room for one more a row. ``counters``
    holds how many nodes have ever been used (0) and the first free one (1).

    Returns:
        A number that means nothing: it keeps the looks ahead from being optimised away.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    h: cython.Py_ssize_t
    other: cython.Py_ssize_t
    now: cython.longlong
    size: cython.longlong
    start: cython.longlong
    end: cython.longlong
    amount: cython.longlong
    full: cython.longlong
    edge: cython.longlong
    news: cython.longlong
    lag: cython.longlong
    tcp: cython.int
    bits: cython.int
    known: cython.bint
    look: cython.Py_ssize_t
    ahead: cython.Py_ssize_t = 0
    warm: cython.longlong = 0
    with cython.nogil:
        for index in range(rows):
            if index == ahead:
                # A look at what the next segments will touch, as in the sequence kernel.
                ahead = min(rows, index + AHEAD)
                for look in range(index, ahead):
                    row = order[look]
                    if analysed[row]:
                        h = stream[row] * 2
                        warm ^= marks[h, 0] ^ marks[h + 1, 0] ^ marks[h + 1, HEAD]
                        warm ^= times[h, 0] ^ times[h, 8] ^ times[h, 16]
                        warm ^= times[h + 1, 5] ^ times[h + 1, 13] ^ times[h + 1, BYTES]
            row = order[index]
            if not analysed[row]:
                continue
            bits = labels[row]
            if bits & OUT_OF_WINDOW:
                continue
            h = stream[row] * 2 + side[row]
            other = h ^ 1
            tcp = flags[row]
            now = min(max(time_ns[frame[row]], 0), LAST_NS)
            size = payload_bytes[row]
            if tcp & RST:
                stop(h, now, times, marks, nodes, counters)
                stop(other, now, times, marks, nodes, counters)
                continue
            start = seq[row]
            if tcp & SYN:
                start = (start + 1) & MASK32
                if not marks[h, FLAGS] & STARTED:
                    marks[h, FLAGS] |= NUMBERED
                    marks[h, NEXT] = start
                    marks[h, ACKED] = start
                if mss[row] > 0:
                    amount = mss[row] & 0xFFFF
                    marks[other, FLAGS] = (marks[other, FLAGS] & 0xFFFF) | (amount << OPTION_SHIFT)

            # What it tells the other side about that one's data.
            if tcp & ACK:
                if measured[row] != 0 and rtt_ns[row] >= 0:
                    amount = min(max(rtt_ns[row] // 1000, 1), MASK32)
                    if measured[row] == MEASURED and (marks[h, TRIP_US] == 0 or amount < marks[h, TRIP_US]):
                        marks[h, TRIP_US] = amount
                    # A receiver delays the acknowledgement of the last segment: that is no queue.
                    if peer_in_flight[row] > 0 and (
                        measured[row] == MEASURED or measured[row] == BY_TIMESTAMP
                    ):
                        marks[other, LAST_TRIP_US] = amount
                        lag = cython.cast(cython.longlong, marks[h, TRIP_US]) + marks[other, TRIP_US]
                        if amount - marks[h, TRIP_US] > max(lag // 2, LEAST_QUEUE_US):
                            marks[other, FLAGS] |= QUEUED
                        else:
                            marks[other, FLAGS] &= ~QUEUED
                edge = -1
                if window_bytes[row] >= 0:
                    edge = (ack[row] + window_bytes[row]) & MASK32
                news = 0
                if size > 0:
                    news = 1
                if bits & ZERO_WINDOW:
                    news |= 2
                amount = marks[other, FLAGS]
                # As a rule data says nothing new to the other side if that only acknowledges.
                known = (
                    not amount & (STARTED | ZERO)
                    and amount & HEARD
                    and amount & EDGE_SET
                    and news < 2
                    and edge == marks[other, EDGE]
                    and ack[row] == marks[other, ACKED]
                )
                lag = 0
                if amount & STARTED:
                    lag = lag_us(other, marks)
                if known:
                    pass
                elif lag > 0:
                    hear_due(other, now, now, times, marks, nodes, counters)
                    lag *= 1000
                    # What is sent again then may come by for the first time: the first was lost before.
                    if bits & DUPLICATE_ACK and dup_number[row] >= 3:
                        news |= 4
                    send_later(other, now + lag, lag, ack[row], edge, news, marks, nodes, counters)
                else:
                    if marks[other, HEAD] != 0:
                        hear_due(other, FOREVER, now, times, marks, nodes, counters)
                    hear(other, now, ack[row], edge, news, times, marks)

            # What it sends.
            if tcp & FIN:
                marks[h, FLAGS] |= FINISHED
            if size <= 0 and not bits & (ZERO_WINDOW_PROBE | KEEP_ALIVE):
                continue
            if marks[h, FLAGS] & STARTED:
                if marks[h, HEAD] != 0:
                    hear_due(h, now, now, times, marks, nodes, counters)
                    if marks[h, FLAGS] & EDGE_SET:
                        hear_early(h, now, (start + size) & MASK32, times, marks, nodes, counters)
                account(h, now, times, marks)
            if bits & (ZERO_WINDOW_PROBE | KEEP_ALIVE):
                # A sender that goes on asking has not got the acknowledgement that opens the window.
                if marks[h, FLAGS] & PROBED:
                    times[h, PENDING_DRY] += times[h, PENDING_IDLE]
                    times[h, PENDING_IDLE] = 0
                if bits & ZERO_WINDOW_PROBE or marks[h, FLAGS] & BLOCKED:
                    marks[h, FLAGS] |= PROBED
                continue
            if not marks[h, FLAGS] & STARTED:
                marks[h, FLAGS] |= STARTED
                times[h, SINCE] = now
                times[h, DATA_NS] = now
                times[h, GROWN_NS] = now
                if not marks[h, FLAGS] & NUMBERED:
                    marks[h, FLAGS] |= NUMBERED
                    marks[h, NEXT] = start
                    marks[h, ACKED] = start
            times[h, BYTES] += new_bytes[row]
            if bits & (OUT_OF_ORDER | NETWORK_COPY):
                continue
            end = (start + size) & MASK32
            if bits & RETRANSMISSION:
                repeat(h, now, cause[row], times, marks)
            else:
                settle(h, now, 0, times, marks)
            times[h, DATA_NS] = now
            marks[h, FLAGS] &= ~(PROMPTED | ANSWERED | PROBED)
            if later(end, marks[h, NEXT]):
                marks[h, NEXT] = end
                if tsval[row] >= 0:
                    marks[h, FLAGS] |= STAMPED
                # The largest payload so far, no more than the other side takes and no less than any does.
                amount = marks[h, FULL]
                full = marks[h, FLAGS] >> OPTION_SHIFT
                if full == 0:
                    full = USUAL_SEGMENT
                elif marks[h, FLAGS] & STAMPED:
                    full = max(full - TIMESTAMP_BYTES, 1)
                full = min(full, max(amount & MOST_PAYLOAD, size, LEAST_SEGMENT))
                amount >>= COUNT_SHIFT
                if amount < 255:
                    amount += 1
                marks[h, FULL] = (amount << COUNT_SHIFT) | full
                marks[h, FLAGS] &= ~(SHORT | PUSHED)
                if tcp & PSH:
                    marks[h, FLAGS] |= PUSHED
                # Several segments in one, which cards cut or have joined.
                if size < full or (
                    size > full and size % full != 0 and tcp & PSH and marks[h, FLAGS] >> OPTION_SHIFT != 0
                ):
                    marks[h, FLAGS] |= SHORT
                amount = (cython.cast(cython.longlong, marks[h, NEXT]) - marks[h, ACKED]) & MASK32
                if amount >= marks[h, PEAK] + full or marks[h, PEAK] == 0:
                    marks[h, PEAK] = amount
                    grow(h, now, times)
            mark_blocked(h, marks)
    return warm


def settle_all(
    rows: cython.Py_ssize_t,
    times: cython.longlong[:, ::1],
    marks: cython.uint[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Decide about the time since the last payload of each half-stream, as if no more came.

    What is on its way still belongs to the active time; what passed after its acknowledgement does not,
    unless the sender asked for window.

    Returns:
        0.
    """
    h: cython.Py_ssize_t
    flags: cython.longlong
    with cython.nogil:
        for h in range(rows):
            if not marks[h, FLAGS] & STARTED:
                continue
            hear_due(h, FOREVER, FOREVER, times, marks, nodes, counters)
            flags = marks[h, FLAGS]
            grow(h, times[h, GROWN_NS], times)
            if flags & PROBED:
                times[h, WINDOW] += times[h, PENDING_BLOCKED] + times[h, PENDING_DRY]
            else:
                times[h, APPLICATION] += times[h, PENDING_BLOCKED]
            if flags & (SHORT | PUSHED | FINISHED):
                times[h, APPLICATION] += times[h, PENDING_OPEN]
                times[h, DELIVERY] += times[h, PENDING_OPEN]
            elif flags & LOST:
                times[h, CONGESTION] += times[h, PENDING_OPEN]
            else:
                times[h, START] += times[h, PENDING_OPEN]
            times[h, PENDING_OPEN] = 0
            times[h, PENDING_BLOCKED] = 0
            times[h, PENDING_DRY] = 0
            times[h, PENDING_IDLE] = 0
    return 0
