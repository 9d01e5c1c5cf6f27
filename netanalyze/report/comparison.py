"""What ``netanalyze compare`` found, as tables, text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze._version import VERSION
from netanalyze.report import json_object, units
from netanalyze.report.records.change import Change
from netanalyze.report.records.two_sided import Clock, Total
from netanalyze.report.table import Table
from netanalyze.report.text import draw, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netanalyze.report.style import Style

TITLES = {
    "changes": "What is not as it was",
    "clock": "The taps",
    "totals": "Between the taps",
    "ways": "Between the taps, by stream and direction",
    "traces": "Packets that one tap alone has",
    "differences": "What was changed on the way",
}
_QUIET = frozenset({"same", "more", "fewer"})
_ORDER = ("worse", "better", "appeared", "disappeared", "unsure", "more", "fewer", "same")
_ROWS = 50
_TIMES = 10
"""From here on a growth is told as a factor."""


def change_table(changes: Iterable[Change]) -> Table[Change]:
    """The changes, the worst first."""
    rows = sorted(changes, key=lambda row: _ORDER.index(row.verdict))
    return Table.from_rows("changes", Change, rows)


def two_sided_tables(found: Any) -> list[Table[Any]]:  # noqa: ANN401 - comparison.two_sided.TwoSided, to the right
    """What two taps tell together."""
    return [
        Table.from_rows("clock", Clock, [found.clock]),
        Table.from_rows("totals", Total, found.totals),
        found.ways,
        found.traces,
        found.differences,
    ]


def as_json(tables: Sequence[Table[Any]], warnings: Sequence[str]) -> Iterator[bytes]:
    """One object, a row on each line."""
    head = {
        "schema": json_object.SCHEMA_VERSION,
        "generator": f"netanalyze {VERSION}",
        "warnings": list(warnings),
    }
    yield json_object.visible(json_object.encode(head)[:-1])
    for table in tables:
        yield f',\n"{table.name}":['.encode()
        yield from json_object.rows_of(table)
        yield b"]"
    yield b"}\n"


def as_text(tables: Sequence[Table[Any]], style: Style) -> Iterator[str]:
    """The tables one below the other; of changes first those that matter."""
    for place, table in enumerate(tables):
        if place:
            yield ""
        if table.name == "changes":
            yield from _change_lines(list(table), style)
        else:
            yield from _table_lines(table, style)


def _table_lines(table: Table[Any], style: Style) -> Iterator[str]:
    shown = table[: style.rows or _ROWS]
    if not len(table):
        yield from fold(f"{TITLES[table.name]}: none", style)
        return
    single = table.name in ("clock", "totals")
    yield from fold(
        TITLES[table.name] if single else f"{TITLES[table.name]}: {units.count(len(table))}", style
    )
    yield ""
    grid = draw(shown, shown.fields, style)
    yield from grid.lines
    if len(shown) < len(table):
        yield from fold(f"{units.count(len(shown))} of {units.count(len(table))}; JSON has all", style)
    if grid.left_out:
        names = ", ".join(field.name for field in grid.left_out)
        yield from fold(f"{units.counted(len(grid.left_out), 'more column')}: {names} (--wide)", style)


def _change_lines(changes: Sequence[Change], style: Style) -> Iterator[str]:
    told = [row for row in changes if row.verdict not in _QUIET]
    if not told:
        yield from fold("Nothing got better or worse, appeared or disappeared.", style)
    for verdict in _ORDER:
        rows = [row for row in told if row.verdict == verdict]
        if not rows:
            continue
        yield f"{verdict}: {len(rows)}"
        for row in rows[:_ROWS]:
            yield from fold(f"  {_sentence(row)}", style)
        if len(rows) > _ROWS:
            yield f"  and {len(rows) - _ROWS} more"
        yield ""
    same = units.counted(sum(row.verdict == "same" for row in changes), "measure")
    counted = units.counted(sum(row.verdict in ("more", "fewer") for row in changes), "group")
    yield from fold(f"{same} as before, {counted} with another number of rows; JSON has all.", style)


def _sentence(row: Change) -> str:
    """One change."""
    of = "all" if row.group == "*" else row.group
    if row.unit == "count":
        number = row.after if row.verdict == "appeared" else row.before
        return f"{row.table}, {of}: {units.counted(int(number or 0), 'row')}"
    change = ""
    if row.before:
        ratio = (row.after or 0) / row.before
        change = f", {ratio:.0f} times" if ratio >= _TIMES else f", {100 * ratio - 100:+.0f} %"
    samples = f"of {units.count(row.samples_before)} and {units.count(row.samples_after)}"
    sure = "too few to tell" if row.p is None else f"p {_probability(row.p)}"
    return (
        f"{row.table}, {of}: {row.measure.removesuffix('_ns')} {_amount(row.before, row.unit)} to"
        f" {_amount(row.after, row.unit)}{change} ({samples}; {sure})"
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} %" if unit == "percent" else units.duration(round(value))


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - of which more digits say nothing
