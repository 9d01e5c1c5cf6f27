"""What is no IP, damaged link headers, padding and trailers."""

from __future__ import annotations

import struct

import pytest
from crafting import (
    MACS,
    eth,
    ethernet_of,
    ip4,
    ip6,
    label,
    llc_frame,
    nflog,
    pppoe,
    radiotap,
    snap,
    tag,
    tcp,
    wlan,
)
from frames import Frame, Kernels, analyse
from wrappings import amsdu, pktap, ppi, sll

from netanalyze.wire import codes

INNER = ip4(tcp(b"data"))
LLC_INNER = snap(0x0800, INNER)

# Frame, link type, the ledger's words, the path.
NOT_IP = [
    (eth(0x0806, bytes(28)), 1, "not IP: ARP", "eth.arp"),
    (eth(0x88CC, bytes(28)), 1, "not IP: LLDP", "eth.lldp"),
    (eth(0x888E, bytes(28)), 1, "not IP: EAPOL", "eth.eapol"),
    (eth(0x8809, bytes(28)), 1, "not IP: LACP and other slow protocols", "eth.data"),
    (eth(0x1234, bytes(28)), 1, "not IP: EtherType 0x1234", "eth.data"),
    (eth(0x05DD, bytes(28)), 1, "not IP: EtherType 0x05dd", "eth.data"),
    (eth(0x8100, tag(0x0806, bytes(28))), 1, "not IP: ARP", "eth.vlan.arp"),
    (llc_frame(b"\x42\x42\x03" + bytes(35)), 1, "not IP: spanning tree", "eth.llc.stp"),
    (llc_frame(b"\xfe\xfe\x03" + bytes(35)), 1, "not IP: LLC 0xfefe", "eth.llc"),
    (llc_frame(b"\xff\xff" + bytes(35)), 1, "not IP: LLC 0xffff", "eth.llc"),
    (llc_frame(snap(0x2000, bytes(30), b"\0\0\x0c")), 1, "not IP: LLC 0xaaaa", "eth.llc"),
    (llc_frame(snap(0x809B, bytes(30))), 1, "not IP: AppleTalk", "eth.llc.data"),
    (sll(1, bytes(30)), 113, "not IP: LLC 0x0001", "sll"),
    (sll(0x000C, bytes(30)), 113, "not IP: EtherType 0x000c", "sll.data"),
    (struct.pack("<I", 7) + bytes(30), 0, "not IP: address family 7", "null"),
    (struct.pack(">I", 16) + bytes(30), 0, "not IP: address family 16", "null"),
    (struct.pack("<I", 23) + bytes(30), 0, "not IP: address family 23", "null"),
    (b"\x50" + bytes(30), 101, "not IP", "raw"),
    (b"\xc0\x21\x01\x01\0\x04", 9, "not IP: PPP LCP", "ppp"),
    (b"\xff\x03\x80\x21\x01\x01\0\x04", 9, "not IP: PPP IPCP", "ppp"),
    (b"\xff\x03\x12\x34\0\0", 9, "not IP: PPP protocol 0x1234", "ppp"),
    (b"\x2d\0\0\0", 9, "not IP: PPP Van Jacobson compressed TCP", "ppp"),
    (b"\x0f\x00\x80\x35" + bytes(18), 104, "not IP: RARP", "chdlc.data"),
    (eth(0x8864, pppoe(b"\xc0\x21\x01\x01\0\x04")), 1, "not IP: PPP LCP", "eth.pppoes.ppp"),
    (eth(0x8864, pppoe(b"", code=9)), 1, "not IP: PPPoE discovery", "eth.pppoes"),
    (eth(0x8863, pppoe(b"", code=9)), 1, "not IP: PPPoE discovery", "eth.data"),
    (eth(0x8847, label(b"\x10" + bytes(20))), 1, "not IP: EtherType 0x8847", "eth.mpls"),
    (eth(0x894F, struct.pack(">BBBBI", 0, 2, 2, 9, 0)), 1, "not IP: EtherType 0x894f", "eth.nsh"),
    (nflog(bytes(20), 1), 239, "not IP: address family 1", "nflog"),
    (wlan(b"", 0x80, 0), 105, "802.11 management or control frame", "wlan"),
    (b"\xd4\0\0\0" + bytes(6), 105, "802.11 management or control frame", "wlan"),
    (wlan(b"", 0x48), 105, "802.11 management or control frame", "wlan"),
    (wlan(b"", 0xC8, extra=bytes(2)), 105, "802.11 management or control frame", "wlan"),
    (wlan(bytes(40), 0x08, 0x41), 105, "encrypted 802.11 data", "wlan"),
    (wlan(LLC_INNER, 0x09), 105, "802.11 management or control frame", "wlan"),
    (eth(0x0800, bytes(20)), 1, "damaged IP header", "eth.ip"),
    (eth(0x8864, b"\x21" + pppoe(b"\0\x21" + INNER)[1:]), 1, "damaged link header", "eth.pppoes"),
    (eth(0x894F, struct.pack(">BBBBI", 0, 1, 2, 1, 0) + INNER), 1, "damaged link header", "eth.nsh"),
    (b"\x01" + radiotap(wlan(LLC_INNER))[1:], 127, "damaged link header", "radiotap"),
    (radiotap(b"")[:2] + b"\x07\0" + bytes(20), 127, "damaged link header", "radiotap"),
    (nflog(INNER)[:20], 239, "damaged link header", "nflog"),
    (b"\2\0\0\0\x03\0\0\0", 239, "damaged link header", "nflog"),
    (struct.pack("<II", 0x44, 4000) + bytes(40), 119, "damaged link header", "prism"),
    (struct.pack(">II", 0x80211001, 4) + bytes(40), 163, "damaged link header", "wlancap"),
    (ppi(1, b"")[:2] + b"\x07\0" + bytes(20), 192, "damaged link header", "ppi"),
    (struct.pack("<III", 11, 1, 1) + bytes(40), 258, "damaged link header", "pktap"),
]


