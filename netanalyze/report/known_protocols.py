"""The table of the application protocols that the program knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.protocol import Strength
from netanalyze.apps.registry import PROTOCOLS
from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.records.protocols import KnownProtocol
from netanalyze.report.registry import TABLES
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.apps.protocol import Protocol


def known_protocols(names: Iterable[str] = ()) -> Table[KnownProtocol]:
    """All protocols, or those of these names, by name.

    Raises:
        UsageError: there is no such protocol.
    """
    known = sorted(PROTOCOLS, key=lambda protocol: protocol.name)
    chosen = list(names)
    for name in chosen:
        if name not in {protocol.name for protocol in known}:
            raise UsageError(unknown("protocol", name, [protocol.name for protocol in known]))
    rows = [_row(protocol) for protocol in known if not chosen or protocol.name in chosen]
    return Table.from_rows("protocols", KnownProtocol, rows)


def _row(protocol: Protocol) -> KnownProtocol:
    return KnownProtocol(
        name=protocol.name,
        title=protocol.title,
        transports=", ".join(protocol.transports),
        ports=_ranges(sorted(protocol.ports)) or None,
        recognised=_recognised(protocol),
        tables=", ".join(kind.name for kind in TABLES if kind.protocol == protocol.name) or None,
    )


def _recognised(protocol: Protocol) -> str:
    if not protocol.signatures:
        return "port"
    anywhere = any(entry.strength is not Strength.PORT for entry in protocol.signatures)
    if not anywhere:
        return "both"
    return "bytes" if protocol.confirmable else "either"


def _ranges(ports: list[int]) -> str:
    """Numbers in ascending order, neighbours as ``6000-6063``."""
    parts: list[tuple[int, int]] = []
    for port in ports:
        if parts and parts[-1][1] == port - 1:
            parts[-1] = parts[-1][0], port
        else:
            parts.append((port, port))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
