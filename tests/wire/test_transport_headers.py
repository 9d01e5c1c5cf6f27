"""TCP with its options, UDP and ICMP headers: whole, odd and damaged."""

from __future__ import annotations

import struct
from itertools import permutations

import pytest
from crafting import ACK, PSH, SYN, ethernet_of, icmp, ip4, ip6, tcp, udp
from frames import Frame, Kernels, Packet, analyse
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.wire import codes
from netanalyze.wire.packets import DAMAGED, UNKNOWN

MSS = b"\x02\x04\x05\xb4"
SCALE = b"\x03\x03\x07"
PERMITTED = b"\x04\x02"
STAMPS = b"\x08\x0a\xff\xff\xff\xff\x00\x00\x00\x05"
SACK = b"\x05\x12" + struct.pack(">4I", 10, 20, 0xFFFFFFF0, 5)
NOP = b"\x01"
UNKNOWN_KIND = b"\xfd\x04\xab\xcd"


def options_of(kernels: Kernels, options: bytes, words: int | None = None) -> Packet:
    return analyse(kernels, [ethernet_of(ip4(tcp(b"data", options=options, words=words)))]).only()


def test_fields_of_tcp(kernels: Kernels) -> None:
    segment = tcp(b"data", 65535, 1, 0xFFFFFFFF, 0x80000001, 0xFFF, window=65535, checksum=0xFFFE)
    packet = analyse(kernels, [ethernet_of(ip4(segment))]).only()
    assert (packet.sport, packet.dport, packet.seq, packet.ack) == (65535, 1, 0xFFFFFFFF, 0x80000001)
    assert (packet.flags, packet.window, packet.checksum) == (0xFFF, 65535, 0xFFFE)
    assert (packet.mss, packet.window_scale, packet.sack_permitted, packet.sack_blocks) == (-1, -1, 0, 0)
    assert (packet.tsval, packet.tsecr) == (-1, -1)


def test_options_in_every_order(kernels: Kernels) -> None:
    frames = [
        ethernet_of(ip4(tcp(b"data", options=b"".join(order))))
        for order in permutations([MSS, SCALE, PERMITTED, STAMPS, NOP])
    ]
    for packet in analyse(kernels, frames).packets:
        assert (packet.mss, packet.window_scale, packet.sack_permitted) == (1460, 7, 1)
        assert (packet.tsval, packet.tsecr, packet.payload) == (0xFFFFFFFF, 5, b"data")


def test_selective_acknowledgements(kernels: Kernels) -> None:
    for before in (b"", NOP, NOP * 2, STAMPS, UNKNOWN_KIND):
        data = ethernet_of(ip4(tcp(b"", options=before + SACK)))
        packet = analyse(kernels, [data]).only()
        assert packet.sack_blocks == 2
        assert struct.unpack_from(">4I", data, packet.sack_offset) == (10, 20, 0xFFFFFFF0, 5)
    # Three octets too many: only whole blocks count.
    assert options_of(kernels, b"\x05\x0d" + bytes(11)).sack_blocks == 1
    assert options_of(kernels, b"\x05\x02").sack_blocks == 0


@pytest.mark.parametrize(
    ("options", "words", "expected"),
    [
        (b"\x00" + MSS, None, (-1, -1, 0)),  # the end of the list
        (b"\x02\x03\x05" + SCALE, None, (-1, 7, 0)),  # a wrong length, but one that leads on
        (b"\x03\x04\x07\x07" + MSS, None, (1460, -1, 0)),
        (b"\x04\x03\x00" + MSS, None, (1460, -1, 0)),
        (b"\x08\x08" + bytes(6) + MSS, None, (1460, -1, 0)),
        (b"\x02\x00" + MSS, None, (-1, -1, 0)),  # a length that leads nowhere
        (b"\x02\x01" + MSS, None, (-1, -1, 0)),
        (MSS + b"\x08\x28", None, (1460, -1, 0)),  # one that leads out of the header
        (MSS + b"\x03", 7, (1460, -1, 0)),
        (MSS + NOP * 3 + b"\x03", 7, (1460, -1, 0)),
        (MSS + b"\x02\x04\x02\x00", None, (512, -1, 0)),  # of two the last
        (NOP * 40, None, (-1, -1, 0)),
        (UNKNOWN_KIND * 10, None, (-1, -1, 0)),
    ],
)
def test_damaged_options(
    kernels: Kernels, options: bytes, words: int | None, expected: tuple[int, int, int]
) -> None:
    packet = options_of(kernels, options, words)
    assert (packet.mss, packet.window_scale, packet.sack_permitted) == expected


def test_options_do_not_stay_from_the_batch_before(kernels: Kernels) -> None:
    frames = [
        ethernet_of(ip4(tcp(b"", options=MSS + SCALE + PERMITTED + STAMPS))),
        ethernet_of(ip4(tcp(b"", options=SACK))),
        ethernet_of(ip4(tcp(b""))),
    ]
    bare = analyse(kernels, frames, size=1).packets[2]
    assert (bare.mss, bare.window_scale, bare.sack_permitted, bare.tsval, bare.sack_blocks) == (
        -1,
        -1,
        0,
        -1,
        0,
    )


