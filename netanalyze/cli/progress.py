"""A progress bar on standard error, for runs that last, and warnings that do not collide with it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from netanalyze.cli.errors import tell

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_SECONDS = 0.5
"""Shorter runs show no bar."""


class Progress:
    """Counts the bytes read; shows them once the run has lasted a while, if somebody watches."""

    def __init__(self, *, wanted: bool) -> None:
        """Show nothing yet.

        Args:
            wanted: whether a bar may appear at all; it never does unless standard error is a terminal.
        """
        self._wanted = wanted and sys.stderr.isatty()
        self._start = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def advance(self, done: int, total: int | None) -> None:
        """So many bytes of the input have been read, of so many if that is known."""
        if not self._wanted:
            return
        if self._bar is None:
            if time.monotonic() - self._start < PATIENCE_SECONDS:
                return
            self._open(total)
        self._bar.update(self._task, completed=done, total=total)

    def warn(self, message: str) -> None:
        """A warning, above the bar if there is one."""
        if self._bar is not None:
            self._bar.stop()
        tell(f"warning: {message}")
        if self._bar is not None:
            self._bar.start()

    def _open(self, total: int | None) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and most runs are short
        from rich.progress import (  # noqa: PLC0415 - the same
            BarColumn,
            DownloadColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bar  # noqa: PLC0415 - the same

        self._bar = Bar(
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=total)
        self._bar.start()
