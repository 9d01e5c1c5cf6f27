"""Texts about terms: they are whole, short enough to read, and their examples show what they say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.cli.explain import _page
from netanalyze.errors import UsageError
from netanalyze.findings.catalog import RULES
from netanalyze.report.explanation import (
    GROUPS,
    Explanation,
    asked_for,
    explanation,
    explanations,
    plain_name,
)
from netanalyze.report.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.findings.rule import Rule

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "netanalyze" / "report" / "explanations"
TERMS = tuple(explanations())
SECTIONS = ("What it is", "On the wire", "Why it happens", "What to do", "Settings", "See it", "More")
WIDTH = 80
# What newcomers ask for by name; the README promises them.
PROMISED = (
    *("time-wait", "close-wait", "sticky-packets", "nagle", "backlog", "window", "zero-window"),
    *("retransmission", "keep-alive", "socket-hang-up", "dns-lookup", "gzip", "get-post", "udp-tcp"),
)


def examples(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a page with what they print."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


def printed(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", str(WIDTH - 2))
    words = shlex.split(command)
    assert words[0] == "netanalyze"
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.stdout.splitlines()) + "\n"


@pytest.mark.parametrize("term", TERMS)
def test_examples_print_what_the_page_shows(
    term: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    file = PAGES / f"{term}.md"
    text = file.read_text(encoding="utf-8")
    found = [(command, shown, printed(command, monkeypatch)) for command, shown in examples(text)]
    assert found, "a page shows its subject in a capture of ours"
    if request.config.getoption("--update-golden"):
        for command, shown, output in found:
            text = text.replace(f"$ {command}\n{shown}", f"$ {command}\n{output}")
        file.write_text(text, encoding="utf-8")
        return
    for command, shown, output in found:
        assert shown == output, f"{command}; pytest --update-golden writes it anew"


@pytest.mark.parametrize("term", TERMS)
def test_a_page_is_whole(term: str) -> None:
    page = explanations()[term]
    assert page.term == plain_name(page.term)
    assert page.group in GROUPS
    assert page.title
    assert len(page.summary) <= 90
    assert page.summary[-1] not in ".!"
    assert tuple(re.findall(r"^## (.*)$", page.text, re.MULTILINE)) == SECTIONS


@pytest.mark.parametrize("term", TERMS)
def test_a_page_can_be_read_anywhere(term: str) -> None:
    prose = re.sub(r"^```.*?^```$|^\|[^\n]*$", "", explanations()[term].text, flags=re.MULTILINE | re.DOTALL)
    assert not [line for line in prose.splitlines() if len(line) > WIDTH]
    assert prose.isascii()


@pytest.mark.parametrize("term", TERMS)
def test_a_page_leads_to_others_that_exist(term: str) -> None:
    more = explanations()[term].text.rpartition("## More")[2]
    related = re.findall(r"`explain ([a-z-]+)`", more)
    assert related
    for other in related:
        assert explanation(other).term == other != term


def test_what_was_promised_is_there() -> None:
    assert set(PROMISED) <= set(TERMS)


def test_names_are_found_however_they_are_written() -> None:
    for words in ("time-wait", "TIME_WAIT", "Time Wait"):
        assert explanation(words).term == "time-wait"
    seen: dict[str, Explanation] = {}
    for page in explanations().values():
        for name in {plain_name(each) for each in (page.term, *page.also)}:
            assert name not in seen, f"{name} is {page.term} and {seen[name].term}"
            seen[name] = page


def test_an_unknown_term_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="did you mean time-wait"):
        explanation("time-weit")
    result = CliRunner().invoke(app, ["explain", "nothing-like-it"])
    assert result.exit_code == 2
    assert "there are:" in result.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_codes_of_findings_are_explained(rule: Rule) -> None:
    page = asked_for(rule.code.lower())
    assert page.title == f"{rule.code}: {rule.title}"
    assert " ".join(page.text.split()).count(rule.advice) == 1
    shown = CliRunner().invoke(app, ["explain", rule.code])
    assert shown.exit_code == 0
    assert shown.stdout == page.markdown


def test_a_code_that_no_rule_has() -> None:
    assert CliRunner().invoke(app, ["explain", "TCP999"]).exit_code == 2


def test_the_list_names_every_term(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(app, ["explain"]).stdout.splitlines()
    assert {term for line in lines for term in TERMS if line.startswith(f"  {term} ")} == set(TERMS)
    assert max(map(len, lines)) <= 80


def test_json_has_the_same() -> None:
    listed = json.loads(CliRunner().invoke(app, ["explain", "--format", "json"]).stdout)
    assert [each["term"] for each in listed["terms"]] == list(TERMS)
    one = json.loads(CliRunner().invoke(app, ["explain", "nagle", "--format", "json"]).stdout)
    assert one["explanation"]["text"] == explanations()["nagle"].text


def test_a_terminal_gets_it_laid_out() -> None:
    shown = _page(explanation("time-wait"), Style(width=80, terminal=True))
    assert "\x1b[" in shown
    assert "## What it is" not in shown
