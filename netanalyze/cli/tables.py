"""``netanalyze tables``: which tables there are and what their columns mean."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.output import open_output
from netanalyze.report.registry import NAMES, table_kind, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.record import Field
    from netanalyze.report.registry import TableKind


def tables(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="Only these tables.")
    ] = None,
) -> None:
    """Explain the tables and their columns."""
    with errors.errors_told():
        style = options.style_for(to_stdout=True, wide=False, all_rows=True)
        lines: list[str] = []
        for name in wanted(options.split(names)) or NAMES:
            lines += [*_table(table_kind(name), style.width), ""]
        with open_output(None) as out:
            out.write([f"{line}\n".encode("ascii" if style.ascii_only else "utf-8") for line in lines[:-1]])


def _table(kind: TableKind, width: int) -> Iterator[str]:
    from netanalyze.report.record import fields  # noqa: PLC0415 - help answers faster without

    yield from wrap(f"{kind.name}: {kind.description}", width, subsequent_indent="  ")
    columns = fields(kind.record)
    indent = 4 + max(len(field.name) for field in columns)
    for field in columns:
        text = f"{field.description}{_unit(field)}"
        yield from wrap(
            text,
            max(width, indent + 20),
            initial_indent=f"  {field.name}".ljust(indent),
            subsequent_indent=" " * indent,
        )


def _unit(field: Field) -> str:
    """The unit of a column of times; the other columns have it in their names."""
    return f" In {field.unit.value}." if field.name.endswith("_ns") else ""
