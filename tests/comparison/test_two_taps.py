"""Two taps: against what recordings did on purpose, and against what is done to a capture here."""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netanalyze.comparison.between import DOUBLED, INJECTED, LOST
from netanalyze.comparison.packets import read_tap
from netanalyze.comparison.pairing import BY_ADDRESSES, BY_NUMBERS, BY_PAYLOAD
from netanalyze.comparison.two_sided import TwoSided, compare_taps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CAPTURES = Path(__file__).parent.parent.parent / "captures"
MS = 1_000_000


def truth(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((CAPTURES / f"{name}.truth.json").read_text())
    return found


def compared(client: Path, server: Path) -> TwoSided:
    return compare_taps(read_tap([str(client)]), read_tap([str(server)]))


def test_a_router_that_loses() -> None:
    drops = truth("lossy-transfer")["router_drops"]
    found = compared(CAPTURES / "lossy-transfer-client.pcap", CAPTURES / "lossy-transfer-server.pcap")
    assert [way.lost for way in found.ways] == [rule["packets"] for rule in drops]  # type: ignore[attr-defined]
    assert Counter(trace.kind for trace in found.traces) == {LOST: sum(way.lost for way in found.ways)}
    for way in found.ways:
        assert way.delay_min_ns is not None
        assert 10 * MS <= way.delay_min_ns < 11 * MS


@pytest.mark.parametrize(("other", "way_ms"), [("middle", 4), ("server", 15)])
def test_a_way_of_known_length(other: str, way_ms: int) -> None:
    taps = truth("rtt-delays")["captures"]
    found = compared(CAPTURES / "rtt-delays-client.pcap", CAPTURES / f"rtt-delays-{other}.pcap")
    there = taps[f"rtt-delays-{other}.pcap"]  # type: ignore[index]
    assert there["delay_from_client_ms"] == way_ms
    assert found.clock.ahead_ns is not None
    assert abs(found.clock.ahead_ns) < MS  # it is the same clock
    assert not found.traces
    assert not found.differences
    routers = [64 - there["ttl_from_client"], there["ttl_from_server"] - 61]
    for way in found.ways:
        assert way.delay_min_ns is not None
        assert way_ms * MS <= way.delay_min_ns < (way_ms + 1) * MS
        assert way.routers == routers[way.direction == "to_client"]


def test_faults_made_on_purpose() -> None:
    streams = truth("injected-faults")["streams"]
    found = compared(CAPTURES / "injected-faults-receiver.pcap", CAPTURES / "injected-faults-sender.pcap")
    for number, stream in enumerate(streams):  # type: ignore[arg-type, var-annotated]
        lost = [fault for fault in stream["injected"] if fault["kind"] == "lost"]
        expected = sorted(
            ("to_client", fault["relative_sequence"])
            if fault["of"] == "data"
            else ("to_server", fault["relative_acknowledgment"])
            for fault in lost
        )
        mine = [trace for trace in found.traces if trace.stream == number]
        assert expected == sorted(
            (trace.direction, trace.offset if trace.payload_bytes else trace.answer)
            for trace in mine
            if trace.kind == LOST
        ), stream["fault"]
        doubled = [fault["relative_sequence"] for fault in stream["injected"] if fault["kind"] == "doubled"]
        assert [trace.offset for trace in mine if trace.kind == DOUBLED] == doubled
        assert not [trace for trace in mine if trace.kind == INJECTED]


# A middlebox of our own: what it does to the packets of a capture is known.


@dataclass
class Packet:
    """A frame of Ethernet, IPv4 and TCP, taken apart."""

    time_ns: int
    data: bytearray

    def get(self, place: int, size: int) -> int:
        return int.from_bytes(self.data[place : place + size], "big")

    def put(self, place: int, size: int, value: int) -> None:
        self.data[place : place + size] = (value % (1 << 8 * size)).to_bytes(size, "big")

    @property
    def from_client(self) -> bool:
        return self.get(34, 2) > self.get(36, 2)

    @property
    def syn(self) -> bool:
        return bool(self.data[47] & 2)


@dataclass
class Box:
    """What a middlebox does; the clock behind it."""

    change: Callable[[Packet], None] = lambda _: None
    lose: frozenset[int] = frozenset()
    inject: Callable[[list[Packet]], Iterable[Packet]] = field(default=lambda _: ())
    ahead_ns: int = 0
    drift: float = 0


def packets(name: str) -> list[Packet]:
    data = (CAPTURES / name).read_bytes()
    scale = 1 if struct.unpack_from("<I", data)[0] == 0xA1B23C4D else 1000
    place, found = 24, []
    while place < len(data):
        seconds, part, size, _ = struct.unpack_from("<IIII", data, place)
        found.append(Packet(seconds * 10**9 + part * scale, bytearray(data[place + 16 : place + 16 + size])))
        place += 16 + size
    return [packet for packet in found if packet.get(12, 2) == 0x0800 and packet.data[23] == 6]


def write(path: Path, frames: Iterable[Packet]) -> Path:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for frame in sorted(frames, key=lambda each: each.time_ns):
        head = struct.pack("<IIII", *divmod(frame.time_ns, 10**9), len(frame.data), len(frame.data))
        parts.append(head + bytes(frame.data))
    path.write_bytes(b"".join(parts))
    return path


def through(box: Box, folder: Path, name: str = "http-connections.pcap") -> TwoSided:
    """A capture as the client's, and what a middlebox 3 ms away makes of it as the server's."""
    near = packets(name)
    start = near[0].time_ns
    far = []
    for number, packet in enumerate(near):
        if number in box.lose:
            continue
        copy = Packet(packet.time_ns, bytearray(packet.data))
        copy.time_ns += 3 * MS if packet.from_client else -3 * MS
        box.change(copy)
        far.append(copy)
    far += box.inject(far)
    for packet in far:
        packet.time_ns += box.ahead_ns + round((packet.time_ns - start) * box.drift)
    return compared(write(folder / "client.pcap", near), write(folder / "server.pcap", far))


def test_nothing_happens(tmp_path: Path) -> None:
    found = through(Box(), tmp_path)
    assert not found.traces
    assert not found.differences
    assert found.clock.streams > 3
    assert (found.clock.client_only, found.clock.server_only) == (0, 0)
    assert {way.matched_by for way in found.ways} == {BY_ADDRESSES}
    assert {(way.delay_min_ns, way.delay_max_ns) for way in found.ways if way.arrived} == {(3 * MS, 3 * MS)}


def test_clocks_that_differ_and_drift(tmp_path: Path) -> None:
    ahead = 5 * 10**9 + 123
    found = through(Box(ahead_ns=ahead, drift=50e-6), tmp_path)
    assert found.clock.drift_ppb is not None
    assert abs(found.clock.drift_ppb - 50_000) < 500
    for way in found.ways:
        if way.arrived:
            assert way.delay_median_ns is not None
            assert abs(way.delay_median_ns - 3 * MS) < 50_000


def test_a_drift_that_cannot_be_told_is_none(tmp_path: Path) -> None:
    assert through(Box(ahead_ns=-7 * MS), tmp_path).clock.drift_ppb is None


def test_a_nat(tmp_path: Path) -> None:
    def change(packet: Packet) -> None:
        address, port = (26, 34) if packet.from_client else (30, 36)
        packet.put(address, 4, 0xC6336401)
        packet.put(port, 2, packet.get(port, 2) ^ 0x0101)

    found = through(Box(change), tmp_path)
    assert not found.traces
    assert {way.matched_by for way in found.ways} == {BY_NUMBERS}
    assert {difference.what for difference in found.differences} == {"client"}
    assert all(difference.at_server.startswith("198.51.100.1 port ") for difference in found.differences)


def test_sequence_numbers_that_are_changed(tmp_path: Path) -> None:
    def change(packet: Packet) -> None:
        seq = 38 if packet.from_client else 42
        packet.put(seq, 4, packet.get(seq, 4) + 0x9000_0000)

    found = through(Box(change), tmp_path)
    assert not [trace for trace in found.traces if not trace.flags]
    assert {(row.what, row.at_server, row.direction) for row in found.differences} == {
        ("sequence_numbers", f"+{0x9000_0000}", "to_server")
    }


def test_a_nat_that_changes_sequence_numbers_too(tmp_path: Path) -> None:
    def change(packet: Packet) -> None:
        seq, address, port = (38, 26, 34) if packet.from_client else (42, 30, 36)
        packet.put(seq, 4, packet.get(seq, 4) + 77_777)
        packet.put(address, 4, 0xC6336401)
        packet.put(port, 2, packet.get(port, 2) ^ 0x0101)

    found = through(Box(change), tmp_path, "write-write-read.pcap")
    assert {way.matched_by for way in found.ways} == {BY_PAYLOAD}
    assert not found.traces


def test_options_and_fields_that_are_changed(tmp_path: Path) -> None:
    def change(packet: Packet) -> None:
        packet.data[15] = 0xB8  # DSCP 46
        packet.data[22] -= 5
        if packet.syn:
            place = 54
            assert packet.data[place] == 2  # MSS comes first in a SYN of Linux
            packet.put(place + 2, 2, 1380)

    found = through(Box(change), tmp_path)
    assert not found.traces
    assert {(row.what, row.at_server) for row in found.differences} == {("mss", "1380"), ("dscp", "46")}
    assert all(row.at_client == "1460" for row in found.differences if row.what == "mss")
    assert {way.routers for way in found.ways if way.direction == "to_server"} == {5}


def test_a_reset_from_between(tmp_path: Path) -> None:
    def inject(far: list[Packet]) -> list[Packet]:
        made = []
        last = [packet for packet in far if packet.from_client][20]
        forged = Packet(last.time_ns + 1000, bytearray(last.data[:54]))
        forged.data[46] = 0x50
        forged.data[47] = 0x14  # RST and ACK, without options
        forged.put(16, 2, 40)
        forged.put(18, 2, 0xBEEF)
        made.append(forged)
        return made

    found = through(Box(inject=inject), tmp_path)
    assert [(trace.kind, trace.flags, trace.direction, trace.client_frame) for trace in found.traces] == [
        (INJECTED, "RST", "to_server", None)
    ]


def test_a_tap_that_captures_everything_twice(tmp_path: Path) -> None:
    # Without an identification a copy cannot be told from a packet that was sent twice.
    twice = [packet for packet in packets("duplicate-frames-mirror.pcap") if packet.get(18, 2)]
    once: dict[bytes, Packet] = {}
    for packet in twice:
        once.setdefault(bytes(packet.data[14:]), packet)
    assert len(twice) - len(once) > 20
    both = write(tmp_path / "twice.pcap", twice), write(tmp_path / "once.pcap", once.values())
    for client, server in (both, both[::-1]):
        found = compared(client, server)
        assert found.clock.packets == len(once)
        assert not found.traces
        assert not found.differences


def test_packets_that_the_network_doubles_at_the_same_moment(tmp_path: Path) -> None:
    def inject(far: list[Packet]) -> list[Packet]:
        chosen = [packet for packet in far if packet.from_client][3:20:5]
        return [Packet(packet.time_ns + 1000, bytearray(packet.data)) for packet in chosen]

    found = through(Box(inject=inject), tmp_path)
    assert [trace.kind for trace in found.traces] == [DOUBLED] * 4
    assert sum(way.doubled for way in found.ways) == 4


def test_losses_either_way(tmp_path: Path) -> None:
    near = packets("http-connections.pcap")
    # Not those that open a stream: times behind the box are not those of a real way, and a stream would begin
    # with what is no SYN.
    chosen = frozenset(number for number in range(10, len(near) - 10, 7) if not near[number].syn)
    found = through(Box(lose=chosen), tmp_path)
    expected = Counter()
    for number in chosen:
        expected["lost" if near[number].from_client else "injected"] += 1
    assert Counter(trace.kind for trace in found.traces) == expected


def test_captures_without_anything_in_common(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.pcap", [])
    found = compared(CAPTURES / "reset.pcap", empty)
    assert (found.clock.streams, found.clock.ahead_ns, found.clock.client_only) == (0, None, 4)
    assert not compared(empty, empty).ways
    found = compared(CAPTURES / "reset.pcap", CAPTURES / "lossy-transfer-client.pcap")
    assert not found.ways
