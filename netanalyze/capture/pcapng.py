"""pcapng files: sections of blocks, each section with its own byte order and interfaces.

Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/. Read are enhanced, simple and the
obsolete packet blocks, interface descriptions and statistics. Custom blocks and journal entries are
frames without link type. Name resolution, secrets and unknown blocks are stepped over.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, ClassVar

from netanalyze.capture import pcapng_kernel as kernel
from netanalyze.capture import walk
from netanalyze.capture.info import Interface
from netanalyze.capture.linktypes import UNKNOWN
from netanalyze.capture.reader import COLUMNS, Reader
from netanalyze.errors import DamagedCaptureError, UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = bytes.fromhex("0a0d0d0a")
SECTION_BYTES = 28
DESCRIPTION_BYTES = 20
STATISTICS_BYTES = 24
INT64_BYTES = 8
SECOND_NS = 1_000_000_000
BYTE_ORDER_MAGIC = 0x1A2B3C4D
VERSIONS = {(1, 0), (1, 2)}
"""1.2 is what some writers put for 1.0."""

MAX_INTERFACES = 1 << 14
"""More different ones in a file are not believed; their frames are skipped as damage."""
MAX_OPTIONS = 256
"""Options looked at in one block."""
MAX_TEXT_BYTES = 1024
"""Texts from a file are cut to this."""

MICROSECONDS = 6
NANOSECONDS = 9
POWER_OF_TWO = 128
TEN_POWERS_OF_INT64 = 27
"""Units of 10**-27 s are divided by 10**18, the greatest power of ten that the kernel's table holds."""

NAME, DESCRIPTION, RESOLUTION, FILTER, FCS_BYTES, OFFSET = 2, 3, 9, 11, 13, 14
"""Option codes of an interface description."""
RECEIVED, DROPPED_BY_INTERFACE, DROPPED_BY_SYSTEM = 4, 5, 7
"""Option codes of interface statistics."""
COUNTS = {
    RECEIVED: "received",
    DROPPED_BY_INTERFACE: "dropped_by_interface",
    DROPPED_BY_SYSTEM: "dropped_by_system",
}
COUNT_LIMIT = (1 << 63) - 1


