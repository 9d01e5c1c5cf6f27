"""Numbers shared by the decoding kernels: protocol layers and what became of a frame.

A *layer* code says what stands at the decoder's cursor, and names one step of a protocol path.
A *verdict* says how far a frame was understood; it carries a detail (an EtherType, a protocol
number, a link type) and becomes a row of the decode ledger.
"""

from __future__ import annotations

# Layers. A path is a number in base 64 with one digit a layer, so there may be no more than 63.
NONE = 0
ETH = 1
SLL = 2
SLL2 = 3
NULL = 4
RAW = 5
PPP = 6
PPPOE = 7
WLAN = 8
RADIOTAP = 9
PRISM = 10
AVS = 11
PPI = 12
NFLOG = 13
PKTAP = 14
CHDLC = 15
VLAN = 16
MPLS = 17
LLC = 18
NSH = 19
ETHERTYPE = 20
PBB = 21
ETAG = 22
PW_ETH = 23
LAST_LINK = 23
"""Layers up to this one are the link kernel's."""
IP = 24
IPV6 = 25
FRAGMENT = 26
TCP = 27
UDP = 28
ICMP = 29
ICMPV6 = 30
GRE = 31
ERSPAN = 32
ERSPAN3 = 33
VXLAN = 34
VXLAN_GPE = 35
GENEVE = 36
GTP = 37
TEREDO = 38
AH = 39
ETHERIP = 40
NEXT = 41
"""What the IP protocol number in the packet's ``protocol`` says: a datagram put together begins so."""
# Layers that only end a path.
ARP = 44
SCTP = 45
ESP = 46
IGMP = 47
OSPF = 48
LLDP = 49
STP = 50
EAPOL = 51
DATA = 52

LAYER_NAMES = {
    ETH: "eth",
    SLL: "sll",
    SLL2: "sll2",
    NULL: "null",
    RAW: "raw",
    PPP: "ppp",
    PPPOE: "pppoes",
    WLAN: "wlan",
    RADIOTAP: "radiotap",
    PRISM: "prism",
    AVS: "wlancap",
    PPI: "ppi",
    NFLOG: "nflog",
    PKTAP: "pktap",
    CHDLC: "chdlc",
    VLAN: "vlan",
    MPLS: "mpls",
    LLC: "llc",
    NSH: "nsh",
    PBB: "ieee8021ah",
    ETAG: "ieee8021br",
    PW_ETH: "pweth",
    IP: "ip",
    IPV6: "ipv6",
    FRAGMENT: "fragment",
    TCP: "tcp",
    UDP: "udp",
    ICMP: "icmp",
    ICMPV6: "icmpv6",
    GRE: "gre",
    ERSPAN: "erspan",
    ERSPAN3: "erspan",
    VXLAN: "vxlan",
    VXLAN_GPE: "vxlan",
    GENEVE: "geneve",
    GTP: "gtp",
    TEREDO: "teredo",
    AH: "ah",
    ETHERIP: "etherip",
    ARP: "arp",
    SCTP: "sctp",
    ESP: "esp",
    IGMP: "igmp",
    OSPF: "ospf",
    LLDP: "lldp",
    STP: "stp",
    EAPOL: "eapol",
    DATA: "data",
}
"""Names of layers as Wireshark has them where it has one."""

PATH_BASE = 64
PATH_LIMIT = PATH_BASE**9
"""A path stops growing here: ten digits fit a signed 64-bit integer."""

# LINKTYPE_ numbers (tcpdump.org/linktypes.html) and the layer each begins with.
LINK_LAYERS = {
    0: NULL,
    1: ETH,
    9: PPP,
    12: RAW,  # DLT_RAW of most systems, found in files written with the DLT number
    14: RAW,  # DLT_RAW of OpenBSD
    50: PPP,  # PPP in HDLC-like framing
    51: PPPOE,
    101: RAW,
    104: CHDLC,
    105: WLAN,
    108: NULL,  # LOOP: the family is in network order; families are unmistakable in either
    113: SLL,
    119: PRISM,
    127: RADIOTAP,
    163: AVS,
    166: PPP,  # pppd's log, where the first octet is the direction
    192: PPI,
    204: PPP,  # PPP with direction
    228: RAW,
    229: RAW,
    239: NFLOG,
    258: PKTAP,
    276: SLL2,
}
LINK_SKIP = {204: 1, 166: 0}
"""Octets of pseudo-header before the layer itself, by link type."""

# Verdicts.
TCP_SEGMENT = 1
UDP_DATAGRAM = 2
ICMP_MESSAGE = 3
REASSEMBLED = 4
LAST_ANALYSED = 4
"""Verdicts up to this one mean that the frame was analysed."""
LEFT_OUT = 16
DUPLICATE = 17
UNKNOWN_LINK = 18
LINK_CUT = 19
NOT_IP = 20
LLC_OTHER = 21
PPP_OTHER = 22
WLAN_NOT_DATA = 23
WLAN_ENCRYPTED = 24
NETWORK_CUT = 25
NETWORK_BAD = 26
OTHER_TRANSPORT = 27
TRANSPORT_CUT = 28
TRANSPORT_BAD = 29
FRAGMENT_HELD = 30
FRAGMENT_INCOMPLETE = 31
FRAGMENT_REFUSED = 32
TUNNEL_BAD = 33
TOO_DEEP = 34
LINK_BAD = 35
ENCRYPTED = 36
TUNNEL_CUT = 37
NO_TIME = 38

