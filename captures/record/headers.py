"""The headers of a TCP segment in an Ethernet frame, for rules of the relay that care for single segments."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

ETHERNET_BYTES = 14
ETH_P_IP, IPPROTO_TCP = 0x0800, 6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
SNAP_BYTES = ETHERNET_BYTES + 20 + 60
"""Ethernet, IPv4 without options, and the longest TCP header: no data of a segment, but all its options."""


@dataclass(frozen=True)
class Segment:
    """What the headers of a segment say.

    Attributes:
        source_port: port that it comes from.
        destination_port: port that it goes to.
        sequence: sequence number of its first byte.
        acknowledgment: acknowledgment number.
        flags: FIN, SYN, RST, ACK, …
        window: window field, not scaled.
        payload_bytes: bytes of data, by the length in the IP header.
        ip_id: identification of the IP packet.
    """

    source_port: int
    destination_port: int
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    payload_bytes: int
    ip_id: int

    @classmethod
    def of(cls, frame: bytes) -> Self | None:
        """Read an Ethernet frame; None if it is not TCP over IPv4."""
        if len(frame) < ETHERNET_BYTES + 40 or struct.unpack_from("!H", frame, 12)[0] != ETH_P_IP:
            return None
        packet = memoryview(frame)[ETHERNET_BYTES:]
        if packet[9] != IPPROTO_TCP:
            return None
        ip_bytes = (packet[0] & 15) * 4
        packet_bytes, ip_id = struct.unpack_from("!HH", packet, 2)
        ports_and_numbers = struct.unpack_from("!HHII", packet, ip_bytes)
        tcp_bytes = (packet[ip_bytes + 12] >> 4) * 4
        window = struct.unpack_from("!H", packet, ip_bytes + 14)[0]
        flags, payload_bytes = packet[ip_bytes + 13], packet_bytes - ip_bytes - tcp_bytes
        return cls(*ports_and_numbers, flags, window, payload_bytes, ip_id)
