"""What a capture on a terminal shows while it goes on: draws ``report.live_view``, and obeys keys."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from netanalyze.cli.keys import Keys
from netanalyze.cli.rows import Pace
from netanalyze.report.live_view import (
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

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from netanalyze.capture import LiveCapture
    from netanalyze.ongoing import OngoingEngine
    from netanalyze.report.record import Record
    from netanalyze.report.table import Table

EVERY_SECONDS = 0.5
_LATEST = 200
"""Latest rows that are remembered of each table, more than a screen has lines."""
_STYLES = {TITLE: "bold", HEALTH: "", WARNING: "bold yellow", PLAIN: "", KEYS: "reverse"}


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
            tables=self._tables,
        )

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
        count = rows_shown(self._console.size.height)
        for name in self._shown:
            if name in ("streams", "listeners"):
                if name == self.view:
                    self._tables[name] = self._engine.glimpse(name, count)
                else:
                    self._tables.setdefault(name, self._engine.glimpse(name, 0))
                continue
            latest = list(self._latest.get(name, ()))[-count:]
            self._tables[name] = Table.from_rows(name, table_kind(name).record, latest)
