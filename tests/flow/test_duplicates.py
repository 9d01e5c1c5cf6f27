"""Frames captured twice are found; packets sent twice are left alone."""

from __future__ import annotations

import random
import struct

import pytest
from crafting import ACK, FIN, SYN, eth, ethernet_of, icmp, ip4, ip6, tag, tcp, udp, vxlan
from frames import Analysis, Frame, Kernels, analyse
from scenarios import DATA, fragments
from wrappings import over_udp, sll

from netanalyze.wire import codes

X, Y = "10.0.0.1", "10.0.0.2"
SIX = "2001:db8::1", "2001:db8::2"
MICROSECOND, MILLISECOND = 1000, 1_000_000
WINDOW_NS = 10 * MILLISECOND
INSTANT_NS = 20 * MICROSECOND
OTHER_MACS = bytes.fromhex("02000000000d02000000000c")

SEGMENT = ip4(tcp(b"data", 1, 2), 6, X, Y, ident=7)
DATAGRAM = ip4(udp(b"data", 1, 2, checksum=9), 17, X, Y, ident=7)
PING = ip4(icmp(8, 0, b"ping", 0x00010001), 1, X, Y, ident=7)
SEGMENT6 = ip6(tcp(b"data", 1, 2), 6, *SIX)
DATAGRAM6 = ip6(udp(b"data", 1, 2, checksum=9), 17, *SIX)
PING6 = ip6(icmp(128, 0, b"ping", 0x00010001), 58, *SIX)


def marked(kernels: Kernels, *frames: Frame | bytes, size: int | None = None) -> list[int]:
    """The numbers of the frames that count as captured before."""
    analysis = analyse(kernels, frames, size=size, keep_duplicates=False)
    copies = [
        number for number, (verdict, _) in enumerate(analysis.verdicts, 1) if verdict == codes.DUPLICATE
    ]
    assert sorted({packet.number for packet in analysis.packets if packet.duplicate}) == copies
    assert analysis.reasons().get("captured before (duplicate frame)", 0) == len(copies)
    return copies


def at(data: bytes, time_ns: int, **others: int) -> Frame:
    return Frame(data, time_ns=time_ns, **others)


@pytest.mark.parametrize("packet", [SEGMENT, DATAGRAM, PING])
def test_the_second_copy_of_a_mirror(kernels: Kernels, packet: bytes) -> None:
    frame = ethernet_of(packet)
    for size in (1, 2):
        assert marked(kernels, at(frame, 0), at(frame, MICROSECOND), size=size) == [2]
    assert marked(kernels, at(frame, 0), at(frame, 1), at(frame, 2)) == [2, 3]


@pytest.mark.parametrize("packet", [SEGMENT, DATAGRAM, PING, SEGMENT6, DATAGRAM6, PING6])
def test_a_copy_from_elsewhere(kernels: Kernels, packet: bytes) -> None:
    # Bridged (other interface), routed (other addresses, one hop less), tagged, and in and out of "any".
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    hops = 7 if kind == 0x86DD else 8
    routed = packet[:hops] + bytes([packet[hops] - 1]) + packet[hops + 1 :]
    one = at(eth(kind, packet), 0)
    for other in (
        at(eth(kind, packet), MILLISECOND, interface=1),
        at(eth(kind, packet, OTHER_MACS), MILLISECOND),
        at(eth(kind, routed, OTHER_MACS), MILLISECOND),
        at(eth(kind, routed), MILLISECOND),
        at(eth(0x8100, tag(kind, packet)), MILLISECOND),
    ):
        assert marked(kernels, one, other) == [2]
    received, sent = (
        Frame(struct.pack(">H", direction) + sll(kind, packet)[2:], 113, time)
        for direction, time in ((0, 0), (4, MILLISECOND))
    )
    assert marked(kernels, received, sent) == [2]


@pytest.mark.parametrize("packet", [DATAGRAM6, PING6, ip4(udp(b"data", 1, 2), 17, X, Y, ident=0)])
def test_sent_twice_on_one_wire(kernels: Kernels, packet: bytes) -> None:
    # Without an identification nothing tells these from copies, and so they count as sent.
    for later in (0, 1, MILLISECOND):
        assert marked(kernels, at(ethernet_of(packet), 0), at(ethernet_of(packet), later)) == []


@pytest.mark.parametrize("packet", [SEGMENT6, ip4(tcp(b"data", 1, 2), 6, X, Y, ident=0)])
def test_sooner_than_a_retransmission_can_be(kernels: Kernels, packet: bytes) -> None:
    frame = ethernet_of(packet)
    assert marked(kernels, at(frame, 0), at(frame, INSTANT_NS)) == [2]
    assert marked(kernels, at(frame, 0), at(frame, INSTANT_NS + 1)) == []


