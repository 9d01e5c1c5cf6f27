"""What a check came to, for people and for the programs that run builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from netanalyze._version import VERSION
from netanalyze.errors import UsageError
from netanalyze.report import units
from netanalyze.report.json_object import SCHEMA_VERSION, encode, visible
from netanalyze.report.names import unknown
from netanalyze.report.printable import printable
from netanalyze.report.text import fold
from netanalyze.report.verdict import cost, finding_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netanalyze.report.checks.limit import Measured
    from netanalyze.report.checks.outcome import Outcome
    from netanalyze.report.records.findings import Finding
    from netanalyze.report.style import Style


def format_named(name: str) -> str:
    """Check the name of a format.

    Raises:
        UsageError: there is none.
    """
    if name not in RENDERERS:
        raise UsageError(unknown("format", name, RENDERERS))
    return name


def _text(outcome: Outcome, style: Style) -> Iterator[str]:
    for row in outcome.findings if style.verbose else outcome.failing:
        yield from finding_lines(row, style)
    for measured in outcome.limits:
        word = {True: "kept", False: "broken", None: "not measured"}[measured.kept]
        if style.verbose or measured.kept is not True:
            yield from fold(f"  {word}: {_limit(measured)}", style)
    counts = []
    if outcome.failing:
        least = (
            f"of severity {outcome.fail_on} or above" if outcome.fail_on != "error" else "of severity error"
        )
        counts.append(f"{units.counted(len(outcome.failing), 'finding')} {least}")
    if outcome.broken:
        counts.append(f"{units.counted(len(outcome.broken), 'limit')} broken")
    below = len(outcome.findings) - len(outcome.failing)
    also = f"; {units.counted(below, 'finding')} below that" if below else ""
    more = " (--verbose)" if below and style.hints and not style.verbose else ""
    yield from fold(("failed: " + ", ".join(counts) if counts else "passed") + also + more, style)


def _limit(measured: Measured) -> str:
    frame = f" (frame {measured.frame})" if measured.frame else ""
    return f"{measured.limit.text}: {measured.shown}{frame}"


def _json(outcome: Outcome, style: Style) -> Iterator[str]:
    del style
    made = {
        "schema": SCHEMA_VERSION,
        "generator": f"netanalyze {VERSION}",
        "files": list(outcome.files),
        "passed": outcome.passed,
        "fail_on": outcome.fail_on,
        "findings": [
            {**msgspec.structs.asdict(row), "fails": outcome.fails(row.severity)} for row in outcome.findings
        ],
        "limits": [
            {
                "rule": measured.limit.text,
                "table": measured.limit.table,
                "kept": measured.kept,
                "value": None if measured.value is None else float(measured.value),
                "bound": float(measured.limit.bound),
                "shown": measured.shown,
                "rows": measured.rows,
                "frame": measured.frame,
            }
            for measured in outcome.limits
        ],
    }
    yield visible(encode(made)).decode()


def _message(row: Finding) -> str:
    """A finding in a few sentences."""
    about = f"{row.title}: {row.subject}" if row.subject else row.title
    parts = [about, row.evidence]
    if paid := cost(row):
        parts.append(f"Cost {paid}")
    if row.frames:
        parts.append(f"{'Frames' if ',' in row.frames else 'Frame'} {row.frames}")
    if row.uncertain:
        parts.append(f"Uncertain: {row.uncertain}")
    return ". ".join(part.rstrip(".") for part in (*parts, row.advice)) + "."


def _junit(outcome: Outcome, style: Style) -> Iterator[str]:
    """One test case for each rule and each limit, as Jenkins, GitLab and others read it."""
    del style
    by_code: dict[str, list[Finding]] = {}
    for row in outcome.findings:
        by_code.setdefault(row.code, []).append(row)
    broken = {rule.code for rule in outcome.rules} & {row.code for row in outcome.failing}
    tests, failures = len(outcome.rules) + len(outcome.limits), len(broken) + len(outcome.broken)
    skipped = sum(measured.kept is None for measured in outcome.limits)
    counts = f'tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="netanalyze" {counts}>'
    yield f"<testsuite name={_attribute(' '.join(outcome.files))} {counts}>"
    for rule in outcome.rules:
        rows = by_code.get(rule.code, [])
        failing = [row for row in rows if outcome.fails(row.severity)]
        yield f'<testcase classname="netanalyze.findings" name={_attribute(f"{rule.code} {rule.title}")}>'
        for row in failing:
            head = f"<failure type={_attribute(row.code)} message={_attribute(_message(row))}>"
            yield f"{head}{_content(_details(row))}</failure>"
        others = [row for row in rows if row not in failing]
        if others:
            told = "\n".join(printable(_message(row)) for row in others)
            yield f"<system-out>{_content(told)}</system-out>"
        yield "</testcase>"
    for measured in outcome.limits:
        yield f'<testcase classname="netanalyze.limits" name={_attribute(measured.limit.text)}>'
        if measured.kept is None:
            yield '<skipped message="nothing to measure"/>'
        elif not measured.kept:
            yield f'<failure type="limit" message={_attribute(_limit(measured))}/>'
        yield "</testcase>"
    yield "</testsuite>"
    yield "</testsuites>"


def _details(row: Finding) -> str:
    lines = (
        row.evidence,
        row.counter_evidence,
        row.wireshark_filter and f"Wireshark: {row.wireshark_filter}",
    )
    return "\n".join(printable(line) for line in lines if line)


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


def _content(text: str) -> str:
    return escape(text)


_SARIF_LEVELS = {"info": "note", "notice": "note", "warning": "warning", "error": "error"}


def _sarif(outcome: Outcome, style: Style) -> Iterator[str]:
    """SARIF 2.1.0 (OASIS), which code hosts show beside the change."""
    del style
    places: Mapping[str, int] = {rule.code: place for place, rule in enumerate(outcome.rules)}
    rules: list[dict[str, Any]] = [
        {
            "id": rule.code,
            "name": type(rule).__name__,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.means},
            "help": {"text": rule.advice},
            "defaultConfiguration": {"level": _SARIF_LEVELS[rule.severity.label]},
        }
        for rule in outcome.rules
    ]
    rules.append(
        {
            "id": "limit",
            "name": "Limit",
            "shortDescription": {"text": "A limit of the project is not kept"},
            "defaultConfiguration": {"level": "error"},
        }
    )
    results = [_result(outcome, row, places[row.code]) for row in outcome.findings]
    results += [
        {
            "ruleId": "limit",
            "ruleIndex": len(rules) - 1,
            "level": "error",
            "message": {"text": _limit(measured)},
            "locations": _locations(outcome, measured.frame),
            "partialFingerprints": {"limit/v1": measured.limit.text},
        }
        for measured in outcome.broken
    ]
    driver = {"name": "netanalyze", "semanticVersion": VERSION, "rules": rules}
    made = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    yield visible(encode(made)).decode()


def _result(outcome: Outcome, row: Finding, place: int) -> dict[str, Any]:
    return {
        "ruleId": row.code,
        "ruleIndex": place,
        "level": _SARIF_LEVELS[row.severity],
        "message": {"text": _message(row)},
        "locations": _locations(outcome, row.frame),
        "partialFingerprints": {"finding/v1": f"{row.code} {row.subject or ''}".rstrip()},
        "properties": {
            name: value for name, value in msgspec.structs.asdict(row).items() if value is not None
        },
    }


def _locations(outcome: Outcome, frame: int | None) -> list[dict[str, Any]]:
    """The capture; a frame is a logical place in it, for a capture has no lines."""
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(outcome.files[0] if outcome.files else "-")}}
    }
    if frame is not None:
        location["logicalLocations"] = [{"name": f"frame {frame}", "kind": "element"}]
    return [location]


def _uri(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - one format of several

    return quote(path)


def _github(outcome: Outcome, style: Style) -> Iterator[str]:
    """Workflow commands: GitHub shows them beside the build."""
    del style
    file = outcome.files[0] if outcome.files else "-"
    for row in outcome.findings:
        fails = outcome.fails(row.severity)
        word = "error" if fails else "warning" if row.severity in ("warning", "error") else "notice"
        title = _property(f"{row.code} {row.title}")
        yield f"::{word} file={_property(file)},title={title}::{_command(_message(row))}"
    for measured in outcome.limits:
        if measured.kept is not True:
            word = "warning" if measured.kept is None else "error"
            yield f"::{word} file={_property(file)},title=limit::{_command(_limit(measured))}"


def _command(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command(text).replace(":", "%3A").replace(",", "%2C")


RENDERERS: Mapping[str, Callable[[Outcome, Style], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "junit": _junit,
    "sarif": _sarif,
    "github": _github,
}
"""By name of the format."""


def render(name: str, outcome: Outcome, style: Style) -> Iterator[bytes]:
    """The outcome in a format, in pieces."""
    for line in RENDERERS[name](outcome, style):
        yield line.rstrip("\n").encode("utf-8", "backslashreplace") + b"\n"
