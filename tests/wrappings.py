"""One IP packet in every wrapping there is: link types, tags, tunnels, and some of them nested.

``WRAPPINGS`` is used three times: by the decoder's own tests, cut at every byte, and against tshark.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from crafting import (
    MACS,
    ah,
    eth,
    ethernet_of,
    extension,
    fragment6,
    geneve,
    gre,
    gtp,
    ip4,
    ip6,
    label,
    llc_frame,
    nflog,
    pppoe,
    radiotap,
    snap,
    tag,
    udp,
    vxlan,
    wlan,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Wrapping(NamedTuple):
    """How a packet is wrapped.

    Attributes:
        link_type: of the frame that ``wrap`` makes.
        wrap: from an IP packet to a frame.
        path: what the decoder calls that, before ``ip.tcp``.
        version: of the IP packet to wrap.
        carriers: how many UDP datagrams it travels in.
    """

    link_type: int
    wrap: Callable[[bytes], bytes]
    path: str
    version: int = 4
    carriers: int = 0


def kind_of(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def over_udp(port: int, payload: bytes) -> bytes:
    return ethernet_of(ip4(udp(payload, 40000, port), 17, "192.0.2.1", "192.0.2.2"))


def over_ip(protocol: int, payload: bytes) -> bytes:
    return ethernet_of(ip4(payload, protocol, "192.0.2.1", "192.0.2.2"))


def over_ip6(protocol: int, payload: bytes) -> bytes:
    return ethernet_of(ip6(payload, protocol, "2001:db8:f::1", "2001:db8:f::2"))


def amsdu(payload: bytes) -> bytes:
    return MACS + struct.pack(">H", len(payload)) + payload


def gtp_extended(packet: bytes) -> bytes:
    # Sequence number, N-PDU number and two extension headers: a PDU session container and another.
    optional = b"\0\7\0\x85" + b"\x01\x10\x09\xc0" + b"\x01\0\0\0"
    return gtp(packet, 0x37, optional)


def prism(frame: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "II", 0x44, 144) + b"wlan0".ljust(16, b"\0") + bytes(120) + frame


def avs(frame: bytes) -> bytes:
    return struct.pack(">II", 0x80211001, 64) + bytes(56) + frame


def ppi(link_type: int, frame: bytes) -> bytes:
    return struct.pack("<BBHI", 0, 0, 8, link_type) + frame


def pktap(link_type: int, frame: bytes) -> bytes:
    return struct.pack("<III", 108, 1, link_type) + b"en0".ljust(24, b"\0") + bytes(72) + frame


def sll(kind: int, payload: bytes) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\7\0\0", kind) + payload


def sll2(kind: int, payload: bytes) -> bytes:
    return struct.pack(">HHIHBB8s", kind, 0, 3, 1, 0, 6, b"\2\0\0\0\0\7\0\0") + payload


def erspan3(payload: bytes, bits: int = 0, subheader: bytes = b"") -> bytes:
    return struct.pack(">HHIHH", 0x2007, 0x0005, 0x12345678, 0, bits) + subheader + payload


def teredo(packet: bytes, *, auth: bool = False, origin: bool = False) -> bytes:
    head = b""
    if auth:
        head += b"\0\x01\x04\x04" + b"user" + b"auth" + bytes(8) + b"\0"
    if origin:
        head += b"\0\0" + struct.pack(">HI", 0x1234 ^ 0xFFFF, 0xC0000201 ^ 0xFFFFFFFF)
    return over_udp(3544, head + packet)


LLC_IP = lambda packet: snap(kind_of(packet), packet)  # noqa: E731 - a name for what recurs below
QOS = b"\x00\x00"

WRAPPINGS: dict[str, Wrapping] = {
    # Link types.
    "ethernet": Wrapping(1, ethernet_of, "eth"),
    "ethernet 6": Wrapping(1, ethernet_of, "eth", 6),
    "ethernet padded": Wrapping(1, lambda p: ethernet_of(p) + bytes(9), "eth"),
    "802.3 snap": Wrapping(1, lambda p: llc_frame(LLC_IP(p)), "eth.llc"),
    "802.3 snap padded": Wrapping(1, lambda p: llc_frame(LLC_IP(p), 11), "eth.llc"),
    "802.3 snap 802.1H": Wrapping(1, lambda p: llc_frame(snap(0x0800, p, b"\0\0\xf8")), "eth.llc"),
    "802.3 llc ip": Wrapping(1, lambda p: llc_frame(b"\x06\x06\x03" + p), "eth.llc"),
    "sll": Wrapping(113, lambda p: sll(0x0800, p), "sll"),
    "sll 6": Wrapping(113, lambda p: sll(0x86DD, p), "sll", 6),
    "sll vlan": Wrapping(113, lambda p: sll(0x8100, tag(0x0800, p)), "sll.vlan"),
    "sll llc": Wrapping(113, lambda p: sll(4, LLC_IP(p)), "sll.llc"),
    "sll2": Wrapping(276, lambda p: sll2(0x0800, p), "sll2"),
    "sll2 6": Wrapping(276, lambda p: sll2(0x86DD, p), "sll2", 6),
    "sll2 llc": Wrapping(276, lambda p: sll2(4, LLC_IP(p)), "sll2.llc"),
    "null little": Wrapping(0, lambda p: struct.pack("<I", 2) + p, "null"),
    "null big": Wrapping(0, lambda p: struct.pack(">I", 2) + p, "null"),
    **{
        f"null 6 {family}{order}": Wrapping(
            0, lambda p, f=family, o=order: struct.pack(o + "I", f) + p, "null", 6
        )
        for family in (10, 23, 24, 28, 30)
        for order in "<>"
    },
    "loop": Wrapping(108, lambda p: struct.pack(">I", 2) + p, "null"),
    "loop 6": Wrapping(108, lambda p: struct.pack(">I", 24) + p, "null", 6),
    **{f"raw {number}": Wrapping(number, lambda p: p, "raw") for number in (12, 14, 101, 228)},
    "raw 6": Wrapping(101, lambda p: p, "raw", 6),
    "raw 229": Wrapping(229, lambda p: p, "raw", 6),
    "ppp": Wrapping(9, lambda p: b"\x00\x21" + p, "ppp"),
    "ppp compressed": Wrapping(9, lambda p: b"\x21" + p, "ppp"),
    "ppp framed": Wrapping(9, lambda p: b"\xff\x03\x00\x21" + p, "ppp"),
    "ppp 6": Wrapping(9, lambda p: b"\xff\x03\x00\x57" + p, "ppp", 6),
    "ppp mpls": Wrapping(9, lambda p: b"\xff\x03\x02\x81" + label(p), "ppp.mpls"),
    "ppp hdlc": Wrapping(50, lambda p: b"\xff\x03\x00\x21" + p, "ppp"),
    "ppp hdlc cisco": Wrapping(50, lambda p: b"\x0f\x00\x08\x00" + p, "ppp.chdlc"),
    "pppoe link type": Wrapping(51, lambda p: pppoe(b"\x00\x21" + p), "pppoes.ppp"),
    "pppd received": Wrapping(166, lambda p: b"\x00\x03\x00\x21" + p, "ppp"),
    "pppd sent": Wrapping(166, lambda p: b"\x01\x03\x00\x21" + p, "ppp"),
    "ppp with direction": Wrapping(204, lambda p: b"\x01\xff\x03\x00\x21" + p, "ppp"),
    "ppp with direction, no framing": Wrapping(204, lambda p: b"\x00\x00\x21" + p, "ppp"),
    "cisco hdlc": Wrapping(104, lambda p: b"\x0f\x00\x08\x00" + p, "chdlc"),
    "cisco hdlc 6": Wrapping(104, lambda p: b"\x8f\x00\x86\xdd" + p, "chdlc", 6),
    "802.11": Wrapping(105, lambda p: wlan(LLC_IP(p)), "wlan.llc"),
    "802.11 from": Wrapping(105, lambda p: wlan(LLC_IP(p), flags=2), "wlan.llc"),
    "802.11 ad hoc": Wrapping(105, lambda p: wlan(LLC_IP(p), flags=0), "wlan.llc"),
    "802.11 qos": Wrapping(105, lambda p: wlan(LLC_IP(p), 0x88, extra=QOS), "wlan.llc"),
    "802.11 four addresses": Wrapping(105, lambda p: wlan(LLC_IP(p), flags=3, extra=bytes(6)), "wlan.llc"),
    "802.11 four addresses qos": Wrapping(
        105, lambda p: wlan(LLC_IP(p), 0x88, 3, bytes(6) + QOS), "wlan.llc"
    ),
    "802.11 qos ht": Wrapping(105, lambda p: wlan(LLC_IP(p), 0x88, 0x81, QOS + bytes(4)), "wlan.llc"),
    "802.11 order": Wrapping(105, lambda p: wlan(LLC_IP(p), 0x08, 0x81), "wlan.llc"),
    "802.11 a-msdu": Wrapping(105, lambda p: wlan(amsdu(LLC_IP(p)), 0x88, extra=b"\x80\0"), "wlan.llc"),
    "radiotap": Wrapping(127, lambda p: radiotap(wlan(LLC_IP(p))), "radiotap.wlan.llc"),
    "radiotap fcs": Wrapping(
        127, lambda p: radiotap(wlan(LLC_IP(p)) + b"FCS!", (2,), b"\x10"), "radiotap.wlan.llc"
    ),
    "radiotap tsft fcs": Wrapping(
        127, lambda p: radiotap(wlan(LLC_IP(p)) + b"FCS!", (3,), bytes(8) + b"\x10"), "radiotap.wlan.llc"
    ),
    "radiotap tsft aligned": Wrapping(
        127,
        lambda p: radiotap(wlan(LLC_IP(p)) + b"FCS!", (0x80000003, 0), bytes(4) + bytes(8) + b"\x10"),
        "radiotap.wlan.llc",
    ),
    "radiotap padded": Wrapping(
        127,
        lambda p: radiotap(wlan(LLC_IP(p), 0x88, extra=QOS + bytes(2)), (2,), b"\x20"),
        "radiotap.wlan.llc",
    ),
    "prism": Wrapping(119, lambda p: prism(wlan(LLC_IP(p))), "prism.wlan.llc"),
    "prism big": Wrapping(119, lambda p: prism(wlan(LLC_IP(p)), ">"), "prism.wlan.llc"),
    "prism avs": Wrapping(119, lambda p: avs(wlan(LLC_IP(p))), "prism.wlancap.wlan.llc"),
    "avs": Wrapping(163, lambda p: avs(wlan(LLC_IP(p))), "wlancap.wlan.llc"),
    "ppi 802.11": Wrapping(192, lambda p: ppi(105, wlan(LLC_IP(p))), "ppi.wlan.llc"),
    "ppi ethernet": Wrapping(192, lambda p: ppi(1, ethernet_of(p)), "ppi.eth"),
    "pktap ethernet": Wrapping(258, lambda p: pktap(1, ethernet_of(p)), "pktap.eth"),
    "pktap raw": Wrapping(258, lambda p: pktap(12, p), "pktap.raw"),
    "pktap null": Wrapping(258, lambda p: pktap(0, struct.pack("<I", 2) + p), "pktap.null"),
    "nflog": Wrapping(239, nflog, "nflog"),
    "nflog 6": Wrapping(239, lambda p: nflog(p, 10), "nflog", 6),
    "nflog big": Wrapping(239, lambda p: nflog(p, order=">"), "nflog"),
    # Tags and labels.
    **{
        f"vlan {kind:x}": Wrapping(1, lambda p, k=kind: eth(k, tag(0x0800, p)), "eth.vlan")
        for kind in (0x8100, 0x88A8, 0x9100, 0x9200)
    },
    **{
        f"vlan {outer:x} {inner:x}": Wrapping(
            1, lambda p, o=outer, i=inner: eth(o, tag(i, tag(0x0800, p))), "eth.vlan.vlan"
        )
        for outer in (0x8100, 0x88A8, 0x9100, 0x9200)
        for inner in (0x8100, 0x88A8, 0x9100, 0x9200)
    },
    "vlan three": Wrapping(
        1, lambda p: eth(0x88A8, tag(0x8100, tag(0x8100, tag(0x86DD, p)))), "eth.vlan.vlan.vlan", 6
    ),
    "vlan llc": Wrapping(1, lambda p: eth(0x8100, tag(len(LLC_IP(p)), LLC_IP(p)) + bytes(7)), "eth.vlan.llc"),
    "mpls": Wrapping(1, lambda p: eth(0x8847, label(p)), "eth.mpls"),
    "mpls multicast": Wrapping(1, lambda p: eth(0x8848, label(p)), "eth.mpls"),
    "mpls stack": Wrapping(
        1, lambda p: eth(0x8847, label(label(label(p), bottom=False), bottom=False)), "eth.mpls"
    ),
    "mpls 6": Wrapping(1, lambda p: eth(0x8847, label(p)), "eth.mpls", 6),
    "pseudowire": Wrapping(1, lambda p: eth(0x8847, label(bytes(4) + ethernet_of(p))), "eth.mpls.pweth.eth"),
    "pseudowire sequenced": Wrapping(
        1, lambda p: eth(0x8847, label(b"\0\0\0\x07" + ethernet_of(p))), "eth.mpls.pweth.eth"
    ),
    "pseudowire bare": Wrapping(1, lambda p: eth(0x8847, label(ethernet_of(p))), "eth.mpls.pweth.eth"),
    "pseudowire vlan": Wrapping(
        1, lambda p: eth(0x8847, label(bytes(4) + eth(0x8100, tag(0x0800, p)))), "eth.mpls.pweth.eth.vlan"
    ),
    "nsh": Wrapping(
        1, lambda p: eth(0x894F, struct.pack(">BBBBI", 0, 6, 1, 1, 0x1FF) + bytes(16) + p), "eth.nsh"
    ),
    "nsh 6": Wrapping(1, lambda p: eth(0x894F, struct.pack(">BBBBI", 0, 2, 2, 2, 0x1FF) + p), "eth.nsh", 6),
    "nsh ethernet": Wrapping(
        1, lambda p: eth(0x894F, struct.pack(">BBBBI", 0, 2, 2, 3, 0x1FF) + ethernet_of(p)), "eth.nsh.eth"
    ),
    "802.1ah": Wrapping(1, lambda p: eth(0x88E7, bytes(4) + ethernet_of(p)), "eth.ieee8021ah.eth"),
    "802.1ah tagged": Wrapping(
        1, lambda p: eth(0x88A8, tag(0x88E7, bytes(4) + ethernet_of(p))), "eth.vlan.ieee8021ah.eth"
    ),
    "802.1br": Wrapping(1, lambda p: eth(0x893F, bytes(6) + b"\x08\0" + p), "eth.ieee8021br"),
    "pppoe": Wrapping(1, lambda p: eth(0x8864, pppoe(b"\x00\x21" + p)), "eth.pppoes.ppp"),
    "pppoe padded": Wrapping(1, lambda p: eth(0x8864, pppoe(b"\x00\x21" + p) + bytes(5)), "eth.pppoes.ppp"),
    "pppoe 6": Wrapping(1, lambda p: eth(0x8864, pppoe(b"\x00\x57" + p)), "eth.pppoes.ppp", 6),
    "pppoe vlan": Wrapping(
        1, lambda p: eth(0x88A8, tag(0x8100, tag(0x8864, pppoe(b"\0\x21" + p)))), "eth.vlan.vlan.pppoes.ppp"
    ),
    # IP in IP.
    "4 in 4": Wrapping(1, lambda p: over_ip(4, p), "eth.ip"),
    "6 in 4": Wrapping(1, lambda p: over_ip(41, p), "eth.ip", 6),
    "4 in 6": Wrapping(1, lambda p: over_ip6(4, p), "eth.ipv6"),
    "6 in 6": Wrapping(1, lambda p: over_ip6(41, p), "eth.ipv6", 6),
    "mpls in ip": Wrapping(1, lambda p: over_ip(137, label(p)), "eth.ip.mpls"),
    "ah": Wrapping(1, lambda p: over_ip(51, ah(4, p)), "eth.ip.ah"),
    "ah 6": Wrapping(1, lambda p: over_ip6(51, ah(41, p)), "eth.ipv6.ah", 6),
    "ah, then options": Wrapping(1, lambda p: over_ip6(51, ah(60, extension(41, p))), "eth.ipv6.ah", 6),
    "extensions": Wrapping(
        1, lambda p: over_ip6(0, extension(43, extension(60, extension(41, p, 2)))), "eth.ipv6", 6
    ),
    "atomic fragment": Wrapping(1, lambda p: over_ip6(44, fragment6(4, p, 0, more=False)), "eth.ipv6"),
    "etherip": Wrapping(1, lambda p: over_ip(97, b"\x30\0" + ethernet_of(p)), "eth.ip.etherip.eth"),
    # GRE and what it carries.
    "gre": Wrapping(1, lambda p: over_ip(47, gre(0x0800, p)), "eth.ip.gre"),
    "gre 6": Wrapping(1, lambda p: over_ip(47, gre(0x86DD, p)), "eth.ip.gre", 6),
    "gre over 6": Wrapping(1, lambda p: over_ip6(47, gre(0x0800, p)), "eth.ipv6.gre"),
    **{
        f"gre {bits:04x}": Wrapping(1, lambda p, b=bits: over_ip(47, gre(0x0800, p, b)), "eth.ip.gre")
        for bits in range(0x1000, 0x10000, 0x1000)
        # The R bit (0x4000) means a route and a checksum field; without C both are there too.
        if not bits & 0x4000
    },
    "gre routed": Wrapping(1, lambda p: over_ip(47, gre(0x0800, p, 0xC000)), "eth.ip.gre"),
    "gre bridged": Wrapping(1, lambda p: over_ip(47, gre(0x6558, ethernet_of(p))), "eth.ip.gre.eth"),
    "gre mpls": Wrapping(1, lambda p: over_ip(47, gre(0x8847, label(p))), "eth.ip.gre.mpls"),
    "gre nsh": Wrapping(
        1, lambda p: over_ip(47, gre(0x894F, struct.pack(">BBBBI", 0, 2, 2, 1, 0x1FF) + p)), "eth.ip.gre.nsh"
    ),
    "pptp": Wrapping(
        1, lambda p: over_ip(47, gre(0x880B, b"\xff\x03\x00\x21" + p, 0x3001)), "eth.ip.gre.ppp"
    ),
    "pptp with acknowledgement": Wrapping(
        1, lambda p: over_ip(47, gre(0x880B, b"\x00\x21" + p, 0x3081)), "eth.ip.gre.ppp"
    ),
    "eoip": Wrapping(
        1,
        lambda p: over_ip(47, struct.pack(">HHHH", 0x2001, 0x6400, len(p) + 14, 7) + ethernet_of(p)),
        "eth.ip.gre.eth",
    ),
    "erspan 1": Wrapping(1, lambda p: over_ip(47, gre(0x88BE, ethernet_of(p))), "eth.ip.gre.eth"),
    "erspan 2": Wrapping(
        1,
        lambda p: over_ip(47, gre(0x88BE, b"\x10\x07\x00\x05\0\0\0\x01" + ethernet_of(p), 0x1000)),
        "eth.ip.gre.erspan.eth",
    ),
    "erspan 3": Wrapping(
        1, lambda p: over_ip(47, gre(0x22EB, erspan3(ethernet_of(p)), 0x1000)), "eth.ip.gre.erspan.eth"
    ),
    "erspan 3 subheader": Wrapping(
        1,
        lambda p: over_ip(47, gre(0x22EB, erspan3(ethernet_of(p), 1, bytes(8)), 0x1000)),
        "eth.ip.gre.erspan.eth",
    ),
    "erspan 3 ip": Wrapping(
        1, lambda p: over_ip(47, gre(0x22EB, erspan3(p, 2 << 10), 0x1000)), "eth.ip.gre.erspan"
    ),
    # Over UDP.
    "vxlan": Wrapping(1, lambda p: over_udp(4789, vxlan(ethernet_of(p))), "eth.ip.udp.vxlan.eth", 4, 1),
    "vxlan 6": Wrapping(1, lambda p: over_udp(4789, vxlan(ethernet_of(p))), "eth.ip.udp.vxlan.eth", 6, 1),
    "vxlan linux": Wrapping(1, lambda p: over_udp(8472, vxlan(ethernet_of(p))), "eth.ip.udp.vxlan.eth", 4, 1),
    "vxlan group policy": Wrapping(
        1, lambda p: over_udp(4789, vxlan(ethernet_of(p), 0x88)), "eth.ip.udp.vxlan.eth", 4, 1
    ),
    "vxlan reserved bits": Wrapping(
        1, lambda p: over_udp(4789, vxlan(ethernet_of(p), 0x39, last=7)), "eth.ip.udp.vxlan.eth", 4, 1
    ),
    "vxlan next protocol": Wrapping(
        1, lambda p: over_udp(4789, vxlan(ethernet_of(p), 0x0C, following=3)), "eth.ip.udp.vxlan.eth", 4, 1
    ),
    "vxlan vlan": Wrapping(
        1, lambda p: over_udp(4789, vxlan(eth(0x8100, tag(0x0800, p)))), "eth.ip.udp.vxlan.eth.vlan", 4, 1
    ),
    "vxlan over 6": Wrapping(
        1,
        lambda p: over_ip6(17, udp(vxlan(ethernet_of(p)), 40000, 4789)),
        "eth.ipv6.udp.vxlan.eth",
        4,
        1,
    ),
    "vxlan-gpe ip": Wrapping(
        1, lambda p: over_udp(4790, vxlan(p, 0x0C, following=1)), "eth.ip.udp.vxlan", 4, 1
    ),
    "vxlan-gpe 6": Wrapping(
        1, lambda p: over_udp(4790, vxlan(p, 0x0C, following=2)), "eth.ip.udp.vxlan", 6, 1
    ),
    "vxlan-gpe ethernet": Wrapping(
        1, lambda p: over_udp(4790, vxlan(ethernet_of(p), 0x0C, following=3)), "eth.ip.udp.vxlan.eth", 4, 1
    ),
    "vxlan-gpe nsh": Wrapping(
        1,
        lambda p: over_udp(4790, vxlan(struct.pack(">BBBBI", 0, 2, 2, 1, 0x1FF) + p, 0x0C, following=4)),
        "eth.ip.udp.vxlan.nsh",
        4,
        1,
    ),
    "geneve": Wrapping(
        1, lambda p: over_udp(6081, geneve(0x6558, ethernet_of(p))), "eth.ip.udp.geneve.eth", 4, 1
    ),
    "geneve options": Wrapping(
        1,
        lambda p: over_udp(6081, geneve(0x6558, ethernet_of(p), b"\x01\x02\x80\x01" + bytes(4), 0x40)),
        "eth.ip.udp.geneve.eth",
        4,
        1,
    ),
    "geneve reserved bits": Wrapping(
        1, lambda p: over_udp(6081, geneve(0x6558, ethernet_of(p), flags=0x3F)), "eth.ip.udp.geneve.eth", 4, 1
    ),
    "geneve ip": Wrapping(1, lambda p: over_udp(6081, geneve(0x0800, p)), "eth.ip.udp.geneve", 4, 1),
    "geneve 6": Wrapping(1, lambda p: over_udp(6081, geneve(0x86DD, p)), "eth.ip.udp.geneve", 6, 1),
    "gtp": Wrapping(1, lambda p: over_udp(2152, gtp(p)), "eth.ip.udp.gtp", 4, 1),
    "gtp 6": Wrapping(1, lambda p: over_udp(2152, gtp(p)), "eth.ip.udp.gtp", 6, 1),
    "gtp sequence": Wrapping(1, lambda p: over_udp(2152, gtp(p, 0x32, b"\0\7\0\0")), "eth.ip.udp.gtp", 4, 1),
    "gtp extended": Wrapping(1, lambda p: over_udp(2152, gtp_extended(p)), "eth.ip.udp.gtp", 4, 1),
    "teredo": Wrapping(1, teredo, "eth.ip.udp.teredo", 6, 1),
    "teredo origin": Wrapping(1, lambda p: teredo(p, origin=True), "eth.ip.udp.teredo", 6, 1),
    "teredo auth": Wrapping(1, lambda p: teredo(p, auth=True), "eth.ip.udp.teredo", 6, 1),
    "teredo auth origin": Wrapping(1, lambda p: teredo(p, auth=True, origin=True), "eth.ip.udp.teredo", 6, 1),
    # One in the other.
    "vxlan in vxlan": Wrapping(
        1,
        lambda p: over_udp(4789, vxlan(over_udp(4789, vxlan(ethernet_of(p))))),
        "eth.ip.udp.vxlan.eth.ip.udp.vxlan.eth",
        4,
        2,
    ),
    "gre in gtp in vlan": Wrapping(
        1,
        lambda p: eth(
            0x8100,
            tag(0x0800, ip4(udp(gtp(ip4(gre(0x0800, p), 47)), 2152, 2152), 17, "192.0.2.1", "192.0.2.2")),
        ),
        "eth.vlan.ip.udp.gtp.ip.gre",
        4,
        1,
    ),
    "4 in 6 in 4": Wrapping(1, lambda p: over_ip(41, ip6(p, 4, "2001:db8::f", "2001:db8::e")), "eth.ip.ipv6"),
    "wlan in erspan 1": Wrapping(
        1, lambda p: over_ip(47, gre(0x88BE, eth(0x8847, label(p)))), "eth.ip.gre.eth.mpls"
    ),
}
