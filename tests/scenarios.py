"""Little stories of a few frames each, between two hosts: numbering, damage, errors, fragments.

Each is a function of the two IPv4 addresses, so that all of them fit in one capture without meeting.
Used against tshark and to compare the kernels; what each should give stands in the tests.
"""

from __future__ import annotations

import ipaddress
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

from crafting import (
    ACK,
    FIN,
    RST,
    SYN,
    ah,
    eth,
    ethernet_of,
    extension,
    fragment6,
    geneve,
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Story = "Callable[[str, str], list[bytes]]"
STORIES: dict[str, Callable[[str, str], list[bytes]]] = {}


def story(make: Callable[[str, str], list[bytes]]) -> Callable[[str, str], list[bytes]]:
    STORIES[make.__name__] = make
    return make


def hosts(number: int) -> tuple[str, str]:
    """Two addresses that no other story has."""
    net = f"10.{100 + number // 250}.{number % 250}"
    return f"{net}.1", f"{net}.2"


def six(address: str) -> str:
    """An IPv6 address made from an IPv4 one."""
    return str(ipaddress.IPv6Address(0x20010DB8 << 96 | int(ipaddress.IPv4Address(address))))


def segment(a: str, b: str, flags: int, numbers: tuple[int, int], payload: bytes = b"") -> bytes:
    """From port 1111 of ``a`` to port 2222 of ``b``, or back if ``a`` is the higher address."""
    ports = (1111, 2222) if a < b else (2222, 1111)
    return ethernet_of(ip4(tcp(payload, *ports, *numbers, flags), 6, a, b))


def datagram(a: str, b: str, payload: bytes = b"data", sport: int = 1111, dport: int = 2222) -> bytes:
    return ethernet_of(ip4(udp(payload, sport, dport), 17, a, b))


def numbering(*steps: tuple[int, int, int, int]) -> Callable[[str, str], list[bytes]]:
    """A story of segments, each (sender, flags, sequence number, acknowledgement number)."""
    return lambda a, b: [
        segment(*((b, a) if sender else (a, b)), flags, (seq, ack), b"x" if flags == ACK | 8 else b"")
        for sender, flags, seq, ack in steps
    ]


DATA = ACK | 8
A, B = 0, 1
OPENED = ((A, SYN, 100, 0), (B, SYN | ACK, 500, 101), (A, ACK, 101, 501))
STORIES |= {
    "handshake": numbering(*OPENED, (A, DATA, 101, 501), (B, ACK, 501, 102), (A, FIN | ACK, 102, 501)),
    "syn again": numbering((A, SYN, 100, 0), (A, SYN, 100, 0), (A, SYN, 100, 0)),
    "syn with another number": numbering((A, SYN, 100, 0), (A, SYN, 700, 0), (B, SYN | ACK, 9, 701)),
    "reuse after fin": numbering(*OPENED, (A, FIN | ACK, 101, 501), (A, SYN, 900, 0), (B, SYN | ACK, 7, 901)),
    "same number after fin": numbering(*OPENED, (A, FIN | ACK, 101, 501), (A, SYN, 100, 0)),
    "fin without ack": numbering(*OPENED[:2], (A, FIN, 101, 501), (A, SYN, 100, 0)),
    "refused and again": numbering((A, SYN, 100, 0), (B, RST | ACK, 0, 101), (A, SYN, 100, 0)),
    "refused, another number": numbering((A, SYN, 100, 0), (B, RST | ACK, 0, 101), (A, SYN, 101, 0)),
    "two syn-acks": numbering(
        (A, SYN, 100, 0), (B, SYN | ACK, 500, 101), (B, SYN | ACK, 900, 101), (A, ACK, 101, 901)
    ),
    "syn after two syn-acks": numbering(
        (A, SYN, 100, 0),
        (B, SYN | ACK, 500, 101),
        (B, SYN | ACK, 900, 101),
        (B, SYN, 900, 0),
        (B, SYN, 500, 0),
    ),
    "syn-ack after reset": numbering(
        (A, SYN, 100, 0), (B, RST | ACK, 0, 101), (B, SYN | ACK, 500, 101), (A, ACK, 101, 501)
    ),
    "syn-ack after fin": numbering(*OPENED[:2], (A, FIN | ACK, 101, 501), (B, SYN | ACK, 700, 101)),
    "split handshake": numbering(
        (A, SYN, 100, 0), (B, SYN, 500, 0), (A, SYN | ACK, 100, 501), (B, ACK, 501, 101)
    ),
    "simultaneous open": numbering((A, SYN, 100, 0), (B, SYN, 500, 0), (B, SYN | ACK, 500, 101)),
    "reuse by the server": numbering(*OPENED, (B, SYN, 4000, 0), (A, SYN | ACK, 1, 4001)),
    "begun before": numbering((A, DATA, 1000, 2000), (B, SYN, 1999, 0), (A, SYN, 999, 0), (A, SYN, 50, 0)),
    "begun before, syn-ack": numbering(
        (A, DATA, 1000, 2000), (B, SYN | ACK, 1999, 0), (B, SYN | ACK, 3999, 0)
    ),
    "reset first": numbering((A, RST, 100, 0), (A, SYN, 99, 0), (A, SYN, 98, 0)),
    "fin first": numbering((A, FIN | ACK, 100, 5), (A, SYN, 99, 0)),
    "sequence wraps": numbering(
        (A, SYN, 0xFFFFFFFF, 0), (B, SYN | ACK, 0xFFFFFFFF, 0), (A, DATA, 0, 0), (B, ACK, 0, 1)
    ),
    "number zero": numbering((A, DATA, 0, 0), (A, SYN, 0xFFFFFFFF, 0), (B, SYN, 0xFFFFFFFF, 0)),
    "all flags": numbering((A, 0xFFF, 100, 0), (A, 0, 100, 0), (A, SYN | FIN, 100, 0), (B, SYN | RST, 1, 1)),
    "three times": numbering(*((A, SYN, number, 0) for number in (1, 2, 3, 3, 1))),
}


@story
def to_itself(a: str, b: str) -> list[bytes]:
    del b
    made = [tcp(b"", 5, 5, 100, 0, SYN), tcp(b"", 5, 5, 100, 101, SYN | ACK), tcp(b"", 5, 5, 9, 0, SYN)]
    return [ethernet_of(ip4(part, 6, a, a)) for part in made] + [ethernet_of(ip4(udp(b"", 5, 5), 17, a, a))]


@story
def ports_swapped(a: str, b: str) -> list[bytes]:
    # The same two ports on the other hosts are another stream.
    return [
        ethernet_of(ip4(tcp(b"x", *ports), 6, *ends))
        for ends in ((a, b), (b, a))
        for ports in ((1, 2), (2, 1))
    ]


@story
def tcp_fields(a: str, b: str) -> list[bytes]:
    parts = [
        tcp(b"x", 0, 0),
        tcp(b"x", 65535, 1),
        tcp(b"body", 10, 20, words=2),
        tcp(b"body", 10, 20, words=15),
        tcp(b"body", 10, 21, flags=SYN, words=4),
        tcp(b"", 10, 21, flags=SYN, seq=5),
        tcp(b"body", 10, 22, flags=0xE18),
        tcp(b"body", 10, 23, options=b"\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x08\x0a\0\0\0\1\0\0\0\2"),
        tcp(b"body", 10, 24)[:19],
        tcp(b"body", 10, 24)[:8],
        b"",
    ]
    return [ethernet_of(ip4(part, 6, a, b)) for part in parts]


@story
def udp_lengths(a: str, b: str) -> list[bytes]:
    parts = [
        udp(b"data", 10, 20),
        udp(b"data", 10, 21, length=10),
        udp(b"data", 10, 22, length=4),
        udp(b"data", 10, 23, length=100),
        udp(b"", 10, 24),
        udp(b"", 10, 25)[:7],
        udp(b"x", 0, 0),
        udp(b"x", 65535, 65535),
    ]
    return [ethernet_of(ip4(part, 17, a, b)) for part in parts]


@story
def ip4_headers(a: str, b: str) -> list[bytes]:
    inner = tcp(b"data", 10, 20)
    packets = [
        ip4(inner, 6, a, b, options=b"\x94\x04\0\0"),
        ip4(inner, 6, a, b, options=b"\x01" * 40),
        ip4(tcp(b"data", 10, 21), 6, a, b, total=0),
        ip4(tcp(b"data", 10, 22), 6, a, b, total=9000),
        ip4(tcp(b"data", 10, 23), 6, a, b, total=19),
        ip4(tcp(b"data", 10, 24), 6, a, b, header=4),
        ip4(tcp(b"data", 10, 25), 6, a, b, header=15),
        b"\x75" + ip4(tcp(b"data", 10, 26), 6, a, b)[1:],
        ip4(tcp(b"", 10, 27), 6, a, b) + b"padding",
        ip4(tcp(b"data", 10, 28), 6, a, b, total=42) + b"padding",
        ip4(b"", 6, a, b),
        ip4(b"\x12\x34", 17, a, b),
        ip4(bytes(20), 0, a, b),
        ip4(bytes(20), 255, a, b),
        ip4(bytes(20), 59, a, b),
    ]
    return [eth(0x0800, packet) for packet in packets]


@story
def ip4_with_extension(a: str, b: str) -> list[bytes]:
    # Extension headers are IPv6's; in IPv4 their numbers mean other protocols or nothing.
    return [eth(0x0800, ip4(extension(6, tcp(b"no", 10, 29)), number, a, b)) for number in (0, 43, 60)]


@story
def ip6_headers(a: str, b: str) -> list[bytes]:
    ends = six(a), six(b)
    packets = [
        ip6(tcp(b"data", 10, 20), 6, *ends),
        ip6(extension(6, tcp(b"data", 10, 21)), 0, *ends),
        ip6(extension(60, extension(43, extension(6, tcp(b"data", 10, 22), 3))), 0, *ends),
        ip6(extension(6, tcp(b"data", 10, 24)), 140, *ends),
        ip6(ah(6, tcp(b"data", 10, 25)), 51, *ends),
        ip6(extension(51, ah(60, extension(17, udp(b"data", 10, 26)))), 60, *ends),
        ip6(b"", 59, *ends),
        ip6(tcp(b"data", 10, 27), 6, *ends, length=5000),
        ip6(tcp(b"data", 10, 28), 6, *ends, length=22) + b"padding",
        ip6(extension(6, tcp(b"data", 10, 29), 30)[:100], 0, *ends),
        ip6(tcp(b"data", 10, 30), 6, *ends)[:39],
        ip6(fragment6(6, tcp(b"data", 10, 31), 0, more=False), 44, *ends),
        ip6(fragment6(60, extension(6, tcp(b"data", 10, 32)), 0, more=False), 44, *ends),
        b"\x45" + ip6(tcp(b"data", 10, 33), 6, *ends)[1:],
    ]
    return [eth(0x86DD, packet) for packet in packets]


@story
def host_identity(a: str, b: str) -> list[bytes]:
    return [eth(0x86DD, ip6(extension(6, tcp(b"data", 10, 23)), 139, six(a), six(b)))]


@story
def jumbogram(a: str, b: str) -> list[bytes]:
    jumbo = struct.pack(">BBBBI", 6, 0, 0xC2, 4, 70_028)
    return [eth(0x86DD, ip6(jumbo + tcp(bytes(70_000), 10, 20), 0, six(a), six(b), length=0))]


def quote(a: str, b: str, packet: bytes, kind: int = 3, code: int = 1) -> bytes:
    """An ICMP error that ``b`` sends ``a``, about this packet."""
    return ethernet_of(ip4(icmp(kind, code, packet), 1, b, a))


@story
def icmp_errors(a: str, b: str) -> list[bytes]:
    sent = ip4(tcp(b"data", 10, 20, 777), 6, a, b)
    asked = ip4(udp(b"question", 10, 53), 17, a, b)
    return [
        ethernet_of(sent),
        ethernet_of(asked),
        *(quote(a, b, sent[:28], kind, 0) for kind in (3, 4, 5, 11, 12)),
        quote(a, b, asked, 3, 3),
        quote(a, b, ip4(tcp(b"data", 11, 20, 777), 6, a, b)[:28]),
        quote(a, b, ip4(udp(b"question", 11, 53), 17, a, b)[:28]),
        ethernet_of(ip4(udp(b"answer", 53, 11), 17, b, a)),
        quote(a, b, ip4(udp(b"question", 12, 53), 17, a, b)[:24]),
        quote(a, b, ip4(udp(b"question", 13, 53), 17, a, b, options=b"\x01" * 8)),
        quote(a, b, ip4(icmp(8, 0, b"ping"), 1, a, b)),
        quote(a, b, sent[:15]),
        quote(a, b, b""),
        ethernet_of(ip4(icmp(8, 0, sent), 1, a, b)),
        ethernet_of(ip4(icmp(0, 0, b"")[:6], 1, a, b)),
        ethernet_of(ip4(tcp(b"data", 12, 20), 6, a, b)),
    ]


@story
def icmp6_errors(a: str, b: str) -> list[bytes]:
    ends = six(a), six(b)
    sent = ip6(tcp(b"data", 10, 20, 777), 6, *ends)
    asked = ip6(udp(b"question", 10, 53), 17, *ends)
    first = ip6(fragment6(17, udp(bytes(80), 14, 53), 0, more=True), 44, *ends)
    return [
        ethernet_of(sent),
        *(ethernet_of(ip6(icmp(kind, 0, sent), 58, *reversed(ends))) for kind in (1, 2, 3, 4)),
        ethernet_of(ip6(icmp(1, 4, asked), 58, *reversed(ends))),
        ethernet_of(ip6(icmp(1, 4, ip6(extension(17, udp(b"q", 12, 53)), 60, *ends)), 58, *reversed(ends))),
        ethernet_of(ip6(icmp(128, 0, sent), 58, *ends)),
        *(ethernet_of(ip6(icmp(1, 0, part), 58, *reversed(ends))) for part in (first, first[:70])),
        ethernet_of(ip6(extension(58, icmp(1, 0, sent)), 0, *reversed(ends))),
        ethernet_of(asked),
        ethernet_of(ip6(tcp(b"data", 11, 20), 6, *ends)),
    ]


@story
def icmp_quotes_of_fragments(a: str, b: str) -> list[bytes]:
    first = ip4(udp(bytes(80), 10, 53, length=4000), 17, a, b, ident=6, bits=1)
    later = ip4(b"\0\x0a\0\x35" + bytes(80), 17, a, b, bits=1, offset=88)
    return [
        datagram(a, b, sport=3),
        quote(a, b, first),
        quote(a, b, later),
        quote(a, b, later[:60]),
        quote(a, b, first[:60]),
    ]


@story
def icmp_quotes_of_tunnels(a: str, b: str) -> list[bytes]:
    inner = ip4(tcp(b"data", 10, 20), 6, a, b)
    return [
        ethernet_of(inner),
        quote(a, b, ip4(inner, 4, b, a)),
        quote(a, b, ip4(gre(0x0800, inner), 47, b, a)),
        quote(a, b, ip4(gre(0x0800, inner), 47, b, a)[:28]),
        quote(a, b, ip4(gre(0x9999, inner), 47, b, a)),
        quote(a, b, ip4(label(b"\xff" + inner), 137, b, a)),
        quote(a, b, ip4(label(inner)[:5], 137, b, a)),
        quote(a, b, ip4(b"\x30\0" + ethernet_of(inner), 97, b, a)),
        quote(a, b, ip4(bytes(20), 132, b, a, bits=1)),
        quote(a, b, ip4(bytes(20), 97, b, a, bits=1)),
        quote(a, b, ip4(bytes(20), 50, b, a, bits=1)),
        quote(a, b, ip4(bytes(20), 132, b, a)),
    ]


def fragments(
    payload: bytes,
    protocol: int,
    a: str,
    b: str,
    cuts: Sequence[int],
    *,
    ident: int = 77,
    order: Iterable[int] | None = None,
) -> list[bytes]:
    """The payload as IPv4 fragments, cut at these offsets, in this order."""
    pieces = [
        ip4(payload[begin:end], protocol, a, b, ident=ident, bits=end < len(payload), offset=begin)
        for begin, end in pairwise((0, *cuts, len(payload)))
    ]
    return [pieces[number] for number in (range(len(pieces)) if order is None else order)]


def fragments6(
    payload: bytes, protocol: int, a: str, b: str, cuts: Sequence[int], *, ident: int = 77
) -> list[bytes]:
    return [
        ip6(
            fragment6(protocol, payload[begin:end], begin, more=end < len(payload), ident=ident),
            44,
            six(a),
            six(b),
        )
        for begin, end in pairwise((0, *cuts, len(payload)))
    ]


BIG = bytes(range(256)) * 2


@story
def fragments_in_order(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256, 400))
    return [ethernet_of(part) for part in parts] + [datagram(a, b, sport=3)]


