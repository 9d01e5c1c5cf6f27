"""Exchanges and frames that are taken while a run goes on, and those that are let go of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from netanalyze.apps.http.connection import Connection
    from netanalyze.apps.http.connections import Use
    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.http.texts import Texts
    from netanalyze.apps.http.websocket import Frame


class Rows(Protocol):
    """What tables are made of: all that there is, or a part of it."""

    texts: Texts
    exchanges: list[Exchange]
    frames: list[Frame]
    uses: list[Use]


class Part:
    """Some of the rows."""

    def __init__(self, texts: Texts, exchanges: list[Exchange], frames: list[Frame]) -> None:
        """These rows."""
        self.texts = texts
        self.exchanges = exchanges
        self.frames = frames
        self.uses: list[Use] = []


class Taking:
    """Remembers which rows were taken."""

    def __init__(self, app: Rows) -> None:
        """None was; ``app`` goes on adding to its lists."""
        self._app = app
        self._seen = 0  # exchanges up to here were taken, or are among those that go on
        self._going_on: list[Exchange] = []
        self._frames = 0
        self._coming: list[Frame] = []

    def new(self, over: Collection[int] = ()) -> Part:
        """Exchanges that are complete, in the order in which they began, and frames; each comes once.

        Args:
            over: streams of which all are.
        """
        app = self._app
        complete: list[Exchange] = []
        going_on: list[Exchange] = []
        for row in (*self._going_on, *app.exchanges[self._seen :]):
            (complete if row.stream in over or _complete(row) else going_on).append(row)
        self._seen, self._going_on = len(app.exchanges), going_on
        whole: list[Frame] = []
        coming: list[Frame] = []
        for frame in (*self._coming, *app.frames[self._frames :]):
            (whole if frame.stream in over or frame.seen >= frame.bytes else coming).append(frame)
        self._frames, self._coming = len(app.frames), coming
        return Part(app.texts, complete, whole)

    def forget(self, streams: Collection[int], most: int, connections: Iterable[Connection]) -> int:
        """Keep no row of these streams, and not many more than ``most`` of others (``Forgetting``).

        Args:
            streams: numbers.
            most: how many to keep.
            connections: which have rows of their own.
        """
        app = self._app
        if streams:
            self._seen -= sum(row.stream in streams for row in app.exchanges[: self._seen])
            self._frames -= sum(frame.stream in streams for frame in app.frames[: self._frames])
            self._going_on = [row for row in self._going_on if row.stream not in streams]
            self._coming = [frame for frame in self._coming if frame.stream not in streams]
            app.exchanges[:] = [row for row in app.exchanges if row.stream not in streams]
            app.frames[:] = [frame for frame in app.frames if frame.stream not in streams]
            app.uses[:] = [use for use in app.uses if use.stream not in streams]
        lost = 0
        if self._frames > most + most // _SPARE:
            lost += self._frames - most
            del app.frames[: self._frames - most]
            self._frames = most
        if self._seen > most + most // _SPARE:
            going_on = {id(row) for row in self._going_on}
            old = app.exchanges[: self._seen - most]
            kept = [row for row in old if id(row) in going_on]
            app.exchanges[: self._seen - most] = kept
            self._seen = most + len(kept)
            lost += len(old) - len(kept)
            for connection in connections:
                if len(connection.exchanges) > _FEW:
                    mine = [row for row in connection.exchanges[:-_FEW] if row.end is None]
                    connection.exchanges[:-_FEW] = mine
        return lost


_SPARE = 4
"""Letting go takes time in proportion to what is there: so much more than wanted may be."""
_FEW = 64
"""A connection needs its latest exchanges to tell how it ended."""


def _complete(row: Exchange) -> bool:
    """Whether nothing of it is expected any more."""
    whole = row.frame is None or row.request_last_frame is not None
    return row.end is not None and (whole or row.hangup is not None)
