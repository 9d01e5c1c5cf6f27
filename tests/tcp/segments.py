"""Segments between two hosts, what the TCP analysis says of them, and random ones of every kind."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from crafting import ACK, FIN, PSH, RST, SYN, ethernet_of, ip4, tcp
from frames import Frame, Kernels, batches

from netanalyze.tcp.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

SEQUENCE = 2**32
START_NS = 10**18
MS = 10**6


class Segment(NamedTuple):
    """A segment of connection ``pair``, sent by its side 0 (port 1024 and up) or 1 (port 80)."""

    side: int
    seq: int
    ack: int = 0
    flags: int = ACK
    payload: bytes = b""
    window: int = 1000
    at_ns: int = 0
    options: bytes = b""
    ident: int = 0
    pair: int = 0

    def frame(self, shifts: tuple[int, int] = (0, 0)) -> Frame:
        """As a frame, with both sides' sequence numbers moved by as much."""
        hosts = f"10.0.{self.pair}.1", f"10.1.{self.pair}.1"
        ports = 1024 + self.pair, 80
        seq = (self.seq + shifts[self.side]) % SEQUENCE
        ack = (self.ack + shifts[1 - self.side]) % SEQUENCE if self.flags & ACK else self.ack % SEQUENCE
        source, target = (0, 1) if self.side == 0 else (1, 0)
        segment = tcp(
            self.payload, ports[source], ports[target], seq, ack, self.flags,
            window=self.window, options=moved(self.options, shifts[1 - self.side]),
        )  # fmt: skip
        packet = ip4(segment, 6, hosts[source], hosts[target], ident=self.ident)
        return Frame(ethernet_of(packet), time_ns=START_NS + self.at_ns)


def sack(*blocks: tuple[int, int]) -> bytes:
    """A SACK option after two octets of padding."""
    return struct.pack(">BBBB", 1, 1, 5, 2 + 8 * len(blocks)) + b"".join(
        struct.pack(">II", left % SEQUENCE, right % SEQUENCE) for left, right in blocks
    )


def timestamps(value: int, echo: int) -> bytes:
    return struct.pack(">BBBBII", 1, 1, 8, 10, value % SEQUENCE, echo % SEQUENCE)


def moved(options: bytes, shift: int) -> bytes:
    """The options with the SACK blocks moved; of ours, a SACK option comes first."""
    if options[:3] != b"\x01\x01\x05" or not shift:
        return options
    size = options[3]
    numbers = struct.unpack(f">{(size - 2) // 4}I", options[4 : 2 + size])
    blocks = b"".join(struct.pack(">I", (number + shift) % SEQUENCE) for number in numbers)
    return options[:4] + blocks + options[2 + size :]


class Found(NamedTuple):
    """What the analysis found.

    Attributes:
        labels: (frame, kind) of every event.
        events: columns of the events as lists.
        directions: columns of the half-streams as lists.
        windows: columns of every segment as lists.
    """

    labels: set[tuple[int, str]]
    events: dict[str, list[Any]]
    directions: dict[str, list[Any]]
    windows: dict[str, list[Any]]

    def kinds(self) -> dict[int, list[str]]:
        """The kinds of each frame that has any."""
        found: dict[int, list[str]] = {}
        for frame, kind in sorted(self.labels):
            found.setdefault(frame, []).append(kind)
        return found

    def half(self, stream: int, sender: int) -> dict[str, Any]:
        """One half-stream: 0 the client's, 1 the server's."""
        return {name: column[2 * stream + sender] for name, column in self.directions.items()}

    def event(self, frame: int, kind: str) -> dict[str, Any]:
        """One event."""
        for place, number in enumerate(self.events["frame"]):
            if number == frame and KINDS[self.events["kind"][place]] == kind:
                columns = {
                    name: column for name, column in self.events.items() if not name.endswith("_names")
                }
                return {name: column[place] for name, column in columns.items()}
        message = f"frame {frame} has no {kind}: {self.kinds().get(frame)}"
        raise AssertionError(message)


def analyse(
    kernels: Kernels, frames: Sequence[Frame], *, size: int = 4096, like_wireshark: bool = False
) -> Found:
    """Take frames through decoding, the flow table and the TCP analysis."""
    tables = ("streams", "directions", "events", "windows")
    decoder = kernels.decode.Decoder(size)
    flows = kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    analysis = kernels.analysis.TcpAnalysis(
        decoder.packets.capacity, tables, like_wireshark=like_wireshark, streams=range(1000)
    )
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        analysis.feed(batch, packets, flows.tcp.count)
    streams = kernels.analysis.Streams(flows.tcp, ())
    events = plain(analysis.events(streams))
    return Found(
        {(frame, KINDS[kind]) for frame, kind in zip(events["frame"], events["kind"], strict=True)},
        events,
        plain(analysis.directions(streams, slice(None))),
        plain(analysis.windows(streams)),
    )


