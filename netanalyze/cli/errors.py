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
