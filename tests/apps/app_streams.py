"""Streams made by hand, and what an ``Identifier`` calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from netanalyze.apps.identify import Identifier
from netanalyze.apps.protocol import TCP, UDP
from netanalyze.wire.packets import INNERMOST, Packets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CLIENT = 0
SERVER = 1
ANY_PORT = 45678
"""No protocol listens here."""
CLIENT_PORT = 54321
SYN = 0x02
ACK = 0x10
FIRST_SEQ = (0xFFFFFFF0, 1000)
"""Of client and server; the client's sequence numbers wrap around soon."""


class Row(NamedTuple):
    """A packet."""

    payload: bytes
    side: int = CLIENT
    stream: int = 0
    transport: str = TCP
    flags: int = ACK
    seq: int = 0
    ack: int = 0
    server_port: int = ANY_PORT
    client_port: int = CLIENT_PORT
    wire_bytes: int = -1
    duplicate: int = 0
    role: int = INNERMOST
    source: int = 0


@dataclass
class Named:
    """What became of stream 0."""

    name: str
    confidence: int
    apps: list[int]


def make_packets(rows: Sequence[Row]) -> tuple[Packets, memoryview]:
    """The rows as columns, and the buffer that their payloads lie in."""
    packets = Packets(max(1, len(rows)))
    data = bytearray(b"before")
    arena = bytearray(b"arena")
    for number, row in enumerate(rows):
        buffer = arena if row.source else data
        ports = (row.client_port, row.server_port)
        values = {
            "protocol": 6 if row.transport == TCP else 17,
            "role": row.role,
            "source": row.source,
            "duplicate": row.duplicate,
            "side": row.side,
            "stream": row.stream,
            "sport": ports[row.side],
            "dport": ports[1 - row.side],
            "flags": row.flags,
            "seq": row.seq & 0xFFFFFFFF,
            "ack": row.ack & 0xFFFFFFFF,
            "payload_offset": len(buffer),
            "payload_bytes": len(row.payload) if row.wire_bytes < 0 else row.wire_bytes,
            "payload_captured": len(row.payload),
        }
        for name, value in values.items():
            packets.arrays[name][number] = value
        buffer += row.payload
    packets.count = len(rows)
    packets.arena = memoryview(bytes(arena))
    return packets, memoryview(bytes(data))


def talk(
    transport: str,
    payloads: Iterable[tuple[int, bytes]],
    *,
    port: int = ANY_PORT,
    client_port: int = CLIENT_PORT,
    handshake: bool = True,
    stream: int = 0,
) -> list[Row]:
    """The packets of one conversation; over TCP with its handshake, unless seen from the middle."""
    ends = {"transport": transport, "server_port": port, "client_port": client_port, "stream": stream}
    rows = []
    seq = list(FIRST_SEQ)
    if transport == TCP and handshake:
        rows = [
            Row(b"", CLIENT, flags=SYN, seq=seq[CLIENT], **ends),
            Row(b"", SERVER, flags=SYN | ACK, seq=seq[SERVER], ack=seq[CLIENT] + 1, **ends),
        ]
    seq = [number + 1 for number in seq]
    for side, payload in payloads:
        rows.append(Row(payload, side, seq=seq[side], **ends))
        seq[side] += len(payload)
    return rows


def names_of(conversations: Sequence[Sequence[Row]], *, batch: int = 1 << 20) -> list[tuple[str, int]]:
    """Name and confidence of each of these conversations, all of them put before one identifier."""
    identifier = Identifier()
    rows = [row._replace(stream=number) for number, talked in enumerate(conversations) for row in talked]
    for start in range(0, len(rows), batch):
        packets, data = make_packets(rows[start : start + batch])
        identifier.feed(packets, data)
    tcp, names = identifier.tcp_apps()
    udp, _ = identifier.udp_apps()
    codes = {TCP: (tcp, identifier.tcp_confidences()), UDP: (udp, identifier.udp_confidences())}
    found = []
    for number, talked in enumerate(conversations):
        code, confidence = codes[talked[0].transport]
        found.append((names[code[number]], int(confidence[number])))
    return found


def name_of(
    rows: Sequence[Row], decode_as: Mapping[tuple[str, int], str] | None = None, *, batch: int = 1 << 20
) -> Named:
    """What stream 0 of these rows is called, fed ``batch`` packets at a time."""
    identifier = Identifier(decode_as)
    apps: list[int] = []
    for start in range(0, len(rows), batch):
        packets, data = make_packets(rows[start : start + batch])
        app = np.full(packets.count, -1, np.int16)
        identifier.feed(packets, data, memoryview(app))
        apps += app.tolist()
    tcp = rows[0].transport == TCP
    codes, names = identifier.tcp_apps() if tcp else identifier.udp_apps()
    confidences = identifier.tcp_confidences() if tcp else identifier.udp_confidences()
    return Named(names[codes[0]], int(confidences[0]), apps)
