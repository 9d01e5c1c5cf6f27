"""pcap files: a header of 24 bytes, then records.

Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/. Versions 2.0 to 2.4 are read; in
those before 2.3 captured and wire length stand in the other order, in 2.3 they may. Version 543.0 is
what a known faulty writer puts there, in the old order too.

Some writers made the record header longer. With the magic number A1B2CD34 it has 24 or 28 bytes
(Linux distributions of 1999 and embedded systems since); 24 and 20 bytes (Nokia) were also written
under the ordinary magic number. The first records show which it is.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, ClassVar

from netanalyze.capture import pcap_kernel as kernel
from netanalyze.capture import walk
from netanalyze.capture.batch import MAX_FRAME_BYTES
from netanalyze.capture.info import Interface
from netanalyze.capture.reader import COLUMNS, Reader
from netanalyze.errors import UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER_BYTES = 24
RECORD_BYTES = 16
SECOND_NS = 1_000_000_000
MICROSECONDS = 0xA1B2C3D4
NANOSECONDS = 0xA1B23C4D
MODIFIED = 0xA1B2CD34

FORMATS: Mapping[int, tuple[str, int, tuple[int, ...]]] = {
    MICROSECONDS: ("pcap", 1000, (16, 24, 20)),
    NANOSECONDS: ("pcap (ns)", 1, (16,)),
    MODIFIED: ("pcap (modified)", 1000, (24, 28)),
}
"""By magic number: name, nanoseconds in a unit of time, record headers to try in this order."""

MAGICS = tuple(struct.pack(order + "I", magic) for magic in FORMATS for order in "<>")
"""The first four bytes of every pcap file, in both byte orders."""

OLD_ORDER = {(2, 0), (2, 1), (2, 2), (543, 0)}
MAYBE_OLD_ORDER = (2, 3)
VERSIONS = OLD_ORDER | {MAYBE_OLD_ORDER, (2, 4)}

LINK_TYPE_MASK = 0xFFFF
RESERVED_MASK = 0x03FF0000
FCS_STATED = 0x04000000
FCS_SHIFT = 28


class PcapReader(Reader):
    """Reads pcap files of both byte orders, in microseconds and nanoseconds."""

    FORMAT: ClassVar = "pcap"
    SEARCH_BYTES: ClassVar = walk.SEARCH_RECORDS * (walk.SEARCH_FRAME_BYTES + 128) + 128

    def open(self) -> None:
        """Read the file header.

        Raises:
            DamagedCaptureError: it is not whole.
            UnknownFormatError: its version is not known.
        """
        header = self._header(HEADER_BYTES, "pcap")
        order = "<" if int.from_bytes(header[:4], "little") in FORMATS else ">"
        magic, major, minor, _, _, snap, network = struct.unpack(order + "IHHIIII", header)
        if (major, minor) not in VERSIONS:
            message = (
                f"{self.info.file}: pcap version {major}.{minor} is not known (2.4 is the current one); "
                f"the file may be damaged"
            )
            raise UnknownFormatError(message)
        self.info.format, ns_per_unit, record_headers = FORMATS[magic]
        if network & RESERVED_MASK:
            self.notices.warn(
                f"{self.info.file}: reserved bits of the link type are set (0x{network:08x}); "
                f"reading it as link type {network & LINK_TYPE_MASK}"
            )
        self._link_type = network & LINK_TYPE_MASK
        self._interface = self._add_interface(
            Interface(
                file=self.info.file,
                link_type=self._link_type,
                snap_length=snap or None,
                fcs_bytes=2 * (network >> FCS_SHIFT) if network & FCS_STATED else None,
            )
        )
        self.buffer.start += HEADER_BYTES
        self._set_layout(order, ns_per_unit, snap, (major, minor))
        self._choose_record_header(record_headers)

    def _set_layout(self, order: str, ns_per_unit: int, snap: int, version: tuple[int, int]) -> None:
        layout = array("q", [-1] * kernel.LAYOUT_SLOTS)
        layout[kernel.BIG_ENDIAN] = order == ">"
        layout[kernel.HEADER_BYTES] = RECORD_BYTES
        layout[kernel.AT_SECONDS] = 0
        layout[kernel.AT_CAPTURED] = 8
        layout[kernel.AT_WIRE] = 12
        layout[kernel.NS_PER_UNIT] = ns_per_unit
        # Writers understate the snapshot length; few state one that makes no sense.
        believed = snap if snap <= MAX_FRAME_BYTES else 0
        layout[kernel.FRAME_LIMIT] = max(believed, walk.SEARCH_FRAME_BYTES)
        swapped = kernel.ALWAYS if version in OLD_ORDER else kernel.NEVER
        layout[kernel.SWAPPED] = kernel.IF_GREATER if version == MAYBE_OLD_ORDER else swapped
        self._layout = memoryview(layout)

    def _choose_record_header(self, sizes: tuple[int, ...]) -> None:
        """Take the usual size unless the first records contradict it and confirm another."""
        buffer = self.buffer
        for size in sizes:
            self._layout[kernel.HEADER_BYTES] = size
            enough = 1 if size == sizes[0] else 2
            if kernel.fits(buffer.data, buffer.start, buffer.end, buffer.at_end, self._layout) >= enough:
                return
        self._layout[kernel.HEADER_BYTES] = sizes[0]

    def _walk(self) -> int:
        buffer, batch = self.buffer, self.batch
        count: int = kernel.walk(
            buffer.data,
            buffer.start,
            buffer.end,
            buffer.at_end,
            self._layout,
            self._link_type,
            self._interface,
            self._report,
            batch.capacity,
            *batch.pick(*COLUMNS),
        )
        return count

    def _find(self, start: int, *, doubtful: bool = False) -> None:
        buffer, previous_ns = self.buffer, self._report[walk.PREVIOUS_NS]
        # In the remains of a cut frame only records of its own time are believed: it may carry others.
        near = doubtful and previous_ns != walk.NO_TIME
        day_seconds = previous_ns // SECOND_NS if near else -1
        kernel.find(buffer.data, start, buffer.end, buffer.at_end, self._layout, day_seconds, self._report)
