"""A body as ``netanalyze follow`` shows it: decoded, with a line that says what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.http import codings
from netanalyze.apps.transcript import Passage

if TYPE_CHECKING:
    from netanalyze.apps.http.half import Half

PART = "body"

HELD_BYTES = 1 << 16
"""Of a decoded body up to this size the sizes are told ahead of it, of a longer one behind it.

A passage has no more either.
"""


class ShownBody:
    """Takes a body as it is decoded (it is a ``bodies.Sink``) and the bytes on the wire that it came in.

    Attributes:
        closed: whether its end has been read, or that it has none.
        last_chunk: whether the chunk of size 0 has come.
    """

    def __init__(self, half: Half, offset: int, frame: int, time_ns: int) -> None:
        """Nothing has come.

        Args:
            half: that reads the message; its head has been read.
            offset: of the body's first byte in the half-stream.
            frame: where the body begins.
            time_ns: the same.
        """
        self._half = half
        self._side = half.side
        self._names = (*half.codings(), *(("chunked",) if half.chunked() else ()))
        self._decoded = bytearray()  # not given out
        self._wire = 0  # bytes not given out
        self._all_decoded = 0
        self._all_wire = 0
        self._where = (offset, frame, frame, time_ns)  # of what has not been given out
        self._announced = False
        self._verdict: str | None = None
        self._lacking = ""
        self.closed = False
        self.last_chunk = False

    # Sink.

    def write(self, data: bytes) -> None:
        """Take the next decoded bytes."""
        self._decoded += data
        self._all_decoded += len(data)

    def close(self, verdict: str | None) -> None:
        """Take note that they were all."""
        self._verdict = verdict
        self.look()
        self.closed = True

    # The stream.

    def came(self, size: int, offset: int, frame: int, time_ns: int) -> None:
        """Take note of bytes on the wire, framing of chunks included."""
        if self._wire:
            begin, first, _, first_ns = self._where
            self._where = (begin, first, frame, first_ns)
        else:
            self._where = (offset, frame, frame, time_ns)
        self._wire += size
        self._all_wire += size

    def look(self) -> None:
        """See what would be missing if no more came."""
        half = self._half
        promised = half.promised()
        if half.chunked():
            self._lacking = "" if self.last_chunk else "its last chunk is missing"
        elif promised is not None:
            short = promised - half.wire - half.missing
            self._lacking = f"{_counted(short)} short of its Content-Length" if short > 0 else ""

    def not_ended(self) -> None:
        """The connection was to end it, and did not."""
        if not self._lacking:
            self._lacking = "the connection was not seen to end it"

    @property
    def waits(self) -> bool:
        """Whether something has come and has not been given out."""
        return bool(self._wire or self._decoded)

    def ready(self) -> list[Passage]:
        """What is to be given out by now."""
        if self._names and not self._announced and len(self._decoded) <= HELD_BYTES:
            return []
        return self.flush()

    def flush(self) -> list[Passage]:
        """All that has come; a body that is decoded is announced first."""
        note = ""
        if self._names and not self._announced:
            note = f"body: {self._coding()}"
            self._announced = True
        if not note and not self.waits:
            return []
        passages = [self._passage(note)]
        while self._decoded:
            passages.append(self._passage(""))
        return passages

    def finish(self) -> list[Passage]:
        """No more comes: the rest of it."""
        wrong = self._wrong()
        if not self._names:
            rest = self.flush()
            return [*rest, self._passage(f"end of body: {wrong}")] if wrong else rest
        shown = "shown" if self._verdict == codings.UNKNOWN else "decoded"
        told = f"{_counted(self._all_wire)} on the wire, {grouped(self._all_decoded)} {shown}"
        told = f"{told}; {wrong}" if wrong else told
        if not self._announced and len(self._decoded) <= HELD_BYTES:
            return [self._passage(f"body: {self._coding()}, {told}")]
        rest = self.flush() if self._decoded else []
        return [*rest, self._passage(f"end of body: {told}")]

    def _passage(self, note: str) -> Passage:
        offset, first, last, time_ns = self._where
        size = self._wire
        place = self._all_decoded - len(self._decoded)
        data = bytes(self._decoded[:HELD_BYTES])
        del self._decoded[:HELD_BYTES]
        self._wire = 0
        self._where = (offset + size, last, last, time_ns)
        return Passage(
            side=self._side,
            offset=offset,
            wire_bytes=size,
            data=data,
            first_frame=first,
            last_frame=last,
            time_ns=time_ns,
            note=note,
            part=PART,
            coding=self._coding(),
            body_offset=place if self._names else None,
        )

    def _coding(self) -> str:
        return ", ".join(self._names)

    def _wrong(self) -> str:
        """What is to say of it beside its sizes."""
        said = []
        if self._verdict not in (None, codings.DECODED, codings.HOLE):  # a hole has been said in its place
            said.append(codings.VERDICTS[str(self._verdict)])
        elif self._verdict == codings.HOLE and self._names not in ((), ("chunked",)):
            said.append("not decoded beyond the missing bytes")
        if self._lacking:
            said.append(self._lacking)
        return "; ".join(said)


def grouped(number: int) -> str:
    """A number with its digits in groups."""
    return f"{number:,}".replace(",", " ")


def _counted(number: int) -> str:
    return f"{grouped(number)} byte{'' if number == 1 else 's'}"
