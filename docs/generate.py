"""Writes ``tables.md``, ``cli.md`` and ``states.md`` from what the program itself goes by.

``python docs/generate.py`` after a change to the records, the command line or the state machine; a test
compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from netanalyze.cli.main import app
from netanalyze.report.record import fields
from netanalyze.report.registry import TABLES
from netanalyze.tcp.states import ARROWS, SILENT, mermaid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.registry import TableKind

FOLDER = Path(__file__).parent
COMMANDS = ("", "analyze", "stream", "follow", "explain-frame", "tables", "protocols", "schema")
_COLUMNS = "100"

_TABLES_HEAD = """\
# Tables

Made by `docs/generate.py` from the records in `netanalyze/report/records/`; `netanalyze tables` shows
the same. Names and order of the columns are those of every format: text (which leaves out what does
not fit), JSON, JSON Lines, CSV, Markdown, and the attributes of rows in Python. Columns may be added;
they are renamed or removed only when `"schema"` in the JSON changes.

Every report has `capture` and `ledger`. Frames are numbered from 1, TCP streams and UDP flows from 0,
as in Wireshark.
"""

_CLI_HEAD = """\
# Command line

Made by `docs/generate.py` from the program's help.

Standard output carries only the report; warnings and progress go to standard error.

| exit status | means |
|---|---|
| 0 | done |
| 2 | bad usage, input that cannot be read, or frames of which none could be analysed |
| 130 | interrupted; what was read until then is still reported |
"""


_STATES_HEAD = """\
# TCP states

Made by `docs/generate.py` from `netanalyze/tcp/states.py`, the table that the analysis goes by.

Both endpoints of a connection go through this machine, that of RFC 9293: a segment is *sent* for one of
them and *received* for the other. What an endpoint sends moves it at once; what it receives moves it
when a later segment of its own proves that it got it, because what a tap sees may be lost behind it. The
head of `netanalyze/tcp/states_kernel.py` has the rules.
"""


def states_page() -> str:
    """The text of ``states.md``."""
    lines = [_STATES_HEAD, "```mermaid", mermaid() + "```", ""]
    lines.append("Dashed: what no segment shows. RST is left out of the diagram; all moves:\n")
    lines += ["| from | event | to | RFC 9293 |", "|---|---|---|---|"]
    lines += [
        f"| {arrow.state.label or 'not seen'} | {arrow.event.label} | {arrow.to.label} | {arrow.source} |"
        for arrow in ARROWS
    ]
    lines += ["", "What no segment shows, and what of it is seen:\n"]
    lines += ["| from | call | to | seen |", "|---|---|---|---|"]
    lines += [
        f"| {arrow.state.label} | {arrow.call} | {arrow.to.label} | {arrow.instead} |" for arrow in SILENT
    ]
    return "\n".join(lines) + "\n"


def tables_page() -> str:
    """The text of ``tables.md``."""
    return "\n".join([_TABLES_HEAD, *(line for kind in TABLES for line in _table(kind))])


def _table(kind: TableKind) -> Iterator[str]:
    yield f"## {kind.name}\n"
    yield f"{kind.description}. A row is one {kind.row}.\n"
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for field in fields(kind.record):
        unit = f", {field.unit.value}" if field.name.endswith("_ns") else ""
        null = " or null" if field.nullable else ""
        kind_name = {int: "integer", bool: "boolean", str: "text"}.get(field.kind, "value")
        yield f"| `{field.name}` | {kind_name}{unit}{null} | {field.description} |"
    yield ""


def cli_page() -> str:
    """The text of ``cli.md``."""
    runner = CliRunner(env={"COLUMNS": _COLUMNS, "TERMINAL_WIDTH": _COLUMNS})
    parts = [_CLI_HEAD]
    for command in COMMANDS:
        shown = runner.invoke(app, [*command.split(), "--help"], prog_name="netanalyze")
        lines = "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
        parts.append(f"## netanalyze {command}".rstrip() + f"\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    FOLDER.joinpath("tables.md").write_text(tables_page(), encoding="utf-8")
    FOLDER.joinpath("states.md").write_text(states_page(), encoding="utf-8")
    FOLDER.joinpath("cli.md").write_text(cli_page(), encoding="utf-8")
