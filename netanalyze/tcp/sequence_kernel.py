"""Sequence analysis: what each segment does to its half-stream, by our own rules.

One row of state a half-stream (``sequence_fields``), lists of segments, SACK ranges and holes in one
pool of nodes. A segment is looked at in this order: is it possible at all, what does it acknowledge,
is it a probe or a keep-alive, do its bytes come for the first time, in which order, and if not, why
again. What Wireshark would say is in ``wireshark_kernel``; docs/tcp-events.md compares the two.

Sources: RFC 9293 (sections 3.4, 3.8, 3.10.7), RFC 6298 (retransmission timer), RFC 5681 (duplicate
acknowledgements, fast retransmit), RFC 2018, 2883 and 6675 (SACK), RFC 8985 (tail loss probe), RFC 7323
(windows, timestamps), RFC 5961 (resets); timers as Linux has them.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import causes, kinds, timers
from netanalyze.tcp import scoreboard_kernel as scoreboard
from netanalyze.tcp import sequence_fields as fields
from netanalyze.wire import packets

if cython.compiled:
    from cython.cimports.netanalyze.tcp.repair_kernel import why_again
    from cython.cimports.netanalyze.tcp.scoreboard_kernel import (
        Board,
        add_hole,
        amend,
        fill_holes,
        insert_node,
        mark_again,
        read_sack,
        release,
        retire,
        sent_before,
        take_node,
        trim_sacked,
    )
else:
    from netanalyze.tcp.repair_kernel import why_again
    from netanalyze.tcp.scoreboard_kernel import (
        Board,
        add_hole,
        amend,
        fill_holes,
        insert_node,
        mark_again,
        read_sack,
        release,
        retire,
        sent_before,
        take_node,
        trim_sacked,
    )

FLAGS = cython.declare(cython.int, fields.FLAGS - fields.LONG_WORDS)
NEXT = cython.declare(cython.int, fields.NEXT - fields.LONG_WORDS)
NEXT_NS = cython.declare(cython.int, fields.NEXT_NS)
OPENED_NS = cython.declare(cython.int, fields.OPENED_NS)
OPENED = cython.declare(cython.int, fields.OPENED)
SACK_OK = cython.declare(cython.int, fields.SACK_OK)
HIGH_ACK = cython.declare(cython.int, fields.HIGH_ACK - fields.LONG_WORDS)
ACK_FRAME = cython.declare(cython.int, fields.ACK_FRAME)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
DUPLICATES = cython.declare(cython.int, fields.DUPLICATES - fields.LONG_WORDS)
NEWS_NS = cython.declare(cython.int, fields.NEWS_NS)
WINDOW = cython.declare(cython.int, fields.WINDOW - fields.LONG_WORDS)
SCALE = cython.declare(cython.int, fields.SCALE - fields.LONG_WORDS)
EDGE = cython.declare(cython.int, fields.EDGE - fields.LONG_WORDS)
LABELS = cython.declare(cython.int, fields.LABELS - fields.LONG_WORDS)
OLDEST = cython.declare(cython.int, fields.OLDEST - fields.LONG_WORDS)
NEWEST = cython.declare(cython.int, fields.NEWEST - fields.LONG_WORDS)
UNACKED = cython.declare(cython.int, fields.UNACKED - fields.LONG_WORDS)
RECENT = cython.declare(cython.int, fields.RECENT - fields.LONG_WORDS)
RECENT_NEWEST = cython.declare(cython.int, fields.RECENT_NEWEST - fields.LONG_WORDS)
RECENT_COUNT = cython.declare(cython.int, fields.RECENT_COUNT - fields.LONG_WORDS)
SACKED = cython.declare(cython.int, fields.SACKED - fields.LONG_WORDS)
SACKED_BYTES = cython.declare(cython.int, fields.SACKED_BYTES - fields.LONG_WORDS)
HOLES = cython.declare(cython.int, fields.HOLES - fields.LONG_WORDS)
RECOVERY = cython.declare(cython.int, fields.RECOVERY - fields.LONG_WORDS)
RECOVERY_END = cython.declare(cython.int, fields.RECOVERY_END - fields.LONG_WORDS)
SRTT = cython.declare(cython.int, fields.SRTT)
RTTVAR = cython.declare(cython.int, fields.RTTVAR)
NEXT_ID = cython.declare(cython.int, fields.NEXT_ID - fields.LONG_WORDS)
STEADY = cython.declare(cython.int, fields.STEADY - fields.LONG_WORDS)
BASE = cython.declare(cython.int, fields.BASE - fields.LONG_WORDS)
LATEST_NS = cython.declare(cython.int, fields.LATEST_NS)
FIN_END = cython.declare(cython.int, fields.FIN_END - fields.LONG_WORDS)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
HANDSHAKE_NS = cython.declare(cython.int, fields.HANDSHAKE_NS)
PAST_DUPLICATES = cython.declare(cython.int, fields.PAST_DUPLICATES - fields.LONG_WORDS)
SEEN = cython.declare(cython.int, fields.SEEN)
ACKED = cython.declare(cython.int, fields.ACKED)
EDGE_KNOWN = cython.declare(cython.int, fields.EDGE_KNOWN)
CLOSING = cython.declare(cython.int, fields.CLOSING)
CLOSED = cython.declare(cython.int, fields.CLOSED)
DONE = cython.declare(cython.int, fields.DONE)
SYN_SEEN = cython.declare(cython.int, fields.SYN_SEEN)
TIMED = cython.declare(cython.int, fields.TIMED)
UNSCALED = cython.declare(cython.int, fields.UNSCALED)
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
FAST_RETRANSMISSION = cython.declare(cython.int, kinds.FAST_RETRANSMISSION)
SPURIOUS_RETRANSMISSION = cython.declare(cython.int, kinds.SPURIOUS_RETRANSMISSION)
OUT_OF_ORDER = cython.declare(cython.int, kinds.OUT_OF_ORDER)
LOST_SEGMENT = cython.declare(cython.int, kinds.LOST_SEGMENT)
ACK_LOST_SEGMENT = cython.declare(cython.int, kinds.ACK_LOST_SEGMENT)
DUPLICATE_ACK = cython.declare(cython.int, kinds.DUPLICATE_ACK)
ZERO_WINDOW = cython.declare(cython.int, kinds.ZERO_WINDOW)
ZERO_WINDOW_PROBE = cython.declare(cython.int, kinds.ZERO_WINDOW_PROBE)
ZERO_WINDOW_PROBE_ACK = cython.declare(cython.int, kinds.ZERO_WINDOW_PROBE_ACK)
WINDOW_FULL = cython.declare(cython.int, kinds.WINDOW_FULL)
WINDOW_UPDATE = cython.declare(cython.int, kinds.WINDOW_UPDATE)
KEEP_ALIVE = cython.declare(cython.int, kinds.KEEP_ALIVE)
KEEP_ALIVE_ACK = cython.declare(cython.int, kinds.KEEP_ALIVE_ACK)
REUSED_PORTS = cython.declare(cython.int, kinds.REUSED_PORTS)
DIFFERING_RETRANSMISSION = cython.declare(cython.int, kinds.DIFFERING_RETRANSMISSION)
OUT_OF_WINDOW = cython.declare(cython.int, kinds.OUT_OF_WINDOW)
NETWORK_COPY = cython.declare(cython.int, kinds.NETWORK_COPY)
HANDSHAKE = cython.declare(cython.int, causes.HANDSHAKE)
FAST = cython.declare(cython.int, causes.FAST)
RECOVERY_GOES_ON = cython.declare(cython.int, causes.RECOVERY_GOES_ON)
OLDER_TIMESTAMP = cython.declare(cython.int, causes.OLDER_TIMESTAMP)
OLDER_ID = cython.declare(cython.int, causes.OLDER_ID)
SOON = cython.declare(cython.int, causes.SOON)
AFTER_ACK = cython.declare(cython.int, causes.AFTER_ACK)
D_SACK = cython.declare(cython.int, causes.D_SACK)
SACK = cython.declare(cython.int, causes.SACK)
MEASURED = cython.declare(cython.int, causes.MEASURED)
CUMULATIVE = cython.declare(cython.int, causes.CUMULATIVE)
AMBIGUOUS = cython.declare(cython.int, causes.AMBIGUOUS)
AFTER_LOSS = cython.declare(cython.int, causes.AFTER_LOSS)
BY_TIMESTAMP = cython.declare(cython.int, causes.BY_TIMESTAMP)
CARRIER = cython.declare(cython.int, packets.CARRIER)
IN_ARENA = cython.declare(cython.int, packets.IN_ARENA)
TCP = cython.declare(cython.int, 6)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
REACH = cython.declare(cython.longlong, 1 << 30)
"""No window is larger (RFC 7323 section 2.3), so no true segment is further away from the others."""
MOST_SCALE = cython.declare(cython.int, 14)
MOST_TRIP_NS = cython.declare(cython.longlong, 3_600_000_000_000)
"""A round trip of more than an hour is none: the clock was set."""
MOST_UNACKED = cython.declare(cython.longlong, 10_000)
MARK_EVERY = cython.declare(cython.longlong, 64)
MOST_RECENT = cython.declare(cython.longlong, 64)
AMEND_ARRIVED = cython.declare(cython.longlong, scoreboard.ARRIVED)
SOON_NS = cython.declare(cython.longlong, timers.SOON_NS)
PERSIST_NS = cython.declare(cython.longlong, timers.PERSIST_NS)
AHEAD = cython.declare(cython.Py_ssize_t, 64)

NODES_A_SEGMENT = 7
"""New nodes that a segment may need: itself, two holes, four ranges."""


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def later(one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return ((other - one) & MASK32) >= HALF


def analyse_segments(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    data: cython.const[cython.uchar][::1],
    arena: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    source: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    opens: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    window: cython.int[::1],
    payload_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    window_scale: cython.int[::1],
    sack_permitted: cython.uchar[::1],
    sack_offset: cython.longlong[::1],
    sack_blocks: cython.int[::1],
    tsval: cython.longlong[::1],
    tsecr: cython.longlong[::1],
    ip_id: cython.int[::1],
    board: Board,
    ring: cython.uchar[::1],
    hole: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    cause: cython.uchar[::1],
    again_of: cython.longlong[::1],
    again_ns: cython.longlong[::1],
    waited_ns: cython.longlong[::1],
    sent_times: cython.int[::1],
    sack_told: cython.uchar[::1],
    dup_number: cython.int[::1],
    dup_of: cython.longlong[::1],
    gap_bytes: cython.int[::1],
    new_bytes: cython.int[::1],
    old_bytes: cython.int[::1],
    window_bytes: cython.int[::1],
    peer_window: cython.int[::1],
    in_flight: cython.int[::1],
    peer_in_flight: cython.int[::1],
    rtt_ns: cython.longlong[::1],
    rtt_frame: cython.longlong[::1],
    rtt_bytes: cython.int[::1],
    measured: cython.uchar[::1],
    acked_segments: cython.int[::1],
) -> cython.longlong:
    """Analyse every TCP segment of a batch.

    ``board`` has two rows for each stream and room for ``NODES_A_SEGMENT`` more nodes a row, ``ring`` the
    latest payloads (empty: contents are not compared), ``hole`` room for five numbers.

    Returns:
        The number of segments analysed.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    f: cython.Py_ssize_t
    r: cython.Py_ssize_t
    node: cython.longlong
    then: cython.longlong
    done: cython.longlong = 0
    now: cython.longlong
    number: cython.longlong
    start: cython.longlong
    end: cython.longlong
    size: cython.longlong
    takes: cython.longlong
    acked: cython.longlong
    offered: cython.longlong
    scaled: cython.longlong
    distance: cython.longlong
    gap: cython.longlong
    fresh: cython.longlong
    beyond: cython.longlong
    old: cython.longlong
    waited: cython.longlong
    sample: cython.longlong
    place: cython.longlong
    bits: cython.int
    why: cython.int
    how: cython.int
    tcp: cython.int
    control: cython.int
    ours: cython.longlong
    theirs: cython.longlong
    told: cython.longlong
    moved: cython.bint
    valid: cython.bint
    same: cython.bint
    late: cython.bint
    popped: cython.int
    ring_size: cython.longlong = ring.shape[0]
    look: cython.Py_ssize_t
    ahead: cython.Py_ssize_t = 0
    warm: cython.longlong = 0
    state: cython.longlong[:, ::1] = board.state
    marks: cython.uint[:, ::1] = board.marks
    nodes: cython.longlong[:, ::1] = board.nodes
    again: cython.longlong[:, ::1] = board.again
    counters: cython.longlong[::1] = board.counters
    with cython.nogil:
        for index in range(rows):
            if index == ahead:
                # A look at the rows that the next segments will touch: with a hundred thousand
                # connections each is a cache miss, and here they overlap.
                ahead = min(rows, index + AHEAD)
                for look in range(index, ahead):
                    row = order[look]
                    if protocol[row] == TCP and stream[row] >= 0:
                        f = stream[row] * 2
                        warm ^= state[f, 0] ^ state[f, 8] ^ marks[f, 0] ^ marks[f, 16]
                        f += 1
                        warm ^= state[f, 0] ^ state[f, 8] ^ marks[f, 0] ^ marks[f, 16]
                for look in range(index, ahead):
                    row = order[look]
                    if protocol[row] == TCP and stream[row] >= 0:
                        f = stream[row] * 2
                        warm ^= nodes[marks[f, OLDEST], AFTER] ^ nodes[marks[f + 1, OLDEST], AFTER]
            row = order[index]
            analysed[row] = 0
            if protocol[row] != TCP or role[row] > CARRIER or duplicate[row] or stream[row] < 0:
                continue
            analysed[row] = 1
            done += 1
            f = stream[row] * 2 + side[row]
            r = f ^ 1
            tcp = flags[row]
            start = seq[row]
            acked = ack[row]
            size = min(payload_bytes[row], REACH)  # more cannot be true
            offered = window[row]
            now = time_ns[frame[row]]
            number = first_frame + frame[row]
            ours = marks[f, FLAGS]
            theirs = marks[r, FLAGS]
            control = tcp & (SYN | FIN | RST)
            takes = size
            if control:
                if tcp & SYN:
                    takes += 1
                if tcp & FIN:
                    takes += 1
            end = (start + takes) & MASK32
            bits = 0
            why = 0
            how = 0
            told = 0
            moved = False
            popped = 0
            gap = 0
            new_bytes[row] = 0
            old_bytes[row] = 0
            rtt_ns[row] = -1
            if tcp & SYN or marks[f, SCALE] == 1:
                scaled = offered
            elif marks[f, SCALE] == 0:
                scaled = -1
            else:
                scaled = offered << (marks[f, SCALE] - 2)
            window_bytes[row] = scaled

            # Another connection under the same number: only a SYN-ACK comes here, for another SYN the
            # flow table opens a new stream. One whose predecessor was accepted is refused below.
            valid = True
            if tcp & SYN:
                if ours & SEEN and start != marks[f, BASE]:
                    if theirs & ACKED and marks[r, HIGH_ACK] != (start + 1) & MASK32:
                        bits |= OUT_OF_WINDOW
                        valid = False
                    else:
                        bits |= REUSED_PORTS
                        release(board, f)
                        ours = 0
                        theirs &= ~EDGE_KNOWN
                        marks[r, FLAGS] = theirs
                        marks[f, SCALE] = 0
                        marks[f, WINDOW] = 0
                        marks[f, RECOVERY] = 0
                elif opens[row] == 2 and not tcp & ACK:
                    bits |= REUSED_PORTS

            # Is it possible at all (RFC 9293 section 3.10.7.4)?
            if tcp & RST:
                # A reset counts only inside the window (RFC 5961 section 3).
                if theirs & ACKED and (
                    later(marks[r, HIGH_ACK], start) or (theirs & EDGE_KNOWN and later(start, marks[r, EDGE]))
                ):
                    bits |= OUT_OF_WINDOW
                else:
                    release(board, f)
                    release(board, r)
                valid = False
            elif valid and ours & SEEN:
                distance = (start - marks[f, NEXT]) & MASK32
                if distance >= HALF:
                    distance = MASK32 + 1 - distance
                if distance > REACH:
                    bits |= OUT_OF_WINDOW
                    valid = False
            if not valid:
                marks[f, FLAGS] = ours
                marks[f, LABELS] = bits
                labels[row] = bits
                cause[row] = 0
                sack_told[row] = 0
                peer_window[row] = -1
                in_flight[row] = -1
                peer_in_flight[row] = -1
                new_bytes[row] = 0
                old_bytes[row] = 0
                rtt_ns[row] = -1
                measured[row] = 0
                acked_segments[row] = 0
                continue

            # What does it acknowledge?
            if tcp & ACK:
                if theirs & SEEN:
                    distance = (acked - marks[r, NEXT]) & MASK32
                    if distance >= HALF:
                        if MASK32 + 1 - distance > REACH:
                            valid = False
                    elif distance > REACH:
                        bits |= OUT_OF_WINDOW
                        valid = False
                    elif distance > 0:
                        if distance == 1 and marks[r, LABELS] & ZERO_WINDOW_PROBE:
                            marks[r, NEXT] = acked  # the octet of the probe was taken
                        else:
                            bits |= ACK_LOST_SEGMENT
                            gap += distance
                            add_hole(board, r, marks[r, NEXT], acked, number, now, 1)
                            marks[r, NEXT] = acked
                if valid:
                    if not ours & ACKED or later(acked, marks[f, HIGH_ACK]):
                        moved = True
                        ours |= ACKED
                        marks[f, HIGH_ACK] = acked
                        state[f, ACK_FRAME] = number
                        state[f, ACK_NS] = now
                        if marks[f, DUPLICATES] != 0:
                            marks[f, PAST_DUPLICATES] = marks[f, DUPLICATES]
                            marks[f, DUPLICATES] = 0
                        node = marks[r, HOLES]
                        while node != 0 and later(acked, nodes[node, SEQ]):
                            if nodes[node, COUNT] == 0:
                                nodes[node, COUNT] = 1
                                distance = (nodes[node, END] - nodes[node, SEQ]) & MASK32
                                if later(nodes[node, END], acked):
                                    distance = (acked - nodes[node, SEQ]) & MASK32
                                gap += distance
                                bits |= ACK_LOST_SEGMENT
                                amend(board, LOST_SEGMENT, nodes[node, FRAME], number, AMEND_ARRIVED)
                            node = nodes[node, AFTER]
                        node = marks[r, OLDEST]
                        if node != 0 and later(acked, nodes[node, SEQ]):
                            how = CUMULATIVE
                        while node != 0 and not later(nodes[node, END], acked):
                            then = nodes[node, AFTER]
                            popped += 1
                            if nodes[node, END] == acked:
                                popped -= 1
                                rtt_frame[row] = nodes[node, FRAME]
                                rtt_bytes[row] = (acked - nodes[node, SEQ]) & MASK32
                                sample = now - nodes[node, NS]
                                if nodes[node, COUNT] > 1:
                                    how = AMBIGUOUS
                                    sample = now - again[node, AGAIN_NS]
                                    if (
                                        tsecr[row] >= 0
                                        and nodes[node, TSVAL] != again[node, AGAIN_TSVAL]
                                        and nodes[node, TSVAL] >= 0
                                    ):
                                        if tsecr[row] == again[node, AGAIN_TSVAL]:
                                            how = BY_TIMESTAMP
                                            rtt_frame[row] = again[node, AGAIN_FRAME]
                                        elif tsecr[row] == nodes[node, TSVAL]:
                                            how = BY_TIMESTAMP
                                            sample = now - nodes[node, NS]
                                elif theirs & TIMED and nodes[node, NS] < state[r, LATEST_NS]:
                                    how = AFTER_LOSS
                                else:
                                    how = MEASURED
                                if sample < 0 or sample > MOST_TRIP_NS:
                                    how = CUMULATIVE
                                else:
                                    rtt_ns[row] = sample
                            # Time of its last copy, or of a late one: behind it in time, before it in order.
                            sample = again[node, AGAIN_NS] if nodes[node, COUNT] > 1 else nodes[node, NS]
                            if not theirs & TIMED or sample > state[r, LATEST_NS]:
                                theirs |= TIMED
                                state[r, LATEST_NS] = sample
                            marks[r, OLDEST] = then
                            marks[r, UNACKED] -= 1
                            if node == marks[r, MARK]:
                                marks[r, MARK] = nodes[node, SKIP]
                                if marks[r, MARK] == 0:
                                    marks[r, MARK_NEWEST] = 0
                            # Among the recent ones; the oldest of these makes room. Not a function of
                            # the scoreboard, as this is done for every segment.
                            nodes[node, AFTER] = 0
                            if marks[r, RECENT] == 0:
                                marks[r, RECENT] = node
                            else:
                                nodes[marks[r, RECENT_NEWEST], AFTER] = node
                            marks[r, RECENT_NEWEST] = node
                            if marks[r, RECENT_COUNT] < MOST_RECENT:
                                marks[r, RECENT_COUNT] += 1
                            else:
                                node = marks[r, RECENT]
                                marks[r, RECENT] = nodes[node, AFTER]
                                nodes[node, AFTER] = counters[1]
                                counters[1] = node
                            node = then
                        if node == 0:
                            marks[r, NEWEST] = 0
                        if how == MEASURED or how == BY_TIMESTAMP:
                            if state[r, SRTT] == 0:
                                state[r, SRTT] = rtt_ns[row]
                                state[r, RTTVAR] = rtt_ns[row] // 2
                            else:
                                distance = rtt_ns[row] - state[r, SRTT]
                                if distance < 0:
                                    distance = -distance
                                state[r, RTTVAR] = (state[r, RTTVAR] * 3 + distance) // 4
                                state[r, SRTT] = (state[r, SRTT] * 7 + rtt_ns[row]) // 8
                        if marks[r, SACKED] != 0:
                            trim_sacked(board, r, acked)
                        if marks[r, RECOVERY] != 0 and not later(marks[r, RECOVERY_END], acked):
                            marks[r, RECOVERY] = 0
                        if theirs & CLOSING and not later(marks[r, FIN_END], acked):
                            theirs |= CLOSED
                        marks[r, FLAGS] = theirs
                    if sack_blocks[row] > 0:
                        told = read_sack(
                            board,
                            r,
                            acked,
                            sack_blocks[row],
                            sack_offset[row],
                            number,
                            arena if source[row] == IN_ARENA else data,
                        )
                        if told & 1:
                            state[f, NEWS_NS] = now

            # Probes and keep-alives lie one below what would come next.
            if not control and ours & SEEN and size <= 1:
                if (
                    marks[r, WINDOW] == 1 or (theirs & OPENED and now - state[r, OPENED_NS] < PERSIST_NS)
                ) and (
                    start == (marks[f, NEXT] - 1) & MASK32
                    or (theirs & ACKED and start == (marks[r, HIGH_ACK] - 1) & MASK32)
                    or (size == 1 and start == marks[f, NEXT] and marks[r, WINDOW] == 1)
                ):
                    bits |= ZERO_WINDOW_PROBE
                elif start == (marks[f, NEXT] - 1) & MASK32 and (
                    not theirs & ACKED or marks[r, HIGH_ACK] == marks[f, NEXT]
                ):
                    bits |= KEEP_ALIVE
            if theirs & OPENED and not bits & ZERO_WINDOW_PROBE:
                theirs &= ~OPENED
                marks[r, FLAGS] = theirs
            if offered == 0 and not control and tcp & ACK:
                bits |= ZERO_WINDOW

            # An acknowledgement that carries nothing and acknowledges nothing new.
            if size == 0 and not control and tcp & ACK and valid and not moved:
                if ours & SEEN and start == marks[f, NEXT] and acked == marks[f, HIGH_ACK]:
                    if marks[f, WINDOW] == 0:
                        same = False
                    elif ours & UNSCALED and marks[f, SCALE] > 1:
                        same = (marks[f, WINDOW] - 1) >> (marks[f, SCALE] - 2) == offered
                    else:
                        same = marks[f, WINDOW] - 1 == offered
                    if same and marks[r, LABELS] & ZERO_WINDOW_PROBE:
                        bits |= ZERO_WINDOW_PROBE_ACK
                    elif offered == 0:
                        pass
                    elif same and marks[r, LABELS] & KEEP_ALIVE:
                        bits |= KEEP_ALIVE_ACK
                    elif told & 1 or (
                        same and (told != 0 or not theirs & SEEN or later(marks[r, NEXT], acked))
                    ):
                        bits |= DUPLICATE_ACK
                        marks[f, DUPLICATES] += 1
                        state[f, NEWS_NS] = now
                        dup_number[row] = marks[f, DUPLICATES]
                        dup_of[row] = state[f, ACK_FRAME]
                        if told & 1:
                            why = SACK
                        elif told != 0:
                            why = D_SACK
                    elif not same:
                        bits |= WINDOW_UPDATE

            # Which window stands now, and how far may the other side go (RFC 9293 section 3.10.7.4)?
            if valid and (not tcp & ACK or acked == marks[f, HIGH_ACK]):
                if offered == 0:
                    ours &= ~OPENED
                elif marks[f, WINDOW] == 1 and not tcp & SYN:
                    ours |= OPENED
                    state[f, OPENED_NS] = now
                marks[f, WINDOW] = offered + 1
                ours &= ~UNSCALED
                if tcp & SYN:
                    ours |= UNSCALED
                if tcp & ACK and scaled >= 0:
                    place = (acked + scaled) & MASK32
                    if not ours & EDGE_KNOWN or later(place, marks[f, EDGE]):
                        ours |= EDGE_KNOWN
                        marks[f, EDGE] = place

            # Which bytes does it bring?
            peer_window[row] = -1
            if theirs & ACKED and theirs & EDGE_KNOWN:
                peer_window[row] = 0
                if later(marks[r, EDGE], marks[r, HIGH_ACK]):
                    peer_window[row] = (marks[r, EDGE] - marks[r, HIGH_ACK]) & MASK32
            if not ours & SEEN:
                ours |= SEEN
                marks[f, NEXT] = start
                state[f, NEXT_NS] = now
                marks[f, NEXT_ID] = 0
                marks[f, STEADY] = 0
                marks[f, BASE] = start if tcp & SYN else (start - 1) & MASK32
            if bits & (ZERO_WINDOW_PROBE | KEEP_ALIVE):
                pass
            elif start == marks[f, NEXT] or later(start, marks[f, NEXT]):
                if start != marks[f, NEXT]:
                    bits |= LOST_SEGMENT
                    distance = (start - marks[f, NEXT]) & MASK32
                    gap += distance
                    node = add_hole(board, f, marks[f, NEXT], start, number, now, 0)
                    nodes[node, TSVAL] = tsval[row]
                    nodes[node, IP_ID] = ip_id[row]
                    marks[f, NEXT] = start
                if size > 0 and not control and theirs & EDGE_KNOWN and end == marks[r, EDGE]:
                    bits |= WINDOW_FULL
                new_bytes[row] = size
                if takes > 0:
                    if marks[f, UNACKED] < MOST_UNACKED and not (
                        theirs & ACKED and not later(end, marks[r, HIGH_ACK])
                    ):
                        node = counters[1]
                        if node != 0:
                            counters[1] = nodes[node, AFTER]
                        else:
                            counters[0] += 1
                            node = counters[0]
                        nodes[node, SEQ] = start
                        nodes[node, END] = end
                        nodes[node, FRAME] = number
                        nodes[node, NS] = now
                        nodes[node, AFTER] = 0
                        nodes[node, COUNT] = 1
                        nodes[node, TSVAL] = tsval[row]
                        nodes[node, IP_ID] = ip_id[row]
                        nodes[node, CAPTURED] = 0
                        if marks[f, NEWEST] == 0:
                            marks[f, OLDEST] = node
                        else:
                            nodes[marks[f, NEWEST], AFTER] = node
                        marks[f, NEWEST] = node
                        marks[f, UNACKED] += 1
                        nodes[node, SKIP] = 0
                        marks[f, MARK_STEPS] += 1
                        if marks[f, MARK_STEPS] >= MARK_EVERY:
                            marks[f, MARK_STEPS] = 0
                            if marks[f, MARK_NEWEST] == 0:
                                marks[f, MARK] = node
                            else:
                                nodes[marks[f, MARK_NEWEST], SKIP] = node
                            marks[f, MARK_NEWEST] = node
                        if ring_size > 0 and size > 0 and not tcp & SYN:
                            distance = min(payload_captured[row], size)
                            if 0 < distance <= ring_size:
                                place = counters[2] % ring_size
                                if place + distance > ring_size:
                                    counters[2] += ring_size - place
                                    place = 0
                                nodes[node, DATA] = counters[2]
                                nodes[node, CAPTURED] = distance
                                counters[2] += distance
                                if source[row] == IN_ARENA:
                                    ring[place : place + distance] = arena[
                                        payload_offset[row] : payload_offset[row] + distance
                                    ]
                                else:
                                    ring[place : place + distance] = data[
                                        payload_offset[row] : payload_offset[row] + distance
                                    ]
                    if ip_id[row] > 0 and marks[f, NEXT_ID] > 0:
                        # GSO takes an identification for each packet that it will make.
                        distance = (ip_id[row] + 1 - cython.cast(cython.longlong, marks[f, NEXT_ID])) & 0xFFFF
                        if 0 < distance <= 64:
                            marks[f, STEADY] += 1
                        else:
                            marks[f, STEADY] = 0
                    marks[f, NEXT] = end
                    state[f, NEXT_NS] = now
                    marks[f, NEXT_ID] = ip_id[row] + 1
            elif takes > 0:
                # It begins before what would come next.
                late = False
                fresh = 0
                beyond = 0
                place = end
                if later(end, marks[f, NEXT]):
                    beyond = (end - marks[f, NEXT]) & MASK32
                    place = marks[f, NEXT]
                if marks[f, HOLES] != 0:
                    fresh = fill_holes(board, f, start, place, number, hole)
                old = takes - beyond - fresh
                new_bytes[row] = min(size, fresh + beyond)
                if beyond > 0 and tcp & FIN:
                    new_bytes[row] = min(size, fresh + beyond - 1)
                old_bytes[row] = size - new_bytes[row]
                if old == 0:
                    waited = now - hole[1]
                    if tsval[row] >= 0 and hole[2] >= 0 and tsval[row] != hole[2]:
                        late = later(hole[2], tsval[row])
                        why = OLDER_TIMESTAMP
                    elif marks[f, STEADY] >= 2 and ip_id[row] > 0 and hole[3] > 0:
                        distance = (hole[3] - ip_id[row]) & 0xFFFF
                        late = 0 < distance < 0x4000
                        why = OLDER_ID
                    else:
                        distance = state[f & ~1, HANDSHAKE_NS]
                        if distance <= 0:
                            distance = SOON_NS
                        late = 0 <= waited < distance and marks[r, DUPLICATES] < 3
                        why = SOON
                    if late:
                        bits |= OUT_OF_ORDER
                        again_ns[row] = waited
                        again_of[row] = hole[0]
                        if hole[4]:
                            why = AFTER_ACK
                else:
                    waited = now - state[f, NEXT_NS]
                node = 0
                if old > 0:
                    node = sent_before(board, f, start, end)
                    if node == 0:
                        pass
                    elif tsval[row] >= 0 and nodes[node, TSVAL] >= 0 and tsval[row] != nodes[node, TSVAL]:
                        # The first copy comes behind the one that was sent to replace it.
                        late = later(nodes[node, TSVAL], tsval[row])
                        why = OLDER_TIMESTAMP
                    elif marks[f, STEADY] >= 2 and ip_id[row] > 0 and nodes[node, IP_ID] > 0:
                        distance = (nodes[node, IP_ID] - ip_id[row]) & 0xFFFF
                        late = 0 < distance < 0x4000
                        why = OLDER_ID
                        if distance == 0:
                            bits |= NETWORK_COPY
                    if late:
                        bits |= OUT_OF_ORDER
                if node != 0 and (late or bits & NETWORK_COPY):
                    again_of[row] = nodes[node, FRAME]
                    again_ns[row] = now - nodes[node, NS]
                    if not late:
                        why = 0
                elif not late:
                    bits |= RETRANSMISSION
                    again_of[row] = 0
                    sent_times[row] = 0
                    why = 0
                    if node != 0:
                        again_of[row] = nodes[node, FRAME]
                        again_ns[row] = now - nodes[node, NS]
                        waited = again_ns[row]
                        if nodes[node, COUNT] > 1:
                            waited = now - again[node, AGAIN_NS]
                    elif old == 0:
                        again_ns[row] = waited
                    if size > 0 and theirs & ACKED and not later(end, marks[r, HIGH_ACK]):
                        bits |= SPURIOUS_RETRANSMISSION
                    marks[f, FLAGS] = ours
                    if tcp & SYN:
                        why = HANDSHAKE
                    else:
                        why = why_again(
                            board,
                            f,
                            start,
                            end,
                            now,
                            waited,
                            nodes[node, COUNT] if node != 0 else 0,
                            bits & SPURIOUS_RETRANSMISSION != 0,
                        )
                    if why == FAST or why == RECOVERY_GOES_ON:
                        bits |= FAST_RETRANSMISSION
                    if old > 0:
                        distance = payload_captured[row]
                        if tcp & SYN or ring_size == 0:
                            distance = 0
                        if mark_again(
                            board,
                            f,
                            start,
                            end,
                            number,
                            now,
                            tsval[row],
                            distance,
                            payload_offset[row],
                            arena if source[row] == IN_ARENA else data,
                            ring,
                        ):
                            bits |= DIFFERING_RETRANSMISSION
                        if node != 0:
                            sent_times[row] = nodes[node, COUNT]
                    waited_ns[row] = waited
                if (
                    marks[f, UNACKED] < MOST_UNACKED
                    and (old == 0 or beyond > 0)
                    and not (theirs & ACKED and not later(end, marks[r, HIGH_ACK]))
                ):
                    node = take_node(board)
                    nodes[node, SEQ] = start if old == 0 else marks[f, NEXT]
                    nodes[node, END] = end
                    nodes[node, FRAME] = number
                    nodes[node, NS] = now
                    # Where the first copy was not captured, nobody knows which one is acknowledged.
                    nodes[node, COUNT] = 1 if late else 2
                    again[node, AGAIN_FRAME] = number
                    again[node, AGAIN_NS] = now
                    again[node, AGAIN_END] = end
                    nodes[node, TSVAL] = tsval[row]
                    again[node, AGAIN_TSVAL] = tsval[row]
                    nodes[node, IP_ID] = ip_id[row]
                    insert_node(board, f, node)
                if beyond > 0:
                    marks[f, NEXT] = end
                    state[f, NEXT_NS] = now
                    marks[f, NEXT_ID] = ip_id[row] + 1

            if tcp & FIN and marks[f, NEXT] == end:
                ours |= CLOSING
                marks[f, FIN_END] = end
            in_flight[row] = -1
            if theirs & ACKED:
                distance = (marks[f, NEXT] - marks[r, HIGH_ACK]) & MASK32
                in_flight[row] = 0
                if distance < HALF and distance > marks[f, SACKED_BYTES]:
                    in_flight[row] = distance - marks[f, SACKED_BYTES]
            elif ours & SYN_SEEN or tcp & SYN:
                distance = (marks[f, NEXT] - marks[f, BASE]) & MASK32
                if distance < HALF:
                    in_flight[row] = distance

            peer_in_flight[row] = -1
            if ours & ACKED and theirs & SEEN:
                distance = (marks[r, NEXT] - marks[f, HIGH_ACK]) & MASK32
                peer_in_flight[row] = 0
                if distance < HALF and distance > marks[r, SACKED_BYTES]:
                    peer_in_flight[row] = distance - marks[r, SACKED_BYTES]

            # The options of a SYN hold for what comes after it.
            if tcp & SYN:
                ours |= SYN_SEEN
                if sack_permitted[row]:
                    ours |= SACK_OK
                if window_scale[row] < 0:
                    marks[f, SCALE] = 1
                    marks[r, SCALE] = 1
                elif tcp & ACK and marks[r, SCALE] == 1:
                    marks[f, SCALE] = 1
                else:
                    marks[f, SCALE] = min(window_scale[row], MOST_SCALE) + 2
                if not tcp & ACK:
                    state[f & ~1, SYN_NS] = now
                    state[f & ~1, HANDSHAKE_NS] = -1
            elif tcp & ACK and state[f & ~1, HANDSHAKE_NS] < 0:
                state[f & ~1, HANDSHAKE_NS] = max(now - state[f & ~1, SYN_NS], 0)
            marks[f, FLAGS] = ours
            if ours & CLOSED and theirs & CLOSED and not ours & DONE:
                marks[f, FLAGS] |= DONE
                marks[r, FLAGS] |= DONE
                retire(board, f)
                retire(board, r)
            marks[f, LABELS] = bits
            labels[row] = bits
            if bits != 0:
                cause[row] = why
                gap_bytes[row] = min(gap, HALF - 1)
            sack_told[row] = told
            measured[row] = how
            acked_segments[row] = popped
    counters[4] = warm  # so that the looks ahead are not optimised away
    return done
