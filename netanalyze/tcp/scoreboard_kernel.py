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

FLAGS = cython.declare(cython.int, fields.FLAGS - fields.LONG_WORDS)
NEXT = cython.declare(cython.int, fields.NEXT - fields.LONG_WORDS)
OLDEST = cython.declare(cython.int, fields.OLDEST - fields.LONG_WORDS)
NEWEST = cython.declare(cython.int, fields.NEWEST - fields.LONG_WORDS)
UNACKED = cython.declare(cython.int, fields.UNACKED - fields.LONG_WORDS)
RECENT = cython.declare(cython.int, fields.RECENT - fields.LONG_WORDS)
RECENT_NEWEST = cython.declare(cython.int, fields.RECENT_NEWEST - fields.LONG_WORDS)
RECENT_COUNT = cython.declare(cython.int, fields.RECENT_COUNT - fields.LONG_WORDS)
SACKED = cython.declare(cython.int, fields.SACKED - fields.LONG_WORDS)
SACKED_BYTES = cython.declare(cython.int, fields.SACKED_BYTES - fields.LONG_WORDS)
SACKED_COUNT = cython.declare(cython.int, fields.SACKED_COUNT - fields.LONG_WORDS)
HOLES = cython.declare(cython.int, fields.HOLES - fields.LONG_WORDS)
HOLE_COUNT = cython.declare(cython.int, fields.HOLE_COUNT - fields.LONG_WORDS)
MISSED = cython.declare(cython.int, fields.MISSED)
SEEN = cython.declare(cython.int, fields.SEEN)
SEQ = cython.declare(cython.int, fields.SEQ)
END = cython.declare(cython.int, fields.END)
FRAME = cython.declare(cython.int, fields.FRAME)
NS = cython.declare(cython.int, fields.NS)
AFTER = cython.declare(cython.int, fields.AFTER)
COUNT = cython.declare(cython.int, fields.COUNT)
AGAIN_FRAME = cython.declare(cython.int, fields.AGAIN_FRAME - fields.NODE_WORDS)
AGAIN_NS = cython.declare(cython.int, fields.AGAIN_NS - fields.NODE_WORDS)
TSVAL = cython.declare(cython.int, fields.TSVAL)
AGAIN_TSVAL = cython.declare(cython.int, fields.AGAIN_TSVAL - fields.NODE_WORDS)
IP_ID = cython.declare(cython.int, fields.IP_ID)
DATA = cython.declare(cython.int, fields.DATA)
CAPTURED = cython.declare(cython.int, fields.CAPTURED)
AGAIN_END = cython.declare(cython.int, fields.AGAIN_END - fields.NODE_WORDS)
SKIP = cython.declare(cython.int, fields.SKIP)
MARK = cython.declare(cython.int, fields.MARK - fields.LONG_WORDS)
MARK_NEWEST = cython.declare(cython.int, fields.MARK_NEWEST - fields.LONG_WORDS)
MARK_STEPS = cython.declare(cython.int, fields.MARK_STEPS - fields.LONG_WORDS)
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


@cython.cclass
class Board:
    """The tables of all half-streams and the pool of nodes."""

    def use(
        self,
        state: cython.longlong[:, ::1],
        marks: cython.uint[:, ::1],
        nodes: cython.longlong[:, ::1],
        again: cython.longlong[:, ::1],
        counters: cython.longlong[::1],
        amendments: cython.longlong[:, ::1],
    ) -> None:
        """Work on these.

        Args:
            state: rows of 64-bit words, two for each stream (``sequence_fields``).
            marks: their 32-bit words.
            nodes: the pool, with room for ``NODES_A_SEGMENT`` more a segment.
            again: what nodes have that stand for what was sent more than once.
            counters: how many nodes have ever been used (0), the first free one (1), how many bytes have gone
                into the ring of payloads (2), and how many amendments there are (3).
            amendments: what later frames tell about earlier events.
        """
        self.state = state
        self.marks = marks
        self.nodes = nodes
        self.again = again
        self.counters = counters
        self.amendments = amendments


