"""``netanalyze sniff``: capture on interfaces, show tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.analyze import can_be_named, check_tables, with_their_names
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.progress import Progress
from netanalyze.cli.showing import Showing, format_while
from netanalyze.errors import UsageError
from netanalyze.report.formats import PEOPLE
from netanalyze.report.registry import OVERVIEW, USUAL, like_wireshark, wanted

if TYPE_CHECKING:
    from netanalyze.capture.live.options import LiveOptions
    from netanalyze.capture.writer import Recording

Interfaces = Annotated[
    list[str],
    typer.Argument(
        metavar="INTERFACE",
        help="Interfaces, such as lo; any is all of them. netanalyze interfaces lists them.",
    ),
]
LiveFilter = Annotated[
    str,
    typer.Option(
        "--filter",
        "-f",
        metavar="BPF",
        show_default=False,
        help="Capture only packets that match, as in tcpdump: 'host 10.0.0.1 and tcp port 443'.",
    ),
]
Duration = Annotated[
    float | None, typer.Option("--duration", min=0, metavar="SECONDS", help="Stop after so many seconds.")
]
Count = Annotated[int | None, typer.Option("--count", min=1, metavar="N", help="Stop after N frames.")]
UntilIdle = Annotated[
    float | None,
    typer.Option(
        "--until-idle", min=0, metavar="SECONDS", help="Stop when nothing came for so many seconds."
    ),
]
Snaplen = Annotated[
    int,
    typer.Option(
        "--snaplen",
        min=64,
        max=262_144,
        metavar="BYTES",
        show_default=False,
        help="Take no more than so many bytes of each frame. Without it: 262144.",
    ),
]
BufferSize = Annotated[
    int,
    typer.Option(
        "--buffer",
        min=2,
        max=4096,
        metavar="MB",
        show_default=False,
        help="Memory for packets that wait to be looked at, in MB of 1048576 bytes. Without it: 64.",
    ),
]
Promiscuous = Annotated[
    bool, typer.Option("--promiscuous", help="Capture packets for other hosts too, where they come by.")
]
Write = Annotated[
    str | None,
    typer.Option(
        "--write",
        metavar="FILE",
        help="Write all frames to this file, before they are analyzed: pcapng, or pcap if its name ends so.",
    ),
]
RotateSize = Annotated[
    float | None,
    typer.Option(
        "--rotate-size",
        min=0.001,
        metavar="MB",
        help="Begin another file before one grows beyond so many MB of 1048576 bytes; names get numbers.",
    ),
]
RotateSeconds = Annotated[
    float | None,
    typer.Option("--rotate-seconds", min=0.1, metavar="SECONDS", help="Begin another file after so long."),
]
RotateFiles = Annotated[
    int | None,
    typer.Option("--rotate-files", min=1, metavar="N", help="Keep only the latest N of these files."),
]
MaxStreams = Annotated[
    int,
    typer.Option(
        "--max-streams",
        min=10,
        metavar="N",
        show_default=False,
        help="Keep no more than N TCP streams, N UDP flows and the rows of as many: those that ended first"
        " leave first. Without it: 100000.",
    ),
]
ForgetIdle = Annotated[
    float | None,
    typer.Option(
        "--forget-idle",
        min=1,
        metavar="SECONDS",
        help="Let open streams leave when nothing came for so long. Without it they stay while there is"
        " room.",
    ),
]
View = Annotated[
    str | None,
    typer.Option(
        "--view",
        metavar="TABLE",
        help="On a terminal, begin with this table: streams, events, http, dns, udp, listeners or findings,"
        " as far as there are such. Keys choose another one.",
    ),
]
NoView = Annotated[
    bool, typer.Option("--no-view", help="On a terminal, show nothing but the report when it ends.")
]
DropTo = Annotated[
    str,
    typer.Option(
        "--drop-to",
        metavar="USER",
        show_default=False,
        help="Become this user once capturing has begun. Without it: the one who called sudo, if any.",
    ),
]


def sniff(  # noqa: PLR0913 - every option is an argument
    *,
    interfaces: Interfaces,
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
    capture_filter: LiveFilter = "",
    duration: Duration = None,
    count: Count = None,
    until_idle: UntilIdle = None,
    write: Write = None,
    rotate_size: RotateSize = None,
    rotate_seconds: RotateSeconds = None,
    rotate_files: RotateFiles = None,
    snaplen: Snaplen = 262_144,
    buffer: BufferSize = 64,
    promiscuous: Promiscuous = False,
    drop_to: DropTo = "",
    max_streams: MaxStreams = 100_000,
    forget_idle: ForgetIdle = None,
    view: View = None,
    no_view: NoView = False,
    keep_duplicates: options.KeepDuplicates = False,
    compat: options.Compat = None,
    decode_as: options.DecodeAs = None,
    framing: options.Framing = None,
    time_wait: options.TimeWait = 60,
    overlap: options.Overlap = "first",
    max_body: options.MaxBody = options.MAX_BODY_MB,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Capture on interfaces, and show what the conversations did.

    On a terminal there is something to look at while it goes on, and the report when it ends. Without one,
    and with --format jsonl, each stream, exchange, query and event is a line of JSON as soon as it is over.
    It ends with Ctrl-C or with a limit: --duration, --count, --until-idle. Capturing needs the right to
    (CAP_NET_RAW): sudo, or setcap once. Exit status: 0 done, 2 bad usage or not allowed, 130 ended with
    Ctrl-C (the report is shown all the same).
    """
    with errors.errors_told():
        names = wanted(options.split(report))
        form = format_while(format_name, output)
        from netanalyze.capture import open_live  # noqa: PLC0415 - help answers faster without
        from netanalyze.findings.budget import CHEAP  # noqa: PLC0415 - the same
        from netanalyze.ongoing import Bounds  # noqa: PLC0415 - the same
        from netanalyze.pipeline import Options  # noqa: PLC0415 - the same
        from netanalyze.report.formats import render  # noqa: PLC0415 - the same
        from netanalyze.report.selection import choose  # noqa: PLC0415 - the same

        selection = options.selection(where, sort, top, stream, columns)
        check_tables(names, form, selection)
        named = show_names and can_be_named(names, form)
        to_stdout = output in (None, STDOUT)
        showing = Showing(
            names,
            selection,
            by_row=form == "jsonl" and to_stdout,
            view=view,
            named=named,
            on_screen=not (no_view or quiet) and form in PEOPLE and to_stdout,
        )
        tables = showing.tables(OVERVIEW if form in PEOPLE else USUAL)
        asked = Options(
            tables=tables,
            keep_duplicates=keep_duplicates,
            like_wireshark=like_wireshark(compat),
            streams=selection.streams,
            decode_as=options.decode_as(decode_as),
            time_wait_ns=options.nanoseconds(time_wait),
            overlap=overlap,
            framings=tuple(framing or ()),
            max_body_bytes=options.megabytes(max_body),
            looked_into=None if names or form not in PEOPLE else CHEAP | set(tables),
        )
        live = _live(
            capture_filter,
            snaplen,
            buffer,
            promiscuous=promiscuous,
            duration=duration,
            count=count,
            until_idle=until_idle,
            drop_to=drop_to,
            recording=_recording(write, rotate_size, rotate_seconds, rotate_files, output),
        )
        names_given = options.split(interfaces)
        bounds = Bounds(max_streams, _nanoseconds(forget_idle, "--forget-idle"))
        bar = not (quiet or no_progress or showing.on_screen or showing.by_row)
        with Progress(wanted=bar) as progress:
            warn = (lambda _line: None) if quiet else progress.warn
            showing.prepare(asked, bounds, names_given, warn)  # bad options show first
            with (
                Interrupt(showing.abandon) as interrupt,
                open_live(
                    names_given,
                    live,
                    on_warning=showing.warn,
                    should_stop=lambda: showing.ends or interrupt(),
                ) as capture,
                open_output(output) as out,  # by the user that open_live has made of root
            ):
                made = showing.run(capture, asked, progress.advance)
                made.complete = not interrupt()
                chosen = choose(made.tables(names), selection) if names or selection else None
                if named and chosen is not None:
                    chosen = with_their_names(chosen, made)
                style = options.style_for(to_stdout=to_stdout, wide=wide, all_rows=top is not None)
                out.write(render(form, made, chosen, style))
        raise typer.Exit(errors.status(made, quiet=quiet))


