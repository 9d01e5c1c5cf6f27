"""Content codings: gzip, deflate, br, zstd (RFC 9110 section 8.4, RFC 1950 to 1952, 7932, 8878).

A ``Stage`` undoes one coding as bytes come in. What it gives out comes in pieces of bounded size,
whatever the input expands to. It never raises: bytes that are not what they were declared to be, or
that are damaged or cut, end in a verdict, and everything that could be decoded has been given out.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFLATE = 8

PIECE = 1 << 16
"""Bytes that a decoder gives out at a time."""

DECODED = "decoded"
NOT_CODED = "not_coded"
CUT = "cut"
DAMAGED = "damaged"
TRAILING = "trailing_data"
UNKNOWN = "unknown_coding"
LIMIT = "limit"
HOLE = "hole"

VERDICTS = {
    DECODED: "all of it was decoded",
    NOT_CODED: "declared to be coded, but it is not",
    CUT: "it ends before the coded data does",
    DAMAGED: "the coded data is damaged",
    TRAILING: "other bytes follow the coded data",
    UNKNOWN: "the coding is not known here",
    LIMIT: "decoding stopped at the limit on size or ratio",
    HOLE: "bytes of it were not captured",
}
"""What can be said of a coded body."""

_HISTORY = 1 << 18
"""Coded bytes that are kept to decode again what an error swallowed."""

_ZSTD_SLICE = 256  # a block of 4 bytes may become 128 KiB (RFC 8878 section 3.1.1.2.2)
_ZSTD_WINDOW = 8 << 20  # RFC 9659: a content coding's window is at most 8 MiB
_BROTLI_SLICE = 1 << 14


class _Inflate:
    """Raw deflate, zlib or gzip, by zlib."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(window_bits)
        self.rest = b""

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def write(self, data: bytes) -> Iterator[bytes]:
        decoder = self._decoder
        piece = decoder.decompress(data, PIECE)
        yield piece
        while not decoder.eof and (decoder.unconsumed_tail or len(piece) == PIECE):
            piece = decoder.decompress(decoder.unconsumed_tail, PIECE)
            yield piece
        self.rest = decoder.unused_data


class _Brotli:
    """Brotli (RFC 7932)."""

    def __init__(self) -> None:
        import brotli  # noqa: PLC0415 - only where there is such a body

        self._decoder: Any = brotli.Decompressor()
        self.rest = b""

    @property
    def ended(self) -> bool:
        return bool(self._decoder.is_finished())

    def write(self, data: bytes) -> Iterator[bytes]:
        decoder = self._decoder
        for start in range(0, len(data), _BROTLI_SLICE):
            if decoder.is_finished():
                self.rest = data[start:]
                return
            yield decoder.process(data[start : start + _BROTLI_SLICE], output_buffer_limit=PIECE)
            while True:  # output may be left although all input has been taken
                piece = decoder.process(b"", output_buffer_limit=PIECE)
                if not piece and decoder.can_accept_more_data():
                    break
                yield piece


