"""The program: its commands, and what is done before any of them."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMMANDS = (
    *("analyze", "check", "sniff", "interfaces", "stream", "follow", "explain-frame", "explain", "extract"),
    *("compare", "tables", "protocols", "schema"),
)
"""In the order of the help. Each is a function of the module of its name."""


class _Commands(TyperGroup):
    """Commands by name; a capture in place of one is analyzed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer keeps the types to itself
        """The command that the arguments begin with, and the arguments left for it."""
        if self.get_command(ctx, args[0]) is not None:
            pass
        elif _is_capture(args[0]):
            args = ["analyze", *args]
        elif not args[0].startswith("-") and not args[0].isidentifier():
            from netanalyze.report.printable import printable  # noqa: PLC0415 - only for this message

            ctx.fail(f"{printable(args[0])}: neither a file nor a command")
        return super().resolve_command(ctx, args)


def _is_capture(argument: str) -> bool:
    """Whether it is a file, or standard input."""
    return argument == "-" or Path(argument).exists()


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer passes it so
    if asked:
        from netanalyze.cli.version import version_line  # noqa: PLC0415 - loads every kernel

        typer.echo(version_line())
        raise typer.Exit


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


def program(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with some of its commands: those that will not be run need not be imported."""
    made = typer.Typer(
        name="netanalyze",
        cls=_Commands,
        no_args_is_help=True,
        rich_markup_mode=None,  # rich is slow to import
        pretty_exceptions_enable=False,
        # The default spares the help of a command the machinery that converts arguments, 80 ms.
        context_settings={"help_option_names": ["-h", "--help"], "default_map": {"help": False}},
    )
    made.callback()(_program)
    for command in commands:
        name = command.replace("-", "_")
        module = import_module(f"netanalyze.cli.{name}")
        made.command(command, context_settings=getattr(module, "SETTINGS", None))(getattr(module, name))
    return made


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """The commands that may be run with these arguments."""
    if not arguments:
        return COMMANDS
    if arguments[0] in COMMANDS:
        return arguments[:1]
    return ("analyze",) if _is_capture(arguments[0]) else COMMANDS


_COLLECT_AFTER = 100_000


def main() -> None:
    """Run the program with the arguments of the process."""
    # numpy's linear algebra is not used here, and need not start a thread for it on every core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Starting makes tens of thousands of objects that stay: looking for garbage among them takes 10 ms.
    gc.set_threshold(_COLLECT_AFTER)
    try:
        sys.exit(program(_needed(sys.argv[1:]))())
    finally:
        gc.freeze()  # nor need the interpreter look for it as it ends: 25 ms
