"""Names beside addresses, for tables that people read: ``www.example (192.0.2.1)``.

Only text changes. The names are those of the table ``names``: of an address that several names had, the first
one is shown with how many more there are.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from netanalyze.columns import ALL
from netanalyze.report.column import Column
from netanalyze.report.record import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.columns import Rows
    from netanalyze.report.records.dns import Query
    from netanalyze.report.table import Table

_ADDRESS_TYPES = frozenset({"A", "AAAA"})
_MOST_NAMES = 16
"""Names that are remembered of an address."""


class NamedColumn(Column):
    """Addresses with their names."""

    def __init__(self, addresses: Column, names: Mapping[str, str], *, alone: bool = False) -> None:
        """Take the addresses, and names by address; ``alone`` shows these instead of both."""
        self._addresses = addresses
        self._names = names
        self._form = "{0}" if alone else "{0} ({1})"

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._addresses)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        return [
            self._form.format(self._names[address], address) if address in self._names else address
            for address in self._addresses.values(rows)
        ]

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``: in the order of the addresses."""
        return self._addresses.ranks()


def names_by_address(table: Table[Any]) -> dict[str, str]:
    """What each address is called, from the table ``names``."""
    found: dict[str, dict[str, None]] = {}
    for row in table:
        name = row.name or (row.said_name if row.resolved == "elsewhere" else None)
        if name is not None:
            found.setdefault(row.server, {})[name] = None
    return {address: _first_of(names) for address, names in found.items()}


class Book:
    """Names by address, from queries with their answers as they come; the oldest addresses leave.

    Attributes:
        names: as of ``names_by_address``.
    """

    def __init__(self, most: int = 10_000) -> None:
        """Nothing heard yet; ``most`` addresses are remembered."""
        self.names: dict[str, str] = {}
        self._all: dict[str, dict[str, None]] = {}
        self._most = most
        self._heard: set[tuple[str | None, str]] = set()

    def hear(self, queries: Iterable[Query]) -> None:
        """Take in rows of the table ``dns``."""
        for row in queries:
            if row.answer is None or row.name is None or row.type not in _ADDRESS_TYPES:
                continue
            heard = row.name, row.answer
            if heard in self._heard:
                continue
            if len(self._heard) >= self._most:
                self._heard.clear()
            self._heard.add(heard)
            for answer in row.answer.split(", "):
                self.note(answer, row.name.lower())

    def note(self, address: str, name: str) -> None:
        """Remember a name of an address, if it is one."""
        if not _is_address(address) or _is_address(name):
            return
        names = self._all.pop(address, {})
        if len(names) < _MOST_NAMES:
            names[name] = None
        self._all[address] = names
        self.names[address] = _first_of(names)
        if len(self._all) > self._most:
            oldest = next(iter(self._all))
            del self._all[oldest], self.names[oldest]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _first_of(names: Mapping[str, None]) -> str:
    """The first of some names, and how many more there are."""
    return next(iter(names)) + (f" +{len(names) - 1}" if len(names) > 1 else "")


def with_names(
    tables: Iterable[Table[Any]], names: Mapping[str, str], *, alone: bool = False
) -> list[Table[Any]]:
    """The tables with names beside all addresses that have one, or instead of them where ``alone``."""
    return [
        table.replaced(
            lambda field, column: (
                NamedColumn(column, names, alone=alone) if field.unit is Unit.ADDRESS else column
            )
        )
        for table in tables
    ]
