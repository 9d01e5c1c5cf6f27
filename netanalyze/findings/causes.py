"""Causes that several rules need to know of: what one of them tells, the others leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.columns import found_in
from netanalyze.findings.facts import grouped
from netanalyze.findings.services import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

IDLE_NEEDS = ("silent_max_ns", "silent_max_frame", "resets", "keep_alives")
"""Columns of ``directions`` that tell connections which were dead when they were used again."""
HOLE_NEEDS = ("full_rtt_bytes",)
"""Columns of ``directions`` that tell black holes."""
OF_DIRECTIONS: Mapping[str, tuple[str, ...]] = {"directions": (*IDLE_NEEDS, *HOLE_NEEDS)}

LEAST_IDLE_NS = 30 * 10**9
"""The shortest usual idle timeouts of middleboxes are 30 and 60 seconds."""
_TRIES = 2
"""Retransmissions without an answer that are no chance."""

HOLE_TRIES = 3
"""Chance that loses one segment three times over, and none of the small ones, is rare."""
LARGE_BYTES = 1200
"""Every way of IPv6 takes packets of 1280 bytes, and so do nearly all of IPv4."""


def history_marks(streams: Rows, test: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - a function of a text
    """Which streams have a history that fulfils a test; each history is looked at once."""
    codes, names = streams.codes("history")
    passed = np.array([name is not None and test(name) for name in names] + [False], np.bool_)
    return passed[codes]


def black_holes(
    facts: Facts, timers: NDArray[np.bool_], candidates: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """Segments too large for the way, as rows of ``events``: all retransmissions of each.

    A segment is one if timers sent it again ``HOLE_TRIES`` times at its full size, and no segment as large
    as that was ever acknowledged. The sender may have sent it in smaller parts at last (RFC 4821).

    Args:
        facts: has ``events``, ``streams``, ``directions``.
        timers: events that are retransmissions by a timer.
        candidates: events that are retransmissions of any kind.
    """
    events, directions = facts["events"], facts["directions"]
    again = np.flatnonzero(candidates)
    stream, sender, seq = (
        events.numbers("stream")[again],
        events.servers[again],
        events.numbers("seq")[again],
    )
    size = events.amounts("payload_bytes")[again]
    by_timer = timers[again] & (size >= LARGE_BYTES)
    found = []
    for some in grouped(np.stack((stream, sender, seq))):
        if np.count_nonzero(by_timer[some]) < HOLE_TRIES:
            continue
        half = 2 * int(rows_of(facts["streams"], stream[some[:1]])[0]) + int(sender[some[0]])
        passed = directions.one("full_rtt_bytes", half) or 0
        if passed < size[some][by_timer[some]].min():
            found.append(again[some])
    return found


class IdleCuts(Struct, frozen=True):
    """Connections that were dead when they were used again, an element for each stream.

    Attributes:
        dead: whether it was.
        by_reset: whether a RST said so, and not silence.
        idle_ns: how long it had been silent.
        frame: in which it was used again.
    """

    dead: NDArray[np.bool_]
    by_reset: NDArray[np.bool_]
    idle_ns: NDArray[np.int64]
    frame: NDArray[np.int64]


def idle_cuts(facts: Facts) -> IdleCuts:
    """Find them; ``facts`` has ``streams``, ``directions`` and ``events``."""
    streams = facts["streams"]
    count = len(streams)
    found = IdleCuts(
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    # Only streams that last as long, and did not end in order, need to be looked at closely.
    closed = history_marks(streams, lambda history: any(letter in history for letter in "FfIi"))
    places = np.flatnonzero((streams.amounts("duration_ns") >= LEAST_IDLE_NS) & ~closed)
    if not len(places):
        return found
    last = streams.numbers("last_frame")[places]
    tries = _unanswered(facts)
    sides = [_side(facts, 2 * places + side) for side in (0, 1)]
    for mine, other in (sides, sides[::-1]):
        quiet = (mine["silent_max_ns"] >= LEAST_IDLE_NS) & (mine["keep_alives"] == 0)
        quiet &= other["keep_alives"] == 0
        first = mine["silent_max_frame"]
        reset = quiet & (other["resets"] > 0) & (other["silent_max_frame"] == last) & (first < last)
        reset &= other["silent_max_ns"] >= LEAST_IDLE_NS
        unanswered = quiet & (np.array([tries.get(frame, 0) for frame in first.tolist()], np.int64) == last)
        cut = reset | unanswered
        found.dead[places[cut]], found.by_reset[places[reset]] = True, True
        found.idle_ns[places[cut]], found.frame[places[cut]] = mine["silent_max_ns"][cut], first[cut]
    return found


def _side(facts: Facts, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """What ``directions`` says of some half-streams, 0 where it says nothing."""
    return {
        name: np.array([value or 0 for value in facts["directions"].pick(name, rows)], np.int64)
        for name in IDLE_NEEDS
    }


def _unanswered(facts: Facts) -> dict[int, int]:
    """Of each segment that was sent again at least twice, by its frame: the frame of the last try."""
    events = facts["events"]
    rows = np.flatnonzero(events.among("kind", "retransmission") & events.known("other_frame"))
    first, frame = events.numbers("other_frame")[rows], events.numbers("frame")[rows]
    last: dict[int, int] = {}
    tries: dict[int, int] = {}
    for one, again in zip(first.tolist(), frame.tolist(), strict=True):
        last[one] = again
        tries[one] = tries.get(one, 0) + 1
    return {one: again for one, again in last.items() if tries[one] >= _TRIES}


def again_after_damage(facts: Facts) -> NDArray[np.bool_]:
    """Which events are retransmissions of segments that were damaged; ``facts`` has ``damaged``."""
    events = facts["events"]
    damaged = facts["damaged"].numbers("frame")
    if not len(damaged):
        return np.zeros(len(events), np.bool_)
    found: NDArray[np.bool_] = events.among("kind", "retransmission") & found_in(
        events.amounts("other_frame"), damaged
    )
    return found
