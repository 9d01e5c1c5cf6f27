"""One TCP connection as a picture of a ladder, in SVG: what ``ladder`` has in text, with slanted arrows.

Rows are as high as they have to be for reading: time runs down, but not to scale. The dotted line is the
tap; an arrow crosses it when its frame was captured, left its sender before and reaches its receiver
after. How much it falls on either side stands for half the least round trip there, on a logarithmic
scale, or is the same everywhere where that is not known.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.report import ladder_looks, svg, units
from netanalyze.report.ladder import heading
from netanalyze.report.overview import endpoint
from netanalyze.report.rungs import ENDS, Fold, Silent, Step, first_states, rungs, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netanalyze.report.records.states import Transition
    from netanalyze.report.rungs import Rung, Story

HEAD_ROWS = 600
"""Rows that are drawn at most before some are left out."""
TAIL_ROWS = 200
"""Rows that are drawn after them: how it ended."""

WIDTH = 1_200
_FRAME_X, _TIME_X = 64, 150
_X = {"client": 300, "server": 820}
_EVENTS_X = 958
_TOP = 132
_ROW = 32
_PAUSE_ROW = 26
_LINE = 16
_LETTER = 7.8
"""About how wide a letter is where it is bold."""
_PAUSE_NS = 200_000_000
_UNKNOWN_FALL = 4.0
_MOST_FALL = 12.0


class _Omitted(Struct, frozen=True):
    """Rows that are not drawn."""

    first: Rung
    last: Rung
    rows: int
    segments: int


def draw(story: Story, *, fold: bool = True) -> Iterator[str]:
    """The picture, line by line.

    Args:
        story: what happened.
        fold: whether long runs of segments become one row.
    """
    return _Picture(story).lines(_capped(rungs(story, fold=fold)))


def _capped(rows: Iterator[Rung]) -> Iterator[Rung | _Omitted]:
    """The rows without the middle if there are too many."""
    yield from islice(rows, HEAD_ROWS)
    tail: deque[Rung] = deque()
    first = last = None
    count = segments = 0
    for row in rows:
        tail.append(row)
        if len(tail) > TAIL_ROWS:
            last = tail.popleft()
            first = first or last
            count += 1
            segments += len(last.run) if isinstance(last, Fold) else isinstance(last, Step)
    if first is not None and last is not None:
        yield _Omitted(first, last, count, segments)
    yield from tail


def _first_frame(row: Rung) -> int | None:
    if isinstance(row, Fold):
        return row.run[0].frame
    return row.segment.frame if isinstance(row, Step) else row.move.frame


def _last_frame(row: Rung) -> int | None:
    return row.run[-1].frame if isinstance(row, Fold) else _first_frame(row)


class _Picture:
    """Puts rows below each other."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._trips = {
            end: next((move.tap_rtt_ns for move in story.transitions if move.endpoint == end), None)
            for end in ENDS
        }
        self._fall = {end: _fall(self._trips[end]) for end in ENDS}
        self._tap_x = _X["client"] + (_X["server"] - _X["client"]) * self._tap_share()
        self._begin_ns = story.segments[0].time_ns if story.segments else 0
        self._y = _TOP + 8.0
        self._events_width = 0.0
        self._clock_ns: int | None = None

    def _tap_share(self) -> float:
        """How far along the way the tap is drawn, from the client on."""
        client, server = self._trips["client"], self._trips["server"]
        where = self._story.stream.tap
        if where in ENDS:
            return float(where == "server")
        if where == "between" and client is not None and server is not None:
            return min(0.9, max(0.1, client / max(1, client + server)))
        return 0.5

    def lines(self, rows: Iterable[Rung | _Omitted]) -> Iterator[str]:
        """The document."""
        body = [part for row in rows for part in self._row(row)]
        height = self._y + 24
        title = heading(self._story)
        width = max(WIDTH, _EVENTS_X + self._events_width + 16)
        yield from svg.document(width, height, title, ladder_looks.STYLE, [*self._head(height), *body])

    def _head(self, height: float) -> Iterator[str]:
        heads = "".join(svg.arrow_head(f"h{kind}", colour) for kind, colour in ladder_looks.ARROWS.items())
        yield f"<defs>{heads}</defs>"
        yield svg.text(16, 28, heading(self._story), "title")
        for place, note in enumerate(self._notes()):
            yield svg.text(16, 48 + 15 * place, note, "note")
        stream = self._story.stream
        names = {
            "client": endpoint(stream.client, stream.client_port),
            "server": endpoint(stream.server, stream.server_port),
        }
        for end in ENDS:
            yield svg.line(_X[end], _TOP - 12, _X[end], height - 12, "life")
            yield svg.text(_X[end], _TOP - 34, end, "head")
            yield svg.text(_X[end], _TOP - 19, names[end], "mid")
        if stream.tap is not None:
            yield svg.line(self._tap_x, _TOP - 12, self._tap_x, height - 12, "tap")
            if stream.tap not in ENDS:
                yield svg.text(self._tap_x, _TOP - 19, "tap", "tapname")
        yield svg.text(_FRAME_X, _TOP - 19, "frame", "end faint")
        yield svg.text(_TIME_X, _TOP - 19, "time", "end faint")
        first = first_states(self._story)
        for end in ENDS:
            yield from self._state(end, _TOP - 4, first.get(end, ""), "")

    def _notes(self) -> Iterator[str]:
        tap = {None: "not known", "both": "at both ends", "between": "between them"}
        where = tap.get(self._story.stream.tap, f"at the {self._story.stream.tap}")
        trips = [
            f"to the {end} {'not known' if trip is None else units.duration(trip)}"
            for end, trip in self._trips.items()
        ]
        yield (
            "Time runs down, a row for each segment, not to scale; times are those at the capture point"
            f" ({where}). Least round trip from there {', '.join(trips)}; arrows fall accordingly."
        )
        yield (
            "Dots: changes of state, hollow where assumed. Dashed: sent again; dotted: out of order; a cross:"
            " something before it was not captured. Point at an arrow or a dot for more."
        )

    def _row(self, row: Rung | _Omitted) -> Iterator[str]:
        if isinstance(row, _Omitted):
            yield from self._omitted(row)
            self._clock_ns = None
            return
        if isinstance(row, Fold):
            begin_ns, end_ns = row.run[0].time_ns, row.run[-1].time_ns
        else:
            begin_ns = end_ns = row.segment.time_ns if isinstance(row, Step) else row.move.time_ns
        if self._clock_ns is not None and begin_ns - self._clock_ns >= _PAUSE_NS:
            yield from self._pause(begin_ns - self._clock_ns)
        self._clock_ns = end_ns
        if isinstance(row, Step):
            yield from self._step(row)
        elif isinstance(row, Fold):
            yield from self._fold(row)
        else:
            yield from self._silent(row)

    def _margin(self, frame: int | None, elapsed_ns: int, y: float) -> Iterator[str]:
        if frame is not None:
            yield svg.text(_FRAME_X, y + 4, f"#{frame}", "end")
        yield svg.text(_TIME_X, y + 4, units.duration(elapsed_ns), "end faint")

    def _step(self, step: Step) -> Iterator[str]:
        segment = step.segment
        y = self._y + _ROW / 2
        self._y += _ROW
        kind = ladder_looks.kind_of(segment)
        sender, receiver = segment.sender, "server" if segment.sender == "client" else "client"
        heights = {sender: y - self._fall[sender], receiver: y + self._fall[receiver]}
        if self._story.stream.tap == sender:
            heights[sender] = y
        elif self._story.stream.tap == receiver:
            heights[receiver] = y
        x1, x2 = _X[sender], _X[receiver]
        sign = 1 if x2 > x1 else -1
        strong = " strong" if segment.flags & ladder_looks.OPENS_OR_ENDS else ""
        parts = [*self._margin(segment.frame, segment.elapsed_ns, y)]
        arrow = [
            svg.line(
                x1 + 3 * sign, heights[sender], x2 - 4 * sign, heights[receiver], f"a{strong} {kind} a{kind}"
            ),
            svg.text(
                (x1 + x2) / 2,
                (heights[sender] + heights[receiver]) / 2 - 5,
                told(segment),
                "said",
                turned=math.degrees(math.atan2(sign * (heights[receiver] - heights[sender]), abs(x2 - x1))),
            ),
        ]
        if segment.events and "lost_segment" in segment.events.split(", "):
            arrow += self._missing(x1, sign, heights[sender] - 11)
        if segment.events:
            self._events_width = max(self._events_width, _LETTER * len(segment.events))
            arrow.append(svg.text(_EVENTS_X, y + 4, segment.events.replace("_", " "), f"e{kind}"))
        parts.append(svg.group(arrow, ladder_looks.about_segment(segment)))
        for move in step.moves:
            parts += self._move(move, heights[move.endpoint])
        yield svg.group(parts)

    def _missing(self, x: float, sign: int, y: float) -> Iterator[str]:
        """Something before this segment that was not captured."""
        end = x + 62 * sign
        yield svg.line(x + 3 * sign, y, end - 8 * sign, y, "stub")
        yield f'<path d="M{svg.number(end - 4)} {svg.number(y - 4)} l8 8 m0 -8 l-8 8" class="cross"/>'

    def _move(self, move: Transition, y: float) -> Iterator[str]:
        dot = (
            f'<circle cx="{_X[move.endpoint]}" cy="{svg.number(y)}" r="4"'
            f' class="{"guess" if move.assumed else "dot"}"/>'
        )
        label = self._state(move.endpoint, y, move.to_state, "assumed" if move.assumed else "")
        yield svg.group([dot, *label], ladder_looks.about_move(move, self._begin_ns))

    def _state(self, end: str, y: float, state: str, kind: str) -> Iterator[str]:
        if not state:
            return
        words = f"{state}?" if kind else state
        if end == "client":
            yield svg.text(_X[end] - 10, y + 4, words, "state end")
        else:
            yield svg.text(_X[end] + 10, y + 4, words, "state")

    def _silent(self, rung: Silent) -> Iterator[str]:
        move = rung.move
        y = self._y + _ROW / 2
        self._y += _ROW
        middle = (_X["client"] + _X["server"]) / 2
        yield svg.group(
            [
                *self._margin(move.frame, rung.elapsed_ns, y),
                svg.text(middle, y + 4, f"{move.endpoint}: {move.trigger}", "mid faint"),
                *self._move(move, y),
            ]
        )

    def _fold(self, rung: Fold) -> Iterator[str]:
        first, last = rung.run[0], rung.run[-1]
        title = f"frames {first.frame} to {last.frame}, folded; --all shows each"
        y = self._y + _ROW / 2 - 2
        texts = list(rung.lines())
        yield svg.group(
            [
                *self._margin(None, first.elapsed_ns, y),
                svg.text(_FRAME_X, y + 4, "⋮", "end"),
                *self._box(texts),
            ],
            title,
        )

    def _box(self, texts: Iterable[str]) -> list[str]:
        """Lines of text in a box between the ends."""
        lines = list(texts)
        left, right = _X["client"] + 8, _X["server"] - 8
        height = _LINE * len(lines) + 8
        box = (
            f'<rect x="{left}" y="{svg.number(self._y + 4)}" width="{right - left}" height="{height}" rx="5"'
            ' class="fold"/>'
        )
        parts = [box]
        for place, words in enumerate(lines):
            parts.append(svg.text((left + right) / 2, self._y + 20 + _LINE * place, words, "said"))
        self._y += height + 10
        return parts

    def _pause(self, span_ns: int) -> Iterator[str]:
        """Time in which nothing happens."""
        for end in ENDS:
            yield svg.line(_X[end], self._y, _X[end], self._y + _PAUSE_ROW, "pause")
        middle = (_X["client"] + _X["server"]) / 2
        yield svg.text(middle, self._y + 15, f"{units.duration(span_ns)} later", "said faint")
        self._y += _PAUSE_ROW

    def _omitted(self, row: _Omitted) -> Iterator[str]:
        first, last = _first_frame(row.first), _last_frame(row.last)
        frames = ""
        if first is not None and last is not None:
            frames = f", #{first} to #{last}," if first != last else f", #{first},"
        amount = f"{units.counted(row.rows, 'row')} with {units.counted(row.segments, 'segment')}"
        number = self._story.stream.stream
        yield svg.group(
            self._box(
                [
                    f"{amount}{frames} are left out: too many for one picture.",
                    "The text of netanalyze stream has them all; a picture of all of it over time:",
                    f"netanalyze analyze FILE --stream {number} --plot stream.html",
                ]
            ),
            id="omitted",
        )


def _fall(trip_ns: int | None) -> float:
    """How far an arrow falls on the way to an end or from it."""
    if trip_ns is None:
        return _UNKNOWN_FALL
    return min(_MOST_FALL, max(1.0, 1.5 + 2.2 * math.log10(max(1, trip_ns / 2) / 10_000)))
