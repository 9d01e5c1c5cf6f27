"""The decode ledger and the protocol paths: every frame once, whatever it was."""

from __future__ import annotations

import pytest
from crafting import eth, ethernet_of, ip4, label, tag, tcp, udp, vxlan
from frames import Frame, Kernels, analyse
from scenarios import all_stories
from wrappings import over_udp

from netanalyze.wire import codes

INNER = ip4(tcp(b"data"))


def test_no_frames(kernels: Kernels) -> None:
    analysis = analyse(kernels, [])
    assert analysis.ledger.lines(analysis.decoder) == []
    assert analysis.paths.lines([]) == []


def test_lines_are_counted_and_sorted(kernels: Kernels) -> None:
    frames = [
        Frame(eth(0x0806, bytes(28)), wire_bytes=60),
        Frame(ethernet_of(INNER)),
        Frame(eth(0x88CC, bytes(10))),
        Frame(eth(0x0806, bytes(46))),
        Frame(ethernet_of(ip4(udp(b""), 17))),
        Frame(ethernet_of(INNER), wire_bytes=1000),
    ]
    for size in (1, 2, 6):
        analysis = analyse(kernels, frames, size=size)
        assert [tuple(line) for line in analysis.ledger.lines(analysis.decoder)] == [
            ("TCP segment", True, 2, 58 + 1000, 2),
            ("UDP datagram", True, 1, 42, 5),
            ("not IP: ARP", False, 2, 120, 1),
            ("not IP: LLDP", False, 1, 24, 3),
        ]
        assert [tuple(line) for line in analysis.paths.lines([])] == [
            ("eth.arp", 2, 120),
            ("eth.ip.tcp", 2, 1058),
            ("eth.ip.udp", 1, 42),
            ("eth.lldp", 1, 24),
        ]


def test_every_story_is_whole(kernels: Kernels) -> None:
    # ``analyse`` checks after every batch that the ledger adds up to the frames read.
    frames = [frame for _, frame in all_stories()]
    sizes = (1, 7, len(frames))
    reports = [analyse(kernels, frames, size=size).reasons() for size in sizes]
    assert reports[0] == reports[1] == reports[2]
    assert sum(reports[0].values()) == len(frames)


def test_more_reasons_than_lines(kernels: Kernels) -> None:
    # There is no end to EtherTypes; those that no longer fit are counted together, and nothing is lost.
    frames = [eth(number, b"") for number in range(0x0600, 0x0600 + 5000)] + [ethernet_of(INNER)] * 3
    frames += [eth(0x0600, b""), eth(0x0600, b""), Frame(b"", 99)]
    analysis = analyse(kernels, frames, size=4096)
    lines = {line.reason: line for line in analysis.ledger.lines(analysis.decoder)}
    assert 3000 < len(lines) < 4096
    assert sum(line.frames for line in lines.values()) == len(frames)
    assert lines["TCP segment"].frames == 3
    assert lines["TCP segment"].analysed
    assert lines["not IP: EtherType 0x0600"].frames == 3
    others = lines["not IP: others"]
    assert 5000 - 4096 < others.frames < 2000
    assert others.first_frame > 3000
    assert lines["unknown link type: others"].frames == 1


def test_more_paths_than_lines(kernels: Kernels) -> None:
    # A path for every order of two kinds of tag in twelve places would be 4096.
    frames = []
    for number in range(3500):
        body = b"\0" * 46
        kind = 0x1234
        for bit in range(9):
            if number >> bit & 1:
                body, kind = tag(kind, body), 0x8100
            else:
                body, kind = bytes(6) + kind.to_bytes(2, "big") + body, 0x893F
        frames.append(eth(kind, body))
    analysis = analyse(kernels, frames, size=4096)
    lines = analysis.paths.lines([])
    assert sum(line.frames for line in lines) == len(frames)
    assert len(lines) == 512


