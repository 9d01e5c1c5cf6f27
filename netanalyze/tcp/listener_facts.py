"""What is known of each attempt to connect, and what of it is added up for each listener.

Arrays in, arrays out: an element for each attempt becomes a row for each listener. A verdict needs nothing
but these sums, so that attempts may be let go of while more come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL
from netanalyze.tcp import handshake_fields as fields
from netanalyze.tcp.queues import sweep
from netanalyze.tcp.sums import HIGHEST, LOWEST, NEVER, SUM, Sums, highest_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Truths = NDArray[np.bool_]
    Columns = Mapping[str, NDArray[Any]]

SERVER = ("server_version", "server_hi", "server_lo", "server_port")
"""Columns that say which listener it is."""

SYN_QUEUE, ACCEPT_QUEUE = 0, 1

HALF_OPEN, WAITING, WAITING_AT_ACK = range(3)
"""Columns of lengths: those of the SYN queue and the accept queue at the first SYN, and that at the ACK."""

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

_RULES = {
    "first_frame": LOWEST, "attempts": SUM, "established": SUM, "answered": SUM, "refused": SUM,
    "unanswered": SUM, "syn_retries": SUM, "syn_ack_retries": SUM, "took_ns": SUM, "connect_max_ns": HIGHEST,
    "lost": SUM, "waited_ns": SUM, "linear": SUM, "exponential": SUM,
    # SYNs that were dropped while the queue was the longer one of both and not empty: how many, how long
    # it was at least, and the first one with how long the queue was then.
    "syn_drops": SUM, "syn_limit": LOWEST, "syn_frame": LOWEST, "syn_length": highest_among("syn_frame"),
    "accept_drops": SUM, "accept_limit": LOWEST, "accept_frame": LOWEST,
    "accept_length": highest_among("accept_frame"),
    # What tells of a full accept queue for itself, and how long that was at the first.
    "ignored": SUM, "reset": SUM, "sign_frame": LOWEST, "sign_length": highest_among("sign_frame"),
    # What tells of SYN cookies.
    "poor": SUM, "rich": SUM, "once": SUM, "repeated": SUM,
    "retried": SUM, "patient": SUM, "icmp_frame": LOWEST, "icmp": highest_among("icmp_frame"),
}  # fmt: skip


class ListenerSums:
    """What is added up for each listener.

    Attributes:
        facts: about attempts, as in ``_RULES``.
        queues: the number of the first stream to the listener, and the peaks of both queues.
        lengths: how many SYNs were answered at once while either queue was so long.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.facts = Sums(SERVER, **_RULES)
        self.queues = Sums(SERVER, number=LOWEST, max_half_open=HIGHEST, max_waiting=HIGHEST)
        self.lengths = Sums((*SERVER, "queue", "length"), answered=SUM)


class Attempts:
    """Attempts to connect, an element each.

    Attributes:
        listener: number of the listener tried, below ``count``.
        count: how many listeners there are.
        lengths: of the queues then, a row of ``HALF_OPEN`` and so on for each; -1 where not known.
        syns: SYNs before there was an answer.
        all_syns: all SYNs, those after an answer included.
        syn_acks: SYN-ACKs.
        dropped: SYNs that brought no answer of any kind.
        ignored: the client's segments after the SYN-ACK that the server did not take.
        answered, acked, refused, unreachable: what there was: SYN-ACK, ACK, RST or ICMP error in its place.
    """

    def __init__(self, listener: Numbers, count: int, rows: Numbers, lengths: Numbers) -> None:
        """Read the rows of ``handshake_fields``; every listener has one at least."""
        self.listener, self.count, self.lengths = listener, count, lengths
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

    def of(self, which: Numbers) -> Attempts:
        """Some of them, with all listeners."""
        return Attempts(self.listener[which], self.count, self._rows[which], self.lengths[which])


