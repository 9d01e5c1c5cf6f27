"""Connections crafted to tell where they were captured."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crafting import ACK, DST, DST6, SRC, SRC6, SYN, ethernet_of, ip4, ip6, ones_complement, tcp
from frames import Frame, batches

from netanalyze.flow.table import TCP, FlowTable
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.streams import Streams
from netanalyze.tcp.tap import TAPS, Taps
from netanalyze.wire.decode import Decoder
from netanalyze.wire.packets import CARRIER

if TYPE_CHECKING:
    from collections.abc import Sequence

MS, US = 1_000_000, 1000
FAR_TIMES = (-(2**63) + 1, -(2**62), 2**62, 2**63 - 1)
"""Times out of all measure, as damaged captures have them."""
VALID, LEFT, WRONG = "valid", "left to the card", "wrong"
CLIENT_PORT, SERVER_PORT = 40_000, 80


def pseudo_header(src: str, dst: str, length: int) -> bytes:
    one, other = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    tail = struct.pack(">BBH", 0, 6, length) if one.version == 4 else struct.pack(">IHBB", length, 0, 0, 6)
    return one.packed + other.packed + tail


def with_checksum(segment: bytes, src: str, dst: str, kind: str) -> bytes:
    """The segment with a checksum that is right, left to the card, or neither."""
    bare = segment[:16] + bytes(2) + segment[18:]
    pseudo = pseudo_header(src, dst, len(segment))
    right = ones_complement(pseudo + bare)
    value = {VALID: right, LEFT: ~ones_complement(pseudo) & 0xFFFF, WRONG: right ^ 0x5555}[kind]
    return bare[:16] + struct.pack(">H", value) + bare[18:]


@dataclass(frozen=True)
class Side:
    """What one side's segments have.

    Attributes:
        address, ttl: of its IP packets.
        checksum: of its segments.
        mss: of its SYN; None sends none.
    """

    address: str
    port: int
    ttl: int = 64
    checksum: str = VALID
    mss: int | None = 1460

    def frame(  # noqa: PLR0917 - in the order of the header
        self, to: Side, time_ns: int, flags: int, seq: int, ack: int = 0, payload: bytes = b""
    ) -> Frame:
        options = struct.pack(">BBH", 2, 4, self.mss) if flags & SYN and self.mss is not None else b""
        segment = tcp(payload, self.port, to.port, seq, ack, flags, options=options)
        segment = with_checksum(segment, self.address, to.address, self.checksum)
        if ":" in self.address:
            return Frame(
                ethernet_of(ip6(segment, 6, self.address, to.address, hops=self.ttl)), time_ns=time_ns
            )
        return Frame(ethernet_of(ip4(segment, 6, self.address, to.address, ttl=self.ttl)), time_ns=time_ns)


CLIENT, SERVER = Side(SRC, CLIENT_PORT), Side(DST, SERVER_PORT)
CLIENT6, SERVER6 = Side(SRC6, CLIENT_PORT), Side(DST6, SERVER_PORT)
START_NS = 1_700_000_000 * 1_000_000_000


@dataclass(frozen=True)
class Connection:
    """A handshake and perhaps a segment of each side after it.

    Attributes:
        to_server, to_client: nanoseconds from SYN to SYN-ACK and from that to the ACK.
        client_bytes, server_bytes: payload of the segments after it; none is sent for 0.
        ack_bytes: payload of the ACK.
    """

    to_server: int = 300 * US
    to_client: int = 300 * US
    client: Side = CLIENT
    server: Side = SERVER
    client_bytes: int = 0
    server_bytes: int = 0
    ack_bytes: int = 0

    def but(self, client: dict[str, Any] | None = None, server: dict[str, Any] | None = None) -> Connection:
        """The same with other attributes of its sides."""
        return replace(
            self, client=replace(self.client, **client or {}), server=replace(self.server, **server or {})
        )

    def syn(self, time_ns: int = START_NS) -> Frame:
        return self.client.frame(self.server, time_ns, SYN, 999)

    def syn_ack(self, time_ns: int) -> Frame:
        return self.server.frame(self.client, time_ns, SYN | ACK, 4999, 1000)

    def ack(self, time_ns: int) -> Frame:
        return self.client.frame(self.server, time_ns, ACK, 1000, 5000, bytes(self.ack_bytes))

    def data(self, time_ns: int) -> list[Frame]:
        found = []
        if self.client_bytes:
            found.append(self.client.frame(self.server, time_ns, ACK, 1000, 5000, bytes(self.client_bytes)))
        if self.server_bytes:
            found.append(self.server.frame(self.client, time_ns, ACK, 5000, 1000, bytes(self.server_bytes)))
        return found

    def frames(self) -> list[Frame]:
        answered = START_NS + self.to_server
        done = answered + self.to_client
        return [self.syn(), self.syn_ack(answered), self.ack(done), *self.data(done + MS)]


def evidence(frames: Sequence[Frame | bytes], size: int | None = None) -> list[dict[str, Any]]:
    """What is found out about the capture point of each stream, ``tap`` by its name."""
    size = size or max(len(frames), 1)
    decoder = Decoder(size)
    flows = FlowTable(decoder.facts, keep_duplicates=True)
    segments = Segments(decoder.packets.capacity)
    taps = Taps(segments)
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.mark_duplicates(batch, packets)
        flows.add(batch, packets)
        columns = packets.arrays
        known = (columns["protocol"] == TCP) & (columns["role"] <= CARRIER) & (columns["stream"] >= 0)
        segments.arrays["analysed"][:] = known
        taps.feed(batch, packets, flows.tcp.count)
    found = taps.evidence(Streams(flows.tcp, ()))
    lists = [column.tolist() for column in found.values()]
    rows = [dict(zip(found, row, strict=True)) for row in zip(*lists, strict=True)]
    return [row | {"tap": TAPS[row["tap"]] if row["tap"] >= 0 else None} for row in rows]


def only(frames: Sequence[Frame | bytes]) -> dict[str, Any]:
    """The same of the only stream."""
    (row,) = evidence(frames)
    return row
