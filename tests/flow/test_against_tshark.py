"""Frame by frame what tshark says: stream numbers, addresses, ports and lengths.

A second opinion, not the truth: where the two differ on purpose, the reason stands in a table here,
and a test makes sure that they still do. Skipped where tshark is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from crafting import ethernet_of, ip4, ip6, tcp, udp
from frames import TCP, UDP, Analysis, Frame, Kernels, analyse, write_pcapng
from scenarios import STORIES, fragments, hosts
from wrappings import WRAPPINGS

from netanalyze.capture import open_capture
from netanalyze.wire.packets import INNERMOST, QUOTED

if TYPE_CHECKING:
    from collections.abc import Sequence

WRAPPINGS_UNKNOWN_TO_TSHARK = {
    "null 6 10": "AF_INET6 of Linux in a loopback header",
    "null 6 23": "AF_INET6 of Windows in a loopback header",
    "pppd": "pppd's log has a direction in place of the address octet",
    "nflog big": "tshark takes the byte order from the file",
    "9200": "0x9200 is no VLAN tag to it by default",
    "pseudowire": "Ethernet in MPLS has to be configured by label",
    "erspan 3 ip": "the frame type of ERSPAN III",
    "vxlan linux": "port 8472, which Linux used before VXLAN was given one",
}
STORIES_TOLD_OTHERWISE = {
    "ip4_with_extension": "tshark reads IPv6 extension headers in IPv4 too",
    "host_identity": "tshark has a dissector for HIP, which ends there",
}
DISABLED = {
    "socks": "opens conversations for what a proxy connects to, which take up stream numbers",
    "portmap": "opens conversations for the ports that it hands out, which take up stream numbers",
}
FIELDS = (
    "tcp.stream", "udp.stream", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
    "tcp.len", "udp.srcport", "udp.dstport", "udp.length",
)  # fmt: skip

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

Row = dict[str, list[str]]


def tshark(path: Path, frames: Sequence[Frame]) -> list[Row]:
    """The values of each field in each frame."""
    write_pcapng(path, frames)
    command = ["tshark", "-n", "-r", str(path), "-o", "tcp.reassemble_out_of_order:FALSE", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    (path.parent / "disabled_protos").write_text("".join(f"{name}\n" for name in DISABLED))
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(path.parent)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    lines = ran.stdout.split("\n")[:-1]
    assert len(lines) == len(frames), ran.stderr
    return [
        {
            name: value.split(",") if value else []
            for name, value in zip(FIELDS, line.split("\t"), strict=True)
        }
        for line in lines
    ]


def numbered(analysis: Analysis) -> list[dict[int, list[Any]]]:
    """The packets of each frame by transport, as far as they have a number that tshark gives too."""
    found: list[dict[int, list[Any]]] = [{TCP: [], UDP: []} for _ in range(analysis.frames)]
    for packet in analysis.packets:
        # A quote of less than the whole header is tied to its stream here, but has no number in tshark.
        if packet.protocol in {TCP, UDP} and not (packet.role == QUOTED and packet.flags < 0):
            found[packet.number - 1][packet.protocol].append(packet)
    return found


def texts(packets: list[Any], name: str) -> list[str]:
    return [str(getattr(packet, name)) for packet in packets]


def check_numbers(analysis: Analysis, rows: list[Row], names: list[str]) -> None:
    """Streams and ports agree in every frame."""
    for number, (found, row, name) in enumerate(zip(numbered(analysis), rows, names, strict=True), 1):
        told = f"frame {number}: {name}"
        for protocol, short in ((TCP, "tcp"), (UDP, "udp")):
            packets = found[protocol]
            assert texts(packets, "stream") == row[f"{short}.stream"], told
            if packets:
                assert texts(packets, "sport") == row[f"{short}.srcport"], told
                assert texts(packets, "dport") == row[f"{short}.dstport"], told


def check(analysis: Analysis, rows: list[Row], names: list[str]) -> None:
    """Streams, ports, addresses and lengths agree in every frame."""
    check_numbers(analysis, rows, names)
    for number, (found, row, name) in enumerate(zip(numbered(analysis), rows, names, strict=True), 1):
        told = f"frame {number}: {name}"
        innermost = [packet for packet in (*found[TCP], *found[UDP]) if packet.role == INNERMOST]
        for packet in innermost:
            version = "ip" if packet.ip_version == 4 else "ipv6"
            assert (packet.src, packet.dst) == (row[f"{version}.src"][-1], row[f"{version}.dst"][-1]), told
            if packet.protocol == TCP:
                assert str(packet.payload_bytes) == row["tcp.len"][-1], told
            elif name not in {"udp_lengths", "jumbogram"}:  # where the field says more than there is
                assert str(packet.payload_bytes + 8) == row["udp.length"][-1], told


def wrapped(names: Sequence[str]) -> list[Frame]:
    return [
        Frame(
            WRAPPINGS[name].wrap(
                (ip6 if WRAPPINGS[name].version == 6 else ip4)(tcp(b"data", 1000 + number, 5000))
            ),
            WRAPPINGS[name].link_type,
            10**18 + number * 10**6,
        )
        for number, name in enumerate(names)
    ]


def is_unknown(name: str) -> bool:
    return any(part in name for part in WRAPPINGS_UNKNOWN_TO_TSHARK)


@needs_tshark
def test_link_types_and_tunnels(kernels: Kernels, tmp_path: Path) -> None:
    names = [name for name in WRAPPINGS if not is_unknown(name)]
    frames = wrapped(names)
    check(analyse(kernels, frames), tshark(tmp_path / "wrapped.pcapng", frames), names)


@needs_tshark
def test_what_tshark_does_not_unwrap(tmp_path: Path) -> None:
    names = [name for name in WRAPPINGS if is_unknown(name)]
    for name, row in zip(names, tshark(tmp_path / "unknown.pcapng", wrapped(names)), strict=True):
        assert row["tcp.stream"] == [], f"{name} is known to tshark by now"


def told(names: Sequence[str]) -> tuple[list[Frame], list[str]]:
    """The frames of these stories, a millisecond apart, and the story of each."""
    pairs = [
        (name, frame)
        for number, (name, story) in enumerate(STORIES.items())
        if name in names
        for frame in story(*hosts(number))
    ]
    frames = [Frame(frame, time_ns=10**18 + number * 10**6) for number, (_, frame) in enumerate(pairs)]
    return frames, [name for name, _ in pairs]


@needs_tshark
def test_stories(kernels: Kernels, tmp_path: Path) -> None:
    frames, names = told([name for name in STORIES if name not in STORIES_TOLD_OTHERWISE])
    check(analyse(kernels, frames), tshark(tmp_path / "stories.pcapng", frames), names)


@needs_tshark
@pytest.mark.parametrize("name", STORIES_TOLD_OTHERWISE)
def test_what_tshark_tells_otherwise(kernels: Kernels, tmp_path: Path, name: str) -> None:
    frames, names = told([name])
    rows = tshark(tmp_path / "otherwise.pcapng", frames)
    with pytest.raises(AssertionError):
        check(analyse(kernels, frames), rows, names)


@needs_tshark
def test_fragments_cut_by_a_snap_length(kernels: Kernels, tmp_path: Path) -> None:
    # tshark reads the first fragment alone and never puts them together; here they complete by what was
    # on the wire, so that lengths are true, and the last one has the number.
    parts = fragments(udp(bytes(900), 10, 20), 17, "10.0.0.1", "10.0.0.2", (400,))
    frames = [Frame(ethernet_of(part), time_ns=10**18).cut(96) for part in parts]
    rows = tshark(tmp_path / "cut.pcapng", frames)
    assert [row["udp.stream"] for row in rows] == [["0"], []]
    packet = analyse(kernels, frames).only()
    assert (packet.number, packet.stream, packet.payload_bytes) == (2, 0, 900)


def frames_in(folder: Path) -> tuple[list[Frame], list[str]]:
    """The frames of all captures of a folder, one capture after the other, and where each is from."""
    frames: list[Frame] = []
    names: list[str] = []
    for path in sorted(folder.iterdir()):
        if not path.name.endswith((".pcap", ".pcapng", ".snoop", ".gz", ".zst")):
            continue
        with open_capture([str(path)]) as capture:
            for batch in capture:
                columns = [
                    batch.arrays[name][: batch.count].tolist()
                    for name in ("offset", "captured_bytes", "link_type", "time_ns", "wire_bytes")
                ]
                frames += [
                    Frame(bytes(batch.data[offset : offset + captured]), *others)
                    for offset, captured, *others in zip(*columns, strict=True)
                ]
                names += [f"{path.name} {batch.first_frame + index}" for index in range(batch.count)]
    return frames, names


@needs_tshark
def test_sample_captures(kernels: Kernels, tmp_path: Path) -> None:
    frames, names = frames_in(Path(__file__).parents[2] / "captures")
    check_numbers(analyse(kernels, frames, size=4096), tshark(tmp_path / "samples.pcapng", frames), names)


@needs_tshark
def test_corpus(fastest: Kernels, corpus: Path, tmp_path: Path) -> None:
    # As one capture: a hundred captures' worth of ports used again.
    frames, names = frames_in(corpus / "captures")
    check_numbers(analyse(fastest, frames, size=4096), tshark(tmp_path / "corpus.pcapng", frames), names)