class Queues:
    """When each attempt was in either queue of its listener."""

    def __init__(self, found: Attempts, last_ns: int) -> None:
        """Take attempts, and when the capture ends."""
        self._found = found
        left = found.has(fields.LEFT)
        acked, ignored = found.acked, found.ignored > 0
        gone_ns = np.where(left, found.word(fields.LEFT_NS), last_ns)
        # A server that still waits sends its SYN-ACK again; where it did not, it has given up.
        last_try_ns = found.word(fields.LAST_SYN_ACK_NS)
        next_try_ns = 2 * last_try_ns - found.word(fields.SYN_ACK_NS) + _FIRST_RTO_NS
        given_up_ns = np.minimum(next_try_ns, last_ns)
        opened_ns = np.where(acked, found.word(fields.ACK_NS), np.where(left, gone_ns, given_up_ns))
        # Who was ignored at first waits from when the server had taken it; who was reset never does.
        waits = acked & ~found.has(fields.ABORTED) & (found.has(fields.SETTLED) | ~ignored)
        enters_ns = np.where(ignored, found.word(fields.SETTLED_NS), found.word(fields.ACK_NS))
        self._half_open = found.answered, found.word(fields.SYN_ACK_NS), opened_ns
        self._waiting = waits, enters_ns, gone_ns

    def over(self, until_ns: int) -> Truths:
        """Which attempts are in none any more at this time."""
        (half_open, _, opened_ns), (waits, _, gone_ns) = self._half_open, self._waiting
        found: Truths = ~(half_open & (opened_ns > until_ns)) & ~(waits & (gone_ns > until_ns))
        return found

    def measure(self, asking: Truths, until_ns: int) -> tuple[Numbers, Numbers]:
        """Find out how long the queues were at attempts where that is not known: changes their ``lengths``.

        Args:
            asking: where it is to be known.
            until_ns: up to when what happened is known for good.

        Returns:
            The peaks of both queues for each listener.
        """
        found = self._found
        syn_ns, ack_ns = found.word(fields.SYN_NS), found.word(fields.ACK_NS)
        at_syn = np.flatnonzero(asking & (found.lengths[:, HALF_OPEN] < 0) & (syn_ns <= until_ns))
        at_ack = np.flatnonzero(
            asking & found.acked & (found.lengths[:, WAITING_AT_ACK] < 0) & (ack_ns <= until_ns)
        )
        asked = (
            np.concatenate((found.listener[at_syn], found.listener[at_ack])),
            np.concatenate((syn_ns[at_syn], ack_ns[at_ack])),
        )
        peaks = np.zeros((2, found.count), np.int64)
        for queue, (there, enters_ns, leaves_ns) in enumerate((self._half_open, self._waiting)):
            where = there & (enters_ns <= until_ns)
            highest, answers = sweep(found.listener[where], enters_ns[where], leaves_ns[where], asked)
            peaks[queue, : len(highest)] = highest
            found.lengths[at_syn, HALF_OPEN if queue == SYN_QUEUE else WAITING] = answers[: len(at_syn)]
            if queue == ACCEPT_QUEUE:
                found.lengths[at_ack, WAITING_AT_ACK] = answers[len(at_syn) :]
        return peaks[SYN_QUEUE], peaks[ACCEPT_QUEUE]


def odd(found: Attempts) -> Truths:
    """Attempts at listeners where there is something to explain."""
    strange = (found.dropped > 0) | (found.ignored > 0) | found.has(fields.ABORTED)
    listeners = np.zeros(found.count, np.bool_)
    listeners[found.listener[strange]] = True
    return listeners[found.listener]


