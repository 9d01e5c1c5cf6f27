"""Hostile traffic: no exception, nothing lost from the ledger, and both kinds of kernel agree."""

from __future__ import annotations

import random

from crafting import ethernet_of, ip4, ip6, tcp
from frames import COMPILED, INTERPRETED, Frame, Kernels, analyse, load, same_columns
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios import all_stories
from wrappings import WRAPPINGS

from netanalyze.wire import codes

LINK_TYPES = sorted(codes.LINK_LAYERS)
SAMPLES = [
    *(
        Frame(wrapping.wrap((ip6 if wrapping.version == 6 else ip4)(tcp(b"payload"))), wrapping.link_type)
        for wrapping in WRAPPINGS.values()
    ),
    *(Frame(frame) for _, frame in all_stories() if len(frame) < 2000),
]


def both(frames: list[Frame], size: int | None = None, *, keep_duplicates: bool = True) -> None:
    """The invariants with either kind of kernel, and the same columns from both."""
    interpreted = load(INTERPRETED)
    assert interpreted is not None
    one = analyse(interpreted, frames, size=size, keep_duplicates=keep_duplicates)
    compiled = load(COMPILED)
    if compiled is not None:
        same_columns(analyse(compiled, frames, size=size, keep_duplicates=keep_duplicates), one)


def mutated(rng: random.Random, frame: Frame) -> Frame:
    """The frame with a few bits or bytes changed, cut, doubled or spliced."""
    data = bytearray(frame.data)
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] ^= 1 << rng.randrange(8)
        else:
            data[at] = rng.choice((0, 1, 4, 6, 0x45, 0x60, 0x80, 0xFF, rng.randrange(256)))
    kind = rng.random()
    if kind < 0.1:
        data = data[: rng.randrange(len(data))]
    elif kind < 0.15:
        data += bytes(rng.randrange(40))
    elif kind < 0.2:
        other = rng.choice(SAMPLES).data
        data = data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]
    frame = frame._replace(data=bytes(data), wire_bytes=None)
    if rng.random() < 0.1:
        frame = frame.cut(rng.randrange(len(data) + 1))
    if rng.random() < 0.05:
        frame = frame._replace(link_type=rng.choice(LINK_TYPES))
    return frame


def test_mutated_packets() -> None:
    rng = random.Random(20_260_101)
    frames = [
        mutated(rng, rng.choice(SAMPLES))._replace(
            time_ns=number * rng.choice((0, 1000, 10**6)), interface=rng.randrange(2)
        )
        for number in range(4000)
    ]
    both(frames[:2000], 256)
    both(frames[2000:], 1000, keep_duplicates=False)


def test_samples_as_they_are() -> None:
    both(SAMPLES, 64)
    both(SAMPLES * 2, 100, keep_duplicates=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(LINK_TYPES), st.binary(max_size=200)), max_size=20), st.integers(1, 20)
)
def test_random_bytes(frames: list[tuple[int, bytes]], size: int) -> None:
    both([Frame(data, link_type) for link_type, data in frames], size)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=100)), min_size=1, max_size=20))
def test_random_bytes_in_ip(bodies: list[tuple[int, bytes]]) -> None:
    frames = [Frame(ethernet_of(ip4(body, number))) for number, body in bodies]
    frames += [Frame(ethernet_of(ip6(body, number))) for number, body in bodies]
    both(frames)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(SAMPLES),
            st.integers(0, 2000),
            st.integers(-(2**63), 2**63 - 1),
            st.sampled_from([0, 1, 60, 2**31, 2**32, 2**40]),
        ),
        min_size=1,
        max_size=10,
    ),
    st.integers(1, 10),
)
def test_cuts_times_and_lengths(chosen: list[tuple[Frame, int, int, int]], size: int) -> None:
    # Any time there is, in any order, before 1970 too; and lengths on the wire of more than 32 bits.
    frames = []
    for frame, cut, time_ns, extra in chosen:
        cut_frame = frame.cut(min(cut, len(frame.data)))
        frames.append(cut_frame._replace(wire_bytes=cut_frame.wire + extra, time_ns=time_ns))
    both(frames, size)
    both(frames, size, keep_duplicates=False)


def test_a_row_forgets(kernels: Kernels) -> None:
    # Each frame alone gives what it gives after any other frame in the same row.
    rng = random.Random(7)
    frames = [mutated(rng, frame) for frame in rng.sample(SAMPLES, 150)]
    used = analyse(kernels, frames, size=1)
    for number, frame in enumerate(frames, 1):
        alone = analyse(kernels, [frame])
        if any(verdict == codes.FRAGMENT_HELD for verdict, _ in (*alone.verdicts, used.verdicts[number - 1])):
            continue  # what a fragment becomes does depend on the frames before
        assert [public(packet) for packet in alone.packets] == [public(packet) for packet in used.of(number)]


def public(packet: object) -> dict[str, object]:
    """The columns that mean something for this packet."""
    columns = dict(vars(packet))
    protocol, role = columns["protocol"], columns["role"]
    meant = {"role", "source", "ip_version", "protocol", "src", "dst", "ip_id", "ttl", "tos", "ip_bytes"}
    meant |= {"network_offset", "fragments", "link_hash", "path"}
    if protocol in {1, 6, 17, 58}:
        meant |= {"sport", "dport", "transport_offset", "payload_offset", "payload_bytes", "payload_captured"}
        meant |= {"payload"}
        if role != 2:
            meant.add("checksum")
    if protocol == 6:
        meant |= {"seq", "ack", "flags"}
        if role != 2:
            meant |= {"window", "mss", "window_scale", "sack_permitted", "sack_offset", "sack_blocks"}
            meant |= {"tsval", "tsecr"}
    return {name: value for name, value in columns.items() if name in meant}
