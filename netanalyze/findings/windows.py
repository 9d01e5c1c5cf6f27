"""What held transfers up that lost nothing: windows, buffers, programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from msgspec import Struct

from netanalyze.columns import found_in
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, Service, by_service, rows_of
from netanalyze.findings.words import counted, duration, frames_of, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

LEAST_WAIT_NS = 100 * 10**6
"""A tenth of a second: people notice no less, and a single slow read of a program takes as long."""
_BITS_NS = 8 * 10**9

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "limits": (
        *("stream", "sender", "verdict", "bytes", "active_ns", "receiver_window_ns", "send_buffer_ns"),
        *("application_ns",),
    ),
    "directions": (
        *("zero_window_ns", "zero_windows", "zero_window_probes", "max_window", "window_scale", "syn_rtt_ns"),
        *("rtt_min_ns", "max_bytes_in_flight", "data_packets"),
    ),
    "streams": (*SERVICE, "first_frame", "start_ns"),
    "events": ("frame", "stream", "kind"),
}


class Halves(Struct, frozen=True):
    """Rows of ``limits``, and the rows of ``directions`` that belong to them.

    Attributes:
        limits: rows of ``limits``.
        senders: of each the row of the half-stream itself.
        receivers: of each the row of the other side.
    """

    limits: NDArray[np.int64]
    senders: NDArray[np.int64]
    receivers: NDArray[np.int64]

    @classmethod
    def of(cls, facts: Facts, places: NDArray[np.int64]) -> Halves:
        """Those of some rows of ``limits``; ``directions`` has two rows for each stream."""
        first = 2 * rows_of(facts["streams"], facts["limits"].numbers("stream")[places])
        sender = facts["limits"].servers[places]
        return cls(places, first + sender, first + 1 - sender)


class _Held(Rule):
    """Half-streams that waited for something."""

    needs = _NEEDS
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS, Flaw.MIDSTREAM})
    wait: ClassVar[str]

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        limits = facts["limits"]
        if not len(limits):
            return
        rows = self.chosen(limits) & (limits.amounts(self.wait) >= LEAST_WAIT_NS)
        places = np.flatnonzero(rows)
        if not len(places):
            return
        halves = Halves.of(facts, places)
        chosen = np.zeros(len(limits), np.bool_)
        chosen[places[self.kept(facts, halves)]] = True
        for service in by_service(facts, limits.numbers("stream"), chosen, limits.servers):
            yield self.told(facts, service, Halves.of(facts, service.places))

    def chosen(self, limits: Rows) -> NDArray[np.bool_]:
        """Rows of ``limits`` that may be meant."""
        raise NotImplementedError

    def kept(self, facts: Facts, halves: Halves) -> NDArray[np.bool_]:
        """Which of these rows are meant, by what ``directions`` says of both sides; here all."""
        del facts
        return np.ones(len(halves.limits), np.bool_)

    def told(self, facts: Facts, service: Service, halves: Halves) -> Finding:
        """What is said about the rows of one service."""
        raise NotImplementedError

    def waited(self, facts: Facts, service: Service) -> int:
        """How long these half-streams waited in all."""
        return int(facts["limits"].amounts(self.wait)[service.places].sum())


def _picked(rows: Rows, name: str, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """An amount of some rows, 0 where there is none."""
    return np.array([value or 0 for value in rows.pick(name, places)], np.int64)


def _receiver(service: Service) -> str:
    """The receiver of what the sender (0 the client) sends."""
    return f"{'clients of ' if service.key else ''}{service.name}"


class SlowReader(_Held):
    """The receiving program does not read."""

    code = "WIN001"
    title = "Receiver reads too slowly (zero window)"
    severity = Severity.WARNING
    wait = "receiver_window_ns"
    means = (
        "The receiver's buffer was full and it told the sender to stop (a window of zero). The network was"
        " ready, the receiving program was not: it is busy, blocked, or does not read while it works on"
        " what it has. The sender asks every now and then whether there is room (window probes), and goes"
        " on a little late."
    )
    advice = (
        "Profile the reading program (a blocked event loop, a slow disk, back-pressure); a larger buffer"
        " only delays it."
    )

    def chosen(self, limits: Rows) -> NDArray[np.bool_]:
        """See ``_Held``."""
        return limits.known(self.wait)

    def kept(self, facts: Facts, halves: Halves) -> NDArray[np.bool_]:
        """See ``_Held``."""
        found: NDArray[np.bool_] = (
            _picked(facts["directions"], "zero_window_ns", halves.receivers) >= LEAST_WAIT_NS
        )
        return found

    def told(self, facts: Facts, service: Service, halves: Halves) -> Finding:
        """See ``_Held``."""
        directions, events = facts["directions"], facts["events"]
        closed = int(_picked(directions, "zero_window_ns", halves.receivers).sum())
        probes = int(_picked(directions, "zero_window_probes", halves.senders).sum())
        rows = events.among("kind", "zero_window") & found_in(events.numbers("stream"), service.streams)
        return self.found(
            count=int(np.count_nonzero(rows)),
            subject=_receiver(service),
            evidence=(
                f"the window was shut for {duration(closed)} on"
                f" {counted(len(service.streams), 'connection')}, and the sender waited"
                f" {duration(self.waited(facts, service))} for room in all"
            ),
            counter=(
                f"{counted(probes, 'window probe')}; data was ready meanwhile, so the sender was not the one"
                " who paused"
            ),
            wireshark_filter=f"tcp.analysis.zero_window && {service.filter}",
            frames=frames_of(events.numbers("frame")[rows]),
            stream=service.stream,
            cost_ns=self.waited(facts, service),
        )


class SmallWindow(_Held):
    """The receive window is smaller than bandwidth times delay."""

    code = "WIN002"
    title = "Receive window too small for the path"
    severity = Severity.WARNING
    wait = "receiver_window_ns"
    means = (
        "At most one window of bytes can be on its way, so a connection carries no more than one window"
        " each round trip, however fast the links are. The receiver's window never was shut, but it was"
        " used up before the acknowledgements came back: it is smaller than bandwidth times delay. Reasons"
        " are a socket buffer that the program set itself (which switches Linux's tuning off), low"
        " net.ipv4.tcp_rmem, or a middlebox that removes window scaling."
    )
    advice = (
        "Do not set SO_RCVBUF; raise net.ipv4.tcp_rmem[2] to bandwidth x delay; let window scaling pass"
        " firewalls."
    )

    MOST_SHUT = 5
    """A window that is shut for a fifth of the waiting or more is a slow reader's (WIN001)."""
    LEAST_SHARE = 2
    """Half of the time that the transfer was active."""

    def chosen(self, limits: Rows) -> NDArray[np.bool_]:
        """See ``_Held``."""
        waited, active = limits.amounts(self.wait), limits.amounts("active_ns")
        found: NDArray[np.bool_] = limits.among("verdict", "receiver_window") & (
            self.LEAST_SHARE * waited >= active
        )
        return found

    def kept(self, facts: Facts, halves: Halves) -> NDArray[np.bool_]:
        """See ``_Held``."""
        shut = _picked(facts["directions"], "zero_window_ns", halves.receivers)
        waited = facts["limits"].amounts(self.wait)[halves.limits]
        found: NDArray[np.bool_] = self.MOST_SHUT * shut < waited
        return found

    def told(self, facts: Facts, service: Service, halves: Halves) -> Finding:
        """See ``_Held``."""
        directions, streams = facts["directions"], facts["streams"]
        window = int(_picked(directions, "max_window", halves.receivers).max())
        trips = [
            trip
            for rows in (halves.senders, halves.receivers)
            for name in ("syn_rtt_ns", "rtt_min_ns")
            for trip in directions.pick(name, rows)
            if trip
        ]
        # Of the round trips seen from the tap those towards the far side are the long ones.
        trip = max(trips, default=0)
        most = f", {window * _BITS_NS / trip / 1e6:.3g} Mbit/s at most" if trip else ""
        unscaled = sum(not scale for scale in directions.pick("window_scale", halves.receivers))
        return self.found(
            count=len(service.places),
            subject=_receiver(service),
            evidence=(
                f"{duration(self.waited(facts, service))} waited for a window of at most {size(window)} at a"
                f" round trip of {duration(trip)}{most}, on {counted(len(service.streams), 'connection')}"
            ),
            counter=(
                f"the window was never shut for long; {unscaled} of these receivers offered no window scaling"
            ),
            wireshark_filter=f"(tcp.analysis.window_full || tcp.flags.syn == 1) && {service.filter}",
            frames=frames_of(streams.numbers("first_frame")[rows_of(streams, service.streams)]),
            stream=service.stream,
            cost_ns=self.waited(facts, service),
        )


