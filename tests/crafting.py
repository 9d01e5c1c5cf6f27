"""Builders of packets, header by header: what a field holds is what is said here and nothing else."""

from __future__ import annotations

import ipaddress
import struct

SRC, DST = "10.1.2.3", "10.4.5.6"
SRC6, DST6 = "2001:db8::1:2", "2001:db8::4:5"
ETHERNET = 1
MACS = bytes.fromhex("02000000000b02000000000a")
ISL = b"\xaa\xaa\x03\0\0\0"  # 802.2 with SNAP, OUI 0
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ones_complement(data: bytes) -> int:
    """The checksum of RFC 1071."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def eth(kind: int, payload: bytes, macs: bytes = MACS) -> bytes:
    return macs + struct.pack(">H", kind) + payload


def ethernet_of(packet: bytes) -> bytes:
    """An Ethernet frame around an IP packet, whichever version."""
    return eth(0x86DD if packet[0] >> 4 == 6 else 0x0800, packet)


def tag(kind: int, payload: bytes, tci: int = 0x2007) -> bytes:
    """A VLAN tag's second half: control information and the EtherType of what follows."""
    return struct.pack(">HH", tci, kind) + payload


def label(payload: bytes, number: int = 100, *, bottom: bool = True) -> bytes:
    """An MPLS label stack entry."""
    return struct.pack(">I", number << 12 | bottom << 8 | 64) + payload


def ip4(
    payload: bytes,
    protocol: int = 6,
    src: str = SRC,
    dst: str = DST,
    *,
    ident: int = 1,
    ttl: int = 64,
    tos: int = 0,
    bits: int = 0,
    offset: int = 0,
    options: bytes = b"",
    total: int | None = None,
    header: int | None = None,
) -> bytes:
    """An IPv4 packet; ``bits`` are the flags (1 more fragments, 2 don't fragment), ``offset`` in bytes."""
    words = 5 + len(options) // 4 if header is None else header
    made = bytearray(
        struct.pack(
            ">BBHHHBBH4s4s",
            0x40 | words,
            tos,
            20 + len(options) + len(payload) if total is None else total,
            ident,
            bits << 13 | offset // 8,
            ttl,
            protocol,
            0,
            ipaddress.IPv4Address(src).packed,
            ipaddress.IPv4Address(dst).packed,
        )
        + options
    )
    made[10:12] = struct.pack(">H", ones_complement(bytes(made)))
    return bytes(made) + payload


def ip6(
    payload: bytes,
    next_header: int = 6,
    src: str = SRC6,
    dst: str = DST6,
    *,
    hops: int = 64,
    traffic_class: int = 0,
    length: int | None = None,
) -> bytes:
    return (
        struct.pack(
            ">IHBB",
            6 << 28 | traffic_class << 20 | 0x12345,
            len(payload) if length is None else length,
            next_header,
            hops,
        )
        + ipaddress.IPv6Address(src).packed
        + ipaddress.IPv6Address(dst).packed
        + payload
    )


def extension(next_header: int, payload: bytes, words: int = 0) -> bytes:
    """An IPv6 extension header of ``8 + 8 * words`` octets, filled with a PadN option."""
    return struct.pack(">BBBB", next_header, words, 1, 4 + 8 * words) + bytes(4 + 8 * words) + payload


def fragment6(next_header: int, payload: bytes, offset: int, *, more: bool, ident: int = 7) -> bytes:
    return struct.pack(">BBHI", next_header, 0, offset | more, ident) + payload


