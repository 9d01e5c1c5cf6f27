"""Checksums against a slow sum, against scapy and tshark, and what the counts say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from frames import Frame, batches
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrRouting
from scapy.layers.l2 import Ether

from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.pipeline import Options, run
from netanalyze.wire.checksum_fields import IS_PARTIAL, IS_WRONG, IS_ZERO, RIGHT, UNKNOWN
from netanalyze.wire.checksums import Checksums
from netanalyze.wire.decode import Decoder

if TYPE_CHECKING:
    from scapy.packet import Packet

    from netanalyze.capture.batch import Batch

CABLE = Ether(src="00:00:5e:00:53:01", dst="00:00:5e:00:53:02")
CAPTURES = Path(__file__).parents[2] / "captures"
_FEW = 16
FOUR, SIX = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fd00::1", dst="fd00::2")


def slow_sum(data: bytes) -> int:
    """RFC 1071, one pair of octets after the other."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total


def states(batch: Batch, decoder: Decoder, found: Checksums) -> dict[int, tuple[int, int, int]]:
    """By frame, of its innermost packet: protocol, what became of the header's sum, of the transport's."""
    packets = decoder.decode(batch)
    packets.arrays["duplicate"][: packets.count] = 0
    found.feed(batch, packets)
    told = {}
    for row in packets.order[: packets.count]:
        column = {name: int(packets.arrays[name][row]) for name in ("frame", "protocol", "role")}
        if column["protocol"] and column["role"] <= 1:
            state = int(found.of_header[row]), int(found.of_transport[row])
            told[batch.first_frame + column["frame"]] = (column["protocol"], *state)
    return told


def checked(*frames: bytes, snap: int | None = None) -> list[tuple[int, int]]:
    """Of each frame with a packet what became of the header's sum and of the transport's."""
    decoder = Decoder(_FEW)
    found = Checksums(decoder.packets.capacity)
    told: dict[int, tuple[int, int, int]] = {}
    shown = [Frame(frame[:snap], wire_bytes=len(frame)) for frame in frames]
    for batch in batches(shown, _FEW):
        told |= states(batch, decoder, found)
    return [state[1:] for state in told.values()]


def with_sum(layers: Packet, layer: type, value: int | None) -> bytes:
    if value is not None:
        layers[layer].chksum = value
    return bytes(CABLE / layers)


