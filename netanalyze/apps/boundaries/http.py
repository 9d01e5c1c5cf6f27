"""Messages of HTTP/1, told by the reader of the tables.

llhttp does not say where in its input a message ended. But a message can only end behind a blank line, or
where its body has as many bytes as promised, and the reader's result does not depend on how the bytes are
cut. So they are handed to it up to the next such place at a time: when it is between messages then, one ended
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.boundaries.halves import Framed
from netanalyze.apps.http.application import Http
from netanalyze.apps.http.bodies import Limits
from netanalyze.apps.http.connection import Connection
from netanalyze.apps.http.half import State
from netanalyze.model import Gap
from netanalyze.tcp.writes.framing import WEBSOCKET

if TYPE_CHECKING:
    from netanalyze.apps.http.half import Half
    from netanalyze.tcp.byte_streams import Ending, StreamFacts
    from netanalyze.tcp.writes.layout import Facts, HalfLayout, Layout

_BLANK = b"\r\n"


class HttpMessages:
    """One connection, whose two sides its reader reads together."""

    def __init__(self, facts: StreamFacts) -> None:
        """Nothing read yet."""
        self._app = Http(frozenset(), limits=Limits(max_bytes=1))
        self.reader = Connection(self._app, facts)

    def half(self, side: int) -> Half | None:
        """The reader's own half of a side, once it knows who is the client."""
        client, server = self.reader.client, self.reader.server
        if client is None or server is None:
            return None
        return client if client.side == side else server

    def forget(self) -> None:
        """Keep no exchange that is over: nobody asks for it."""
        self._app.exchanges.clear()
        self._app.uses.clear()


class HttpHalf:
    """One side of it."""

    def __init__(self, messages: HttpMessages, side: int, layout: Layout, half: HalfLayout) -> None:
        """Nothing read yet."""
        self._messages = messages
        self._side = side
        self._layout = layout
        self._half = half
        self._frames: Framed | None = None

    def data(self, data: memoryview, offset: int, frame: int, time_ns: int, facts: Facts) -> None:
        """See ``HalfMessages``."""
        half = self._messages.half(self._side)
        if self._frames is None and half is not None and half.state is State.FRAMES:
            self._frames = Framed(self._layout, self._half, (WEBSOCKET,), lost=False)
        if self._frames is not None:
            self._frames.data(data, offset, frame, time_ns, facts)
            return
        size, cut_off = len(data), facts[4]
        found, stop = self._read(data, offset, frame, time_ns)
        if cut_off:
            half = self._messages.half(self._side)
            begun = half is not None and half.begun
            self._messages.reader.gap(self._side, Gap(offset + size, cut_off), frame, time_ns)
            half = self._messages.half(self._side)
            if not begun or half is None or half.state is not State.READING:
                stop = min(stop, self._layout.ends[found - 1] if found else 0)
            elif not half.begun:
                self._layout.ends[found] = size + cut_off
                found += 1
        size += cut_off
        self._layout.take(self._half, offset, size, frame, time_ns, facts, found, min(stop, size))

    def _read(self, data: memoryview, offset: int, frame: int, time_ns: int) -> tuple[int, int]:
        """Have bytes read, a step at a time.

        Returns:
            How many messages end, and from where on bytes belong to none.
        """
        size, at, found, stop = len(data), 0, 0, 1 << 62
        ends = self._layout.room_for(size + 1)
        reader, side = self._messages.reader, self._side
        half = self._messages.half(side)
        while at < size:
            was = half.state if half is not None else State.READING
            begun = half is not None and half.begun
            step = _step(half, data[at:]) if half is not None else _head_end(bytes(data[at:]))
            piece = data[at : at + step]
            reader.data(side, piece, offset + at, frame, time_ns)
            half = self._messages.half(side)
            at += step
            if half is None:
                continue
            if half.state is State.READING:
                # A blank line between messages belongs to the one before.
                ended = not half.begun and (begun or bool(bytes(piece[:3]).strip(_BLANK)))
            else:
                ended = was is State.READING and half.state is not State.SEARCHING and not half.begun
                if half.state is not State.MENDING and not half.begun:
                    stop = min(stop, at if ended else at - step)
            if ended:
                ends[found] = at
                found += 1
            if half.state is State.FRAMES:
                self._frames = Framed(self._layout, self._half, (WEBSOCKET,), lost=False)
                return found + self._frames.more(data, at, ends[found:]), 1 << 62
        return found, stop

    def gap(self, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``HalfMessages``."""
        if self._frames is not None:
            self._frames.gap(gap, frame, time_ns)
            return
        half = self._messages.half(self._side)
        begun = half is not None and half.begun
        self._messages.reader.gap(self._side, gap, frame, time_ns)
        half = self._messages.half(self._side)
        known = begun and half is not None and half.state is State.READING
        ends = known and half is not None and not half.begun
        self._layout.miss(self._half, gap.offset, gap.length, (frame, time_ns), known=known, ends=ends)

    def end(self, ending: Ending, end: int, frame: int, time_ns: int) -> None:
        """The side ended: a body that goes on until then ends here."""
        if self._frames is not None:
            return
        half = self._messages.half(self._side)
        begun = half is not None and half.begun
        self._messages.reader.end(self._side, ending, frame, time_ns)
        half = self._messages.half(self._side)
        if begun and half is not None and not half.begun:
            self._layout.end(self._half, end)

    def close(self, end: int) -> None:
        """See ``HalfMessages``."""
        del end
        self._layout.close(self._half)


def _step(half: Half, data: memoryview) -> int:
    """How many bytes may be handed over before a message can end."""
    size = len(data)
    if half.state is not State.READING:
        return size if half.state in (State.FRAMES, State.FOREIGN, State.HELD) else _head_end(bytes(data))
    if half.begun and not half.in_head and not half.chunked():
        promised = half.promised()
        if promised is None:
            return size if not half.careful() else _head_end(bytes(data))
        return min(max(promised - half.wire - half.missing, 1), size)
    if half.begun and not half.in_head and half.chunk_left() > size:
        return size
    return _head_end(bytes(data))


def _head_end(data: bytes) -> int:
    """Where the first blank line ends, or the data."""
    if data.startswith(_BLANK):
        return 2
    if data[:1] == b"\n":
        return 1
    places = [at + len(end) for end in (b"\n\r\n", b"\n\n") if (at := data.find(end)) >= 0]
    return min(places, default=len(data))
