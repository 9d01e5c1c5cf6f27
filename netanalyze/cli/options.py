"""Options that commands share, and what is made of them."""

from __future__ import annotations

import math
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.errors import UsageError
from netanalyze.report.formats import FORMAT_NAMES
from netanalyze.report.names import unknown
from netanalyze.report.registry import NAMES
from netanalyze.report.style import TEXT_ROWS, TEXT_WIDTH, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.report.selection import Selection

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="Captures, read as one in time order; - is standard input."),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        "-r",
        metavar="TABLE",
        help=f"Show this table: {', '.join(NAMES)}. May be repeated, or a list with commas."
        " Without it: an overview, or every table where the format is for programs.",
    ),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"One of {', '.join(FORMAT_NAMES)}. Without it the suffix of --output decides, else table.",
    ),
]
TextOrJson = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text or json. Without it the suffix of --output decides (.txt, .json), else text.",
    ),
]
OutputPath = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the report to this file, not to the screen."),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        min=0,
        metavar="N",
        help=f"Show the first N rows of each table, 0 for all. Without it: {TEXT_ROWS} in text, else all.",
    ),
]
Sort = Annotated[
    list[str] | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Sort by this column: amounts biggest first, all else smallest first; +COLUMN for smallest"
        " first, -COLUMN for biggest first. May be repeated, or a list with commas.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="CONDITION",
        help="Show only rows that fulfil this: app=http, duration>1.5s, bytes>=1MB, client=10.0.0.0/8,"
        " handshake=null, app~regex; also !=, <, <=, !~. If repeated, all must hold.",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns", metavar="COLUMNS", help="Show these columns only, in this order; a list with commas."
    ),
]
Streams = Annotated[
    list[int] | None,
    typer.Option(
        "--stream",
        min=0,
        metavar="N",
        help="Show only this TCP stream or UDP flow, numbered as in Wireshark. May be repeated.",
    ),
]
Wide = Annotated[bool, typer.Option("--wide", help="Show every column in text, however long the lines get.")]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        "-f",
        metavar="BPF",
        help="Analyze only frames that match, as in tcpdump: 'host 10.0.0.1 and tcp port 443'.",
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="BOUND",
        help="Analyze only what begins here: #100 (a frame), 12.5s (since the first frame),"
        " 2024-05-01T10:00:00 (UTC unless it says otherwise) or 10:00:00.",
    ),
]
Stop = Annotated[
    str | None,
    typer.Option("--to", metavar="BOUND", help="Analyze only what ends here, this frame or time included."),
]
Names = Annotated[
    bool,
    typer.Option(
        "--names",
        help="In tables for people, show names beside addresses: those that captured DNS answers gave them"
        " (table names). The address itself remains.",
    ),
]
KeepDuplicates = Annotated[
    bool,
    typer.Option("--keep-duplicates", help="Count a packet again for each time it was captured."),
]
Compat = Annotated[
    str | None,
    typer.Option(
        "--compat",
        metavar="PROGRAM",
        help="Label TCP events as another program does: wireshark. Frames captured twice are kept then.",
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw the connection chosen with --stream over time into this file: .svg, .png or .html.",
    ),
]
DecodeAs = Annotated[
    list[str] | None,
    typer.Option(
        "--decode-as",
        metavar="PORT=PROTOCOL",
        help="What streams and flows with this port carry, whatever their bytes look like: 9000=http,"
        " udp/5300=dns. May be repeated, or a list with commas.",
    ),
]
Framing = Annotated[
    list[str] | None,
    typer.Option(
        "--framing",
        metavar="FRAMING",
        help="How messages are told apart in writes and messages where no protocol is recognised: line, crlf,"
        " null, delimiter=0d0a, length=u32be, length=u16le,offset=2,adjust=4,include_header, fixed=64,"
        " varint."
        " With a port before it, 9000=length=u32be, whatever is recognised there. May be repeated.",
    ),
]
Overlap = Annotated[
    str,
    typer.Option(
        "--overlap",
        metavar="COPY",
        show_default=False,
        help="Which copy of TCP bytes counts that came twice before they could be read: first or last."
        " Without it: first.",
    ),
]
TimeWait = Annotated[
    float,
    typer.Option(
        "--time-wait",
        min=0,
        max=3600,
        metavar="SECONDS",
        show_default=False,
        help="How long TCP endpoints stay in TIME-WAIT. Without it: 60, as in Linux.",
    ),
]
MAX_BODY_MB = 256.0
MaxBody = Annotated[
    float,
    typer.Option(
        "--max-body",
        min=0.000001,
        max=1_000_000,
        metavar="MB",
        show_default=False,
        help="Decode no body of a message beyond this size, in MB of 1048576 bytes. Without it: 256.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="In the overview: every finding with its evidence, what speaks against it, and a filter for"
        " Wireshark.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No warnings and no progress bar.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]


def split(values: Iterable[str] | None) -> tuple[str, ...]:
    """The elements of an option that may be repeated and may be a list with commas."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def decode_as(values: Iterable[str] | None) -> dict[tuple[str, int], str]:
    """Protocol names by transport and port, from ``9000=http`` or ``udp/5300=dns``.

    Raises:
        UsageError: it is written in another way, or names something unknown.
    """
    wanted = split(values)
    if not wanted:
        return {}
    from netanalyze.apps.identify import decode_as as checked  # noqa: PLC0415 - rarely asked for

    return checked(wanted)


TEXT_OR_JSON = ("text", "json")


def text_or_json(name: str | None, output: str | None) -> str:
    """The format asked for: by its name, or by the suffix of the file written to.

    Raises:
        UsageError: there is no such format.
    """
    if name is None:
        return "json" if str(output).lower().endswith(".json") else "text"
    if name not in TEXT_OR_JSON:
        raise UsageError(unknown("format", name, TEXT_OR_JSON))
    return name


def nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds.

    Raises:
        UsageError: it is not a number.
    """
    return round(_number(seconds, "--time-wait takes a number of seconds") * 1e9)


def megabytes(size: float) -> int:
    """An amount in MB as whole bytes.

    Raises:
        UsageError: it is not a number.
    """
    return max(round(_number(size, "--max-body takes a number of MB") * (1 << 20)), 1)


def _number(given: float, otherwise: str) -> float:
    """What was given, unless it is NaN, which every range contains."""
    if math.isnan(given):
        raise UsageError(otherwise)
    return given


def selection(
    where: Iterable[str] | None,
    sort: Iterable[str] | None,
    top: int | None,
    streams: Iterable[int] | None,
    columns: Iterable[str] | None,
) -> Selection:
    """The rows and columns asked for, from the options of these names."""
    from netanalyze.report.selection import Selection  # noqa: PLC0415 - help answers faster without

    return Selection(
        where=tuple(where or ()),
        sort=split(sort),
        top=top,
        streams=tuple(streams or ()),
        columns=split(columns),
    )


def style_for(*, to_stdout: bool, wide: bool, all_rows: bool, verbose: bool = False) -> Style:
    """How to show text here.

    Args:
        to_stdout: whether it goes to standard output and not to a file.
        wide: every column was asked for.
        all_rows: how many rows to show was decided before.
        verbose: findings come with what proves them.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    columns = shutil.get_terminal_size((TEXT_WIDTH, 24)).columns if to_stdout else TEXT_WIDTH
    return Style(
        width=min(columns, TEXT_WIDTH),
        wide=wide,
        rows=None if all_rows else TEXT_ROWS,
        ascii_only=to_stdout and not encoding.startswith("utf"),
        terminal=to_stdout and sys.stdout.isatty(),
        verbose=verbose,
    )
