"""What became of the attempts to connect to each listener, and what that says about it.

The rules are those at the top of ``listeners.py``. Arrays in, arrays out: an element for each attempt
becomes an element for each listener.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL
from netanalyze.tcp import handshake_fields as fields
from netanalyze.tcp.queues import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Truths = NDArray[np.bool_]

VERDICTS = (
    "ok", "packet loss", "accept queue full", "SYN queue full", "SYN cookies", "refused", "filtered",
    "host dead", "no answer", "prohibited", "host unreachable", "net unreachable", "port unreachable",
    "ICMP error",
)  # fmt: skip
"""What there is to say of a listener; a code is a place in here."""
_VERDICT = {name: code for code, name in enumerate(VERDICTS)}

SIGNS = ("", "SYNs dropped", "ACKs ignored", "reset after the handshake")
"""How a full queue showed."""
_DROPPED, _IGNORED, _RESET = 1, 2, 3

SCHEDULES = ("", "linear", "exponential")
"""How the clients' SYNs were repeated: Linux 6.5 and later waits one second five times first."""

_ICMP4 = {
    (3, 0): "net unreachable", (3, 1): "host unreachable", (3, 3): "port unreachable", (3, 9): "prohibited",
    (3, 10): "prohibited", (3, 13): "prohibited",
}  # fmt: skip
"""RFC 792 and RFC 1812 section 5.2.7.1, by type and code."""
_ICMP6 = {
    (1, 0): "net unreachable", (1, 1): "prohibited", (1, 3): "host unreachable", (1, 4): "port unreachable",
    (1, 5): "prohibited", (1, 6): "prohibited",
}  # fmt: skip
"""RFC 4443 section 3.1."""

_TOP = (1 << fields.COUNT_BITS) - 1
_PATIENCE_NS = 1_000_000_000
"""A SYN without an answer for less than this before the capture ends may yet have had one."""
_FIRST_RTO_NS = 1_000_000_000
"""RFC 6298 section 2; what a SYN-ACK waits for the first time, and each time twice as long."""
_NO_REPEAT_NS = 3_500_000_000
"""A half-open connection has had its SYN-ACK again by then: Linux repeats it after 1 and 3 s."""
_REPEATS = 3
"""SYN-ACKs after which it is no single lost ACK that has the server repeat them."""
_LINEAR = 1.5
"""The second wait is at most so many times the first."""


class Attempts:
    """Attempts to connect, an element each, those to one listener side by side.

    Attributes:
        listener: number of the listener tried, below ``count``.
        count: how many listeners there are.
        syns: SYNs before there was an answer.
        all_syns: all SYNs, those after an answer included.
        syn_acks: SYN-ACKs.
        dropped: SYNs that brought no answer of any kind.
        ignored: the client's segments after the SYN-ACK that the server did not take.
        answered, acked, refused, unreachable: what there was: SYN-ACK, ACK, RST or ICMP error in its place.
    """

    def __init__(self, listener: Numbers, rows: Numbers, count: int) -> None:
        """Read the rows of ``handshake_fields``; every listener has one at least."""
        order = np.argsort(listener, kind="stable")
        rows = rows[order]
        self.listener, self.count = listener[order], count
        self._begins = np.searchsorted(self.listener, np.arange(count))
        self._rows = rows
        counts = rows[:, fields.COUNTS]
        self.syns = counts & _TOP
        self.all_syns = counts >> fields.COUNT_BITS & _TOP
        self.syn_acks = counts >> 2 * fields.COUNT_BITS & _TOP
        self.answered = self.has(fields.ANSWERED)
        self.acked = self.has(fields.ACKED)
        self.refused = self.has(fields.REFUSED)
        self.unreachable = self.has(fields.UNREACHABLE) & ~self.answered & ~self.refused
        self.dropped = np.where(self.unreachable, 0, self.syns - (self.answered | self.refused))
        # Data that came again and again until the capture ended was not taken either.
        pending = self.has(fields.REPEATED) & ~self.has(fields.SETTLED)
        self.ignored = self.word(fields.IGNORED) + np.where(pending, self.word(fields.PENDING), 0)

    def word(self, field: int) -> Numbers:
        """One word of all rows."""
        word: Numbers = self._rows[:, field]
        return word

    def has(self, bit: int) -> Truths:
        """Which rows have a bit of META."""
        found: Truths = (self._rows[:, fields.META] & bit) != 0
        return found

    def total(self, values: Numbers | Truths) -> Numbers:
        """The sum for each listener."""
        return self._of_each(np.add, values.astype(np.int64))

    def least(self, values: Numbers, where: Truths) -> Numbers:
        """The lowest value for each listener, ``NULL`` where there is none."""
        top = np.iinfo(np.int64).max
        lowest = self._of_each(np.minimum, np.where(where, values, top))
        return np.where(lowest == top, NULL, lowest)

    def most(self, values: Numbers, where: Truths) -> Numbers:
        """The highest value for each listener, ``NULL`` where there is none."""
        return self._of_each(np.maximum, np.where(where, values, NULL))

    def _of_each(self, function: np.ufunc, values: Numbers) -> Numbers:
        if not self.count:
            return np.zeros(0, np.int64)
        found: Numbers = function.reduceat(values, self._begins)
        return found