@cython.cfunc
@cython.nogil
def take_node(board: Board) -> cython.longlong:
    """A free node, zeroed where the kinds of nodes differ."""
    node: cython.longlong = board.counters[1]
    if node != 0:
        board.counters[1] = board.nodes[node, AFTER]
    else:
        board.counters[0] += 1
        node = board.counters[0]
    board.nodes[node, AFTER] = 0
    board.nodes[node, COUNT] = 0
    board.nodes[node, CAPTURED] = 0
    board.nodes[node, SKIP] = 0
    return node


@cython.cfunc
@cython.nogil
@cython.inline
def free_node(board: Board, node: cython.longlong) -> cython.longlong:
    """Give back a node that is in no list any more."""
    board.nodes[node, AFTER] = board.counters[1]
    board.counters[1] = node
    return 0


@cython.cfunc
@cython.nogil
def free_list(board: Board, head: cython.longlong) -> cython.longlong:
    then: cython.longlong
    while head != 0:
        then = board.nodes[head, AFTER]
        free_node(board, head)
        head = then
    return 0


@cython.cfunc
@cython.nogil
def release(board: Board, half: cython.Py_ssize_t) -> cython.longlong:
    """Give back the nodes of a half-stream that is over."""
    free_list(board, board.marks[half, OLDEST])
    free_list(board, board.marks[half, RECENT])
    free_list(board, board.marks[half, SACKED])
    free_list(board, board.marks[half, HOLES])
    board.marks[half, OLDEST] = 0
    board.marks[half, NEWEST] = 0
    board.marks[half, UNACKED] = 0
    board.marks[half, MARK] = 0
    board.marks[half, MARK_NEWEST] = 0
    board.marks[half, MARK_STEPS] = 0
    board.marks[half, RECENT] = 0
    board.marks[half, RECENT_NEWEST] = 0
    board.marks[half, RECENT_COUNT] = 0
    board.marks[half, SACKED] = 0
    board.marks[half, SACKED_BYTES] = 0
    board.marks[half, SACKED_COUNT] = 0
    board.marks[half, HOLES] = 0
    board.marks[half, HOLE_COUNT] = 0
    return 0


@cython.cfunc
@cython.nogil
def retire(board: Board, half: cython.Py_ssize_t) -> cython.longlong:
    """Give back the nodes of a half-stream that was closed, but for its last segment: it may come again."""
    last: cython.longlong = board.marks[half, RECENT_NEWEST]
    node: cython.longlong = board.marks[half, RECENT]
    while node != 0 and board.nodes[node, AFTER] != 0 and board.nodes[node, AFTER] != last:
        node = board.nodes[node, AFTER]
    if node != last and node != 0:
        board.nodes[node, AFTER] = 0
    else:
        board.marks[half, RECENT] = 0
    release(board, half)
    board.marks[half, RECENT] = last
    board.marks[half, RECENT_NEWEST] = last
    board.marks[half, RECENT_COUNT] = 1 if last != 0 else 0
    return 0


@cython.cfunc
@cython.nogil
def add_hole(
    board: Board,
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    number: cython.longlong,
    now: cython.longlong,
    acked: cython.longlong,
) -> cython.longlong:
    """Note that these bytes were not captured; they lie behind all other holes.

    Returns:
        The node, 0 if there are too many already.
    """
    node: cython.longlong
    last: cython.longlong
    board.state[half, MISSED] += (end - start) & MASK32
    if board.marks[half, HOLE_COUNT] >= MOST_RANGES:
        # The oldest is given up: it counts as missing for good.
        node = board.marks[half, HOLES]
        board.marks[half, HOLES] = board.nodes[node, AFTER]
        board.marks[half, HOLE_COUNT] -= 1
        free_node(board, node)
    node = take_node(board)
    board.nodes[node, SEQ] = start
    board.nodes[node, END] = end
    board.nodes[node, FRAME] = number
    board.nodes[node, NS] = now
    board.nodes[node, COUNT] = acked
    board.nodes[node, TSVAL] = -1
    board.nodes[node, IP_ID] = -1
    board.marks[half, HOLE_COUNT] += 1
    last = board.marks[half, HOLES]
    if last == 0:
        board.marks[half, HOLES] = node
    else:
        while board.nodes[last, AFTER] != 0:
            last = board.nodes[last, AFTER]
        board.nodes[last, AFTER] = node
    return node


