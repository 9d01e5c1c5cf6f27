"""Messages and the segments that carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.quality import Flaw
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, by_service
from netanalyze.findings.words import counted, duration, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netanalyze.findings.facts import Facts


class Stalls(Rule):
    """Small segments that Nagle's algorithm held, mostly until a delayed acknowledgement."""

    code = "WRT001"
    title = "Small writes held back (Nagle's algorithm)"
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

    KINDS = ("nagle_delayed_ack", "nagle")
    """Other kinds of stalls (windows, losses, programs) have rules of their own."""
    LEAST_NS = 100 * 10**6
    """What people notice; two delayed acknowledgements take nearly as long."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        stalls = facts["stalls"]
        held = stalls.among("kind", *self.KINDS)
        delayed = stalls.among("kind", self.KINDS[0])
        lasted = stalls.amounts("duration_ns")
        for service in by_service(facts, stalls.numbers("stream"), held, stalls.servers):
            waits = lasted[service.places]
            waited = int(waits.sum())
            if waited < self.LEAST_NS:
                continue
            late = int(delayed[service.places].sum())
            yield self.found(
                count=len(waits),
                subject=f"{'server' if service.key else 'clients'} of {service.name}",
                evidence=(
                    f"{counted(len(waits), 'small segment')} waited {duration(waited)} in all,"
                    f" {duration(int(waits.max()))} at most, on"
                    f" {counted(len(service.streams), 'connection')};"
                    f" {late} of them for a delayed acknowledgement"
                ),
                counter="waits of less than a tenth of a second in all are not told",
                wireshark_filter=f"tcp.len > 0 && {service.filter}",
                frames=frames_of(stalls.numbers("frame")[service.places]),
                stream=service.stream,
                cost_ns=waited,
            )


class Sticky(Rule):
    """Messages of a protocol of one's own that do not lie in segments of their own."""

    code = "WRT002"
    title = "Messages split over segments or joined in them"
    severity = Severity.INFO
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "writes": (
            *("stream", "sender", "framing", "framing_source", "messages", "split", "coalesced", "mixed"),
            *("misread_segments", "misread_frame"),
        ),
        "streams": SERVICE,
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

    SOURCES = ("option", "inferred")
    """Programs that speak a known protocol have readers that cope; who made up a framing may not."""

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        writes = facts["writes"]
        names = ("split", "coalesced", "mixed")
        misread = writes.amounts("misread_segments")
        told = (misread > 0) & writes.among("framing_source", *self.SOURCES)
        for service in by_service(facts, writes.numbers("stream"), told, writes.servers):
            counts = {name: int(writes.amounts(name)[service.places].sum()) for name in names}
            of_all = int(writes.amounts("messages")[service.places].sum())
            times = int(misread[service.places].sum())
            yield self.found(
                count=times,
                subject=f"{'server' if service.key else 'clients'} of {service.name}",
                evidence=(
                    f"of {counted(of_all, 'message')} "
                    + ", ".join(f"{count} {name}" for name, count in counts.items())
                    + f"; a reader that takes one recv() for one message fails {counted(times, 'time')}"
                ),
                counter="that is no fault of the network: any TCP connection may do it",
                wireshark_filter=f"tcp.len > 0 && {service.filter}",
                frames=frames_of(writes.numbers("misread_frame")[service.places]),
                stream=service.stream,
                confidence=Confidence.MEDIUM,
            )
