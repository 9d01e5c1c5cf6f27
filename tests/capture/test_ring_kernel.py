"""The walk over a packet ring: frames where they lie, tags put back, and nothing read outside a block."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from crafted import from_source
from hypothesis import given
from hypothesis import strategies as st
from ring_blocks import (
    ETHERNET,
    LOOPBACK,
    NONE,
    OUTGOING,
    PPP,
    TPID_VALID,
    VLAN_VALID,
    Machine,
    Record,
    block,
    read_block,
)

from netanalyze.capture.live import ring, ring_kernel
from netanalyze.capture.live.ring import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERPRETED = from_source(ring_kernel)
COMPILED = not (ring_kernel.__file__ or "").endswith(".py")


@pytest.fixture(params=["installed", "interpreted"], autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "interpreted":
            if not COMPILED:
                pytest.skip("the installed kernel is interpreted already")
            patch.setattr(ring, "ring_kernel", INTERPRETED)
        yield


def test_frames_lie_where_the_kernel_put_them() -> None:
    first = Record()
    second = Record(packet=b"another one", time_ns=first.time_ns + 5, wire=1500, index=7)
    machine = Machine()
    one, two = read_block(block([first, second]), walk=Walk(machine.add))
    assert one == {
        "captured_bytes": 20,
        "wire_bytes": 20,
        "time_ns": first.time_ns,
        "link_type": 1,
        "interface": 0,
        "keep": 1,
        "data": b"DDDDDDSSSSSS\x08\x00packet",
    }
    assert (two["data"][-11:], two["wire_bytes"], two["time_ns"]) == (b"another one", 1500, first.time_ns + 5)
    assert two["interface"] == 1
    assert machine.met == [(2, ETHERNET), (7, ETHERNET)]


def test_an_empty_block() -> None:
    assert read_block(block([])) == []


@pytest.mark.parametrize("capacity", [1, 2, 3, 64])
def test_a_block_fills_several_batches(capacity: int) -> None:
    records = [Record(packet=bytes([n]) * n, index=n % 3 + 1) for n in range(1, 9)]
    assert read_block(block(records), capacity) == read_block(block(records))
    assert len(read_block(block(records), capacity)) == 8


def test_what_loopback_sends_is_taken_when_it_comes() -> None:
    sent = Record(hardware=LOOPBACK, index=1, kind=OUTGOING)
    walk = Walk(Machine().add)
    (row,) = read_block(block([sent, replace(sent, kind=0)]), walk=walk)
    assert row["link_type"] == 1
    assert walk.state[ring_kernel.SKIPPED] == 1
    assert len(read_block(block([replace(sent, hardware=ETHERNET), sent]))) == 1


@pytest.mark.parametrize(
    ("status", "protocol", "tag"),
    [(VLAN_VALID, 0, b"\x81\x00"), (VLAN_VALID | TPID_VALID, 0x88A8, b"\x88\xa8")],
)
def test_a_tag_that_the_hardware_took_out_is_put_back(status: int, protocol: int, tag: bytes) -> None:
    record = Record(status=status, tag=0xE123, tag_protocol=protocol, wire=100)
    (row,) = read_block(block([record]))
    assert row["data"] == b"DDDDDDSSSSSS" + tag + b"\xe1\x23\x08\x00packet"
    assert (row["captured_bytes"], row["wire_bytes"]) == (24, 104)


def test_a_tag_is_put_back_once() -> None:
    record = Record(status=VLAN_VALID, tag=5)
    rows = read_block(block([Record(), record, Record(), record]), capacity=1)
    assert [row["captured_bytes"] for row in rows] == [20, 24, 20, 24]


def test_no_tag_where_there_are_no_addresses() -> None:
    (row,) = read_block(block([Record(link=b"short", packet=b"", status=VLAN_VALID, tag=5)]))
    assert row["data"] == b"short"


def test_tunnels_begin_with_their_packet() -> None:
    (row,) = read_block(block([Record(link=b"", packet=b"\x45", hardware=NONE)]))
    assert (row["data"], row["link_type"]) == (b"\x45", 101)
    (row,) = read_block(block([Record(link=b"gre header", packet=b"\x45", hardware=778, wire=50)]))
    assert (row["data"], row["link_type"], row["wire_bytes"]) == (b"\x45", 101, 40)


def test_headers_that_depend_on_the_driver_are_replaced() -> None:
    (row,) = read_block(block([Record(link=b"\xff\x03", packet=b"\x45\0", hardware=PPP, index=0x01020304)]))
    assert row["link_type"] == 276
    address = b"\x08\x00\0\0" + bytes([1, 2, 3, 4]) + struct.pack(">H", PPP) + b"\0\x06" + b"SSSSSS\0\0"
    assert row["data"] == address + b"\x45\0"
    assert row["wire_bytes"] == 22


def test_many_interfaces() -> None:
    machine = Machine()
    walk = Walk(machine.add)
    records = [Record(index=64 * n + 1, packet=b"") for n in range(300)]
    for _ in range(2):
        rows = read_block(block(records, 1 << 16), 4096, walk)
        assert [row["interface"] for row in rows] == list(range(300))
    assert len(machine.met) == 300


def changed(memory: bytes, at: int, value: bytes) -> bytes:
    return memory[:at] + value + memory[at + len(value) :]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (16, b"\x2f\0\0\0"),  # the first record lies in the block's description
        (16, b"\xff\xff\xff\xff"),  # … outside the block
        (12, b"\xff\xff\xff\xff"),  # more records than there are
        (48, b"\x10\0\0\0"),  # a record follows within another
        (48, b"\0\xff\0\0"),  # … behind the block
        (48 + 12, b"\xff\xff\0\0"),  # a frame leaves the block
        (48 + 24, b"\x10\0"),  # a frame lies in its record's header
        (48 + 24, b"\xff\xff"),  # … outside
        (48 + 26, b"\x44\0"),  # the network header comes before the link header
    ],
)
def test_what_leaves_a_block_ends_it(at: int, value: bytes) -> None:
    walk = Walk(Machine().add)
    good = block([Record(), Record()])
    assert len(read_block(changed(good, at, value), walk=walk)) < 3
    assert walk.damaged == 1
    assert len(read_block(good, walk=walk)) == 2


def test_a_time_that_is_none() -> None:
    (row,) = read_block(changed(block([Record()]), 48 + 8, b"\xff\xff\xff\xff"))
    assert row["time_ns"] == 1_700_000_000_000_000_000


@given(seed=st.integers(0, 1 << 32), cut=st.integers(0, 40))
def test_any_bytes(seed: int, cut: int) -> None:
    noise = random.Random(seed)
    memory = bytearray(
        block([Record(index=n, status=VLAN_VALID, hardware=(1, 512, 772)[n % 3]) for n in range(8)])
    )
    for _ in range(cut):
        memory[noise.randrange(1200)] = noise.choice((0, 1, 4, 48, 68, 255, noise.randrange(256)))
    rows = read_block(bytes(memory), 5)
    assert all(len(row["data"]) == row["captured_bytes"] <= row["wire_bytes"] for row in rows)
    if COMPILED:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ring, "ring_kernel", ring_kernel)
            assert read_block(bytes(memory), 5) == rows
