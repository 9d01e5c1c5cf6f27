"""What each stream waited for: every ns between its first and last segment is given to one cause.

Time is cut at segments that are more than an acknowledgement (payload, SYN, FIN, RST: *moves*), and where the
window closes and opens. What a piece of time was spent on is decided by the move that ends it, and by the
acknowledgements in between:

- A move that is sent again ends a wait for a *retransmission timer* (a timeout, a tail loss probe), for the
  acknowledgements that tell of a loss (*fast recovery*, RFC 6675), or a *handshake retry*. Recovery lasts
  until all is acknowledged that had been sent when it began.
- One side answers the other: a round trip from the capture point to that side is the *network's*, the rest is
  the time that its application took.
- A side goes on sending:

  - A segment that is not full leaves as soon as all before it is acknowledged, and the one before was not
    full either: *Nagle's algorithm* (RFC 1122 section 4.2.3.4, RFC 896) held it. If the acknowledgement came
    later than the shortest round trip explains, it was a *delayed* one (RFC 1122 section 4.2.3.2). It is not
    Nagle's algorithm if this side is known to send small segments behind small ones.
  - It leaves upon an acknowledgement, and the one before had left no room for a full segment in the window
    as far as its sender can have known: *window full*.
  - The segment before was full: the *network* (congestion window, rate of the way, bursts).
  - Otherwise its application had nothing to send.

- While the window is zero: *zero window*, if the sender asked for window or sent as soon as it opened.
- After the last acknowledgement of all: *idle*.

The capture point may be anywhere. All intervals are differences of times at that point, and what a side does
upon a segment is seen there one round trip between the point and that side later: the shortest measured is
taken off where reactions are judged.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import causes, kinds
from netanalyze.tcp import wait_fields as fields

NETWORK = cython.declare(cython.int, fields.NETWORK)
THINKING = cython.declare(cython.int, fields.THINKING)
NAGLE_DELAYED_ACK = cython.declare(cython.int, fields.NAGLE_DELAYED_ACK)
NAGLE = cython.declare(cython.int, fields.NAGLE)
ZERO_WINDOW = cython.declare(cython.int, fields.ZERO_WINDOW)
WINDOW_FULL = cython.declare(cython.int, fields.WINDOW_FULL)
RETRANSMISSION_TIMEOUT = cython.declare(cython.int, fields.RETRANSMISSION_TIMEOUT)
FAST_RECOVERY = cython.declare(cython.int, fields.FAST_RECOVERY)
HANDSHAKE_RETRY = cython.declare(cython.int, fields.HANDSHAKE_RETRY)
IDLE = cython.declare(cython.int, fields.IDLE)
FLAGS = cython.declare(cython.int, fields.FLAGS)
NEXT = cython.declare(cython.int, fields.NEXT)
ACKED = cython.declare(cython.int, fields.ACKED)
EDGE = cython.declare(cython.int, fields.EDGE)
LARGEST = cython.declare(cython.int, fields.LARGEST)
OPTION = cython.declare(cython.int, fields.OPTION)
TRIP_NS = cython.declare(cython.int, fields.TRIP_NS)
DATA_NS = cython.declare(cython.int, fields.DATA_NS)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
ACK_FRAME = cython.declare(cython.int, fields.ACK_FRAME)
ACK_WAIT_NS = cython.declare(cython.int, fields.ACK_WAIT_NS)
ZERO_NS = cython.declare(cython.int, fields.ZERO_NS)
ZERO_FRAME = cython.declare(cython.int, fields.ZERO_FRAME)
ZERO_WAIT_NS = cython.declare(cython.int, fields.ZERO_WAIT_NS)
REPAIRED = cython.declare(cython.int, fields.REPAIRED)
EAGER = cython.declare(cython.int, fields.EAGER)
EAGER_FRAME = cython.declare(cython.int, fields.EAGER_FRAME)
HELD = cython.declare(cython.int, fields.HELD)
HELD_FRAME = cython.declare(cython.int, fields.HELD_FRAME)
HELD_NS = cython.declare(cython.int, fields.HELD_NS)
STALLS = cython.declare(cython.int, fields.STALLS)
STALL_NS = cython.declare(cython.int, fields.STALL_NS)
QUICK = cython.declare(cython.int, fields.QUICK)
DELAYED = cython.declare(cython.int, fields.DELAYED)
QUICK_FIRST = cython.declare(cython.int, fields.QUICK_FIRST)
PHASES = cython.declare(cython.int, fields.PHASES)
DELAY_MIN_NS = cython.declare(cython.int, fields.DELAY_MIN_NS)
DELAY_MAX_NS = cython.declare(cython.int, fields.DELAY_MAX_NS)
DELAY_SUM_NS = cython.declare(cython.int, fields.DELAY_SUM_NS)
DELAY_FRAME = cython.declare(cython.int, fields.DELAY_FRAME)
BUCKETS = cython.declare(cython.int, fields.BUCKETS)
HEARD_EDGE = cython.declare(cython.int, fields.HEARD_EDGE)
LATER_EDGE = cython.declare(cython.int, fields.LATER_EDGE)
LATER_NS = cython.declare(cython.int, fields.LATER_NS)
ACKED_BYTES = cython.declare(cython.int, fields.ACKED_BYTES)
NUMBERED = cython.declare(cython.int, fields.NUMBERED)
SHORT = cython.declare(cython.int, fields.SHORT)
PROMPTED = cython.declare(cython.int, fields.PROMPTED)
FULL_UP = cython.declare(cython.int, fields.FULL_UP)
ZERO = cython.declare(cython.int, fields.ZERO)
PROBED = cython.declare(cython.int, fields.PROBED)
EDGE_SET = cython.declare(cython.int, fields.EDGE_SET)
RECOVERING = cython.declare(cython.int, fields.RECOVERING)
STAMPED = cython.declare(cython.int, fields.STAMPED)
LAST_QUICK = cython.declare(cython.int, fields.LAST_QUICK)
SPOKE = cython.declare(cython.int, fields.SPOKE)
LOST = cython.declare(cython.int, fields.LOST)
FIRST_NS = cython.declare(cython.int, fields.FIRST_NS)
NOW_NS = cython.declare(cython.int, fields.NOW_NS)
MOVE_NS = cython.declare(cython.int, fields.MOVE_NS)
MOVE_FRAME = cython.declare(cython.int, fields.MOVE_FRAME)
BITS = cython.declare(cython.int, fields.BITS)
SUMS = cython.declare(cython.int, fields.SUMS)
BEGUN = cython.declare(cython.int, fields.BEGUN)
MOVE_SIDE = cython.declare(cython.int, fields.MOVE_SIDE)
OPENING = cython.declare(cython.int, fields.OPENING)
STREAM = cython.declare(cython.int, fields.STREAM)
SIDE = cython.declare(cython.int, fields.SIDE)
KIND = cython.declare(cython.int, fields.KIND)
FRAME = cython.declare(cython.int, fields.FRAME)
TIME_NS = cython.declare(cython.int, fields.TIME_NS)
DURATION_NS = cython.declare(cython.int, fields.DURATION_NS)
END_FRAME = cython.declare(cython.int, fields.END_FRAME)
CAUSE_FRAME = cython.declare(cython.int, fields.CAUSE_FRAME)

RETRANSMISSION = cython.declare(cython.int, kinds.RETRANSMISSION)
NETWORK_COPY = cython.declare(cython.int, kinds.NETWORK_COPY)
OUT_OF_ORDER = cython.declare(cython.int, kinds.OUT_OF_ORDER)
ZERO_WINDOW_PROBE = cython.declare(cython.int, kinds.ZERO_WINDOW_PROBE)
KEEP_ALIVE = cython.declare(cython.int, kinds.KEEP_ALIVE)
OUT_OF_WINDOW = cython.declare(cython.int, kinds.OUT_OF_WINDOW)
NO_CAUSE = cython.declare(cython.int, causes.NONE)
HANDSHAKE = cython.declare(cython.int, causes.HANDSHAKE)
TIMEOUT = cython.declare(cython.int, causes.TIMEOUT)
AFTER_TIMEOUT = cython.declare(cython.int, causes.AFTER_TIMEOUT)
TAIL_LOSS_PROBE = cython.declare(cython.int, causes.TAIL_LOSS_PROBE)
TAIL_TIMER = cython.declare(cython.int, causes.TAIL_TIMER)
MEASURED = cython.declare(cython.int, causes.MEASURED)

FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
REACH = cython.declare(cython.longlong, 1 << 30)
TIMESTAMP_BYTES = cython.declare(cython.longlong, 12)
LEAST_SEGMENT = cython.declare(cython.longlong, 536)
USUAL_SEGMENT = cython.declare(cython.longlong, 1460)
MS = cython.declare(cython.longlong, 1_000_000)
LONGEST_NS = cython.declare(cython.longlong, 1 << 56)
"""No round trip is longer; sums of a few fit in 64 bits."""
SLACK_NS = cython.declare(cython.longlong, 1_000_000)
"""How long a sender may take to react to an acknowledgement, besides half of the way: not each segment takes
the same time for that."""
LEAST_HOLD_NS = cython.declare(cython.longlong, 100_000)
"""Shorter, a hold cannot be told from a program that takes its time between two writes."""
LEAST_DELAY_NS = cython.declare(cython.longlong, 10_000_000)
"""An acknowledgement this late (or an eighth of the way, if that is more) is a delayed one: no system's timer
for it is shorter, and no host is that slow."""
MOST_DELAY_NS = cython.declare(cython.longlong, 1 << 40)
LEAST_STALL_NS = cython.declare(cython.longlong, 1_000_000)
"""Shorter waits count in the sums alone."""
TIMER_NS = cython.declare(cython.longlong, 180_000_000)
"""Where the cause of a retransmission is not known, a wait of this length is taken for the timer's."""
_BUCKET_0 = cython.declare(cython.longlong, fields.BUCKET_MS[0])
_BUCKET_1 = cython.declare(cython.longlong, fields.BUCKET_MS[1])
_BUCKET_2 = cython.declare(cython.longlong, fields.BUCKET_MS[2])
_BUCKET_3 = cython.declare(cython.longlong, fields.BUCKET_MS[3])
_BUCKET_4 = cython.declare(cython.longlong, fields.BUCKET_MS[4])
_BUCKET_5 = cython.declare(cython.longlong, fields.BUCKET_MS[5])
_BUCKET_6 = cython.declare(cython.longlong, fields.BUCKET_MS[6])
_BUCKET_7 = cython.declare(cython.longlong, fields.BUCKET_MS[7])


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
@cython.exceptval(check=False)
def bucket(delay_ms: cython.longlong) -> cython.int:
    """The number of the bucket of ``BUCKET_MS`` that a delay is in."""
    if delay_ms < _BUCKET_3:
        if delay_ms < _BUCKET_1:
            return 0 if delay_ms < _BUCKET_0 else 1
        return 2 if delay_ms < _BUCKET_2 else 3
    if delay_ms < _BUCKET_5:
        return 4 if delay_ms < _BUCKET_4 else 5
    if delay_ms < _BUCKET_6:
        return 6
    return 7 if delay_ms < _BUCKET_7 else 8