@given(st.binary(max_size=200), st.binary(max_size=9), st.sampled_from([TCP, UDP]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_agrees_with_a_slow_sum(payload: bytes, before: bytes, layer: type, six: bool) -> None:  # noqa: FBT001
    # Frames before it move its place in the buffer to any residue of the words that are added.
    crafted = (SIX if six else FOUR) / layer(sport=1000, dport=2000) / payload
    right = bytes(CABLE / crafted)
    (_, state) = checked(b"\0" * (len(before) + 14), right)[-1]
    assert state == RIGHT
    start = 14 + (40 if six else 20)
    addresses = right[start - 32 : start] if six else right[start - 8 : start]
    segment = right[start:]
    pseudo = addresses + len(segment).to_bytes(4, "big") + (6 if layer is TCP else 17).to_bytes(4, "big")
    assert slow_sum(pseudo + segment) == 0xFFFF
    at = start + len(segment) - 1
    damaged = right[:at] + bytes((right[at] ^ 0x10,)) + right[at + 1 :]
    if slow_sum(pseudo + damaged[start:]) != 0xFFFF and payload:
        assert checked(damaged)[0][1] == IS_WRONG


@pytest.mark.parametrize("ip", [FOUR, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("layer", [TCP, UDP])
def test_what_is_left_to_the_card(ip: Packet, layer: type) -> None:
    whole = bytes(ip / layer(sport=1000, dport=2000) / b"payload")
    start = 40 if ip is SIX else 20
    addresses = whole[start - 32 : start] if ip is SIX else whole[start - 8 : start]
    length, number = len(whole) - start, 6 if layer is TCP else 17
    partial = slow_sum(addresses + length.to_bytes(4, "big") + number.to_bytes(4, "big"))
    without_length = slow_sum(addresses + number.to_bytes(4, "big"))
    for value in (partial, without_length):
        crafted = ip / layer(sport=1000, dport=2000) / b"payload"
        assert checked(with_sum(crafted, layer, value))[0][1] == IS_PARTIAL
    none = with_sum(ip / layer(sport=1000, dport=2000) / b"payload", layer, 0)
    assert checked(none)[0][1] == (UNKNOWN if layer is UDP and ip is FOUR else IS_ZERO)


def test_headers_and_icmp() -> None:
    assert checked(bytes(CABLE / FOUR / ICMP() / b"ping")) == [(RIGHT, RIGHT)]
    assert checked(bytes(CABLE / SIX / ICMPv6EchoRequest(data=b"ping"))) == [(UNKNOWN, RIGHT)]
    bad = IP(src="10.0.0.1", dst="10.0.0.2", chksum=0x1234) / ICMP(chksum=7) / b"ping"
    assert checked(bytes(CABLE / bad)) == [(IS_WRONG, IS_WRONG)]
    none = IP(src="10.0.0.1", dst="10.0.0.2", chksum=0) / ICMP() / b"ping"
    assert checked(bytes(CABLE / none)) == [(IS_ZERO, RIGHT)]


def test_what_is_not_whole_is_not_checked() -> None:
    segment = bytes(CABLE / FOUR / TCP(options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]) / b"payload")
    for snap in range(54, len(segment)):
        assert checked(segment, snap=snap) == [(RIGHT, UNKNOWN)]
    syn = bytes(CABLE / FOUR / TCP(flags="S", options=[("MSS", 1460)]))
    assert checked(syn, snap=len(syn) - 1) == [(RIGHT, UNKNOWN)]
    assert checked(syn) == [(RIGHT, RIGHT)]


def test_datagrams_that_were_put_together() -> None:
    whole = FOUR / UDP(sport=1, dport=2) / bytes(range(200))
    parts = [bytes(CABLE / part) for part in fragment(whole, fragsize=64)]
    assert checked(*parts) == [(RIGHT, RIGHT)]
    parts[1] = parts[1][:-1] + bytes((parts[1][-1] ^ 1,))
    assert checked(*parts) == [(RIGHT, IS_WRONG)]


def test_ways_that_change_the_addresses_are_not_checked() -> None:
    routed = SIX / IPv6ExtHdrRouting(addresses=["fd00::3"], segleft=1) / TCP(chksum=1)
    assert checked(bytes(CABLE / routed))[0][1] == UNKNOWN


def compared(path: Path) -> int:
    """Compare with tshark, frame by frame; returns how many sums both have an opinion of."""
    preferences = [word for name in ("tcp", "udp", "ip") for word in ("-o", f"{name}.check_checksum:TRUE")]
    shown = [word for name in ("tcp", "udp", "icmp", "icmpv6") for word in ("-e", f"{name}.checksum.status")]
    command = ["tshark", "-n", "-r", str(path), *preferences, "-T", "fields", "-E", "occurrence=a"]
    command += ["-e", "frame.number", "-e", "ip.checksum.status", *shown]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    mine: dict[int, tuple[int, int, int]] = {}
    with open_capture([str(path)]) as capture:
        decoder = Decoder(BATCH_FRAMES)
        found = Checksums(decoder.packets.capacity)
        for batch in capture:
            mine |= states(batch, decoder, found)
    count = 0
    names = {"0": "bad", "Bad": "bad", "1": "good", "Good": "good"}
    for line in said.splitlines():
        number, header, *sums = line.split("\t")
        if not number or int(number) not in mine:
            continue
        protocol, of_header, of_transport = mine[int(number)]
        place = {6: 0, 17: 1, 1: 2, 58: 3}.get(protocol)
        # Of a tunnel Wireshark shows both packets, of an ICMP error the quoted one as well.
        for theirs, ours, first in (
            (header, of_header, False),
            ("" if place is None else sums[place], of_transport, protocol == 1),
        ):
            said_of = theirs.split(",") if theirs else []
            if not said_of or (theirs is header and len(said_of) > 1) or (theirs is header and not ours):
                continue
            expected = names.get(said_of[0 if first else -1], "unknown")
            assert {UNKNOWN: "unknown", RIGHT: "good"}.get(ours, "bad") == expected, (path.name, number)
            count += ours != UNKNOWN
    return count


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", ["damaged-way.pcap", "damaged-offload.pcap", "vxlan.pcapng.zst"])
def test_samples_against_tshark(name: str) -> None:
    assert compared(CAPTURES / name) > 10


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_corpus_against_tshark(corpus: Path) -> None:
    paths = [path for path in sorted((corpus / "captures").iterdir()) if path.stat().st_size < 200_000]
    assert sum(compared(path) for path in paths[::6]) > 100


def test_verdicts_of_the_samples() -> None:
    told = {}
    for name in ("way", "whole", "offload"):
        report = run([str(CAPTURES / f"damaged-{name}.pcap")], Options(tables=("checksums", "damaged")))
        told[name] = {row.verdict for row in report["checksums"]}
        assert len(report["damaged"]) == (4 if name == "way" else 0)
    assert told == {"way": {"corrupt", "ok"}, "whole": {"ok"}, "offload": {"offload"}}
