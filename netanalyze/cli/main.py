"""The program: its commands, and what is done before any of them."""

from __future__ import annotations

import copy
import gc
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from netanalyze.cli.analyze import analyze
from netanalyze.cli.explain_frame import SETTINGS, explain_frame
from netanalyze.cli.extract import extract
from netanalyze.cli.follow import follow
from netanalyze.cli.interfaces import interfaces
from netanalyze.cli.protocols import protocols
from netanalyze.cli.schema import schema
from netanalyze.cli.sniff import sniff
from netanalyze.cli.stream import stream
from netanalyze.cli.tables import tables


class _Commands(TyperGroup):
    """Commands by name; a capture in place of one is analyzed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer keeps the types to itself
        """The command that the arguments begin with, and the arguments left for it."""
        if self.get_command(ctx, args[0]) is not None:
            pass
        elif args[0] == "-" or Path(args[0]).exists():
            args = ["analyze", *args]
        elif not args[0].startswith("-") and not args[0].isidentifier():
            from netanalyze.report.printable import printable  # noqa: PLC0415 - only for this message

            ctx.fail(f"{printable(args[0])}: neither a file nor a command")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="netanalyze",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich is slow to import
    pretty_exceptions_enable=False,
    # The default spares the help of a command the machinery that converts arguments, 80 ms.
    context_settings={"help_option_names": ["-h", "--help"], "default_map": {"help": False}},
)
app.command()(analyze)
app.command()(sniff)
app.command()(interfaces)
app.command()(stream)
app.command()(follow)
app.command("explain-frame", context_settings=SETTINGS)(explain_frame)
app.command()(extract)
app.command()(tables)
app.command()(protocols)
app.command()(schema)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer passes it so
    if asked:
        from netanalyze.cli.version import version_line  # noqa: PLC0415 - loads every kernel

        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def _program(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the version, and which kernels run.",
        ),
    ] = False,
) -> None:
    """Show what the TCP, UDP and other conversations in a packet capture really did.

    Begin with: netanalyze analyze FILE
    """
    del version


_COLLECT_AFTER = 100_000


def _with(arguments: list[str]) -> typer.Typer:
    """The program with the one command that these begin with: the others need not be built, 1 ms each."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        if arguments[:1] == [name]:
            alone = copy.copy(app)
            alone.registered_commands = [command]
            return alone
    return app


def main() -> None:
    """Run the program with the arguments of the process."""
    # numpy's linear algebra is not used here, and need not start a thread for it on every core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Starting makes tens of thousands of objects that stay: looking for garbage among them takes 10 ms.
    gc.set_threshold(_COLLECT_AFTER)
    sys.exit(_with(sys.argv[1:])())
