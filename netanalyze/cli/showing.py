"""What a live capture shows while it goes on: rows as JSON Lines, a screen, or nothing."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from netanalyze.cli.analyze import format_asked
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.rows import USUAL as USUAL_ROWS
from netanalyze.cli.rows import RowPrinter
from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.registry import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netanalyze.capture import LiveCapture
    from netanalyze.capture.live.options import LiveOptions
    from netanalyze.cli.viewer import Viewer
    from netanalyze.ongoing import Bounds, OngoingEngine
    from netanalyze.pipeline import Options
    from netanalyze.report.report import Report
    from netanalyze.report.selection import Selection


def format_while(name: str | None, output: str | None) -> str:
    """The format of a live capture's report: JSON Lines where nobody looks and nothing else was asked for.

    Raises:
        UsageError: there is no such format.
    """
    if name is None and output is None and not sys.stdout.isatty():
        return "jsonl"
    return format_asked(name, output)


class Showing:
    """Runs a capture, and shows what happens.

    Attributes:
        by_row: whether rows are printed as they become known.
        on_screen: whether there is a screen to look at.
    """

    def __init__(
        self,
        names: Sequence[str],
        selection: Selection,
        *,
        by_row: bool,
        on_screen: bool,
        view: str | None,
    ) -> None:
        """Nothing runs yet.

        Args:
            names: tables asked for.
            selection: rows and columns asked for.
            by_row: whether rows may be printed as they become known.
            on_screen: whether there may be a screen, if this is a terminal.
            view: table to begin with on it.

        Raises:
            UsageError: ``view`` cannot be looked at.
        """
        from netanalyze.report.live_view import VIEWS  # noqa: PLC0415 - help answers faster

        self.by_row = by_row and not selection.sort and selection.top is None
        self.on_screen = on_screen and sys.stdout.isatty()
        self._names = tuple(names)
        self._selection = selection
        known = [name for name in VIEWS.values() if name in NAMES]
        if view is not None and view not in known:
            raise UsageError(unknown("table to look at", view, known))
        if view is not None and names and view not in names:
            message = f"--view {view}: it is not analyzed; add it to --report"
            raise UsageError(message)
        available = [name for name in known if not names or name in names]
        self._views = available
        self._view = view or (available[0] if available else "streams")

    def tables(self, usual: Sequence[str]) -> tuple[str, ...]:
        """The tables that the analysis has to fill; ``usual`` are those of a report that nobody chose."""
        if self._names:
            return self._names
        if self.by_row:
            return tuple(name for name in USUAL_ROWS if name in NAMES)
        return tuple(dict.fromkeys((*usual, *(self._views if self.on_screen else ()))))

    def run(  # noqa: PLR0913, PLR0917 - what a capture takes
        self,
        interfaces: Sequence[str],
        asked: Options,
        live: LiveOptions,
        bounds: Bounds,
        warn: Callable[[str], None],
        advance: Callable[[int, int | None], None],
    ) -> Report:
        """Capture until a limit is reached, or Ctrl-C; returns the report, without rows printed before.

        Raises:
            NetanalyzeError: see ``pipeline.sniff``; or standard output refuses what is written.
        """
        from netanalyze.follower import worth_it  # noqa: PLC0415 - help answers faster
        from netanalyze.ongoing import OngoingEngine  # noqa: PLC0415 - the same
        from netanalyze.pipeline import sniff  # noqa: PLC0415 - the same

        told: list[Callable[[str], None]] = [warn]

        def tell(line: str) -> None:
            told[-1](line)

        bounds = replace(bounds, keep_rows=not self.by_row, give_rows=self.by_row or self.on_screen)
        engine = OngoingEngine(
            asked,
            bounds,
            on_warning=tell,
            two_threads=worth_it(),
            owners="streams" in asked.tables,
        )
        printer = RowPrinter(engine, self._selection, asked.tables) if self.by_row else None
        viewer = self._viewer(engine, ", ".join(interfaces), asked.tables) if self.on_screen else None
        with ExitStack() as stack:
            interrupt = stack.enter_context(Interrupt(viewer.keys.abandon if viewer is not None else None))

            def should_stop() -> bool:
                quits = viewer is not None and viewer.quits
                return quits or interrupt() or (printer is not None and printer.gone)

            opened = False

            def on_batch(capture: LiveCapture) -> None:
                nonlocal opened
                if printer is not None:
                    printer.look()
                if viewer is not None:
                    if not opened:  # what cannot be captured is said on the screen as it was
                        opened = True
                        told.append(viewer.warn)
                        stack.enter_context(viewer)
                    viewer.look(capture)

            made = sniff(
                interfaces,
                asked,
                live,
                on_progress=advance,
                on_warning=tell,
                should_stop=should_stop,
                engine=engine,
                on_batch=on_batch,
            )
            made.complete = not interrupt()  # who quits wants no more, as who sets a limit
        for line in viewer.warnings if viewer is not None else ():
            warn(line)
        return made

    def _viewer(self, engine: OngoingEngine, source: str, tables: Sequence[str]) -> Viewer:
        from netanalyze.cli.viewer import Viewer  # noqa: PLC0415 - for terminals only

        return Viewer(engine, source, tables, self._view)
