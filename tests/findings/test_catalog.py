"""The rules as a whole: codes, what they need, which are chosen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from netanalyze.errors import UsageError
from netanalyze.findings.budget import CHEAP, THOROUGH, THOROUGH_BYTES, WHOLE_BYTES, affordable, left_out
from netanalyze.findings.catalog import FAMILIES, RULES, rule_of, select
from netanalyze.findings.engine import find, runnable, tables_needed
from netanalyze.findings.finding import Finding, Severity
from netanalyze.findings.rule import Rule
from netanalyze.report.record import fields
from netanalyze.report.registry import NAMES, table_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.findings.facts import Facts


def test_codes_are_of_a_family_and_each_once() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert re.fullmatch(rf"({'|'.join(FAMILIES)})\d\d\d", code)
    assert {code[:-3] for code in codes} == set(FAMILIES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_it_is_and_what_it_needs(rule: Rule) -> None:
    assert rule.needs
    assert type(rule).__doc__
    assert rule.means.endswith(".")
    assert len(rule.means) > 100
    assert rule.advice.endswith(".")
    assert not rule.title.endswith(".")
    for table, names in {**rule.needs, **rule.also}.items():
        if table in NAMES:
            assert set(names) <= {field.name for field in fields(table_kind(table).record)}, table


def test_choosing_rules() -> None:
    assert select() == list(RULES)
    assert {rule.code[:3] for rule in select(["tcp", "WIN001"])} == {"TCP", "WIN"}
    assert [rule.code for rule in select(["WIN"], ["WIN001", "WIN002", "WIN003"])] == ["WIN004"]
    assert rule_of("tcp001").code == "TCP001"
    for wrong in ("ABC", "", "TCP999"):
        with pytest.raises(UsageError, match="no rule has a code like"):
            select([wrong])
    with pytest.raises(UsageError, match="no rule has the code"):
        rule_of("TCP")


def test_only_the_tables_of_the_rules_are_needed() -> None:
    assert tables_needed(select(["UDP001"])) == {"udp", "capture", "streams"}
    assert tables_needed([]) == frozenset()
    assert "http" not in tables_needed(select(["TCP"]))


def test_a_rule_whose_table_there_is_not_is_not_run() -> None:
    assert runnable(select(["UDP"]), {"udp"}) == select(["UDP001", "UDP002"])
    assert find({}, RULES) == []


def test_large_captures_get_fewer_rules() -> None:
    assert affordable(WHOLE_BYTES) is None
    assert affordable(THOROUGH_BYTES) == CHEAP | THOROUGH
    assert affordable(THOROUGH_BYTES + 1) == affordable(None) == CHEAP
    run = runnable(RULES, CHEAP)
    told = left_out(RULES, run)
    assert FAMILIES["HTTP"] in told
    assert "TCP007" in told
    assert "TCP001" not in told
    assert left_out(RULES, RULES) == []


class Fake(Rule):
    """Gives what it is told to."""

    code = "TCP000"
    title = "Fake"
    severity = Severity.NOTICE
    needs = {"ledger": ("frames",)}  # noqa: RUF012 - as in every rule
    means = advice = "."

    def __init__(self, *findings: Finding) -> None:
        """What it gives."""
        self.findings = findings

    def find(self, facts: Facts) -> Iterator[Finding]:
        """See ``Rule``."""
        assert "ledger" in facts
        yield from self.findings


def test_the_worst_comes_first_and_of_alike_the_costliest() -> None:
    def made(severity: Severity, cost_ns: int | None, requests: int | None = None) -> Finding:
        return Finding("X", severity, "t", "", 1, "e", "c", "a", "", cost_ns=cost_ns, cost_requests=requests)

    wanted = [
        made(Severity.ERROR, None, 9),
        made(Severity.ERROR, None),
        made(Severity.WARNING, 50),
        made(Severity.WARNING, 7),
        made(Severity.NOTICE, 10**12),
    ]
    from_fake = find({"ledger": _Empty()}, [Fake(*reversed(wanted))])
    assert from_fake == wanted


class _Empty:
    """A table without rows."""

    def __len__(self) -> int:
        """None."""
        return 0

    def field(self, name: str) -> str:
        """The name."""
        return name

    def column(self, field: str) -> object:
        """No column."""
        raise AssertionError(field)
