"""What the capture itself lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import distinct, found_in
from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.quality import midstream, one_sided
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import stream_filter
from netanalyze.findings.words import counted, duration, frames_of, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

_LEDGER = {"ledger": ("reason", "frames", "bytes", "first_frame")}
_STREAMS = ("stream", "completeness", "client_packets", "server_packets", "first_frame")


def _file(capture: Rows, row: int) -> str:
    """Which file is meant, if there are several."""
    return str(capture.one("file", row)) if len(capture) > 1 else ""


class Drops(Rule):
    """The capturing program lost packets."""

    code = "CAP001"
    title = "Packets lost while capturing"
    severity = Severity.WARNING
    needs: ClassVar = {"capture": ("file", "dropped", "received", "frames")}
    means = (
        "The capturing program did not keep up, and the kernel or the interface dropped packets before they"
        " were written. What is missing looks like loss on the network and is none; rates and counts are"
        " too low."
    )
    advice = (
        "Capture with a filter, a snap length or a larger buffer (tcpdump -B 65536), and write to a fast"
        " disk."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        capture = facts["capture"]
        dropped, received = capture.amounts("dropped"), capture.amounts("received")
        for row in np.flatnonzero(dropped > 0).tolist():
            lost = int(dropped[row])
            # The counters of a file that was filtered later are still those of the whole capture.
            of_all = max(int(received[row]), lost + int(capture.numbers("frames")[row]))
            yield self.found(
                count=lost,
                subject=_file(capture, row),
                evidence=f"the file says that {counted(lost, 'packet was', 'packets were')} dropped:"
                f" {percent(lost, of_all)} of what came",
                counter=(
                    "the counters of the capturing program; where the packets would have been is not known"
                ),
                wireshark_filter="tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment",
            )


class Missing(Rule):
    """Acknowledged and never captured."""

    code = "CAP002"
    title = "Segments missing from the capture"
    severity = Severity.WARNING
    needs: ClassVar = {
        "events": ("kind", "frame", "stream", "missing_bytes", "later_frame"),
        "streams": _STREAMS,
    }
    means = (
        "The receiver acknowledged bytes that the capture does not have: they did arrive, so the network is"
        " not to blame. The capturing program lost them, a mirror port was overloaded, or packets took a"
        " way past the tap. Losses and retransmissions in this capture are therefore counted too high or"
        " too low."
    )
    advice = (
        "Capture closer to an end, with a larger buffer; check the mirror port's load; do not argue about"
        " loss from it."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        events, streams = facts["events"], facts["streams"]
        rows = events.among("kind", "ack_lost_segment")
        alone = streams.numbers("stream")[one_sided(streams)]
        rows &= ~found_in(events.numbers("stream"), alone)
        if not rows.any():
            return
        numbers = distinct(events.numbers("stream")[rows])
        missing = int(events.amounts("missing_bytes")[rows].sum())
        yield self.found(
            count=int(np.count_nonzero(rows)),
            evidence=(
                f"{size(missing)} were acknowledged and never captured, on"
                f" {counted(len(numbers), 'connection')}"
            ),
            counter="connections of which only one side was captured are not counted here",
            wireshark_filter=f"tcp.analysis.ack_lost_segment && {stream_filter(numbers) or 'tcp'}",
            frames=frames_of(events.numbers("frame")[rows]),
            stream=int(numbers[0]) if len(numbers) == 1 else None,
            cost_bytes=missing,
        )


class Cut(Rule):
    """A snap length cut the frames."""

    code = "CAP003"
    title = "Frames cut by a snap length"
    severity = Severity.INFO
    needs: ClassVar = {"capture": ("file", "bytes", "wire_bytes", "frames")}
    means = (
        "Only the beginning of each frame was captured (tcpdump -s). Headers are complete and TCP can be"
        " analysed, but messages of applications cannot be read whole, and bodies, cookies and the like may"
        " be missing."
    )
    advice = "Capture with -s 0 if messages matter."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        capture = facts["capture"]
        captured, wire = capture.numbers("bytes"), capture.numbers("wire_bytes")
        for row in np.flatnonzero(captured < wire).tolist():
            lost = int(wire[row] - captured[row])
            yield self.found(
                count=int(capture.numbers("frames")[row]),
                subject=_file(capture, row),
                evidence=(
                    f"{size(lost)} of {size(int(wire[row]))} were not captured"
                    f" ({percent(lost, int(wire[row]))})"
                ),
                counter="lengths on the wire are known, so that TCP is counted right",
                wireshark_filter="frame.cap_len < frame.len",
            )


class CutShort(Rule):
    """The file ends in the middle of something."""

    code = "CAP004"
    title = "Capture file damaged or cut short"
    severity = Severity.WARNING
    needs: ClassVar = {"capture": ("file", "cut_short", "frames")}
    means = (
        "The file could not be read to its end: it was copied while it was written, the disk was full, or"
        " it is damaged."
    )
    advice = "Copy it again; stop the capturing program before copying."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        capture = facts["capture"]
        for row in np.flatnonzero(~capture.among("cut_short", None)).tolist():
            yield self.found(
                count=1,
                subject=_file(capture, row),
                evidence=(
                    f"{capture.one('cut_short', row)}; {counted(capture.one('frames', row), 'frame')} were"
                    " read"
                ),
                counter="the frames before are whole",
                wireshark_filter="",
            )


class InLedger(Rule):
    """Frames with some reasons in the ledger."""

    needs = _LEDGER
    reasons: ClassVar[tuple[str, ...]]
    wireshark: ClassVar[str]
    counter: ClassVar[str]
    least_percent: ClassVar[float] = 0.0

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        ledger = facts["ledger"]
        rows = np.zeros(len(ledger), np.bool_)
        for reason in self.reasons:
            rows |= ledger.matching("reason", reason)
        frames = ledger.numbers("frames")
        rows &= frames > 0
        count, of_all = int(frames[rows].sum()), int(frames.sum())
        if not count or 100 * count < self.least_percent * of_all:
            return
        reasons = self._reasons(ledger, rows)
        yield self.found(
            count=count,
            evidence=f"{count} of {counted(of_all, 'frame')} ({percent(count, of_all)}): {reasons}",
            counter=self.counter,
            wireshark_filter=self.wireshark,
            frames=frames_of(ledger.numbers("first_frame")[rows]),
            cost_bytes=int(ledger.numbers("bytes")[rows].sum()) if self.severity > Severity.INFO else None,
        )

    @staticmethod
    def _reasons(ledger: Rows, rows: NDArray[np.bool_]) -> str:
        places = np.flatnonzero(rows)
        told = zip(ledger.pick("reason", places), ledger.pick("frames", places), strict=True)
        return ", ".join(f"{reason} ({number})" for reason, number in told)


class Duplicates(InLedger):
    """Packets captured twice."""

    code = "CAP005"
    title = "Packets captured more than once"
    severity = Severity.INFO
    reasons = ("captured before",)
    wireshark = "tcp.analysis.flags"
    counter = "the copies are left out of every table (--keep-duplicates counts them)"
    means = (
        "Packets were recorded twice: the capture was taken on several interfaces that they pass (tcpdump"
        " -i any on a router, a bridge and its ports), or a mirror port copies both ways in and out. Many"
        " programs take the second copies for retransmissions; here they are left out."
    )
    advice = "Capture on one interface, or mirror one direction only."


class Damaged(InLedger):
    """Frames that could not be read."""

    code = "CAP006"
    title = "Frames damaged or captured too short"
    severity = Severity.NOTICE
    reasons = ("damaged", "captured too short")
    wireshark = "_ws.malformed || frame.cap_len < frame.len"
    counter = "they are in no table but the ledger"
    means = (
        "Headers of these frames make no sense or are not whole: the snap length is too small, the link"
        " type of the file is wrong, or somebody sends such packets."
    )
    advice = (
        "See netanalyze analyze FILE -r ledger; capture with a longer snap length, or find who sends them."
    )


class OneSided(Rule):
    """Only one direction was captured."""

    code = "CAP007"
    title = "Only one side of connections captured"
    severity = Severity.NOTICE
    needs: ClassVar = {"streams": _STREAMS}
    means = (
        "Of these connections the capture has only what one side sent: the way back goes past the tap"
        " (asymmetric routing, a mirror of one direction, a capture filter). Round trips, losses and"
        " answers cannot be told."
    )
    advice = "Capture at an end, or on every way that packets take; check the filter and the mirror port."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        streams = facts["streams"]
        rows = one_sided(streams)
        yield from _of_streams(
            self, streams, rows, "sent or acknowledged something, the other nothing was seen of"
        )


class NoHandshake(Rule):
    """Connections that were there before."""

    code = "CAP008"
    title = "Connections begun before the capture"
    severity = Severity.INFO
    needs: ClassVar = {"streams": _STREAMS}
    means = (
        "The handshake of these connections was not captured, mostly because they are older than the"
        " capture. Without it the window scale and the MSS are not known, and who is the client is a guess."
    )
    advice = "Begin the capture before the connections, or restart a client to see new ones."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        streams = facts["streams"]
        rows = midstream(streams) & ~one_sided(streams)
        yield from _of_streams(self, streams, rows, "begun without a SYN")


class ClockStep(Rule):
    """Time went backwards."""

    code = "CAP009"
    title = "Clock set back while capturing"
    severity = Severity.WARNING
    needs: ClassVar = {"capture": ("file", "clock_steps", "clock_step_ns", "clock_step_frame")}
    means = (
        "A frame has a time a second or more before that of the frame before it in the file: the capturing"
        " computer's clock was set back (NTP, a virtual machine that was paused), or files were put"
        " together in the wrong order. Durations, round trips and rates over that place are wrong."
    )
    advice = (
        "Let the clock settle before capturing (chronyc tracking), and join files with mergecap, by time."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        capture = facts["capture"]
        steps = capture.amounts("clock_steps")
        for row in np.flatnonzero(steps > 0).tolist():
            count = int(steps[row])
            # The number is that in the file, which is the frame's own where there is one file only.
            alone = len(capture) == 1
            frame = capture.one("clock_step_frame", row)
            yield self.found(
                count=count,
                subject=_file(capture, row),
                evidence=(
                    f"{counted(count, 'step')} back, the longest by"
                    f" {duration(capture.one('clock_step_ns', row))}, the first before frame {frame} of the"
                    " file"
                ),
                counter="interfaces that are read in turn differ by less than a second",
                wireshark_filter="frame.time_delta < -1",
                frames=frames_of([frame]) if alone else (),
            )


class Offload(Rule):
    """Segments larger than any on the wire."""

    code = "CAP010"
    title = "Segments captured before they were cut (offload)"
    severity = Severity.INFO
    needs: ClassVar = {
        "directions": ("max_segment", "mss"),
        "streams": _STREAMS,
    }
    means = (
        "Some segments are larger than the other side takes (its MSS): the capture was made on a host whose"
        " network card cuts segments after the capture point (TSO), or joins them before it (GRO, LRO). On"
        " the wire there were more and smaller ones, checksums of packets sent are not filled in yet, and"
        " losses within such a segment do not show."
    )
    advice = (
        "Capture elsewhere, or switch it off for the capture (ethtool -K IF tso off gso off gro off lro off)."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        directions, streams = facts["directions"], facts["streams"]
        if not len(directions):
            return
        size, mss = directions.amounts("max_segment"), directions.amounts("mss")
        taken = mss.reshape(-1, 2)[:, ::-1].reshape(-1)  # of the other side
        rows = ((taken > 0) & (size > taken)).reshape(-1, 2).any(axis=1)
        count = int(np.count_nonzero(rows))
        if not count:
            return
        numbers = streams.numbers("stream")[rows]
        yield self.found(
            count=count,
            evidence=(
                f"{counted(count, 'connection')} of {len(streams)} with segments of up to"
                f" {int(size[np.repeat(rows, 2)].max())} bytes, where at most"
                f" {int(taken[np.repeat(rows, 2)].max())} were agreed"
            ),
            counter="the MSS is that of the handshake; what a middlebox made of it on the way is not known",
            wireshark_filter=f"tcp.len > 1460 && {stream_filter(numbers) or 'tcp'}",
            frames=frames_of(streams.numbers("first_frame")[rows]),
            stream=int(numbers[0]) if count == 1 else None,
        )


def _of_streams(rule: Rule, streams: Rows, rows: NDArray[np.bool_], what: str) -> Iterator[Finding]:
    count = int(np.count_nonzero(rows))
    if not count:
        return
    numbers = streams.numbers("stream")[rows]
    yield rule.found(
        count=count,
        evidence=f"{count} of {counted(len(streams), 'connection')}: one side {what}"
        if isinstance(rule, OneSided)
        else f"{count} of {counted(len(streams), 'connection')} {what}",
        counter="attempts to connect that nobody answered are not counted",
        wireshark_filter=stream_filter(numbers) or "tcp.completeness",
        frames=frames_of(streams.numbers("first_frame")[rows]),
        stream=int(numbers[0]) if count == 1 else None,
    )
