"""What a ladder of one TCP connection shows, from top to bottom, however it is drawn.

A rung is a segment, a change of state that no segment shows when it comes, or a fold: one rung in
place of many segments of which none changes a state. Folded are long runs of plain segments, and
duplicate ACKs of one side with what the other sends between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from netanalyze.report import units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netanalyze.report.records.states import Transition
    from netanalyze.report.records.tcp import Stream
    from netanalyze.report.records.windows import WindowPoint

FOLD_FROM = 8
"""Plain segments in a row that are shown one by one at most."""
KEEP = 2
"""Of a run that is folded: segments shown at its beginning and at its end."""
FOLD_DUPLICATES_FROM = 4
"""Segments in a run with duplicate ACKs from which on it is folded, whole."""
FEW_DUPLICATES = 3
"""With fewer duplicate ACKs than these it has to be as long as a run of plain segments."""
_LONGEST = 76
"""A line with more is broken in two."""

ENDS = ("client", "server")
DUPLICATE = "duplicate_ack"
_FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (64, "ECE"), (128, "CWR"), (16, "ACK"))
_PLAIN = 8 | 16


class Story(Struct, frozen=True):
    """What there is to draw.

    Attributes:
        stream: the connection.
        segments: its segments in order.
        transitions: its changes of state in order.
    """

    stream: Stream
    segments: Sequence[WindowPoint]
    transitions: Sequence[Transition]


class Step(Struct, frozen=True):
    """A segment.

    Attributes:
        segment: the segment.
        moves: the changes of state that it causes.
    """

    segment: WindowPoint
    moves: Sequence[Transition]


class Silent(Struct, frozen=True):
    """A change of state that comes without a segment, or after the one that caused it was seen.

    Attributes:
        move: the change.
        elapsed_ns: time since the first segment.
    """

    move: Transition
    elapsed_ns: int


class Fold(Struct, frozen=True):
    """Many segments.

    Attributes:
        run: the segments.
    """

    run: Sequence[WindowPoint]

    def lines(self) -> Iterator[str]:
        """What they are, added up, in one line or two of about 80 columns."""
        span = units.duration(self.run[-1].time_ns - self.run[0].time_ns)
        duplicates = [segment for segment in self.run if segment.events == DUPLICATE]
        if not duplicates:
            yield f"{units.counted(len(self.run), 'segment')} in {span}: {', '.join(_sent(self.run))}"
            return
        what, sack = _duplicates(duplicates)
        if sack and len(what) + len(sack) <= _LONGEST:
            what, sack = f"{what}, {sack}", ""
        yield what
        others = [segment for segment in self.run if segment.events != DUPLICATE]
        between = f"between them in {span}: {', '.join(_sent(others))}" if others else ""
        if sack or between:
            yield "; ".join(part for part in (sack, between) if part)


Rung: TypeAlias = Step | Silent | Fold


def rungs(story: Story, *, fold: bool = True) -> Iterator[Rung]:
    """The rungs from top to bottom.

    Args:
        story: what happened.
        fold: whether long runs become one rung.
    """
    moves, silent = _moves(story)
    begin_ns = story.segments[0].time_ns if story.segments else 0
    waiting = iter([*silent, None])
    following = next(waiting)
    run = _Run()
    for segment in story.segments:
        if following is not None and following.time_ns < segment.time_ns:
            yield from run.end(fold=fold)
        while following is not None and following.time_ns < segment.time_ns:
            yield Silent(following, following.time_ns - begin_ns)
            following = next(waiting)
        if run.takes(segment, moves):
            continue
        yield from run.end(fold=fold)
        if not run.takes(segment, moves):
            yield Step(segment, moves.get(segment.frame, ()))
    yield from run.end(fold=fold)
    while following is not None:
        yield Silent(following, following.time_ns - (begin_ns if story.segments else following.time_ns))
        following = next(waiting)


def first_states(story: Story) -> dict[str, str]:
    """The state of each end before anything happened, empty where nothing is known of it."""
    first: dict[str, str] = {}
    for move in story.transitions:
        first.setdefault(move.endpoint, move.from_state or "")
    return first


def told(segment: WindowPoint) -> str:
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


def _moves(story: Story) -> tuple[Mapping[int, list[Transition]], list[Transition]]:
    """The changes of state by the frame at which they are shown, and those that have a rung of their own."""
    times = {segment.frame: segment.time_ns for segment in story.segments}
    moves: dict[int, list[Transition]] = {}
    silent: list[Transition] = []
    for move in story.transitions:
        # A move that came later than the frame that caused it was seen has a rung of its own.
        if move.frame is not None and times.get(move.frame) == move.time_ns:
            moves.setdefault(move.frame, []).append(move)
        else:
            silent.append(move)
    return moves, silent


class _Run:
    """Segments in a row that may be folded: plain ones, and duplicate ACKs of one number."""

    def __init__(self) -> None:
        self._segments: list[WindowPoint] = []
        self._first = 0
        """Of the duplicates."""
        self._last = -1

    def takes(self, segment: WindowPoint, moves: Mapping[int, Sequence[Transition]]) -> bool:
        """Take the segment if it belongs to the run, or begins one."""
        if segment.frame in moves or segment.flags & ~_PLAIN:
            return False
        place = len(self._segments)
        if segment.events == DUPLICATE and not segment.payload_bytes:
            if self._last >= 0:
                before = self._segments[self._last]
                if (before.sender, before.ack) != (segment.sender, segment.ack):
                    return False
            else:
                self._first = place
            self._last = place
        elif segment.events:
            return False
        self._segments.append(segment)
        return True

    def end(self, *, fold: bool) -> Iterator[Step | Fold]:
        """The rungs of the run, which is empty then."""
        run, first, last = self._segments, self._first, self._last
        self._segments, self._first, self._last = [], 0, -1
        if last < 0:
            yield from _plain(run, fold=fold)
            return
        yield from _plain(run[:first], fold=fold)
        middle = run[first : last + 1]
        few = sum(segment.events == DUPLICATE for segment in middle) < FEW_DUPLICATES
        least = FOLD_FROM if few else FOLD_DUPLICATES_FROM
        yield from _folded(middle, fold=fold, least=least, keep=0)
        yield from _plain(run[last + 1 :], fold=fold)


def _plain(run: Sequence[WindowPoint], *, fold: bool) -> Iterator[Step | Fold]:
    return _folded(run, fold=fold, least=FOLD_FROM, keep=KEEP)


def _folded(run: Sequence[WindowPoint], *, fold: bool, least: int, keep: int) -> Iterator[Step | Fold]:
    """A run, in one rung but for some at its ends if it is long enough."""
    if not fold or len(run) < least:
        yield from (Step(segment, ()) for segment in run)
        return
    stop = len(run) - keep
    yield from (Step(segment, ()) for segment in run[:keep])
    yield Fold(run[keep:stop])
    yield from (Step(segment, ()) for segment in run[stop:])


def _sent(run: Sequence[WindowPoint]) -> Iterator[str]:
    """How much each end sent."""
    for end in ENDS:
        mine = [segment for segment in run if segment.sender == end]
        if mine:
            carried = sum(segment.payload_bytes for segment in mine)
            yield f"{end} {units.size(carried)} in {units.count(len(mine))}"


def _duplicates(run: Sequence[WindowPoint]) -> tuple[str, str]:
    """Duplicate ACKs of one number, and how far SACK has come meanwhile."""
    first, last = run[0], run[-1]
    frames = f"#{first.frame}" if first is last else f"#{first.frame} to #{last.frame}"
    text = f"{units.counted(len(run), 'duplicate ACK')} of {first.ack} by {first.sender}, {frames}"
    edges = [segment.sack for segment in run if segment.sack is not None]
    if not edges:
        return text, ""
    return text, f"SACK {edges[0]} to {edges[-1]}" if edges[0] != edges[-1] else f"SACK {edges[0]}"
