"""``netanalyze explain-frame``: why a frame has its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.progress import Progress
from netanalyze.errors import UsageError
from netanalyze.report.registry import like_wireshark

if TYPE_CHECKING:
    from netanalyze.tcp.explain import Explained

Number = Annotated[
    str, typer.Argument(metavar="N", help="Number of the frame, from 1 as in Wireshark; #77 is 77.")
]
Later = Annotated[
    bool,
    typer.Option(
        "--later",
        help="Read on behind the frame, for what later frames tell about it: missing bytes that come,"
        " retransmissions that were not needed.",
    ),
]

SETTINGS = {"ignore_unknown_options": True}
"""-1 is no option but a number that no frame has."""


def explain_frame(  # noqa: PLR0913 - every option is an argument
    *,
    files: options.Files,
    number: Number,
    format_name: options.TextOrJson = None,
    output: options.OutputPath = None,
    compat: options.Compat = None,
    keep_duplicates: options.KeepDuplicates = False,
    later: Later = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Explain why a frame has its labels.

    Shows the segment, each label with the rule that gave it and the numbers that the rule looked at,
    what was known of both half-streams before and after the frame, and what Wireshark labels it where
    that is different, and why. Sequence numbers are relative. Try it with a frame that --report events
    names: netanalyze explain-frame captures/reordered.pcap 36
    """
    with errors.errors_told():
        frame = _number(files, number)
        form = options.text_or_json(format_name, output)
        by_wireshark = like_wireshark(compat)
        from netanalyze.report.explain_frame import render  # noqa: PLC0415 - help answers faster without

        to_stdout = output in (None, STDOUT)
        with open_output(output, files) as out:
            found = _run(
                files,
                frame,
                by_wireshark=by_wireshark,
                keep_duplicates=keep_duplicates,
                later=later,
                quiet=quiet,
                bar=not (quiet or no_progress),
            )
            style = options.style_for(to_stdout=to_stdout, wide=False, all_rows=True)
            out.write(render(found, form, style))


def _number(files: list[str], text: str) -> int:
    """The number of the frame.

    Raises:
        UsageError: there is none, or an option is not known.
    """
    unknown = next((name for name in (*files, text) if name.startswith("-") and not _plain(name)), None)
    if unknown is not None:
        message = f"no option {unknown!r}; --help lists them"
        raise UsageError(message)
    try:
        return int(text.removeprefix("#"))
    except ValueError:
        message = f"{text!r} is not the number of a frame: netanalyze explain-frame FILE N"
        raise UsageError(message) from None


def _plain(name: str) -> bool:
    return name == STDOUT or name[1:].isdecimal()


def _run(  # noqa: PLR0913 - what was asked
    files: list[str],
    frame: int,
    *,
    by_wireshark: bool,
    keep_duplicates: bool,
    later: bool,
    quiet: bool,
    bar: bool,
) -> Explained:
    from netanalyze.closeup import explain_frame as explain  # noqa: PLC0415 - help answers faster without

    with Progress(wanted=bar) as progress:
        return explain(
            files,
            frame,
            like_wireshark=by_wireshark,
            keep_duplicates=keep_duplicates,
            later=later,
            on_progress=progress.advance,
            on_warning=(lambda _line: None) if quiet else progress.warn,
        )
