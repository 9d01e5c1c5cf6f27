"""Bodies of messages: content codings taken off, measured and hashed as they come in.

A ``Body`` holds a few pieces of bounded size at a time, whatever the body's size or what it expands
to. Small bodies that arrive in one piece, which most are, take the short way of ``measure``.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from netanalyze.apps.http import codings
from netanalyze.apps.http.codings import Stage
from netanalyze.apps.reading import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_RATIO = 200
"""How many times its size a body may grow. Text and logs stay below 30, zeros reach 1000 (deflate)."""

RATIO_FROM_BYTES = 1 << 24
"""The ratio is looked at once a body has grown to this size: below it does no harm."""

MAX_CODINGS = 5
"""Codings on top of each other."""

_KNOWN_BYTES = 4 << 20  # coded bodies whose results are remembered
_ENTRY_BYTES = 400  # what remembering one takes beside its bytes

_WHOLE = 1 << 20  # what `measure` decodes at a time


class Limits(Struct, frozen=True):
    """What a body may grow to.

    Attributes:
        max_bytes: decoded bytes.
        max_ratio: decoded bytes for each byte on the wire, from ``RATIO_FROM_BYTES`` on.
    """

    max_bytes: int = MAX_BODY_BYTES
    max_ratio: int = MAX_RATIO


class Sink(Protocol):
    """Takes the decoded bytes of one body."""

    def write(self, data: bytes) -> None:
        """Take the next bytes."""

    def close(self, verdict: str | None) -> None:
        """Take note that they were all, and of what ``VERDICTS`` says of them; None for uncoded bodies."""


def parse_codings(value: bytes | None) -> tuple[str, ...]:
    """The codings of a Content-Encoding or Transfer-Encoding field, in the order they were applied.

    ``identity`` and ``chunked`` are not among them; parameters are left out.
    """
    if not value:
        return ()
    names = (part.split(b";", 1)[0].strip().lower() for part in value[:256].split(b","))
    return tuple(
        name.decode("latin-1") for name in names if name and name not in (b"identity", b"chunked", b"none")
    )


class Body:
    """One body as it comes in.

    Attributes:
        size: decoded bytes so far.
        wire: bytes so far, before decoding.
    """

    def __init__(
        self, coded: tuple[str, ...], limits: Limits, sink: Sink | None = None, *, raw: bool = False
    ) -> None:
        """A body with these codings.

        Args:
            coded: as ``parse_codings`` gives them.
            limits: what it may grow to.
            sink: takes it, too.
            raw: the sink takes it as it was transferred, codings and all.
        """
        self._unknown = len(coded) > MAX_CODINGS or not codings.KNOWN.issuperset(coded)
        self._stages = [] if self._unknown else [Stage(name) for name in reversed(coded)]
        self._amounts = [0] * len(self._stages)
        self._coded = bool(coded)
        self._limits = limits
        self._sink = sink
        self._raw = raw
        self._hash = sha256()
        self._stopped: str | None = None
        self._holed = False
        self.size = 0
        self.wire = 0

    def write(self, data: bytes) -> None:
        """Take the next bytes as they were transferred."""
        self.wire += len(data)
        if self._raw and self._sink is not None:
            self._sink.write(data)
        if self._stopped is not None or (self._holed and self._coded):
            return
        if self._stages:
            self._decode(data)
        else:
            self._take(data)

    def hole(self) -> None:
        """Take note that bytes are missing here: a coded body cannot be decoded beyond them."""
        self._holed = True

    def _decode(self, data: bytes) -> None:
        """Through all stages without recursion: a pile of iterators, the innermost on top."""
        piles: list[Iterable[bytes]] = [iter(self._stages[0].write(data))]
        while piles:
            depth = len(piles)
            piece = next(piles[-1], None)  # type: ignore[call-overload] # each is an iterator
            if piece is None:
                piles.pop()
                continue
            self._amounts[depth - 1] += len(piece)
            if self._exceeds(self._amounts[depth - 1]):
                self._stop(piece if depth == len(self._stages) else b"")
                return
            if depth < len(self._stages):
                piles.append(iter(self._stages[depth].write(piece)))
            else:
                self._take(piece)

    def _exceeds(self, amount: int) -> bool:
        if amount <= RATIO_FROM_BYTES and amount <= self._limits.max_bytes:
            return False
        return amount > self._limits.max_bytes or amount > self._limits.max_ratio * self.wire

    def _stop(self, piece: bytes) -> None:
        """Take what still fits; no more after that."""
        room = self._limits.max_bytes - self.size
        if piece and room > 0:
            self._take(piece[:room])
        self._stopped = codings.LIMIT
        self._stages = []

    def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        self._hash.update(piece)
        if self._sink is not None and not self._raw:
            self._sink.write(piece)

    def close(self) -> tuple[int, bytes | None, str | None]:
        """Take note that no more comes.

        Returns:
            Decoded bytes, their SHA-256 unless bytes are missing or were left out, and the verdict on the
            codings: None if there are none.
        """
        verdict = self._verdict()
        if self._sink is not None:
            self._sink.close(verdict)
        whole = not self._holed and verdict != codings.LIMIT
        return self.size, self._hash.digest() if whole and self.size else None, verdict

    def _verdict(self) -> str | None:
        if not self._coded:
            return codings.HOLE if self._holed else None
        if self._unknown:
            return codings.UNKNOWN
        if self._stopped is not None:
            return self._stopped
        if self._holed:
            return codings.HOLE
        if not self.wire:
            return None
        verdicts = [stage.close() for stage in self._stages]
        return next((verdict for verdict in verdicts if verdict != codings.DECODED), codings.DECODED)


def measure(data: bytes, coded: tuple[str, ...], limits: Limits) -> tuple[int, bytes | None, str | None]:
    """What ``Body.close`` gives for a body that is there in one piece."""
    if not coded:
        return len(data), sha256(data).digest() if data else None, None
    if coded in (("gzip",), ("x-gzip",)) and limits.max_bytes >= _WHOLE:
        decoder = zlib.decompressobj(31)
        try:
            whole = decoder.decompress(data, _WHOLE)
        except zlib.error:
            pass
        else:
            if decoder.eof and not decoder.unused_data:
                return len(whole), sha256(whole).digest() if whole else None, codings.DECODED
    body = Body(coded, limits)
    body.write(data)
    return body.close()


class Known:
    """Measures small bodies, each different one once: the same response often comes many times."""

    def __init__(self, limits: Limits) -> None:
        """Nothing known."""
        self._limits = limits
        self._results: dict[tuple[bytes, tuple[str, ...]], tuple[int, bytes | None, str | None]] = {}
        self._bytes = 0

    def measure(self, data: bytes, coded: tuple[str, ...]) -> tuple[int, bytes | None, str | None]:
        """See ``measure``."""
        key = data, coded
        found = self._results.get(key)
        if found is None:
            found = measure(data, coded, self._limits)
            self._bytes += len(data) + _ENTRY_BYTES
            if self._bytes > _KNOWN_BYTES:
                self._results.clear()
                self._bytes = len(data) + _ENTRY_BYTES
            self._results[key] = found
        return found