@pytest.mark.parametrize(("data", "link_type", "reason", "path"), NOT_IP)
def test_what_is_not_ip(kernels: Kernels, data: bytes, link_type: int, reason: str, path: str) -> None:
    analysis = analyse(kernels, [Frame(data, link_type)])
    assert analysis.reasons() == {reason: 1}
    assert analysis.path_counts() == {path: 1}
    assert not analysis.packets
    (line,) = analysis.ledger.lines(analysis.decoder)
    assert (line.analysed, line.frames, line.bytes, line.first_frame) == (False, 1, len(data), 1)


@pytest.mark.parametrize("link_type", [-1, 2, 147, 511, 512, 65535, 2**31 - 1])
def test_unknown_link_types(kernels: Kernels, link_type: int) -> None:
    analysis = analyse(kernels, [Frame(ethernet_of(INNER), link_type)])
    assert [verdict for verdict, _ in analysis.verdicts] == [codes.UNKNOWN_LINK]
    assert analysis.path_counts() == {}
    assert len(analysis.reasons()) == 1


@pytest.mark.parametrize("wrap", [ppi, pktap])
@pytest.mark.parametrize("inside", [147, 511, 512, 0xFFFFFFFF])
def test_unknown_link_types_inside_others(kernels: Kernels, wrap: object, inside: int) -> None:
    assert callable(wrap)
    analysis = analyse(kernels, [Frame(wrap(inside, bytes(40)), 192 if wrap is ppi else 258)])
    assert analysis.verdicts == [(codes.UNKNOWN_LINK, inside & 0x7FFFFFFF)]


def test_an_empty_frame_of_every_link_type(kernels: Kernels) -> None:
    for link_type in codes.LINK_LAYERS:
        whole = analyse(kernels, [Frame(b"", link_type)])
        cut = analyse(kernels, [Frame(b"", link_type, wire_bytes=100)])
        assert whole.verdicts == [(codes.LINK_BAD, 0)]
        assert cut.verdicts == [(codes.LINK_CUT, 0)]


UNSAID = ip4(tcp(b"dat"), total=0)