def test_options_cut_off(kernels: Kernels) -> None:
    whole = Frame(ethernet_of(ip4(tcp(b"data", options=MSS + SCALE + NOP + STAMPS + NOP * 2 + SACK))))
    for size in range(54, len(whole.data)):
        packet = analyse(kernels, [whole.cut(size)]).only()
        assert packet.mss == (1460 if size >= 58 else -1)
        assert packet.window_scale == (7 if size >= 61 else -1)
        assert packet.tsval == (0xFFFFFFFF if size >= 72 else -1)
        assert packet.payload_bytes == 4


@given(st.binary(max_size=40), st.integers(0, 15))
def test_any_options(options: bytes, words: int) -> None:
    from frames import COMPILED, INTERPRETED, load, same_columns  # noqa: PLC0415 - hypothesis takes no fixtures

    frame = ethernet_of(ip4(tcp(b"data", options=options, words=words)))
    one = analyse(load(INTERPRETED), [frame])
    compiled = load(COMPILED)
    if compiled is not None:
        same_columns(analyse(compiled, [frame]), one)


@pytest.mark.parametrize("words", range(16))
def test_data_offset(kernels: Kernels, words: int) -> None:
    # Wireshark numbers a stream by the ports of a segment whose header cannot be right; so is it here.
    analysis = analyse(kernels, [ethernet_of(ip4(tcp(bytes(20), words=words)))])
    (packet,) = analysis.packets
    if 5 <= words <= 10:
        assert packet.payload_bytes == 40 - 4 * words
    else:
        assert (packet.role, packet.payload_bytes) == (DAMAGED, 0)
        assert analysis.reasons() == {"damaged transport header": 1}
    assert (packet.stream, analysis.flows.tcp.count) == (0, 1)


@pytest.mark.parametrize("size", range(21))
def test_a_segment_shorter_than_its_header(kernels: Kernels, size: int) -> None:
    analysis = analyse(kernels, [ethernet_of(ip4(tcp(b"")[:size])), ethernet_of(ip4(udp(b"")[:7], 17))])
    segments = [packet for packet in analysis.packets if packet.protocol == 6]
    assert len(segments) == (size >= 16)
    assert analysis.flows.tcp.count == (size >= 16)
    assert analysis.flows.udp.count == 0
    assert analysis.reasons().get("damaged transport header") == (1 if size == 20 else 2)


@pytest.mark.parametrize("size", range(34, 60))
def test_a_segment_cut_in_its_header(kernels: Kernels, size: int) -> None:
    frames = [Frame(ethernet_of(ip4(tcp(b"data", 1, 2)))), Frame(ethernet_of(ip4(tcp(b"data")))).cut(size)]
    analysis = analyse(kernels, frames, size=1)
    if size < 50:
        assert analysis.verdicts[1] == (codes.TRANSPORT_CUT, 0)
        assert len(analysis.packets) == 1
    else:
        packet = analysis.packets[1]
        assert (packet.flags, packet.window, packet.payload_bytes) == (PSH | ACK, 1024, 4)
        assert packet.checksum == (0xABCD if size >= 52 else 0)
        assert packet.payload == b"data"[: max(size - 54, 0)]


@pytest.mark.parametrize(
    ("length", "payload"), [(12, b"data"), (10, b"da"), (8, b""), (100, b"data"), (65535, b"data")]
)
def test_length_of_udp(kernels: Kernels, length: int, payload: bytes) -> None:
    packet = analyse(kernels, [ethernet_of(ip4(udp(b"data", length=length, checksum=7), 17))]).only()
    assert (packet.payload, packet.payload_bytes, packet.checksum) == (payload, len(payload), 7)


@pytest.mark.parametrize("length", range(8))
def test_impossible_length_of_udp(kernels: Kernels, length: int) -> None:
    analysis = analyse(kernels, [ethernet_of(ip4(udp(b"data", length=length), 17))])
    assert analysis.reasons() == {"damaged transport header": 1}
    assert (analysis.packets, analysis.flows.udp.count) == ([], 0)


def test_fields_of_icmp(kernels: Kernels) -> None:
    frames = [ethernet_of(ip4(icmp(8, 3, b"ping"), 1)), ethernet_of(ip6(icmp(128, 4, b"ping"), 58))]
    four, six = analyse(kernels, frames).packets
    assert (four.protocol, four.sport, four.dport, four.payload) == (1, 8, 3, b"ping")
    assert (six.protocol, six.sport, six.dport, six.payload) == (58, 128, 4, b"ping")
    assert (four.stream, six.stream) == (UNKNOWN, UNKNOWN)


@pytest.mark.parametrize("size", range(8))
def test_icmp_shorter_than_its_header(kernels: Kernels, size: int) -> None:
    frame = Frame(ethernet_of(ip4(icmp(8, 0, b"ping")[:size], 1)))
    assert analyse(kernels, [frame]).reasons() == {"damaged transport header": 1}
    whole = Frame(ethernet_of(ip4(icmp(8, 0, b"ping"), 1)))
    assert analyse(kernels, [whole.cut(34 + size)]).verdicts == [(codes.TRANSPORT_CUT, 0)]


def test_stream_numbers_do_not_stay_from_the_batch_before(kernels: Kernels) -> None:
    frames = [ethernet_of(ip4(tcp(b"", 1, number, 1, 0, SYN))) for number in (1, 2, 3)]
    frames += [ethernet_of(ip4(icmp(8, 0, b""), 1)), b"no packet", ethernet_of(ip4(bytes(9), 47))]
    analysis = analyse(kernels, frames, size=3)
    assert [row.stream for row in analysis.rows] == [0, 1, 2, UNKNOWN, UNKNOWN, UNKNOWN]