@pytest.mark.parametrize("ident", [0, 7])
def test_duplicate_acknowledgements(kernels: Kernels, ident: int) -> None:
    # Three of the same with an identification that says nothing: 0, or a constant.
    def frame(ack: int, flags: int = ACK) -> bytes:
        return ethernet_of(ip4(tcp(b"", 1, 2, 5, ack, flags), 6, X, Y, ident=ident))

    frames = [frame(1), frame(2), *[frame(3)] * 4]
    assert marked(kernels, *(at(data, number) for number, data in enumerate(frames))) == []
    # With IPv6 there is none.
    same = ethernet_of(ip6(tcp(b"", 1, 2, 5, 1, ACK), 6, *SIX))
    assert marked(kernels, at(same, 0), at(same, 1), at(same, 2)) == []


@pytest.mark.parametrize("flags", [SYN, SYN | ACK, FIN | ACK])
def test_syn_and_fin_take_up_sequence_space(kernels: Kernels, flags: int) -> None:
    frame = ethernet_of(ip4(tcp(b"", 1, 2, 5, 1, flags), 6, X, Y, ident=0))
    assert marked(kernels, at(frame, 0), at(frame, INSTANT_NS)) == [2]
    assert marked(kernels, at(frame, 0), at(frame, INSTANT_NS + 1)) == []


def test_a_retransmission_has_a_new_identification(kernels: Kernels) -> None:
    frames = [ethernet_of(ip4(tcp(b"data", 1, 2), 6, X, Y, ident=ident)) for ident in (7, 8, 9, 7)]
    assert marked(kernels, *(at(frame, number) for number, frame in enumerate(frames))) == [4]


def test_a_constant_identification_is_learnt(kernels: Kernels) -> None:
    # The sender's packets differ and have one number; what comes twice then was sent twice.
    def frame(seq: int, ident: int) -> bytes:
        return ethernet_of(ip4(udp(seq.to_bytes(4, "big"), 1, 2, checksum=seq), 17, X, Y, ident=ident))

    constant = [frame(1, 7), frame(2, 7), frame(3, 7), frame(3, 7)]
    assert marked(kernels, *constant) == []
    counting = [frame(1, 7), frame(2, 8), frame(3, 9), frame(3, 9)]
    assert marked(kernels, *counting) == [4]
    # The other direction learns for itself.
    back = ethernet_of(ip4(udp(b"back", 2, 1), 17, Y, X, ident=7))
    assert marked(kernels, *constant, back, back) == [6]


def test_a_late_copy_teaches_nothing(kernels: Kernels) -> None:
    # The same packet beyond the window repeats an identification, but not on packets that differ.
    frame = ethernet_of(SEGMENT)
    other = ethernet_of(ip4(tcp(b"next", 1, 2, 1004), 6, X, Y, ident=8))
    late = 20 * MILLISECOND
    assert marked(kernels, at(frame, 0), at(frame, late), at(other, late), at(other, late + 1)) == [4]


@pytest.mark.parametrize(
    "other",
    [
        ip4(tcp(b"dat", 1, 2), 6, X, Y, ident=7),
        ip4(tcp(b"data", 2, 2), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 3), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2, 999), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2, 1000, 1), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2, flags=ACK), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2, window=1), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2, checksum=1), 6, X, Y, ident=7),
        ip4(tcp(b"data", 1, 2), 6, X, Y, ident=8),
        ip4(tcp(b"data", 1, 2), 6, Y, X, ident=7),
        ip4(tcp(b"data", 1, 2), 6, X, "10.0.0.3", ident=7),
        ip4(tcp(b"data", 1, 2), 6, "10.0.0.3", Y, ident=7),
    ],
)
def test_any_difference_is_another_packet(kernels: Kernels, other: bytes) -> None:
    # However different the place it was captured in.
    assert marked(kernels, ethernet_of(SEGMENT), at(eth(0x0800, other, OTHER_MACS), 0, interface=1)) == []


def test_differences_that_could_cancel_out(kernels: Kernels) -> None:
    # The same top bits changed in one address or in the other: a weak sum of products is the same for
    # both with every second salt. There is a new one each time.
    one, other = "6001:db8::1", "2001:db8::1"
    frames = [
        ethernet_of(ip6(tcp(b"data", 1, 2), 6, src, dst)) for src in (one, other) for dst in (one, other)
    ]
    frames += [
        ethernet_of(ip4(tcp(b"data", 1, 2, seq, ack, flags, window=window), 6, X, Y))
        for seq, ack in ((1 << 31, 0), (0, 1 << 31))
        for flags, window in ((0x800, 0), (0, 0x8000), (0x808, 0x8000))
    ]
    for _ in range(20):
        assert marked(kernels, *(Frame(frame, interface=number) for number, frame in enumerate(frames))) == []


@pytest.mark.parametrize(
    ("after_ns", "copies"), [(WINDOW_NS, [2]), (WINDOW_NS + 1, []), (-WINDOW_NS, [2]), (-WINDOW_NS - 1, [])]
)
@pytest.mark.parametrize("start", [0, 1_700_000_000_000_000_000, -(2**62)])
def test_window(kernels: Kernels, start: int, after_ns: int, copies: list[int]) -> None:
    # The second interface's clock, or the order in the file, may put the copy before the first.
    frame = ethernet_of(SEGMENT)
    assert marked(kernels, at(frame, start), at(frame, start + after_ns)) == copies


