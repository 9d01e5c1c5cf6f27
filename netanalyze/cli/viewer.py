"""What a capture on a terminal shows while it goes on: draws ``report.live_view``, and obeys keys."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from netanalyze.cli.keys import Keys
from netanalyze.cli.rows import Pace
from netanalyze.report.live_findings import findings_so_far, key_of
from netanalyze.report.live_view import (
    ERROR,
    HEALTH,
    KEYS,
    PLAIN,
    TITLE,
    VIEWS,
    WARNING,
    Glance,
    rows_shown,
    screen,
)
from netanalyze.report.named import Book, with_names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from netanalyze.capture import LiveCapture
    from netanalyze.ongoing import OngoingEngine
    from netanalyze.report.record import Record
    from netanalyze.report.table import Table

EVERY_SECONDS = 0.5
FIND_SECONDS = 2.0
"""Findings are looked for so often, and for no more than one part in ``FIND_SHARE`` of the time."""
FIND_SHARE = 20
_SPARE = 4
"""And only while the room for packets lasts so many times as long as it took the last time."""
_BOTH_COLUMNS = 120
"""On a screen this wide there is room for addresses beside their names."""
_LATEST = 200
"""Latest rows that are remembered of each table, more than a screen has lines."""
_GLIMPSED = ("streams", "udp", "listeners")
"""Tables of which the rows as they are now are shown; of others the latest ones."""
_STYLES = {
    TITLE: "bold",
    HEALTH: "",
    WARNING: "bold yellow",
    ERROR: "bold red",
    PLAIN: "",
    KEYS: "reverse",
}


class Viewer:
    """The screen of a capture that goes on.

    Attributes:
        quits: whether the user asked to end the capture.
        keys: the terminal's.
    """

    def __init__(
        self,
        engine: OngoingEngine,
        source: str,
        tables: Iterable[str],
        view: str,
        console: Any = None,  # noqa: ANN401 - rich is imported when it is needed
    ) -> None:
        """Nothing shown yet.

        Args:
            engine: that analyses.
            source: names of the interfaces.
            tables: that are analysed.
            view: the table to begin with.
            console: rich's; standard output if None.
        """
        from rich.console import Console  # noqa: PLC0415 - slow to import, and for terminals only

        self.quits = False
        self.keys = Keys()
        self.view = view
        self._engine = engine
        self._source = source
        self._shown = [name for name in VIEWS.values() if name in set(tables)]
        self._console = console or Console()
        self._live: Any = None
        self._pace = Pace(EVERY_SECONDS)
        self._find_pace = Pace(FIND_SECONDS, FIND_SHARE)
        self._find_took = 0.0
        self._appeared: dict[tuple[str, str, str], float] = {}
        self._book = Book()
        self._paused = False
        self._latest: dict[str, deque[Record]] = {}
        self._tables: dict[str, Table[Any]] = {}
        self._warnings: list[str] = []
        self._began = time.monotonic()
        self._before = self._began, 0, 0
        self._rates = 0.0, 0.0

    def __enter__(self) -> Self:
        """Take the screen."""
        from rich.live import Live  # noqa: PLC0415 - slow to import, and for terminals only

        self.keys.__enter__()
        try:
            self._live = Live(
                console=self._console,
                screen=True,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start()
        except BaseException:
            self.keys.restore()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the screen back, and say on it what there was to warn of."""
        try:
            self._live.stop()
        finally:
            self.keys.__exit__(kind, error, traceback)

    @property
    def warnings(self) -> list[str]:
        """What there was to warn of."""
        return self._warnings

    def warn(self, line: str) -> None:
        """Show a warning."""
        self._warnings.append(line)

    def look(self, capture: LiveCapture) -> None:
        """Obey keys, and show what is new if it is time."""
        obeyed = self.obey(self.keys.pressed())
        if not (obeyed or self._pace.due()):
            return
        began = time.monotonic()
        self._measure(capture, began)
        if not self._paused:
            self._refresh()
        self.show(self.glance(capture))
        self._pace.took(time.monotonic() - began)
        if "findings" in self._shown and not self._paused and self._find_pace.due():
            self._find(capture)

    def _find(self, capture: LiveCapture) -> None:
        """Look for findings, if that cannot take so long that packets are lost meanwhile."""
        frames, bits = self._rates
        if capture.lasts_seconds(frames, bits / 8) < _SPARE * self._find_took:
            return
        began = time.monotonic()
        found = self._engine.find(capture)
        self._find_took = time.monotonic() - began
        self._find_pace.took(self._find_took)
        now = began - self._began
        self._appeared = {key_of(each): self._appeared.get(key_of(each), now) for each in found}
        self._tables["findings"] = findings_so_far(found, self._appeared)

    def obey(self, keys: str) -> bool:
        """Do what keys ask for; returns whether anything changed."""
        changed = False
        for key in keys:
            if key in VIEWS and VIEWS[key] in self._shown:
                self.view, changed = VIEWS[key], True
                self._paused = False
            elif key == " ":
                self._paused, changed = not self._paused, True
            elif key == "q":
                self.quits = True
        return changed

    def show(self, glance: Glance) -> None:
        """Draw a screen."""
        from rich.text import Text  # noqa: PLC0415 - slow to import, and for terminals only

        size = self._console.size
        ascii_only = not str(self._console.encoding).lower().startswith("utf")
        lines = screen(glance, size.width, size.height, ascii_only=ascii_only)
        text = Text(no_wrap=True, overflow="crop", end="")
        for place, (kind, line) in enumerate(lines):
            if place:
                text.append("\n")
            text.append(line.ljust(size.width) if kind == KEYS else line, _STYLES[kind])
        self._live.update(text, refresh=True)

    def glance(self, capture: LiveCapture) -> Glance:
        """What there is to show."""
        info = capture.files[0]
        engine = self._engine
        waiting = capture.waiting
        if info.received is not None:
            waiting += max(info.received - (info.dropped or 0) - info.frames, 0)
        newest = engine.now_ns
        # Where nothing waits, the newest frame is old because nothing came.
        behind = time.time_ns() - newest if waiting and newest is not None else 0
        is_open, others, flows = engine.counts()
        return Glance(
            source=self._source,
            seconds=time.monotonic() - self._began,
            frames=info.frames,
            wire_bytes=info.wire_bytes,
            frames_a_second=self._rates[0],
            bits_a_second=self._rates[1],
            open_streams=is_open,
            other_streams=others,
            flows=flows,
            received=info.received,
            lost=info.dropped,
            waiting=waiting,
            ring_percent=round(100 * capture.crowded),
            passed_over=capture.passed_over,
            behind_ns=behind,
            warnings=self._warnings,
            paused=self._paused,
            view=self.view,
            tables=self._named(),
        )

    def _named(self) -> dict[str, Table[Any]]:
        """The tables with names beside addresses, or instead of them where there is no room for both."""
        narrow = self._console.size.width < _BOTH_COLUMNS
        named = with_names(self._tables.values(), self._book.names, alone=narrow)
        return {table.name: table for table in named}

    def _hear_said(self, table: Table[Any]) -> None:
        """Remember the names that clients of these streams said, of addresses without one."""
        said = self._engine.said_names
        if table.name == "streams" and said:
            for row in table:
                if row.server not in self._book.names and row.stream in said:
                    self._book.note(row.server, said[row.stream])

    def _measure(self, capture: LiveCapture, now: float) -> None:
        info = capture.files[0]
        then, frames, size = self._before
        if now - then >= EVERY_SECONDS / 2:
            passed = now - then
            self._rates = (info.frames - frames) / passed, (info.wire_bytes - size) * 8 / passed
            self._before = now, info.frames, info.wire_bytes

    def _refresh(self) -> None:
        """Take what is new into the tables."""
        from netanalyze.report.registry import table_kind  # noqa: PLC0415 - after the first screen
        from netanalyze.report.table import Table  # noqa: PLC0415 - the same

        for name, rows in self._engine.take(time.time_ns()):
            self._latest.setdefault(name, deque(maxlen=_LATEST)).extend(rows)
            if name == "dns":
                queries: Any = rows
                self._book.hear(queries)
        count = rows_shown(self._console.size.height)
        for name in self._shown:
            if name in _GLIMPSED:
                if name == self.view:
                    self._tables[name] = self._engine.glimpse(name, count)
                    self._hear_said(self._tables[name])
                elif name not in self._tables:
                    self._tables[name] = self._engine.glimpse(name, 0)
                continue
            if name == "findings":
                self._tables.setdefault(name, findings_so_far((), {}))
                continue
            latest = list(self._latest.get(name, ()))[-count:]
            self._tables[name] = Table.from_rows(name, table_kind(name).record, latest)
