"""Retransmissions by what they tell: needless, repaired losses, timers, tails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import found_in
from netanalyze.findings.causes import OF_DIRECTIONS, again_after_damage, black_holes, idle_cuts
from netanalyze.findings.facts import time_covered
from netanalyze.findings.services import SERVICE, Service, rows_of
from netanalyze.findings.words import frames_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

_EVENTS = (
    *("frame", "time_ns", "stream", "sender", "kind", "cause", "ago_ns", "seq", "payload_bytes"),
    "later_frame",
)
NEEDS: Mapping[str, tuple[str, ...]] = {
    "events": _EVENTS,
    "streams": (*SERVICE, "client_packets", "server_packets"),
    "listeners": ("server", "server_port", "verdict"),
}
ALSO: Mapping[str, tuple[str, ...]] = {
    **OF_DIRECTIONS,
    "events": ("other_frame",),
    "streams": ("history", "duration_ns", "last_frame"),
    "damaged": ("frame",),
}
"""What tells causes that are not loss."""
WIRESHARK = (
    "(tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.out_of_order ||"
    " tcp.analysis.spurious_retransmission)"
)
"""Wireshark decides by other rules what such a segment is, so that all its names are asked for."""

_SOONEST_NS = 2 * 10**6
"""Linux never sets a tail loss probe for less than this; a retransmission timer runs for 200 ms and more."""
_LONG_BURST = 3
"""Neighbours lost together: at one in a hundred, chance loses three in a row once in a million."""


class Again:
    """The retransmissions of a capture, one row each.

    Attributes:
        needless: of what had arrived.
        lost: of what had not, by all that is known.
        timers: those of the lost that a retransmission timer sent.
        tails: likewise, of the last segments before a pause.
        repaired: those that the receiver asked for.
        stuck: those of segments too large for the way, if ``directions`` tells; they are not among the lost.
    """

    def __init__(self, facts: Facts) -> None:
        """Take them from the table of events, in which a segment has a row for each of its kinds."""
        events = facts["events"]
        spurious = events.numbers("frame")[events.among("kind", "spurious_retransmission")]
        again = events.among("kind", "retransmission")
        payload = events.amounts("payload_bytes") > 0
        frames, stream = events.numbers("frame"), events.numbers("stream")
        self.needless = again & payload & (found_in(frames, spurious) | events.known("later_frame"))
        self.lost = again & payload & ~self.needless & ~events.among("cause", "handshake", "early")
        self.lost &= ~self._ignored(facts, events)
        if "directions" in facts and self.lost.any():
            self.lost &= ~facts.shared("idle cuts", idle_cuts).dead[rows_of(facts["streams"], stream)]
        if "damaged" in facts:  # TCP010 tells of these
            self.lost &= ~again_after_damage(facts)
        # Sooner than any timer runs out: copies that were held up and came to the capture point together.
        soon = events.known("ago_ns") & (events.amounts("ago_ns") < _SOONEST_NS)
        self.lost &= ~(soon & events.among("cause", "tail_timer", "tail_loss_probe", "timeout"))
        # What goes out again behind a timeout, because the sender has forgotten what was on its way, is no
        # loss of its own.
        self.timers = self.lost & events.among("cause", "timeout")
        self.tails = self.lost & events.among("cause", "tail_timer", "tail_loss_probe")
        # A segment that had to be sent once more after that waited for one timer, and then for the next.
        stubborn = self.tails & self._like(events, self.timers)
        self.timers |= stubborn
        self.tails &= ~stubborn
        self.repaired = self.lost & events.among("cause", "fast", "recovery")
        self.stuck = np.zeros(len(events), np.bool_)
        if "directions" in facts and self.timers.any():
            self._leave_out_stuck(facts)

    def _leave_out_stuck(self, facts: Facts) -> None:
        """Of a half-stream whose large segments do not get through nothing else is a loss of its own."""
        events = facts["events"]
        for rows in black_holes(facts, self.timers | self.tails, self.lost):
            self.stuck[rows] = True
        half = 2 * events.numbers("stream") + events.servers
        others = ~found_in(half, half[self.stuck])
        self.lost, self.repaired = self.lost & others, self.repaired & others
        self.timers, self.tails = self.timers & others, self.tails & others

    @staticmethod
    def _like(events: Rows, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows are of the same segments as some others."""
        names = ("stream", "sender", "seq")
        keys = np.stack([events.numbers(name) for name in names], axis=1)
        known = {tuple(key) for key in keys[others].tolist()}
        candidates = np.flatnonzero(events.among("cause", "tail_timer", "tail_loss_probe"))
        found = np.zeros(len(events), np.bool_)
        found[[row for row in candidates.tolist() if tuple(keys[row].tolist()) in known]] = True
        return found

    @staticmethod
    def _ignored(facts: Facts, events: Rows) -> NDArray[np.bool_]:
        """First data of clients that a full accept queue made the server ignore (LSN001): it is not lost."""
        streams, listeners = facts["streams"], facts["listeners"]
        full = np.zeros(len(streams), np.bool_)
        for row in np.flatnonzero(listeners.among("verdict", "accept queue full")).tolist():
            port = streams.numbers("server_port") == listeners.one("server_port", row)
            full |= port & streams.among("server", listeners.one("server", row))
        if not full.any() or not len(events):
            return np.zeros(len(events), np.bool_)
        begin = (events.servers == 0) & (events.numbers("seq") == 1)
        found: NDArray[np.bool_] = begin & full[rows_of(streams, events.numbers("stream"))]
        return found


def sent_by(facts: Facts, service: Service) -> int:
    """Segments that the sender (0 the client, 1 the server) of some streams sent."""
    streams = facts["streams"]
    at = rows_of(streams, service.streams)
    return int(streams.numbers("server_packets" if service.key else "client_packets")[at].sum())


def waited_for(events: Rows, places: NDArray[np.int64]) -> int:
    """How long streams waited for these segments to come again; waits at the same time count once."""
    end = events.numbers("time_ns")[places]
    return time_covered(events.numbers("stream")[places], end - events.amounts("ago_ns")[places], end)


def subject_of(service: Service) -> str:
    """Which side of a service sent them; the key is 1 for the server."""
    return f"{'from' if service.key else 'to'} {service.name}"


def about(events: Rows, service: Service) -> dict[str, Any]:
    """What a finding says of events of a service, whatever they are: how many, whose, which frames."""
    return {
        "count": len(service.places),
        "subject": subject_of(service),
        "wireshark_filter": f"{WIRESHARK} && {service.filter}",
        "frames": frames_of(events.numbers("frame")[service.places]),
        "stream": service.stream,
    }


def in_bursts(events: Rows, lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of these segments were lost with at least two neighbours."""
    places = np.flatnonzero(lost)
    names = ("seq", "sender", "stream")
    order = np.lexsort([events.numbers(name)[places] for name in names])
    stream, sender, seq = (events.numbers(name)[places][order] for name in ("stream", "sender", "seq"))
    end = seq + events.amounts("payload_bytes")[places][order]
    found = np.zeros(len(events), np.bool_)
    if not len(places):
        return found
    breaks = (stream[1:] != stream[:-1]) | (sender[1:] != sender[:-1]) | (seq[1:] > end[:-1])
    run = np.concatenate(([0], np.cumsum(breaks)))
    distinct = np.concatenate(([True], breaks | (seq[1:] != seq[:-1])))  # one segment may be lost twice
    lengths = np.bincount(run, weights=distinct)
    found[places[order]] = lengths[run] >= _LONG_BURST
    return found