@story
def fragments_in_reverse(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256, 400), order=(3, 2, 1, 0))
    return [ethernet_of(part) for part in parts] + [datagram(a, b, sport=3)]


@story
def first_fragment_last_of_two_datagrams(a: str, b: str) -> list[bytes]:
    one = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256), ident=1, order=(1, 2, 0))
    two = fragments(udp(BIG, 11, 20), 17, a, b, (104, 256), ident=2, order=(2, 1, 0))
    return [ethernet_of(part) for pair in zip(one, two, strict=True) for part in pair]


@story
def fragment_missing(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256), order=(0, 2))
    return [ethernet_of(part) for part in parts] + [datagram(a, b, sport=3)]


@story
def fragment_twice(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256), order=(0, 1, 1, 2))
    return [ethernet_of(part) for part in parts] + [datagram(a, b, sport=3)]


@story
def fragments_of_segments(a: str, b: str) -> list[bytes]:
    parts = [
        ip4(tcp(b"", 10, 20, 99, 0, SYN), 6, a, b),
        *fragments(tcp(BIG, 10, 20, 100), 6, a, b, (24, 256)),
        *fragments(tcp(BIG, 20, 10, 100), 6, b, a, (8,), order=(1, 0)),
    ]
    return [ethernet_of(part) for part in parts]


