"""A report: tables by name, and what has to be known about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netanalyze.report.registry import ALWAYS, NAMES, wanted
from netanalyze.report.table import Table
from netanalyze.wire.codes import LEFT_OUT, NO_TIME, VERDICT_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.report.records.capture import Ledger

_CHOSEN = VERDICT_TEXTS[LEFT_OUT]
_PASSED_OVER = VERDICT_TEXTS[NO_TIME]


class Report(Mapping[str, Table[Any]]):
    """The tables that were asked for, in the order of the registry, and always the ledger.

    Attributes:
        warnings: what went wrong without stopping the analysis, one line each.
        complete: whether everything was read; False if the analysis was interrupted.
        rules_left_out: what findings were not looked for, because it would have taken too long.
        rules_unfit: codes of those that labels by Wireshark's rules tell too little for.
    """

    def __init__(
        self,
        tables: Iterable[Table[Any]],
        *,
        warnings: Iterable[str] = (),
        complete: bool = True,
        rules_left_out: Iterable[str] = (),
        rules_unfit: Iterable[str] = (),
    ) -> None:
        """A report of these tables.

        Raises:
            ValueError: a table that no report can do without is missing, or one is not known.
        """
        given = {table.name: table for table in tables}
        missing = [name for name in ALWAYS if name not in given]
        strange = [name for name in given if name not in NAMES]
        if missing or strange:
            message = f"a report needs {', '.join(ALWAYS)}, and the tables of the registry: {list(given)}"
            raise ValueError(message)
        self._tables = {name: given[name] for name in NAMES if name in given}
        self.rules_unfit = tuple(rules_unfit)
        self.warnings = [*warnings, *([self.why_unfit] if self.rules_unfit else [])]
        self.complete = complete
        self.rules_left_out = tuple(rules_left_out)

    def __getitem__(self, name: str) -> Table[Any]:
        """The table of this name."""
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the tables."""
        return iter(self._tables)

    def __len__(self) -> int:
        """Number of tables."""
        return len(self._tables)

    def __repr__(self) -> str:
        """One line."""
        sizes = ", ".join(f"{name} {len(table)}" for name, table in self._tables.items())
        return f"<Report: {sizes}{'' if self.complete else ', incomplete'}>"

    def _repr_html_(self) -> str:
        """The overview, for notebooks."""
        from html import escape  # noqa: PLC0415 - only notebooks need it

        from netanalyze.report.overview import render  # noqa: PLC0415 - only notebooks need it
        from netanalyze.report.style import Style  # noqa: PLC0415 - only notebooks need it

        return f"<pre>{escape(chr(10).join(render(self, Style(hints=False))))}</pre>"

    @property
    def why_unfit(self) -> str:
        """That findings were not looked for which labels by Wireshark's rules tell too little for."""
        return (
            f"not looked for with --compat wireshark: {', '.join(self.rules_unfit)}, because Wireshark's"
            " labels do not say why a segment was sent again"
        )

    @property
    def frames_read(self) -> int:
        """Frames in the ledger."""
        return sum(row.frames for row in self._ledger())

    @property
    def frames_analysed(self) -> int:
        """Frames that the ledger counts as analysed."""
        return sum(row.frames for row in self._ledger() if row.analysed)

    @property
    def unused(self) -> list[Ledger]:
        """Why frames were not analysed, the most frames first; without those left out by choice."""
        rows = [row for row in self._ledger() if not row.analysed and row.frames and row.reason != _CHOSEN]
        return sorted(rows, key=lambda row: -row.frames)

    @property
    def lost(self) -> int:
        """Packets that were lost while capturing."""
        return sum(row.dropped or 0 for row in self._tables["capture"])

    @property
    def passed_over(self) -> int:
        """Frames that were captured, and not analysed for want of time."""
        return sum(row.frames for row in self._ledger() if row.reason == _PASSED_OVER)

    @property
    def chose_nothing(self) -> bool:
        """Whether every frame was left out by the filter or range asked for."""
        return all(row.reason == _CHOSEN for row in self._ledger())

    @property
    def understood_nothing(self) -> bool:
        """Whether there were frames to analyse and none of them could be."""
        return self.frames_analysed == 0 and bool(self.unused)

    def _ledger(self) -> Table[Ledger]:
        return self._tables["ledger"]

    def tables(self, names: Iterable[str] = ()) -> list[Table[Any]]:
        """Some of the tables in the order given, or all of them.

        Raises:
            UsageError: there is no such table.
            KeyError: this report was made without it.
        """
        chosen = wanted(names)
        return [self._tables[name] for name in chosen] if chosen else list(self._tables.values())

    def to_dicts(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every table as dictionaries."""
        return {name: table.to_dicts() for name, table in self._tables.items()}

    def to_json(self) -> str:
        """The report as JSON, as ``netanalyze schema`` describes it."""
        from netanalyze.report.json_object import render  # noqa: PLC0415 - one format of several

        return b"".join(render(self, list(self._tables.values()))).decode()