def plain(columns: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns as lists, names of codes as they are."""
    return {
        name: list(column) if isinstance(column, list | tuple) else column.tolist()
        for name, column in columns.items()
    }


class Pair:
    """Two endpoints that send whatever comes to their minds."""

    def __init__(self, rng: random.Random, number: int) -> None:  # noqa: D107 - as in the class docstring
        self.rng = rng
        self.number = number
        self.next = [
            rng.choice([rng.randrange(SEQUENCE), SEQUENCE - rng.randrange(3000), 0, 1]) for _ in "ab"
        ]
        self.acked = [0, 0]
        self.window = [rng.choice([0, 1000, 65535, 500]) for _ in "ab"]
        self.sent: list[list[tuple[int, bytes, int]]] = [[], []]

    def syn(self, side: int) -> Segment:
        """An opening segment, often out of place."""
        rng = self.rng
        flags = rng.choice([SYN, SYN | ACK])
        options = b"\x02\x04\x05\xb4" + rng.choice([b"", b"\x01\x03\x03" + bytes([rng.randrange(15)])])
        if rng.random() < 0.3:
            self.next[side] = rng.randrange(SEQUENCE)
        payload = b"x" * rng.randrange(5) if rng.random() < 0.2 else b""
        ack = 0 if flags == SYN and rng.random() < 0.8 else self.next[1 - side]
        segment = self.segment(side, self.next[side], ack, flags, payload)._replace(options=options)
        self.next[side] = (self.next[side] + 1 + len(payload)) % SEQUENCE
        return segment

    def other(self, side: int) -> Segment:
        """Data, acknowledgements, repetitions, probes, closing segments, wrong numbers."""
        rng = self.rng
        kind = rng.random()
        payload = b"x" * rng.choice([1, 1, 2, 10, 100, 1000, 0]) if kind < 0.35 else b""
        flags = ACK | (FIN if kind > 0.9 else 0)
        seq, ack = self.next[side], self.next[1 - side]
        if 0.88 < kind < 0.9:
            flags, ack = RST | rng.choice([0, ACK]), rng.choice([0, ack])
        elif 0.86 < kind < 0.88:
            flags = rng.choice([0, PSH, RST | SYN, FIN])
        if rng.random() < 0.25 and self.sent[side]:
            seq, payload, flags = rng.choice(self.sent[side][-6:])
        elif rng.random() < 0.2:
            seq += rng.choice([1, -1, 1000, -1, -100, 3000, -1])
        if rng.random() < 0.3:
            ack = self.acked[side]
        elif rng.random() < 0.2:
            ack += rng.choice([1, -1, -50, 100, -1000, 5000])
        if rng.random() < 0.2:
            self.window[side] = rng.choice([0, 0, 1, 100, 1000, 5000])
        if rng.random() < 0.15 and len(payload) > 1:
            room = (self.acked[1 - side] + self.window[1 - side] - seq) % SEQUENCE
            payload = b"x" * room if 0 < room < 1400 else payload
        end = (seq + len(payload) + bool(flags & FIN)) % SEQUENCE
        if (end - self.next[side]) % SEQUENCE < SEQUENCE // 2:
            self.next[side] = end
        return self.segment(side, seq, ack, flags, payload)

    def segment(self, side: int, seq: int, ack: int, flags: int, payload: bytes) -> Segment:
        self.acked[side] = ack
        self.sent[side].append((seq, payload, flags))
        return Segment(
            side, seq % SEQUENCE, ack % SEQUENCE, flags, payload, self.window[side], pair=self.number
        )


def anything(seed: int, count: int = 400, pairs: int = 6) -> list[Frame]:
    """Segments in which everything goes wrong that can, with times that are close to each other."""
    rng = random.Random(seed)
    talkers = [Pair(rng, number) for number in range(pairs)]
    now, frames = 0, []
    for number in range(count):
        now += rng.choice([0, 1000, 100_000, 2 * MS, 5 * MS, 19 * MS, 30 * MS, 250 * MS, -1000])
        talker, side = rng.choice(talkers), rng.randrange(2)
        segment = talker.syn(side) if number < 12 or rng.random() < 0.03 else talker.other(side)
        if rng.random() < 0.1:
            base = segment.ack + rng.randrange(-20, 2000)
            segment = segment._replace(options=sack((base, base + rng.randrange(1, 500)), (base - 99, base)))
        elif rng.random() < 0.3:
            segment = segment._replace(options=segment.options + timestamps(number // 3, number // 5))
        frames.append(segment._replace(at_ns=now, ident=rng.choice([0, number, number + 1])).frame())
    return frames
