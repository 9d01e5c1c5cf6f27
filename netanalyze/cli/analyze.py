"""``netanalyze analyze``: read captures, show tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.plot import draw_stream
from netanalyze.cli.progress import Progress
from netanalyze.errors import UsageError
from netanalyze.report.formats import PEOPLE, format_named, format_of_file
from netanalyze.report.registry import OVERVIEW, USUAL, like_wireshark, table_kind, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.pipeline import Options
    from netanalyze.report.plot.render import Form
    from netanalyze.report.report import Report
    from netanalyze.report.selection import Selection
    from netanalyze.report.table import Table


def analyze(  # noqa: PLR0913 - every option is an argument
    *,
    files: options.Files,
    report: options.Tables = None,
    format_name: options.FormatName = None,
    output: options.OutputPath = None,
    top: options.Top = None,
    sort: options.Sort = None,
    where: options.Where = None,
    columns: options.Columns = None,
    stream: options.Streams = None,
    wide: options.Wide = False,
    show_names: options.Names = False,
    capture_filter: options.Filter = None,
    start: options.Start = None,
    stop: options.Stop = None,
    keep_duplicates: options.KeepDuplicates = False,
    compat: options.Compat = None,
    decode_as: options.DecodeAs = None,
    framing: options.Framing = None,
    time_wait: options.TimeWait = 60,
    overlap: options.Overlap = "first",
    max_body: options.MaxBody = options.MAX_BODY_MB,
    plot: options.Plot = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Show what the conversations in captures did.

    Without --report: an overview of one screen. --where, --sort, --top, --stream and --columns are
    about tables: choose some with --report, or a format for programs. Exit status: 0 done, 2 bad
    usage or input that cannot be read or understood, 130 interrupted (what was read until then is
    still shown).
    """
    with errors.errors_told():
        names = wanted(options.split(report))
        form = format_asked(format_name, output)
        from netanalyze.pipeline import Options  # noqa: PLC0415 - help answers faster without
        from netanalyze.report.formats import render  # noqa: PLC0415 - the same
        from netanalyze.report.selection import choose  # noqa: PLC0415 - the same

        selection = options.selection(where, sort, top, stream, columns)
        check_tables(names, form, selection, plot=plot is not None)
        drawing = _drawing(plot, names, selection.streams)
        asked = names or (OVERVIEW if form in PEOPLE else USUAL)
        named = show_names and can_be_named(names, form)
        besides = _besides(drawing=drawing is not None, named=named)
        to_stdout = output in (None, STDOUT)
        with open_output(output, files) as out:
            made = _run(
                files,
                Options(
                    tables=tuple(dict.fromkeys((*asked, *besides))),
                    filter=capture_filter,
                    start=start,
                    stop=stop,
                    keep_duplicates=keep_duplicates,
                    like_wireshark=like_wireshark(compat),
                    streams=selection.streams,
                    decode_as=options.decode_as(decode_as),
                    time_wait_ns=options.nanoseconds(time_wait),
                    overlap=overlap,
                    framings=tuple(framing or ()),
                    max_body_bytes=options.megabytes(max_body),
                    looked_into=_looked_into(files) if asked == OVERVIEW else None,
                ),
                quiet=quiet,
                bar=not (quiet or no_progress),
            )
            if plot is not None and drawing is not None:
                draw_stream(made, selection.streams[0], plot, drawing, files)
            chosen = bool(names or selection) and not (drawing and not names)
            tables = choose(made.tables(names), selection) if chosen else None
            if named and tables is not None:
                tables = with_their_names(tables, made)
            style = options.style_for(
                to_stdout=to_stdout, wide=wide, all_rows=top is not None, verbose=verbose
            )
            out.write(render(form, made, tables, style))
        raise typer.Exit(errors.status(made, quiet=quiet))


def _looked_into(files: Sequence[str]) -> frozenset[str] | None:
    """The tables that the findings of an overview may be made of: fewer for large captures."""
    from netanalyze.findings.budget import affordable  # noqa: PLC0415 - help answers faster without

    try:
        size: int | None = sum(Path(file).stat().st_size for file in files) if STDOUT not in files else None
    except OSError:  # is told when the file is opened
        size = None
    return affordable(size)


def can_be_named(names: Sequence[str], form: str) -> bool:
    """Refuse ``--names`` where it would do nothing; True.

    Raises:
        UsageError: there are no tables for people.
    """
    if not names:
        message = "--names is about tables: choose some with --report"
    elif form not in PEOPLE:
        message = f"--names changes text, not {form}: add --report names and join it by stream"
    else:
        return True
    raise UsageError(message)


def with_their_names(tables: Sequence[Table[Any]], made: Report) -> list[Table[Any]]:
    """Tables of a report with names beside their addresses; it must have the table ``names``."""
    from netanalyze.report.named import names_by_address, with_names  # noqa: PLC0415 - rarely asked for

    return with_names(tables, names_by_address(made["names"]))


def _besides(*, drawing: bool, named: bool) -> tuple[str, ...]:
    """Tables that are needed without being asked for."""
    return (*(("windows", "streams") if drawing else ()), *(("names",) if named else ()))


def format_asked(name: str | None, output: str | None) -> str:
    """The format of the report: by its name, or by the suffix of the file written to."""
    if name is not None:
        return format_named(name)
    return "table" if output in (None, STDOUT) else format_of_file(str(output))


def check_tables(names: Sequence[str], form: str, selection: Selection, *, plot: bool = False) -> None:
    """Find mistakes before the analysis, which may take long.

    Raises:
        UsageError: there is one.
    """
    from netanalyze.report.csv_table import check_one  # noqa: PLC0415 - help answers faster without
    from netanalyze.report.selection import choose  # noqa: PLC0415 - the same
    from netanalyze.report.tables import empty_table  # noqa: PLC0415 - the same

    if form == "csv":
        check_one(names or USUAL)
    if selection and not names and form in PEOPLE and not plot:
        message = "--where, --sort, --top, --stream and --columns are about tables: choose some with --report"
        raise UsageError(message)
    unchosen = [name for name in names if table_kind(name).of_streams and not selection.streams]
    if unchosen:
        message = f"{unchosen[0]} is about a stream: add --stream NUMBER, a number from --report streams"
        raise UsageError(message)
    kinds = [table_kind(name) for name in names or USUAL]
    choose([empty_table(kind.name, kind.record) for kind in kinds], selection)


def _drawing(plot: str | None, names: Sequence[str], streams: Sequence[int]) -> Form | None:
    """The form of the picture that is asked for, if any.

    Raises:
        UsageError: it cannot be drawn.
    """
    if plot is None:
        return None
    from netanalyze.report.plot.render import plot_format  # noqa: PLC0415 - rarely asked for

    form = plot_format(plot)
    if len(streams) != 1:
        message = "--plot draws one connection: add --stream NUMBER, a number from --report streams"
        raise UsageError(message)
    others = [name for name in names if name != "windows"]
    if others:
        message = f"--plot draws the table windows, not {others[0]}: leave --report out or make it windows"
        raise UsageError(message)
    return form


def _run(files: Sequence[str], asked: Options, *, quiet: bool, bar: bool) -> Report:
    from netanalyze.pipeline import run  # noqa: PLC0415 - help answers faster without

    with Interrupt() as interrupt, Progress(wanted=bar) as progress:
        return run(
            files,
            asked,
            on_progress=progress.advance,
            on_warning=(lambda _line: None) if quiet else progress.warn,
            should_stop=interrupt,
        )