@pytest.mark.parametrize(
    ("data", "link_type"),
    [
        (llc_frame(snap(0x0800, UNSAID), 20), 1),
        (eth(0x8100, tag(len(UNSAID) + 8, snap(0x0800, UNSAID)) + bytes(20)), 1),
        (eth(0x8864, pppoe(b"\0\x21" + UNSAID) + bytes(20)), 1),
        (radiotap(wlan(snap(0x0800, UNSAID)) + b"FCS!", (2,), b"\x10"), 127),
        (wlan(amsdu(snap(0x0800, UNSAID)) + bytes(20), 0x88, extra=b"\x80\0"), 105),
        (nflog(UNSAID), 239),
        (nflog(UNSAID, order=">"), 239),
    ],
)
def test_the_link_knows_the_end_where_ip_does_not(kernels: Kernels, data: bytes, link_type: int) -> None:
    # With a total length of 0 all of the frame is the packet, but not padding, nor a checksum, nor the
    # next subframe.
    packet = analyse(kernels, [Frame(data, link_type)]).only()
    assert packet.payload == b"dat"
    assert packet.payload_bytes == 3


def test_padding_is_no_payload(kernels: Kernels) -> None:
    for inner in (ip4(tcp(b"")), ip6(tcp(b"")), ip4(b"\x04\x57\x00\x35\0\x0a\0\0hi", 17)):
        packet = analyse(kernels, [ethernet_of(inner) + b"padding!"]).only()
        assert packet.payload == (b"hi" if packet.protocol == 17 else b"")
        assert packet.payload_bytes == len(packet.payload)


def test_tags_are_followed_to_a_bound(kernels: Kernels) -> None:
    def stack(count: int) -> bytes:
        body = INNER
        for number in range(count):
            body = tag(0x0800 if number == 0 else 0x8100, body)
        return eth(0x8100, body)

    deepest = codes.MAX_LAYERS - 2  # beside Ethernet and IP
    assert analyse(kernels, [stack(deepest)]).only().payload == b"data"
    too_deep = analyse(kernels, [stack(deepest + 1), stack(200)])
    assert too_deep.reasons() == {"nested too deeply": 2}
    assert not too_deep.packets


def test_labels_are_followed_to_a_bound(kernels: Kernels) -> None:
    body = INNER
    for number in range(300):
        body = label(body, bottom=number == 0)
    assert analyse(kernels, [eth(0x8847, body)]).reasons() == {"nested too deeply": 1}


def test_a_split_aggregate_with_its_bit_still_set(kernels: Kernels) -> None:
    data = wlan(LLC_INNER, 0x88, extra=b"\x80\0")
    assert analyse(kernels, [Frame(data, 105)]).only().payload == b"data"


def test_places_differ_by_link_addresses(kernels: Kernels) -> None:
    other = bytes.fromhex("02000000000c02000000000a")
    frames = [
        eth(0x0800, INNER),
        eth(0x0800, INNER, other),
        eth(0x8100, tag(0x0800, INNER)),
        eth(0x0800, INNER),
    ]
    hashes = [packet.link_hash for packet in analyse(kernels, frames).packets]
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 3
    assert other != MACS
    # What a direction looks like on the "any" interface of Linux.
    sent = [Frame(struct.pack(">H", kind) + sll(0x0800, INNER)[2:], 113) for kind in (0, 4)]
    assert len({packet.link_hash for packet in analyse(kernels, sent).packets}) == 2
    numbered = [
        struct.pack(">HHIHBB8s", 0x0800, 0, number, 1, kind, 6, bytes(8)) + INNER
        for number in (1, 2)
        for kind in (0, 4)
    ]
    hashes = [
        packet.link_hash for packet in analyse(kernels, [Frame(data, 276) for data in numbered]).packets
    ]
    assert len(set(hashes)) == 4


def test_frames_left_out(kernels: Kernels) -> None:
    frames = [Frame(ethernet_of(INNER)), Frame(ethernet_of(INNER), keep=False), Frame(b"", 999, keep=False)]
    analysis = analyse(kernels, frames)
    assert analysis.reasons() == {"TCP segment": 1, "left out by the filter or the range asked for": 2}
    assert [packet.number for packet in analysis.packets] == [1]
    assert analysis.flows.tcp.count == 1
