"""Findings on the screen of a capture that goes on: a table, and a few lines beside other tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from netanalyze.report import units
from netanalyze.report.printable import printable
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netanalyze.findings.finding import Finding

NEW_SECONDS = 10
"""So long a finding is called new, and stands before others."""
LINES = 3
"""Findings beside another table at most."""
_SEVERITIES = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "notice": ("notice", "notices"),
    "info": ("remark", "remarks"),
}


class LiveFinding(Record, frozen=True):
    """A finding of a capture that goes on."""

    after_ns: Annotated[int, column("When it appeared, since the beginning", Unit.DURATION, show=2)]
    severity: Annotated[str, column("How much it matters", show=0)]
    code: Annotated[str, column("Code of the rule", show=0)]
    title: Annotated[str, column("What the matter is", show=0)]
    subject: Annotated[str | None, column("What it is about", show=1)]
    count: Annotated[int, column("How often it happened so far", Unit.COUNT, show=1)]
    cost_ns: Annotated[int | None, column("How long somebody waited because of it", Unit.DURATION, show=1)]
    evidence: Annotated[str, column("What was seen", note=True)]


def key_of(finding: Finding) -> tuple[str, str, str]:
    """What tells a finding from others, now and later."""
    return finding.code, finding.subject, finding.title


def findings_so_far(
    found: Iterable[Finding], appeared: Mapping[tuple[str, str, str], float]
) -> Table[LiveFinding]:
    """A table of findings in the order given.

    Args:
        found: the findings.
        appeared: when each was found first, in seconds since the capture began.
    """
    rows = [
        LiveFinding(
            after_ns=round(appeared[key_of(finding)] * 1e9),
            severity=finding.severity.label,
            code=finding.code,
            title=finding.title,
            subject=finding.subject or None,
            count=finding.count,
            cost_ns=finding.cost_ns,
            evidence=finding.evidence,
        )
        for finding in found
    ]
    return Table.from_rows("findings", LiveFinding, rows)


def summary(table: Table[Any]) -> str:
    """How many there are of each severity."""
    severities = [row.severity for row in table]
    counts = [
        units.counted(severities.count(severity), *names)
        for severity, names in _SEVERITIES.items()
        if severity in severities
    ]
    return f"findings: {', '.join(counts) or 'none yet'}"


def lines(table: Table[Any], seconds: float, most: int) -> list[tuple[str, str]]:
    """Severity and text of the most important findings: new ones first, then by severity.

    Args:
        table: of ``findings_so_far``, the most severe first.
        seconds: how long the capture has gone on.
        most: how many.
    """
    rows = sorted(table, key=lambda row: not _is_new(row, seconds))  # else in the same order
    return [(row.severity, _line(row, seconds)) for row in rows[:most]]


def _is_new(row: LiveFinding, seconds: float) -> bool:
    return row.after_ns > (seconds - NEW_SECONDS) * 1e9


def _line(row: LiveFinding, seconds: float) -> str:
    subject = f": {printable(row.subject)}" if row.subject else ""
    cost = f", cost {units.duration(row.cost_ns)}" if row.cost_ns else ""
    new = "new  " if _is_new(row, seconds) else ""
    count = units.counted(row.count, "time")
    return f"  {new}{row.severity}  {row.code}  {printable(row.title)}{subject}, {count}{cost}"