class _Zstd:
    """Zstandard (RFC 8878)."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - only where there is such a body

        self._decoder: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self.rest = b""

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    def write(self, data: bytes) -> Iterator[bytes]:
        decoder = self._decoder
        for start in range(0, len(data), _ZSTD_SLICE):
            if decoder.eof:
                self.rest = data[start:]
                return
            yield decoder.decompress(data[start : start + _ZSTD_SLICE])
            if decoder.eof:
                self.rest = decoder.unused_data + data[start + _ZSTD_SLICE :]
                return


def _decoders(coding: str) -> list[Any]:
    """What may make sense of a coding, the likeliest last; each makes a decoder."""
    if coding in ("gzip", "x-gzip"):
        return [lambda: _Inflate(31)]
    if coding == "deflate":
        # RFC 9110 section 8.4.1.2: zlib's format is meant, but some send deflate without it.
        return [lambda: _Inflate(-15), lambda: _Inflate(15)]
    if coding == "br":
        return [_Brotli]
    return [_Zstd]


KNOWN = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})
"""Codings that can be undone."""

_GOES_ON = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
"""How another member or frame begins, which counts as part of the body (RFC 1952 section 2.2)."""


class Stage:
    """Undoes one coding.

    Attributes:
        verdict: see ``VERDICTS``; None as long as all is well and the end has not come.
        rest: bytes that follow the coded data; counted, not kept beyond the first few.
    """

    def __init__(self, coding: str) -> None:
        """A decoder of one of ``KNOWN``."""
        self._coding = coding
        self._makers = _decoders(coding)
        self._make: Any = self._makers.pop()
        self._decoder = self._make()
        self._history = bytearray()  # coded bytes since the decoder was made
        self._history_whole = True
        self._given = 0  # decoded bytes since the decoder was made
        self._began = False  # whether anything was decoded at all
        self.verdict: str | None = None
        self.rest = b""

    def write(self, data: bytes) -> Iterator[bytes]:
        """Take coded bytes; gives decoded ones."""
        if self.verdict is not None:
            if self.verdict == NOT_CODED:
                yield data
            return
        pending: bytes | None = data
        while pending:
            if self._decoder.ended:
                pending = self._member(pending)
                continue
            yield from self._step(pending)
            going_on = self.verdict is None  # the step may have set it
            pending = self._decoder.rest if going_on and self._decoder.ended else None

    def _step(self, data: bytes) -> Iterator[bytes]:
        given = 0
        try:
            for piece in self._decoder.write(data):
                if piece:
                    given += len(piece)
                    yield piece
        except Exception as error:
            if isinstance(error, MemoryError):
                raise
            yield from self._failed(data, given)
            return
        self._given += given
        self._began = self._began or bool(self._given)
        if self._history_whole:
            if len(self._history) + len(data) <= _HISTORY:
                self._history += data
            else:
                self._history.clear()
                self._history_whole = False

    def _failed(self, data: bytes, given: int) -> Iterator[bytes]:
        """Give out what the decoder had decoded of ``data`` beyond ``given`` bytes when it raised."""
        if self._history_whole:
            known = self._given + given
            rescued, used, ended = self._again(data)
            if len(rescued) > known:
                self._began = True
                yield bytes(rescued[known:])
            if ended:
                self.rest = data[used : used + 64]
                self.verdict = TRAILING
                return
        if not self._began and self._given + given == 0 and self._history_whole:
            whole = bytes(self._history) + data
            if self._makers:
                self._make = self._makers.pop()
                self._decoder = self._make()
                self._history.clear()
                yield from self._step(whole)
                return
            if not self._looks_coded(whole):
                self.verdict = NOT_CODED
                yield whole
                return
        self.verdict = DAMAGED

    def _again(self, data: bytes) -> tuple[bytearray, int, bool]:
        """Decode what is known once more, the last part byte by byte.

        Returns:
            What came out, how much of ``data`` went in without an error, and whether the coded data ended.
        """
        decoder = self._make()
        out = bytearray()
        used = 0
        try:
            for piece in decoder.write(bytes(self._history)):
                out += piece
            for place in range(len(data)):
                for piece in decoder.write(data[place : place + 1]):
                    out += piece
                used = place + 1
                if decoder.ended:
                    return out, used, True
                if len(out) > (1 << 24):
                    break
        except Exception as error:
            if isinstance(error, MemoryError):
                raise
        return out, used, False

    def _looks_coded(self, data: bytes) -> bool:
        """Whether it begins as coded data does, although it cannot be decoded."""
        if self._coding == "deflate":  # RFC 1950 section 2.2: method 8, and a multiple of 31
            return len(data) > 1 and data[0] & 0x0F == _DEFLATE and (data[0] << 8 | data[1]) % 31 == 0
        mark = _GOES_ON.get(self._coding)
        return mark is not None and data[: len(mark)] == mark

    def _member(self, data: bytes) -> bytes | None:
        """Begin another member behind the end of one; None if what follows is none."""
        mark = _GOES_ON.get(self._coding)
        if mark is not None and data[: len(mark)] == mark[: len(data)]:
            self._decoder = self._make()
            self._history.clear()
            self._history_whole = True
            self._given = 0
            return data
        self.rest = data[:64]
        self.verdict = TRAILING
        return None

    def close(self) -> str:
        """Take note that no more comes; gives the verdict."""
        if self.verdict is None:
            self.verdict = DECODED if self._decoder.ended else CUT
        return self.verdict
