"""zstd-compressed captures.

The library's stream reader says nothing when its input ends inside a frame. So the frames are
followed here, block by block, which also shows what follows the last one, and loses no more than a
block to damage.

Format: RFC 8878, section 3.1.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netanalyze.capture.buffer import Buffer

MAGIC = bytes.fromhex("28b52ffd")
SKIPPABLE = tuple(bytes((first,)) + bytes.fromhex("2a4d18") for first in range(0x50, 0x60))
"""Magic numbers of a frame to be skipped."""
BLOCK_BYTES = 1 << 17
"""No block is longer, packed or unpacked."""
WINDOW_BYTES = 1 << 27
"""The greatest window that is unpacked, what the zstd program takes without being told."""

DICTIONARY_BYTES = (0, 1, 2, 4)
CONTENT_SIZE_BYTES = (0, 2, 4, 8)
RLE = 1
RESERVED = 3


class Unzstd:
    """The uncompressed bytes of a zstd file; a ``Source``.

    Attributes:
        damage: why the bytes end early; empty if they do not.
    """

    def __init__(self, packed: Buffer) -> None:
        """Unpack ``packed``, which stands at the first frame."""
        self.damage = ""
        self._packed = packed
        self._pieces_left = True
        self._in_frame = False
        self._has_checksum = False
        decoder = import_module("zstandard").ZstdDecompressor(max_window_size=WINDOW_BYTES)
        self._stream: Any = decoder.stream_reader(self, read_size=2 * BLOCK_BYTES, read_across_frames=True)
        self._ended = False

    def readinto(self, view: memoryview) -> int:
        """Unpack some bytes into ``view``; 0 at the end."""
        while not self._ended:
            try:
                count: int = self._stream.readinto1(view)
            except Exception as error:  # noqa: BLE001 - ZstdError, or what its C code raises
                self._end(f"its zstd data is damaged near byte {self._packed.offset} ({error})")
                self._ended = True
                break
            if count:
                return count
            self._ended = not self._pieces_left
        return 0

    def ready(self) -> bool:
        """Whether unpacking goes on without waiting for more of a pipe."""
        return self._packed.available > 0 or self._packed.source.ready()

    def close(self) -> None:
        """Close the packed file."""
        self._packed.source.close()

    def read(self, _size: int = -1) -> bytes:
        """The next piece of the packed file: a frame header or a block; called by the library."""
        while self._pieces_left:
            length = self._block() if self._in_frame else self._header()
            if length:
                packed = self._packed
                piece = packed.data[packed.start : packed.start + length].tobytes()
                packed.start += length
                return piece
        return b""

    def _header(self) -> int:
        """Length of the frame header that is next; 0 if there is none or a frame was skipped."""
        packed = self._packed
        if not packed.fill(1):
            return self._end(packed.source.damage)
        if not packed.fill(8):
            return self._ends_early()
        start = packed.data[packed.start : packed.start + 8].tobytes()
        if start.startswith(SKIPPABLE):
            return self._skip(8 + int.from_bytes(start[4:], "little"))
        if start[:4] != MAGIC:
            return self._end(f"what follows its zstd data at byte {packed.offset} is none")
        descriptor = start[4]
        single_segment = descriptor >> 5 & 1
        size_flag = descriptor >> 6
        length = 5 + (1 - single_segment) + DICTIONARY_BYTES[descriptor & 3]
        length += 1 if single_segment and not size_flag else CONTENT_SIZE_BYTES[size_flag]
        self._in_frame = True
        self._has_checksum = bool(descriptor >> 2 & 1)
        return length if packed.fill(length) else self._ends_early()

    def _block(self) -> int:
        """Length of the block that is next, and of the checksum after a last one."""
        packed = self._packed
        if not packed.fill(3):
            return self._ends_early()
        header = int.from_bytes(packed.data[packed.start : packed.start + 3], "little")
        kind = header >> 1 & 3
        size = header >> 3
        if kind == RESERVED or size > BLOCK_BYTES:
            return self._end(f"its zstd data is damaged at byte {packed.offset} (no block begins there)")
        length = 3 + (1 if kind == RLE else size)
        if header & 1:
            self._in_frame = False
            length += 4 if self._has_checksum else 0
        return length if packed.fill(length) else self._ends_early()

    def _skip(self, length: int) -> int:
        """Step over a skippable frame without reading it into memory as a whole."""
        packed = self._packed
        while length > 0:
            if not packed.fill(1):
                return self._ends_early()
            step = min(length, packed.available)
            packed.start += step
            length -= step
        return 0

    def _ends_early(self) -> int:
        packed = self._packed
        return self._end(
            packed.source.damage or f"its zstd data ends early, at byte {packed.base + packed.end}"
        )

    def _end(self, damage: str) -> int:
        """No more pieces; what was given to the library may still be unpacked."""
        self._pieces_left = False
        self.damage = self.damage or damage
        return 0
