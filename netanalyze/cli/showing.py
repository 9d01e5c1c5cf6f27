"""What a live capture shows while it goes on: rows as JSON Lines, a screen, or nothing."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from msgspec.structs import replace

from netanalyze.cli.analyze import format_asked
from netanalyze.cli.rows import USUAL as USUAL_ROWS
from netanalyze.cli.rows import RowPrinter
from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.registry import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netanalyze.capture import LiveCapture
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

    def __init__(  # noqa: PLR0913 - options, given by name
        self,
        names: Sequence[str],
        selection: Selection,
        *,
        by_row: bool,
        on_screen: bool,
        view: str | None,
        named: bool = False,
    ) -> None:
        """Nothing runs yet.

        Args:
            names: tables asked for.
            selection: rows and columns asked for.
            by_row: whether rows may be printed as they become known.
            on_screen: whether there may be a screen, if this is a terminal.
            view: table to begin with on it.
            named: whether names are to be shown beside addresses.

        Raises:
            UsageError: ``view`` cannot be looked at.
        """
        from netanalyze.report.live_view import VIEWS  # noqa: PLC0415 - help answers faster

        self.by_row = by_row and not selection.sort and selection.top is None
        self.on_screen = on_screen and sys.stdout.isatty()
        self._names = tuple(names)
        # Names come from the table at the end, and from answers while it goes on.
        self._besides = ("names", "dns") if named and self.on_screen else ("names",) if named else ()
        self._selection = selection
        known = [name for name in VIEWS.values() if name in NAMES]
        if view is not None and view not in known:
            raise UsageError(unknown("table to look at", view, known))
        if view is not None and names and view not in names:
            message = f"--view {view}: it is not analyzed; add it to --report"
            raise UsageError(message)
        available = [name for name in known if not names or name in names]
        self._views = available
        self._engine: OngoingEngine | None = None
        self._printer: RowPrinter | None = None
        self._viewer: Viewer | None = None
        self._tell: Callable[[str], None] = lambda _line: None
        self._view = view or (available[0] if available else "streams")

    def tables(self, usual: Sequence[str]) -> tuple[str, ...]:
        """The tables that the analysis has to fill; ``usual`` are those of a report that nobody chose."""
        if self._names:
            return tuple(dict.fromkeys((*self._names, *self._besides)))
        if self.by_row:
            return tuple(name for name in USUAL_ROWS if name in NAMES)
        return tuple(dict.fromkeys((*usual, *(self._views if self.on_screen else ()))))

    @property
    def ends(self) -> bool:
        """Whether the user wants no more, or nobody reads any more."""
        quits = self._viewer is not None and self._viewer.quits
        return quits or (self._printer is not None and self._printer.gone)

    def warn(self, line: str) -> None:
        """Say a warning where it can be seen."""
        self._tell(line)

    def abandon(self) -> None:
        """Give the terminal back at once, before the program is ended."""
        if self._viewer is not None:
            self._viewer.keys.abandon()

    def prepare(
        self, asked: Options, bounds: Bounds, interfaces: Sequence[str], warn: Callable[[str], None]
    ) -> None:
        """Make ready for a capture.

        Args:
            asked: what is asked of the analysis.
            bounds: what it may take.
            interfaces: that are to be captured on.
            warn: says a warning while there is no screen.

        Raises:
            UsageError: an option makes no sense.
        """
        from netanalyze.follower import worth_it  # noqa: PLC0415 - help answers faster
        from netanalyze.ongoing import OngoingEngine  # noqa: PLC0415 - the same

        self._tell = warn
        bounds = replace(bounds, keep_rows=not self.by_row, give_rows=self.by_row or self.on_screen)
        self._engine = OngoingEngine(
            asked,
            bounds,
            on_warning=self.warn,
            two_threads=worth_it(),
            owners=True,
        )
        if self.by_row:
            self._printer = RowPrinter(self._engine, self._selection, asked.tables)
        if self.on_screen:
            from netanalyze.cli.viewer import Viewer  # noqa: PLC0415 - for terminals only

            self._viewer = Viewer(self._engine, ", ".join(interfaces), asked.tables, self._view)

    def run(self, capture: LiveCapture, asked: Options, advance: Callable[[int, int | None], None]) -> Report:
        """Analyse a capture until it ends; returns the report, without rows printed before.

        Args:
            capture: what ``prepare`` was for.
            asked: as there.
            advance: is told how many bytes have come.

        Raises:
            NetanalyzeError: see ``pipeline.sniff``; or standard output refuses what is written.
        """
        from netanalyze.pipeline import sniff  # noqa: PLC0415 - help answers faster

        printer, viewer, before = self._printer, self._viewer, self._tell

        def look() -> None:
            if printer is not None:
                printer.look()
            if viewer is not None:
                viewer.look(capture)

        try:
            with viewer or nullcontext():
                if viewer is not None:
                    self._tell = viewer.warn
                return sniff(capture, asked, on_progress=advance, engine=self._engine, on_batch=look)
        finally:
            self._tell = before
            for line in viewer.warnings if viewer is not None else ():
                before(line)
