"""A batch: some frames in one buffer, and where each of them lies.

The unit in which everything flows. A file is many batches, a live interface is endless ones. The
buffer and the columns of a batch are used again for the next but one: while a batch is looked at, the
next may be read; who wants to keep something longer copies it.
"""

from __future__ import annotations

from typing import ClassVar

from netanalyze.columns import Columns

BATCH_FRAMES = 8192
"""Frames in a batch at most: their columns (200 bytes a frame) stay in a core's second-level cache."""

BUFFER_BYTES = 1 << 22
"""Bytes read at a time. A frame that does not fit makes the buffer grow, up to ``MAX_FRAME_BYTES``."""

MAX_FRAME_BYTES = 1 << 26
"""A record that claims more captured bytes than this is taken as damage (64 MiB)."""


class Batch(Columns):
    """Frames as columns over one buffer.

    Columns (each of ``capacity`` elements; the first ``count`` are valid):
        offset: where the frame's first byte is in ``data``.
        captured_bytes: how many of its bytes are there.
        wire_bytes: how long it was on the wire (never less than ``captured_bytes``).
        time_ns: nanoseconds since 1970-01-01 UTC; negative before.
        link_type: LINKTYPE_ number of its interface (the registry of tcpdump.org), -1 where unknown
            and where the record is no packet (pcapng custom blocks and journal entries, which
            Wireshark numbers as frames too).
        interface: index into the capture's list of interfaces, -1 where the record names none.
        keep: 1, or 0 where a selection (filter, time range) left the frame out.

    Attributes:
        data: the buffer; read only.
        count: number of frames.
        first_frame: number of the first frame, counted from 1 over the whole capture.
        passed_over: whether ``keep`` is 0 because there was no time for these frames (live captures).
    """

    FIELDS: ClassVar = {
        "offset": "i8",
        "captured_bytes": "i8",
        "wire_bytes": "i8",
        "time_ns": "i8",
        "link_type": "i4",
        "interface": "i4",
        "keep": "u1",
    }

    def __init__(self, capacity: int = BATCH_FRAMES) -> None:
        """An empty batch with room for ``capacity`` frames."""
        super().__init__(capacity)
        self.data: memoryview = memoryview(b"")
        self.count = 0
        self.first_frame = 1
        self.passed_over = False
