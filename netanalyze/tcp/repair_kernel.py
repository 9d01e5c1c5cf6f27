"""Why a segment was sent again: what its sender had to go by at that moment.

Sources: RFC 5681 (fast retransmit), RFC 6675 (recovery with SACK), RFC 6298 (timer), RFC 8985 (tail loss
probe); the figures as Linux has them. docs/tcp-events.md says the same in words. Used by ``sequence_kernel``.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import causes, timers
from netanalyze.tcp import sequence_fields as fields

if cython.compiled:
    from cython.cimports.netanalyze.tcp.scoreboard_kernel import Board
else:
    from netanalyze.tcp.scoreboard_kernel import Board  # noqa: TC001 - as in every kernel

FLAGS = cython.declare(cython.int, fields.FLAGS - fields.LONG_WORDS)
NEXT = cython.declare(cython.int, fields.NEXT - fields.LONG_WORDS)
HIGH_ACK = cython.declare(cython.int, fields.HIGH_ACK - fields.LONG_WORDS)
ACK_NS = cython.declare(cython.int, fields.ACK_NS)
DUPLICATES = cython.declare(cython.int, fields.DUPLICATES - fields.LONG_WORDS)
NEWS_NS = cython.declare(cython.int, fields.NEWS_NS)
SACKED_BYTES = cython.declare(cython.int, fields.SACKED_BYTES - fields.LONG_WORDS)
RECOVERY = cython.declare(cython.int, fields.RECOVERY - fields.LONG_WORDS)
RECOVERY_END = cython.declare(cython.int, fields.RECOVERY_END - fields.LONG_WORDS)
REPAIR_NS = cython.declare(cython.int, fields.REPAIR_NS)
SRTT = cython.declare(cython.int, fields.SRTT)
RTTVAR = cython.declare(cython.int, fields.RTTVAR)
HANDSHAKE_NS = cython.declare(cython.int, fields.HANDSHAKE_NS)
PAST_DUPLICATES = cython.declare(cython.int, fields.PAST_DUPLICATES - fields.LONG_WORDS)
ACKED = cython.declare(cython.int, fields.ACKED)
SACK_OK = cython.declare(cython.int, fields.SACK_OK)
FAST = cython.declare(cython.int, causes.FAST)
RECOVERY_GOES_ON = cython.declare(cython.int, causes.RECOVERY_GOES_ON)
TIMEOUT = cython.declare(cython.int, causes.TIMEOUT)
AFTER_TIMEOUT = cython.declare(cython.int, causes.AFTER_TIMEOUT)
TAIL_LOSS_PROBE = cython.declare(cython.int, causes.TAIL_LOSS_PROBE)
TAIL_TIMER = cython.declare(cython.int, causes.TAIL_TIMER)
EARLY = cython.declare(cython.int, causes.EARLY)

MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF = cython.declare(cython.longlong, 0x80000000)
NEWS_SOON_NS = cython.declare(cython.longlong, timers.NEWS_SOON_NS)
TIMER_NS = cython.declare(cython.longlong, timers.TIMER_NS)
FIRST_TIMEOUT_NS = cython.declare(cython.longlong, timers.FIRST_TIMEOUT_NS)
LEAST_VARIATION_NS = cython.declare(cython.longlong, timers.LEAST_VARIATION_NS)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def later(one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return ((other - one) & MASK32) >= HALF


@cython.cfunc
@cython.nogil
def why_again(
    board: Board,
    f: cython.Py_ssize_t,
    start: cython.longlong,
    end: cython.longlong,
    now: cython.longlong,
    waited: cython.longlong,
    sent: cython.longlong,
    spurious: cython.bint,
) -> cython.longlong:
    """The cause of a retransmission by half-stream ``f``, and what begins with it.

    Args:
        board: what is known of all half-streams.
        f: its row; the other side's differs in the last bit.
        start: its sequence number.
        end: the one behind it.
        now: when it was captured.
        waited: how long ago these bytes were sent last.
        sent: how often they were sent before, 0 if that is not known.
        spurious: whether they had been acknowledged.
    """
    r: cython.Py_ssize_t = f ^ 1
    why: cython.longlong
    trip: cython.longlong = board.state[f, SRTT]
    timeout: cython.longlong = FIRST_TIMEOUT_NS
    acked: cython.bint = board.marks[r, FLAGS] & ACKED != 0
    if board.state[f & ~1, HANDSHAKE_NS] > trip:
        trip = board.state[f & ~1, HANDSHAKE_NS]
    if board.state[f, SRTT] > 0:
        timeout = board.state[f, SRTT] + max(4 * board.state[f, RTTVAR], LEAST_VARIATION_NS)
    if board.marks[f, RECOVERY] == FAST:
        # Longer than most of the timer since it was sent last, and no news for as long.
        why = RECOVERY_GOES_ON
        if waited >= timeout // 5 * 4 and now - board.state[r, NEWS_NS] >= timeout // 5 * 4:
            why = TIMEOUT
    elif board.marks[f, RECOVERY] == TIMEOUT:
        # The timer has run out once more only if nothing happened for as long.
        why = AFTER_TIMEOUT
        if (
            start == board.marks[r, HIGH_ACK]
            and now - board.state[f, REPAIR_NS] >= TIMER_NS
            and now - board.state[r, ACK_NS] >= TIMER_NS
        ):
            why = TIMEOUT
    elif (
        board.marks[r, DUPLICATES] >= 2
        or board.marks[f, SACKED_BYTES] > 0
        # It may have left before the acknowledgement that ended the episode came.
        or (spurious and board.marks[r, PAST_DUPLICATES] > 0)
    ) and (0 <= now - board.state[r, NEWS_NS] < NEWS_SOON_NS + trip):
        why = FAST
    elif end == board.marks[f, NEXT] and (
        waited < TIMER_NS or (acked and later(start, board.marks[r, HIGH_ACK]) and waited < timeout * 2)
    ):
        why = TAIL_LOSS_PROBE
    elif waited >= TIMER_NS:
        why = TIMEOUT
        if (
            end == board.marks[f, NEXT]
            and sent <= 1
            and board.marks[f, FLAGS] & board.marks[r, FLAGS] & SACK_OK
        ):
            why = TAIL_TIMER
    else:
        why = EARLY
    board.state[f, REPAIR_NS] = now
    if (why == FAST or why == TIMEOUT) and not (
        acked and not later(board.marks[f, NEXT], board.marks[r, HIGH_ACK])
    ):
        board.marks[f, RECOVERY] = why
        board.marks[f, RECOVERY_END] = board.marks[f, NEXT]
    return why