def test_wording() -> None:
    from netanalyze.wire import ledger  # noqa: PLC0415 - pure Python, no kernel

    numbers = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)}
    assert set(codes.VERDICT_TEXTS) <= numbers
    assert len(set(codes.VERDICT_TEXTS.values())) == len(codes.VERDICT_TEXTS)
    for verdict in codes.VERDICT_TEXTS:
        for detail in (0, 1, 0x0806, 0x4242, 0xFFFF, 0x10002, 0x7FFFFFFF, 0xFFFFFFFF):
            text = ledger.reason_text(verdict, detail)
            assert text.isprintable()
            assert text.strip() == text != ""
    assert ledger.reason_text(codes.NOT_IP, 0x0842) == "not IP: Wake-on-LAN"
    assert ledger.reason_text(codes.NOT_IP, codes.OTHERS) == "not IP: others"
    assert ledger.reason_text(codes.TCP_SEGMENT, codes.OTHERS) == "TCP segment"
    assert ledger.reason_text(codes.NOT_IP, codes.FAMILY + 7) == "not IP: address family 7"
    assert ledger.reason_text(codes.LLC_OTHER, 0xF0F0) == "not IP: LLC 0xf0f0"


def test_layers_fit_their_digits() -> None:
    layers = {name: number for name, number in vars(codes).items() if name in codes_of_layers()}
    assert max(layers.values()) < codes.PATH_BASE
    assert len(set(layers.values())) == len(layers)
    assert codes.PATH_LIMIT * codes.PATH_BASE < 2**63
    assert set(codes.LINK_LAYERS.values()) <= set(codes.LAYER_NAMES)


def codes_of_layers() -> set[str]:
    names = list(vars(codes))
    return {name for name in names[names.index("NONE") : names.index("LAYER_NAMES")] if name != "LAST_LINK"}


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        (eth(0x8847, label(label(INNER), bottom=False)), "eth.mpls.ip.tcp"),
        (ethernet_of(ip4(INNER, 4)), "eth.ip.ip.tcp"),
        (ethernet_of(ip4(bytes(8), 6)), "eth.ip.tcp"),
        (over_udp(4789, vxlan(ethernet_of(ip4(bytes(30), 89)))), "eth.ip.udp.vxlan.eth.ip.ospf"),
        (over_udp(4789, bytes(40)), "eth.ip.udp"),
    ],
)
def test_a_path_is_the_innermost_packets(kernels: Kernels, frame: bytes, path: str) -> None:
    assert analyse(kernels, [frame]).path_counts() == {path: 1}


def test_paths_leave_out_what_the_ledger_calls_duplicate(kernels: Kernels) -> None:
    # Whichever packet of the frame was recognised: here the tunnel's datagram, around something not IP.
    frame = over_udp(4789, vxlan(eth(0x0806, bytes(28))))
    analysis = analyse(kernels, [frame, frame], keep_duplicates=False)
    assert analysis.reasons() == {"not IP: ARP": 1, "captured before (duplicate frame)": 1}
    assert analysis.path_counts() == {"eth.ip.udp.vxlan.eth.arp": 1}


def test_the_app_of_a_datagram_on_a_tunnels_port(kernels: Kernels) -> None:
    # An application found for the datagram is not lost to the row that was opened for a packet inside.
    for frame, path in (
        (over_udp(4789, bytes(40)), "eth.ip.udp"),
        (over_udp(4789, vxlan(ethernet_of(ip4(udp(b"x"), 17)))), "eth.ip.udp.vxlan.eth.ip.udp"),
    ):
        analysis = analyse(kernels, [frame])
        decoder = analysis.decoder
        app = decoder.packets.arrays["app"]
        app[:] = 0
        for row in range(decoder.packets.count):
            if decoder.packets.arrays["protocol"][row] == 17 and decoder.packets.arrays["role"][row] == 0:
                app[row] = 1
        from frames import batches  # noqa: PLC0415

        (batch,) = batches([frame], 1)
        paths = kernels.ledger.Paths()
        paths.add(batch, decoder)
        assert [line.path for line in paths.lines(["", "dns"])] == [f"{path}.dns"]
