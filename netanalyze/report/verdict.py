"""Findings as people read them: the costliest in a few lines, or all with what proves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report import units
from netanalyze.report.printable import printable
from netanalyze.report.text import GLUE, fold, not_looked_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.records.findings import Finding
    from netanalyze.report.report import Report
    from netanalyze.report.style import Style
    from netanalyze.report.table import Table

_SHOWN = 5
"""Findings that one screen has room for."""
_FRAMES = 3
_REMARK = "info"
_OF = {"HTTP": "request", "DNS": "question", "UDP": "datagram"}
"""What ``cost_requests`` counts, by family; elsewhere connections."""


def verdict(report: Report, style: Style) -> Iterator[str]:
    """What is wrong, as lines without line ends."""
    table: Table[Finding] = report["findings"]
    rows = list(table)
    wrong = [row for row in rows if row.severity != _REMARK]
    remarks = len(rows) - len(wrong)
    shown = rows if style.verbose else wrong[:_SHOWN]
    yield from fold(_heading(len(wrong), remarks, style), style)
    for row in shown:
        yield from finding_lines(row, style)
    if not style.verbose and len(wrong) > len(shown):
        more = f"  and {units.counted(len(wrong) - len(shown), 'more finding')}"
        yield from fold(more + " (--verbose, --report findings)" * style.hints, style)
    if report.rules_left_out:
        note = f"Not looked for, to be quick: {', '.join(report.rules_left_out)}"
        yield from fold(note + "; --report findings looks for everything" * style.hints, style)
    yield from not_looked_for(report, style)


def _heading(wrong: int, remarks: int, style: Style) -> str:
    text = f"Findings: {units.count(wrong)}" if wrong else "Findings: nothing wrong"
    if wrong > 1:
        text += ", the worst first"
    if remarks:
        hint = "" if style.verbose or not style.hints else " (--verbose)"
        text += f"; {units.counted(remarks, 'remark')}{hint}"
    return text


def cost(row: Finding) -> str:
    """What a finding cost, in the unit that matters most to who reads it; empty if nothing is known."""
    parts = []
    if row.cost_ns:
        parts.append(units.duration(row.cost_ns))
    if row.cost_requests:
        what = next((what for family, what in _OF.items() if row.code.startswith(family)), "connection")
        parts.append(units.counted(row.cost_requests, what))
    if row.cost_bytes:
        parts.append(units.size(row.cost_bytes))
    return ", ".join(parts)


def _whole(amounts: str) -> str:
    """Amounts that no line ends within."""
    return GLUE.join(amounts.split(" ")).replace(f",{GLUE}", ", ")


def finding_lines(row: Finding, style: Style) -> Iterator[str]:
    """One finding, as lines without line ends."""

    def told(text: str) -> list[str]:
        return fold(printable(text, ascii_only=style.ascii_only), style)

    subject = f": {row.subject}" if row.subject else ""
    paid = cost(row)
    # GLUE is no printable character: it goes in behind the escaping.
    mark = f"{row.severity:<7} {row.code:<7}".replace(" ", GLUE)
    head = f"  {mark} {printable(row.title + subject, ascii_only=style.ascii_only)}"
    named = _frames(row.frames, None if style.verbose else _FRAMES)
    line = "; ".join(part for part in (head, paid and f"cost {_whole(paid)}", named) if part)
    yield from fold(line, style)
    if style.verbose:
        yield from told(f"    seen: {row.evidence}")
        yield from told(f"    also: {row.counter_evidence}")
        if row.uncertain:
            yield from told(f"    uncertain: {row.uncertain}")
        yield from told(f"    confidence: {row.confidence}")
        if row.wireshark_filter:
            yield f"    Wireshark: {printable(row.wireshark_filter, ascii_only=style.ascii_only)}"
    elif row.uncertain:
        yield from told(f"    uncertain: {row.uncertain}")
    yield from told(f"    {'do' if style.verbose else '->'}{':' if style.verbose else ''} {row.advice}")


def _frames(frames: str | None, most: int | None) -> str:
    numbers: Sequence[str] = (frames or "").split(", ") if frames else ()
    if not numbers:
        return ""
    shown = numbers[:most]
    more = ", …" if len(numbers) > len(shown) else ""
    return f"{'frame' if len(numbers) == 1 else 'frames'}{GLUE}{', '.join(shown)}{more}"