@cython.cfunc
@cython.nogil
@cython.inline
def full_segment(h: cython.Py_ssize_t, halves: cython.longlong[:, ::1]) -> cython.longlong:
    """Payload of a full segment: what was the most so far, no more than the other side takes."""
    full: cython.longlong = halves[h, OPTION]
    if full == 0:
        full = USUAL_SEGMENT
    elif halves[h, FLAGS] & STAMPED:
        full = max(full - TIMESTAMP_BYTES, 1)
    return min(full, max(halves[h, LARGEST], LEAST_SEGMENT))


@cython.cfunc
@cython.nogil
def stall(
    s: cython.Py_ssize_t,
    h: cython.Py_ssize_t,
    kind: cython.int,
    first_frame: cython.longlong,
    began: cython.longlong,
    duration: cython.longlong,
    last_frame: cython.longlong,
    cause_frame: cython.longlong,
    halves: cython.longlong[:, ::1],
    waits: cython.longlong[:, ::1],
    counts: cython.longlong[::1],
) -> cython.longlong:
    """Make a row of a wait, if it was long enough to be one."""
    w: cython.Py_ssize_t = counts[0]
    if duration < LEAST_STALL_NS:
        return 0
    waits[w, STREAM] = s
    waits[w, SIDE] = h & 1
    waits[w, KIND] = kind
    waits[w, FRAME] = first_frame
    waits[w, TIME_NS] = began
    waits[w, DURATION_NS] = duration
    waits[w, END_FRAME] = last_frame
    waits[w, CAUSE_FRAME] = cause_frame
    counts[0] = w + 1
    if kind != THINKING and kind != THINKING + 1:
        halves[h, STALLS] += 1
        halves[h, STALL_NS] += duration
    return 0


