"""What became of the attempts to connect to each listener, and what that says about it.

The rules are those at the top of ``listeners.py``. Arrays in, arrays out: what ``listener_facts`` has added
up for each listener becomes its row of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import IPV6, NULL, address_ranks
from netanalyze.tcp.listener_facts import ACCEPT_QUEUE, SERVER, SYN_QUEUE
from netanalyze.tcp.sums import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Truths = NDArray[np.bool_]
    Columns = Mapping[str, NDArray[Any]]

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


def judge(facts: Columns, lengths: Columns, alive: Callable[[Truths], Truths]) -> dict[str, Any]:
    """The columns of the table of listeners, without their endpoints and the peaks of their queues.

    Args:
        facts: of ``listener_facts.ListenerSums``.
        lengths: of the same.
        alive: tells of some listeners whether their hosts sent anything at all.
    """
    established = facts["established"]
    columns: dict[str, Any] = {
        name: facts[name]
        for name in (
            "attempts", "established", "refused", "unanswered", "syn_retries", "syn_ack_retries",
            "connect_max_ns", "first_frame",
        )
    }  # fmt: skip
    columns["connect_avg_ns"] = np.where(
        established > 0, facts["took_ns"] // np.maximum(established, 1), NULL
    )
    overflow = _Overflow(facts, lengths)
    verdict = _without_overflow(facts, alive)
    verdict = np.where(_has_cookies(facts), _VERDICT["SYN cookies"], verdict)
    verdict = np.where(overflow.syn_queue, _VERDICT["SYN queue full"], verdict)
    verdict = np.where(overflow.accept_queue, _VERDICT["accept queue full"], verdict)
    full = overflow.syn_queue | overflow.accept_queue
    return columns | {
        "first_drop": np.where(full, overflow.first_drop, NULL),
        "first_drop_frame": np.where(full, overflow.first_frame, NULL),
        "overflows": np.where(full, facts["lost"], 0),
        "cost_ns": np.where(full, facts["waited_ns"], 0),
        "verdict": verdict,
        "verdict_names": VERDICTS,
        "signs": np.where(full, overflow.signs, 0),
        "signs_names": SIGNS,
        "retry_schedule": _schedules(facts),
        "retry_schedule_names": SCHEDULES,
    }


class _Overflow:
    """Which queue of which listener was full, and how that showed."""

    def __init__(self, facts: Columns, lengths: Columns) -> None:
        answered = facts["answered"] > 0
        accept_queue = answered & _consistent(facts, lengths, "accept", ACCEPT_QUEUE)
        syn_queue = answered & _consistent(facts, lengths, "syn", SYN_QUEUE)
        signs = np.where(accept_queue | syn_queue, _DROPPED, 0)
        for name, sign in (("ignored", _IGNORED), ("reset", _RESET)):
            here = facts[name] > 0
            signs = np.where(here & (signs == 0), sign, signs)
            accept_queue |= here
        self.signs = signs
        self.accept_queue = accept_queue
        self.syn_queue = syn_queue & ~accept_queue
        # The first drop of the kind that decided, and how long the queue was then.
        counted = {"syn": self.syn_queue, "accept": accept_queue & answered, "sign": signs > 0}
        frames = {kind: np.where(where, facts[f"{kind}_frame"], NEVER) for kind, where in counted.items()}
        self.first_frame = np.minimum.reduce(list(frames.values()))
        self.first_drop = np.maximum.reduce(
            [np.where(frames[kind] == self.first_frame, facts[f"{kind}_length"], NULL) for kind in counted]
        )


def _consistent(facts: Columns, lengths: Columns, kind: str, queue: int) -> Truths:
    """Whether drops look like those of a full queue: mostly when it is as long as at the first drop.

    A SYN that a network lost leaves others answered while as many are in the queue.
    """
    limit = facts[f"{kind}_limit"]
    has: Truths = limit != NEVER
    if not has.any():
        return has
    mine = lengths["queue"] == queue
    listener = _places(facts, {name: lengths[name][mine] for name in SERVER})
    beyond = lengths["length"][mine] >= limit[listener]
    answered = np.zeros(len(limit), np.int64)
    np.add.at(answered, listener[beyond], lengths["answered"][mine][beyond])
    found_full: Truths = has & (facts[f"{kind}_drops"] > answered)
    return found_full


def _places(facts: Columns, of: Columns) -> Numbers:
    """The row of ``facts`` that is about the same listener, for each row of ``of``."""
    version, hi, lo, port = (np.concatenate((facts[name], of[name])) for name in SERVER)
    host, _ = address_ranks(hi, lo, version)
    key = host * 65536 + port
    count = len(facts["server_port"])
    found: Numbers = np.searchsorted(key[:count], key[count:])  # facts are in this order
    return found


def _has_cookies(facts: Columns) -> Truths:
    """Listeners that answered some SYNs without keeping anything of them.

    Such a SYN-ACK is never sent again, although others of the same listener are; and it leaves out options
    that were offered and that others got, unless the client's timestamps have room for them.
    """
    poor, rich, once, repeated = (facts[name] > 0 for name in ("poor", "rich", "once", "repeated"))
    found: Truths = (poor & rich) | (once & repeated)
    return found


def _without_overflow(facts: Columns, alive: Callable[[Truths], Truths]) -> Numbers:
    """What is to be said of each listener if no queue of it was full."""
    established = facts["answered"] > 0
    verdict = np.where(facts["retried"] > 0, _VERDICT["packet loss"], _VERDICT["ok"])
    silent = np.full(len(established), _VERDICT["filtered"])
    if not established.all():
        silent[~established] = np.where(alive(~established), _VERDICT["filtered"], _VERDICT["host dead"])
    silent = np.where(facts["patient"] > 0, silent, _VERDICT["no answer"])
    verdict = np.where(established, verdict, silent)
    refused = (facts["refused"] > 0) & ~established
    verdict = np.where(refused, _VERDICT["refused"], verdict)
    # The first ICMP error speaks for all of them.
    decisive = (facts["icmp_frame"] != NEVER) & ~(established | refused)
    for row in np.flatnonzero(decisive).tolist():
        names = _ICMP6 if facts["server_version"][row] == IPV6 else _ICMP4
        verdict[row] = _VERDICT[names.get(divmod(int(facts["icmp"][row]), 256), "ICMP error")]
    return verdict


def _schedules(facts: Columns) -> Numbers:
    """How clients of each listener repeated their SYNs: what most of those did that did it twice."""
    linear, exponential = facts["linear"], facts["exponential"]
    return np.where(linear + exponential == 0, 0, np.where(linear >= exponential, 1, 2))
