"""The sample captures: complete, described, readable, small, private, and showing what they say they show."""

from __future__ import annotations

import gzip
import importlib
import io
import ipaddress
import json
import re
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dpkt
import pytest
import zstandard
from scapy.utils import RawPcapNgReader, RawPcapReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
RECORD = CAPTURES / "record"
SUFFIXES = (".pcap", ".pcapng", ".gz", ".zst")
FILES = sorted(path.name for path in CAPTURES.iterdir() if path.name.endswith(SUFFIXES))
README = (CAPTURES / "README.md").read_text()

ETHERNET, RAW, LINUX_SLL, LINUX_SLL2 = 1, 101, 113, 276
LARGEST_BYTES, ALL_BYTES = 100_000, 2_500_000
NANO_MAGIC = 0xA1B23C4D
DOCUMENTATION_MAC = bytes.fromhex("00005e0053")


def content(name: str) -> bytes:
    data = (CAPTURES / name).read_bytes()
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def frames(name: str) -> Iterator[tuple[int, bytes, int]]:
    """Link type, bytes and length on the wire of every frame."""
    # RawPcapReader looks at the first bytes and becomes a pcapng reader by itself.
    reader = RawPcapReader(io.BytesIO(content(name)))
    for frame, facts in reader:
        pcapng = isinstance(reader, RawPcapNgReader)
        yield facts.linktype if pcapng else reader.linktype, frame, facts.wirelen


def packets(name: str) -> Iterator[Any]:
    """The IP packets in Ethernet and raw frames, as dpkt sees them."""
    for link_type, frame, _ in frames(name):
        packet = dpkt.ethernet.Ethernet(frame).data if link_type == ETHERNET else dpkt.ip.IP(frame)
        if isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)):
            yield packet


def segments(name: str) -> list[Any]:
    """The TCP segments (their IP packet is ``ip`` of each)."""
    found = []
    for packet in packets(name):
        if isinstance(packet.data, dpkt.tcp.TCP):
            packet.data.ip = packet
            found.append(packet.data)
    return found


def flagged(name: str, flags: int) -> int:
    """How many segments have exactly these of SYN, RST and FIN."""
    seen = dpkt.tcp.TH_SYN | dpkt.tcp.TH_RST | dpkt.tcp.TH_FIN
    return sum(segment.flags & seen == flags for segment in segments(name))


def sent_twice(name: str, port: int) -> int:
    """Data segments from ``port`` whose first byte was sent before."""
    starts = [segment.seq for segment in segments(name) if segment.sport == port and len(segment.data)]
    return len(starts) - len(set(starts))


