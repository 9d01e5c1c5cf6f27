"""What a check says to people and to the programs that run builds."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from sample_reports import sample_report

from netanalyze.errors import UsageError
from netanalyze.findings.catalog import select
from netanalyze.findings.finding import Confidence, Finding, Severity
from netanalyze.report.checks.formats import RENDERERS, format_named, render
from netanalyze.report.checks.limit import parse_limit
from netanalyze.report.checks.outcome import Outcome, judge
from netanalyze.report.style import Style

NASTY = 'a<b>&"c"\x1b[31m\n::error::%0A ]]> \u202e'
FINDINGS = (
    Finding(
        "LSN004",
        Severity.ERROR,
        "Connections refused",
        "10.0.0.1:80",
        3,
        f"3 of 3 attempts answered with RST {NASTY}",
        "none succeeded",
        "Start it.",
        "tcp.flags.reset == 1",
        frames=(4, 9),
        cost_requests=3,
        cost_ns=1_500_000_000,
        confidence=Confidence.MEDIUM,
        uncertain="3 packets were lost while capturing",
    ),
    Finding(
        "HTTP007", Severity.NOTICE, "Client errors (4xx)", "shop", 1, "1 of 9", "8 others", "See.", "http"
    ),
)


def outcome(*limits: str, fail_on: str = "warning", found: tuple[Finding, ...] = FINDINGS) -> Outcome:
    report = sample_report(findings=found)
    return judge(report, select(["LSN", "HTTP"]), [parse_limit(text) for text in limits], fail_on, {})


def rendered(form: str, made: Outcome, **style: Any) -> str:  # noqa: ANN401 - of any type
    return b"".join(render(form, made, Style(**style))).decode()


def test_what_fails() -> None:
    assert [row.code for row in outcome().failing] == ["LSN004"]
    assert [row.code for row in outcome(fail_on="info").failing] == ["LSN004", "HTTP007"]
    assert outcome(fail_on="never").passed
    assert not outcome("streams.count=0", fail_on="never").passed
    assert outcome("streams.count=4", "http.p99_ms<1", fail_on="never").passed
    assert outcome(found=()).passed


def test_a_project_may_think_otherwise_of_a_rule() -> None:
    report = sample_report(findings=FINDINGS)
    judged = judge(report, select(), [], "error", {"LSN004": "info", "HTTP007": "error"})
    assert [(row.code, row.severity) for row in judged.findings] == [("HTTP007", "error"), ("LSN004", "info")]
    assert [row.code for row in judged.failing] == ["HTTP007"]


def test_text() -> None:
    text = rendered("text", outcome("streams.count=0", "streams.count=4"))
    assert "error   LSN004  Connections refused: 10.0.0.1:80; cost 1.50 s, 3 connections; frames 4, 9" in text
    assert "broken: streams.count=0: 4" in text
    assert "streams.count=4" not in text
    assert "HTTP007" not in text
    assert text.endswith(
        "failed: 1 finding of severity warning or above, 1 limit broken; 1 finding below that (--verbose)\n"
    )
    assert "HTTP007" in rendered("text", outcome(), verbose=True)
    assert rendered("text", outcome(found=())) == "passed\n"


def test_json() -> None:
    made = json.loads(rendered("json", outcome("http.p99_ms<200", "streams.count=0")))
    assert made["passed"] is False
    assert [(row["code"], row["fails"]) for row in made["findings"]] == [("LSN004", True), ("HTTP007", False)]
    assert [(row["kept"], row["value"]) for row in made["limits"]] == [(None, None), (False, 4.0)]


def test_junit() -> None:
    tree = ET.fromstring(  # noqa: S314 - our own
        rendered("junit", outcome("streams.count=0", "http.p99_ms<1", "udp.count>0"))
    )
    (suite,) = tree
    assert (tree.tag, suite.tag) == ("testsuites", "testsuite")
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases) == len(select(["LSN", "HTTP"])) + 3
    failed = [case for case in cases if case.find("failure") is not None]
    assert int(suite.attrib["failures"]) == len(failed) == 2
    assert failed[0].attrib["name"].startswith("LSN004 ")
    assert "3 of 3 attempts" in failed[0].find("failure").attrib["message"]  # type: ignore[union-attr]
    assert [case.attrib["name"] for case in cases if case.find("skipped") is not None] == ["http.p99_ms<1"]
    assert suite.attrib["skipped"] == "1"
    assert any("1 of 9" in (case.findtext("system-out") or "") for case in cases)
    for case in cases:
        assert set(case.attrib) == {"classname", "name"}
        assert {child.tag for child in case} <= {"failure", "skipped", "system-out"}


TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "properties": {"level": LEVEL},
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": TEXT,
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                                "properties": {"type": "object"},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "additionalProperties": False,
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": "^[A-Za-z0-9._~%:@/-]+$",
                                                            }
                                                        },
                                                    }
                                                },
                                            },
                                            "logicalLocations": {"type": "array", "uniqueItems": True},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What the schema of SARIF 2.1.0 (OASIS, sections 3.13 to 3.49) asks of the parts that are used here."""


def test_sarif() -> None:
    made = json.loads(rendered("sarif", outcome("streams.count=0")))
    jsonschema.validate(made, SARIF)
    (run,) = made["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("LSN004", "error"),
        ("HTTP007", "note"),
        ("limit", "error"),
    ]


def test_github() -> None:
    lines = rendered("github", outcome("streams.count=0")).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice", "::error"]
    assert lines[0].startswith("::error file=web.pcapng,title=LSN004 Connections refused::")
    assert all(line.count("::") >= 2 for line in lines)


@pytest.mark.parametrize("form", RENDERERS)
def test_nothing_of_the_traffic_acts_on_who_reads_it(form: str) -> None:
    text = rendered(form, outcome())
    assert "\x1b" not in text
    assert "\u202e" not in text
    for line in text.splitlines():
        assert not line.startswith("::error::")


def test_formats_have_names() -> None:
    assert format_named("sarif") == "sarif"
    with pytest.raises(UsageError, match="no format 'xml'"):
        format_named("xml")
