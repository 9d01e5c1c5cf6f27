"""What ends a command early, and with which status."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from netanalyze.errors import NetanalyzeError
from netanalyze.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.report import Report

DONE = 0
UNUSABLE = 2
"""Bad usage, an input that cannot be read, or one of which nothing could be analysed."""
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells report it."""


def tell(message: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"netanalyze: {printable(message)}\n")
    sys.stderr.flush()


@contextmanager
def errors_told() -> Iterator[None]:
    """Make a line and status 2 of the errors that are raised on purpose; others are our own bugs.

    Ctrl-C where nothing can be saved any more ends the command without a word.
    """
    try:
        yield
    except NetanalyzeError as error:
        tell(str(error))
        raise typer.Exit(UNUSABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def status(report: Report, *, quiet: bool) -> int:
    """The exit status that a report means, whatever it says, and a line where it needs one."""
    if not report.complete:
        if not quiet:
            tell("interrupted; the report is on what was read until then")
        return INTERRUPTED
    if report.frames_read and report.chose_nothing:
        if not quiet:
            tell(f"warning: the filter or range left none of {report.frames_read} frames")
        return DONE
    if not report.understood_nothing:
        return DONE
    if not quiet:
        reasons = "; ".join(f"{row.reason} ({row.frames})" for row in report.unused[:3])
        tell(f"warning: none of the frames could be analysed: {reasons}")
    return UNUSABLE
