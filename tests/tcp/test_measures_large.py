"""Counts of half-streams that are more than a word of their tables holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from frames import Frame, Kernels, batches
from segments import anything, plain

from netanalyze.tcp import measure_fields as fields

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTS = (
    "packets", "acks", "pure_acks", "data_packets", "pushed", "acked_cumulatively", "rtt_samples", "syns",
    "fins",
)  # fmt: skip
WORDS = (
    fields.PACKETS, fields.ACKS, fields.PURE_ACKS, fields.DATA_PACKETS, fields.PUSHED, fields.CUMULATIVE,
    fields.TRIPS, fields.SYNS, fields.FINS,
)  # fmt: skip
"""Of the counts, in the same order."""
BEFORE = 3
"""So much below the largest number they begin."""


def counted(kernels: Kernels, parts: list[list[Frame]], *, high: bool) -> dict[str, list[object]]:
    """The table ``directions`` of frames in two parts; before the second all counts are made high."""
    frames = [frame for part in parts for frame in part]
    decoder = kernels.decode.Decoder(len(frames))
    flows = kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    analysis = kernels.analysis.TcpAnalysis(
        decoder.packets.capacity, ("streams", "directions"), like_wireshark=False, streams=()
    )
    for part in parts:
        for batch in batches(part, len(frames)):
            packets = decoder.decode(batch)
            flows.add(batch, packets)
            analysis.feed(batch, packets, flows.tcp.count)
        if high and part is parts[0]:
            measures = analysis._measures
            assert measures is not None
            small: NDArray[np.uint32] = measures._small.array
            small[:, [word - fields.LONG_WORDS for word in WORDS]] += np.uint32(fields.CARRY - BEFORE)
            measures._buckets.array[:] += np.uint16(fields.BUCKET_CARRY - BEFORE + 1)
    return plain(analysis.directions(kernels.analysis.Streams(flows.tcp, ()), slice(None)))


def test_large_counts(kernels: Kernels) -> None:
    # Nothing was counted of streams that come in the second part when counts were made high, and
    # of the others little enough to fit: a few frames of each.
    frames = anything(77, count=200, pairs=4)
    parts = [frames[:8], frames[8:]]
    plainly, high = counted(kernels, parts, high=False), counted(kernels, parts, high=True)
    known = len(plainly["packets"])
    assert known >= 4
    grown = 0
    for name in COUNTS:
        more = [big - small for big, small in zip(high[name], plainly[name], strict=True)]
        assert set(more) == {fields.CARRY - BEFORE}, name
        grown += sum(big > fields.CARRY for big in high[name])
    assert grown > 20
    for name in ("bytes", "unique_bytes", "max_window", "max_bytes_in_flight"):
        assert high[name] == plainly[name], name
    buckets = np.array(high["rtt_buckets"]) - np.array(plainly["rtt_buckets"])
    assert (buckets == fields.BUCKET_CARRY - BEFORE + 1).all()
    assert np.array(high["rtt_buckets"]).max() > fields.BUCKET_CARRY
