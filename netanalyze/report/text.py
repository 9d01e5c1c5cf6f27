"""Text tables for people: human units, lines that fit the terminal, a note of what is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from netanalyze.report.cells import MISSING, cells, header
from netanalyze.report.layout import Lane, break_words, fit
from netanalyze.report.printable import plain, shorten, width
from netanalyze.report.record import NUMBERS, QUANTITIES, Field, Unit
from netanalyze.report.registry import kind_of
from netanalyze.report.units import count, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.report import Report
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table

_LEAST = {Unit.TEXT: 16, Unit.ADDRESS: 22, Unit.FILE: 24}
"""Columns below which texts are not cut while a less important column can still go."""

_BROKEN = {"retransmissions": "retrans- missions"}
"""Words that are much longer than what stands below them, and where they are broken."""

MARK = "*"
LOSSY = (
    "Amounts are too low, and what looks like loss, disorder or silence may be the capture's and not the"
    " network's."
)

INTERRUPTED = "Interrupted: this is what was read until then."

_NAMED = 16
"""Columns left out that the note below a table names."""

_INDENT = "  "
GLUE = "\x01"
"""Stands for a space in a text for ``fold``, between a number and its unit."""


class Grid(Struct, frozen=True):
    """A table drawn as text.

    Attributes:
        lines: header, rule and rows.
        left_out: columns that it does not show.
    """

    lines: list[str]
    left_out: list[Field]


def render(report: Report, tables: Sequence[Table[Any]], style: Style) -> Iterator[str]:
    """The tables one below the other, as lines without line ends."""
    style = marking(report, tables, style)
    for place, table in enumerate(tables):
        if place:
            yield ""
        yield from table_lines(table, style)
    told = any(table.name == "ledger" for table in tables)
    notes = list(report_notes(report, style, ledger_shown=told))
    if notes:
        yield ""
        yield from notes


def marking(report: Report, tables: Sequence[Table[Any]], style: Style) -> Style:
    """A style that marks what losses make uncertain, if there are any of both in these tables."""
    rows = (field for table in tables if len(table) for field in table.fields)
    return replace(
        style, lossy=bool(report.lost or report.passed_over) and any(field.suffers for field in rows)
    )


def table_lines(table: Table[Any], style: Style) -> Iterator[str]:
    """One table with its name above it and what it does not show below it."""
    shown = table if style.rows is None else table[: style.rows]
    yield from fold(title(table), style)
    if not len(shown):
        return
    yield ""
    grid = draw(shown, shown.fields, style)
    yield from grid.lines
    notes = list(_footer(table, len(shown), grid.left_out, style))
    if notes:
        yield ""
        for note in notes:
            yield from fold(note, style)


def title(table: Table[Any]) -> str:
    """The table's name, and how many rows of how many fulfil the conditions."""
    kind = kind_of(table.name)
    if not table.matched:
        nothing = f"none of {counted(table.total, kind.row, kind.rows)} fulfils the conditions"
        return f"{table.name}: {nothing if table.total else f'no {kind.rows}'}"
    of_all = f"{count(table.matched)} of " if table.matched < table.total else ""
    return f"{table.name}: {of_all}{counted(table.total, kind.row, kind.rows)}"


def _footer(table: Table[Any], shown: int, left_out: Sequence[Field], style: Style) -> Iterator[str]:
    if shown < table.matched:
        kind = kind_of(table.name)
        note = f"{count(shown)} of {counted(table.matched, kind.row, kind.rows)}"
        if style.hints and shown < len(table):  # that was our choice, not the user's
            note += "; --top 0 shows all"
            orders = next((field.short for field in table.fields if field.unit in QUANTITIES), None)
            if orders and not table.ordered:
                note += f", --sort {orders} orders"
        yield note
    if left_out:
        names = ", ".join(field.name for field in left_out[:_NAMED])
        if len(left_out) > _NAMED:
            names += f" … (netanalyze tables {table.name} explains all)" if style.hints else " …"
        yield f"{counted(len(left_out), 'more column')}: {names}" + " (--wide)" * style.hints


def report_notes(report: Report, style: Style, *, ledger_shown: bool = False) -> Iterator[str]:
    """What a reader of any table has to know about the report: what is missing from it."""
    if not ledger_shown:
        yield from not_analysed(report, style)
    yield from not_looked_for(report, style)
    if style.lossy:
        yield from loss_note(report, style)
    if not report.complete:
        yield from fold(INTERRUPTED, style)


