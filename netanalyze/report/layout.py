"""How the columns of a text table share the width there is.

Columns that matter less are left out first, then long texts are shortened; numbers never are,
because a number with digits missing would be a wrong one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.report.printable import width
from netanalyze.report.record import WIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
"""Spaces between two columns."""


class Lane(Struct, frozen=True):
    """A column as the layout sees it.

    Attributes:
        head: the words above it.
        natural: columns of the terminal that its widest cell takes.
        show: see ``record.column``.
        least: its cells are not cut below this while a less important column can still go; None if
            they are never cut.
        pair: what it tells of the client and another column tells of the server, or the other way
            round; both go or neither. Empty if there is no such column.
    """

    head: str
    natural: int
    show: int
    least: int | None = None
    pair: str = ""

    @property
    def wish(self) -> int:
        """The width at which nothing is cut, nor any word of the header."""
        return max(self.natural, *(width(word) for word in self.head.split()), 1)

    @property
    def floor(self) -> int:
        """The width below which it is better left out."""
        return self.wish if self.least is None else min(self.wish, self.least)


def fit(lanes: Sequence[Lane], limit: int | None) -> dict[int, int]:
    """Choose columns and widths.

    Args:
        lanes: all columns of the table.
        limit: width there is; None shows every column uncut.

    Returns:
        The width of each column that is shown, by its place in ``lanes``.
    """
    if limit is None:
        return {place: lane.wish for place, lane in enumerate(lanes)}
    shown = [place for place, lane in enumerate(lanes) if lane.show < WIDE] or list(range(len(lanes)))
    while len(shown) > 1 and _total([lanes[place].floor for place in shown]) > limit:
        # The least important goes, of several equals the last; those with 0 only when all have it.
        gone = lanes[max(shown, key=lambda place: (lanes[place].show, place))]
        rest = [place for place in shown if lanes[place] is not gone and not _twins(lanes[place], gone)]
        shown = rest or shown[:1]
    widths = {place: lanes[place].floor for place in shown}
    spare = limit - _total(list(widths.values()))
    if spare < 0:  # one column is left
        return {shown[0]: max(1, limit)}
    for place in sorted(shown, key=lambda place: (lanes[place].show, lanes[place].wish)):
        more = min(spare, lanes[place].wish - widths[place])
        widths[place] += more
        spare -= more
    return widths


def _twins(one: Lane, other: Lane) -> bool:
    return bool(one.pair) and (one.pair, one.show) == (other.pair, other.show)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def break_words(text: str, limit: int) -> list[str]:
    """Words set into lines of at most this width; a longer word gets its own line."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= limit:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines or [""]
