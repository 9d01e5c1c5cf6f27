"""Tunnels that are none, tunnels that are damaged, and tunnels in tunnels."""

from __future__ import annotations

import pytest
from crafting import eth, ethernet_of, geneve, gre, gtp, ip4, ip6, tcp, udp, vxlan
from frames import Frame, Kernels, analyse
from wrappings import erspan3, over_ip, over_udp, teredo

from netanalyze.wire import codes
from netanalyze.wire.packets import CARRIER, INNERMOST

INNER = ip4(tcp(b"data"))
DAMAGED = "damaged tunnel header"
INNER6 = ip6(tcp(b"data"))
PORTS = (4789, 8472, 4790, 6081, 2152, 3544)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    "payload", [b"", b"\0", b"text on a tunnel's port, long enough for its header", bytes(60)]
)
def test_a_tunnels_port_is_only_a_hint(kernels: Kernels, port: int, payload: bytes) -> None:
    for ports in ((1111, port), (port, 1111)):
        analysis = analyse(kernels, [ethernet_of(ip4(udp(payload, *ports), 17))])
        packet = analysis.only()
        assert (packet.role, packet.payload) == (INNERMOST, payload)
        assert (packet.sport, packet.dport) == ports
        assert analysis.path_counts() == {"eth.ip.udp": 1}
        assert analysis.reasons() == {"UDP datagram": 1}


@pytest.mark.parametrize(
    "frame",
    [
        over_udp(4789, vxlan(ethernet_of(INNER), flags=0)),
        over_udp(4789, vxlan(eth(0x1234, INNER), flags=0x18)),
        over_udp(4789, vxlan(eth(0x1234, INNER), last=1)),
        over_udp(4789, vxlan(INNER, 0x0C, following=9)),
        over_udp(4789, vxlan(ethernet_of(INNER)[:13])),
        over_udp(4790, vxlan(INNER, 0x0C, following=9)),
        over_udp(4790, vxlan(INNER, 0x04, following=1)),
        over_udp(4790, vxlan(INNER, 0x1C, following=1)),
        over_udp(4790, vxlan(INNER, 0x0C, following=1, last=1)),
        over_udp(6081, geneve(0x0800, INNER)[:7]),
        over_udp(6081, b"\x40" + geneve(0x0800, INNER)[1:]),
        over_udp(6081, geneve(0x1234, INNER)),
        over_udp(6081, b"\x3f" + geneve(0x0800, INNER)[1:]),
        over_udp(2152, gtp(INNER, 0x20)),
        over_udp(2152, gtp(INNER, 0x50)),
        over_udp(2152, gtp(INNER, kind=1)),
        over_udp(2152, gtp(b"\x75" + INNER[1:])),
        over_udp(2152, gtp(b"", 0x34, b"\0\0\0\x85")),
        over_udp(2152, gtp(b"", 0x34, b"\0\0\0\x85\0\0\0\0")),
        over_udp(2152, gtp(b"", 0x34, b"\0\0\0\x85\xff\0\0\0")),
        over_udp(2152, gtp(b"", 0x34, b"\0\0\0\x85\x01\0\0\x85")),
        over_udp(3544, INNER),
        over_udp(3544, INNER6[:39]),
        over_udp(3544, b"\0\x01\xff\xff" + bytes(20) + INNER6),
        over_udp(3544, ip6(tcp(b"data"), length=500)),
    ],
)
def test_what_does_not_bear_out_the_port(kernels: Kernels, frame: bytes) -> None:
    analysis = analyse(kernels, [frame])
    assert analysis.reasons() == {"UDP datagram": 1}
    packet = analysis.only()
    assert packet.payload == frame[42:]
    assert analysis.path_counts() == {"eth.ip.udp": 1}
    # The row opened for a packet inside holds none, and does not speak for the frame.
    assert [row.protocol for row in analysis.rows] == [17, 0]
    assert analysis.flows.tcp.count == 0


