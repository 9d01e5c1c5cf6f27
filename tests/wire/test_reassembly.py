"""Fragments on their way through the decoder: put together, decoded on, and counted once each."""

from __future__ import annotations

import random
from itertools import permutations, product

import pytest
from crafting import (
    ACK,
    PSH,
    ah,
    eth,
    ethernet_of,
    extension,
    gre,
    gtp,
    icmp,
    ip4,
    ip6,
    label,
    tag,
    tcp,
    udp,
    vxlan,
)
from frames import TCP, UDP, Frame, Kernels, analyse, shortened
from scenarios import fragments, fragments6

from netanalyze.wire import codes
from netanalyze.wire.packets import CARRIER, IN_ARENA, QUOTED

A, B = "10.0.0.1", "10.0.0.2"
OUTER = "192.0.2.1", "192.0.2.2"
BODY = bytes(range(256)) * 2
INNER = ip4(tcp(BODY, 10, 20), 6, A, B)
PUT_TOGETHER = "fragment, its datagram was put together"
NEVER = "fragment of a datagram that never was complete"
REFUSED = "fragment that fits no datagram"
AGAIN = "captured before (duplicate frame)"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_every_order(kernels: Kernels, order: tuple[int, ...]) -> None:
    parts = fragments(udp(BODY, 10, 20), 17, A, B, (104, 256, 400), order=order)
    for size in (1, 2, 4):  # frames in a batch: the pieces come together across batches too
        analysis = analyse(kernels, [ethernet_of(part) for part in parts], size=size)
        packet = analysis.only()
        assert (packet.number, packet.fragments, packet.source) == (4, 4, IN_ARENA)
        assert (packet.payload, packet.payload_bytes) == (BODY, len(BODY))
        assert (packet.sport, packet.dport, packet.ip_bytes) == (10, 20, 28 + len(BODY))
        assert packet.path == "eth.ip.udp"
        assert analysis.reasons() == {PUT_TOGETHER: 3, "UDP datagram": 1}
        assert analysis.udp()["fragments"] == [4]
        lines = {line.reason: line for line in analysis.ledger.lines(analysis.decoder)}
        assert (lines[PUT_TOGETHER].first_frame, lines["UDP datagram"].first_frame) == (1, 4)


def test_segments_and_ipv6(kernels: Kernels) -> None:
    frames = [
        *fragments(tcp(BODY, 10, 20), 6, A, B, (8, 16, 24)),
        *fragments6(udp(BODY, 10, 20), 17, A, B, (104, 256)),
        *fragments6(extension(43, extension(6, tcp(BODY, 10, 20), 2)), 60, A, B, (16, 256), ident=78),
        *fragments6(icmp(128, 0, BODY), 58, A, B, (16,), ident=79),
    ]
    analysis = analyse(kernels, [ethernet_of(frame) for frame in frames])
    assert [(packet.protocol, packet.number) for packet in analysis.packets] == [
        (6, 4),
        (17, 7),
        (6, 10),
        (58, 12),
    ]
    assert [packet.fragments for packet in analysis.packets] == [4, 3, 3, 2]
    assert all(packet.payload == BODY for packet in analysis.packets)
    assert analysis.reasons() == {PUT_TOGETHER: 8, "TCP segment": 2, "UDP datagram": 1, "ICMP message": 1}
    segment = analysis.packets[0]
    assert (segment.flags, segment.seq) == (PSH | ACK, 1000)


def test_missing_pieces(kernels: Kernels) -> None:
    parts = fragments(udp(BODY, 10, 20), 17, A, B, (104, 256))
    for missing in range(3):
        left = [ethernet_of(part) for number, part in enumerate(parts) if number != missing]
        analysis = analyse(kernels, [*left, ethernet_of(ip4(udp(b"", 1, 2), 17))], size=1)
        assert analysis.reasons() == {NEVER: 2, "UDP datagram": 1}
        assert analysis.flows.udp.count == 1
        assert [verdict for verdict, _ in analysis.verdicts[:2]] == [codes.FRAGMENT_HELD] * 2


