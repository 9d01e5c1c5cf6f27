"""The scoreboard: which bytes a half-stream sent, and what became of them.

Four lists of nodes (``sequence_fields``) for each half-stream: segments not acknowledged, the latest
acknowledged ones, ranges that SACK has reported, and holes, ranges that were not captured. All of them
share one pool and are short; their lengths are bounded. Called by ``sequence_kernel``.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import kinds
from netanalyze.tcp import sequence_fields as fields

FLAGS = cython.declare(cython.int, fields.FLAGS)
NEXT = cython.declare(cython.int, fields.NEXT)
OLDEST = cython.declare(cython.int, fields.OLDEST)
NEWEST = cython.declare(cython.int, fields.NEWEST)
UNACKED = cython.declare(cython.int, fields.UNACKED)
RECENT = cython.declare(cython.int, fields.RECENT)
RECENT_NEWEST = cython.declare(cython.int, fields.RECENT_NEWEST)
RECENT_COUNT = cython.declare(cython.int, fields.RECENT_COUNT)
SACKED = cython.declare(cython.int, fields.SACKED)
SACKED_BYTES = cython.declare(cython.int, fields.SACKED_BYTES)
SACKED_COUNT = cython.declare(cython.int, fields.SACKED_COUNT)
HOLES = cython.declare(cython.int, fields.HOLES)
HOLE_COUNT = cython.declare(cython.int, fields.HOLE_COUNT)
MISSED = cython.declare(cython.int, fields.MISSED)
SEEN = cython.declare(cython.int, fields.SEEN)
SEQ = cython.declare(cython.int, fields.SEQ)
END = cython.declare(cython.int, fields.END)
FRAME = cython.declare(cython.int, fields.FRAME)
NS = cython.declare(cython.int, fields.NS)
AFTER = cython.declare(cython.int, fields.AFTER)
COUNT = cython.declare(cython.int, fields.COUNT)
AGAIN_FRAME = cython.declare(cython.int, fields.AGAIN_FRAME)
AGAIN_NS = cython.declare(cython.int, fields.AGAIN_NS)
TSVAL = cython.declare(cython.int, fields.TSVAL)
AGAIN_TSVAL = cython.declare(cython.int, fields.AGAIN_TSVAL)
IP_ID = cython.declare(cython.int, fields.IP_ID)
DATA = cython.declare(cython.int, fields.DATA)
CAPTURED = cython.declare(cython.int, fields.CAPTURED)
AGAIN_END = cython.declare(cython.int, fields.AGAIN_END)
SKIP = cython.declare(cython.int, fields.SKIP)
MARK = cython.declare(cython.int, fields.MARK)
MARK_NEWEST = cython.declare(cython.int, fields.MARK_NEWEST)
MARK_STEPS = cython.declare(cython.int, fields.MARK_STEPS)
RETRANSMISSION = cython.declare(cython.int, kinds.RETRANSMISSION)
LOST_SEGMENT = cython.declare(cython.int, kinds.LOST_SEGMENT)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
REACH = cython.declare(cython.longlong, 1 << 30)
"""No window is larger (RFC 7323 section 2.3), so no true segment is further away from the others."""
MOST_RANGES = cython.declare(cython.longlong, 64)
"""Nodes of each kind that a half-stream may have."""

AMENDMENT_WORDS = 4
"""Kind of the event, its frame, the frame that tells more about it, what that tells."""
FILLED = 1
"""Amendment: the missing bytes came later."""
ARRIVED = 2
"""Amendment: the missing bytes were acknowledged, so that only the capture lacks them."""
UNNEEDED = 3
"""Amendment: D-SACK reports that what was sent again had arrived before."""
AMEND_FILLED = cython.declare(cython.longlong, FILLED)
AMEND_UNNEEDED = cython.declare(cython.longlong, UNNEEDED)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def later(one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return ((other - one) & MASK32) >= HALF


@cython.cfunc
@cython.nogil
def take_node(nodes: cython.longlong[:, ::1], counters: cython.longlong[::1]) -> cython.longlong:
    """A free node, zeroed where the kinds of nodes differ."""
    node: cython.longlong = counters[1]
    if node != 0:
        counters[1] = nodes[node, AFTER]
    else:
        counters[0] += 1
        node = counters[0]
    nodes[node, AFTER] = 0
    nodes[node, COUNT] = 0
    nodes[node, CAPTURED] = 0
    nodes[node, SKIP] = 0
    return node


@cython.cfunc
@cython.nogil
def free_list(
    head: cython.longlong, nodes: cython.longlong[:, ::1], counters: cython.longlong[::1]
) -> cython.longlong:
    then: cython.longlong
    while head != 0:
        then = nodes[head, AFTER]
        nodes[head, AFTER] = counters[1]
        counters[1] = head
        head = then
    return 0


@cython.cfunc
@cython.nogil
def release(
    half: cython.Py_ssize_t,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Give back the nodes of a half-stream that is over."""
    free_list(state[half, OLDEST], nodes, counters)
    free_list(state[half, RECENT], nodes, counters)
    free_list(state[half, SACKED], nodes, counters)
    free_list(state[half, HOLES], nodes, counters)
    state[half, OLDEST] = 0
    state[half, NEWEST] = 0
    state[half, UNACKED] = 0
    state[half, MARK] = 0
    state[half, MARK_NEWEST] = 0
    state[half, MARK_STEPS] = 0
    state[half, RECENT] = 0
    state[half, RECENT_NEWEST] = 0
    state[half, RECENT_COUNT] = 0
    state[half, SACKED] = 0
    state[half, SACKED_BYTES] = 0
    state[half, SACKED_COUNT] = 0
    state[half, HOLES] = 0
    state[half, HOLE_COUNT] = 0
    return 0


