"""Packets: what was decoded from a batch of frames, as columns.

A frame gives no packet (ARP, damage), one (the usual case) or several: each UDP datagram that
carries a tunnel is a packet of its own beside the innermost one, and so is the packet that an ICMP
error quotes. ``order`` puts rows in the order of their frames, carriers before what they carry.
"""

from __future__ import annotations

from typing import ClassVar

from netanalyze.columns import Columns

INNERMOST = 0
"""Role of the packet that the frame is about: the one that statistics count."""
CARRIER = 1
"""Role of a UDP datagram that carries a tunnelled packet."""
QUOTED = 2
"""Role of a packet header that an ICMP error quotes; it was sent earlier, in another frame."""

DAMAGED = 3
"""Role of a packet whose transport header cannot be right, of which only the ports are believed."""

IN_BATCH = 0
"""Source of a packet whose bytes lie in the batch's buffer."""
IN_ARENA = 1
"""Source of a packet put together from fragments, whose bytes lie in ``Packets.arena``."""

UNKNOWN = -1
"""In a column: the packet does not have this field."""


class Packets(Columns):
    """Packets decoded from one batch; the first ``count`` rows are valid.

    A row whose ``protocol`` is 0 holds no packet: its frame had none, or it was damaged.

    Attributes:
        count: rows in use.
        order: the rows in order of their frames (int32): what a stage that goes through them follows.
        arena: bytes of the packets that were put together from fragments.

    Columns (of a row that holds a packet; those of the TCP header only for TCP):
        frame: index of the frame in the batch.
        role: ``INNERMOST``, ``CARRIER``, ``QUOTED`` or ``DAMAGED``.
        source: the buffer that offsets refer to, ``IN_BATCH`` or ``IN_ARENA``.
        ip_version: 4 or 6.
        protocol: IP protocol number of the transport: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6, others.
        src_hi, src_lo, dst_hi, dst_lo: the addresses as two 64-bit halves; IPv4 in the low half.
        sport, dport: ports; for ICMP its type and code.
        ip_id: IPv4 identification, ``UNKNOWN`` for IPv6.
        ttl, tos: time to live or hop limit; type of service or traffic class (DSCP and ECN).
        ip_bytes: length of the IP packet on the wire, headers included.
        network_offset, transport_offset, payload_offset: where these begin in the source buffer. The IP
            header before a datagram that was put together is that of its last fragment to arrive.
        payload_bytes: transport payload on the wire, never counting padding.
        payload_captured: how many bytes of it were captured.
        seq, ack, flags, window: of the TCP header, raw; flags are its low 12 bits. A quote that is too
            short for them, or is of a fragment, has ``UNKNOWN`` for ack and flags, of UDP for flags.
        checksum: the transport's checksum field.
        mss, window_scale: options of this segment, ``UNKNOWN`` where absent.
        sack_permitted: 1 if the option is there.
        sack_offset, sack_blocks: where the first SACK block lies and how many there are.
        tsval, tsecr: timestamps option, ``UNKNOWN`` where absent.
        link_hash: a number made from the link headers before the IP packet.
        fragments: how many fragments the packet was put together from; 0 if it came whole, ``UNKNOWN``
            for a quoted one that is a fragment of which Wireshark does not show the ports.
        stream: number of the TCP stream or UDP flow, ``UNKNOWN`` for other protocols, and for a short
            quote from a conversation that was not seen.
        side: 0 if sent by the endpoint that sent the stream's first packet, else 1.
        opens: 1 for the first packet of its stream, 2 if these endpoints had another one before.
        duplicate: 1 if an earlier frame is the same packet captured before.
        app: code of the application protocol as far as it is known at this packet, 0 if it is not.
    """

    FIELDS: ClassVar = {
        "frame": "i4",
        "role": "u1",
        "source": "u1",
        "ip_version": "u1",
        "protocol": "u1",
        "src_hi": "u8",
        "src_lo": "u8",
        "dst_hi": "u8",
        "dst_lo": "u8",
        "sport": "i4",
        "dport": "i4",
        "ip_id": "i4",
        "ttl": "u1",
        "tos": "u1",
        "ip_bytes": "i8",
        "network_offset": "i8",
        "transport_offset": "i8",
        "payload_offset": "i8",
        "payload_bytes": "i8",
        "payload_captured": "i8",
        "seq": "i8",
        "ack": "i8",
        "flags": "i4",
        "window": "i4",
        "checksum": "i4",
        "mss": "i4",
        "window_scale": "i4",
        "sack_permitted": "u1",
        "sack_offset": "i8",
        "sack_blocks": "i4",
        "tsval": "i8",
        "tsecr": "i8",
        "link_hash": "i8",
        "fragments": "i4",
        "stream": "i8",
        "side": "u1",
        "opens": "u1",
        "duplicate": "u1",
        "app": "i2",
    }

    def __init__(self, capacity: int) -> None:
        """No packets yet, room for ``capacity``."""
        super().__init__(capacity)
        self.count = 0
        self.arena: memoryview = memoryview(b"")
        self.order: memoryview = memoryview(b"")
