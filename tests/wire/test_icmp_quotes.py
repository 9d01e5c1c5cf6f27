"""ICMP errors: the packet they quote is tied to its conversation, and to nothing else."""

from __future__ import annotations

import pytest
from crafting import ah, ethernet_of, extension, fragment6, gre, icmp, ip4, ip6, label, tcp, udp
from frames import UDP, Kernels, Packet, analyse

from netanalyze.wire import codes
from netanalyze.wire.packets import QUOTED, UNKNOWN

A, B, ROUTER = "10.0.0.1", "10.0.0.2", "10.9.9.9"
SIX = "2001:db8::1", "2001:db8::2"
SEGMENT = ip4(tcp(b"data", 10, 20, 777), 6, A, B)
QUESTION = ip4(udp(b"question", 10, 53), 17, A, B)


def error(quoted: bytes, kind: int = 3, code: int = 1) -> bytes:
    return ethernet_of(ip4(icmp(kind, code, quoted), 1, ROUTER, A))


def error6(quoted: bytes, kind: int = 1) -> bytes:
    return ethernet_of(ip6(icmp(kind, 4, quoted), 58, SIX[1], SIX[0]))


def quotes(kernels: Kernels, *frames: bytes) -> list[Packet]:
    analysis = analyse(kernels, frames)
    assert set(analysis.reasons()) <= {"ICMP message", "TCP segment", "UDP datagram"}
    return [packet for packet in analysis.packets if packet.role == QUOTED]


@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12])
def test_every_kind_of_error(kernels: Kernels, kind: int) -> None:
    analysis = analyse(kernels, [ethernet_of(SEGMENT), error(SEGMENT[:28], kind)])
    (quote,) = [packet for packet in analysis.packets if packet.role == QUOTED]
    assert (quote.src, quote.dst, quote.sport, quote.dport, quote.seq) == (A, B, 10, 20, 777)
    assert (quote.stream, quote.side, quote.payload_bytes) == (0, 0, 0)
    assert analysis.tcp()["icmp_errors"] == [1]
    assert analysis.tcp()["client_packets"] == [1]
    assert analysis.path_counts() == {"eth.ip.tcp": 1, "eth.ip.icmp": 1}


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_every_kind_of_error_of_ipv6(kernels: Kernels, kind: int) -> None:
    asked = ip6(udp(b"question", 10, 53), 17, *SIX)
    analysis = analyse(kernels, [ethernet_of(asked), error6(asked, kind)])
    assert analysis.streams(UDP) == [0, 0]
    assert analysis.udp()["icmp_errors"] == [1]
    assert analysis.udp()["client_datagrams"] == [1]


@pytest.mark.parametrize(
    ("version", "kind"), [(4, 0), (4, 8), (4, 13), (4, 9), (6, 0), (6, 5), (6, 128), (6, 135)]
)
def test_other_messages_quote_nothing(kernels: Kernels, version: int, kind: int) -> None:
    frame = error(SEGMENT, kind) if version == 4 else error6(ip6(tcp(b"data"), 6, *SIX), kind)
    analysis = analyse(kernels, [frame])
    assert [packet.role for packet in analysis.packets] == [0]
    assert analysis.flows.tcp.count == 0


def test_an_error_about_the_answer(kernels: Kernels) -> None:
    answer = ip4(udp(b"answer", 53, 10), 17, B, A)
    (quote,) = quotes(kernels, ethernet_of(QUESTION), error(answer[:28]))
    assert (quote.stream, quote.side) == (0, 1)


@pytest.mark.parametrize("size", range(len(SEGMENT)))
def test_short_quotes_of_tcp(kernels: Kernels, size: int) -> None:
    # A known conversation is found by its ports; a new one is opened, and numbered, only by a header
    # whose flags are there, as in Wireshark.
    known = quotes(kernels, ethernet_of(SEGMENT), error(SEGMENT[:size]))
    assert [quote.stream for quote in known] == ([0] if size >= 24 else [])
    assert [quote.seq for quote in known] == ([777 if size >= 28 else 0] if size >= 24 else [])
    unknown = quotes(kernels, error(SEGMENT[:size]))
    assert [quote.stream for quote in unknown] == ([0 if size >= 36 else UNKNOWN] if size >= 24 else [])
    for quote in unknown:
        assert (quote.flags, quote.ack) == ((0x18, 0) if size >= 36 else (UNKNOWN, UNKNOWN))


@pytest.mark.parametrize("size", range(len(QUESTION)))
def test_short_quotes_of_udp(kernels: Kernels, size: int) -> None:
    known = quotes(kernels, ethernet_of(QUESTION), error(QUESTION[:size]))
    assert [quote.stream for quote in known] == ([0] if size >= 24 else [])
    unknown = quotes(kernels, error(QUESTION[:size]))
    assert [quote.stream for quote in unknown] == ([0 if size >= 28 else UNKNOWN] if size >= 24 else [])


def test_an_error_opens_a_conversation_that_was_not_seen(kernels: Kernels) -> None:
    frames = [error(SEGMENT), ethernet_of(ip4(tcp(b"", 11, 20), 6, A, B)), ethernet_of(SEGMENT)]
    analysis = analyse(kernels, frames)
    assert analysis.streams() == [0, 1, 0]
    assert analysis.tcp()["icmp_errors"] == [1, 0]
    columns = analysis.tcp()
    assert [a + b for a, b in zip(columns["client_packets"], columns["server_packets"], strict=True)] == [
        1,
        1,
    ]


