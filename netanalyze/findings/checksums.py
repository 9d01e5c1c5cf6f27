"""Checksums that are wrong: left to the network card, or because packets were damaged on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netanalyze.columns import distinct, found_in
from netanalyze.findings.again import waited_for
from netanalyze.findings.causes import again_after_damage
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import SERVICE, address_filter
from netanalyze.findings.words import counted, frames_of, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

_HOSTS_FILTERED = 6


class Damage(Rule):
    """Packets with a bit or more turned over."""

    code = "TCP010"
    title = "Packets damaged on the way"
    severity = Severity.WARNING
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "checksums": ("host", "protocol", "packets", "checked", "wrong", "headers_wrong", "verdict"),
        "damaged": ("frame", "host", "protocol"),
        "events": ("frame", "time_ns", "stream", "kind", "other_frame", "ago_ns", "payload_bytes"),
        "streams": SERVICE,
    }
    means = (
        "The checksums of a few packets are wrong while those of the others of the same sender are right:"
        " bits were turned over by a bad cable or plug, a wireless link, a card or the memory of a device on"
        " the way. The receiver throws such packets away; TCP sends them again, datagrams are lost."
    )
    advice = (
        "Look at the error counters of every port on the way (ethtool -S, show interface), swap cable and"
        " card; nstat shows TcpInCsumErrors and UdpInCsumErrors of the receiver."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        damaged, events, checksums = facts["damaged"], facts["events"], facts["checksums"]
        again = again_after_damage(facts)
        for group in damaged.groups(np.ones(len(damaged), np.bool_), "host"):
            frames = damaged.numbers("frame")[group.rows]
            places = np.flatnonzero(again & found_in(events.amounts("other_frame"), frames))
            repaired = len(distinct(events.numbers("other_frame")[places]))
            mine = checksums.among("host", group.key[0]) & checksums.among("verdict", "corrupt")
            sent = int(checksums.numbers("packets")[mine].sum())
            kinds = sorted({kind or "?" for kind in damaged.pick("protocol", group.rows)})
            yield self.found(
                count=len(frames),
                subject=f"from {group.key[0]}",
                evidence=(
                    f"{counted(len(frames), 'packet')} of {sent} ({percent(len(frames), sent)}) with a wrong"
                    f" checksum: {listed(kinds)}; {repaired} of them sent again"
                ),
                counter=(
                    "the sender's other packets have right ones, so that it leaves none to its card; at most"
                    " 1024 frames of a sender and protocol are listed"
                ),
                wireshark_filter=_frames_filter(frames),
                frames=frames_of(frames),
                cost_ns=waited_for(events, places) or None,
                cost_bytes=int(events.amounts("payload_bytes")[places].sum()) or None,
            )


class NotFilledIn(Rule):
    """Checksums that a card was to fill in."""

    code = "CAP011"
    title = "Checksums not filled in yet (offload)"
    severity = Severity.INFO
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "checksums": (
            "host",
            "protocol",
            "checked",
            "wrong",
            "zero",
            "headers_wrong",
            "verdict",
            "first_frame",
        ),
    }
    means = (
        "What some hosts sent has no proper checksum, but the sum of the pseudo-header alone, or nothing: the"
        " network card fills it in (checksum offload), and the capture was made before that, on this host or"
        " on one that shares its kernel (containers, virtual machines). Segments that were joined on receipt"
        " (GRO) look the same. On the wire nothing is wrong. Programs that check sums show such packets in"
        " black and leave them out of reassembly: Wireshark, when told to validate checksums, Zeek and"
        " Suricata unless told not to. Here they are analysed like all others. If sums are wrong throughout"
        " in another way, or both sides of the traffic have none, the packets were changed after they were"
        " sent, as by anonymising a capture."
    )
    advice = (
        "Nothing to mend; switch validation off there (Wireshark: tcp.check_checksum, Zeek: -C), or capture"
        " with ethtool -K IF tx off."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        checksums = facts["checksums"]
        offload, untouched = self.title, "sums of packets that a snap length cut were not checked"
        if _blank(checksums):
            offload = "Checksums blank throughout"
            untouched = (
                "what came from elsewhere has none either, so that they were taken out of the capture, or all"
                " of these addresses are of one host"
            )
        for verdict, title, counter in (
            ("offload", offload, untouched),
            (
                "wrong",
                "Checksums wrong throughout",
                "most of what they sent, or all by the same; damage would be rare and vary",
            ),
        ):
            rows = np.flatnonzero(checksums.among("verdict", verdict))
            if not len(rows):
                continue
            wrong = sum(int(checksums.numbers(name)[rows].sum()) for name in ("wrong", "headers_wrong"))
            hosts = list(dict.fromkeys(host for host in checksums.pick("host", rows) if host))
            kinds = list(dict.fromkeys(kind for kind in checksums.pick("protocol", rows) if kind))
            yield self.found(
                count=wrong,
                title=title,
                evidence=(
                    f"{wrong} checksums of {listed(kinds)} from {counted(len(hosts), 'host')}:"
                    f" {listed(hosts)}"
                ),
                counter=counter,
                wireshark_filter=" || ".join(_sent_by(host) for host in hosts[:_HOSTS_FILTERED]) or "ip",
                frames=frames_of(np.sort(checksums.numbers("first_frame")[rows])),
                confidence=Confidence.HIGH if verdict == "offload" else Confidence.MEDIUM,
            )


def _blank(checksums: Rows) -> bool:
    """Whether nothing that was checked has a sum, of two senders at least."""
    checked, zero = checksums.numbers("checked"), checksums.numbers("zero")
    senders = {host for host in checksums.pick("host", np.flatnonzero(checked > 0)) if host}
    return len(senders) > 1 and bool((zero == checked).all())


def _sent_by(host: str) -> str:
    return address_filter(host).replace(".addr", ".src")


def _frames_filter(frames: NDArray[np.int64]) -> str:
    """Shows some frames, or the first of them if they are many."""
    return "frame.number in {" + ", ".join(map(str, np.sort(frames)[:50].tolist())) + "}"
