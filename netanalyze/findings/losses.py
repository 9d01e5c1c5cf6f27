"""Segments that were sent again or came late: what kind, how many, what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.findings.again import (
    ALSO,
    NEEDS,
    Again,
    about,
    in_bursts,
    sent_by,
    subject_of,
    waited_for,
)
from netanalyze.findings.causes import HOLE_NEEDS, IDLE_NEEDS, LARGE_BYTES
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import by_service, stream_filter
from netanalyze.findings.words import counted, duration, frames_of, percent, verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netanalyze.findings.facts import Facts

LEAST_PERCENT = 0.1
"""Below one lost segment in a thousand a connection over 30 ms still reaches about 15 Mbit/s by Mathis'
formula (1448 bytes / 30 ms x 1.22 / sqrt 0.001), and every wireless or busy way loses that much."""
MUCH_PERCENT = 1.0
"""Where congestion control halves its window so often that throughput falls below a third of that."""


class _Loss(Rule):
    """What random losses and bursts have in common."""

    severity = Severity.NOTICE
    needs = NEEDS
    by_cause = True
    also = ALSO
    harmed_by = frozenset({Flaw.ONE_SIDED})
    bursts: ClassVar[bool]

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        repaired = facts.shared("again", Again).repaired
        burst = in_bursts(events, repaired)
        rows = repaired & (burst if self.bursts else ~burst)
        for service in by_service(facts, events.numbers("stream"), rows, events.servers):
            places = service.places
            sent = sent_by(facts, service)
            rate = 100 * len(places) / max(sent, 1)
            if rate < LEAST_PERCENT:
                continue
            waited = waited_for(events, places)
            yield self.found(
                **about(events, service),
                severity=Severity.WARNING if rate >= MUCH_PERCENT else Severity.NOTICE,
                evidence=(
                    f"{counted(len(places), 'segment')} of {sent} sent again because duplicate"
                    f" acknowledgements or SACK asked for {verb(len(places), 'it', 'them')}"
                    f" ({percent(len(places), sent)}), on {counted(len(service.streams), 'connection')}"
                    + (", each lost with two neighbours or more" if self.bursts else "")
                ),
                counter=(
                    "retransmissions that D-SACK or acknowledgements prove needless, segments that came"
                    " late, and timeouts are not counted here"
                ),
                cost_ns=waited or None,
                cost_bytes=int(events.amounts("payload_bytes")[places].sum()),
            )


class RandomLoss(_Loss):
    """Single segments lost here and there."""

    code = "TCP001"
    title = "Segments lost singly"
    bursts = False
    means = (
        "Segments are lost one at a time, and the receiver's duplicate acknowledgements or SACK blocks have"
        " them sent again within about a round trip. Each loss makes the sender halve its window (Reno) or"
        " cut it to 70 % (CUBIC), so a rate of one in a hundred holds a connection over a long way down to"
        " a few Mbit/s. Losses scattered like this come from radio links, bad cables and optics, duplex"
        " mismatches, or a queue that drops early on purpose."
    )
    advice = (
        "Look for errors on the links of the way (ethtool -S, ip -s link); find out where it begins with mtr."
    )


class BurstLoss(_Loss):
    """Runs of neighbours lost together."""

    code = "TCP002"
    title = "Segments lost in bursts"
    bursts = True
    means = (
        "Several segments that followed each other are lost together. That is what a queue does that is"
        " full: a router, a policer or a virtual switch gets segments faster than it may send them on and"
        " drops all that come until there is room. The sender repairs it over one or more round trips and"
        " slows down."
    )
    advice = (
        "Find the bottleneck's queue (policer, slow link, virtual NIC); pace the sender (fq) or shape, not"
        " police."
    )


class Timeouts(Rule):
    """The retransmission timer had to run out."""

    code = "TCP003"
    title = "Stalled until a retransmission timeout"
    severity = Severity.WARNING
    needs = NEEDS
    by_cause = True
    also = ALSO
    harmed_by = frozenset({Flaw.ONE_SIDED})
    means = (
        "Nothing told the sender that a segment was lost, so it waited for its retransmission timer: at"
        " least 200 ms on Linux, doubled each time, and everything behind the segment waits as well. It"
        " happens when so much is lost that no duplicate acknowledgements come, when the retransmission"
        " itself is lost, or when the other side is gone."
    )
    advice = (
        "Find what loses whole flights or retransmissions (outage, policer, wireless roaming); keep SACK on."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        again = facts.shared("again", Again)
        for service in by_service(facts, events.numbers("stream"), again.timers, events.servers):
            places = service.places
            waited = waited_for(events, places)
            longest = int(events.amounts("ago_ns")[places].max())
            told = (
                f"{duration(waited)} of waiting, {duration(longest)} at most since a segment was first sent"
                if waited
                else "how long it took is not known, because the first copies were not captured"
            )
            yield self.found(
                **about(events, service),
                evidence=(
                    f"the timer ran out {counted(len(places), 'time')} on"
                    f" {counted(len(service.streams), 'connection')}: {told}"
                ),
                counter=(
                    "tail loss probes and fast retransmissions are not counted here; the time that passed"
                    " fits a timer"
                ),
                cost_ns=waited or None,
                cost_bytes=int(events.amounts("payload_bytes")[places].sum()),
            )


class TailLoss(Rule):
    """The last segment of a flight was lost."""

    code = "TCP004"
    title = "Last segments of messages lost"
    severity = Severity.NOTICE
    needs = NEEDS
    by_cause = True
    also = ALSO
    harmed_by = frozenset({Flaw.ONE_SIDED})
    means = (
        "The last segment before a pause was lost. Nothing follows it, so no duplicate acknowledgement"
        " tells of the loss, and the sender has to wait for a tail loss probe (two round trips) or its"
        " timer (200 ms and more). Requests and short answers consist of little but tails, so that a small"
        " rate of loss makes a long tail of latencies."
    )
    advice = "Keep tail loss probes on (net.ipv4.tcp_early_retrans = 3) and look for the loss as with TCP001."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        again = facts.shared("again", Again)
        for service in by_service(facts, events.numbers("stream"), again.tails, events.servers):
            places = service.places
            waited = waited_for(events, places)
            probes = int(np.count_nonzero(events.among("cause", "tail_loss_probe")[places]))
            yield self.found(
                **about(events, service),
                evidence=(
                    f"{counted(len(places), 'last segment')} sent again after {duration(waited)} of silence"
                    f" in all, {probes} of them by a tail loss probe, on"
                    f" {counted(len(service.streams), 'connection')}"
                ),
                counter=(
                    "no D-SACK says that the first copy had arrived; only its acknowledgement may have been"
                    " lost"
                ),
                cost_ns=waited or None,
                cost_bytes=int(events.amounts("payload_bytes")[places].sum()),
                confidence=Confidence.MEDIUM,
            )


class Needless(Rule):
    """Retransmissions of what had arrived."""

    code = "TCP005"
    title = "Retransmissions that were not needed"
    severity = Severity.NOTICE
    needs = NEEDS
    also = ALSO
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS})
    means = (
        "Segments were sent again although they had arrived: an acknowledgement for them had been captured"
        " before, or the receiver said so afterwards (D-SACK). The cause is acknowledgements that were lost"
        " or late, delay that jumps by more than the timer allows for, or segments that overtake each"
        " other. The bytes go over the way twice, and unless the sender understands D-SACK it slows down"
        " for nothing."
    )
    advice = (
        "Look for delay that jumps (bufferbloat, wireless, paused virtual machines) and for reordering on"
        " the way."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        again = facts.shared("again", Again)
        for service in by_service(facts, events.numbers("stream"), again.needless, events.servers):
            places, sent = service.places, sent_by(facts, service)
            if 100 * len(places) < LEAST_PERCENT * sent:
                continue
            d_sacks = int(np.count_nonzero(events.known("later_frame")[places]))
            yield self.found(
                **about(events, service),
                evidence=(
                    f"{counted(len(places), 'segment')} of {sent} sent again although"
                    f" {verb(len(places), 'it', 'they')} had arrived: D-SACK says so of {d_sacks}"
                ),
                counter=(
                    "segments of which nothing says that they had arrived count as lost (TCP001 to TCP004)"
                ),
                cost_bytes=int(events.amounts("payload_bytes")[places].sum()),
            )


class Reordering(Rule):
    """Segments that were overtaken on the way."""

    code = "TCP006"
    title = "Segments overtake each other"
    LATEST_NS = 10**9
    """No branch of a way is a second longer than another: what comes later than that was sent again."""
    severity = Severity.NOTICE
    needs = NEEDS
    also = ALSO
    means = (
        "Segments arrive in another order than they were sent in: the way has several branches, or a device"
        " works on packets of one connection with several processors. The receiver answers with duplicate"
        " acknowledgements, and three of these make the sender repeat what was never lost and slow down."
    )
    advice = (
        "Balance load by connection, not by packet (ECMP hash, bonding mode, RSS); RACK in new kernels"
        " tolerates it."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        late = events.among("kind", "out_of_order") & (events.amounts("ago_ns") < self.LATEST_NS)
        for service in by_service(facts, events.numbers("stream"), late, events.servers):
            places, sent = service.places, sent_by(facts, service)
            if 100 * len(places) < LEAST_PERCENT * sent:
                continue
            behind = int(events.amounts("ago_ns")[places].max())
            yield self.found(
                **about(events, service),
                evidence=(
                    f"{counted(len(places), 'segment')} of {sent} ({percent(len(places), sent)}) came later"
                    f" than segments sent after {verb(len(places), 'it', 'them')}, by {duration(behind)} at"
                    " most"
                ),
                counter=(
                    "timestamps, IP identifications or the time that passed tell them from retransmissions"
                ),
            )


class BlackHole(Rule):
    """Large segments never arrive while small ones do."""

    code = "TCP007"
    title = "Large segments disappear (MTU black hole)"
    severity = Severity.ERROR
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {**NEEDS, "directions": (*HOLE_NEEDS, *IDLE_NEEDS)}
    by_cause = True
    also = ALSO
    harmed_by = frozenset({Flaw.ONE_SIDED, Flaw.DROPS})
    means = (
        "The handshake and small segments get through, but a full-sized segment is sent again and again by"
        " the timer and is never acknowledged. Some link of the way takes only smaller packets (a tunnel,"
        " PPPoE, a VPN), and the ICMP message that should tell the sender is filtered, so that it never"
        " learns."
    )
    advice = (
        "Let ICMP 'fragmentation needed' / 'packet too big' pass, clamp the MSS, or set"
        " net.ipv4.tcp_mtu_probing=1."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events = facts["events"]
        again = facts.shared("again", Again)
        for service in by_service(facts, events.numbers("stream"), again.stuck, events.servers):
            picked = service.places
            sizes = events.amounts("payload_bytes")[picked]
            sizes = sizes[sizes >= LARGE_BYTES]
            least, most = int(sizes.min()), int(sizes.max())
            yield self.found(
                count=len(picked),
                subject=subject_of(service),
                evidence=(
                    f"segments of {least if least == most else f'{least} to {most}'} bytes sent {len(sizes)}"
                    " more times and none of this size ever acknowledged, on"
                    f" {counted(len(service.streams), 'connection')}"
                ),
                counter=(
                    "no segment of this size was acknowledged before or after in the same direction, so that"
                    " it is not chance"
                ),
                wireshark_filter=(
                    f"tcp.len >= {LARGE_BYTES} && {stream_filter(service.streams) or service.filter}"
                ),
                frames=frames_of(events.numbers("frame")[picked]),
                stream=service.stream,
                cost_ns=waited_for(events, picked) or None,
                cost_requests=len(service.streams),
                confidence=Confidence.MEDIUM,
            )
