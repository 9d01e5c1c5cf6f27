"""Texts about terms: what a thing is, how it looks on the wire, why it happens and what to do.

Each is a Markdown file in ``explanations/`` whose name is the term. Lines of ``name: value`` come first, up
to a line ``---``: ``title``, ``group`` (one of ``GROUPS``), ``summary`` (for the list of terms), ``also``
(other names). Examples in the texts are commands on the project's own captures; a test runs them.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from textwrap import fill, wrap
from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.report.names import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = ("connections", "data on the way", "messages", "names and datagrams", "captures")
"""What the terms are about, in the order in which they are listed."""

_WIDTH = 80


class Explanation(Struct, frozen=True):
    """A term and its text.

    Attributes:
        term: as users write it, ``time-wait``.
        title: one line.
        group: what it belongs to.
        summary: one line for the list of terms.
        also: other names for it.
        text: Markdown, without the title.
    """

    term: str
    title: str
    group: str
    summary: str
    also: tuple[str, ...]
    text: str

    @property
    def markdown(self) -> str:
        """The whole page."""
        return f"# {self.title}\n\n{self.text}"


def plain_name(words: str) -> str:
    """A term as its file is named: ``TIME_WAIT`` and ``time wait`` are ``time-wait``."""
    return re.sub(r"[^a-z0-9]+", "-", words.casefold()).strip("-")


@cache
def explanations() -> dict[str, Explanation]:
    """Every text, by term, in the order of the groups."""
    folder = files("netanalyze.report") / "explanations"
    found = [
        _parsed(entry.name.removesuffix(".md"), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".md")
    ]
    found.sort(key=lambda each: (GROUPS.index(each.group), each.term))
    return {each.term: each for each in found}


def explanation(words: str) -> Explanation:
    """The text about what a user calls so.

    Raises:
        UsageError: there is none.
    """
    known = explanations()
    names = {plain_name(name): each for each in known.values() for name in (each.term, *each.also)}
    try:
        return names[plain_name(words)]
    except KeyError:
        raise UsageError(unknown("explanation of", words, known)) from None


def asked_for(words: str) -> Explanation:
    """The text about a term, or about the finding that has this code.

    Raises:
        UsageError: there is none.
    """
    code = words.strip().upper()
    return _of_finding(code) if re.fullmatch(r"[A-Z]+\d{3}", code) else explanation(words)


def _of_finding(code: str) -> Explanation:
    """What the rule that makes a finding says of it."""
    from netanalyze.findings.catalog import rule_of  # noqa: PLC0415 - for codes only

    rule = rule_of(code)
    tables = ", ".join(f"`{name}`" for name in rule.needs)
    text = [
        "## What it is",
        *(fill(rule.means, _WIDTH), ""),
        "## What to do",
        *(fill(rule.advice, _WIDTH), ""),
        "## See it",
        f"`netanalyze analyze FILE -r findings --where code={rule.code}` lists each with its frames;",
        f"`netanalyze check FILE --select {rule.code}` makes a test of it. Made of: {tables}.",
        "",
        f"Severity: {rule.severity.name.lower()}.",
        "",
    ]
    found = "\n".join(text).replace("\n##", "\n\n##").replace("\n\n\n", "\n\n")
    return Explanation(rule.code, f"{rule.code}: {rule.title}", "findings", rule.title, (), found)


def _parsed(term: str, source: str) -> Explanation:
    head, _, text = source.partition("\n---\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    also = tuple(name for name in said.get("also", "").split(", ") if name)
    return Explanation(term, said["title"], said["group"], said["summary"], also, text.lstrip("\n"))


def term_list(width: int) -> Iterator[str]:
    """The terms there are, a line or two each, by group."""
    known = explanations()
    indent = 4 + max(len(term) for term in known)
    for group in GROUPS:
        members = [each for each in known.values() if each.group == group]
        if not members:
            continue
        yield f"{group[0].upper()}{group[1:]}"
        for each in members:
            yield from wrap(
                each.summary,
                max(width, indent + 20),
                initial_indent=f"  {each.term}".ljust(indent),
                subsequent_indent=" " * indent,
            )
        yield ""
