"""DNS talks made by hand: messages of dnspython in datagrams and segments, and the tables of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rrset
from crafting import ACK, ethernet_of, ip4, tcp, udp

from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLIENT, SERVER, SECOND = "10.0.0.1", "10.0.0.53", "10.0.0.54"
SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS


def question(name: str, kind: str = "A", number: int = 7, **options: Any) -> bytes:  # noqa: ANN401 - of dnspython
    """A query."""
    return dns.message.make_query(name, kind, id=number, **options).to_wire()


def reply(asked: bytes, *records: str, rcode: int = 0, flags: int = 0) -> bytes:
    """An answer to a query; each record as ``name ttl class type data``."""
    made = dns.message.make_response(dns.message.from_wire(asked))
    made.set_rcode(rcode)
    made.flags |= flags
    for record in records:
        name, ttl, group, kind, data = record.split(" ", 4)
        made.answer.append(dns.rrset.from_text(name, int(ttl), group, kind, data))
    return made.to_wire()


class Talk:
    """Frames with times."""

    def __init__(self) -> None:
        """No frames."""
        self.frames: list[tuple[int, bytes]] = []
        self._next: dict[tuple[str, int, str, int], int] = {}

    def datagram(self, at_s: float, src: tuple[str, int], dst: tuple[str, int], payload: bytes) -> int:
        """Add a datagram; returns the number of its frame."""
        packet = ip4(udp(payload, src[1], dst[1]), 17, src[0], dst[0], ident=len(self.frames) + 1)
        return self.frame(at_s, packet)

    def frame(self, at_s: float, packet: bytes) -> int:
        """Add a packet."""
        self.frames.append((START_NS + round(at_s * SECOND_NS), ethernet_of(packet)))
        return len(self.frames)

    def ask(
        self, at_s: float, payload: bytes, port: int = 40000, server: str = SERVER, client: str = CLIENT
    ) -> int:
        """Add a query over UDP."""
        return self.datagram(at_s, (client, port), (server, 53), payload)

    def answer(
        self, at_s: float, payload: bytes, port: int = 40000, server: str = SERVER, client: str = CLIENT
    ) -> int:
        """Add an answer over UDP."""
        return self.datagram(at_s, (server, 53), (client, port), payload)

    def segment(
        self, at_s: float, *, query: bool, payload: bytes, port: int = 50000, flags: int = ACK
    ) -> int:
        """Add a segment of a connection between client and server."""
        ends = ((CLIENT, port), (SERVER, 53)) if query else ((SERVER, 53), (CLIENT, port))
        (src, sport), (dst, dport) = ends
        key, back = (src, sport, dst, dport), (dst, dport, src, sport)
        seq, ack = self._next.setdefault(key, 1000), self._next.setdefault(back, 1000)
        self._next[key] = seq + len(payload) + bool(flags & 2)
        return self.frame(
            at_s, ip4(tcp(payload, sport, dport, seq, ack, flags), 6, src, dst, ident=len(self.frames) + 1)
        )

    def connect(self, at_s: float, port: int = 50000) -> None:
        """Add a handshake."""
        self.segment(at_s, query=True, payload=b"", port=port, flags=2)
        self.segment(at_s, query=False, payload=b"", port=port, flags=2 | ACK)
        self.segment(at_s, query=True, payload=b"", port=port)

    def write(self, path: Path) -> Path:
        """A file of it."""
        parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
        for time_ns, data in self.frames:
            parts += [struct.pack("<IIII", *divmod(time_ns, SECOND_NS), len(data), len(data)), data]
        path.write_bytes(b"".join(parts))
        return path

    def tables(self, folder: Path, *names: str) -> list[list[dict[str, Any]]]:
        """The rows of some tables."""
        report = run([str(self.write(folder / "talk.pcap"))], Options(tables=names))
        return [report[name].to_dicts() for name in names]

    def rows(self, folder: Path) -> list[dict[str, Any]]:
        """Those of the table ``dns``."""
        return self.tables(folder, "dns")[0]


def framed(*messages: bytes) -> bytes:
    """Messages as TCP carries them."""
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


def picked(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Some columns."""
    return [tuple(row[name] for name in names) for row in rows]


TRUNCATED = int(dns.flags.TC)
