"""The column ``tap_evidence`` of the table ``streams``: what tells where a connection was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL
from netanalyze.report import units
from netanalyze.report.column import ALL, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.report.column import Rows

_SIDES = ("client", "server")


class EvidenceColumn(Column):
    """Texts made of numbers for the rows that are shown."""

    def __init__(self, facts: Mapping[str, NDArray[Any]]) -> None:
        """Take the facts as ``tcp.tap.Taps.evidence`` gives them."""
        self._facts = facts

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._facts["tap"])

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        lists = [column[rows].tolist() for column in self._facts.values()]
        return [_evidence(dict(zip(self._facts, row, strict=True))) for row in zip(*lists, strict=True)]

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``: the texts in their order."""
        texts = self.values()
        order = {text: rank for rank, text in enumerate(sorted({text for text in texts if text}))}
        return np.array([order.get(text, NULL) for text in texts], np.int64)


def _evidence(row: Mapping[str, int]) -> str | None:
    return "; ".join(part for part in _parts(row) if part) or None


def _parts(row: Mapping[str, int]) -> Iterator[str]:
    yield "addresses of one host" if row["one_host"] else ""
    yield ", ".join(_times(row))
    yield ", ".join(f"{side} TTL {row[f'{side}_ttl']}" for side in _SIDES if row[f"{side}_ttl"] != NULL)
    for side in _SIDES:
        if row[f"{side}_left"]:
            yield f"{side}'s checksum left to the card"
    for side in _SIDES:
        if row[f"{side}_large"]:
            yield f"{side}'s segments up to {row[f'{side}_large']} bytes, with MSS {row[f'{side}_mss']}"


def _times(row: Mapping[str, int]) -> Iterator[str]:
    """The handshake: how long the answers took, and what makes these times less certain."""
    if row["syn_ack_ns"] != NULL:
        again = f" to SYN number {row['syns']}" if row["syns"] > 1 else ""
        yield f"SYN-ACK{again} after {units.duration(row['syn_ack_ns'])}"
    if row["ack_ns"] != NULL:
        again = f" to SYN-ACK number {row['syn_acks']}" if row["syn_acks"] > 1 else ""
        data = " with data" if row["ack_with_data"] else ""
        yield f"ACK{data}{again} after {units.duration(row['ack_ns'])}"
