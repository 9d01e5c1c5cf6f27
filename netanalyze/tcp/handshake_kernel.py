"""How each TCP stream was opened: tries, answers, and when it was served.

A row for each stream, as ``handshake_fields`` says.

Only the beginning of a stream costs anything: once the server has sent something of its own, a look at
one word tells that there is no more to learn.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import handshake_fields as fields
from netanalyze.wire import packets

META = cython.declare(cython.int, fields.META)
SYN_NS = cython.declare(cython.int, fields.SYN_NS)
SYN_FRAME = cython.declare(cython.int, fields.SYN_FRAME)
LAST_SYN_NS = cython.declare(cython.int, fields.LAST_SYN_NS)
SYN_ACK_NS = cython.declare(cython.int, fields.SYN_ACK_NS)
LAST_SYN_ACK_NS = cython.declare(cython.int, fields.LAST_SYN_ACK_NS)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
COUNTS = cython.declare(cython.int, fields.COUNTS)
LEFT_NS = cython.declare(cython.int, fields.LEFT_NS)
WAITS = cython.declare(cython.int, fields.WAITS)
PENDING = cython.declare(cython.int, fields.PENDING)
SYN_ACK_SEQ = cython.declare(cython.int, fields.SYN_ACK_SEQ)
HIGHEST = cython.declare(cython.int, fields.HIGHEST)
PENDING_FRAME = cython.declare(cython.int, fields.PENDING_FRAME)
IGNORED = cython.declare(cython.int, fields.IGNORED)
IGNORED_FRAME = cython.declare(cython.int, fields.IGNORED_FRAME)
SETTLED_NS = cython.declare(cython.int, fields.SETTLED_NS)
RESET_FRAME = cython.declare(cython.int, fields.RESET_FRAME)
ICMP_FRAME = cython.declare(cython.int, fields.ICMP_FRAME)
ICMP = cython.declare(cython.int, fields.ICMP)

CLIENT = cython.declare(cython.longlong, fields.CLIENT)
ANSWERED = cython.declare(cython.longlong, fields.ANSWERED)
ACKED = cython.declare(cython.longlong, fields.ACKED)
SETTLED = cython.declare(cython.longlong, fields.SETTLED)
LEFT = cython.declare(cython.longlong, fields.LEFT)
REFUSED = cython.declare(cython.longlong, fields.REFUSED)
ABORTED = cython.declare(cython.longlong, fields.ABORTED)
REPEATED = cython.declare(cython.longlong, fields.REPEATED)
AGAIN = cython.declare(cython.longlong, fields.AGAIN)
DONE = cython.declare(cython.longlong, fields.DONE)
UNREACHABLE = cython.declare(cython.longlong, fields.UNREACHABLE)
OFFER_SCALE = cython.declare(cython.longlong, fields.OFFER_SCALE)
OFFER_SACK = cython.declare(cython.longlong, fields.OFFER_SACK)
TAKE_SCALE = cython.declare(cython.longlong, fields.TAKE_SCALE)
TAKE_SACK = cython.declare(cython.longlong, fields.TAKE_SACK)
COUNT_BITS = cython.declare(cython.int, fields.COUNT_BITS)

INNERMOST = cython.declare(cython.int, packets.INNERMOST)
QUOTED = cython.declare(cython.int, packets.QUOTED)
TCP = cython.declare(cython.int, 6)
ICMP4 = cython.declare(cython.int, 1)
ICMP6 = cython.declare(cython.int, 58)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)

ONE = cython.declare(cython.longlong, 1)
MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
SIGN32 = cython.declare(cython.longlong, 0x80000000)
TOP = cython.declare(cython.longlong, (1 << fields.COUNT_BITS) - 1)
MANY = cython.declare(cython.longlong, 1 << 30)
MICROSECOND = cython.declare(cython.longlong, 1000)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def one_more(counts: cython.longlong, shift: cython.int) -> cython.longlong:
    """The counts with one of them, at this shift, raised unless it is at its top."""
    if (counts >> shift) & TOP < TOP:
        counts += ONE << shift
    return counts


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def microseconds(start: cython.longlong, end: cython.longlong) -> cython.longlong:
    """A wait in microseconds, 1 at least and what 31 bits hold at most."""
    if end <= start:
        return 1
    if end - start >= MANY * MICROSECOND or end - start < 0:
        return MANY
    return (end - start) // MICROSECOND + 1


def follow(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    flags: cython.int[::1],
    seq: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    window_scale: cython.int[::1],
    sack_permitted: cython.uchar[::1],
    state: cython.longlong[:, ::1],
) -> cython.longlong:
    """Take the packets of a batch into the rows of their streams; ``state`` has a row for each.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    at: cython.Py_ssize_t
    bits: cython.int
    meta: cython.longlong
    number: cython.longlong
    now: cython.longlong
    end: cython.longlong
    pending: cython.longlong
    counts: cython.longlong
    from_client: cython.int
    error: cython.longlong = 0
    error_frame: cython.longlong = -1
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if protocol[row] != TCP:
                if (protocol[row] == ICMP4 or protocol[row] == ICMP6) and role[row] == INNERMOST:
                    error = ((sport[row] & 0xFF) << 8) | (dport[row] & 0xFF)
                    error_frame = frame[row]
                continue
            at = stream[row]
            if at < 0 or duplicate[row]:
                continue
            meta = state[at, META]
            number = first_frame + frame[row]
            if role[row] != INNERMOST:
                # An ICMP error that quotes a segment of a client which has had no answer.
                if (
                    role[row] == QUOTED
                    and error_frame == frame[row]
                    and state[at, SYN_FRAME]
                    and not meta & (ANSWERED | UNREACHABLE)
                    and side[row] == meta & CLIENT
                ):
                    state[at, META] = meta | UNREACHABLE
                    state[at, ICMP] = error
                    state[at, ICMP_FRAME] = number
                continue
            bits = flags[row]
            if meta & SETTLED and meta & LEFT and not bits & SYN:
                continue
            now = time_ns[frame[row]]
            if state[at, SYN_FRAME] == 0:
                if bits & (SYN | ACK | RST | FIN) != SYN:
                    continue
                state[at, SYN_FRAME] = number
                state[at, SYN_NS] = now
                state[at, LAST_SYN_NS] = now
                meta = side[row] & 1
                if window_scale[row] >= 0:
                    meta |= OFFER_SCALE
                if sack_permitted[row]:
                    meta |= OFFER_SACK
                state[at, META] = meta
                state[at, COUNTS] = (ONE << COUNT_BITS) | 1
                continue
            from_client = side[row] == meta & CLIENT
            if bits & SYN:
                counts = state[at, COUNTS]
                if bits & RST or (from_client and bits & ACK):
                    continue
                if from_client:
                    counts = one_more(counts, COUNT_BITS)
                    if not meta & (ANSWERED | REFUSED):
                        if counts & TOP == 1:
                            state[at, WAITS] = microseconds(state[at, LAST_SYN_NS], now)
                        elif counts & TOP == 2:
                            state[at, WAITS] |= microseconds(state[at, LAST_SYN_NS], now) << 32
                        counts = one_more(counts, 0)
                        state[at, LAST_SYN_NS] = now
                elif bits & ACK:
                    counts = one_more(counts, 2 * COUNT_BITS)
                    state[at, LAST_SYN_ACK_NS] = now
                    if not meta & ANSWERED:
                        meta |= ANSWERED
                        state[at, SYN_ACK_NS] = now
                        state[at, SYN_ACK_SEQ] = seq[row]
                        if window_scale[row] >= 0:
                            meta |= TAKE_SCALE
                        if sack_permitted[row]:
                            meta |= TAKE_SACK
                    elif meta & ACKED and seq[row] != state[at, SYN_ACK_SEQ]:
                        # It has forgotten all about it and begins anew.
                        state[at, PENDING] = 0
                        meta &= ~REPEATED
                    elif meta & ACKED and not meta & SETTLED:
                        # The handshake was complete, and the server does not know: nothing sent since
                        # its last SYN-ACK counted.
                        meta |= AGAIN
                        if state[at, PENDING]:
                            if state[at, IGNORED] == 0:
                                state[at, IGNORED_FRAME] = state[at, PENDING_FRAME]
                            state[at, IGNORED] += state[at, PENDING]
                            state[at, PENDING] = 0
                state[at, COUNTS] = counts
                state[at, META] = meta
                continue
            if not meta & ANSWERED:
                if bits & RST and not from_client and not meta & REFUSED:
                    state[at, META] = meta | REFUSED
                    state[at, RESET_FRAME] = number
                continue
            if from_client:
                if bits & RST:
                    if not meta & LEFT:
                        meta |= LEFT
                        state[at, LEFT_NS] = now
                elif bits & ACK:
                    if not meta & ACKED:
                        meta |= ACKED
                        state[at, ACK_NS] = now
                        state[at, HIGHEST] = seq[row]
                    if bits & FIN:
                        meta |= DONE
                    if not meta & SETTLED:
                        if state[at, PENDING] == 0:
                            state[at, PENDING_FRAME] = number
                        state[at, PENDING] += 1
                        if payload_bytes[row]:
                            end = (seq[row] + payload_bytes[row]) & MASK32
                            if 0 < (end - state[at, HIGHEST]) & MASK32 < SIGN32:
                                state[at, HIGHEST] = end
                            else:
                                meta |= REPEATED
                state[at, META] = meta
                continue
            # The server's, after its SYN-ACK.
            if not meta & SETTLED:
                pending = 0
                if bits & RST and not bits & ACK and meta & ACKED and not meta & DONE:
                    # Not a program's doing, whose RST acknowledges: the handshake itself is refused.
                    meta |= ABORTED
                    state[at, RESET_FRAME] = number
                    pending = state[at, PENDING] if meta & REPEATED else 1
                elif meta & REPEATED:
                    # Data came again because it was needed again: only the last segment counted.
                    pending = state[at, PENDING] - 1
                if pending > 0:
                    if state[at, IGNORED] == 0:
                        state[at, IGNORED_FRAME] = state[at, PENDING_FRAME]
                    state[at, IGNORED] += pending
                meta |= SETTLED
                state[at, SETTLED_NS] = now
            if not meta & LEFT and (bits & (RST | FIN) or payload_bytes[row]):
                meta |= LEFT
                state[at, LEFT_NS] = now
            state[at, META] = meta
    return 0