def test_pieces_that_come_too_late(kernels: Kernels) -> None:
    parts = [ethernet_of(part) for part in fragments(udp(BODY, 10, 20), 17, A, B, (104,))]
    for seconds, whole in ((29, True), (31, False)):
        analysis = analyse(kernels, [Frame(parts[0]), Frame(parts[1], time_ns=seconds * 10**9)])
        assert analysis.reasons() == ({PUT_TOGETHER: 1, "UDP datagram": 1} if whole else {NEVER: 2})


def test_the_same_piece_again(kernels: Kernels) -> None:
    parts = fragments(udp(BODY, 10, 20), 17, A, B, (104, 256), order=(0, 0, 1, 2, 2))
    analysis = analyse(kernels, [ethernet_of(part) for part in parts])
    assert analysis.only().payload == BODY
    assert analysis.reasons() == {PUT_TOGETHER: 3, "UDP datagram": 1, AGAIN: 1}


def test_overlapping_pieces(kernels: Kernels) -> None:
    whole = udp(BODY, 10, 20)
    parts = [
        ip4(whole[:200], 17, A, B, bits=1),
        ip4(b"\xff" * 160, 17, A, B, bits=1, offset=104),
        ip4(whole[264:], 17, A, B, offset=264),
    ]
    analysis = analyse(kernels, [ethernet_of(part) for part in parts])
    packet = analysis.only()
    assert packet.payload == BODY[:192] + b"\xff" * 64 + BODY[256:]
    assert packet.payload_bytes == len(BODY)


def test_pieces_beyond_the_longest_datagram(kernels: Kernels) -> None:
    frame = ethernet_of(ip4(bytes(1000), 17, A, B, bits=1, offset=65_528))
    assert analyse(kernels, [frame]).reasons() == {REFUSED: 1}


def test_keys_keep_datagrams_apart(kernels: Kernels) -> None:
    # Identification, protocol and both addresses; the pieces are interleaved.
    kinds = [
        (udp(BODY, 1, 20), 17, A, B, 1),
        (udp(BODY, 2, 20), 17, A, B, 2),
        (udp(BODY, 3, 20), 17, B, A, 1),
        (udp(BODY, 4, 20), 17, A, "10.0.0.3", 1),
        (tcp(BODY, 5, 20), 6, A, B, 1),
    ]
    parts = [
        fragments(body, protocol, src, dst, (104, 256), ident=ident)
        for body, protocol, src, dst, ident in kinds
    ]
    frames = [ethernet_of(part) for row in zip(*parts, strict=True) for part in row]
    analysis = analyse(kernels, frames)
    assert [packet.sport for packet in analysis.packets] == [1, 2, 3, 4, 5]
    assert all(packet.payload == BODY for packet in analysis.packets)


def test_snap_lengths(kernels: Kernels) -> None:
    # The datagram completes by what was on the wire; its payload ends where bytes are missing.
    parts = [Frame(ethernet_of(part)) for part in fragments(udp(BODY, 10, 20), 17, A, B, (104, 256))]
    for size, captured in ((34, None), (60, 18), (138, 200), (290, 504)):
        analysis = analyse(kernels, [part.cut(size) for part in parts])
        if captured is None:
            assert analysis.reasons() == {PUT_TOGETHER: 2, codes.VERDICT_TEXTS[codes.TRANSPORT_CUT]: 1}
            continue
        packet = analysis.only()
        assert (packet.payload_bytes, packet.payload) == (len(BODY), BODY[: packet.payload_captured])
        assert packet.payload_captured == captured