def judge(
    attempts: Attempts, alive: Callable[[Truths], Truths], ipv6: Truths, last_ns: int
) -> dict[str, Any]:
    """The columns of the table of listeners, without their endpoints.

    Args:
        attempts: what happened.
        alive: tells of some listeners whether their hosts sent anything at all.
        ipv6: of each listener, whether it has an IPv6 address.
        last_ns: when the capture ends.
    """
    found = attempts
    unanswered = ~(found.answered | found.refused | found.unreachable)
    took_ns = found.word(fields.ACK_NS) - found.word(fields.SYN_NS)
    established = found.total(found.acked)
    columns: dict[str, Any] = {
        "attempts": found.total(np.ones(len(found.listener), np.int64)),
        "established": established,
        "refused": found.total(found.refused),
        "unanswered": found.total(unanswered),
        "syn_retries": found.total(found.all_syns - 1),
        "syn_ack_retries": found.total(np.maximum(found.syn_acks - 1, 0)),
        "connect_avg_ns": np.where(
            established > 0,
            found.total(np.where(found.acked, took_ns, 0)) // np.maximum(established, 1),
            NULL,
        ),
        "connect_max_ns": found.most(took_ns, found.acked),
        "first_frame": found.least(found.word(fields.SYN_FRAME), np.ones(len(found.listener), np.bool_)),
    }
    queues = _Queues(found, last_ns)
    overflow = _Overflow(found, queues)
    verdict = _without_overflow(found, alive, ipv6, last_ns)
    cookies = _has_cookies(found, last_ns)
    verdict = np.where(cookies, _VERDICT["SYN cookies"], verdict)
    verdict = np.where(overflow.syn_queue, _VERDICT["SYN queue full"], verdict)
    verdict = np.where(overflow.accept_queue, _VERDICT["accept queue full"], verdict)
    full = overflow.syn_queue | overflow.accept_queue
    return columns | {
        "max_half_open": queues.half_open_peak,
        "max_waiting": queues.waiting_peak,
        "first_drop": np.where(full, overflow.first_drop, NULL),
        "first_drop_frame": np.where(full, overflow.first_frame, NULL),
        "overflows": np.where(full, found.total(found.dropped + found.ignored), 0),
        "cost_ns": np.where(full, found.total(_waited_ns(found)), 0),
        "verdict": verdict,
        "verdict_names": VERDICTS,
        "signs": np.where(full, overflow.signs, 0),
        "signs_names": SIGNS,
        "retry_schedule": _schedules(found),
        "retry_schedule_names": SCHEDULES,
    }