@cython.cfunc
@cython.nogil
def retire(
    half: cython.Py_ssize_t,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Give back the nodes of a half-stream that was closed, but for its last segment: it may come again."""
    last: cython.longlong = state[half, RECENT_NEWEST]
    node: cython.longlong = state[half, RECENT]
    while node != 0 and nodes[node, AFTER] != 0 and nodes[node, AFTER] != last:
        node = nodes[node, AFTER]
    if node != last and node != 0:
        nodes[node, AFTER] = 0
    else:
        state[half, RECENT] = 0
    release(half, state, nodes, counters)
    state[half, RECENT] = last
    state[half, RECENT_NEWEST] = last
    state[half, RECENT_COUNT] = 1 if last != 0 else 0
    return 0


@cython.cfunc
@cython.nogil
def add_hole(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    number: cython.longlong,
    now: cython.longlong,
    acked: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Note that these bytes were not captured; they lie behind all other holes.

    Returns:
        The node, 0 if there are too many already.
    """
    node: cython.longlong
    last: cython.longlong
    state[half, MISSED] += (end - start) & MASK32
    if state[half, HOLE_COUNT] >= MOST_RANGES:
        # The oldest is given up: it counts as missing for good.
        node = state[half, HOLES]
        state[half, HOLES] = nodes[node, AFTER]
        state[half, HOLE_COUNT] -= 1
        nodes[node, AFTER] = counters[1]
        counters[1] = node
    node = take_node(nodes, counters)
    nodes[node, SEQ] = start
    nodes[node, END] = end
    nodes[node, FRAME] = number
    nodes[node, NS] = now
    nodes[node, COUNT] = acked
    nodes[node, TSVAL] = -1
    nodes[node, IP_ID] = -1
    state[half, HOLE_COUNT] += 1
    last = state[half, HOLES]
    if last == 0:
        state[half, HOLES] = node
    else:
        while nodes[last, AFTER] != 0:
            last = nodes[last, AFTER]
        nodes[last, AFTER] = node
    return node


@cython.cfunc
@cython.nogil
def amend(
    kind: cython.longlong,
    about: cython.longlong,
    by: cython.longlong,
    what: cython.longlong,
    amendments: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Note that a later frame tells more about an event; what finds no room is left out."""
    if counters[3] < amendments.shape[0]:
        amendments[counters[3], 0] = kind
        amendments[counters[3], 1] = about
        amendments[counters[3], 2] = by
        amendments[counters[3], 3] = what
        counters[3] += 1
    return 0


@cython.cfunc
@cython.nogil
def fill_holes(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    number: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
    amendments: cython.longlong[:, ::1],
    first: cython.longlong[::1],
) -> cython.longlong:
    """Take a range out of the holes.

    ``first`` becomes what the first hole met was: frame and time of the segment behind it, timestamp,
    identification, whether it was acknowledged.

    Returns:
        How many sequence numbers of the range lay in holes.
    """
    before: cython.longlong = 0
    node: cython.longlong = state[half, HOLES]
    then: cython.longlong
    other: cython.longlong
    low: cython.longlong
    high: cython.longlong
    found: cython.longlong = 0
    while node != 0:
        then = nodes[node, AFTER]
        low = start if later(start, nodes[node, SEQ]) else nodes[node, SEQ]
        high = end if later(nodes[node, END], end) else nodes[node, END]
        if later(high, low):
            if found == 0:
                first[0] = nodes[node, FRAME]
                first[1] = nodes[node, NS]
                first[2] = nodes[node, TSVAL]
                first[3] = nodes[node, IP_ID]
                first[4] = nodes[node, COUNT]
            found += (high - low) & MASK32
            amend(LOST_SEGMENT, nodes[node, FRAME], number, AMEND_FILLED, amendments, counters)
            if low != nodes[node, SEQ] and high != nodes[node, END]:
                if state[half, HOLE_COUNT] < MOST_RANGES:
                    other = take_node(nodes, counters)
                    nodes[other, SEQ] = high
                    nodes[other, END] = nodes[node, END]
                    nodes[other, FRAME] = nodes[node, FRAME]
                    nodes[other, NS] = nodes[node, NS]
                    nodes[other, COUNT] = nodes[node, COUNT]
                    nodes[other, TSVAL] = nodes[node, TSVAL]
                    nodes[other, IP_ID] = nodes[node, IP_ID]
                    nodes[other, AFTER] = then
                    nodes[node, AFTER] = other
                    state[half, HOLE_COUNT] += 1
                nodes[node, END] = low
                break
            if low != nodes[node, SEQ]:
                nodes[node, END] = low
                before = node
            elif high != nodes[node, END]:
                nodes[node, SEQ] = high
                break
            else:
                if before == 0:
                    state[half, HOLES] = then
                else:
                    nodes[before, AFTER] = then
                nodes[node, AFTER] = counters[1]
                counters[1] = node
                state[half, HOLE_COUNT] -= 1
        elif not later(end, nodes[node, SEQ]):
            break
        else:
            before = node
        node = then
    state[half, MISSED] -= found
    return found


@cython.cfunc
@cython.nogil
def add_sacked(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Add a range to what the other side of ``half`` has reported with SACK.

    Returns:
        1 if any of it is new, else 0.
    """
    before: cython.longlong = 0
    node: cython.longlong = state[half, SACKED]
    then: cython.longlong
    # Those that end before it begins stay as they are; touching ones are merged into it.
    while node != 0 and later(start, nodes[node, END]):
        before = node
        node = nodes[node, AFTER]
    if node != 0 and not later(nodes[node, SEQ], start) and not later(end, nodes[node, END]):
        return 0
    if node == 0 or later(nodes[node, SEQ], end):
        if state[half, SACKED_COUNT] >= MOST_RANGES:
            return 0
        then = take_node(nodes, counters)
        nodes[then, SEQ] = start
        nodes[then, END] = end
        nodes[then, AFTER] = node
        if before == 0:
            state[half, SACKED] = then
        else:
            nodes[before, AFTER] = then
        state[half, SACKED_COUNT] += 1
        state[half, SACKED_BYTES] += (end - start) & MASK32
        return 1
    state[half, SACKED_BYTES] -= (nodes[node, END] - nodes[node, SEQ]) & MASK32
    if later(nodes[node, SEQ], start):
        nodes[node, SEQ] = start
    if later(end, nodes[node, END]):
        nodes[node, END] = end
    then = nodes[node, AFTER]
    while then != 0 and not later(nodes[then, SEQ], nodes[node, END]):
        state[half, SACKED_BYTES] -= (nodes[then, END] - nodes[then, SEQ]) & MASK32
        if later(nodes[then, END], nodes[node, END]):
            nodes[node, END] = nodes[then, END]
        nodes[node, AFTER] = nodes[then, AFTER]
        nodes[then, AFTER] = counters[1]
        counters[1] = then
        state[half, SACKED_COUNT] -= 1
        then = nodes[node, AFTER]
    state[half, SACKED_BYTES] += (nodes[node, END] - nodes[node, SEQ]) & MASK32
    return 1


@cython.cfunc
@cython.nogil
def trim_sacked(
    half: cython.Py_ssize_t,
    acked: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Forget what lies before the acknowledgement number."""
    node: cython.longlong = state[half, SACKED]
    then: cython.longlong
    while node != 0 and later(acked, nodes[node, SEQ]):
        if later(nodes[node, END], acked):
            state[half, SACKED_BYTES] -= (acked - nodes[node, SEQ]) & MASK32
            nodes[node, SEQ] = acked
            break
        state[half, SACKED_BYTES] -= (nodes[node, END] - nodes[node, SEQ]) & MASK32
        then = nodes[node, AFTER]
        nodes[node, AFTER] = counters[1]
        counters[1] = node
        state[half, SACKED_COUNT] -= 1
        node = then
        state[half, SACKED] = node
    return 0


@cython.cfunc
@cython.nogil
def read_sack(
    half: cython.Py_ssize_t,
    acked: cython.longlong,
    blocks: cython.longlong,
    place: cython.Py_ssize_t,
    number: cython.longlong,
    octets: cython.const[cython.uchar][::1],
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
    amendments: cython.longlong[:, ::1],
) -> cython.longlong:
    """Read the SACK option of a segment that acknowledges what ``half`` has sent.

    A first block that lies below the acknowledgement number or inside the second one reports a
    duplicate (RFC 2883 section 4).

    Returns:
        1 if it reports anything new, plus 2 if it reports a duplicate.
    """
    block: cython.longlong
    at: cython.Py_ssize_t
    left: cython.longlong
    right: cython.longlong
    next_left: cython.longlong = 0
    next_right: cython.longlong = 0
    told: cython.longlong = 0
    duplicate: cython.bint
    if blocks > 4:
        blocks = 4
    for block in range(blocks - 1, -1, -1):
        at = place + 8 * block
        if at + 8 > octets.shape[0]:
            continue
        left = (
            (cython.cast(cython.longlong, octets[at]) << 24)
            | (cython.cast(cython.longlong, octets[at + 1]) << 16)
            | (cython.cast(cython.longlong, octets[at + 2]) << 8)
            | octets[at + 3]
        )
        right = (
            (cython.cast(cython.longlong, octets[at + 4]) << 24)
            | (cython.cast(cython.longlong, octets[at + 5]) << 16)
            | (cython.cast(cython.longlong, octets[at + 6]) << 8)
            | octets[at + 7]
        )
        duplicate = block == 0 and (
            not later(right, acked)
            or (blocks > 1 and not later(next_left, left) and not later(right, next_right))
        )
        next_left = left
        next_right = right
        if not later(right, left) or (right - left) & MASK32 > REACH:
            continue
        if duplicate:
            told |= 2
            report_duplicate(half, left, right, number, state, nodes, counters, amendments)
            continue
        if later(acked, left) or not state[half, FLAGS] & SEEN or later(right, state[half, NEXT]):
            continue
        told |= add_sacked(half, left, right, state, nodes, counters)
    return told


@cython.cfunc
@cython.nogil
def report_duplicate(
    half: cython.Py_ssize_t,
    left: cython.longlong,
    right: cython.longlong,
    number: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
    amendments: cython.longlong[:, ::1],
) -> cython.longlong:
    """Find the repetition that a D-SACK speaks of and note it."""
    node: cython.longlong
    steps: cython.longlong = 0
    which: cython.int
    for which in range(2):
        node = state[half, RECENT] if which == 0 else state[half, OLDEST]
        while node != 0 and steps < MOST_RANGES:
            if nodes[node, COUNT] > 1 and later(right, nodes[node, SEQ]) and later(nodes[node, END], left):
                amend(RETRANSMISSION, nodes[node, AGAIN_FRAME], number, AMEND_UNNEEDED, amendments, counters)
                return 1
            node = nodes[node, AFTER]
            steps += 1
    return 0


@cython.cfunc
@cython.nogil
def seek(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
) -> cython.longlong:
    """A segment from which on to look for a number: the oldest, or the last mark not behind it."""
    node: cython.longlong = state[half, MARK]
    if node == 0 or later(nodes[node, SEQ], start):
        return state[half, OLDEST]
    while nodes[node, SKIP] != 0 and not later(nodes[nodes[node, SKIP], SEQ], start):
        node = nodes[node, SKIP]
    return node


@cython.cfunc
@cython.nogil
def sent_before(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
) -> cython.longlong:
    """The segment with the first of these bytes that is still known, 0 if none is."""
    node: cython.longlong
    which: cython.int
    for which in range(2):
        node = state[half, RECENT] if which == 0 else seek(half, start, state, nodes)
        while node != 0:
            if later(end, nodes[node, SEQ]) and later(nodes[node, END], start):
                return node
            if which == 1 and not later(end, nodes[node, SEQ]):
                break
            node = nodes[node, AFTER]
    return 0


@cython.cfunc
@cython.nogil
def mark_again(
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    number: cython.longlong,
    now: cython.longlong,
    tsval: cython.longlong,
    captured: cython.longlong,
    place: cython.longlong,
    octets: cython.const[cython.uchar][::1],
    ring: cython.const[cython.uchar][::1],
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
) -> cython.longlong:
    """Note for every known segment of this range that it was sent again.

    ``captured`` is how many of its payload bytes, which begin at ``place``, are there; 0 to compare none.

    Returns:
        1 if bytes differ from those that were sent before, else 0.
    """
    node: cython.longlong
    low: cython.longlong
    count: cython.longlong
    offset: cython.longlong
    step: cython.longlong
    differs: cython.longlong = 0
    size: cython.longlong = ring.shape[0]
    which: cython.int
    for which in range(2):
        node = state[half, RECENT] if which == 0 else seek(half, start, state, nodes)
        while node != 0:
            if which == 1 and not later(end, nodes[node, SEQ]):
                break
            if later(end, nodes[node, SEQ]) and later(nodes[node, END], start):
                if nodes[node, COUNT] == 1 or later(nodes[node, AGAIN_END], start):
                    nodes[node, COUNT] += 1
                nodes[node, AGAIN_END] = end
                nodes[node, AGAIN_FRAME] = number
                nodes[node, AGAIN_NS] = now
                nodes[node, AGAIN_TSVAL] = tsval
                low = start if later(start, nodes[node, SEQ]) else nodes[node, SEQ]
                offset = (low - nodes[node, SEQ]) & MASK32
                count = min(nodes[node, CAPTURED] - offset, captured - ((low - start) & MASK32))
                if count > 0 and nodes[node, DATA] + size >= counters[2]:
                    low = place + ((low - start) & MASK32)
                    for step in range(count):
                        if ring[(nodes[node, DATA] + offset + step) % size] != octets[low + step]:
                            differs = 1
                            break
            node = nodes[node, AFTER]
    return differs


@cython.cfunc
@cython.nogil
def insert_node(
    half: cython.Py_ssize_t,
    node: cython.longlong,
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
) -> cython.longlong:
    """Put a segment that came late at its place among the unacknowledged ones."""
    before: cython.longlong = 0
    then: cython.longlong = seek(half, nodes[node, SEQ], state, nodes)
    while then != 0 and not later(nodes[then, SEQ], nodes[node, SEQ]):
        before = then
        then = nodes[then, AFTER]
    nodes[node, AFTER] = then
    if before == 0:
        state[half, OLDEST] = node
    else:
        nodes[before, AFTER] = node
    if then == 0:
        state[half, NEWEST] = node
    state[half, UNACKED] += 1
    return 0
