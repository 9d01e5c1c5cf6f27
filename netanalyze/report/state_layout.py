"""Where the states of TCP stand in a picture, about as in figure 5 of RFC 9293, and how arrows run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from netanalyze.report import svg
from netanalyze.tcp.states import ARROWS, SILENT, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    Point = tuple[float, float]

WIDTH = 1_080
BOX = (132.0, 44.0)
PLACES: dict[State, Point] = {
    State.UNSEEN: (520, 590),
    State.CLOSED: (520, 60),
    State.LISTEN: (520, 190),
    State.SYN_RECEIVED: (240, 320),
    State.SYN_SENT: (800, 320),
    State.ESTABLISHED: (520, 420),
    State.FIN_WAIT_1: (240, 540),
    State.CLOSE_WAIT: (800, 540),
    State.FIN_WAIT_2: (120, 710),
    State.CLOSING: (430, 710),
    State.LAST_ACK: (800, 710),
    State.TIME_WAIT: (270, 860),
}
"""Middles of the boxes, below the heading."""
HEIGHT = 930
_LANES: dict[State, tuple[float, float]] = {
    State.SYN_RECEIVED: (215, 72),
    State.FIN_WAIT_1: (96, 60),
    State.FIN_WAIT_2: (22, 48),
    State.CLOSING: (372, 78),
    State.TIME_WAIT: (1_020, 48),
    State.LAST_ACK: (950, 60),
    State.CLOSE_WAIT: (884, 72),
}
"""Arrows to CLOSED go up beside the boxes: where (x), and at what height (y) they come in."""
_LANE_APART = 15
_BEND = 0.13
_BENDS: dict[tuple[State, State], float] = {
    (State.ESTABLISHED, State.CLOSED): -0.36,
    (State.SYN_SENT, State.CLOSED): 0.16,
    (State.CLOSED, State.SYN_SENT): -0.05,
    (State.LISTEN, State.CLOSED): -0.22,
    (State.CLOSED, State.LISTEN): -0.22,
}
"""How far a curve bows to the right, seen along it, as a share of its length."""
_BOTH_SIDES = (State.ESTABLISHED, State.CLOSED)
_OTHER_SIDE = 0.27
"""Of two arrows between these the second bows to the other side, so far."""
_MOST_BEND = 0.45
_LABELS_AT: dict[tuple[State, State], float] = {
    (State.CLOSED, State.SYN_SENT): 0.68,
    (State.LISTEN, State.SYN_SENT): 0.66,
    (State.SYN_RECEIVED, State.LISTEN): 0.72,
    (State.ESTABLISHED, State.CLOSED): 0.38,
}
"""Where on a curve its label stands, if not in the middle."""


_PAIRS = frozenset(
    [(arrow.state, arrow.to) for arrow in ARROWS] + [(arrow.state, arrow.to) for arrow in SILENT]
)


def route(state: State, to: State, beside: int) -> tuple[str, Point]:
    """The shape of an arrow, and where its label stands.

    Args:
        state: where it begins.
        to: where it leads.
        beside: how many arrows between these two are drawn already.
    """
    if to is State.CLOSED and state in _LANES:
        return _lane(state, beside)
    start, end = PLACES[state], PLACES[to]
    bend = _BENDS.get((state, to), 0.0)
    if not bend and (to, state) in _PAIRS:
        bend = _BEND
    if (state, to) == _BOTH_SIDES and beside % 2:
        bend = _OTHER_SIDE
    else:
        bend += beside * (0.17 if bend >= 0 else -0.17)
    bend = max(-_MOST_BEND, min(_MOST_BEND, bend))
    dx, dy = end[0] - start[0], end[1] - start[1]
    control = ((start[0] + end[0]) / 2 - dy * bend * 2, (start[1] + end[1]) / 2 + dx * bend * 2)
    begin, stop = _edge(start, control), _edge(end, control, gap=3)
    shape = f"M{_at(begin)} Q{_at(control)} {_at(stop)}"
    on = _LABELS_AT.get((state, to), 0.5)
    weights = ((1 - on) ** 2, 2 * on * (1 - on), on**2)
    x, y = (
        sum(weight * place for weight, place in zip(weights, axis, strict=True))
        for axis in zip(begin, control, stop, strict=True)
    )
    return shape, (x, y)


def _lane(state: State, beside: int) -> tuple[str, Point]:
    """Up to CLOSED, beside the boxes."""
    lane, height = _LANES[state]
    x, y = PLACES[state]
    closed = PLACES[State.CLOSED]
    outwards = 1 if lane > x else -1
    right = 1 if lane > closed[0] else -1
    lane += (
        right * beside * _LANE_APART if state in (State.TIME_WAIT, State.LAST_ACK) else -beside * _LANE_APART
    )
    lane = max(6.0, lane)
    height -= 4 * beside
    y += 13 * beside * (-1 if beside % 2 else 1) / (1 if beside < 2 else 2)  # noqa: PLR2004 - within the box
    inside = abs(lane - x) < BOX[0] / 2
    if inside:  # straight up from the box
        corners = [(lane, y - BOX[1] / 2), (lane, height), (closed[0] + right * (BOX[0] / 2 + 3), height)]
        label = (lane, (y + height) / 2)
    else:
        corners = [
            (x + outwards * BOX[0] / 2, y),
            (lane, y),
            (lane, height),
            (closed[0] + right * (BOX[0] / 2 + 3), height),
        ]
        label = ((x + outwards * BOX[0] / 2 + lane) / 2, y)
        if abs(lane - x) < 2 * BOX[0]:
            label = (lane, y - 60 - 46 * beside)
    return _rounded(corners), label


def _rounded(corners: Sequence[Point]) -> str:
    """A line along corners, rounded."""
    parts = [f"M{_at(corners[0])}"]
    for (before, corner), (_, after) in pairwise(pairwise(corners)):
        parts.append(f"L{_at(_towards(corner, before))} Q{_at(corner)} {_at(_towards(corner, after))}")
    parts.append(f"L{_at(corners[-1])}")
    return " ".join(parts)


def _towards(here: Point, there: Point, radius: float = 10) -> Point:
    length = max(1.0, abs(there[0] - here[0]) + abs(there[1] - here[1]))
    share = min(0.5, radius / length)
    return here[0] + (there[0] - here[0]) * share, here[1] + (there[1] - here[1]) * share


def _edge(middle: Point, there: Point, gap: float = 0) -> Point:
    """Where the line from the middle of a box to a point leaves it."""
    dx, dy = there[0] - middle[0], there[1] - middle[1]
    width, height = BOX[0] / 2 + gap, BOX[1] / 2 + gap
    share = min(width / abs(dx) if dx else 1e9, height / abs(dy) if dy else 1e9)
    return middle[0] + dx * share, middle[1] + dy * share


def _at(point: Point) -> str:
    return f"{svg.number(point[0])} {svg.number(point[1])}"
