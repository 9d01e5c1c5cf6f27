"""Runs rules over tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from netanalyze.findings.facts import Facts
from netanalyze.findings.quality import QUALITY_NEEDS, flaws

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from netanalyze.findings.facts import TableLike
    from netanalyze.findings.finding import Finding
    from netanalyze.findings.rule import Rule


def tables_needed(rules: Iterable[Rule]) -> frozenset[str]:
    """Names of the tables that these rules read; none for none."""
    needed = {table for rule in rules for table in rule.needs}
    return frozenset(needed | set(QUALITY_NEEDS) if needed else ())


def runnable(rules: Iterable[Rule], known: Collection[str]) -> list[Rule]:
    """The rules all of whose tables there are."""
    return [rule for rule in rules if set(rule.needs) <= set(known)]


def find(tables: Mapping[str, TableLike], rules: Sequence[Rule]) -> list[Finding]:
    """The findings of these rules, the most severe first and of these the costliest.

    Args:
        tables: by name; rules of which a table is missing say nothing.
        rules: which to run.
    """
    facts = Facts(tables)
    harm = flaws(facts)
    found: list[Finding] = []
    for rule in runnable(rules, tables):
        told = "; ".join(text for flaw, text in harm.items() if flaw in rule.harmed_by)
        for finding in rule.find(facts):
            if told:
                finding = replace(finding, uncertain=told, confidence=finding.confidence.lowered)  # noqa: PLW2901
            found.append(finding)
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[int, int, int, int, str, int]:
    """By severity, time lost, requests lost, bytes lost."""
    return (
        -finding.severity,
        -(finding.cost_ns or 0),
        -(finding.cost_requests or 0),
        -(finding.cost_bytes or 0),
        finding.code,
        finding.frame or 0,
    )
