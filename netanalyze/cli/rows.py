"""Rows of a capture that goes on, printed as JSON Lines as they become known."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from netanalyze.cli.output import discard_stdout
from netanalyze.errors import NetanalyzeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.ongoing import OngoingEngine
    from netanalyze.report.record import Record
    from netanalyze.report.selection import Selection

EVERY_SECONDS = 0.2
"""Rows are looked for so often, but no tenth of the time is spent with it."""
_SHARE = 10

USUAL = ("streams", "events", "http", "dns")
"""Tables that are printed where nobody chose any, if there are such."""


class Pace:
    """When it is time to do something again that takes a while."""

    def __init__(self, every_seconds: float, share: int = _SHARE) -> None:
        """At once, and then so often at most, for no more than one part in so many of the time."""
        self._every = every_seconds
        self._share = share
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    def took(self, seconds: float) -> None:
        """Be told how long it took."""
        self._next = time.monotonic() + max(self._every, self._share * seconds)


class RowPrinter:
    """Prints the rows that an engine gives.

    Attributes:
        gone: whether nobody reads any more, as after ``| head``.
    """

    def __init__(self, engine: OngoingEngine, selection: Selection, tables: Sequence[str]) -> None:
        """Nothing printed yet.

        Args:
            engine: gives rows.
            selection: which of them, and which columns; it must not sort or count rows.
            tables: all that are wanted.
        """
        self.gone = False
        self._engine = engine
        self._selection = selection
        self._tables = tuple(tables)
        self._pace = Pace(EVERY_SECONDS)

    def look(self) -> None:
        """Print what is new, if it is time.

        Raises:
            NetanalyzeError: the device refuses, as a full disk does.
        """
        if self.gone or not self._pace.due():
            return
        began = time.monotonic()
        for name, rows in self._engine.take(time.time_ns()):
            self._print(name, rows)
        self._pace.took(time.monotonic() - began)

    def _print(self, name: str, rows: list[Record]) -> None:
        from netanalyze.report.json_lines import table_lines  # noqa: PLC0415 - help answers faster
        from netanalyze.report.registry import table_kind  # noqa: PLC0415 - the same
        from netanalyze.report.selection import choose  # noqa: PLC0415 - the same
        from netanalyze.report.table import Table  # noqa: PLC0415 - the same

        if self._selection:
            # Conditions and columns are about the tables that have them, of all that were asked for.
            tables = [
                Table.from_rows(each, table_kind(each).record, rows if each == name else ())
                for each in self._tables
            ]
            rows = next(list(table) for table in choose(tables, self._selection) if table.name == name)
        if not rows or self.gone:
            return
        try:
            sys.stdout.buffer.write(table_lines(name, rows))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            discard_stdout()
            self.gone = True
        except OSError as error:
            discard_stdout()
            message = f"cannot write to standard output: {error.strerror}"
            raise NetanalyzeError(message) from None