@cython.cfunc
@cython.nogil
def opened(
    s: cython.Py_ssize_t,
    h: cython.Py_ssize_t,
    now: cython.longlong,
    streams: cython.longlong[:, ::1],
    halves: cython.longlong[:, ::1],
    waits: cython.longlong[:, ::1],
    counts: cython.longlong[::1],
) -> cython.longlong:
    """A side sends after its window was closed: did it wait for that?

    Returns:
        1 if it did, else 0.
    """
    wait: cython.longlong = halves[h, ZERO_WAIT_NS]
    reaction: cython.longlong = now - halves[h, ACK_NS] - halves[h, TRIP_NS]
    kind: cython.int = THINKING + (h & 1)
    if halves[h, FLAGS] & PROBED or reaction <= SLACK_NS + halves[h, TRIP_NS] // 2:
        kind = ZERO_WINDOW
    streams[s, SUMS + kind] += wait
    stall(
        s, h, kind, halves[h, ZERO_FRAME], halves[h, ZERO_NS], wait, halves[h, ACK_FRAME],
        halves[h, ACK_FRAME], halves, waits, counts,
    )  # fmt: skip
    halves[h, ZERO_WAIT_NS] = 0
    halves[h, FLAGS] &= ~PROBED
    return 1 if kind == ZERO_WINDOW else 0


