"""The state machine of ``tcp.states`` as a picture in SVG, with the paths that endpoints took.

States stand where ``state_layout`` puts them; which arrows there are is the table's business. Arrows
that figure 5 of RFC 9293 leaves out (resets, and what only a capture has) are drawn where they were taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netanalyze.report import svg, units
from netanalyze.report.plot.looks import BLUE, VERMILLION
from netanalyze.report.state_layout import BOX, HEIGHT, PLACES, WIDTH, route
from netanalyze.tcp.states import ARROWS, SILENT, TRANSITIONS, Event, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.state_layout import Point

_TOP = 96
_LETTER, _BOLD = 6.2, 7.0
"""About how wide a letter is."""


class Taken(NamedTuple):
    """One move that an endpoint made.

    Attributes:
        state, event, to: an arrow of the table.
        frame: what caused it.
        assumed: whether it is a guess.
    """

    state: State
    event: Event
    to: State
    frame: int | None
    assumed: bool


class Path(NamedTuple):
    """The way of one endpoint.

    Attributes:
        name: of the endpoint, for the legend.
        end: client or server: how it is drawn.
        moves: in order.
    """

    name: str
    end: str
    moves: tuple[Taken, ...]


class _Link(NamedTuple):
    """An arrow to be drawn: of the table, or one that no segment shows."""

    state: State
    label: str
    to: State
    event: Event | None


_STYLE = {
    ".title": "font-size: 16px; font-weight: bold",
    ".note": f"font-size: 11px; fill: {svg.FAINT}",
    ".box": "fill: #f6f7f8; stroke: #8a8a8a; stroke-width: 1.2",
    ".name": "font-weight: bold; text-anchor: middle",
    ".last": "font-size: 10px; text-anchor: middle",
    ".arrow": "fill: none; stroke: #8a8a8a; stroke-width: 1.2; marker-end: url(#plain)",
    ".silent": "stroke-dasharray: 4 4",
    ".label": f"font-size: 11px; text-anchor: middle; fill: {svg.FAINT}",
    ".plate": f"fill: {svg.PAPER}; fill-opacity: 0.88",
    ".used": f"fill: {svg.TEXT}; font-weight: bold",
    ".client": f"fill: none; stroke: {BLUE}; stroke-width: 5",
    ".server": f"fill: none; stroke: {VERMILLION}; stroke-width: 2.4; stroke-dasharray: 7 4",
    "line.client, path.client": "marker-end: url(#client)",
    "line.server, path.server": "marker-end: url(#server)",
    "rect.client": "stroke-width: 4",
    "rect.server": "stroke-width: 2.2",
    ".orderclient": f"fill: {BLUE}; font-weight: bold",
    ".orderserver": "fill: #a84600; font-weight: bold",
}


def draw(title: str, paths: Sequence[Path] = ()) -> Iterator[str]:
    """The diagram, line by line.

    Args:
        title: stands above it.
        paths: at most one of a client and one of a server.

    Raises:
        KeyError: a move of a path is not in the table.
    """
    for path in paths:
        for move in path.moves:
            if TRANSITIONS[move.state, move.event] != move.to:
                raise KeyError(move)
    yield from svg.document(WIDTH, _TOP + HEIGHT, title, _STYLE, _parts(title, paths))


def _parts(title: str, paths: Sequence[Path]) -> Iterator[str]:
    heads = (("plain", "#8a8a8a"), ("client", BLUE), ("server", VERMILLION))
    yield f"<defs>{''.join(svg.arrow_head(name, colour) for name, colour in heads)}</defs>"
    yield svg.text(20, 30, title, "title")
    yield from _legend(paths)
    touched = {state for path in paths for move in path.moves for state in (move.state, move.to)}
    yield f'<g transform="translate(0 {_TOP})">'
    yield from _arrows(paths)
    for state, place in PLACES.items():
        if state is not State.UNSEEN or state in touched:
            yield _state(state, place, paths)
    yield "</g>"


def _legend(paths: Sequence[Path]) -> Iterator[str]:
    y = 54.0
    for path in paths:
        yield svg.line(20, y - 4, 62, y - 4, path.end)
        moves = units.counted(len(path.moves), "change of state", "changes of state")
        steps = moves if path.moves else "nothing is known of it"
        yield svg.text(72, y, f"{path.name}: {steps}")
        y += 18
    note = "Dashed grey: what no segment shows."
    if paths:
        note = f"At an arrow: its number on the way, and the frame that caused it; ? where assumed. {note}"
    yield svg.text(20, y if paths else 52, note, "note")


def _state(state: State, place: Point, paths: Sequence[Path]) -> str:
    x, y = place
    width, height = BOX
    parts = [_rect(x, y, width, height, "box")]
    here = [path for path in paths if any(state in (move.state, move.to) for move in path.moves)]
    for path in here:
        more = 4 if path.end == "client" else 0
        parts.append(_rect(x, y, width + more, height + more, path.end))
    last = [path.end for path in here if path.moves[-1].to is state]
    parts.append(svg.text(x, y + (0 if last else 4), state.label or "not seen", "name"))
    if last:
        parts.append(
            svg.text(x, y + 14, "both at the end" if len(last) > 1 else f"{last[0]} at the end", "last")
        )
    return svg.group(parts, id=f"state-{state.name}")


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect x="{svg.number(x - width / 2)}" y="{svg.number(y - height / 2)}" width="{svg.number(width)}"'
        f' height="{svg.number(height)}" rx="8" class="{kind}"/>'
    )


def _arrows(paths: Sequence[Path]) -> Iterator[str]:
    taken = {(move.state, move.event) for path in paths for move in path.moves}
    links = [
        _Link(arrow.state, arrow.event.label, arrow.to, arrow.event)
        for arrow in ARROWS
        if arrow.drawn or (arrow.state, arrow.event) in taken
    ]
    links += [_Link(arrow.state, arrow.call, arrow.to, None) for arrow in SILENT]
    labels = []
    for number, link in enumerate(links):
        beside = sum((other.state, other.to) == (link.state, link.to) for other in links[:number])
        shape, at = route(link.state, link.to, beside)
        used = [
            path
            for path in paths
            if any((move.state, move.event) == (link.state, link.event) for move in path.moves)
        ]
        kinds = (
            ["arrow silent" if link.event is None else "arrow"] if not used else [path.end for path in used]
        )
        drawn = [f'<path d="{shape}" class="{kind}"/>' for kind in kinds]
        event = link.event.name if link.event is not None else ""
        yield svg.group(drawn, data_from=link.state.name, data_event=event, data_to=link.to.name)
        labels.append(_label(link, used, at))
    yield from labels


def _label(link: _Link, used: Sequence[Path], at: Point) -> str:
    """What causes the move, and below it who made it, as which one, and at which frame."""
    x, y = at
    lines = [(link.label, "label used" if used else "label")]
    for path in used:
        orders = [
            f"{number}{f', #{move.frame}' if move.frame is not None else ''}{'?' if move.assumed else ''}"
            for number, move in enumerate(path.moves, 1)
            if (move.state, move.event) == (link.state, link.event)
        ]
        lines.append((f"{path.end} {'; '.join(orders)}", f"label order{path.end}"))
    y -= 6.5 * len(used)
    width = max(len(words) * (_BOLD if used else _LETTER) for words, _ in lines) + 4
    plate = (
        f'<rect x="{svg.number(x - width / 2)}" y="{svg.number(y - 7)}" width="{svg.number(width)}"'
        f' height="{13 * len(lines) + 2}" class="plate"/>'
    )
    words = [svg.text(x, y + 4 + 13 * place, line, style) for place, (line, style) in enumerate(lines)]
    return svg.group([plate, *words])
