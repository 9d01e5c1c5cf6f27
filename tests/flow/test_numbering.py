"""Stream numbers: when a segment belongs to a stream, and when it opens the next one."""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np
import pytest
from crafting import ACK, FIN, RST, SYN, ethernet_of, ip4, ip6, tcp, udp
from frames import TCP, UDP, Frame, Kernels, analyse
from scenarios import DATA, OPENED, A, B, numbering

from netanalyze.flow import fields

X, Y = "10.0.0.1", "10.0.0.2"

# The same stories as against tshark, with the numbers written down.
STORIES = {
    "handshake": ([*OPENED, (A, DATA, 101, 501), (B, ACK, 501, 102), (A, FIN | ACK, 102, 501)], [0] * 6),
    "a retried SYN": ([(A, SYN, 100, 0)] * 3, [0, 0, 0]),
    "a SYN with another number": ([(A, SYN, 100, 0), (A, SYN, 700, 0), (B, SYN | ACK, 9, 701)], [0, 1, 1]),
    "reuse after FIN": ([*OPENED, (A, FIN | ACK, 101, 501), (A, SYN, 900, 0)], [0, 0, 0, 0, 1]),
    "the same number after FIN": ([*OPENED, (A, FIN | ACK, 101, 501), (A, SYN, 100, 0)], [0] * 5),
    "a retry after a reset": ([(A, SYN, 100, 0), (B, RST | ACK, 0, 101), (A, SYN, 100, 0)], [0, 0, 0]),
    "another number after a reset": ([(A, SYN, 100, 0), (B, RST | ACK, 0, 101), (A, SYN, 101, 0)], [0, 0, 1]),
    "two SYN-ACKs": ([(A, SYN, 100, 0), (B, SYN | ACK, 500, 101), (B, SYN | ACK, 900, 101)], [0, 0, 0]),
    "the number of the second SYN-ACK": (
        [
            (A, SYN, 100, 0),
            (B, SYN | ACK, 500, 101),
            (B, SYN | ACK, 900, 101),
            (B, SYN, 900, 0),
            (B, SYN, 500, 0),
        ],
        [0, 0, 0, 0, 1],
    ),
    "the server opens": ([*OPENED, (B, SYN, 4000, 0), (A, SYN | ACK, 1, 4001)], [0, 0, 0, 1, 1]),
    "simultaneous open": ([(A, SYN, 100, 0), (B, SYN, 500, 0), (B, SYN | ACK, 500, 101)], [0, 0, 0]),
    "begun before the capture": (
        # What is one before the first number seen is taken for the initial one.
        [(A, DATA, 1000, 2000), (B, SYN, 1999, 0), (A, SYN, 999, 0), (A, SYN, 50, 0)],
        [0, 0, 0, 1],
    ),
    "the number before zero": ([(A, DATA, 0, 0), (A, SYN, 0xFFFFFFFF, 0), (A, SYN, 0, 0)], [0, 0, 1]),
    "an old number again": ([(A, SYN, number, 0) for number in (1, 2, 1, 1)], [0, 1, 2, 2]),
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("shift", [0, 1, 2**31, 2**32 - 100, 2**32 - 1])
def test_stories(kernels: Kernels, name: str, shift: int) -> None:
    # Adding the same to all numbers changes nothing: sequence numbers wrap.
    steps, streams = STORIES[name]
    moved = [(who, flags, (seq + shift) % 2**32, (ack + shift) % 2**32) for who, flags, seq, ack in steps]
    for size in (1, len(steps)):
        assert analyse(kernels, numbering(*moved)(X, Y), size=size).streams() == streams


def test_numbers_are_given_in_order_of_the_first_packet(kernels: Kernels) -> None:
    frames = [
        ethernet_of(ip4(udp(b"", 1, 2), 17, X, Y)),
        ethernet_of(ip4(tcp(b"", 1, 2), 6, X, Y)),
        ethernet_of(ip4(tcp(b"", 2, 1), 6, X, Y)),
        ethernet_of(ip4(udp(b"", 2, 1), 17, Y, X)),
        ethernet_of(ip4(tcp(b"", 2, 1), 6, Y, X)),
        ethernet_of(ip4(udp(b"", 2, 1), 17, X, Y)),
        ethernet_of(ip6(udp(b"", 1, 2), 17, "::10.0.0.1", "::10.0.0.2")),
        ethernet_of(ip6(tcp(b"", 2, 1), 6, "::10.0.0.2", "::10.0.0.1")),
    ]
    analysis = analyse(kernels, frames)
    # An IPv6 address that ends in the octets of an IPv4 one is another endpoint.
    assert analysis.streams(TCP) == [0, 1, 0, 2]
    assert analysis.streams(UDP) == [0, 0, 1, 2]
    assert [packet.side for packet in analysis.packets] == [0, 0, 0, 1, 1, 0, 0, 0]


def test_a_host_that_talks_to_itself(kernels: Kernels) -> None:
    frames = [ethernet_of(ip4(tcp(b"", 5, 5), 6, X, X))] * 2 + [ethernet_of(ip4(tcp(b"", 5, 6), 6, X, X))]
    frames += [ethernet_of(ip4(tcp(b"", 6, 5), 6, X, X))]
    analysis = analyse(kernels, frames)
    assert analysis.streams() == [0, 0, 1, 1]
    assert [packet.side for packet in analysis.packets] == [0, 0, 0, 1]


class Conversation(NamedTuple):
    """What a dictionary knows of a stream."""

    first: tuple[object, ...]
    packets: list[int]
    payload: list[int]
    frames: list[int]
    times: list[int]


class Oracle:
    """Streams by the rules of ``table_kernel``, with a dictionary and no hash of its own."""

    def __init__(self) -> None:  # noqa: D107 - as in the class docstring
        self.found: dict[object, int] = {}
        self.base: dict[tuple[int, int], int] = {}
        self.streams: list[Conversation] = []

    def add(
        self, sender: object, receiver: object, fields: tuple[int, int, int], size: int, at: tuple[int, int]
    ) -> tuple[int, int]:
        flags, seq, ack = fields
        number = self.found.get(frozenset((sender, receiver)))
        side = 0
        if number is not None:
            side = int(self.streams[number].first != (sender, receiver))
            if flags & SYN and not flags & ACK and self.base.get((number, side), seq) != seq:
                number = None
        if number is None:
            number, side = len(self.streams), 0
            self.found[frozenset((sender, receiver))] = number
            self.streams.append(Conversation((sender, receiver), [0, 0], [0, 0], [], []))
        stream = self.streams[number]
        stream.packets[side] += 1
        stream.payload[side] += size
        stream.frames.append(at[0])
        stream.times.append(at[1])
        self.base.setdefault((number, side), seq if flags & SYN else (seq - 1) % 2**32)
        if flags & SYN and flags & ACK:
            self.base[number, side] = seq
        if flags & ACK:
            self.base.setdefault((number, 1 - side), (ack - 1) % 2**32)
        return number, side


@pytest.mark.parametrize(("count", "pool", "size"), [(6000, 1500, 700), (3000, 40, 100), (2000, 3, 2000)])
def test_thousands_of_streams_against_a_dictionary(
    kernels: Kernels, count: int, pool: int, size: int
) -> None:
    # Hash table and rows grow several times on the way, with ports reused before and after.
    rng = random.Random(count)
    ends = [
        (
            (f"10.0.{rng.randrange(4)}.{rng.randrange(8)}", rng.randrange(1, 60)),
            (f"10.1.0.{rng.randrange(8)}", 80),
        )
        for _ in range(pool)
    ]
    oracle, frames, expected = Oracle(), [], []
    for number in range(1, count + 1):
        pair = rng.choice(ends)
        sender, receiver = pair if rng.random() < 0.6 else pair[::-1]
        flags = rng.choice((SYN, SYN, SYN | ACK, ACK, ACK, DATA, FIN | ACK, RST, 0))
        seq, ack = rng.choice((0, 1, 100, 2**32 - 1)), rng.choice((0, 1, 101))
        payload = bytes(rng.randrange(4))
        time_ns = number * 1000 if rng.random() < 0.9 else rng.randrange(count * 1000)
        segment = tcp(payload, sender[1], receiver[1], seq, ack, flags)
        frames.append(Frame(ethernet_of(ip4(segment, 6, sender[0], receiver[0])), time_ns=time_ns))
        expected.append(oracle.add(sender, receiver, (flags, seq, ack), len(payload), (number, time_ns)))
    analysis = analyse(kernels, frames, size=size)
    assert [(packet.stream, packet.side) for packet in analysis.packets] == expected
    columns = analysis.tcp()
    assert columns["first_frame"] == [min(stream.frames) for stream in oracle.streams]
    assert columns["last_frame"] == [max(stream.frames) for stream in oracle.streams]
    assert columns["start_ns"] == [min(stream.times) for stream in oracle.streams]
    assert columns["duration_ns"] == [max(stream.times) - min(stream.times) for stream in oracle.streams]
    for name, kept in (("packets", "packets"), ("bytes", "payload")):
        pairs = zip(columns[f"client_{name}"], columns[f"server_{name}"], strict=True)
        assert [sorted(pair) for pair in pairs] == [
            sorted(getattr(stream, kept)) for stream in oracle.streams
        ]


def test_udp_flows_against_a_dictionary(kernels: Kernels) -> None:
    rng = random.Random(3)
    known: dict[object, int] = {}
    frames, expected = [], []
    for _ in range(3000):
        one, other = (f"10.0.0.{rng.randrange(20)}", rng.randrange(40)), (f"10.0.0.{rng.randrange(20)}", 53)
        frames.append(ethernet_of(ip4(udp(b"x", one[1], other[1]), 17, one[0], other[0])))
        expected.append(known.setdefault(frozenset((one, other)), len(known)))
    analysis = analyse(kernels, frames, size=512)
    assert analysis.streams(UDP) == expected
    assert analysis.flows.udp.count == len(known)


@pytest.mark.parametrize("seed", range(4))
def test_each_stream_knows_the_next_between_its_ports(kernels: Kernels, seed: int) -> None:
    rng = random.Random(seed)
    ports = [rng.choice([1001, 1002, 1003]) for _ in range(60)]
    frames = [
        ethernet_of(ip4(tcp(b"", port, 80, number, 0, SYN), 6, X, Y)) for number, port in enumerate(ports)
    ]
    flows = analyse(kernels, frames).flows.tcp
    kept = list(range(60))
    for _ in range(3):
        between = [ports[number] for number in kept]
        expected = [
            next((later for later in range(place + 1, len(kept)) if between[later] == port), 0)
            for place, port in enumerate(between)
        ]
        assert flows.word(fields.NEXT).tolist() == expected
        # Those that leave are the oldest between their ports, as when the others have followed them.
        gone = {between.index(port) for port in set(between)}
        kept = [number for place, number in enumerate(kept) if place not in gone]
        flows.keep(np.array(sorted(set(range(len(between))) - gone)))
        assert flows.numbers.tolist() == kept