@cython.cfunc
@cython.nogil
def goes_on(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    size: cython.longlong,
    halves: cython.longlong[:, ::1],
) -> cython.int:
    """A side goes on sending by itself: the cause of its wait."""
    flags: cython.longlong = halves[h, FLAGS]
    trip: cython.longlong = halves[h, TRIP_NS]
    far: cython.longlong = halves[h ^ 1, TRIP_NS]
    wait: cython.longlong = halves[h, ACK_WAIT_NS]
    since: cython.longlong = now - halves[h, ACK_NS]
    reaction: cython.longlong = max(since - trip, 0)
    prompt: cython.bint = flags & PROMPTED != 0 and reaction <= SLACK_NS + trip // 2 and since >= trip - since
    acked: cython.bint = halves[h, NEXT] == halves[h, ACKED]
    delayed: cython.bint = wait - far >= max(LEAST_DELAY_NS, far // 8)
    # Linux lets a small segment go behind full ones (Minshall's variant), others do not. Only if the one full
    # segment before it was acknowledged late, this can be told from a congestion window.
    classic: cython.bint = delayed and not flags & LOST and halves[h, ACKED_BYTES] <= full_segment(h, halves)
    if (
        prompt
        and acked
        and (flags & SHORT or classic)
        and 0 < size < full_segment(h, halves)
        and halves[h, EAGER] == 0
        and wait + trip >= LEAST_HOLD_NS
        and wait + trip >= 4 * reaction
    ):
        if delayed:
            return NAGLE_DELAYED_ACK
        return NAGLE
    if flags & FULL_UP and (prompt or now - halves[h, DATA_NS] <= trip + trip // 2 + SLACK_NS):
        return WINDOW_FULL
    if flags & SHORT or (acked and not prompt and since > SLACK_NS + 2 * trip):
        return THINKING + (h & 1)
    return NETWORK


@cython.cfunc
@cython.nogil
def sent_again(
    h: cython.Py_ssize_t,
    tcp: cython.int,
    why: cython.int,
    waited: cython.longlong,
    halves: cython.longlong[:, ::1],
) -> cython.int:
    """A segment is sent again: the cause of the wait before it."""
    if why == HANDSHAKE or tcp & SYN:
        return HANDSHAKE_RETRY
    halves[h, FLAGS] |= LOST
    if why == NO_CAUSE and waited >= TIMER_NS:
        why = TIMEOUT
    if why == TIMEOUT or why == TAIL_LOSS_PROBE or why == TAIL_TIMER or why == AFTER_TIMEOUT:
        return RETRANSMISSION_TIMEOUT
    if not halves[h, FLAGS] & RECOVERING and halves[h, NEXT] != halves[h, ACKED]:
        halves[h, FLAGS] |= RECOVERING
        halves[h, REPAIRED] = halves[h, NEXT]
    return FAST_RECOVERY


@cython.cfunc
@cython.nogil
def move(
    s: cython.Py_ssize_t,
    h: cython.Py_ssize_t,
    now: cython.longlong,
    frame: cython.longlong,
    kind: cython.int,
    streams: cython.longlong[:, ::1],
    halves: cython.longlong[:, ::1],
    waits: cython.longlong[:, ::1],
    counts: cython.longlong[::1],
) -> cython.longlong:
    """Give the time since the last move to a cause; below 0: to a round trip, and to thinking."""
    gap: cython.longlong = now - streams[s, MOVE_NS]
    part: cython.longlong = 0
    cause_frame: cython.longlong = 0
    if kind < 0:
        kind = THINKING + (h & 1)
        part = min(gap, halves[h, TRIP_NS])
        if streams[s, BITS] & OPENING and (streams[s, BITS] & MOVE_SIDE != 0) == (h & 1):
            # It spoke first: the acknowledgement of its SYN had to come all the way.
            part = min(gap, halves[h, TRIP_NS] + halves[h ^ 1, TRIP_NS])
    streams[s, SUMS + NETWORK] += part
    streams[s, SUMS + kind] += gap - part
    if kind == NAGLE or kind == NAGLE_DELAYED_ACK:
        halves[h, HELD] += 1
        halves[h, HELD_NS] += gap
        if halves[h, HELD_FRAME] == 0:
            halves[h, HELD_FRAME] = frame
        cause_frame = halves[h, ACK_FRAME]
    elif kind == WINDOW_FULL:
        cause_frame = halves[h, ACK_FRAME]
    if kind != NETWORK:
        stall(
            s, h, kind, streams[s, MOVE_FRAME], streams[s, MOVE_NS], gap - part, frame, cause_frame,
            halves, waits, counts,
        )  # fmt: skip
    return 0


@cython.cfunc
@cython.nogil
def note_delay(
    h: cython.Py_ssize_t, delay: cython.longlong, frame: cython.longlong, halves: cython.longlong[:, ::1]
) -> cython.longlong:
    """A side acknowledged all that had been sent, so long after the last of it arrived."""
    if delay < max(LEAST_DELAY_NS, halves[h, TRIP_NS] // 8):
        halves[h, QUICK] += 1
        if halves[h, DELAYED] == 0:
            halves[h, QUICK_FIRST] += 1
        if not halves[h, FLAGS] & LAST_QUICK:
            halves[h, PHASES] += 1
        halves[h, FLAGS] |= LAST_QUICK
        return 0
    halves[h, FLAGS] &= ~LAST_QUICK
    if halves[h, DELAYED] == 0:
        halves[h, DELAY_MIN_NS] = delay
        halves[h, DELAY_FRAME] = frame
    halves[h, DELAYED] += 1
    halves[h, DELAY_MIN_NS] = min(halves[h, DELAY_MIN_NS], delay)
    halves[h, DELAY_MAX_NS] = max(halves[h, DELAY_MAX_NS], delay)
    halves[h, DELAY_SUM_NS] += min(delay, MOST_DELAY_NS)
    halves[h, BUCKETS + bucket(delay // MS)] += 1
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def hear(h: cython.Py_ssize_t, now: cython.longlong, halves: cython.longlong[:, ::1]) -> cython.longlong:
    """What has passed here a round trip ago, its sender must have heard of; one edge at a time."""
    if halves[h, TRIP_NS] == 0:
        halves[h, HEARD_EDGE] = halves[h, EDGE]
        return 0
    if halves[h, LATER_NS] != 0:
        if now - halves[h, LATER_NS] < halves[h, TRIP_NS]:
            return 0
        halves[h, HEARD_EDGE] = halves[h, LATER_EDGE]
        halves[h, LATER_NS] = 0
    if halves[h, EDGE] != halves[h, HEARD_EDGE]:
        halves[h, LATER_EDGE] = halves[h, EDGE]
        halves[h, LATER_NS] = now
    return 0


@cython.cfunc
@cython.nogil
def acknowledge(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    frame: cython.longlong,
    number: cython.longlong,
    window: cython.longlong,
    pure: cython.bint,
    halves: cython.longlong[:, ::1],
) -> cython.longlong:
    """Side ``h`` gets an acknowledgement of what it sent, and a window (-1: not known)."""
    distance: cython.longlong
    edge: cython.longlong = (number + window) & MASK32
    news: cython.bint = False
    flags: cython.longlong = halves[h, FLAGS]
    if not flags & NUMBERED:
        flags |= NUMBERED
        halves[h, NEXT] = number
        halves[h, ACKED] = number
    distance = (number - halves[h, ACKED]) & MASK32
    if 0 < distance <= REACH:
        news = True
        halves[h, ACKED] = number
        halves[h, ACKED_BYTES] = distance
        if later(number, halves[h, NEXT]):
            halves[h, NEXT] = number
        elif number == halves[h, NEXT] and pure and flags & SPOKE:
            note_delay(h ^ 1, now - halves[h, DATA_NS] - halves[h ^ 1, TRIP_NS], frame, halves)
        if flags & RECOVERING and not later(halves[h, REPAIRED], number):
            flags &= ~RECOVERING
    elif distance != 0 and MASK32 + 1 - distance > REACH:
        return 0
    if window >= 0:
        if not flags & EDGE_SET:
            flags |= EDGE_SET
            halves[h, EDGE] = edge
            halves[h, HEARD_EDGE] = edge
        elif later(edge, halves[h, EDGE]):
            news = True
            halves[h, EDGE] = edge
            hear(h, now, halves)
    if news:
        flags |= PROMPTED
        halves[h, ACK_NS] = now
        halves[h, ACK_FRAME] = frame
        halves[h, ACK_WAIT_NS] = now - halves[h, DATA_NS]
    halves[h, FLAGS] = flags
    return 0


@cython.cfunc
@cython.nogil
def send(
    h: cython.Py_ssize_t,
    now: cython.longlong,
    frame: cython.longlong,
    start: cython.longlong,
    size: cython.longlong,
    tcp: cython.int,
    again: cython.bint,
    halves: cython.longlong[:, ::1],
) -> cython.longlong:
    """Side ``h`` sends so many bytes of sequence space: SYN and FIN are among them."""
    end: cython.longlong = (start + size) & MASK32
    full: cython.longlong
    room: cython.longlong = 0
    flags: cython.longlong = halves[h, FLAGS]
    if not flags & NUMBERED or tcp & SYN:
        flags |= NUMBERED
        halves[h, NEXT] = start
        halves[h, ACKED] = start
    if later(end, halves[h, NEXT]):
        if not tcp & SYN:
            full = full_segment(h, halves)
            if (
                flags & SHORT
                and not again
                and not tcp & FIN
                and not flags & RECOVERING
                and halves[h, NEXT] == start
                and halves[h, NEXT] != halves[h, ACKED]
                and size < full
                and size < max(halves[h, LARGEST], LEAST_SEGMENT)
            ):
                halves[h, EAGER] += 1
                if halves[h, EAGER_FRAME] == 0:
                    halves[h, EAGER_FRAME] = frame
            halves[h, LARGEST] = max(halves[h, LARGEST], size)
            full = full_segment(h, halves)
            flags &= ~(SHORT | FULL_UP)
            if flags & EDGE_SET:
                hear(h, now, halves)
                if later(end, halves[h, HEARD_EDGE]):
                    halves[h, HEARD_EDGE] = end  # so it has heard of more
                room = (halves[h, HEARD_EDGE] - end) & MASK32
                if room < full:
                    flags |= FULL_UP
            # What only filled the window up may be short for that reason.
            if size % full != 0 and (room != 0 or not flags & FULL_UP):
                flags |= SHORT
        halves[h, NEXT] = end
    flags &= ~(PROMPTED | SPOKE)
    if not tcp & (SYN | FIN):
        flags |= SPOKE
    halves[h, DATA_NS] = now
    halves[h, FLAGS] = flags
    return 0


def wait_segments(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frames: cython.int[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    window: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    mss: cython.int[::1],
    tsval: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    cause: cython.uchar[::1],
    again_ns: cython.longlong[::1],
    waited_ns: cython.longlong[::1],
    window_bytes: cython.int[::1],
    measured: cython.uchar[::1],
    rtt_ns: cython.longlong[::1],
    streams: cython.longlong[:, ::1],
    halves: cython.longlong[:, ::1],
    waits: cython.longlong[:, ::1],
    counts: cython.longlong[::1],
) -> cython.longlong:
    """Account for the time between the segments of a batch.

    ``halves`` has two rows for each stream, ``waits`` room for three more a row; ``counts[0]`` is how many
    there are.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    h: cython.Py_ssize_t
    o: cython.Py_ssize_t
    s: cython.Py_ssize_t
    x: cython.Py_ssize_t
    now: cython.longlong
    frame: cython.longlong
    size: cython.longlong
    trip: cython.longlong
    gap: cython.longlong
    tcp: cython.int
    bits: cython.int
    kind: cython.int
    moves: cython.bint
    again: cython.bint
    waited: cython.bint
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if not analysed[row]:
                continue
            bits = labels[row]
            s = stream[row]
            h = s * 2 + side[row]
            o = h ^ 1
            tcp = flags[row]
            size = payload_bytes[row]
            frame = first_frame + frames[row]
            now = time_ns[frames[row]]
            if not streams[s, BITS] & BEGUN:
                streams[s, BITS] = BEGUN
                streams[s, FIRST_NS] = now
                streams[s, NOW_NS] = now
                streams[s, MOVE_NS] = now
                streams[s, MOVE_FRAME] = frame
            now = max(now, streams[s, NOW_NS])
            streams[s, NOW_NS] = now
            if bits & OUT_OF_WINDOW:
                continue
            if tcp & ACK and measured[row] == MEASURED and 0 <= rtt_ns[row] < LONGEST_NS:
                trip = max(rtt_ns[row], 1)
                if halves[h, TRIP_NS] == 0 or trip < halves[h, TRIP_NS]:
                    halves[h, TRIP_NS] = trip
            if tsval[row] >= 0 and not tcp & SYN:
                halves[h, FLAGS] |= STAMPED
            if tcp & SYN and mss[row] > 0:
                halves[o, OPTION] = mss[row] & 0xFFFF

            # A window that is closed explains the time since the last segment.
            for x in range(2 * s, 2 * s + 2):
                gap = now - streams[s, MOVE_NS]
                if halves[x, FLAGS] & ZERO and gap > 0:
                    halves[x, ZERO_WAIT_NS] += gap
                    streams[s, MOVE_NS] = now
                    streams[s, MOVE_FRAME] = frame
            if bits & (ZERO_WINDOW_PROBE | KEEP_ALIVE):
                if bits & ZERO_WINDOW_PROBE:
                    halves[h, FLAGS] |= PROBED
                size = 0
                moves = False
            else:
                moves = size > 0 or tcp & (SYN | FIN | RST) != 0

            again = bits & (RETRANSMISSION | NETWORK_COPY | OUT_OF_ORDER) != 0
            if moves:
                waited = False
                if halves[h, ZERO_WAIT_NS] > 0:
                    waited = opened(s, h, now, streams, halves, waits, counts) != 0
                if bits & NETWORK_COPY or (tcp & SYN and not again) or (waited and not again):
                    kind = NETWORK
                elif bits & RETRANSMISSION:
                    kind = sent_again(h, tcp, cause[row], waited_ns[row], halves)
                elif bits & OUT_OF_ORDER:
                    kind = NETWORK
                    if again_ns[row] >= max(LEAST_DELAY_NS, (halves[h, TRIP_NS] + halves[o, TRIP_NS]) // 2):
                        kind = sent_again(h, tcp, NO_CAUSE, again_ns[row], halves)
                elif streams[s, BITS] & OPENING or (
                    (streams[s, BITS] & MOVE_SIDE != 0) != (h & 1)
                    and tcp & ACK
                    and not later(halves[o, NEXT], ack[row])
                ):
                    kind = -1
                elif halves[h, FLAGS] & RECOVERING:
                    kind = FAST_RECOVERY
                else:
                    kind = goes_on(h, now, size, halves)
                move(s, h, now, frame, kind, streams, halves, waits, counts)
                streams[s, MOVE_NS] = now
                streams[s, MOVE_FRAME] = frame
                streams[s, BITS] = BEGUN
                if h & 1:
                    streams[s, BITS] |= MOVE_SIDE
                if tcp & SYN:
                    streams[s, BITS] |= OPENING

            if tcp & ACK and not tcp & RST:
                acknowledge(o, now, frame, ack[row], window_bytes[row], not moves, halves)
                if window[row] == 0 and not tcp & (SYN | FIN):
                    if not halves[o, FLAGS] & ZERO:
                        if not moves:
                            streams[s, SUMS + NETWORK] += now - streams[s, MOVE_NS]
                            streams[s, MOVE_NS] = now
                            streams[s, MOVE_FRAME] = frame
                        if halves[o, ZERO_WAIT_NS] == 0:
                            halves[o, ZERO_NS] = now
                            halves[o, ZERO_FRAME] = frame
                        halves[o, FLAGS] |= ZERO
                elif halves[o, FLAGS] & ZERO:
                    halves[o, FLAGS] = (halves[o, FLAGS] & ~ZERO) | PROMPTED
                    halves[o, ACK_NS] = now
                    halves[o, ACK_FRAME] = frame
            if moves and not tcp & RST:
                trip = size
                if tcp & SYN:
                    trip += 1
                if tcp & FIN:
                    trip += 1
                send(h, now, frame, seq[row], trip, tcp, again, halves)
    return 0
