"""One TCP connection as a ladder of text: client on the left, server on the right, time going down.

A line is a segment, with the state of each end beside it where that has changed, and the events at it.
What becomes one line in place of many is decided in ``rungs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report import units
from netanalyze.report.overview import endpoint
from netanalyze.report.printable import plain
from netanalyze.report.rungs import Fold, Step, Story, first_states, rungs, told
from netanalyze.tcp.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.records.states import Transition
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.rungs import Rung
    from netanalyze.report.style import Style

__all__ = ["Story", "draw", "heading"]

_STATE_WIDTH = max(len(state.label) for state in State)
_TIME_WIDTH = 11
_LEAST_ARROW = 40


def heading(story: Story) -> str:
    """Who talks to whom, how much and for how long."""
    stream = story.stream
    client = endpoint(stream.client, stream.client_port)
    server = endpoint(stream.server, stream.server_port)
    packets = units.counted(stream.client_packets + stream.server_packets, "segment")
    app = f", {stream.app}" if stream.app else ""
    span = units.duration(stream.duration_ns)
    return f"stream {stream.stream}: {client} to {server}{app}, {packets}, {span}"


def draw(story: Story, style: Style, *, fold: bool = True) -> Iterator[str]:
    """The ladder, line by line.

    Args:
        story: what happened.
        style: how to show it; the width decides how long the arrows are.
        fold: whether long runs of segments become one line.
    """
    ladder = _Ladder(story, style)
    yield from ladder.title()
    for rung in rungs(story, fold=fold):
        yield from ladder.lines(rung)


class _Ladder:
    """Draws lines."""

    def __init__(self, story: Story, style: Style) -> None:
        self._story = story
        self._ascii = style.ascii_only
        events = max((len(segment.events or "") for segment in story.segments), default=0)
        last = story.segments[-1].frame if story.segments else 0
        self._frame_width = max(len("frame"), len(str(last)))
        taken = self._frame_width + _TIME_WIDTH + 2 * _STATE_WIDTH + 8 + (events + 2 if events else 0)
        longest = max((len(told(segment)) for segment in story.segments), default=0)
        self._arrow_width = max(_LEAST_ARROW, longest + 4, min(72, style.width - taken))

    def title(self) -> Iterator[str]:
        """Who talks to whom, and the heads of the columns."""
        yield self._text(heading(self._story))
        yield ""
        ends = "client" + "server".rjust(self._arrow_width - len("client"))
        yield self._line("frame", "time", "", ends)
        first = first_states(self._story)
        if any(first.values()):
            yield self._line("", "", first.get("client", ""), "", first.get("server", ""))

    def lines(self, rung: Rung) -> Iterator[str]:
        """The lines of one rung."""
        if isinstance(rung, Step):
            yield self._step(rung)
        elif isinstance(rung, Fold):
            time = units.duration(rung.run[0].elapsed_ns)
            texts = list(rung.lines())
            yield self._line("…", time, "", f"… {texts[0]} …")
            for text in texts[1:]:
                yield self._line("", "", "", f"  {text}")
        else:
            yield self._without_frame(rung.move, rung.elapsed_ns)

    def _step(self, step: Step) -> str:
        segment = step.segment
        states = {move.endpoint: move.to_state for move in step.moves}
        return self._line(
            str(segment.frame),
            units.duration(segment.elapsed_ns),
            states.get("client", ""),
            self._arrow(segment),
            states.get("server", ""),
            segment.events or "",
        )

    def _without_frame(self, move: Transition, elapsed_ns: int) -> str:
        states = {move.endpoint: move.to_state}
        return self._line(
            "" if move.frame is None else str(move.frame),
            units.duration(elapsed_ns),
            states.get("client", ""),
            f"({move.endpoint}: {move.trigger})",
            states.get("server", ""),
        )

    def _arrow(self, segment: WindowPoint) -> str:
        text = told(segment)
        line, right, left = ("-", ">", "<") if self._ascii else ("─", "▶", "◀")
        shaft = line * max(2, self._arrow_width - len(text) - 2)
        return f"{text} {shaft}{right}" if segment.sender == "client" else f"{left}{shaft} {text}"

    def _line(  # noqa: PLR0913, PLR0917 - the columns, in order
        self, frame: str, time: str, client: str, arrow: str, server: str = "", events: str = ""
    ) -> str:
        text = (
            f"{frame:>{self._frame_width}}  {time:>{_TIME_WIDTH}}  {client:>{_STATE_WIDTH}}"
            f"  {arrow:<{self._arrow_width}}  {server:<{_STATE_WIDTH}}  {events}"
        )
        return self._text(text.rstrip())

    def _text(self, text: str) -> str:
        return plain(text) if self._ascii else text
