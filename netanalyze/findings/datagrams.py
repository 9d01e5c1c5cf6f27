"""UDP that nobody takes, and datagrams in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netanalyze.columns import distinct
from netanalyze.findings.capturing import InLedger
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.findings.rule import Rule
from netanalyze.findings.services import address_filter
from netanalyze.findings.words import counted, endpoint, frames_of, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.findings.facts import Facts

_FLOWS = ("flow", "server", "server_port", "client_datagrams", "server_datagrams", "first_frame")


class ToNobody(Rule):
    """Datagrams answered by ICMP errors."""

    code = "UDP001"
    title = "Datagrams that nobody takes"
    severity = Severity.WARNING
    needs: ClassVar = {"udp": (*_FLOWS, "icmp_errors", "fragments")}
    means = (
        "ICMP errors came back for datagrams: no program has the port open, or the host cannot be reached."
        " UDP itself never tells the sender's program unless its socket is connected, so that such traffic"
        " can go on for years."
    )
    advice = (
        "Start the program that should receive it, or stop or redirect the sender (a log, metrics or DNS"
        " address)."
    )

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        udp = facts["udp"]
        errors = udp.amounts("icmp_errors")
        # A host that answers does take them, and of fragments it may have missed one.
        nobody = (errors > 0) & (udp.numbers("server_datagrams") == 0) & (udp.amounts("fragments") == 0)
        for group in udp.groups(nobody, "server"):
            rows, server = group.rows, group.key[0]
            count = int(errors[rows].sum())
            sent = int(udp.numbers("client_datagrams")[rows].sum())
            ports = distinct(udp.numbers("server_port")[rows]).tolist()
            yield self.found(
                count=count,
                subject=endpoint(server, ports[0]) if len(ports) == 1 else str(server),
                evidence=(
                    f"{counted(count, 'ICMP error')} for {counted(sent, 'datagram')} to"
                    f" {'port' if len(ports) == 1 else 'ports'} {listed(ports)}"
                ),
                counter="nothing came back from these ports, and the datagrams were not in fragments",
                wireshark_filter=f"(icmp || icmpv6 || udp) && {address_filter(server)}"
                + (f" && udp.port == {ports[0]}" if len(ports) == 1 else ""),
                frames=frames_of(udp.numbers("first_frame")[rows]),
                cost_requests=sent,
                confidence=Confidence.HIGH if count >= sent else Confidence.MEDIUM,
            )


class Fragments(Rule):
    """Datagrams larger than a packet may be."""

    code = "UDP002"
    title = "Datagrams sent in fragments"
    severity = Severity.NOTICE
    needs: ClassVar = {"udp": (*_FLOWS, "fragments")}
    means = (
        "Datagrams were larger than the way's packets and went as IP fragments. One lost fragment loses all"
        " of it, and many firewalls and NATs drop fragments."
    )
    advice = "Keep datagrams below 1232 bytes (DNS: edns-udp-size 1232) or 1400, or use TCP or QUIC."

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        udp = facts["udp"]
        fragments = udp.amounts("fragments")
        for group in udp.groups(fragments > 0, "server", "server_port"):
            server, port = group.key
            count = int(fragments[group.rows].sum())
            yield self.found(
                count=count,
                subject=endpoint(server, port),
                evidence=f"{counted(count, 'fragment')} in {counted(len(group.rows), 'flow')}",
                counter="these datagrams could be put together",
                wireshark_filter=(
                    f"(udp.port == {port} || ip.frag_offset > 0 || ipv6.fraghdr) && {address_filter(server)}"
                ),
                frames=frames_of(udp.numbers("first_frame")[group.rows]),
            )


class LostFragments(InLedger):
    """Datagrams of which a fragment is missing."""

    code = "UDP003"
    title = "Fragments whose datagram never was complete"
    severity = Severity.WARNING
    reasons = ("never was complete", "fits no datagram")
    wireshark = "ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr"
    counter = "the missing ones may have been lost while capturing, or have taken another way"
    means = (
        "Fragments of a datagram came and others did not, within the time that a host waits for them: all"
        " of the datagram is lost. Firewalls that drop fragments, and loss on the way, do that."
    )
    advice = (
        "Send smaller datagrams; let fragments pass firewalls, or find out why path MTU discovery does not"
        " work."
    )
