"""The labels that Wireshark 4.0 gives, for ``--compat wireshark``.

The rules are Wireshark's with all that follows from them: windows compared as they stand in the
header, an acknowledgement number read even where no ACK flag is set, zero standing for "not seen
yet". Where ours differ stands in docs/tcp-events.md. The rules are applied in the order in which they
stand here. State is a row of ``wireshark_fields`` for each half-stream.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import kinds
from netanalyze.tcp import wireshark_fields as fields
from netanalyze.wire import packets

NEXT = cython.declare(cython.int, fields.NEXT)
NEXT_NS = cython.declare(cython.int, fields.NEXT_NS)
NEXT_FRAME = cython.declare(cython.int, fields.NEXT_FRAME)
CONTIGUOUS = cython.declare(cython.int, fields.CONTIGUOUS)
LAST_ACK = cython.declare(cython.int, fields.LAST_ACK)
LAST_NS = cython.declare(cython.int, fields.LAST_NS)
WINDOW = cython.declare(cython.int, fields.WINDOW)
SCALE = cython.declare(cython.int, fields.SCALE)
DUPLICATES = cython.declare(cython.int, fields.DUPLICATES)
DUPLICATE_OF = cython.declare(cython.int, fields.DUPLICATE_OF)
LABELS = cython.declare(cython.int, fields.LABELS)
BEFORE_ACK = cython.declare(cython.int, fields.BEFORE_ACK)
BASE_KNOWN = cython.declare(cython.int, fields.BASE_KNOWN)
BASE = cython.declare(cython.int, fields.BASE)
OLDEST = cython.declare(cython.int, fields.OLDEST)
NEWEST = cython.declare(cython.int, fields.NEWEST)
UNACKED = cython.declare(cython.int, fields.UNACKED)
DISORDERED = cython.declare(cython.int, fields.DISORDERED)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
SEQ = cython.declare(cython.int, fields.SEQ)
END = cython.declare(cython.int, fields.END)
FRAME = cython.declare(cython.int, fields.FRAME)
NS = cython.declare(cython.int, fields.NS)
AFTER = cython.declare(cython.int, fields.AFTER)
ODD = cython.declare(cython.int, fields.ODD)
MOST_UNACKED = cython.declare(cython.longlong, 10_000)
OUT_OF_ORDER_NS = cython.declare(cython.longlong, fields.OUT_OF_ORDER_NS)
FAST_NS = cython.declare(cython.longlong, fields.FAST_NS)

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

CARRIER = cython.declare(cython.int, packets.CARRIER)
TCP = cython.declare(cython.int, 6)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
MOST_GAP = cython.declare(cython.longlong, 0x7FFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def later(one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return ((other - one) & MASK32) >= HALF


def label_segments(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    window: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    window_scale: cython.int[::1],
    opens: cython.uchar[::1],
    state: cython.longlong[:, ::1],
    nodes: cython.longlong[:, ::1],
    counters: cython.longlong[::1],
    labels: cython.int[::1],
    again_of: cython.longlong[::1],
    again_ns: cython.longlong[::1],
    dup_number: cython.int[::1],
    dup_of: cython.longlong[::1],
    gap_bytes: cython.int[::1],
) -> cython.longlong:
    """Set the labels of every segment, and the frames that they refer to.

    ``state`` has two rows for each stream and ``nodes`` room for one more node a row; ``counters`` holds
    how many nodes have ever been used (0) and the first free one (1).

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    f: cython.Py_ssize_t
    r: cython.Py_ssize_t
    node: cython.Py_ssize_t
    before: cython.Py_ssize_t
    then: cython.Py_ssize_t
    now: cython.longlong
    number: cython.longlong
    start: cython.longlong
    end: cython.longlong
    size: cython.longlong
    acked: cython.longlong
    edge: cython.longlong
    offered: cython.longlong
    threshold: cython.longlong
    bits: cython.int
    tcp: cython.int
    control: cython.int
    pure: cython.bint
    repeats: cython.bint
    rewinds: cython.bint
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if protocol[row] != TCP or role[row] > CARRIER or duplicate[row] or stream[row] < 0:
                continue
            f = stream[row] * 2 + side[row]
            r = f ^ 1
            tcp = flags[row]
            start = seq[row]
            acked = ack[row]
            size = payload_bytes[row]
            offered = window[row]
            now = time_ns[frame[row]]
            number = first_frame + frame[row]
            bits = 0
            again_of[row] = 0
            again_ns[row] = 0
            dup_number[row] = 0
            dup_of[row] = 0
            gap_bytes[row] = 0

            # Ports used again: the flow table has opened a new stream for the SYN.
            if tcp & SYN:
                if not tcp & ACK:
                    if opens[row] == 2:
                        bits |= REUSED_PORTS
                    elif state[f, BASE_KNOWN]:
                        state[f, NEXT] = state[f, CONTIGUOUS]
                elif state[f, BASE_KNOWN] and start != state[f, BASE]:
                    state[f, BASE] = start
                    bits |= REUSED_PORTS
            if not state[f, BASE_KNOWN]:
                state[f, BASE_KNOWN] = 1
                state[f, BASE] = start if tcp & SYN else (start - 1) & MASK32
            if tcp & ACK and not state[r, BASE_KNOWN]:
                state[r, BASE_KNOWN] = 1
                state[r, BASE] = (acked - 1) & MASK32

            control = tcp & (SYN | FIN | RST)
            if size == 1 and start == state[f, NEXT] and state[r, WINDOW] == 1:
                bits |= ZERO_WINDOW_PROBE
            else:
                if offered == 0 and not control:
                    bits |= ZERO_WINDOW
                if state[f, NEXT] and later(start, state[f, NEXT]) and not tcp & RST:
                    bits |= LOST_SEGMENT
                    gap_bytes[row] = (start - state[f, NEXT]) & MASK32 & MOST_GAP
                if size <= 1 and start == ((state[f, NEXT] - 1) & MASK32) and not control:
                    bits |= KEEP_ALIVE
                # A segment that says nothing new but perhaps the window.
                pure = size == 0 and start == state[f, NEXT] and acked == state[f, LAST_ACK] and not control
                repeats = pure and offered != 0 and offered + 1 == state[f, WINDOW]
                if pure and offered != 0 and offered + 1 != state[f, WINDOW]:
                    bits |= WINDOW_UPDATE
                if size > 0 and state[r, SCALE] != 0 and not control:
                    edge = state[r, WINDOW] - 1
                    if state[r, SCALE] > 2 and not state[r, BEFORE_ACK]:
                        edge = edge << (state[r, SCALE] - 2)
                    if (start + size) & MASK32 == (state[r, LAST_ACK] + edge) & MASK32:
                        bits |= WINDOW_FULL
                if repeats and state[r, LABELS] & KEEP_ALIVE:
                    bits |= KEEP_ALIVE_ACK
                elif pure and offered == 0 and state[f, WINDOW] == 1 and state[r, LABELS] & ZERO_WINDOW_PROBE:
                    bits |= ZERO_WINDOW_PROBE_ACK
                elif repeats:
                    if state[f, DUPLICATES] < 0:
                        state[f, DUPLICATES] = 0
                    state[f, DUPLICATES] += 1
                    bits |= DUPLICATE_ACK
                    dup_number[row] = state[f, DUPLICATES]
                    dup_of[row] = state[f, DUPLICATE_OF]

            if acked != state[f, LAST_ACK]:
                state[f, DUPLICATE_OF] = number
                state[f, DUPLICATES] = 0
            if state[r, CONTIGUOUS] and tcp & ACK and later(acked, state[r, CONTIGUOUS]):
                if not bits & LOST_SEGMENT:
                    gap_bytes[row] = (acked - state[r, CONTIGUOUS]) & MASK32 & MOST_GAP
                if later(state[r, NEXT], state[r, CONTIGUOUS]):
                    state[r, CONTIGUOUS] = state[r, NEXT]
                    bits |= ACK_LOST_SEGMENT
                else:
                    if state[r, DUPLICATES] == 0:
                        bits |= ACK_LOST_SEGMENT
                    state[r, DUPLICATES] = -1

            if (size > 0 or tcp & (SYN | FIN)) and not bits & KEEP_ALIVE:
                rewinds = state[f, NEXT] != 0 and later(state[f, NEXT], start)
                if size > 1 and start == (state[f, NEXT] - 1) & MASK32:
                    rewinds = False
                if size > 0 and state[r, LAST_ACK] and not later(start + size, state[r, LAST_ACK]):
                    bits |= SPURIOUS_RETRANSMISSION | RETRANSMISSION
                elif rewinds:
                    # Wireshark takes both for unsigned: a negative first round trip is a very long one.
                    threshold = state[f | 1, SYN_NS]
                    if threshold == 0:
                        threshold = OUT_OF_ORDER_NS
                    end = (start + size + (1 if tcp & (SYN | FIN) else 0)) & MASK32
                    if (
                        # The -1 that stands for an unseen segment counts as many: Wireshark has it unsigned.
                        (state[r, DUPLICATES] >= 2 or state[r, DUPLICATES] < 0)
                        and state[r, LAST_ACK] == start
                        and 0 <= now - state[r, LAST_NS] < FAST_NS
                    ):
                        bits |= FAST_RETRANSMISSION | RETRANSMISSION
                    elif (
                        now >= state[f, NEXT_NS]
                        and (threshold < 0 or now - state[f, NEXT_NS] < threshold)
                        and state[f, NEXT] != end
                    ):
                        bits |= OUT_OF_ORDER
                    else:
                        bits |= RETRANSMISSION
                        again_ns[row] = now - state[f, NEXT_NS]
                        again_of[row] = state[f, NEXT_FRAME]
                        node = state[f, OLDEST]
                        if node != 0:
                            again_ns[row] = now - nodes[node, NS]
                            again_of[row] = nodes[node, FRAME]

            # What this segment leaves behind.
            end = (start + size) & MASK32
            if (size > 0 or tcp & (SYN | FIN)) and state[f, UNACKED] < MOST_UNACKED:
                if tcp & (SYN | FIN):
                    end = (end + 1) & MASK32
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
                nodes[node, ODD] = 0
                then = state[f, NEWEST]
                if then == 0:
                    state[f, OLDEST] = node
                else:
                    nodes[then, AFTER] = node
                    if nodes[then, END] != start:
                        nodes[node, ODD] = 1
                        state[f, DISORDERED] += 1
                state[f, NEWEST] = node
                state[f, UNACKED] += 1
            if (not state[f, NEXT] or later(end, state[f, NEXT])) and not bits & ZERO_WINDOW_PROBE:
                state[f, NEXT] = end
                state[f, NEXT_FRAME] = number
                state[f, NEXT_NS] = now
            if (not state[f, CONTIGUOUS] or start == state[f, CONTIGUOUS]) and not bits & ZERO_WINDOW_PROBE:
                state[f, CONTIGUOUS] = state[f, NEXT]
            state[f, WINDOW] = offered + 1
            state[f, LAST_ACK] = acked
            state[f, LAST_NS] = now
            state[f, LABELS] = bits
            labels[row] = bits

            # What it acknowledges.
            before = 0
            node = state[r, OLDEST]
            while node != 0:
                then = nodes[node, AFTER]
                if later(nodes[node, END], acked):
                    if later(acked, nodes[node, SEQ]):
                        nodes[node, SEQ] = acked
                    if state[r, DISORDERED] == 0:
                        break
                    before = node
                else:
                    state[r, UNACKED] -= 1
                    state[r, DISORDERED] -= nodes[node, ODD]
                    if before == 0:
                        state[r, OLDEST] = then
                    else:
                        nodes[before, AFTER] = then
                    if then == 0:
                        state[r, NEWEST] = before
                    elif nodes[then, ODD] == 0 and before != 0:
                        nodes[then, ODD] = 1
                        state[r, DISORDERED] += 1
                    nodes[node, AFTER] = counters[1]
                    counters[1] = node
                node = then

            # The options are read after all that.
            if tcp & SYN:
                if window_scale[row] >= 0:
                    state[f, SCALE] = window_scale[row] + 2
                state[f, BEFORE_ACK] = 1
                if not tcp & ACK:
                    state[f & ~1, SYN_NS] = now
                if state[f, SCALE] == 0:
                    state[f, SCALE] = 1
                    state[r, SCALE] = 1
                elif tcp & ACK and state[r, SCALE] == 1:
                    state[f, SCALE] = 1
            elif tcp & ACK:
                state[f, BEFORE_ACK] = 0
                if state[f & ~1, SYN_NS] != 0 and state[f | 1, SYN_NS] == 0:
                    state[f | 1, SYN_NS] = now - state[f & ~1, SYN_NS]
    return 0