@pytest.mark.parametrize(
    ("frame", "reason", "path"),
    [
        (over_ip(47, gre(0x0806, bytes(28))), "not IP: ARP", "eth.ip.gre"),
        (over_ip(47, gre(0, b"")), "not IP", "eth.ip.gre"),
        (over_ip(47, gre(0x6558, eth(0x88CC, bytes(30)))), "not IP: LLDP", "eth.ip.gre.eth.lldp"),
        (over_ip(47, gre(0x880B, b"", 0x2081)), "not IP: EtherType 0x880b", "eth.ip.gre"),
        (over_ip(47, gre(0x880B, b"\xc0\x21\1\1\0\4", 0x3001)), "not IP: PPP LCP", "eth.ip.gre.ppp"),
        (over_ip(47, gre(0x0800, INNER, 2)), DAMAGED, "eth.ip.gre"),
        (over_ip(47, gre(0x0800, INNER, 7)), DAMAGED, "eth.ip.gre"),
        (over_ip(47, b"\0\0\x08"), DAMAGED, "eth.ip.gre"),
        (over_ip(47, b""), DAMAGED, "eth.ip.gre"),
        (over_ip(47, gre(0x0800, b"", 0xB000)[:15]), DAMAGED, "eth.ip.gre"),
        (over_ip(47, gre(0x0800, b"", 0xC000, words=bytes(4) + b"\x08\0\0\xff")), DAMAGED, "eth.ip.gre"),
        (over_ip(47, gre(0x0800, b"", 0xC000, words=bytes(4) + b"\x08\0\0\0" * 99)), DAMAGED, "eth.ip.gre"),
        (over_ip(47, gre(0x88BE, bytes(7), 0x1000)), DAMAGED, "eth.ip.gre.erspan"),
        (over_ip(47, gre(0x22EB, erspan3(b"")[:11], 0x1000)), DAMAGED, "eth.ip.gre.erspan"),
        (over_ip(47, gre(0x22EB, erspan3(bytes(7), 1), 0x1000)), DAMAGED, "eth.ip.gre.erspan"),
        (over_ip(97, b"\x30"), DAMAGED, "eth.ip"),
        (over_ip(97, b"\x31\0" + ethernet_of(INNER)), DAMAGED, "eth.ip"),
        (over_ip(47, gre(0x0800, b"")), "damaged IP header", "eth.ip.gre.ip"),
        (over_udp(4789, vxlan(eth(0x0806, bytes(28)))), "not IP: ARP", "eth.ip.udp.vxlan.eth.arp"),
    ],
)
def test_damaged_or_not_ip_inside(kernels: Kernels, frame: bytes, reason: str, path: str) -> None:
    analysis = analyse(kernels, [ethernet_of(INNER), frame], size=1)
    assert analysis.reasons() == {"TCP segment": 1, reason: 1}
    assert path in analysis.path_counts()
    assert analysis.flows.tcp.count == 1


def test_a_cut_tunnel_header(kernels: Kernels) -> None:
    frame = Frame(over_ip(47, gre(0x0800, INNER, 0x3000)))
    for size in range(34, 46):
        assert analyse(kernels, [frame.cut(size)]).verdicts == [(codes.TUNNEL_CUT, 0)]
    # A version that does not exist is damage, whatever was cut off behind it.
    wrong = Frame(over_ip(47, gre(0x0800, INNER, 0x3005)))
    assert analyse(kernels, [wrong.cut(40)]).verdicts == [(codes.TUNNEL_BAD, 0)]


def test_teredo_with_a_snap_length(kernels: Kernels) -> None:
    whole = Frame(teredo(ip6(tcp(bytes(1000)))))
    packet = analyse(kernels, [whole.cut(128)]).only()
    assert (packet.path, packet.payload_bytes, packet.payload_captured) == (
        "eth.ip.udp.teredo.ipv6.tcp",
        1000,
        128 - 14 - 20 - 8 - 40 - 20,
    )


def nested(levels: int) -> bytes:
    frame = ethernet_of(INNER)
    for _ in range(levels):
        frame = over_udp(4789, vxlan(frame))
    return frame


def test_carriers_are_packets_too(kernels: Kernels) -> None:
    analysis = analyse(kernels, [nested(3)])
    roles = [(packet.role, packet.protocol) for packet in analysis.packets]
    assert roles == [(CARRIER, 17)] * 3 + [(INNERMOST, 6)]
    sizes = [packet.payload_bytes for packet in analysis.packets]
    assert sizes == sorted(sizes, reverse=True)
    # All three go between the same endpoints, and so they are one flow.
    assert analysis.udp()["client_datagrams"] == [3]
    assert analysis.streams(17) == [0, 0, 0]


def test_nesting_is_bounded(kernels: Kernels) -> None:
    levels = codes.MAX_LAYERS // 4 - 1  # a level is Ethernet, IP, UDP's packet inside and the VXLAN header
    assert analyse(kernels, [nested(levels)]).only().payload == b"data"
    for deeper in (levels + 1, 60):
        analysis = analyse(kernels, [nested(deeper)])
        assert analysis.reasons() == {"nested too deeply": 1}
        assert analysis.flows.tcp.count == 0


def test_a_batch_full_of_nested_tunnels(kernels: Kernels) -> None:
    # GTP takes the fewest layers a level: as many packets as a frame can hold, in every frame.
    levels = (codes.MAX_LAYERS - 2) // 3  # beside Ethernet and IP
    packet = INNER
    for _ in range(levels):
        packet = ip4(udp(gtp(packet), 2152, 2152), 17, "192.0.2.1", "192.0.2.2")
    analysis = analyse(kernels, [ethernet_of(packet)] * 20)
    assert analysis.reasons() == {"TCP segment": 20}
    assert len(analysis.packets) == 20 * (levels + 1)
    deeper = ip4(udp(gtp(packet), 2152, 2152), 17, "192.0.2.1", "192.0.2.2")
    assert analyse(kernels, [ethernet_of(deeper)] * 20).reasons() == {"nested too deeply": 20}


def test_many_kinds_in_one_batch(kernels: Kernels) -> None:
    # Rows found in later rounds come in the order of their frames, carriers before what they carry.
    frames = [
        ethernet_of(INNER),
        over_udp(4789, vxlan(ethernet_of(INNER))),
        over_ip(47, gre(0x0800, INNER)),
        over_udp(6081, geneve(0x0800, ip4(gre(0x0800, INNER), 47))),
        ethernet_of(ip4(udp(b"text"), 17)),
    ]
    analysis = analyse(kernels, frames)
    assert [packet.number for packet in analysis.packets] == [1, 2, 2, 3, 4, 4, 5]
    assert [packet.role for packet in analysis.packets] == [0, 1, 0, 0, 1, 0, 0]