@cython.cfunc
@cython.nogil
def amend(
    board: Board,
    kind: cython.longlong,
    about: cython.longlong,
    by: cython.longlong,
    what: cython.longlong,
) -> cython.longlong:
    """Note that a later frame tells more about an event; what finds no room is left out."""
    if board.counters[3] < board.amendments.shape[0]:
        board.amendments[board.counters[3], 0] = kind
        board.amendments[board.counters[3], 1] = about
        board.amendments[board.counters[3], 2] = by
        board.amendments[board.counters[3], 3] = what
        board.counters[3] += 1
    return 0


@cython.cfunc
@cython.nogil
def fill_holes(
    board: Board,
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    number: cython.longlong,
    first: cython.longlong[::1],
) -> cython.longlong:
    """Take a range out of the holes.

    ``first`` becomes what the first hole met was: frame and time of the segment behind it, timestamp,
    identification, whether it was acknowledged.

    Returns:
        How many sequence numbers of the range lay in holes.
    """
    before: cython.longlong = 0
    node: cython.longlong = board.marks[half, HOLES]
    then: cython.longlong
    other: cython.longlong
    low: cython.longlong
    high: cython.longlong
    found: cython.longlong = 0
    while node != 0:
        then = board.nodes[node, AFTER]
        low = start if later(start, board.nodes[node, SEQ]) else board.nodes[node, SEQ]
        high = end if later(board.nodes[node, END], end) else board.nodes[node, END]
        if later(high, low):
            if found == 0:
                first[0] = board.nodes[node, FRAME]
                first[1] = board.nodes[node, NS]
                first[2] = board.nodes[node, TSVAL]
                first[3] = board.nodes[node, IP_ID]
                first[4] = board.nodes[node, COUNT]
            found += (high - low) & MASK32
            amend(board, LOST_SEGMENT, board.nodes[node, FRAME], number, AMEND_FILLED)
            if low != board.nodes[node, SEQ] and high != board.nodes[node, END]:
                if board.marks[half, HOLE_COUNT] < MOST_RANGES:
                    other = take_node(board)
                    board.nodes[other, SEQ] = high
                    board.nodes[other, END] = board.nodes[node, END]
                    board.nodes[other, FRAME] = board.nodes[node, FRAME]
                    board.nodes[other, NS] = board.nodes[node, NS]
                    board.nodes[other, COUNT] = board.nodes[node, COUNT]
                    board.nodes[other, TSVAL] = board.nodes[node, TSVAL]
                    board.nodes[other, IP_ID] = board.nodes[node, IP_ID]
                    board.nodes[other, AFTER] = then
                    board.nodes[node, AFTER] = other
                    board.marks[half, HOLE_COUNT] += 1
                board.nodes[node, END] = low
                break
            if low != board.nodes[node, SEQ]:
                board.nodes[node, END] = low
                before = node
            elif high != board.nodes[node, END]:
                board.nodes[node, SEQ] = high
                break
            else:
                if before == 0:
                    board.marks[half, HOLES] = then
                else:
                    board.nodes[before, AFTER] = then
                free_node(board, node)
                board.marks[half, HOLE_COUNT] -= 1
        elif not later(end, board.nodes[node, SEQ]):
            break
        else:
            before = node
        node = then
    board.state[half, MISSED] -= found
    return found


