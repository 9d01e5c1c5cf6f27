"""Compressed captures: gzip, xz, bzip2 and LZ4 frames (zstd has a file of its own).

A compressed file is one or several members (streams, frames) one after the other; all are read. Each
step puts out a bounded number of bytes, so that a small file which unpacks to an endless one costs
time in proportion to what comes out, and no memory. What a damaged file still gives before the
damage is handed out; then the source ends and ``damage`` says why.

Formats: gzip RFC 1952, xz https://tukaani.org/xz/xz-file-format.txt, LZ4 frames
https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from zlib import _Decompress as _Inflate

    from netanalyze.capture.buffer import Buffer

FIRST_FEED_BYTES = 1024
"""A member is begun with so little, so that thousands of tiny ones do not each push back a lot."""
FEED_BYTES = 1 << 17
STEP_BYTES = 1 << 16
"""Bytes unpacked in one step: damage loses at most what its own step would have given."""
XZ_MEMORY_BYTES = 1 << 28
"""Memory allowed to xz; its strongest ordinary setting takes a quarter of this."""


class GzipDecoder:
    """One gzip member, with the interface of ``lzma.LZMADecompressor``.

    On damage nothing is lost: the bytes before it come out first, the error with the next call.
    """

    def __init__(self) -> None:
        """Expect the member's header."""
        self._inflate = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None
        self._tail = b""
        self.unused_data = b""
        self.eof = False
        self.needs_input = True

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        """Unpack at most ``max_length`` bytes of ``data`` and what is left of earlier data.

        Raises:
            zlib.error: the data is damaged.
        """
        if self._error is not None:
            raise self._error
        data = self._tail or data
        before = self._inflate.copy()
        try:
            unpacked = self._inflate.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
            return _up_to_damage(before, data, max_length)
        self._tail = self._inflate.unconsumed_tail
        self.eof = self._inflate.eof
        self.unused_data = self._inflate.unused_data
        # With all of the data used, a full step may still hold some back.
        self.needs_input = not self._tail and len(unpacked) < max_length
        return unpacked


def _up_to_damage(inflate: _Inflate, data: bytes | memoryview, max_length: int) -> bytes:
    """What ``data`` gives before the byte that cannot be unpacked, found in ever smaller steps."""
    unpacked = b""
    at = 0
    size = len(data) // 2
    while size > 0 and at < len(data) and len(unpacked) < max_length:
        attempt = inflate.copy()
        try:
            unpacked += attempt.decompress(data[at : at + size], max_length - len(unpacked))
        except zlib.error:
            size //= 2
            continue
        inflate = attempt
        at += size
    return unpacked


class Codec(Struct, frozen=True):
    """A kind of compression.

    Attributes:
        name: what people call it.
        magic: the first bytes of every member.
        decoder: makes a decoder for one member, with the interface of ``lzma.LZMADecompressor``.
        step_bytes: how much it unpacks in one step.
        padded: zero bytes may follow a member.
    """

    name: str
    magic: bytes
    decoder: Callable[[], Any]
    step_bytes: int = STEP_BYTES
    padded: bool = False


CODECS = (
    Codec("gzip", b"\x1f\x8b\x08", GzipDecoder, step_bytes=1 << 20, padded=True),
    Codec(
        "xz",
        b"\xfd7zXZ\0",
        lambda: import_module("lzma").LZMADecompressor(memlimit=XZ_MEMORY_BYTES),
        padded=True,
    ),
    Codec("bz2", b"BZh", lambda: import_module("bz2").BZ2Decompressor()),
    Codec("lz4", b"\x04\x22\x4d\x18", lambda: import_module("lz4.frame").LZ4FrameDecompressor()),
)


class Unpacked:
    """The uncompressed bytes of a file whose members a ``Codec`` unpacks; a ``Source``.

    Attributes:
        damage: why the bytes end early; empty if they do not.
    """

    def __init__(self, packed: Buffer, codec: Codec) -> None:
        """Unpack ``packed``, which stands at the first member."""
        self.damage = ""
        self._packed = packed
        self._codec = codec
        self._decoder: Any = None
        self._feed = 0
        self._ended = False
        self._stalled = False  # a decoder that wants no input and gives nothing gets some all the same

    def readinto(self, view: memoryview) -> int:
        """Unpack some bytes into ``view``; 0 at the end."""
        while not self._ended:
            if self._decoder is None:
                self._begin_member()
                continue
            try:
                unpacked = self._step(min(len(view), self._codec.step_bytes))
            except Exception as error:  # noqa: BLE001 - the decoders raise whatever their library does
                self._end(f"its {self._codec.name} data is damaged near byte {self._packed.offset} ({error})")
                break
            if unpacked:
                view[: len(unpacked)] = unpacked
                return len(unpacked)
        return 0

    def ready(self) -> bool:
        """Whether unpacking goes on without waiting for more of a pipe."""
        if self._decoder is not None and not self._decoder.needs_input:
            return True
        return self._packed.available > 0 or self._packed.source.ready()

    def close(self) -> None:
        """Close the packed file."""
        self._packed.source.close()

    def _step(self, limit: int) -> bytes:
        """Feed the decoder once and see to the end of the member; may return nothing."""
        packed, decoder = self._packed, self._decoder
        data: bytes | memoryview = b""
        hungry = decoder.needs_input or self._stalled
        if hungry:
            packed.fill(1)
            data = packed.data[packed.start : min(packed.start + self._feed, packed.end)]
            self._feed = min(2 * self._feed, FEED_BYTES)
        unpacked: bytes = decoder.decompress(data, max_length=limit)
        packed.start += len(data)
        self._stalled = not hungry and not unpacked
        if decoder.eof:
            packed.start -= len(decoder.unused_data or b"")
            self._decoder = None
        elif hungry and not data and not unpacked:
            self._end(
                packed.source.damage or f"its {self._codec.name} data ends early, at byte {packed.offset}"
            )
        return unpacked

    def _begin_member(self) -> None:
        """Make a decoder for the next member; end if there is none."""
        packed, magic = self._packed, self._codec.magic
        while self._codec.padded and packed.fill(1) and packed.data[packed.start] == 0:
            zeros = packed.data[packed.start : packed.end].tobytes()
            packed.start += len(zeros) - len(zeros.lstrip(b"\0"))
        whole = packed.fill(len(magic))
        if whole and packed.data[packed.start : packed.start + len(magic)] == magic:
            self._decoder = self._codec.decoder()
            self._feed = FIRST_FEED_BYTES
        elif packed.available:
            self._end(f"what follows its {self._codec.name} data at byte {packed.offset} is none")
        else:
            self._end(packed.source.damage)

    def _end(self, damage: str) -> None:
        self._ended = True
        self._decoder = None
        self.damage = damage
