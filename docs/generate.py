"""Writes ``tables.md``, ``cli.md``, ``findings.md``, ``states.md`` and ``states.svg``, made from the program.

``python docs/generate.py`` after a change to the records, the command line or the state machine; a test
compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.findings.catalog import FAMILIES, RULES
from netanalyze.report.record import fields
from netanalyze.report.registry import TABLES
from netanalyze.report.state_svg import draw
from netanalyze.tcp.states import ARROWS, SILENT, mermaid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.registry import TableKind

FOLDER = Path(__file__).parent
COMMANDS = (
    *("", "analyze", "sniff", "interfaces", "check", "compare", "stream", "follow", "explain-frame"),
    *("extract", "explain"),
    *("tables", "protocols", "schema"),
)
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
| 1 | `check`: a finding or a limit fails it |
| 2 | bad usage, input that cannot be read, or frames of which none could be analysed |
| 130 | interrupted; what was read until then is still reported |
"""


_STATES_TIMES = """
## When an endpoint changed its state

A tap sees a segment after its sender has sent it and before its receiver gets it, so a frame's time is
not that of the change of state that it causes. `time_ns` in the table `transitions` is the frame's;
around it are two intervals.

**Proven**, `earliest_ns` to `latest_ns`. They follow from the order of what the tap saw, whatever the
way was like:

- What the endpoint *sent* moved it before the tap saw the segment.
- What it *received* moved it after the tap saw that for the first time (of a segment that was sent
  again the first copy may be the one that arrived), and before the tap saw the endpoint's own segment
  that proves it (`proof_frame`).
- An endpoint makes its changes in one order: none is earlier than the one before, none later than the
  one after.

Where the order shows nothing there is null: nothing bounds when a SYN was sent, or until when a last ACK
or a RST arrived.

**Likely**, `likely_earliest_ns` to `likely_latest_ns`. What the endpoint sent it sent at most `tap_rtt_ns`
before the tap saw it, what it received it received at most `tap_rtt_ns` after. That is the least round
trip seen between the tap and this endpoint, from the handshake or later, without segments that were sent
twice (Karn's rule). At one tap only the round trip can be measured; the way there and the way back are
parts of it. This is an estimate: a segment that waited in queues for longer than the rest of the least
round trip took lies outside. Where the tap is at the endpoint (`tap` in `streams`), the round trip counts
as 1 ms at most: whoever answers late there is not far. The likely interval is part of the proven one.

Both hold for a capture that lacks no frames and as exactly as its clock. There are none for *mid-stream*,
which is not a change but the beginning of the capture; what the endpoint's own clock causes has no end.
"""

_STATES_HEAD = """\
# TCP states

Made by `docs/generate.py` from `netanalyze/tcp/states.py`, the table that the analysis goes by.

Both endpoints of a connection go through this machine, that of RFC 9293: a segment is *sent* for one of
them and *received* for the other. What an endpoint sends moves it at once; what it receives moves it
when a later segment of its own proves that it got it, because what a tap sees may be lost behind it. The
head of `netanalyze/tcp/states_kernel.py` has the rules.

The same [as a picture](states.svg); `netanalyze stream FILE N --diagram svg` (or `mermaid`) highlights in
it the path that each end of a connection took.
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
    return "\n".join(lines) + "\n" + _STATES_TIMES


def states_picture() -> str:
    """The text of ``states.svg``."""
    return "\n".join(draw("The states of TCP, RFC 9293")) + "\n"


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


_FINDINGS_HEAD = """\
# Findings

Made by `docs/generate.py` from the rules in `netanalyze/findings/`.

A finding is one cause of one trouble: what it is, what it cost, the frames that prove it, what was looked
at that speaks against it, what to do, and a display filter for Wireshark. `netanalyze analyze FILE` opens
with the worst, `--verbose` shows the evidence, `--report findings` is the whole table, and
[`netanalyze check`](check.md) makes a test of them. Codes stay what they are. A rule may rate a finding
higher or lower than it says here.

A capture has flaws of its own (packets lost while capturing, one side only, cut frames, connections begun
before): findings that these make less sure say so in `uncertain`, and their confidence is lowered.

In captures above 8 MB the overview looks for no findings about HTTP, and above 32 MB for none that need many
columns for each connection, so that it stays quick; it says what it left out. `--report findings` and `check`
always look for everything.
"""


def findings_page() -> str:
    """The text of ``findings.md``."""
    lines = [_FINDINGS_HEAD]
    for family, about in FAMILIES.items():
        rules = [rule for rule in RULES if rule.code.startswith(family)]
        lines.append(f"## {family}: {about}\n")
        lines += ["| code | finding | severity | tables |", "|---|---|---|---|"]
        lines += [
            f"| [{rule.code}](#{rule.code.lower()}) | {rule.title} | {rule.severity.label} |"
            f" {', '.join(f'`{table}`' for table in rule.needs)} |"
            for rule in rules
        ]
        lines.append("")
        for rule in rules:
            lines += [
                f"### {rule.code}",
                "",
                f"{rule.title}. {rule.means}",
                "",
                f"What to do: {rule.advice}",
                "",
            ]
    return "\n".join(lines)


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
    FOLDER.joinpath("states.svg").write_text(states_picture(), encoding="utf-8")
    FOLDER.joinpath("findings.md").write_text(findings_page(), encoding="utf-8")
    FOLDER.joinpath("cli.md").write_text(cli_page(), encoding="utf-8")