def not_looked_for(report: Report, style: Style) -> Iterator[str]:
    """Which findings there cannot be because of whose labels segments have."""
    if report.rules_unfit:
        yield from fold(report.why_unfit[0].upper() + report.why_unfit[1:], style)


def loss_note(report: Report, style: Style) -> Iterator[str]:
    """What the mark of figures means that losses make uncertain."""
    parts = []
    if report.lost:
        parts.append(f"{counted(report.lost, 'packet was', 'packets were')} lost while capturing")
    if report.passed_over:
        parts.append(
            f"{counted(report.passed_over, 'frame was', 'frames were')} passed over for want of time"
        )
    yield from fold(f"{MARK} uncertain: {' and '.join(parts)}. {LOSSY}", style)


def not_analysed(report: Report, style: Style) -> Iterator[str]:
    """How many frames were not analysed, if any."""
    missing = sum(row.frames for row in report.unused)
    if missing:
        note = f"{count(missing)} of {counted(report.frames_read, 'frame')} not analysed"
        yield from fold(note + "; --report ledger says why" * style.hints, style)


def draw(table: Table[Any], columns: Sequence[Field], style: Style) -> Grid:
    """Draw some columns of all rows of a table, as many as fit, and notes below their rows."""
    notes = [field for field in columns if field.note]
    if notes and len(notes) < len(columns):
        grid = draw(table, [field for field in columns if not field.note], style)
        below = cells(table, notes, ascii_only=style.ascii_only)
        told = zip(grid.lines[-len(table) :], *below, strict=True)
        lines = [
            part
            for line, *texts in told
            for part in (
                line,
                *(part for text in texts if text != MISSING for part in fold(_INDENT + text, style)),
            )
        ]
        return Grid(grid.lines[: -len(table)] + lines, grid.left_out)
    texts = cells(table, columns, ascii_only=style.ascii_only)
    lanes = [
        Lane(
            _head(field, style),
            max(map(width, column), default=0),
            field.show,
            _LEAST.get(field.unit),
            _pair(field.name),
        )
        for field, column in zip(columns, texts, strict=True)
    ]
    widths = fit(lanes, None if style.wide else style.width)
    mark = ".." if style.ascii_only else "…"
    heads = {place: break_words(lanes[place].head, limit) for place, limit in widths.items()}
    height = max(map(len, heads.values()))
    drawn: list[list[str]] = []
    for place, limit in widths.items():
        head = [""] * (height - len(heads[place])) + [shorten(line, limit, mark) for line in heads[place]]
        column = texts[place]
        if lanes[place].natural > limit:
            middle = columns[place].unit in (Unit.ADDRESS, Unit.FILE)  # both ends tell
            column = [shorten(text, limit, mark, middle=middle) for text in column]
        drawn.append([*head, "-" * limit, *column])
    numeric = [columns[place].unit in NUMBERS for place in widths]
    left_out = [field for place, field in enumerate(columns) if place not in widths]
    return Grid(_align(drawn, numeric), left_out)


def _pair(name: str) -> str:
    """What a column and that of the other side have in common."""
    side, _, what = name.partition("_")
    return what if side in ("client", "server") else ""


def _head(field: Field, style: Style) -> str:
    """The words above a column, with spaces where they may be broken."""
    words = " ".join(_BROKEN.get(word, word) for word in header(field).split())
    return words + MARK if style.lossy and field.suffers else words


def _align(columns: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[str]:
    """Set columns of texts beside each other, numbers to the right."""
    padded = []
    for column, right in zip(columns, numeric, strict=True):
        room = max(map(width, column))
        if right:
            padded.append([" " * (room - width(text)) + text for text in column])
        else:
            padded.append([text + " " * (room - width(text)) for text in column])
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]


def fold(text: str, style: Style) -> list[str]:
    """A line of our own, in as many lines as its width needs; no line ends at a ``GLUE``."""
    line = plain(text) if style.ascii_only else text
    if style.wide or width(line) <= style.width:
        return [line.replace(GLUE, " ")]
    margin = text[: len(text) - len(text.lstrip(" "))]
    indent = _INDENT if style.width > 2 * len(margin + _INDENT) else ""
    room = max(1, style.width - len(margin + indent))
    mark = ".." if style.ascii_only else "…"
    first, *rest = [shorten(part, room, mark) for part in break_words(line, room)]
    return [(margin + part).replace(GLUE, " ") for part in (first, *(indent + part for part in rest))]
