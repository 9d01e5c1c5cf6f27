"""Messages and the segments that carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, by_service, rows_of
from netanalyze.findings.words import counted, duration, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netanalyze.findings.facts import Facts


class Stalls(Rule):
    """Waits that Nagle's algorithm, delayed acknowledgements and the like cause."""

    code = "WRT001"
    title = "Waits between writes and acknowledgements"
    severity = Severity.WARNING
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "stalls": ("stream", "sender", "frame", "kind", "duration_ns"),
        "streams": SERVICE,
    }
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED})
    means = (
        "A small segment waited for the acknowledgement of the one before (Nagle's algorithm), while the"
        " receiver waited with that acknowledgement for something to send it with (delayed ACK, 40 ms on"
        " Linux, 200 ms elsewhere). It happens where a program writes a message in two parts and then waits"
        " for the answer."
    )
    advice = "Write each message with one call (writev, a buffer, cork), or set TCP_NODELAY."

    LEAST_NS = 100 * 10**6
    """What people notice; two delayed acknowledgements take nearly as long."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        stalls = facts["stalls"]
        kinds, names = stalls.codes("kind")
        key = 2 * kinds + stalls.servers
        for service in by_service(facts, stalls.numbers("stream"), key=key):
            waited = int(stalls.amounts("duration_ns")[service.places].sum())
            if waited < self.LEAST_NS:
                continue
            kind, server = divmod(service.key, 2)
            longest = int(stalls.amounts("duration_ns")[service.places].max())
            yield self.found(
                count=len(service.places),
                subject=f"{'server' if server else 'clients'} of {service.name}",
                evidence=(
                    f"{counted(len(service.places), 'wait')} ({str(names[kind]).replace('_', ' ')}) of"
                    f" {duration(waited)} in all, {duration(longest)} at most, on"
                    f" {counted(len(service.streams), 'connection')}"
                ),
                counter="waits of less than a tenth of a second in all are not told",
                wireshark_filter=f"tcp.len > 0 && {service.filter}",
                frames=frames_of(stalls.numbers("frame")[service.places]),
                stream=service.stream,
                cost_ns=waited,
            )


class Sticky(Rule):
    """Messages that do not lie in segments of their own."""

    code = "WRT002"
    title = "Messages split over segments or joined in them"
    severity = Severity.INFO
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "writes": ("stream", "sender", "framing", "messages", "split", "coalesced", "mixed"),
        "streams": (*SERVICE, "first_frame"),
    }
    harmed_by = frozenset({Flaw.DROPS, Flaw.ONE_SIDED})
    means = (
        "TCP carries bytes and no messages: several messages arrive with one read (sticky), or one with"
        " several (split). A reader that takes what one recv() returns for one message works until the"
        " network is slow or busy, and then breaks."
    )
    advice = (
        "Read until a whole message is there: by its length, or up to its delimiter; keep the rest for the"
        " next."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        writes, streams = facts["writes"], facts["streams"]
        names = ("split", "coalesced", "mixed")
        apart = np.sum([writes.amounts(name) for name in names], axis=0)
        # Where only the segments tell what was written at once, nothing can be known of messages.
        told = (np.asarray(apart) > 0) & ~writes.among("framing", "writes")
        for service in by_service(facts, writes.numbers("stream"), told, writes.servers):
            counts = {name: int(writes.amounts(name)[service.places].sum()) for name in names}
            of_all = int(writes.amounts("messages")[service.places].sum())
            yield self.found(
                count=sum(counts.values()),
                subject=f"{'server' if service.key else 'clients'} of {service.name}",
                evidence=(
                    f"of {counted(of_all, 'message')} "
                    + ", ".join(f"{count} {name}" for name, count in counts.items())
                ),
                counter="that is no fault of the network: any TCP connection may do it",
                wireshark_filter=f"tcp.len > 0 && {service.filter}",
                frames=frames_of(streams.numbers("first_frame")[rows_of(streams, service.streams)]),
                stream=service.stream,
                confidence=Confidence.MEDIUM,
            )
