"""Tables with a few columns, for rules that are tried without a capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.findings.engine import find
from netanalyze.report.column import column_of
from netanalyze.report.record import Field, fields
from netanalyze.report.registry import table_kind

if TYPE_CHECKING:
    from netanalyze.findings.finding import Finding
    from netanalyze.findings.rule import Rule
    from netanalyze.report.column import Column


def columns_of(name: str) -> dict[str, Field]:
    """The columns of a table."""
    return {field.name: field for field in fields(table_kind(name).record)}


_USUAL: dict[type, Any] = {int: 0, bool: False, str: "", object: None}


class FakeTable:
    """A table of dictionaries: columns that a row does not name are null, or 0 where they cannot be."""

    def __init__(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Take the rows."""
        self.name = name
        self.rows = rows
        self.asked: set[str] = set()
        self._fields = columns_of(name)
        for row in rows:
            assert set(row) <= set(self._fields), f"{name} has no column {set(row) - set(self._fields)}"

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def field(self, name: str) -> str:
        assert name in self._fields, f"{self.name} has no column {name}"
        return name

    def column(self, name: str) -> Column:
        self.asked.add(name)
        field = self._fields[name]
        usual = None if field.nullable else _USUAL[field.kind]
        return column_of((row.get(name, usual) for row in self.rows), field.kind)


def fake(**tables: list[dict[str, Any]]) -> dict[str, FakeTable]:
    """Tables by name."""
    return {name: FakeTable(name, rows) for name, rows in tables.items()}


def findings(rule: Rule, **tables: list[dict[str, Any]]) -> list[Finding]:
    """What a rule finds in some tables; those that it needs and that are not given are empty."""
    made = fake(**{**{name: [] for name in rule.needs}, **tables})
    found = find(made, [rule])
    for name, table in made.items():
        known = {*rule.needs.get(name, ()), *rule.also.get(name, ())}
        assert table.asked - known <= _QUALITY.get(name, set()), (
            f"{rule.code} reads {table.asked - known} of {name}"
        )
    return found


_QUALITY = {
    "capture": {"dropped", "received", "bytes", "wire_bytes", "cut_short"},
    "streams": {"completeness", "client_packets", "server_packets"},
}
