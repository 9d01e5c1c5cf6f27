"""Packets that scapy builds: its reading of the standards against the decoder's."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from frames import Frame, analyse

if TYPE_CHECKING:
    from frames import Kernels
    from scapy.packet import Packet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own imports
    from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III
    from scapy.contrib.geneve import GENEVE, GeneveOptions
    from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
    from scapy.contrib.mpls import MPLS
    from scapy.contrib.nsh import NSH
    from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
    from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
    from scapy.layers.inet6 import (
        ICMPv6DestUnreach,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
        fragment6,
    )
    from scapy.layers.l2 import (
        GRE,
        LLC,
        SNAP,
        CookedLinux,
        CookedLinuxV2,
        Dot1AD,
        Dot1Q,
        Dot3,
        Ether,
        Loopback,
    )
    from scapy.layers.ppp import HDLC, PPP, PPPoE
    from scapy.layers.vxlan import VXLAN

FOUR = IP(src="10.1.2.3", dst="10.4.5.6") / TCP(sport=1111, dport=80, seq=1000, flags="PA") / b"payload"
SIX = (
    IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1111, dport=80, seq=1000, flags="PA") / b"payload"
)
MACS = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:0b"}
OUTER = Ether(**MACS) / IP(src="192.0.2.1", dst="192.0.2.2")
INSIDE = Ether(**MACS) / FOUR


def udp(port: int) -> Packet:
    return OUTER / UDP(sport=40000, dport=port)


WRAPPED = {
    "ethernet": (1, INSIDE),
    "tags": (1, Ether(**MACS) / Dot1AD(vlan=7) / Dot1Q(vlan=9) / SIX),
    "802.3": (1, Dot3(**MACS) / LLC() / SNAP() / FOUR),
    "labels": (1, Ether(**MACS) / MPLS(label=16, s=0) / MPLS(label=17, s=1) / FOUR),
    "pppoe": (1, Ether(**MACS) / PPPoE(sessionid=3) / PPP(proto=0x21) / FOUR),
    "ppp": (9, HDLC() / PPP(proto=0x57) / SIX),
    "sll": (113, CookedLinux() / FOUR),
    "sll2": (276, CookedLinuxV2() / SIX),
    "loopback": (0, Loopback() / FOUR),
    "802.11": (105, Dot11(type=2, FCfield=1) / LLC() / SNAP() / FOUR),
    "802.11 qos": (
        127,
        RadioTap(present="TSFT+Flags+Rate", Rate=2)
        / Dot11(type=2, subtype=8)
        / Dot11QoS()
        / LLC()
        / SNAP()
        / SIX,
    ),
    "gre": (1, OUTER / GRE(chksum_present=1, key_present=1, seqnum_present=1) / FOUR),
    "gre bridged": (1, OUTER / GRE(proto=0x6558) / INSIDE),
    "erspan 1": (1, OUTER / GRE(proto=0x88BE) / ERSPAN_I() / INSIDE),
    "erspan 2": (1, OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(vlan=5) / INSIDE),
    "erspan 3": (1, OUTER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(vlan=5) / INSIDE),
    "ip in ip": (1, OUTER / SIX),
    "vxlan": (1, udp(4789) / VXLAN(vni=42) / INSIDE),
    "geneve": (1, udp(6081) / GENEVE(vni=42, proto=0x6558, options=[GeneveOptions(data=b"1234")]) / INSIDE),
    "gtp": (1, udp(2152) / GTP_U_Header(teid=5, S=1, seq=3) / FOUR),
    "gtp extended": (1, udp(2152) / GTP_U_Header(teid=5, E=1) / GTPPDUSessionContainer(type=0, QFI=9) / FOUR),
    "nsh": (1, Ether(**MACS) / NSH(mdtype=1, nextproto=1) / FOUR),
    "extension headers": (
        1,
        Ether(**MACS)
        / IPv6(src="2001:db8::1", dst="2001:db8::2")
        / IPv6ExtHdrHopByHop()
        / IPv6ExtHdrRouting(addresses=["2001:db8::9"])
        / IPv6ExtHdrDestOpt()
        / SIX[TCP],
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped(kernels: Kernels, name: str) -> None:
    link_type, packet = WRAPPED[name]
    found = analyse(kernels, [Frame(bytes(packet), link_type)]).only()
    assert (found.sport, found.dport, found.seq, found.flags) == (1111, 80, 1000, 0x18)
    assert found.payload == b"payload"
    expected = ("10.1.2.3", "10.4.5.6") if found.ip_version == 4 else ("2001:db8::1", "2001:db8::2")
    assert (found.src, found.dst) == expected


def test_fields_of_random_segments(kernels: Kernels) -> None:
    rng = random.Random(11)
    packets = []
    for _ in range(60):
        options: list[tuple[str, Any]] = [
            ("MSS", rng.randrange(65536)),
            ("WScale", rng.randrange(15)),
            ("SAckOK", b""),
            ("Timestamp", (rng.randrange(2**32), rng.randrange(2**32))),
            ("NOP", None),
            ("SAck", tuple(rng.randrange(2**32) for _ in range(2))),
        ]
        chosen = rng.sample(options, rng.randrange(len(options)))
        segment = TCP(
            sport=rng.randrange(65536),
            dport=rng.randrange(65536),
            seq=rng.randrange(2**32),
            ack=rng.randrange(2**32),
            flags=rng.randrange(512),
            window=rng.randrange(65536),
            options=chosen,
        )
        packets.append(
            IP(src="10.0.0.1", dst="10.0.0.2", id=7, ttl=9, tos=8) / segment / rng.randbytes(rng.randrange(9))
        )
    built = [Ether(bytes(Ether(**MACS) / packet)) for packet in packets]
    found = analyse(kernels, [bytes(frame) for frame in built]).packets
    for mine, theirs in zip(found, built, strict=True):
        ip, tcp = theirs[IP], theirs[TCP]
        assert (mine.ip_id, mine.ttl, mine.tos, mine.ip_bytes) == (ip.id, ip.ttl, ip.tos, ip.len)
        assert (mine.sport, mine.dport, mine.seq, mine.ack) == (tcp.sport, tcp.dport, tcp.seq, tcp.ack)
        assert (mine.flags, mine.window, mine.checksum) == (int(tcp.flags), tcp.window, tcp.chksum)
        told = dict(tcp.options)
        assert mine.mss == told.get("MSS", -1)
        assert mine.window_scale == told.get("WScale", -1)
        assert mine.sack_permitted == ("SAckOK" in told)
        assert (mine.tsval, mine.tsecr) == told.get("Timestamp", (-1, -1))
        assert mine.sack_blocks == len(told.get("SAck", ())) // 2
        assert mine.payload == bytes(tcp.payload)[: mine.payload_bytes]


def test_fragments(kernels: Kernels) -> None:
    body = bytes(range(256)) * 12
    parts = fragment(IP(src="10.0.0.1", dst="10.0.0.2", id=9) / UDP(sport=1, dport=2) / body, 800)
    six = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(id=9) / UDP(sport=3, dport=4) / body
    frames = [bytes(Ether(**MACS) / part) for part in (*parts, *fragment6(six, 1280))]
    found = analyse(kernels, frames).innermost
    assert [(packet.sport, packet.payload) for packet in found] == [(1, body), (3, body)]


def test_quotes(kernels: Kernels) -> None:
    answers = [
        IP(src="10.9.9.9", dst="10.1.2.3") / ICMP(type=11) / bytes(FOUR)[:28],
        IPv6(src="2001:db8::9", dst="2001:db8::1") / ICMPv6DestUnreach(code=4) / SIX,
    ]
    frames = [bytes(Ether(**MACS) / packet) for packet in (FOUR, SIX, *answers)]
    analysis = analyse(kernels, frames)
    assert analysis.streams() == [0, 1, 0, 1]
    assert analysis.tcp()["icmp_errors"] == [1, 1]
