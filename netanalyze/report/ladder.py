"""One TCP connection as a ladder: client on the left, server on the right, time going down.

A line is a segment, with the state of each end beside it where that has changed, and the events at it.
Long runs of plain segments, of which none changes a state or is an event, are folded into one line that
adds them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from netanalyze.report import units
from netanalyze.report.cells import MISSING
from netanalyze.report.overview import endpoint
from netanalyze.report.printable import plain
from netanalyze.tcp.states import Event, State, mermaid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netanalyze.report.records.states import Transition
    from netanalyze.report.records.tcp import Stream
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.style import Style

FOLD_FROM = 8
"""Plain segments in a row that are shown one by one at most."""
KEEP = 2
"""Of a run that is folded: segments shown at its beginning and at its end."""

_FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (64, "ECE"), (128, "CWR"), (16, "ACK"))
_PLAIN = 8 | 16
_STATE_WIDTH = max(len(state.label) for state in State)
_TIME_WIDTH = 11
_LEAST_ARROW = 40
_ENDS = ("client", "server")


@dataclass(frozen=True, slots=True)
class Story:
    """What there is to draw.

    Attributes:
        stream: the connection.
        segments: its segments in order.
        transitions: its changes of state in order.
    """

    stream: Stream
    segments: Sequence[WindowPoint]
    transitions: Sequence[Transition]


def draw(story: Story, style: Style, *, fold: bool = True) -> Iterator[str]:
    """The ladder, line by line.

    Args:
        story: what happened.
        style: how to show it; the width decides how long the arrows are.
        fold: whether long runs of plain segments become one line.
    """
    ladder = _Ladder(story, style)
    yield from ladder.title()
    for plain_run, run in groupby(story.segments, ladder.is_plain):
        several = list(run)
        if plain_run and fold and len(several) >= FOLD_FROM:
            for segment in several[:KEEP]:
                yield from ladder.step(segment)
            yield ladder.folded(several[KEEP:-KEEP])
            several = several[-KEEP:]
        for segment in several:
            yield from ladder.step(segment)
    yield from ladder.rest()


class _Ladder:
    """Draws lines; knows which changes of state are still to be shown."""

    def __init__(self, story: Story, style: Style) -> None:
        self._story = story
        self._ascii = style.ascii_only
        times = {segment.frame: segment.time_ns for segment in story.segments}
        self._moves: dict[int, list[Transition]] = {}
        self._loose: list[Transition] = []
        for move in story.transitions:
            # A move that came later than the frame that caused it was seen has a line of its own.
            if move.frame is not None and times.get(move.frame) == move.time_ns:
                self._moves.setdefault(move.frame, []).append(move)
            else:
                self._loose.append(move)
        self._loose.reverse()
        events = max((len(segment.events or "") for segment in story.segments), default=0)
        last = story.segments[-1].frame if story.segments else 0
        self._frame_width = max(len("frame"), len(str(last)))
        taken = self._frame_width + _TIME_WIDTH + 2 * _STATE_WIDTH + 8 + (events + 2 if events else 0)
        longest = max((len(_told(segment)) for segment in story.segments), default=0)
        self._arrow_width = max(_LEAST_ARROW, longest + 4, min(72, style.width - taken))

    def is_plain(self, segment: WindowPoint) -> bool:
        """Whether there is nothing to say about it but what it carries."""
        return not (
            segment.flags & ~_PLAIN
            or segment.frame in self._moves
            or segment.events
            or (self._loose and self._loose[-1].time_ns < segment.time_ns)
        )

    def title(self) -> Iterator[str]:
        """Who talks to whom, and the heads of the columns."""
        stream = self._story.stream
        client = endpoint(stream.client, stream.client_port)
        server = endpoint(stream.server, stream.server_port)
        packets = units.counted(stream.client_packets + stream.server_packets, "segment")
        app = f", {stream.app}" if stream.app else ""
        span = units.duration(stream.duration_ns)
        yield self._text(f"stream {stream.stream}: {client} to {server}{app}, {packets}, {span}")
        yield ""
        ends = "client" + "server".rjust(self._arrow_width - len("client"))
        yield self._line("frame", "time", "", ends)
        first: dict[str, str] = {}
        for move in self._story.transitions:
            first.setdefault(move.endpoint, move.from_state or "")
        if any(first.values()):
            yield self._line("", "", first.get("client", ""), "", first.get("server", ""))

    def step(self, segment: WindowPoint) -> Iterator[str]:
        """A segment, and before it what happened without one."""
        while self._loose and self._loose[-1].time_ns < segment.time_ns:
            yield self._without_frame(self._loose.pop())
        states = {move.endpoint: move.to_state for move in self._moves.get(segment.frame, ())}
        yield self._line(
            str(segment.frame),
            units.duration(segment.elapsed_ns),
            states.get("client", ""),
            self._arrow(segment),
            states.get("server", ""),
            segment.events or "",
        )

    def folded(self, run: Sequence[WindowPoint]) -> str:
        """A line in place of many."""
        sent = []
        for end in _ENDS:
            mine = [segment for segment in run if segment.sender == end]
            if mine:
                carried = sum(segment.payload_bytes for segment in mine)
                sent.append(f"{end} {units.size(carried)} in {units.count(len(mine))}")
        span = units.duration(run[-1].time_ns - run[0].time_ns)
        text = f"{units.counted(len(run), 'segment')} in {span}: {', '.join(sent)}"
        return self._line("…", units.duration(run[0].elapsed_ns), "", f"… {text} …")

    def rest(self) -> Iterator[str]:
        """What happened after the last segment."""
        while self._loose:
            yield self._without_frame(self._loose.pop())

    def _without_frame(self, move: Transition) -> str:
        begin = self._story.segments[0].time_ns if self._story.segments else move.time_ns
        states = {move.endpoint: move.to_state}
        return self._line(
            "" if move.frame is None else str(move.frame),
            units.duration(move.time_ns - begin),
            states.get("client", ""),
            f"({move.endpoint}: {move.trigger})",
            states.get("server", ""),
        )

    def _arrow(self, segment: WindowPoint) -> str:
        text = _told(segment)
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


def _told(segment: WindowPoint) -> str:
    """What stands on the arrow of a segment."""
    flags = [name for bit, name in _FLAGS if segment.flags & bit]
    if flags == ["PSH", "ACK"]:
        flags = ["ACK"]  # PSH says nothing about the connection
    parts = [",".join(flags) or "no flags", f"seq={segment.seq}"]
    if segment.ack is not None:
        parts.append(f"ack={segment.ack}")
    if segment.payload_bytes:
        parts.append(f"len={segment.payload_bytes}")
    if segment.window_bytes is not None:
        parts.append(f"win={segment.window_bytes}")
    return " ".join(parts)


def diagrams(story: Story) -> Iterator[str]:
    """The state diagram of each end with the path it took, as Markdown with Mermaid in it."""
    stream = story.stream
    ends = {
        "client": endpoint(stream.client, stream.client_port),
        "server": endpoint(stream.server, stream.server_port),
    }
    states = {state.label: state for state in State}
    events = {event.label: event for event in reversed(Event)}  # of two with one name the first
    for end, address in ends.items():
        moves = [move for move in story.transitions if move.endpoint == end]
        path = [(states[move.from_state or ""], _event(move, events)) for move in moves]
        last = moves[-1].to_state if moves else MISSING
        yield f"## stream {stream.stream}, {end} {address}: {last}"
        yield ""
        yield "```mermaid"
        yield from mermaid(path).splitlines()
        yield "```"
        yield ""


def _event(move: Transition, events: Mapping[str, Event]) -> Event:
    found = events[move.trigger]
    if found is Event.RCV_RST and move.to_state == State.LISTEN.label:
        return Event.RCV_RST_PASSIVE
    return found