@cython.cfunc
@cython.nogil
def add_sacked(
    board: Board,
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
) -> cython.longlong:
    """Add a range to what the other side of ``half`` has reported with SACK.

    Returns:
        1 if any of it is new, else 0.
    """
    before: cython.longlong = 0
    node: cython.longlong = board.marks[half, SACKED]
    then: cython.longlong
    # Those that end before it begins stay as they are; touching ones are merged into it.
    while node != 0 and later(start, board.nodes[node, END]):
        before = node
        node = board.nodes[node, AFTER]
    if node != 0 and not later(board.nodes[node, SEQ], start) and not later(end, board.nodes[node, END]):
        return 0
    if node == 0 or later(board.nodes[node, SEQ], end):
        if board.marks[half, SACKED_COUNT] >= MOST_RANGES:
            return 0
        then = take_node(board)
        board.nodes[then, SEQ] = start
        board.nodes[then, END] = end
        board.nodes[then, AFTER] = node
        if before == 0:
            board.marks[half, SACKED] = then
        else:
            board.nodes[before, AFTER] = then
        board.marks[half, SACKED_COUNT] += 1
        board.marks[half, SACKED_BYTES] += (end - start) & MASK32
        return 1
    board.marks[half, SACKED_BYTES] -= (board.nodes[node, END] - board.nodes[node, SEQ]) & MASK32
    if later(board.nodes[node, SEQ], start):
        board.nodes[node, SEQ] = start
    if later(end, board.nodes[node, END]):
        board.nodes[node, END] = end
    then = board.nodes[node, AFTER]
    while then != 0 and not later(board.nodes[then, SEQ], board.nodes[node, END]):
        board.marks[half, SACKED_BYTES] -= (board.nodes[then, END] - board.nodes[then, SEQ]) & MASK32
        if later(board.nodes[then, END], board.nodes[node, END]):
            board.nodes[node, END] = board.nodes[then, END]
        board.nodes[node, AFTER] = board.nodes[then, AFTER]
        free_node(board, then)
        board.marks[half, SACKED_COUNT] -= 1
        then = board.nodes[node, AFTER]
    board.marks[half, SACKED_BYTES] += (board.nodes[node, END] - board.nodes[node, SEQ]) & MASK32
    return 1


@cython.cfunc
@cython.nogil
def trim_sacked(
    board: Board,
    half: cython.Py_ssize_t,
    acked: cython.longlong,
) -> cython.longlong:
    """Forget what lies before the acknowledgement number."""
    node: cython.longlong = board.marks[half, SACKED]
    then: cython.longlong
    while node != 0 and later(acked, board.nodes[node, SEQ]):
        if later(board.nodes[node, END], acked):
            board.marks[half, SACKED_BYTES] -= (acked - board.nodes[node, SEQ]) & MASK32
            board.nodes[node, SEQ] = acked
            break
        board.marks[half, SACKED_BYTES] -= (board.nodes[node, END] - board.nodes[node, SEQ]) & MASK32
        then = board.nodes[node, AFTER]
        free_node(board, node)
        board.marks[half, SACKED_COUNT] -= 1
        node = then
        board.marks[half, SACKED] = node
    return 0


