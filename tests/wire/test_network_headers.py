"""IPv4 and IPv6 headers: fields, lengths, options, extension headers, damage."""

from __future__ import annotations

import pytest
from crafting import DST6, SRC6, ah, eth, ethernet_of, extension, fragment6, ip4, ip6, tcp, udp
from frames import Frame, Kernels, analyse

from netanalyze.wire import codes
from netanalyze.wire.packets import UNKNOWN

SEGMENT = tcp(b"data")


def test_fields_of_ipv4(kernels: Kernels) -> None:
    packet = analyse(
        kernels, [eth(0x0800, ip4(SEGMENT, 6, "255.254.0.1", "128.0.0.255", ident=0xFEDC, ttl=255, tos=0xB9))]
    ).only()
    assert (packet.src, packet.dst, packet.ip_version) == ("255.254.0.1", "128.0.0.255", 4)
    assert (packet.ip_id, packet.ttl, packet.tos) == (0xFEDC, 255, 0xB9)
    assert (packet.ip_bytes, packet.network_offset, packet.transport_offset) == (44, 14, 34)
    assert packet.fragments == 0


def test_fields_of_ipv6(kernels: Kernels) -> None:
    high, low = "ffff:fffe::8000:1", "8000::ffff:ffff:ffff:ffff"
    packet = analyse(kernels, [eth(0x86DD, ip6(SEGMENT, 6, high, low, hops=1, traffic_class=0xB9))]).only()
    assert (packet.src, packet.dst, packet.ip_version) == (high, low, 6)
    assert (packet.ip_id, packet.ttl, packet.tos) == (UNKNOWN, 1, 0xB9)
    assert (packet.ip_bytes, packet.network_offset, packet.transport_offset) == (64, 14, 54)


@pytest.mark.parametrize("words", range(5, 16))
def test_options_of_ipv4(kernels: Kernels, words: int) -> None:
    options = bytes(range(1, 4 * (words - 5) + 1))
    packet = analyse(kernels, [eth(0x0800, ip4(SEGMENT, options=options))]).only()
    assert packet.payload == b"data"
    assert packet.transport_offset == 14 + 4 * words
    assert packet.ip_bytes == 4 * words + 24


@pytest.mark.parametrize("size", range(20, 60))
def test_ports_are_not_read_before_the_options_are_whole(kernels: Kernels, size: int) -> None:
    # A segment, so that the row has old ports, then in another batch a packet cut in its options.
    whole = eth(0x0800, ip4(SEGMENT, options=b"\x01" * 40))
    for frame in (Frame(whole).cut(14 + size), Frame(whole[: 14 + size])):
        analysis = analyse(kernels, [Frame(whole), frame], size=1)
        assert analysis.flows.tcp.count == 1
        assert len(analysis.packets) == 1
        assert analysis.verdicts[1][0] == (codes.NETWORK_CUT if frame.wire_bytes else codes.NETWORK_BAD)


@pytest.mark.parametrize(
    "packet",
    [
        ip4(SEGMENT, total=19),
        ip4(SEGMENT, total=1),
        ip4(SEGMENT, header=4),
        ip4(SEGMENT, header=0),
        ip4(SEGMENT, header=15),
        ip4(SEGMENT, options=bytes(4), total=23),
        ip4(SEGMENT)[:19],
        ip4(SEGMENT)[:1],
        b"\x65" + ip4(SEGMENT)[1:],
        b"\x05" + ip4(SEGMENT)[1:],
    ],
)
def test_damaged_ipv4(kernels: Kernels, packet: bytes) -> None:
    analysis = analyse(kernels, [eth(0x0800, packet)])
    assert analysis.reasons() == {"damaged IP header": 1}
    assert not analysis.packets


@pytest.mark.parametrize(
    "packet",
    [
        ip6(SEGMENT)[:39],
        ip6(SEGMENT)[:1],
        b"\x45" + ip6(SEGMENT)[1:],
        ip6(extension(6, SEGMENT, 20)[:100], 0),
        ip6(extension(6, b"")[:7], 60),
        ip6(b"", 44),
        ip6(ah(6, SEGMENT)[:20], 51),
        ip6(b"\x06\x00" + bytes(10) + SEGMENT, 51),
        ip6(extension(0, extension(43, b"")), 60),
    ],
)
def test_damaged_ipv6(kernels: Kernels, packet: bytes) -> None:
    # After a segment in the same row: nothing of that may be left in the damaged packet.
    analysis = analyse(kernels, [eth(0x86DD, ip6(SEGMENT)), eth(0x86DD, packet)], size=1)
    assert analysis.reasons() == {"damaged IP header": 1, "TCP segment": 1}
    assert len(analysis.packets) == 1


@pytest.mark.parametrize(
    ("total", "payload"),
    [(0, b"data and more"), (44, b"data"), (42, b"da"), (40, b""), (65535, b"data and more")],
)
def test_total_length_of_ipv4(kernels: Kernels, total: int, payload: bytes) -> None:
    # 0 comes from segmentation offload; no length reaches beyond the frame.
    packet = analyse(kernels, [eth(0x0800, ip4(tcp(b"data and more"), total=total))]).only()
    assert packet.payload == payload
    assert packet.payload_bytes == len(payload)
    assert packet.ip_bytes == 40 + len(payload)


