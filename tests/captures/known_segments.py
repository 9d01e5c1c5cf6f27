"""The TCP segments of captures, read from their headers by dpkt: true whatever netanalyze says of them."""

from __future__ import annotations

import json
import struct
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dpkt

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
ACK_ONLY, SYN = dpkt.tcp.TH_ACK, dpkt.tcp.TH_SYN
SERVER_PORTS = {"injected-faults": 9127, "limited-transfers": 9128, "rtt-delays": 9129}


@dataclass(frozen=True)
class Frame:
    """A segment as a capture has it.

    Attributes:
        time_ns: when it was captured.
        sent: whether the server sent it.
        port: the client's port.
        sequence: relative sequence number, the first byte of data being 1.
        acknowledgment: relative acknowledgment number.
        payload_bytes: data, by the length in the IP header.
        flags: TCP flags.
        window: window field.
        ip_id: identification of the IP packet.
        ttl: its time to live.
        checksum: of TCP, as it is in the frame.
        pseudo_checksum: what the sum would be if only the pseudo header had been added up.
        sack: SACK blocks, relative.
    """

    time_ns: int
    sent: bool
    port: int
    sequence: int
    acknowledgment: int
    payload_bytes: int
    flags: int
    window: int
    ip_id: int
    ttl: int
    checksum: int
    pseudo_checksum: int
    sack: tuple[tuple[int, int], ...]

    @property
    def end(self) -> int:
        return self.sequence + self.payload_bytes

    @property
    def tells_of_a_duplicate(self) -> bool:
        """Whether the first SACK block is a D-SACK: already acknowledged, or inside the second one."""
        if not self.sack:
            return False
        first, *others = self.sack
        inside = others and others[0][0] <= first[0] and first[1] <= others[0][1]
        return first[0] < self.acknowledgment or bool(inside)


def pseudo_checksum(addresses: bytes, tcp_bytes: int) -> int:
    head = addresses + struct.pack("!HH", 6, tcp_bytes)
    total = sum(struct.unpack("!6H", head))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@cache
def streams(name: str) -> dict[int, list[Frame]]:
    """The TCP frames of a capture by the client's port."""
    recording = next(one for one in SERVER_PORTS if name.startswith(one))
    found: dict[int, list[Frame]] = defaultdict(list)
    first: dict[tuple[int, bool], int] = {}
    with (CAPTURES / name).open("rb") as file:
        for seconds, data in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(data).data
            if not isinstance(packet, dpkt.ip.IP):
                continue
            segment = packet.data
            sent = segment.sport == SERVER_PORTS[recording]
            port = segment.dport if sent else segment.sport
            if segment.flags & SYN:
                first[port, sent] = segment.seq
            other = first.get((port, not sent), 0)
            sack: list[int] = []
            for kind, value in dpkt.tcp.parse_opts(segment.opts):
                if kind == dpkt.tcp.TCP_OPT_SACK:
                    sack = [
                        (number - other) % 2**32 for number in struct.unpack(f"!{len(value) // 4}I", value)
                    ]
            found[port].append(
                Frame(
                    time_ns=round(seconds * 1_000_000) * 1000,
                    sent=sent,
                    port=port,
                    sequence=(segment.seq - first[port, sent]) % 2**32,
                    acknowledgment=(segment.ack - other) % 2**32,
                    payload_bytes=packet.len - packet.hl * 4 - segment.off * 4,
                    flags=segment.flags,
                    window=segment.win,
                    ip_id=packet.id,
                    ttl=packet.ttl,
                    checksum=segment.sum,
                    pseudo_checksum=pseudo_checksum(packet.src + packet.dst, packet.len - packet.hl * 4),
                    sack=tuple(zip(sack[::2], sack[1::2], strict=True)),
                )
            )
    return dict(found)


def truth(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{recording}.truth.json").read_text())
    return found


def counts(frames: list[Frame]) -> dict[str, int]:
    """What the truth files call ``seen_at``."""
    starts = Counter(frame.sequence for frame in frames if frame.sent and frame.payload_bytes)
    return {
        "frames_from_sender": sum(frame.sent for frame in frames),
        "frames_from_receiver": sum(not frame.sent for frame in frames),
        "data_segments": starts.total(),
        "repeated_data_segments": starts.total() - len(starts),
    }