MAX_LAYERS = 32
"""Headers followed in one frame before it is given up as nested too deeply."""

FAMILY = 1 << 16
"""Added to the detail of ``NOT_IP`` where it is an address family and no EtherType."""

DETAIL_BASE = 1 << 32
"""A verdict with its detail is ``verdict * DETAIL_BASE + detail``."""

OTHERS = DETAIL_BASE - 1
"""The detail that stands for all of a verdict's details that came after too many others."""

OTHER_PATHS = PATH_BASE**10 * 2 - 1
"""The path that stands for all that came after too many others."""

VERDICT_TEXTS = {
    TCP_SEGMENT: "TCP segment",
    UDP_DATAGRAM: "UDP datagram",
    ICMP_MESSAGE: "ICMP message",
    REASSEMBLED: "fragment, its datagram was put together",
    LEFT_OUT: "left out by the filter or the range asked for",
    DUPLICATE: "captured before (duplicate frame)",
    UNKNOWN_LINK: "unknown link type",
    LINK_CUT: "captured too short for its link header",
    LINK_BAD: "damaged link header",
    NOT_IP: "not IP",
    LLC_OTHER: "not IP: LLC",
    PPP_OTHER: "not IP: PPP control",
    WLAN_NOT_DATA: "802.11 management or control frame",
    WLAN_ENCRYPTED: "encrypted 802.11 data",
    NETWORK_CUT: "captured too short for its IP header",
    NETWORK_BAD: "damaged IP header",
    OTHER_TRANSPORT: "transport not analysed",
    TRANSPORT_CUT: "captured too short for its transport header",
    TRANSPORT_BAD: "damaged transport header",
    FRAGMENT_HELD: "fragment of a datagram not complete yet",
    FRAGMENT_INCOMPLETE: "fragment of a datagram that never was complete",
    FRAGMENT_REFUSED: "fragment that fits no datagram",
    TUNNEL_CUT: "captured too short for its tunnel header",
    TUNNEL_BAD: "damaged tunnel header",
    TOO_DEEP: "nested too deeply",
    ENCRYPTED: "encrypted packet (ESP)",
    NO_TIME: "passed over: analysis was slower than packets came",
}

ETHERTYPE_NAMES = {
    0x0806: "ARP",
    0x8035: "RARP",
    0x0842: "Wake-on-LAN",
    0x809B: "AppleTalk",
    0x80F3: "AppleTalk ARP",
    0x8137: "IPX",
    0x22EA: "SRP",
    0x22F0: "AVTP",
    0x22F3: "TRILL",
    0x8808: "Ethernet flow control",
    0x8809: "LACP and other slow protocols",
    0x8863: "PPPoE discovery",
    0x886D: "Intel ANS probe",
    0x887B: "HomePlug",
    0x888E: "EAPOL",
    0x8892: "PROFINET",
    0x88A2: "ATA over Ethernet",
    0x88B5: "local experimental 1",
    0x88B6: "local experimental 2",
    0x88B8: "GOOSE",
    0x88C7: "802.11i pre-authentication",
    0x88CC: "LLDP",
    0x88E5: "MACsec",
    0x88F7: "PTP",
    0x8902: "CFM",
    0x8906: "FCoE",
    0x8914: "FCoE initialization",
    0x8915: "RoCE",
    0x890D: "802.11 tunnelled",
    0x9000: "Ethernet loopback test",
}

IP_PROTOCOL_NAMES = {
    0: "IPv6 hop-by-hop",
    2: "IGMP",
    8: "EGP",
    9: "IGRP",
    33: "DCCP",
    46: "RSVP",
    50: "ESP",
    55: "mobile IP",
    59: "IPv6 no next header",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    108: "IPComp",
    112: "VRRP",
    115: "L2TPv3",
    132: "SCTP",
    136: "UDP-Lite",
}

PPP_NAMES = {
    0x8021: "IPCP",
    0x8057: "IPV6CP",
    0x80FD: "CCP",
    0xC021: "LCP",
    0xC023: "PAP",
    0xC223: "CHAP",
    0xC025: "link quality report",
    0x00FD: "compressed datagram",
    0x002D: "Van Jacobson compressed TCP",
    0x002F: "Van Jacobson uncompressed TCP",
    0x003D: "multilink",
}


def path_name(path: int) -> str:
    """The dotted name of a path, ``eth.ip.tcp`` for instance; ``…`` where it may be longer."""
    if path == OTHER_PATHS:
        return "other paths"
    end = ".…" if path >= PATH_LIMIT else ""
    digits = []
    while path:
        path, digit = divmod(path, PATH_BASE)
        digits.append(LAYER_NAMES.get(digit, f"layer{digit}"))
    return ".".join(reversed(digits)) + end