def test_ends_of_time(kernels: Kernels) -> None:
    frame = ethernet_of(SEGMENT)
    assert marked(kernels, at(frame, -(2**63)), at(frame, 2**63 - 1)) == []


def test_copies_are_not_counted(kernels: Kernels) -> None:
    frames = [
        at(ethernet_of(ip4(tcp(b"", 1, 2, 9, 0, SYN), 6, X, Y, ident=1)), 0),
        at(ethernet_of(ip4(tcp(b"", 1, 2, 9, 0, SYN), 6, X, Y, ident=1)), 5),
        at(ethernet_of(ip4(tcp(b"", 2, 1, 99, 10, SYN | ACK), 6, Y, X, ident=1)), 10),
        at(ethernet_of(ip4(tcp(b"data", 1, 2, 10, 100, DATA), 6, X, Y, ident=2)), 15),
        at(ethernet_of(ip4(tcp(b"data", 1, 2, 10, 100, DATA), 6, X, Y, ident=2)), 20),
    ]
    analysis = analyse(kernels, frames, keep_duplicates=False)
    columns = analysis.tcp()
    assert (columns["client_packets"], columns["client_bytes"]) == ([2], [4])
    assert (columns["duration_ns"], columns["last_frame"]) == ([15], [4])
    assert analysis.streams() == [0] * 5  # but it is told where they belong
    assert analysis.flows.duplicates == 2
    kept = analyse(kernels, frames, keep_duplicates=True)
    assert (kept.tcp()["client_packets"], kept.tcp()["client_bytes"]) == ([4], [8])
    assert (kept.flows.duplicates, kept.reasons()) == (0, {"TCP segment": 5})


def test_what_is_no_packet_of_its_own(kernels: Kernels) -> None:
    # Quotes of one packet by two errors, and damaged segments, are no copies of anything.
    quotes = [ethernet_of(ip4(icmp(11, 0, SEGMENT), 1, f"10.9.9.{hop}", X, ident=hop)) for hop in (1, 2)]
    damaged = ethernet_of(ip4(tcp(b"data", 1, 2, words=2), 6, X, Y, ident=7))
    assert marked(kernels, ethernet_of(SEGMENT), *quotes, damaged, damaged) == []


def test_copies_in_tunnels(kernels: Kernels) -> None:
    # Captured where it enters the tunnel and where the tunnel's datagram leaves the host.
    inner = ethernet_of(SEGMENT)
    assert marked(kernels, inner, over_udp(4789, vxlan(inner))) == [2]
    # The whole datagram twice: both packets of the second frame are copies.
    carried = over_udp(4789, vxlan(inner))
    analysis = analyse(kernels, [carried, carried], keep_duplicates=False)
    assert [packet.duplicate for packet in analysis.packets] == [0, 0, 1, 1]
    assert analysis.udp()["client_datagrams"] == [1]
    assert analysis.reasons() == {"TCP segment": 1, "captured before (duplicate frame)": 1}


def test_a_copy_of_fragments(kernels: Kernels) -> None:
    parts = [ethernet_of(part) for part in fragments(udp(bytes(300), 1, 2), 17, X, Y, (104,))]
    analysis = analyse(kernels, [part for part in parts for _ in range(2)], keep_duplicates=False)
    assert analysis.udp()["client_datagrams"] == [1]
    assert sum(analysis.reasons().values()) == 4


def mirrored(distance: int, count: int) -> list[Frame]:
    """Packets of fifty senders, each followed by its copy as many packets later."""
    rng = random.Random(distance)
    packets = [
        ethernet_of(
            ip4(
                udp(number.to_bytes(4, "big"), rng.randrange(1, 50), 53, checksum=number % 65521),
                17,
                X,
                Y,
                ident=1 + number % 65535,
            )
        )
        for number in range(count)
    ]
    frames = []
    for first in range(0, count, distance):
        part = packets[first : first + distance]
        frames += part + part
    return [Frame(data, time_ns=number) for number, data in enumerate(frames)]


@pytest.mark.parametrize("distance", [1, 10, 500])
def test_every_copy_is_found_in_every_run(kernels: Kernels, distance: int) -> None:
    # The salt differs from run to run; what is found must not.
    frames = mirrored(distance, 1000)
    for _ in range(3):
        analysis = analyse(kernels, frames, size=256, keep_duplicates=False)
        assert analysis.flows.duplicates == 1000


def test_how_far_back_is_remembered(kernels: Kernels) -> None:
    from netanalyze.flow import table  # noqa: PLC0415

    def found(between: int) -> Analysis:
        copies = ethernet_of(SEGMENT)
        others = [ethernet_of(ip4(udp(b"", number, 53), 17, Y, X)) for number in range(between)]
        return analyse(kernels, [copies, *others, copies], keep_duplicates=False)

    room = table._RECENT_PACKETS
    assert found(room - 1).flows.duplicates == 1
    assert found(room).flows.duplicates == 0