class _Queues:
    """Both queues of each listener: their peaks, and their lengths at each attempt's SYN and ACK.

    The lengths are asked for where there is something to explain, and 0 elsewhere.
    """

    def __init__(self, found: Attempts, last_ns: int) -> None:
        left, reset = found.has(fields.LEFT), found.has(fields.ABORTED)
        answered, acked, ignored = found.answered, found.acked, found.ignored > 0
        gone_ns = np.where(left, found.word(fields.LEFT_NS), last_ns)
        # A server that still waits sends its SYN-ACK again; where it did not, it has given up.
        last_try_ns = found.word(fields.LAST_SYN_ACK_NS)
        next_try_ns = 2 * last_try_ns - found.word(fields.SYN_ACK_NS) + _FIRST_RTO_NS
        given_up_ns = np.minimum(next_try_ns, last_ns)
        opened_ns = np.where(acked, found.word(fields.ACK_NS), np.where(left, gone_ns, given_up_ns))
        odd = found.total((found.dropped > 0) | ignored | reset) > 0
        asking = np.flatnonzero(odd[found.listener])
        asked = (
            np.tile(found.listener[asking], 2),
            np.concatenate(
                (
                    found.word(fields.SYN_NS)[asking],
                    np.where(acked, found.word(fields.ACK_NS), last_ns)[asking],
                )
            ),
        )

        def lengths(where: Truths, enters_ns: Numbers, leaves_ns: Numbers) -> tuple[Numbers, Numbers]:
            """The peak for each listener, and for each attempt the lengths at its SYN and its ACK."""
            highest, answers = sweep(found.listener[where], enters_ns[where], leaves_ns[where], asked)
            peaks = np.zeros(found.count, np.int64)
            peaks[: len(highest)] = highest
            then = np.zeros((2, len(found.listener)), np.int64)
            then[:, asking] = answers.reshape(2, -1)
            return peaks, then

        self.half_open_peak, (self.half_open, _) = lengths(answered, found.word(fields.SYN_ACK_NS), opened_ns)
        # Who was ignored at first waits from when the server had taken it; who was reset never does.
        waits = acked & ~reset & (found.has(fields.SETTLED) | ~ignored)
        enters_ns = np.where(ignored, found.word(fields.SETTLED_NS), found.word(fields.ACK_NS))
        self.waiting_peak, (self.waiting, self.waiting_at_ack) = lengths(waits, enters_ns, gone_ns)


class _Overflow:
    """Which queue of which listener was full, and how that showed."""

    def __init__(self, found: Attempts, queues: _Queues) -> None:
        waiting, half_open = queues.waiting, queues.half_open
        answered = found.total(found.answered) > 0
        dropped = (found.dropped > 0) & ~found.refused & answered[found.listener]
        syn_frame = found.word(fields.SYN_FRAME)
        for_accept = dropped & (waiting >= np.maximum(half_open, 1))
        for_syn = dropped & (half_open > waiting)
        self.accept_queue = _consistent(found, for_accept, waiting)
        self.syn_queue = _consistent(found, for_syn, half_open)
        again = found.has(fields.AGAIN)
        ignored = (
            (found.ignored > 0)
            & again
            & (found.has(fields.REPEATED) | ((found.syn_acks >= _REPEATS) & (queues.waiting_at_ack > 0)))
        )
        reset = found.has(fields.ABORTED)
        ignored_frame = np.where(
            found.word(fields.IGNORED_FRAME) > 0,
            found.word(fields.IGNORED_FRAME),
            found.word(fields.RESET_FRAME),
        )
        signs = np.where(self.accept_queue | self.syn_queue, _DROPPED, 0)
        for where, sign in ((ignored, _IGNORED), (reset, _RESET)):
            here = found.total(where) > 0
            signs = np.where(here & (signs == 0), sign, signs)
            self.accept_queue = self.accept_queue | here
        self.signs = signs
        self.syn_queue = self.syn_queue & ~self.accept_queue
        # The first drop of the kind that decided, and how long the queue was then.
        frames = np.where(for_accept | for_syn, syn_frame, ignored_frame)
        counted = (
            (for_accept & self.accept_queue[found.listener])
            | (for_syn & self.syn_queue[found.listener])
            | ignored
            | reset
        )
        lengths = np.where(for_syn, half_open, np.where(for_accept, waiting, queues.waiting_at_ack))
        self.first_frame = found.least(frames, counted)
        first = counted & (frames == self.first_frame[found.listener])
        self.first_drop = found.most(lengths, first)


