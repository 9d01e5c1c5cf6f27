"""Compiled and interpreted kernels give the same answers."""

from __future__ import annotations

import random
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from crafted import (
    enhanced,
    frames,
    from_source,
    interface,
    obsolete,
    pcap,
    pcapng,
    read_all,
    section,
    simple,
    snoop,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.capture import pcap_kernel, pcapng_kernel, walk
from netanalyze.capture.batch import Batch
from netanalyze.capture.pcapng import _scale
from netanalyze.capture.reader import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

compiled = pytest.mark.skipif(
    (pcap_kernel.__file__ or "").endswith(".py"), reason="the installed kernels are interpreted"
)
INTERPRETED = {kernel: from_source(kernel) for kernel in (pcap_kernel, pcapng_kernel)}
CAPACITY = 5


def layout(order: str, *, like_snoop: bool = False, swapped: int = 0) -> memoryview:
    made = array("q", [-1] * pcap_kernel.LAYOUT_SLOTS)
    made[pcap_kernel.BIG_ENDIAN] = order == ">"
    made[pcap_kernel.SWAPPED] = swapped
    made[pcap_kernel.FRAME_LIMIT] = walk.SEARCH_FRAME_BYTES
    made[pcap_kernel.NS_PER_UNIT] = 1000
    made[pcap_kernel.HEADER_BYTES] = 24 if like_snoop else 16
    made[pcap_kernel.AT_SECONDS] = 16 if like_snoop else 0
    made[pcap_kernel.AT_CAPTURED] = 4 if like_snoop else 8
    made[pcap_kernel.AT_WIRE] = 0 if like_snoop else 12
    if like_snoop:
        made[pcap_kernel.AT_RECORD], made[pcap_kernel.AT_DROPS] = 8, 12
    return memoryview(made)


def padded(content: bytes) -> memoryview:
    return memoryview(content + bytes(-len(content) % 4))


def table(count: int, resolution: int, offset_ns: int) -> memoryview:
    row = [0] * pcapng_kernel.TABLE_COLUMNS
    row[pcapng_kernel.LINK_TYPE] = 1
    row[pcapng_kernel.RESOLUTION] = resolution
    row[pcapng_kernel.SCALE], row[pcapng_kernel.GREATEST] = _scale(resolution)
    row[pcapng_kernel.OFFSET_NS] = offset_ns
    row[pcapng_kernel.SNAP_LENGTH] = 30
    return memoryview(array("q", row * count))


def answers(
    kernel: ModuleType, content: bytes, start: int, *, at_end: bool, arguments: tuple[Any, ...]
) -> list[Any]:
    """Everything that the kernel's walks and its search say about these bytes."""
    data = padded(content)
    said: list[Any] = []
    state = memoryview(array("q", bytes(8 * walk.SLOTS)))
    state[walk.PREVIOUS_NS] = walk.NO_TIME
    at = start
    for _ in range(4):
        batch = Batch(CAPACITY)
        views = (data, data.cast("I")) if "words" in kernel.walk.__doc__ else (data,)
        columns = batch.pick(*COLUMNS)
        count = kernel.walk(*views, at, len(content), at_end, *arguments, state, CAPACITY, *columns)
        said.append((count, list(state), [list(column) for column in columns]))
        at = state[walk.POSITION]
    others = (
        (arguments[0], -1) if kernel.__name__.endswith("pcap_kernel") else (arguments[0], arguments[2], False)
    )
    kernel.find(data, min(at + 1, len(content)), len(content), at_end, *others, state)
    return [*said, list(state)]


def spoil(content: bytes, data: st.DataObject) -> bytes:
    """Some bytes of it are others now, or it is cut."""
    place = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.binary(max_size=30))
    return content[:place] + damage + (content[place + len(damage) :] if data.draw(st.booleans()) else b"")


@compiled
@settings(deadline=None)
@given(st.data())
def test_record_walks_agree(data: st.DataObject) -> None:
    order, like_snoop = data.draw(st.sampled_from("<>")), data.draw(st.booleans())
    made = frames(data.draw(st.integers(0, 8)))
    content = spoil(snoop(made) if like_snoop else pcap(made, order), data)
    columns = layout(
        ">" if like_snoop else order, like_snoop=like_snoop, swapped=data.draw(st.integers(0, 2))
    )
    start = min(16 if like_snoop else 24, len(content))
    at_end = data.draw(st.booleans())
    ours, theirs = (
        answers(kernel, content, start, at_end=at_end, arguments=(columns, 1, 0))
        for kernel in (pcap_kernel, INTERPRETED[pcap_kernel])
    )
    assert ours == theirs


@compiled
@settings(deadline=None)
@given(st.data())
def test_block_walks_agree(data: st.DataObject) -> None:
    order = data.draw(st.sampled_from("<>"))
    makers = (enhanced, obsolete, simple)
    made = enumerate(frames(data.draw(st.integers(0, 8))))
    blocks = b"".join(makers[number % 3](frame, order) for number, frame in made)
    # Blocks that begin at a multiple of 4, and others.
    shift = data.draw(st.integers(0, 3))
    content = bytes(shift) + spoil(interface(order) + blocks + section(), data)
    start = min(shift + len(interface(order)), len(content))
    offset_ns = data.draw(st.sampled_from([0, 1, -1, (1 << 63) - 1, -(1 << 63) + 1]))
    rows = table(2, data.draw(st.integers(0, 255)), offset_ns)
    at_end = data.draw(st.booleans())
    ours, theirs = (
        answers(kernel, content, start, at_end=at_end, arguments=(order == ">", rows, 2))
        for kernel in (pcapng_kernel, INTERPRETED[pcapng_kernel])
    )
    assert ours == theirs


@compiled
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_search_through_near_misses_ends(tmp_path: Path, kind: str) -> None:
    """Millions of bytes that look like the beginning of a chain at every step, and never are one."""
    made = frames(2)
    header = pcap(made)[24:40] if kind == "pcap" else enhanced(made[0])[:32]
    noise = random.Random(5).randbytes(7)
    content = (pcap(made) if kind == "pcap" else pcapng(made)) + bytes(40) + (header + noise) * 150_000
    found, capture = read_all(write(tmp_path, "a", content))
    assert found[:2] == made
    assert "damaged" in capture.files[0].cut_short