@pytest.mark.parametrize(
    ("length", "payload"), [(0, b"data and more"), (24, b"data"), (20, b""), (65535, b"data and more")]
)
def test_payload_length_of_ipv6(kernels: Kernels, length: int, payload: bytes) -> None:
    packet = analyse(kernels, [eth(0x86DD, ip6(tcp(b"data and more"), length=length))]).only()
    assert packet.payload == payload
    assert packet.payload_bytes == len(payload)
    assert packet.ip_bytes == 60 + len(payload)


def test_jumbogram(kernels: Kernels) -> None:
    # RFC 2675: the true length is in a hop-by-hop option; for UDP its own length is 0 then.
    option = b"\xc2\x04" + (70_000 + 16).to_bytes(4, "big")
    for protocol, body in ((6, tcp(bytes(70_000))), (17, udp(bytes(70_000), length=0))):
        frame = eth(0x86DD, ip6(bytes([protocol, 0]) + option + body, 0, length=0))
        packet = analyse(kernels, [frame]).only()
        assert (packet.payload_bytes, packet.payload_captured) == (70_000, 70_000)
        assert packet.ip_bytes == len(frame) - 14


@pytest.mark.parametrize("number", [0, 43, 60, 135, 139, 140])
def test_extension_headers(kernels: Kernels, number: int) -> None:
    for words in (0, 1, 31):
        data = eth(0x86DD, ip6(extension(number, extension(6, SEGMENT), words), number))
        packet = analyse(kernels, [data]).only()
        assert (packet.src, packet.dst, packet.payload) == (SRC6, DST6, b"data")
        assert packet.path == "eth.ipv6.tcp"


def test_a_long_chain_of_extension_headers(kernels: Kernels) -> None:
    def chain(count: int) -> bytes:
        body = SEGMENT
        for number in range(count):
            body = extension(6 if number == 0 else 60, body)
        return eth(0x86DD, ip6(body, 60 if count else 6))

    deepest = codes.MAX_LAYERS - 2
    assert analyse(kernels, [chain(deepest)]).only().payload == b"data"
    assert analyse(kernels, [chain(deepest + 1), chain(100)]).reasons() == {"nested too deeply": 2}


def test_extension_headers_are_not_ipv4s(kernels: Kernels) -> None:
    frames = [eth(0x0800, ip4(extension(6, SEGMENT), number)) for number in (0, 43, 44, 60, 135)]
    analysis = analyse(kernels, frames)
    assert {verdict for verdict, _ in analysis.verdicts} == {codes.OTHER_TRANSPORT}
    assert analysis.flows.tcp.count == 0


def test_atomic_fragments_are_whole_packets(kernels: Kernels) -> None:
    # RFC 6946; two with one identification are two packets.
    data = eth(0x86DD, ip6(fragment6(6, SEGMENT, 0, more=False), 44))
    analysis = analyse(kernels, [data, data])
    assert [packet.payload for packet in analysis.innermost] == [b"data", b"data"]
    assert analysis.reasons() == {"TCP segment": 2}


def test_reserved_bits_of_fragment_fields(kernels: Kernels) -> None:
    reserved = bytearray(eth(0x86DD, ip6(fragment6(6, SEGMENT, 0, more=False), 44)))
    reserved[14 + 40 + 3] |= 6
    flagged = ip4(SEGMENT, bits=6)  # the "evil bit" of RFC 3514 and don't fragment
    analysis = analyse(kernels, [bytes(reserved), eth(0x0800, flagged)])
    assert analysis.reasons() == {"TCP segment": 2}


@pytest.mark.parametrize(
    ("number", "reason", "path"),
    [
        (2, "transport not analysed: IGMP", "eth.ip.igmp"),
        (50, "encrypted packet (ESP)", "eth.ip.esp"),
        (89, "transport not analysed: OSPF", "eth.ip.ospf"),
        (103, "transport not analysed: PIM", "eth.ip.data"),
        (132, "transport not analysed: SCTP", "eth.ip.sctp"),
        (253, "transport not analysed: IP protocol 253", "eth.ip.data"),
    ],
)
def test_other_transports(kernels: Kernels, number: int, reason: str, path: str) -> None:
    analysis = analyse(kernels, [ethernet_of(ip4(bytes(30), number))])
    assert analysis.reasons() == {reason: 1}
    assert analysis.path_counts() == {path: 1}
    (packet,) = analysis.packets
    assert (packet.protocol, packet.stream) == (number, UNKNOWN)


def test_lengths_beyond_four_gigabytes(kernels: Kernels) -> None:
    # No capture has such a frame, but a capture file can say so.
    huge = 5 << 32
    frames = [
        Frame(eth(0x0800, ip4(SEGMENT, total=0)), wire_bytes=huge),
        Frame(eth(0x86DD, ip6(udp(b"data", length=0), 17, length=0)), wire_bytes=huge),
    ]
    analysis = analyse(kernels, frames)
    segment, datagram = analysis.innermost
    assert segment.payload_bytes == huge - 54
    assert datagram.payload_bytes == huge - 62
    assert analysis.tcp()["client_bytes"][0] + analysis.tcp()["server_bytes"][0] == huge - 54
    assert sum(line.bytes for line in analysis.ledger.lines(analysis.decoder)) == 2 * huge
