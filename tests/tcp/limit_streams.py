"""One TCP stream, written down segment by segment: who sends what when, as the capture point sees it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crafting import ACK, FIN, PSH, RST, SYN, ethernet_of, ip4, tcp

from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from pathlib import Path

MSS = 1460
CLIENT, SERVER = ("10.0.0.2", 40000), ("10.0.0.1", 80)


def as_pcap(frames: list[tuple[int, bytes]]) -> bytes:
    """Frames with their times in ns as a capture file."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for time_ns, data in frames:
        parts += [struct.pack("<IIII", *divmod(time_ns, 10**9), len(data), len(data)), data]
    return b"".join(parts)


def limits_of(path: Path, capture: bytes) -> list[dict[str, Any]]:
    """The rows of the table ``limits`` for a capture."""
    path.write_bytes(capture)
    return run([str(path)], Options(tables=("limits",)))["limits"].to_dicts()


@dataclass
class Download:
    """A server that sends, and a client that acknowledges; sequence numbers are relative.

    Attributes:
        near_us: time from the capture point to the server and back, as the handshake shows it.
        far_us: the same for the client.
        base: initial sequence number of the server.
        window: that the client offers at first; the scale is 0.
    """

    near_us: int = 20
    far_us: int = 40_000
    base: int = 5_000
    window: int = 65_000
    frames: list[tuple[int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the handshake."""
        option = struct.pack(">BBHBBBB", 2, 4, MSS, 3, 3, 0, 1)
        self._client(0, SYN, 0, self.window, options=option, ack_number=False)
        self._server(self.near_us, SYN | ACK, -1, b"", options=option)
        self._client(self.near_us + self.far_us, ACK, 0, self.window)

    def data(self, ms: float, at: int, size: int = MSS, *, push: bool = False) -> None:
        """The server sends ``size`` bytes from byte ``at`` on, counted from 0."""
        self._server(round(ms * 1000), ACK | (PSH if push else 0), at, b"x" * size)

    def flight(self, ms: float, at: int, count: int, *, push: bool = False) -> int:
        """The server sends that many full segments, 3 µs apart; returns the byte behind them."""
        for number in range(count):
            last = push and number == count - 1
            self.data(ms + 0.003 * number, at + MSS * number, push=last)
        return at + MSS * count

    def probe(self, ms: float, at: int) -> None:
        """The server asks for window as Linux does: without payload, one byte below byte ``at``."""
        self._server(round(ms * 1000), ACK, at - 1, b"")

    def ack(self, ms: float, upto: int, window: int | None = None) -> None:
        """The client acknowledges what is below byte ``upto``."""
        self._client(round(ms * 1000), ACK, upto, self.window if window is None else window)

    def fin(self, ms: float, at: int) -> None:
        self._server(round(ms * 1000), FIN | ACK, at, b"")

    def reset(self, ms: float, at: int) -> None:
        self._server(round(ms * 1000), RST | ACK, at, b"")

    def _server(self, us: int, flags: int, at: int, payload: bytes, options: bytes = b"") -> None:
        seq = (self.base + 1 + at) & 0xFFFFFFFF
        segment = tcp(payload, SERVER[1], CLIENT[1], seq, 101, flags, window=60_000, options=options)
        self._add(us, ip4(segment, 6, SERVER[0], CLIENT[0], ident=len(self.frames)))

    def _client(
        self, us: int, flags: int, upto: int, window: int, options: bytes = b"", *, ack_number: bool = True
    ) -> None:
        ack = (self.base + 1 + upto) & 0xFFFFFFFF if ack_number else 0
        seq = 100 if flags & SYN else 101
        segment = tcp(b"", CLIENT[1], SERVER[1], seq, ack, flags, window=window, options=options)
        self._add(us, ip4(segment, 6, CLIENT[0], SERVER[0], ident=len(self.frames)))

    def _add(self, us: int, packet: bytes) -> None:
        self.frames.append((1_700_000_000 * 10**9 + us * 1000, ethernet_of(packet)))

    def limits(self, path: Path) -> dict[str, Any]:
        """The row about what the server sent."""
        (row,) = limits_of(path / "download.pcap", as_pcap(sorted(self.frames, key=lambda frame: frame[0])))
        assert row["sender"] == "server"
        return row