@pytest.mark.parametrize(
    "quoted",
    [
        b"",
        b"\x45",
        SEGMENT[:19],
        b"\x95" + SEGMENT[1:],
        ip4(icmp(8, 0, b"ping"), 1, A, B),
        ip4(icmp(3, 1, SEGMENT), 1, A, B),
        ip4(bytes(20), 132, A, B),
        ip4(bytes(20), 50, A, B),
        ip4(bytes(20), 253, A, B),
        ip4(gre(0x9999, SEGMENT), 47, A, B),
        ip4(gre(0x0800, b"", 5), 47, A, B),
        ip4(gre(0x0800, SEGMENT)[:3], 47, A, B),
        ip4(label(SEGMENT)[:5], 137, A, B),
        ip4(label(b"\xf0" + SEGMENT), 137, A, B),
        ip4(b"\x31\0" + bytes(20), 97, A, B),
        ip4(b"\x30", 97, A, B),
        ip4(tcp(b"data"), 6, A, B, options=b"\x01" * 20)[:30],
    ],
)
def test_quotes_that_tell_nothing(kernels: Kernels, quoted: bytes) -> None:
    # Whatever is wrong with the quote, the frame is an ICMP message; and with a segment in the batch
    # before, no old port may be seen in the quote.
    frames = [error(ip4(tcp(b"", 1, 2), 6, A, B)), error(quoted), error(quoted)]
    analysis = analyse(kernels, frames, size=2)
    assert analysis.reasons() == {"ICMP message": 3}
    assert analysis.flows.tcp.count == 1
    assert not [quote for quote in analysis.packets if quote.role == QUOTED and quote.protocol in {6, 17}][1:]


@pytest.mark.parametrize("number", [0, 2, 4, 6, 17, 41, 47, 50, 51, 58, 89, 97, 132, 137, 253])
@pytest.mark.parametrize("offset", [0, 800])
def test_quotes_of_fragments(kernels: Kernels, number: int, offset: int) -> None:
    frames = [
        error(ip4(bytes(24), number, A, B, bits=1, offset=offset)),
        error6(ip6(fragment6(number, bytes(24), offset, more=True), 44, *SIX)),
    ]
    analysis = analyse(kernels, frames)
    assert analysis.reasons() == {"ICMP message": 2}
    # The first fragment tells of its conversation, but opens none; it never is put together.
    found = [quote for quote in analysis.packets if quote.role == QUOTED and quote.protocol in {6, 17}]
    assert all(quote.stream == UNKNOWN and quote.fragments == UNKNOWN for quote in found)
    assert len(found) == (2 if offset == 0 and number in {6, 17} else 0)
    assert (analysis.flows.tcp.count, analysis.flows.udp.count) == (0, 0)
    assert len(analysis.decoder.reassembler) == 0


def test_a_part_of_a_quoted_first_fragment(kernels: Kernels) -> None:
    # What most quotes are: then Wireshark shows the ports and numbers the stream.
    first = ip4(udp(bytes(800), 10, 53, length=4000), 17, A, B, bits=1)
    assert [quote.stream for quote in quotes(kernels, error(first[:100]))] == [0]
    assert [quote.stream for quote in quotes(kernels, error(first))] == [UNKNOWN]
    later = ip4(udp(bytes(800), 10, 53, length=4000), 17, A, B, bits=1, offset=808)
    assert quotes(kernels, error(later[:100])) == []
    first6 = ip6(fragment6(17, udp(bytes(800), 10, 53), 0, more=True), 44, *SIX)
    assert [quote.stream for quote in quotes(kernels, error6(first6[:100]))] == [UNKNOWN]


def test_a_quoted_first_fragment_is_tied_to_its_flow(kernels: Kernels) -> None:
    first = ip4(udp(bytes(80), 10, 53, length=4000), 17, A, B, bits=1)
    (quote,) = quotes(kernels, ethernet_of(QUESTION), error(first))
    assert (quote.stream, quote.sport) == (0, 10)


@pytest.mark.parametrize(
    "quoted",
    [
        ip4(SEGMENT, 4, A, B),
        ip4(gre(0x0800, SEGMENT), 47, A, B),
        ip4(label(SEGMENT), 137, A, B),
        ip4(b"\x30\0" + ethernet_of(SEGMENT), 97, A, B),
        ip4(ah(6, SEGMENT[20:]), 51, A, B),
    ],
)
def test_quotes_of_tunnelled_packets(kernels: Kernels, quoted: bytes) -> None:
    (quote,) = quotes(kernels, ethernet_of(SEGMENT), error(quoted))
    assert (quote.stream, quote.sport, quote.dport) == (0, 10, 20)


def test_quotes_with_extension_headers(kernels: Kernels) -> None:
    asked = ip6(extension(43, extension(17, udp(b"question", 10, 53))), 0, *SIX)
    (quote,) = quotes(kernels, ethernet_of(asked), error6(asked))
    assert (quote.stream, quote.sport) == (0, 10)


def test_an_error_inside_a_tunnel(kernels: Kernels) -> None:
    inside = error(SEGMENT)[14:]
    frames = [ethernet_of(SEGMENT), ethernet_of(ip4(gre(0x0800, inside), 47, "192.0.2.1", "192.0.2.2"))]
    (quote,) = quotes(kernels, *frames)
    assert (quote.number, quote.stream) == (2, 0)


def test_a_quoted_tunnel_port_opens_no_tunnel(kernels: Kernels) -> None:
    carried = ip4(udp(b"\x08\0\0\0\0\0\x2a\0" + ethernet_of(SEGMENT), 4000, 4789), 17, A, B)
    (quote,) = quotes(kernels, error(carried))
    assert (quote.protocol, quote.dport) == (17, 4789)
    assert analyse(kernels, [error(carried)]).verdicts == [(codes.ICMP_MESSAGE, 0)]
