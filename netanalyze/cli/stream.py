"""``netanalyze stream``: one TCP connection, segment by segment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.progress import Progress
from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.registry import like_wireshark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.report.report import Report
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table

FORMATS = ("text", "json")
DIAGRAMS = ("mermaid", "svg")
TABLES = ("streams", "windows", "transitions")
"""What the ladder is drawn from, and what the JSON has."""

File = Annotated[str, typer.Argument(metavar="FILE", help="A capture; - is standard input.")]
Number = Annotated[
    int,
    typer.Argument(metavar="N", min=0, help="Number of the TCP stream, as in Wireshark and in -r streams."),
]
FormatName = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.", show_default=False)
]
Diagram = Annotated[
    str | None,
    typer.Option(
        "--diagram",
        metavar="KIND",
        help="Instead of the ladder, the state diagram with the path that each end took: mermaid (Markdown,"
        " a diagram for each end) or svg (a picture).",
    ),
]
Svg = Annotated[
    str | None,
    typer.Option(
        "--svg",
        metavar="FILE",
        help="Draw the ladder as a picture into this file, and print nothing; - is standard output.",
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="Show every segment: fold no long runs of data or of duplicate ACKs.")
]


def stream(  # noqa: PLR0913 - every option is an argument
    *,
    file: File,
    number: Number,
    format_name: FormatName = "text",
    diagram: Diagram = None,
    svg: Svg = None,
    every: All = False,
    output: options.OutputPath = None,
    compat: options.Compat = None,
    keep_duplicates: options.KeepDuplicates = False,
    time_wait: options.TimeWait = 60,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Show one TCP connection as a ladder: its segments with their events, and the state of each end.

    The client is on the left, the server on the right; numbers are relative, windows scaled. Exit
    status as that of analyze; a stream that there is not is bad usage.
    """
    with errors.errors_told():
        _check("format", format_name, FORMATS)
        if diagram is not None:
            _check("diagram", diagram, DIAGRAMS)
        if svg is not None:
            _alone(svg, format_name, diagram, output)
            output = svg
        from netanalyze.apps.watch import no_such  # noqa: PLC0415 - help answers faster without
        from netanalyze.pipeline import Options, run  # noqa: PLC0415 - the same

        asked = Options(
            tables=TABLES,
            streams=(number,),
            keep_duplicates=keep_duplicates,
            like_wireshark=like_wireshark(compat),
            time_wait_ns=options.nanoseconds(time_wait),
        )
        with open_output(output, [file]) as out:
            with Interrupt() as interrupt, Progress(wanted=not (quiet or no_progress)) as progress:
                report = run(
                    [file],
                    asked,
                    on_progress=progress.advance,
                    on_warning=(lambda _line: None) if quiet else progress.warn,
                    should_stop=interrupt,
                )
            tables = [report[name].stream(number) for name in TABLES]
            if not len(tables[0]):
                raise UsageError(no_such("TCP stream", number, len(report["streams"])))
            style = options.style_for(to_stdout=output in (None, STDOUT), wide=False, all_rows=True)
            form = "ladder" if svg is not None else format_name if diagram is None else diagram
            out.write(_shown(report, tables, style, form, fold=not every))
        if not report.complete:
            raise typer.Exit(errors.INTERRUPTED)


def _check(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(unknown(what, name, known))


def _alone(svg: str, form: str, diagram: str | None, output: str | None) -> None:
    """What is drawn into a file cannot be something else as well."""
    others = {
        "--format": form != FORMATS[0],
        "--diagram": diagram is not None,
        "--output": output is not None,
    }
    for name, given in others.items():
        if given:
            message = f"--svg {svg} and {name} exclude each other"
            raise UsageError(message)


def _shown(
    report: Report, tables: list[Table[Any]], style: Style, form: str, *, fold: bool
) -> Iterator[bytes]:
    """The output in pieces."""
    from netanalyze.report import json_object, ladder, ladder_svg, state_paths  # noqa: PLC0415 - help answers faster without
    from netanalyze.report.rungs import Story  # noqa: PLC0415 - help answers faster without

    if form == "json":
        yield from json_object.render(report, tables)
        return
    streams, segments, transitions = tables
    story = Story(streams[0], list(segments), list(transitions))
    drawn = {
        "text": lambda: ladder.draw(story, style, fold=fold),
        "ladder": lambda: ladder_svg.draw(story, fold=fold),
        "mermaid": lambda: state_paths.as_mermaid(story),
        "svg": lambda: state_paths.as_svg(story),
    }
    coding = "ascii" if style.ascii_only and form in ("text", "mermaid") else "utf-8"
    for line in drawn[form]():
        yield f"{line}\n".encode(coding)