class SendBuffer(_Held):
    """The sender keeps a fixed amount on its way."""

    code = "WIN003"
    title = "Send buffer too small for the path"
    severity = Severity.NOTICE
    wait = "send_buffer_ns"
    means = (
        "The sender had the same amount on its way for many round trips, though nothing was lost and the"
        " receiver offered more: its own send buffer (SO_SNDBUF, net.ipv4.tcp_wmem) or a fixed limit of the"
        " program holds it."
    )
    advice = (
        "Do not set SO_SNDBUF, and raise net.ipv4.tcp_wmem[2]; see whether the program waits for answers in"
        " between."
    )

    def chosen(self, limits: Rows) -> NDArray[np.bool_]:
        """See ``_Held``."""
        return limits.among("verdict", "send_buffer")

    def told(self, facts: Facts, service: Service, halves: Halves) -> Finding:
        """See ``_Held``."""
        directions, streams = facts["directions"], facts["streams"]
        flight = int(_picked(directions, "max_bytes_in_flight", halves.senders).max())
        window = int(_picked(directions, "max_window", halves.receivers).max())
        return self.found(
            count=len(service.places),
            subject=f"{'server' if service.key else 'clients'} of {service.name}",
            evidence=(
                f"{duration(self.waited(facts, service))} waited with never more than {size(flight)} on the"
                f" way, on {counted(len(service.streams), 'connection')}"
            ),
            counter=f"the receivers offered up to {size(window)}, and no loss explains it",
            wireshark_filter=service.filter,
            frames=frames_of(streams.numbers("first_frame")[rows_of(streams, service.streams)]),
            stream=service.stream,
            cost_ns=self.waited(facts, service),
            confidence=Confidence.MEDIUM,
        )


