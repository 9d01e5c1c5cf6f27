"""``netanalyze compare``: a capture before a change with one after it, or two taps of the same traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.output import open_output
from netanalyze.cli.progress import Progress

if TYPE_CHECKING:
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table

First = Annotated[
    str, typer.Argument(metavar="BEFORE", help="The capture before; with --two-sided the client's.")
]
Second = Annotated[
    str, typer.Argument(metavar="AFTER", help="The capture after; with --two-sided the server's.")
]
TwoSided = Annotated[
    bool,
    typer.Option(
        "--two-sided",
        help="The captures are of the same traffic, at the client and at the server: what happened between.",
    ),
]


def compare(  # noqa: PLR0913 - every option is an argument
    *,
    before: First,
    after: Second,
    two_sided: TwoSided = False,
    format_name: options.TextOrJson = None,
    output: options.OutputPath = None,
    wide: options.Wide = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Compare two captures: before and after a change, or two taps.

    Says what got better and worse, appeared and disappeared. Times are compared by the Mann-Whitney test,
    shares by the z-test; a difference is told as better or worse if p is below 0.01 and it is larger than
    5 percent. With --two-sided: how the clocks go, how long
    packets took, which ones died between the taps, what was changed on the way. Exit status as that of
    analyze.
    """
    with errors.errors_told():
        form = options.text_or_json(format_name, output)
        with open_output(output, (before, after)) as out:
            tables, warnings = _tables(before, after, two_sided=two_sided, quiet=quiet or no_progress)
            if not quiet:
                for line in warnings:
                    errors.tell(f"warning: {line}")
            if form == "json":
                from netanalyze.report.comparison import as_json  # noqa: PLC0415 - one format of two

                out.write(as_json(tables, warnings))
                return
            from netanalyze.report.comparison import as_text  # noqa: PLC0415 - the other one

            style = options.style_for(to_stdout=output in (None, "-"), wide=wide, all_rows=False)
            out.write(_encoded(as_text(tables, style), style))


def _tables(before: str, after: str, *, two_sided: bool, quiet: bool) -> tuple[list[Table[Any]], list[str]]:
    """What is found, and what is wrong with the captures."""
    warnings: list[str] = []
    with Progress(wanted=not quiet) as progress:

        def warn(path: str) -> Any:  # noqa: ANN401 - a callable
            return lambda line: warnings.append(line if line.startswith(path) else f"{path}: {line}")

        if two_sided:
            from netanalyze.comparison.packets import read_tap  # noqa: PLC0415 - help answers faster without
            from netanalyze.comparison.two_sided import compare_taps  # noqa: PLC0415 - the same
            from netanalyze.report.comparison import two_sided_tables  # noqa: PLC0415 - the same

            taps = [
                read_tap([path], on_progress=progress.advance, on_warning=warn(path))
                for path in (before, after)
            ]
            return two_sided_tables(compare_taps(*taps)), warnings
        from netanalyze.comparison.before_after import TABLES, compare_reports  # noqa: PLC0415 - the same
        from netanalyze.pipeline import Options, run  # noqa: PLC0415 - the same
        from netanalyze.report.comparison import change_table  # noqa: PLC0415 - the same

        reports = [
            run([path], Options(tables=TABLES), on_progress=progress.advance, on_warning=warn(path))
            for path in (before, after)
        ]
        return [change_table(compare_reports(*reports))], warnings


def _encoded(lines: Any, style: Style) -> Any:  # noqa: ANN401 - iterators
    coding = "ascii" if style.ascii_only else "utf-8"
    return (f"{line}\n".encode(coding, "replace") for line in lines)