@story
def fragments_of_ip6(a: str, b: str) -> list[bytes]:
    parts = [
        *fragments6(udp(BIG, 10, 20), 17, a, b, (104, 256)),
        *fragments6(extension(6, tcp(BIG, 10, 20)), 60, a, b, (16, 256), ident=78),
        *fragments6(udp(BIG, 11, 20), 17, a, b, (104,), ident=79)[:1],
    ]
    return [ethernet_of(part) for part in parts] + [ethernet_of(ip6(udp(b"x", 12, 20), 17, six(a), six(b)))]


@story
def fragmented_tunnels(a: str, b: str) -> list[bytes]:
    inner = ip4(tcp(BIG, 10, 20), 6, a, b)
    outer = "192.0.2.1", "192.0.2.2"
    bodies = [
        (47, gre(0x0800, inner)),
        (17, udp(vxlan(ethernet_of(inner)), 4000, 4789)),
        (17, udp(gtp(inner), 4000, 2152)),
        (4, inner),
        (97, b"\x30\0" + ethernet_of(inner)),
        (137, label(inner)),
        (51, ah(4, inner)),
        (47, gre(0x6558, eth(0x8100, tag(0x0800, inner)))),
        (1, icmp(3, 1, inner)),
        (89, bytes(300)),
        (50, bytes(300)),
    ]
    return [
        ethernet_of(part)
        for ident, (protocol, body) in enumerate(bodies, int(ipaddress.IPv4Address(a)) & 0xFF00)
        for part in fragments(body, protocol, *outer, (200,), ident=ident)
    ]


