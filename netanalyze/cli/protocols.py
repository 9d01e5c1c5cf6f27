"""``netanalyze protocols``: which application protocols there are, and what tells them."""

from __future__ import annotations

from typing import Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.report.formats import format_named, format_of_file


def protocols(
    *,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PROTOCOL]...", help="Only these protocols.")
    ] = None,
    format_name: options.FormatName = None,
    output: options.OutputPath = None,
    wide: options.Wide = False,
) -> None:
    """List the application protocols that are recognised, and the tables of those that are read.

    Streams and flows have these names in the column app; --decode-as takes them.
    """
    with errors.errors_told():
        to_stdout = output in (None, STDOUT)
        if format_name is not None:
            form = format_named(format_name)
        else:
            form = "table" if to_stdout else format_of_file(str(output))
        from netanalyze.report.known_protocols import known_protocols  # noqa: PLC0415 - help answers faster
        from netanalyze.report.listing import render  # noqa: PLC0415 - the same

        table = known_protocols(options.split(names))
        with open_output(output) as out:
            out.write(render(form, table, options.style_for(to_stdout=to_stdout, wide=wide, all_rows=True)))
