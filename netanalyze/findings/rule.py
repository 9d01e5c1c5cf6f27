"""What a rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from netanalyze.findings.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netanalyze.findings.facts import Facts
    from netanalyze.findings.quality import Flaw


class Rule(ABC):
    """One kind of trouble and how it is found in the tables.

    Attributes:
        code: its stable name; the letters are those of its family.
        title: the trouble in a few words.
        severity: how much it matters as a rule; a finding may say otherwise.
        needs: the columns that it reads, by table.
        also: columns that it reads of tables that were made for something else.
        means: a paragraph on what it is and why it costs.
        advice: what to do about it, in a line.
        harmed_by: flaws of a capture that make its findings less sure.
        by_cause: whether it goes by why segments were sent again, which labels by Wireshark's rules do not
            say.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Severity]
    needs: ClassVar[Mapping[str, tuple[str, ...]]]
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    means: ClassVar[str]
    advice: ClassVar[str]
    harmed_by: ClassVar[frozenset[Flaw]] = frozenset()
    by_cause: ClassVar[bool] = False

    @abstractmethod
    def find(self, facts: Facts) -> Iterator[Finding]:
        """The findings of this kind, in any order."""

    def found(
        self,
        *,
        count: int,
        evidence: str,
        counter: str,
        wireshark_filter: str,
        **more: Any,  # noqa: ANN401 - fields of a finding
    ) -> Finding:
        """A finding of this rule; title, severity and advice are the rule's unless given."""
        return Finding(
            code=self.code,
            severity=more.pop("severity", self.severity),
            title=more.pop("title", self.title),
            subject=more.pop("subject", ""),
            count=count,
            evidence=evidence,
            counter=counter,
            advice=more.pop("advice", self.advice),
            wireshark_filter=wireshark_filter,
            **more,
        )
