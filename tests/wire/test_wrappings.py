"""Every link type, tag and tunnel: the packet inside comes out, whole or cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crafting import DST, DST6, SRC, SRC6, ip4, ip6, tcp
from frames import Frame, Kernels, analyse, shortened
from wrappings import WRAPPINGS

from netanalyze.wire import codes
from netanalyze.wire.packets import CARRIER

if TYPE_CHECKING:
    from wrappings import Wrapping

PAYLOAD = b"what is inside"
CUT = {codes.LINK_CUT, codes.NETWORK_CUT, codes.TUNNEL_CUT, codes.TRANSPORT_CUT}


def framed(wrapping: Wrapping, payload: bytes = PAYLOAD) -> Frame:
    inner = (ip6 if wrapping.version == 6 else ip4)(tcp(payload))
    return Frame(wrapping.wrap(inner), wrapping.link_type)


@pytest.mark.parametrize("name", WRAPPINGS)
def test_the_packet_inside(kernels: Kernels, name: str) -> None:
    wrapping = WRAPPINGS[name]
    analysis = analyse(kernels, [framed(wrapping)])
    packet = analysis.only()
    path = f"{wrapping.path}.{'ipv6' if wrapping.version == 6 else 'ip'}.tcp"
    assert packet.path == shortened(path)
    assert (packet.src, packet.dst) == ((SRC6, DST6) if wrapping.version == 6 else (SRC, DST))
    assert (packet.sport, packet.dport, packet.seq) == (1111, 80, 1000)
    assert packet.payload == PAYLOAD
    assert packet.payload_bytes == len(PAYLOAD)
    assert packet.ip_bytes == (40 if wrapping.version == 6 else 20) + 20 + len(PAYLOAD)
    carriers = [packet for packet in analysis.packets if packet.role == CARRIER]
    assert len(carriers) == wrapping.carriers
    assert len(analysis.packets) == wrapping.carriers + 1
    assert analysis.verdicts == [(codes.TCP_SEGMENT, 0)]
    assert analysis.path_counts() == {packet.path: 1}
    assert analysis.reasons() == {"TCP segment": 1}


def test_cut_at_every_byte(kernels: Kernels) -> None:
    for name, wrapping in WRAPPINGS.items():
        whole = framed(wrapping)
        uncut = analyse(kernels, [whole]).only()
        analysis = analyse(kernels, [whole.cut(size) for size in range(len(whole.data))])
        for packet in analysis.innermost:
            if packet.protocol == 6:
                assert packet.payload_bytes == len(PAYLOAD), name
                assert packet.payload == PAYLOAD[: packet.payload_captured], name
                assert (packet.ip_bytes, packet.sport, packet.seq) == (uncut.ip_bytes, 1111, 1000), name
                assert packet.path == uncut.path, name
        # From the sixteenth byte of the TCP header on it is a segment: its flags and window are there.
        first = uncut.transport_offset + 16
        assert {verdict for verdict, _ in analysis.verdicts[first:]} == {codes.TCP_SEGMENT}, name
        # Where too little of a tunnel's header is there, the datagram counts as what it surely is.
        allowed = CUT | {codes.UDP_DATAGRAM} if wrapping.carriers else CUT
        assert {verdict for verdict, _ in analysis.verdicts[:first]} <= allowed, name


def test_short_on_the_wire(kernels: Kernels) -> None:
    # The same bytes, but the frame says it was that short: damage, not a snap length.
    for name, wrapping in WRAPPINGS.items():
        whole = framed(wrapping)
        sizes = range(len(whole.data))
        analysis = analyse(kernels, [Frame(whole.data[:size], whole.link_type) for size in sizes])
        assert not {verdict for verdict, _ in analysis.verdicts} & CUT, name
        for packet in analysis.innermost:
            assert packet.payload_captured == packet.payload_bytes, name