TUNNELS = [
    (47, gre(0x0800, INNER), "eth.ip.gre.ip.tcp"),
    (47, gre(0x6558, eth(0x8100, tag(0x0800, INNER)), 0x3000), "eth.ip.gre.eth.vlan.ip.tcp"),
    (17, udp(vxlan(ethernet_of(INNER)), 4000, 4789), "eth.ip.udp.vxlan.eth.ip.tcp"),
    (17, udp(gtp(INNER), 4000, 2152), "eth.ip.udp.gtp.ip.tcp"),
    (4, INNER, "eth.ip.ip.tcp"),
    (41, ip6(tcp(BODY, 10, 20)), "eth.ip.ipv6.tcp"),
    (97, b"\x30\0" + ethernet_of(INNER), "eth.ip.etherip.eth.ip.tcp"),
    (137, label(INNER), "eth.ip.mpls.ip.tcp"),
    (51, ah(4, INNER), "eth.ip.ah.ip.tcp"),
]


@pytest.mark.parametrize(("protocol", "body", "path"), TUNNELS)
@pytest.mark.parametrize("size", [1, 9])
def test_fragmented_tunnels(kernels: Kernels, protocol: int, body: bytes, path: str, size: int) -> None:
    parts = fragments(body, protocol, *OUTER, (8, 200))
    analysis = analyse(kernels, [ethernet_of(part) for part in parts], size=size)
    packet = analysis.only()
    assert (packet.path, packet.payload, packet.source) == (path, BODY, IN_ARENA)
    carriers = [packet for packet in analysis.packets if packet.role == CARRIER]
    assert [carrier.fragments for carrier in carriers] == ([3] if protocol == 17 else [])
    assert packet.fragments == 0
    assert analysis.reasons() == {PUT_TOGETHER: 2, "TCP segment": 1}


@pytest.mark.parametrize(
    ("protocol", "body", "reason"),
    [
        (50, bytes(300), "encrypted packet (ESP)"),
        (89, bytes(300), "transport not analysed: OSPF"),
        (253, bytes(300), "transport not analysed: IP protocol 253"),
        (60, extension(6, tcp(bytes(300))), "transport not analysed: IP protocol 60"),
        (0, bytes(300), "transport not analysed: IPv6 hop-by-hop"),
        (97, bytes(300), "damaged tunnel header"),
        (47, gre(0x0806, bytes(300)), "not IP: ARP"),
        (47, bytes(300), "not IP"),
        (6, tcp(bytes(300), words=3), "damaged transport header"),
        (17, udp(bytes(300), length=3), "damaged transport header"),
        (4, bytes(300), "damaged IP header"),
        (137, label(b"\xf0" + bytes(300)), "not IP: EtherType 0x8847"),
    ],
)
def test_datagrams_that_hold_something_else(
    kernels: Kernels, protocol: int, body: bytes, reason: str
) -> None:
    analysis = analyse(
        kernels, [ethernet_of(part) for part in fragments(body, protocol, A, B, (200,))], size=1
    )
    assert analysis.reasons() == {PUT_TOGETHER: 1, reason: 1}


def test_ipv6_datagrams_that_hold_something_else(kernels: Kernels) -> None:
    bodies = [
        (59, bytes(300), "transport not analysed: IPv6 no next header"),
        (60, b"\x06\xff" + bytes(300), "damaged IP header"),
        (50, bytes(300), "encrypted packet (ESP)"),
        (0, extension(132, bytes(300)), "transport not analysed: SCTP"),
    ]
    for number, body, reason in bodies:
        parts = fragments6(body, number, A, B, (200,))
        assert analyse(kernels, [ethernet_of(part) for part in parts]).reasons() == {
            PUT_TOGETHER: 1,
            reason: 1,
        }


def test_an_icmp_error_in_fragments(kernels: Kernels) -> None:
    parts = fragments(icmp(3, 1, INNER), 1, B, A, (200,))
    analysis = analyse(kernels, [ethernet_of(INNER), *(ethernet_of(part) for part in parts)])
    (quote,) = [packet for packet in analysis.packets if packet.role == QUOTED]
    assert (quote.stream, quote.number) == (0, 3)