def truth(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{recording}.truth.json").read_text())
    return found


@pytest.fixture(scope="module")
def readme() -> Iterator[ModuleType]:
    """``captures/record/readme.py``, which imports its neighbours by their bare names."""
    before = set(sys.modules)
    sys.path.insert(0, str(RECORD))
    yield importlib.import_module("readme")
    sys.path.remove(str(RECORD))
    for name in ("readme", "programs"):
        if name not in before:
            sys.modules.pop(name)


def test_there_are_samples() -> None:
    assert len(FILES) > 20


def test_readme_is_up_to_date(readme: ModuleType) -> None:
    assert readme.text() == README, "run captures/record/readme.py"


def test_readme_lists_every_capture_and_no_other() -> None:
    assert sorted(re.findall(r"^\| \[([^]]+)\]", README, re.MULTILINE)) == FILES


def test_every_recording_left_captures_and_a_truth_file(readme: ModuleType) -> None:
    recordings = readme.recordings()
    assert sorted(name for recording in recordings for name in recording.captures) == FILES
    for recording in recordings:
        assert recording.captures, f"{recording.script.name} left no capture"
        assert recording.truth["script"] == f"record/{recording.script.name}"
    expected = sorted(f"{recording.truth['recording']}.truth.json" for recording in recordings)
    assert sorted(path.name for path in CAPTURES.glob("*.json")) == expected


def test_every_first_try_names_captures_that_exist(readme: ModuleType) -> None:
    for recording in readme.recordings():
        named = re.findall(r"captures/(\S+)", recording.first_try)
        assert named
        assert recording.first_try.startswith("netanalyze ")
        assert set(named) <= set(recording.captures)


@pytest.mark.parametrize("name", FILES)
def test_readable_with_the_stated_number_of_frames(name: str) -> None:
    stated = re.search(rf"^\| \[{re.escape(name)}\]\(#[^)]+\) \| (\d+) \| (\d+) \|", README, re.MULTILINE)
    assert stated is not None
    found = list(frames(name))
    # A file that is cut short on purpose: scapy hands out the stump of its last frame as well.
    assert len(found) == int(stated[1]) + (name == "capture-quality-cut.pcap")
    assert (CAPTURES / name).stat().st_size == int(stated[2])
    assert all(0 < len(frame) <= wire_bytes for _, frame, wire_bytes in found)


def test_small_enough_for_a_repository() -> None:
    sizes = {name: (CAPTURES / name).stat().st_size for name in FILES}
    assert max(sizes.values()) <= LARGEST_BYTES
    assert sum(sizes.values()) <= ALL_BYTES


@pytest.mark.parametrize("name", FILES)
def test_no_address_of_anybody(name: str) -> None:
    for link_type, frame, _ in frames(name):
        if link_type == ETHERNET:
            for mac in (frame[:6], frame[6:12]):
                assert mac[0] & 1 or mac.startswith(DOCUMENTATION_MAC) or not any(mac), mac.hex(":")
    for packet in packets_of_any_link(name):
        for address in (packet.src, packet.dst):
            found = ipaddress.ip_address(address)
            assert found.is_private or found.is_multicast or found.is_link_local, found


def packets_of_any_link(name: str) -> Iterator[Any]:
    headers = {
        ETHERNET: 14,
        0: 4,
        108: 4,
        9: 2,
        50: 4,
        104: 4,
        RAW: 0,
        228: 0,
        229: 0,
        LINUX_SLL: 16,
        LINUX_SLL2: 20,
    }
    for link_type, frame, _ in frames(name):
        at = headers[link_type]
        while link_type == ETHERNET and frame[at - 2 : at] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        if link_type in (ETHERNET, LINUX_SLL) and frame[at - 2 : at] not in (b"\x08\x00", b"\x86\xdd"):
            continue
        if link_type == LINUX_SLL2 and frame[:2] not in (b"\x08\x00", b"\x86\xdd"):
            continue
        yield dpkt.ip6.IP6(frame[at:]) if frame[at] >> 4 == 6 else dpkt.ip.IP(frame[at:])


@pytest.mark.parametrize("name", [name for name in FILES if ".pcapng" in name])
def test_pcapng_does_not_describe_the_recording_computer(name: str) -> None:
    data, at = content(name), 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        fixed = {0x0A0D0D0A: 24, 1: 16}.get(kind)
        option = at + fixed if fixed else at + size
        while option < at + size - 4:
            code, length = struct.unpack_from("<HH", data, option)
            assert code not in ({2, 3} if kind == 0x0A0D0D0A else {12, 15})
            option += 4 + (length + 3) // 4 * 4
        at += size


def fragments(name: str) -> int:
    count = 0
    for packet in packets(name):
        if isinstance(packet, dpkt.ip.IP):
            count += packet.offset > 0 or bool(packet.mf)
        else:
            count += dpkt.ip.IP_PROTO_FRAGMENT in packet.extension_hdrs
    return count


def ethertypes(name: str) -> set[int]:
    return {int.from_bytes(frame[12:14], "big") for _, frame, _ in frames(name)}


def icmp_types(name: str) -> set[tuple[int, int]]:
    """(IP version, ICMP type) of the ICMP messages."""
    return {
        (4 if isinstance(packet, dpkt.ip.IP) else 6, packet.data.type)
        for packet in packets(name)
        if isinstance(packet.data, (dpkt.icmp.ICMP, dpkt.icmp6.ICMP6))
    }


def link_types(name: str) -> set[int]:
    return {link_type for link_type, _, _ in frames(name)}


def zero_windows(name: str) -> int:
    return sum(segment.win == 0 and not segment.flags & dpkt.tcp.TH_RST for segment in segments(name))


def handshake_tries(name: str) -> Counter[int]:
    """How many SYNs were sent to each port."""
    return Counter(one.dport for one in segments(name) if one.flags == SYN)


def every_frame_twice(name: str, skip: int) -> bool:
    """Whether each frame, without its first bytes, is there an even number of times."""
    found = [frame[skip:] for _, frame, _ in frames(name)]
    return all(found.count(frame) % 2 == 0 for frame in found)


SYN, RST = dpkt.tcp.TH_SYN, dpkt.tcp.TH_RST
SHOWS: dict[str, Callable[[], bool]] = {
    "any-interface-sll": lambda: link_types("any-interface-sll.pcap") == {LINUX_SLL},
    "any-interface-sll2": lambda: link_types("any-interface-sll2.pcap") == {LINUX_SLL2},
    "backlog-overflow": lambda: (
        flagged("backlog-overflow.pcap", SYN) > 2 * 6
        and truth("backlog-overflow")["server_counters"]["TcpExtListenOverflows"] >= 4
    ),
    "duplicate-frames-bridge": lambda: every_frame_twice("duplicate-frames-bridge.pcapng", 0),
    "duplicate-frames-mirror": lambda: sent_twice("duplicate-frames-mirror.pcap", 9122) >= 14,
    "framed-messages": lambda: (
        sum(len(one.data) for one in segments("framed-messages.pcap") if one.dport == 9125)
        == sum(truth("framed-messages")["client_write_bytes"])
    ),
    "handshake-retry": lambda: (
        handshake_tries("handshake-retry.pcap") == {9151: 2, 9152: 2, 9153: 1, 9154: 4, 9155: 1}
        and truth("handshake-retry")["client_counters"]["TcpExtTCPSynRetrans"] == 1 + 1 + 3
    ),
    "http-keepalive": lambda: flagged("http-keepalive.pcapng", SYN) == 4,
    "ip-fragments": lambda: (
        fragments("ip-fragments.pcap") >= 40 and {(4, 11), (6, 3)} <= icmp_types("ip-fragments.pcap")
    ),
    "ipv6-http": lambda: {(6, 135), (6, 136), (6, 128), (6, 129)} <= icmp_types("ipv6-http.pcap"),
    "link-types": lambda: len(link_types("link-types.pcapng")) == 11,
    "loopback": lambda: (
        struct.unpack_from("<I", content("loopback.pcap"))[0] == NANO_MAGIC
        and max(wire_bytes for _, _, wire_bytes in frames("loopback.pcap")) > 60_000
        and max(len(frame) for _, frame, _ in frames("loopback.pcap")) == 96
    ),
    "lossy-transfer-client": lambda: (
        max(len(frame) for _, frame, _ in frames("lossy-transfer-client.pcap")) == 112
    ),
    "midstream": lambda: flagged("midstream.pcap.gz", SYN) == 2 and flagged("midstream.pcap.gz", 1) == 2,
    "mixed": lambda: {0x0800, 0x0806} == ethertypes("mixed.pcapng") and (4, 8) in icmp_types("mixed.pcapng"),
    "port-reuse": lambda: (
        len({(one.sport, one.dport) for one in segments("port-reuse.pcap")}) == 2
        and flagged("port-reuse.pcap", SYN) == 6
    ),
    "raw-ip": lambda: link_types("raw-ip.pcap") == {RAW},
    "refused": lambda: (
        flagged("refused.pcapng", RST) == 3 and {(4, 3), (6, 1)} <= icmp_types("refused.pcapng")
    ),
    "reset": lambda: flagged("reset.pcap", RST) == 4 and flagged("reset.pcap", SYN) == 8,
    "rotated": lambda: flagged("rotated_00001.pcap", SYN) == 2 and not flagged("rotated_00003.pcap", SYN),
    "tunnels": lambda: {0x0800, 0x86DD, 0x8847, 0x8864} == ethertypes("tunnels.pcap"),
    "udp-exchange": lambda: fragments("udp-exchange.pcap") >= 15,
    "vlan-8021q": lambda: ethertypes("vlan-8021q.pcap") == {0x8100},
    "vlan-qinq": lambda: ethertypes("vlan-qinq.pcap") == {0x88A8},
    "zero-window": lambda: zero_windows("zero-window.pcap") >= 6,
}


@pytest.mark.parametrize("what", SHOWS)
def test_shows_what_it_says(what: str) -> None:
    assert SHOWS[what]()


@pytest.mark.parametrize(
    ("name", "port", "counters"),
    [
        ("lossy-transfer-server.pcap", 8080, "server_counters"),
        ("zero-window.pcap", 9123, "server_counters"),
    ],
)
def test_retransmissions_are_those_that_the_kernel_counted(name: str, port: int, counters: str) -> None:
    starts: set[int] = set()
    again = 0
    for segment in segments_by_header(name):
        sport, sequence, size = segment
        if sport == port and size:
            again += sequence in starts
            starts.add(sequence)
    recording = "lossy-transfer" if name.startswith("lossy") else "zero-window"
    assert again == truth(recording)[counters]["TcpRetransSegs"]


def segments_by_header(name: str) -> Iterator[tuple[int, int, int]]:
    """Port, sequence number and payload length from the headers alone: the frames are cut short."""
    for _, frame, _ in frames(name):
        if frame[12:14] == b"\x08\x00" and frame[23] == 6:
            total = int.from_bytes(frame[16:18], "big")
            sport, _, sequence = struct.unpack_from("!HHI", frame, 34)
            yield sport, sequence, total - 20 - (frame[46] >> 4) * 4