def _consistent(found: Attempts, dropped: Truths, length: Numbers) -> Truths:
    """Whether drops look like those of a full queue: mostly when it is as long as at the first drop.

    A SYN that a network lost leaves others answered while as many are in the queue.
    """
    limit = found.least(length, dropped)
    has = limit != NULL
    beyond = (length >= limit[found.listener]) & has[found.listener]
    answered = found.total(beyond & (found.dropped == 0) & found.answered)
    lost = found.total(np.where(dropped & beyond, found.dropped, 0))
    found_full: Truths = has & (lost > answered)
    return found_full


def _has_cookies(found: Attempts, last_ns: int) -> Truths:
    """Listeners that answered some SYNs without keeping anything of them.

    Such a SYN-ACK is never sent again, although others of the same listener are; and it leaves out options
    that were offered and that others got, unless the client's timestamps have room for them.
    """
    poor = found.has(fields.OFFER_SCALE) & ~found.has(fields.TAKE_SCALE) & found.answered
    rich = found.has(fields.TAKE_SCALE)
    old = last_ns - found.word(fields.SYN_ACK_NS) > _NO_REPEAT_NS
    half_open = found.answered & ~found.acked & ~found.has(fields.LEFT) & old
    once, repeated = half_open & (found.syn_acks == 1), half_open & (found.syn_acks > 1)
    return ((found.total(poor) > 0) & (found.total(rich) > 0)) | (
        (found.total(once) > 0) & (found.total(repeated) > 0)
    )


def _waited_ns(found: Attempts) -> Numbers:
    """What each client waited because a queue was full."""
    for_answer = found.word(fields.LAST_SYN_NS) - found.word(fields.SYN_NS)
    taken = found.has(fields.SETTLED) & (found.ignored > 0)
    for_room = found.word(fields.SETTLED_NS) - found.word(fields.ACK_NS)
    waited: Numbers = np.where(found.dropped > 0, for_answer, 0) + np.where(taken, for_room, 0)
    return waited


def _without_overflow(
    found: Attempts, alive: Callable[[Truths], Truths], ipv6: Truths, last_ns: int
) -> Numbers:
    """What is to be said of each listener if no queue of it was full."""
    established = found.total(found.answered) > 0
    retried = found.total((found.dropped > 0) | (found.syn_acks > 1) | (found.all_syns > 1)) > 0
    verdict = np.where(retried, _VERDICT["packet loss"], _VERDICT["ok"])
    patient = (found.syns > 1) | (last_ns - found.word(fields.SYN_NS) >= _PATIENCE_NS)
    silent = np.full(found.count, _VERDICT["filtered"])
    if not established.all():
        silent[~established] = np.where(alive(~established), _VERDICT["filtered"], _VERDICT["host dead"])
    silent = np.where(found.total(patient) > 0, silent, _VERDICT["no answer"])
    verdict = np.where(established, verdict, silent)
    refused = (found.total(found.refused) > 0) & ~established
    verdict = np.where(refused, _VERDICT["refused"], verdict)
    # The first ICMP error speaks for all of them.
    first = found.least(found.word(fields.ICMP_FRAME), found.unreachable)
    decisive = found.unreachable & (found.word(fields.ICMP_FRAME) == first[found.listener])
    for row in np.flatnonzero(decisive & ~(established | refused)[found.listener]).tolist():
        place = int(found.listener[row])
        names = _ICMP6 if ipv6[place] else _ICMP4
        error = divmod(int(found.word(fields.ICMP)[row]), 256)
        verdict[place] = _VERDICT[names.get(error, "ICMP error")]
    return verdict


def _schedules(found: Attempts) -> Numbers:
    """How clients of each listener repeated their SYNs: what most of those did that did it twice."""
    waits = found.word(fields.WAITS)
    first, second = waits & 0xFFFFFFFF, waits >> 32
    twice = second > 0
    linear = found.total(twice & (second <= first * _LINEAR))
    other = found.total(twice & (second > first * _LINEAR))
    return np.where(linear + other == 0, 0, np.where(linear >= other, 1, 2))
