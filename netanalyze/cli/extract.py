"""``netanalyze extract``: the bodies in a capture, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import open_output
from netanalyze.cli.progress import Progress

OutputFolder = Annotated[
    str, typer.Option("--output", "-o", metavar="DIR", help="Folder to write to: a new one, or an empty one.")
]
RawBodies = Annotated[
    bool,
    typer.Option("--raw-bodies", help="Write bodies as they were transferred: compressed ones stay so."),
]
MaxFiles = Annotated[
    int,
    typer.Option(
        "--max-files",
        min=1,
        metavar="N",
        show_default=False,
        help="Write at most N files; what is left out is told. Without it: 100000.",
    ),
]


def extract(  # noqa: PLR0913 - every option is an argument
    *,
    files: options.Files,
    output: OutputFolder,
    raw_bodies: RawBodies = False,
    max_body: options.MaxBody = options.MAX_BODY_MB,
    max_files: MaxFiles = 100_000,
    capture_filter: options.Filter = None,
    start: options.Start = None,
    stop: options.Stop = None,
    decode_as: options.DecodeAs = None,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Write the body of every HTTP message to a file, and an index of them.

    Names are made of stream, request, host and path, and are safe whatever was sent. index.json and
    index.csv have for each file its URL, type, sizes, SHA-256, stream and frames. Nothing is ever written
    over. Exit status as that of analyze.
    """
    with errors.errors_told():
        from netanalyze.pipeline import Options, run  # noqa: PLC0415 - help answers faster without
        from netanalyze.report import csv_table, json_object  # noqa: PLC0415 - the same
        from netanalyze.report.extraction import Folder  # noqa: PLC0415 - the same
        from netanalyze.report.text import table_lines  # noqa: PLC0415 - the same

        folder = Folder(Path(output), max_files=max_files)
        asked = Options(
            tables=("http",),
            filter=capture_filter,
            start=start,
            stop=stop,
            decode_as=options.decode_as(decode_as),
            max_body_bytes=options.megabytes(max_body),
            bodies=folder,
            raw_bodies=raw_bodies,
        )
        with Interrupt() as interrupt, Progress(wanted=not (quiet or no_progress)) as progress:
            report = run(
                files,
                asked,
                on_progress=progress.advance,
                on_warning=(lambda _line: None) if quiet else progress.warn,
                should_stop=interrupt,
            )
        table = folder.table()
        folder.write_index(
            {
                "index.json": b"".join(json_object.render(report, [table])),
                "index.csv": b"".join(csv_table.render([table])),
            }
        )
        if folder.left_out and not quiet:
            errors.tell(f"warning: {folder.left_out} bodies were not written: --max-files is {max_files}")
        style = options.style_for(to_stdout=True, wide=False, all_rows=False)
        with open_output(None) as out:
            coding = "ascii" if style.ascii_only else "utf-8"
            out.write(f"{line}\n".encode(coding) for line in table_lines(table, style))
        if not report.complete:
            raise typer.Exit(errors.INTERRUPTED)
