"""``netanalyze check``: make a test of a capture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from netanalyze.cli import errors, options
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.progress import Progress
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from netanalyze.report.checks.project import Project

FAILED = 1
"""Exit status where a finding or a limit fails the check."""

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="CODES",
        help=(
            "Look only for findings with these codes, or whose codes begin so: TCP,HTTP003. May be repeated."
        ),
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="CODES", help="Do not look for findings with these codes."),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        help="Fail where a finding is as severe or more: info, notice, warning, error, or never."
        " Without it: warning.",
    ),
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="LIMIT",
        help="Fail unless this holds: 'http.p99_ms<200', 'streams.retransmission_rate<0.1%',"
        " 'listeners.sum_overflows=0'. May be repeated. docs/check.md has the grammar.",
    ),
]
CheckFormat = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="text, json, junit, sarif or github.")
]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read limits from this file. Without it: netanalyze.toml, or [tool.netanalyze] of"
        " pyproject.toml, in this folder or the nearest above.",
    ),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help="Read no such file.")]


def check(  # noqa: PLR0913 - every option is an argument
    *,
    files: options.Files,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = None,
    rule: Limits = None,
    format_name: CheckFormat = "text",
    output: options.OutputPath = None,
    config: Config = None,
    no_config: NoConfig = False,
    capture_filter: options.Filter = None,
    start: options.Start = None,
    stop: options.Stop = None,
    decode_as: options.DecodeAs = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Test captures against findings and limits.

    Exit status: 0 passed, 1 failed, 2 bad usage or input that cannot be read or understood, 130
    interrupted.
    """
    with errors.errors_told():
        from netanalyze.findings import catalog  # noqa: PLC0415 - help answers faster without
        from netanalyze.findings.engine import runnable  # noqa: PLC0415 - the same
        from netanalyze.pipeline import Options, run  # noqa: PLC0415 - the same
        from netanalyze.report.checks import formats, outcome  # noqa: PLC0415 - the same
        from netanalyze.report.checks.limit import parse_limit  # noqa: PLC0415 - the same
        from netanalyze.report.registry import NAMES  # noqa: PLC0415 - the same

        form = formats.format_named(format_name)
        asked = _asked(_project(config, wanted=not no_config), select, ignore, fail_on, rule)
        limits = [parse_limit(text) for text in asked.rules]
        rules = runnable(catalog.select(asked.select, asked.ignore), NAMES)
        if not rules and not limits:
            message = "no rule is left to look for: --select and --ignore leave none"
            raise UsageError(message)
        with open_output(output, files) as out:
            with Interrupt() as interrupt, Progress(wanted=not (quiet or no_progress)) as progress:
                report = run(
                    files,
                    Options(
                        tables=tuple(dict.fromkeys(("findings", *(limit.table for limit in limits)))),
                        select=asked.select,
                        ignore=asked.ignore,
                        filter=capture_filter,
                        start=start,
                        stop=stop,
                        decode_as=options.decode_as(decode_as),
                    ),
                    on_progress=progress.advance,
                    on_warning=(lambda _line: None) if quiet else progress.warn,
                    should_stop=interrupt,
                )
            judged = outcome.judge(report, rules, limits, asked.fail_on, asked.severity)
            style = options.style_for(
                to_stdout=output in (None, STDOUT), wide=False, all_rows=True, verbose=verbose
            )
            out.write(formats.render(form, judged, style))
        raise typer.Exit(errors.status(report, quiet=quiet) or (errors.DONE if judged.passed else FAILED))


def _project(config: str | None, *, wanted: bool) -> Project:
    """What the project says in its file.

    Raises:
        UsageError: the file makes no sense.
    """
    from netanalyze.report.checks.project import Project, find_project, read_project  # noqa: PLC0415

    if config is not None:
        return read_project(Path(config))
    return find_project(Path.cwd()) if wanted else Project()


def _asked(
    project: Project,
    select: list[str] | None,
    ignore: list[str] | None,
    fail_on: str | None,
    rules: list[str] | None,
) -> Project:
    """What is asked in the end: the command line's word stands above the file's, limits are added."""
    from netanalyze.report.checks.project import LEVELS, level  # noqa: PLC0415 - help answers faster without

    return replace(
        project,
        select=options.split(select) or project.select,
        ignore=(*project.ignore, *options.split(ignore)),
        fail_on=level(fail_on, LEVELS) if fail_on is not None else project.fail_on,
        rules=(*project.rules, *(rules or ())),
    )