class SlowWriter(_Held):
    """The sending program pauses within a transfer."""

    code = "WIN004"
    title = "Sending program pauses within a transfer"
    severity = Severity.INFO
    wait = "application_ns"
    means = (
        "One side sends much and the other says nothing that it would have to answer, and yet the sender"
        " pauses: the program has no data ready. A generator that computes while it sends, a slow disk, or"
        " a rate limit; or it simply sends news as they come."
    )
    advice = "Faster links or larger windows will not help here: see what the sending program waits for."

    LEAST_BYTES = 32_768
    """Less fits in two flights of an initial window: it takes no time that could be saved."""
    LEAST_ACTIVE_NS = 10**9
    LEAST_RATE_NS = 10**6
    """A byte in this time, 1 kB/s: what trickles slower is no transfer, but news now and then."""
    MOST_REQUESTS = 2
    """Segments with payload of the other side: one request, perhaps in two parts."""

    def chosen(self, limits: Rows) -> NDArray[np.bool_]:
        """See ``_Held``."""
        active = limits.amounts("active_ns")
        found: NDArray[np.bool_] = (
            limits.among("verdict", "application")
            & (limits.amounts("bytes") >= self.LEAST_BYTES)
            & (active >= self.LEAST_ACTIVE_NS)
            & (limits.amounts("bytes") >= active // self.LEAST_RATE_NS)
            & (2 * limits.amounts(self.wait) >= active)
        )
        return found

    def kept(self, facts: Facts, halves: Halves) -> NDArray[np.bool_]:
        """See ``_Held``."""
        found: NDArray[np.bool_] = (
            _picked(facts["directions"], "data_packets", halves.receivers) <= self.MOST_REQUESTS
        )
        return found

    def told(self, facts: Facts, service: Service, halves: Halves) -> Finding:
        """See ``_Held``."""
        del halves
        limits, streams = facts["limits"], facts["streams"]
        waited = self.waited(facts, service)
        active = int(limits.amounts("active_ns")[service.places].sum())
        return self.found(
            count=len(service.places),
            subject=f"{'server' if service.key else 'clients'} of {service.name}",
            evidence=(
                f"{duration(waited)} of {duration(active)} ({percent(waited, active)}) nothing was left to"
                f" send, on {counted(len(service.streams), 'connection')}"
            ),
            counter="neither the receiver's window nor acknowledgements were waited for meanwhile",
            wireshark_filter=service.filter,
            frames=frames_of(streams.numbers("first_frame")[rows_of(streams, service.streams)]),
            stream=service.stream,
            cost_ns=waited,
            confidence=Confidence.MEDIUM,
        )
