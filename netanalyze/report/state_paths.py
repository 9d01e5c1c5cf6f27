"""The state diagrams of one connection: which way each end went through the machine of RFC 9293."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report import state_svg
from netanalyze.report.cells import MISSING
from netanalyze.report.overview import endpoint
from netanalyze.tcp.states import Event, State, mermaid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.records.states import Transition
    from netanalyze.report.rungs import Story

_STATES = {state.label: state for state in State}
_EVENTS = {event.label: event for event in reversed(Event)}
"""Of two with one name the first."""


def as_mermaid(story: Story) -> Iterator[str]:
    """The diagram of each end with the path it took, as Markdown with Mermaid in it."""
    stream = story.stream
    for end, address in _addresses(story).items():
        path = _path(story, end)
        last = path[-1].to.label if path else MISSING
        yield f"## stream {stream.stream}, {end} {address}: {last}"
        yield ""
        yield "```mermaid"
        yield from mermaid([(move.state, move.event) for move in path]).splitlines()
        yield "```"
        yield ""


def as_svg(story: Story) -> Iterator[str]:
    """One diagram with the paths of both ends, as SVG."""
    names = _addresses(story)
    title = f"stream {story.stream.stream}: {names['client']} to {names['server']}"
    paths = [
        state_svg.Path(f"{end} {address}", end, tuple(_path(story, end))) for end, address in names.items()
    ]
    return state_svg.draw(title, paths)


def _addresses(story: Story) -> dict[str, str]:
    stream = story.stream
    return {
        "client": endpoint(stream.client, stream.client_port),
        "server": endpoint(stream.server, stream.server_port),
    }


def _path(story: Story, end: str) -> list[state_svg.Taken]:
    return [
        state_svg.Taken(
            _STATES[move.from_state or ""],
            _event(move),
            _STATES[move.to_state],
            move.frame,
            move.assumed,
        )
        for move in story.transitions
        if move.endpoint == end
    ]


def _event(move: Transition) -> Event:
    found = _EVENTS[move.trigger]
    if found is Event.RCV_RST and move.to_state == State.LISTEN.label:
        return Event.RCV_RST_PASSIVE
    return found