@story
def fragments_inside_tunnels(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (104, 256))
    six_parts = fragments6(udp(BIG, 10, 20), 17, a, b, (104, 256))
    outer = "192.0.2.3", "192.0.2.4"
    return [
        *(ethernet_of(ip4(gre(0x0800, part), 47, *outer)) for part in parts[:2]),
        ethernet_of(ip4(udp(geneve(0x6558, ethernet_of(parts[2])), 4000, 6081), 17, *outer)),
        *(ethernet_of(ip4(part, 41, *outer)) for part in six_parts),
    ]


@story
def fragments_of_fragments(a: str, b: str) -> list[bytes]:
    parts = fragments(udp(BIG, 10, 20), 17, a, b, (256,), ident=1)
    outer = "192.0.2.5", "192.0.2.6"
    return [
        ethernet_of(piece)
        for ident, part in enumerate(parts)
        for piece in fragments(part, 4, *outer, (64, 128), ident=ident)
    ]


@story
def no_tunnels(a: str, b: str) -> list[bytes]:
    text = b"this is no tunnel at all, only text"
    return [
        *(datagram(a, b, text, 1111, port) for port in (4789, 8472, 6081, 2152, 3544, 4790)),
        *(datagram(a, b, text, port, 1111) for port in (4789, 8472, 6081, 2152, 3544, 4790)),
        datagram(a, b, b"", 1112, 4789),
        datagram(a, b, gtp(b"", 0x32, b"\0\1\0\0", kind=1), 2152, 2152),
        datagram(a, b, geneve(0x1234, bytes(30)), 1113, 6081),
        datagram(a, b, vxlan(bytes(30), flags=0), 1114, 4789),
    ]


@story
def not_ip_in_tunnels(a: str, b: str) -> list[bytes]:
    return [
        datagram(a, b, vxlan(eth(0x0806, bytes(28))), 1114, 4789),
        datagram(a, b, geneve(0x6558, eth(0x88CC, bytes(28))), 1114, 6081),
        ethernet_of(ip4(gre(0x0806, bytes(28)), 47, a, b)),
        ethernet_of(ip4(gre(0, b""), 47, a, b)),
        ethernet_of(ip4(gre(0x0800, b"", 0x0005), 47, a, b)),
        ethernet_of(ip4(gre(0x880B, b"", 0x2081), 47, a, b)),
        ethernet_of(ip4(gre(0x0800, b"\x45\0")[:3], 47, a, b)),
        ethernet_of(ip4(b"\x31\0" + bytes(30), 97, a, b)),
        ethernet_of(ip4(b"\x30", 97, a, b)),
    ]


def all_stories() -> list[tuple[str, bytes]]:
    """Every frame of every story, with the story's name."""
    return [
        (name, frame) for number, (name, make) in enumerate(STORIES.items()) for frame in make(*hosts(number))
    ]
