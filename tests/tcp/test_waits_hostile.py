"""Whatever the segments are: no exception, each ns in one cause, and both kernels agree."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frames import COMPILED, INTERPRETED, Kernels, batches, load
from hostile_columns import random_columns
from hypothesis import given, settings
from hypothesis import strategies as st
from segments import anything, plain
from test_sequence import conversation, frames_of

from netanalyze.columns import view_of
from netanalyze.tcp import wait_fields as fields
from netanalyze.tcp import wait_kernel
from netanalyze.tcp.waits import joined
from netanalyze.tcp.wanted import WAIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frames import Frame

COLUMNS = (
    "frame", "stream", "side", "seq", "ack", "flags", "window", "payload_bytes", "mss", "tsval", "analysed",
    "labels", "cause", "again_ns", "waited_ns", "window_bytes", "measured", "rtt_ns",
)  # fmt: skip
TIMES = (-(1 << 61), (1 << 62) - 1)
"""The first and the last that there may be."""


def accounts(kernels: Kernels, frames: Sequence[Frame], size: int = 4096) -> dict[str, Any]:
    """Take frames through the analysis; the columns of the three tables."""
    decoder = kernels.decode.Decoder(size)
    flows = kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    analysis = kernels.analysis.TcpAnalysis(
        decoder.packets.capacity, WAIT_TABLES, like_wireshark=False, streams=()
    )
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        analysis.feed(batch, packets, flows.tcp.count)
    streams = kernels.analysis.Streams(flows.tcp, ())
    found = {name: plain(analysis.waits(name, streams)) for name in sorted(WAIT_TABLES)}
    waits = found["waits"]
    parts = [column for name, column in waits.items() if name not in {"stream", "total_ns"}]
    halves = joined(
        {name: np.array(found["nagle"][name]) for name in ("stream", "sender")}, analysis.half_stalls(streams)
    )
    assert {name: column.tolist() for name, column in halves.items()} == {
        name: found["nagle"][name] for name in ("stalls", "stall_ns")
    }
    assert [sum(row) for row in zip(*parts, strict=True)] == waits["total_ns"]
    assert all(min(row) >= 0 for row in zip(*parts, strict=True))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_compiled_and_interpreted_kernels_agree(seed: int) -> None:
    compiled, interpreted = load(COMPILED), load(INTERPRETED)
    if compiled is None or interpreted is None:
        pytest.skip("the kernels are not compiled here")
    frames = anything(2000 + seed)
    assert accounts(compiled, frames) == accounts(interpreted, frames)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_batches_do_not_matter(fastest: Kernels, size: int) -> None:
    for seed in (7, 8):
        frames = anything(seed)
        assert accounts(fastest, frames, size) == accounts(fastest, frames)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)))
def test_initial_sequence_numbers_do_not_matter(seed: int, shifts: tuple[int, int]) -> None:
    kernels = load(COMPILED) or load(INTERPRETED)
    assert kernels is not None
    segments = conversation(random.Random(seed))
    assert accounts(kernels, frames_of(segments, shifts)) == accounts(kernels, frames_of(segments))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_random_segments(seed: int) -> None:
    kernels = load(COMPILED) or load(INTERPRETED)
    assert kernels is not None
    accounts(kernels, anything(seed))


def rows_of(kernel: Any, columns: dict[str, Any], rows: int) -> list[Any]:  # noqa: ANN401 - a module
    """What a kernel makes of columns: its rows of streams, half-streams and waits."""
    streams = np.zeros((3, fields.STREAM_WORDS), "i8")
    halves = np.zeros((6, fields.HALF_WORDS), "i8")
    waits, counts = np.zeros((3 * rows, fields.WAIT_WORDS), "i8"), np.zeros(1, "i8")
    views = [view_of(columns[name]) for name in COLUMNS]
    state = [view_of(array) for array in (streams, halves, waits, counts)]
    kernel.wait_segments(
        rows, view_of(np.arange(rows, dtype="i4")), 1, view_of(columns["time_ns"]), *views, *state
    )
    return [streams, halves, waits]


@pytest.mark.parametrize("seed", range(30))
def test_both_kernels_agree_on_anything(seed: int) -> None:
    rows = 400
    columns = random_columns(np.random.default_rng(seed), COLUMNS, rows, TIMES)
    interpreted = load(INTERPRETED)
    assert interpreted is not None
    other = interpreted.analysis.Waits.feed.__globals__["wait_segments"]

    class Other:
        wait_segments = staticmethod(other)

    for one, two in zip(rows_of(wait_kernel, columns, rows), rows_of(Other, columns, rows), strict=True):
        assert np.array_equal(one, two)