def _live(  # noqa: PLR0913 - what was asked
    capture_filter: str,
    snaplen: int,
    buffer: int,
    *,
    promiscuous: bool,
    duration: float | None,
    count: int | None,
    until_idle: float | None,
    drop_to: str,
    recording: Recording | None,
) -> LiveOptions:
    from netanalyze.capture.live.options import MEGABYTE, LiveOptions  # noqa: PLC0415 - help answers faster

    return LiveOptions(
        filter=re.sub(r"\s+", " ", capture_filter).strip(),
        snap_bytes=snaplen,
        buffer_bytes=buffer * MEGABYTE,
        promiscuous=promiscuous,
        duration_ns=_nanoseconds(duration, "--duration"),
        frames=count,
        idle_ns=_nanoseconds(until_idle, "--until-idle"),
        drop_to=drop_to,
        recording=recording,
    )


def _recording(
    path: str | None, megabytes: float | None, seconds: float | None, files: int | None, output: str | None
) -> Recording | None:
    """What to write.

    Raises:
        UsageError: it makes no sense.
    """
    rotation = {"--rotate-size": megabytes, "--rotate-seconds": seconds, "--rotate-files": files}
    given = [name for name, value in rotation.items() if value is not None]
    if path is None:
        if given:
            message = f"{given[0]} is about the file that is written: add --write FILE"
            raise UsageError(message)
        return None
    if path in (STDOUT, output):
        what = "standard output has the report" if path == STDOUT else f"{path} is to have the report"
        message = f"--write {path}: {what}; name another file"
        raise UsageError(message)
    if given == ["--rotate-files"]:
        message = "--rotate-files needs --rotate-size or --rotate-seconds"
        raise UsageError(message)
    from netanalyze.capture.live.options import MEGABYTE  # noqa: PLC0415 - help answers faster
    from netanalyze.capture.writer import Recording  # noqa: PLC0415 - the same

    return Recording(
        path,
        rotate_bytes=None if megabytes is None else round(_number(megabytes, "--rotate-size") * MEGABYTE),
        rotate_ns=_nanoseconds(seconds, "--rotate-seconds"),
        files=files,
    )


def _nanoseconds(seconds: float | None, option: str) -> int | None:
    return None if seconds is None else round(_number(seconds, option) * 1e9)


def _number(given: float, option: str) -> float:
    if given != given or given > 1e9:  # noqa: PLR0124, PLR2004 - not a number, or more than 30 years
        message = f"{option} takes a number"
        raise UsageError(message)
    return given
