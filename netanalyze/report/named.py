"""Names beside addresses, for tables that people read: ``www.example (192.0.2.1)``.

Only text changes. The names are those of the table ``names``: of an address that several names had, the first
one is shown with how many more there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.report.column import ALL, AddressColumn, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.report.column import Rows
    from netanalyze.report.table import Table


class NamedColumn(Column):
    """Addresses with their names."""

    def __init__(self, addresses: AddressColumn, names: Mapping[str, str]) -> None:
        """Take the addresses, and names by address."""
        self._addresses = addresses
        self._names = names

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._addresses)

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        return [
            f"{self._names[address]} ({address})" if address in self._names else address
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
    return {
        address: next(iter(names)) + (f" +{len(names) - 1}" if len(names) > 1 else "")
        for address, names in found.items()
    }


def with_names(tables: Iterable[Table[Any]], names: Mapping[str, str]) -> list[Table[Any]]:
    """The tables with names beside all addresses that have one."""
    return [
        table.replaced(
            lambda column: NamedColumn(column, names) if isinstance(column, AddressColumn) else column
        )
        for table in tables
    ]
