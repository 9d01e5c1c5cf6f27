"""What came out of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from netanalyze.findings.finding import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netanalyze.findings.rule import Rule
    from netanalyze.report.checks.limit import Limit, Measured
    from netanalyze.report.records.findings import Finding
    from netanalyze.report.report import Report


class Outcome(Struct, frozen=True):
    """The findings and limits of some captures, and which of them fail the check.

    Attributes:
        files: the captures, as they were given.
        rules: the rules that were looked for.
        findings: the findings, in the order of the table.
        limits: what each limit came to.
        fail_on: the least severity that fails, or ``never``.
    """

    files: Sequence[str]
    rules: Sequence[Rule]
    findings: Sequence[Finding]
    limits: Sequence[Measured]
    fail_on: str

    def fails(self, severity: str) -> bool:
        """Whether a finding of this severity fails the check."""
        return self.fail_on in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(self.fail_on)

    @property
    def failing(self) -> list[Finding]:
        """The findings that fail the check."""
        return [finding for finding in self.findings if self.fails(finding.severity)]

    @property
    def broken(self) -> list[Measured]:
        """The limits that are not kept."""
        return [measured for measured in self.limits if measured.kept is False]

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.failing and not self.broken


def judge(
    report: Report,
    rules: Sequence[Rule],
    limits: Sequence[Limit],
    fail_on: str,
    severities: Mapping[str, str],
) -> Outcome:
    """Compare a report with what is asked of it.

    Args:
        report: has ``findings`` and the tables of the limits.
        rules: those that were looked for.
        limits: the limits.
        fail_on: the least severity of a finding that fails, or ``never``.
        severities: by code, in place of the rules' own.
    """
    findings: list[Finding] = [
        msgspec.structs.replace(row, severity=severities.get(row.code, row.severity))
        for row in report["findings"]
    ]
    findings.sort(key=lambda row: -SEVERITIES.index(row.severity))
    return Outcome(
        files=[row.file for row in report["capture"]],
        rules=rules,
        findings=findings,
        limits=[limit.measure(report) for limit in limits],
        fail_on=fail_on,
    )