@cython.cfunc
@cython.nogil
def read_sack(
    board: Board,
    half: cython.Py_ssize_t,
    acked: cython.longlong,
    blocks: cython.longlong,
    place: cython.Py_ssize_t,
    number: cython.longlong,
    octets: cython.const[cython.uchar][::1],
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
            report_duplicate(board, half, left, right, number)
            continue
        if later(acked, left) or not board.marks[half, FLAGS] & SEEN or later(right, board.marks[half, NEXT]):
            continue
        told |= add_sacked(board, half, left, right)
    return told


@cython.cfunc
@cython.nogil
def report_duplicate(
    board: Board,
    half: cython.Py_ssize_t,
    left: cython.longlong,
    right: cython.longlong,
    number: cython.longlong,
) -> cython.longlong:
    """Find the repetition that a D-SACK speaks of and note it."""
    node: cython.longlong
    steps: cython.longlong = 0
    which: cython.int
    for which in range(2):
        node = board.marks[half, RECENT] if which == 0 else board.marks[half, OLDEST]
        while node != 0 and steps < MOST_RANGES:
            if (
                board.nodes[node, COUNT] > 1
                and later(right, board.nodes[node, SEQ])
                and later(board.nodes[node, END], left)
            ):
                amend(board, RETRANSMISSION, board.again[node, AGAIN_FRAME], number, AMEND_UNNEEDED)
                return 1
            node = board.nodes[node, AFTER]
            steps += 1
    return 0


@cython.cfunc
@cython.nogil
def seek(
    board: Board,
    half: cython.Py_ssize_t,
    start: cython.longlong,
) -> cython.longlong:
    """A segment from which on to look for a number: the oldest, or the last mark not behind it."""
    node: cython.longlong = board.marks[half, MARK]
    if node == 0 or later(board.nodes[node, SEQ], start):
        return board.marks[half, OLDEST]
    while board.nodes[node, SKIP] != 0 and not later(board.nodes[board.nodes[node, SKIP], SEQ], start):
        node = board.nodes[node, SKIP]
    return node


@cython.cfunc
@cython.nogil
def sent_before(
    board: Board,
    half: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
) -> cython.longlong:
    """The segment with the first of these bytes that is still known, 0 if none is."""
    node: cython.longlong
    which: cython.int
    for which in range(2):
        node = board.marks[half, RECENT] if which == 0 else seek(board, half, start)
        while node != 0:
            if later(end, board.nodes[node, SEQ]) and later(board.nodes[node, END], start):
                return node
            if which == 1 and not later(end, board.nodes[node, SEQ]):
                break
            node = board.nodes[node, AFTER]
    return 0


@cython.cfunc
@cython.nogil
def mark_again(
    board: Board,
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
        node = board.marks[half, RECENT] if which == 0 else seek(board, half, start)
        while node != 0:
            if which == 1 and not later(end, board.nodes[node, SEQ]):
                break
            if later(end, board.nodes[node, SEQ]) and later(board.nodes[node, END], start):
                if board.nodes[node, COUNT] == 1 or later(board.again[node, AGAIN_END], start):
                    board.nodes[node, COUNT] += 1
                board.again[node, AGAIN_END] = end
                board.again[node, AGAIN_FRAME] = number
                board.again[node, AGAIN_NS] = now
                board.again[node, AGAIN_TSVAL] = tsval
                low = start if later(start, board.nodes[node, SEQ]) else board.nodes[node, SEQ]
                offset = (low - board.nodes[node, SEQ]) & MASK32
                count = min(board.nodes[node, CAPTURED] - offset, captured - ((low - start) & MASK32))
                if count > 0 and board.nodes[node, DATA] + size >= board.counters[2]:
                    low = place + ((low - start) & MASK32)
                    for step in range(count):
                        if ring[(board.nodes[node, DATA] + offset + step) % size] != octets[low + step]:
                            differs = 1
                            break
            node = board.nodes[node, AFTER]
    return differs


@cython.cfunc
@cython.nogil
def insert_node(
    board: Board,
    half: cython.Py_ssize_t,
    node: cython.longlong,
) -> cython.longlong:
    """Put a segment that came late at its place among the unacknowledged ones."""
    before: cython.longlong = 0
    then: cython.longlong = seek(board, half, board.nodes[node, SEQ])
    while then != 0 and not later(board.nodes[then, SEQ], board.nodes[node, SEQ]):
        before = then
        then = board.nodes[then, AFTER]
    board.nodes[node, AFTER] = then
    if before == 0:
        board.marks[half, OLDEST] = node
    else:
        board.nodes[before, AFTER] = node
    if then == 0:
        board.marks[half, NEWEST] = node
    board.marks[half, UNACKED] += 1
    return 0