def test_fragments_inside_tunnels(kernels: Kernels) -> None:
    parts = fragments(udp(BODY, 10, 20), 17, A, B, (104, 256))
    frames = [
        ethernet_of(ip4(gre(0x0800, parts[0]), 47, *OUTER)),
        ethernet_of(ip4(udp(vxlan(ethernet_of(parts[2])), 4000, 4789), 17, *OUTER)),
        ethernet_of(ip4(parts[1], 4, *OUTER)),
    ]
    for size in (1, 3):
        analysis = analyse(kernels, frames, size=size)
        assert [(packet.number, packet.role) for packet in analysis.packets] == [(2, CARRIER), (3, 0)]
        assert analysis.packets[1].payload == BODY
        assert analysis.reasons() == {PUT_TOGETHER: 2, "UDP datagram": 1}


def test_fragments_in_fragments(kernels: Kernels) -> None:
    inside = fragments(udp(BODY, 10, 20), 17, A, B, (256,))
    frames = [
        ethernet_of(piece)
        for ident, part in enumerate(inside)
        for piece in fragments(part, 4, *OUTER, (64, 128), ident=ident)
    ]
    for size in (1, 2, 6):
        analysis = analyse(kernels, frames, size=size)
        assert (analysis.only().payload, analysis.only().number) == (BODY, 6)
        assert analysis.reasons() == {PUT_TOGETHER: 5, "UDP datagram": 1}
    # A fragment header behind another one in IPv6 is the same thing without a header between.
    inside = [part[40:] for part in fragments6(udp(BODY, 10, 20), 17, A, B, (256,), ident=1)]
    frames = [
        ethernet_of(piece)
        for ident, part in enumerate(inside)
        for piece in fragments6(part, 44, A, B, (64,), ident=100 + ident)
    ]
    analysis = analyse(kernels, frames)
    assert (analysis.only().payload, analysis.only().number) == (BODY, 4)


def test_the_path_of_deep_fragments(kernels: Kernels) -> None:
    # The path is full before the fragment is met; what is taken off it again must be a fragment's step.
    body = ip4(udp(BODY, 10, 20), 17, A, B)
    for depth in range(12):
        parts = fragments(body, 4, *OUTER, (200,))
        wrapped = []
        for part in parts:
            packet = part
            for _ in range(depth):
                packet = ip4(packet, 4, *OUTER)
            wrapped.append(ethernet_of(packet))
        packet = analyse(kernels, wrapped).only()
        steps = ["eth", *["ip"] * (depth + 2), "udp"]
        assert packet.path == shortened(".".join(steps))


@pytest.mark.parametrize("copies", [2, 3])
def test_captured_twice_and_fragmented(kernels: Kernels, copies: int) -> None:
    # Every frame is in the ledger once, whether it is a copy, a fragment or both.
    plain = fragments(udp(BODY, 10, 20), 17, A, B, (104, 256))
    carried = [ip4(udp(vxlan(ethernet_of(part)), 4000, 4789), 17, *OUTER, ident=9) for part in plain]
    for parts, size in product((plain, carried), (1, 2, 100)):
        frames = [ethernet_of(part) for part in parts for _ in range(copies)]
        analysis = analyse(kernels, frames, size=size, keep_duplicates=False)
        assert analysis.only().payload == BODY
        assert sum(analysis.reasons().values()) == len(frames)


def test_many_fragments_in_one_batch(kernels: Kernels) -> None:
    # A thousand datagrams of three pieces each, shuffled.
    rng = random.Random(5)
    frames = [
        ethernet_of(part)
        for number in range(300)
        for part in fragments(
            udp(number.to_bytes(2, "big") * 100, 10, number), 17, A, B, (64, 128), ident=number
        )
    ]
    rng.shuffle(frames)
    analysis = analyse(kernels, frames)
    assert sorted(packet.dport for packet in analysis.packets) == list(range(300))
    assert all(packet.payload == packet.dport.to_bytes(2, "big") * 100 for packet in analysis.packets)
    assert analysis.streams(UDP) == list(range(300))
    assert analysis.flows.tcp.count == len(analysis.streams(TCP)) == 0
    assert analysis.reasons() == {PUT_TOGETHER: 600, "UDP datagram": 300}
