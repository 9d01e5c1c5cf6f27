"""Captures of a few crafted segments between a client and a server, for tests of explanations."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from crafting import ACK, DST, SRC, SYN, eth, ip4, tcp

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
CLIENT_ISN, SERVER_ISN = 4_294_967_000, 77_000
"""The client's numbers wrap around soon."""


def write_pcap(path: Path, frames: list[tuple[int, bytes]], link_type: int = 1) -> Path:
    """A capture of (ns, bytes)."""
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link_type)
    records = [
        struct.pack("<IIII", 1_700_000_000 + ns // 10**9, ns % 10**9, len(octets), len(octets)) + octets
        for ns, octets in frames
    ]
    path.write_bytes(head + b"".join(records))
    return path


class Talk:
    """Segments one after the other, 1 ms apart unless told otherwise; numbers are relative."""

    def __init__(self) -> None:  # noqa: D107 - in the line above
        self.frames: list[tuple[int, bytes]] = []
        self._ident = {True: 100, False: 500}
        self._now = 0

    def handshake(self) -> Talk:
        return self.client(0, flags=SYN).server(0, 1, flags=SYN | ACK).client(1, 1)

    def client(self, seq: int, ack: int = 0, payload: bytes = b"", **more: int) -> Talk:
        return self._add(seq, ack, payload, more, client=True)

    def server(self, seq: int, ack: int = 0, payload: bytes = b"", **more: int) -> Talk:
        return self._add(seq, ack, payload, more, client=False)

    def _add(self, seq: int, ack: int, payload: bytes, more: dict[str, int], *, client: bool) -> Talk:
        self._now += more.get("after_ns", MS)
        self._ident[client] += 1
        bases = (CLIENT_ISN, SERVER_ISN) if client else (SERVER_ISN, CLIENT_ISN)
        segment = tcp(
            payload,
            *((1111, 80) if client else (80, 1111)),
            (seq + bases[0]) % 2**32,
            (ack + bases[1]) % 2**32 if ack else 0,
            more.get("flags", ACK),
            window=more.get("window", 1000),
        )
        ends = (SRC, DST) if client else (DST, SRC)
        octets = eth(
            0x0800, ip4(segment, src=ends[0], dst=ends[1], ident=more.get("ident", self._ident[client]))
        )
        self.frames.append((self._now, octets))
        return self