class PcapngReader(Reader):
    """Reads pcapng files: any number of sections, interfaces and byte orders."""

    FORMAT: ClassVar = "pcapng"
    SEARCH_BYTES: ClassVar = kernel.SEARCH_BLOCK_BYTES + 64

    def open(self) -> None:
        """Check the header of the first section.

        Raises:
            DamagedCaptureError: it is not whole or has no byte order.
            UnknownFormatError: its version is not known.
        """
        self._order = "<"
        self._table = array("q")
        self._interfaces = 0
        self._only_sections = False
        self._numbers: dict[tuple[object, ...], int] = {}
        self._statistics: dict[tuple[int, str], tuple[int, int, int]] = {}
        self._section = 0
        self._full = False
        self._told = False
        header = self._header(SECTION_BYTES, "pcapng")
        order = _byte_order(header)
        if not order:
            message = (
                f"{self.info.file}: its pcapng byte-order mark is wrong; "
                f"was the file transferred as text or overwritten?"
            )
            raise DamagedCaptureError(message)
        version = struct.unpack_from(order + "HH", header, 12)
        if version not in VERSIONS:
            message = (
                f"{self.info.file}: pcapng version {version[0]}.{version[1]} is not known (1.0 is current)"
            )
            raise UnknownFormatError(message)

    def _walk(self) -> int:
        buffer, batch = self.buffer, self.batch
        count: int = kernel.walk(
            buffer.data,
            buffer.words,
            buffer.start,
            buffer.end,
            buffer.at_end,
            self._order == ">",
            memoryview(self._table),
            self._interfaces,
            self._report,
            batch.capacity,
            *batch.pick(*COLUMNS),
        )
        return count

    def _find(self, start: int, *, doubtful: bool = False) -> None:
        del doubtful  # a block shows at both its ends that it is one
        buffer = self.buffer
        kernel.find(
            buffer.data,
            start,
            buffer.end,
            buffer.at_end,
            self._order == ">",
            self._interfaces,
            self._only_sections,
            self._report,
        )

    def _cut(self) -> str:
        kind = self.buffer.data[self.buffer.start : self.buffer.start + 4].tobytes()
        frames = {struct.pack(self._order + "I", code) for code in (kernel.FRAME, kernel.OLD_FRAME)}
        return super()._cut() if kind in frames else "ends inside a block"

    def _block(self) -> None:
        """See to a section header, an interface description or statistics."""
        buffer = self.buffer
        if buffer.data[buffer.start : buffer.start + 4] == MAGIC:
            self._begin_section()
            return
        length = self._report[walk.NEEDED]
        block = buffer.data[buffer.start : buffer.start + length]
        (kind,) = struct.unpack_from(self._order + "I", block)
        if kind == kernel.STATISTICS:
            self._take_statistics(block)
        elif not self._full:
            self._describe(block)
        buffer.start += length

    def _begin_section(self) -> None:
        buffer = self.buffer
        if not buffer.fill(SECTION_BYTES):
            self._finish(walk.CUT)
            return
        header = buffer.data[buffer.start : buffer.start + SECTION_BYTES]
        order = _byte_order(header)
        if not order:
            self._resume()
            return
        length, _, major, minor = struct.unpack_from(order + "IIHH", header, 4)
        if (major, minor) not in VERSIONS:  # skip to the next section, as the format asks for
            self._only_sections = True
            self._resume(problem=f"has a section of unknown pcapng version {major}.{minor}")
            self._only_sections = False
            return
        self._order = order
        self._section += 1
        self._interfaces = 0
        self._table = array("q")
        self._full = False
        if not SECTION_BYTES <= length <= kernel.MAX_BLOCK_BYTES or length % 4:
            self._resume()
        elif not buffer.fill(length):
            self._finish(walk.CUT)
        elif struct.unpack_from(order + "I", buffer.data, buffer.start + length - 4)[0] != length:
            self._resume()
        else:
            buffer.start += length

    def _describe(self, block: memoryview) -> None:
        """Add the interface of a description to the section's table."""
        row = self._interfaces
        link_type, snap = UNKNOWN, 0
        if len(block) >= DESCRIPTION_BYTES:
            link_type, _, snap = struct.unpack_from(self._order + "HHI", block, 8)
        interface = Interface(file=self.info.file, link_type=link_type, snap_length=snap or None)
        resolution, offset_seconds = MICROSECONDS, 0
        for code, value in self._options(block, 16):
            if code == NAME:
                interface.name = _text(value)
            elif code == DESCRIPTION:
                interface.description = _text(value)
            elif code == FILTER and value[:1] == b"\0":
                interface.filter = _text(value[1:])
            elif code == FCS_BYTES and len(value) == 1:
                interface.fcs_bytes = value[0]
            elif code == RESOLUTION and len(value) == 1:
                resolution = value[0]
            elif code == OFFSET and len(value) == INT64_BYTES:
                (offset_seconds,) = struct.unpack(self._order + "q", value)
        number = self._number(row, interface)
        if number is None:
            return
        columns = [0] * kernel.TABLE_COLUMNS
        columns[kernel.LINK_TYPE] = link_type
        columns[kernel.NUMBER] = number
        columns[kernel.RESOLUTION] = resolution
        columns[kernel.SCALE], columns[kernel.GREATEST] = _scale(resolution)
        columns[kernel.OFFSET_NS] = _clamp(offset_seconds * SECOND_NS)
        columns[kernel.SNAP_LENGTH] = snap
        self._table.extend(columns)
        self._interfaces += 1

    def _number(self, row: int, interface: Interface) -> int | None:
        """The interface's index in the capture: the same one if an earlier section described it alike.

        None if there are too many. Then the section's later ones have none either: their frames name
        them by their order.
        """
        key = (
            row,
            interface.link_type,
            interface.snap_length,
            interface.name,
            interface.description,
            interface.filter,
            interface.fcs_bytes,
        )
        number = self._numbers.get(key)
        if number is None and len(self._numbers) >= MAX_INTERFACES:
            if not self._told:
                self.notices.warn(
                    f"{self.info.file}: has more than {MAX_INTERFACES} interfaces; the rest is left out"
                )
            self._told = self._full = True
            return None
        if number is None:
            number = self._numbers[key] = self._add_interface(interface)
        return number

    def _take_statistics(self, block: memoryview) -> None:
        """Take over the counts of a statistics block.

        They grow within a section and begin anew in the next: the last ones of each are added up.
        """
        if len(block) < STATISTICS_BYTES:
            return
        (row,) = struct.unpack_from(self._order + "I", block, 8)
        if row >= self._interfaces:
            return
        number = self._table[row * kernel.TABLE_COLUMNS + kernel.NUMBER]
        interface = self.notices.interfaces[number]
        for code, value in self._options(block, 20):
            if code not in COUNTS or len(value) != INT64_BYTES:
                continue
            (count,) = struct.unpack(self._order + "Q", value)
            if count > COUNT_LIMIT:  # all ones stand for an unknown count
                continue
            name = COUNTS[code]
            section, before, latest = self._statistics.get((number, name), (self._section, 0, 0))
            if section != self._section:
                before, latest = before + latest, 0
            self._statistics[number, name] = (self._section, before, count)
            setattr(interface, name, min(before + count, COUNT_LIMIT))
            total = "received" if code == RECEIVED else "dropped"
            setattr(self.info, total, min((getattr(self.info, total) or 0) + count - latest, COUNT_LIMIT))

    def _options(self, block: memoryview, at: int) -> Iterator[tuple[int, bytes]]:
        """Codes and values of the options from ``at`` on, as far as they make sense."""
        end = len(block) - 4
        for _ in range(MAX_OPTIONS):
            if at + 4 > end:
                return
            code, length = struct.unpack_from(self._order + "HH", block, at)
            at += 4
            if code == 0 or at + length > end:
                return
            yield code, block[at : at + min(length, MAX_TEXT_BYTES)].tobytes()
            at += (length + 3) & ~3


def _byte_order(header: memoryview) -> str:
    """The byte order of a section header in the notation of ``struct``; empty if it has none."""
    for order in "<>":
        if struct.unpack_from(order + "I", header, 8)[0] == BYTE_ORDER_MAGIC:
            return order
    return ""


def _scale(resolution: int) -> tuple[int, int]:
    """How the kernel's table says what a unit of time is: scale and greatest count of units."""
    if resolution >= POWER_OF_TWO:
        return 0, 0
    if resolution <= NANOSECONDS:
        factor = 10 ** (NANOSECONDS - resolution)
        return factor, kernel.TIME_LIMIT_NS // factor
    if resolution <= TEN_POWERS_OF_INT64 + 1:
        return 10 ** (min(resolution, TEN_POWERS_OF_INT64) - NANOSECONDS), 0
    return 0, 0


def _clamp(time_ns: int) -> int:
    return max(-kernel.TIME_LIMIT_NS, min(kernel.TIME_LIMIT_NS, time_ns))


def _text(value: bytes) -> str:
    return value.split(b"\0", 1)[0].decode("utf-8", "replace")