def ah(next_header: int, payload: bytes, icv_bytes: int = 12) -> bytes:
    return struct.pack(">BBHII", next_header, 1 + icv_bytes // 4, 0, 5, 6) + bytes(icv_bytes) + payload


def tcp(  # noqa: PLR0917 - in the order of the header
    payload: bytes = b"",
    sport: int = 1111,
    dport: int = 80,
    seq: int = 1000,
    ack: int = 0,
    flags: int = PSH | ACK,
    *,
    window: int = 1024,
    options: bytes = b"",
    words: int | None = None,
    checksum: int = 0xABCD,
) -> bytes:
    """A TCP segment; ``words`` is the data offset if it is to be another than the true one."""
    options += bytes(-len(options) % 4)
    offset = 5 + len(options) // 4 if words is None else words
    return (
        struct.pack(">HHIIHHHH", sport, dport, seq, ack, offset << 12 | flags, window, checksum, 0)
        + options
        + payload
    )


def udp(
    payload: bytes = b"",
    sport: int = 1111,
    dport: int = 53,
    *,
    length: int | None = None,
    checksum: int = 0,
) -> bytes:
    return (
        struct.pack(">HHHH", sport, dport, 8 + len(payload) if length is None else length, checksum) + payload
    )


def icmp(kind: int, code: int, payload: bytes, rest: int = 0) -> bytes:
    made = bytearray(struct.pack(">BBHI", kind, code, 0, rest) + payload)
    made[2:4] = struct.pack(">H", ones_complement(bytes(made)))
    return bytes(made)


def gre(kind: int, payload: bytes, bits: int = 0, *, words: bytes | None = None) -> bytes:
    """A GRE header: ``words`` are the optional fields, by default zeros as ``bits`` ask for them."""
    if words is None:
        count = bool(bits & 0xC000) + bool(bits & 0x2000) + bool(bits & 0x1000)
        count += bits & 0x87 == 0x81
        words = bytes(4 * count)
        if bits & 0x4000:  # a source route of one entry, then the one that ends the list
            words += struct.pack(">HBB4s", 0x0800, 0, 4, b"\x0a\0\0\1") + bytes(4)
    return struct.pack(">HH", bits, kind) + words + payload


def vxlan(payload: bytes, flags: int = 0x08, *, following: int = 0, last: int = 0) -> bytes:
    return struct.pack(">BBBB", flags, 0, 0, following) + b"\0\0\x2a" + bytes([last]) + payload


def geneve(kind: int, payload: bytes, options: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">BBH", len(options) // 4, flags, kind) + b"\0\0\x2a\0" + options + payload


def gtp(payload: bytes, flags: int = 0x30, optional: bytes = b"", kind: int = 255) -> bytes:
    return struct.pack(">BBHI", flags, kind, len(optional) + len(payload), 0x1234) + optional + payload


def pppoe(payload: bytes, code: int = 0, session: int = 5, length: int | None = None) -> bytes:
    return struct.pack(">BBHH", 0x11, code, session, len(payload) if length is None else length) + payload


def llc_frame(payload: bytes, pad: int = 0, macs: bytes = MACS) -> bytes:
    """An 802.3 frame: a length in place of the EtherType, then padding."""
    return macs + struct.pack(">H", len(payload)) + payload + bytes(pad)


def snap(kind: int, payload: bytes, oui: bytes = b"\0\0\0") -> bytes:
    return b"\xaa\xaa\x03" + oui + struct.pack(">H", kind) + payload


def wlan(payload: bytes, control: int = 0x08, flags: int = 1, extra: bytes = b"") -> bytes:
    """An 802.11 data frame; ``extra`` stands between the three addresses and the payload."""
    return bytes([control, flags]) + bytes(2) + MACS + b"\x02\0\0\0\0\x0c" + b"\x10\0" + extra + payload


def radiotap(payload: bytes, present: tuple[int, ...] = (0,), fields: bytes = b"") -> bytes:
    words = struct.pack(f"<{len(present)}I", *present)
    return struct.pack("<BBH", 0, 0, 4 + len(words) + len(fields)) + words + fields + payload


def nflog(packet: bytes, family: int = 2, order: str = "<") -> bytes:
    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack(order + "HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)

    return (
        bytes([family, 0])
        + b"\0\x05"
        + attribute(1, bytes(4))
        + attribute(10, b"prefix\0")
        + attribute(9, packet)
    )
