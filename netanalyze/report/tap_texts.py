"""The column ``tap_evidence`` of the table ``streams``: what tells where a connection was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL
from netanalyze.model import NULL
from netanalyze.report import units
from netanalyze.report.column import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.columns import Rows

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
        picked = {name: column[rows].tolist() for name, column in self._facts.items()}
        times = [_times(*facts) for facts in zip(*(picked.pop(name) for name in _TIMED), strict=True)]
        # Besides the times, connections of a capture differ little: what is said of them is made once.
        others: dict[tuple[int, ...], tuple[str, str]] = {}
        texts: list[str | None] = []
        for time, facts in zip(times, zip(*picked.values(), strict=True), strict=True):
            around = others.get(facts)
            if around is None:
                around = others[facts] = _before_and_after(dict(zip(picked, facts, strict=True)))
            before, after = around
            texts.append("; ".join(part for part in (before, time, after) if part) or None)
        return texts

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``: the texts in their order."""
        texts = self.values()
        order = {text: rank for rank, text in enumerate(sorted({text for text in texts if text}))}
        return np.array([order.get(text, NULL) for text in texts], np.int64)


_TIMED = ("syn_ack_ns", "syns", "ack_ns", "syn_acks", "ack_with_data")


def _times(syn_ack_ns: int, syns: int, ack_ns: int, syn_acks: int, ack_with_data: int) -> str:
    """The handshake: how long the answers took, and what makes these times less certain."""
    text = ""
    if syn_ack_ns != NULL:
        again = f" to SYN number {syns}" if syns > 1 else ""
        text = f"SYN-ACK{again} after {units.duration(syn_ack_ns)}"
    if ack_ns != NULL:
        again = f" to SYN-ACK number {syn_acks}" if syn_acks > 1 else ""
        data = " with data" if ack_with_data else ""
        text += f"{', ' if text else ''}ACK{data}{again} after {units.duration(ack_ns)}"
    return text


def _before_and_after(row: Mapping[str, int]) -> tuple[str, str]:
    """What is said before the times, and after them."""
    return "addresses of one host" if row["one_host"] else "", "; ".join(filter(None, _signs(row)))


def _signs(row: Mapping[str, int]) -> Iterator[str]:
    """What headers and sizes tell."""
    yield ", ".join(f"{side} TTL {row[f'{side}_ttl']}" for side in _SIDES if row[f"{side}_ttl"] != NULL)
    for side in _SIDES:
        if row[f"{side}_left"]:
            yield f"{side}'s checksum left to the card"
    for side in _SIDES:
        if row[f"{side}_large"]:
            yield f"{side}'s segments up to {row[f'{side}_large']} bytes, with MSS {row[f'{side}_mss']}"