def facts_of(found: Attempts, last_ns: int) -> dict[str, Numbers]:
    """The columns of ``_RULES``, an element for each attempt; the capture ends at ``last_ns``."""
    half_open, waiting, waiting_at_ack = np.maximum(found.lengths, 0).T
    syn_frame = found.word(fields.SYN_FRAME)
    took_ns = found.word(fields.ACK_NS) - found.word(fields.SYN_NS)
    dropped = (found.dropped > 0) & ~found.refused
    for_accept = dropped & (waiting >= np.maximum(half_open, 1))
    for_syn = dropped & (half_open > waiting)
    ignored = (
        (found.ignored > 0)
        & found.has(fields.AGAIN)
        & (found.has(fields.REPEATED) | ((found.syn_acks >= _REPEATS) & (waiting_at_ack > 0)))
    )
    reset = found.has(fields.ABORTED)
    sign = ignored | reset
    sign_frame = np.where(
        found.word(fields.IGNORED_FRAME) > 0, found.word(fields.IGNORED_FRAME), found.word(fields.RESET_FRAME)
    )
    sign_frame = np.where(for_accept | for_syn, syn_frame, sign_frame)
    sign_length = np.where(for_syn, half_open, np.where(for_accept, waiting, waiting_at_ack))
    waits = found.word(fields.WAITS)
    first, second = waits & 0xFFFFFFFF, waits >> 32
    columns = {
        "first_frame": syn_frame,
        "attempts": np.ones(len(syn_frame), np.int64),
        "established": found.acked,
        "answered": found.answered,
        "refused": found.refused,
        "unanswered": ~(found.answered | found.refused | found.unreachable),
        "syn_retries": found.all_syns - 1,
        "syn_ack_retries": np.maximum(found.syn_acks - 1, 0),
        "took_ns": np.where(found.acked, took_ns, 0),
        "connect_max_ns": np.where(found.acked, took_ns, NULL),
        "lost": found.dropped + found.ignored,
        "waited_ns": _waited_ns(found),
        "linear": (second > 0) & (second <= first * _LINEAR),
        "exponential": (second > 0) & (second > first * _LINEAR),
        "syn_drops": np.where(for_syn, found.dropped, 0),
        "syn_limit": np.where(for_syn, half_open, NEVER),
        "syn_frame": np.where(for_syn, syn_frame, NEVER),
        "syn_length": np.where(for_syn, half_open, NULL),
        "accept_drops": np.where(for_accept, found.dropped, 0),
        "accept_limit": np.where(for_accept, waiting, NEVER),
        "accept_frame": np.where(for_accept, syn_frame, NEVER),
        "accept_length": np.where(for_accept, waiting, NULL),
        "ignored": ignored,
        "reset": reset,
        "sign_frame": np.where(sign, sign_frame, NEVER),
        "sign_length": np.where(sign, sign_length, NULL),
        **_cookie_signs(found, last_ns),
        "retried": (found.dropped > 0) | (found.syn_acks > 1) | (found.all_syns > 1),
        "patient": (found.syns > 1) | (last_ns - found.word(fields.SYN_NS) >= _PATIENCE_NS),
        "icmp_frame": np.where(found.unreachable, found.word(fields.ICMP_FRAME), NEVER),
        "icmp": np.where(found.unreachable, found.word(fields.ICMP), NULL),
    }
    return {name: column.astype(np.int64, copy=False) for name, column in columns.items()}


def lengths_of(found: Attempts) -> tuple[Numbers, dict[str, Numbers]]:
    """Attempts that were answered at once, each for both queues, and how long these were."""
    at_once = np.flatnonzero(found.answered & (found.dropped == 0))
    count = len(at_once)
    lengths = np.maximum(found.lengths[at_once], 0)
    return np.tile(at_once, 2), {
        "queue": np.repeat(np.array((SYN_QUEUE, ACCEPT_QUEUE)), count),
        "length": np.concatenate((lengths[:, HALF_OPEN], lengths[:, WAITING])),
        "answered": np.ones(2 * count, np.int64),
    }


def _cookie_signs(found: Attempts, last_ns: int) -> dict[str, Truths]:
    """What the SYN-ACKs say of SYN cookies (see ``listener_verdicts``)."""
    old = last_ns - found.word(fields.SYN_ACK_NS) > _NO_REPEAT_NS
    half_open = found.answered & ~found.acked & ~found.has(fields.LEFT) & old
    return {
        "poor": found.has(fields.OFFER_SCALE) & ~found.has(fields.TAKE_SCALE) & found.answered,
        "rich": found.has(fields.TAKE_SCALE),
        "once": half_open & (found.syn_acks == 1),
        "repeated": half_open & (found.syn_acks > 1),
    }


def _waited_ns(found: Attempts) -> Numbers:
    """What each client waited because a queue was full."""
    for_answer = found.word(fields.LAST_SYN_NS) - found.word(fields.SYN_NS)
    taken = found.has(fields.SETTLED) & (found.ignored > 0)
    for_room = found.word(fields.SETTLED_NS) - found.word(fields.ACK_NS)
    waited: Numbers = np.where(found.dropped > 0, for_answer, 0) + np.where(taken, for_room, 0)
    return waited
