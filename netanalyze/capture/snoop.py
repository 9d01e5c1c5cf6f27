"""snoop files (Solaris): a header of 16 bytes, then records, all in network byte order.

Format: RFC 1761, further link types RFC 3827.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, ClassVar

from netanalyze.capture import pcap_kernel as kernel
from netanalyze.capture import walk
from netanalyze.capture.info import Interface
from netanalyze.capture.pcap import PcapReader
from netanalyze.errors import UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"snoop\0\0\0"
HEADER_BYTES = 16
RECORD_BYTES = 24
VERSION = 2

LINK_TYPES: Mapping[int, int] = {0: 1, 2: 6, 4: 1, 8: 10}
"""LINKTYPE_ number of snoop's IEEE 802.3, token ring, Ethernet and FDDI."""


class SnoopReader(PcapReader):
    """Reads snoop files: their records differ from pcap's in where the fields stand."""

    FORMAT: ClassVar = "snoop"

    def open(self) -> None:
        """Read the file header.

        Raises:
            DamagedCaptureError: it is not whole.
            UnknownFormatError: its version is not known.
        """
        header = self._header(HEADER_BYTES, "snoop")
        version, link_type = struct.unpack_from(">II", header, 8)
        if version != VERSION:
            message = f"{self.info.file}: snoop version {version} is not known (2 is the one of RFC 1761)"
            raise UnknownFormatError(message)
        self._link_type = LINK_TYPES.get(link_type, -1)
        if self._link_type < 0:
            self.notices.warn(f"{self.info.file}: snoop link type {link_type} is not known")
        self._interface = self._add_interface(Interface(file=self.info.file, link_type=self._link_type))
        self.buffer.start += HEADER_BYTES
        layout = array("q", bytes(8 * kernel.LAYOUT_SLOTS))
        layout[kernel.BIG_ENDIAN] = 1
        layout[kernel.HEADER_BYTES] = RECORD_BYTES
        layout[kernel.AT_WIRE] = 0
        layout[kernel.AT_CAPTURED] = 4
        layout[kernel.AT_RECORD] = 8
        layout[kernel.AT_DROPS] = 12
        layout[kernel.AT_SECONDS] = 16
        layout[kernel.NS_PER_UNIT] = 1000
        layout[kernel.FRAME_LIMIT] = walk.SEARCH_FRAME_BYTES
        layout[kernel.SWAPPED] = kernel.NEVER
        self._layout = memoryview(layout)

    def _count(self, count: int) -> None:
        """Add the batch just filled to the file's figures, and the drops that its records tell of."""
        super()._count(count)
        self.info.dropped = self._report[walk.DROPS]
        self.notices.interfaces[self._interface].dropped_by_system = self.info.dropped
