"""Half-streams that wait for bytes: what came too early is kept here, within limits.

When too much waits, for one half-stream or in all, the hole that is waited for is given up: it becomes a gap,
and what is behind it is handed over. In all, those that have waited longest go first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from netanalyze.model import Gap
from netanalyze.tcp.assembler import Assembler, Piece
from netanalyze.tcp.byte_streams import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netanalyze.tcp.byte_streams import Consumer

HALF_LIMIT = 16 << 20
"""Bytes of a half-stream that may wait behind holes, with what keeping them takes."""
TOTAL_LIMIT = 256 << 20
"""The same of all half-streams together."""

Moment: TypeAlias = tuple[int, int]
"""A frame and its time."""


class Losses(Struct):
    """What did not reach a consumer although it was captured, or was given up.

    Attributes:
        holes: holes that were given up because too much waited behind them.
        missing_bytes: how large they were.
        conflicting_bytes: bytes that came twice, with different contents, before they were handed over.
        beyond_bytes: bytes after a FIN.
        implausible_segments: those whose sequence numbers are further away than any window.
        early_bytes: bytes before the first one of a stream that was seen from the middle, or before its SYN.
    """

    holes: int = 0
    missing_bytes: int = 0
    conflicting_bytes: int = 0
    beyond_bytes: int = 0
    implausible_segments: int = 0
    early_bytes: int = 0

    def lines(self, policy: str) -> list[str]:
        """What a user should know of it, a line each."""
        found = []
        if self.holes:
            found.append(
                f"{self.holes} holes in TCP streams, {self.missing_bytes} bytes, were given up because too"
                " much waited behind them"
            )
        if self.conflicting_bytes:
            found.append(
                f"{self.conflicting_bytes} bytes of TCP streams came twice with different contents;"
                f" the {policy} copy counts"
            )
        if self.beyond_bytes:
            found.append(f"{self.beyond_bytes} bytes of TCP streams came behind a FIN and are left out")
        if self.implausible_segments:
            found.append(
                f"{self.implausible_segments} TCP segments have sequence numbers that belong to no window,"
                " and are left out"
            )
        return found


class Held(Assembler):
    """A half-stream that waits for bytes, and how it will end.

    Attributes:
        key: of the half-stream.
        fin_at: the offset of its FIN, None before there is one.
        fin: frame and time of the FIN.
        reset: frame and time of a RST, None if there is none.
        broken_off: whether the RST has been told of.
        ending: how it has ended, None while it has not.
    """

    __slots__ = ("broken_off", "ending", "fin", "fin_at", "key", "reset")

    def __init__(self, key: int, following: int, policy: str) -> None:
        """Nothing waits; ``following`` is the offset of the next byte to hand over."""
        super().__init__(following, policy)
        self.key = key
        self.fin_at: int | None = None
        self.fin: Moment = (0, 0)
        self.reset: Moment | None = None
        self.broken_off = False
        self.ending: Ending | None = None

    @property
    def waits(self) -> bool:
        """Whether there is something to wait for."""
        return bool(self.pieces) or (self.fin_at is not None and self.ending is not Ending.FIN)


class Waiting:
    """The half-streams that wait.

    Attributes:
        losses: what was lost, over all streams.
    """

    def __init__(
        self, policy: str, half_limit: int, total_limit: int, consumer_of: Callable[[int], Consumer]
    ) -> None:
        """None waits.

        Args:
            policy: which copy of bytes counts that came twice (``assembler``).
            half_limit: bytes of a half-stream that may wait.
            total_limit: bytes that may wait in all.
            consumer_of: who is told of a half-stream, by its key.
        """
        self.losses = Losses()
        self._policy = policy
        self._half_limit = half_limit
        self._total_limit = total_limit
        self._consumer_of = consumer_of
        self._held: dict[int, Held] = {}
        self._touched: dict[int, Held] = {}
        self._full: dict[int, Held] = {}  # those with pieces, the ones that have waited longest first
        self._cost = 0

    def get(self, key: int) -> Held | None:
        """The half-stream of a key, if it waits."""
        return self._held.get(key)

    def since(self, key: int) -> int:
        """The first frame of what waits of a half-stream, 0 if nothing does."""
        held = self._held.get(key)
        return held.pieces[0].frame if held is not None and held.pieces else 0

    def begin(self, key: int, following: int) -> Held:
        """A half-stream begins to wait; ``following`` is the offset of its next byte."""
        held = self._held[key] = Held(key, following, self._policy)
        return held

    def touched(self) -> Iterable[Held]:
        """Those that something happened to since the last call."""
        touched = list(self._touched.values())
        self._touched.clear()
        return touched

    def forget(self, key: int) -> None:
        """Keep nothing of a half-stream any more."""
        held = self._held.pop(key, None)
        if held is not None:
            self._touched.pop(key, None)
            self._full.pop(key, None)
            self._cost -= held.cost

    def segment(self, held: Held, offset: int, length: int, data: memoryview, moment: Moment) -> None:
        """Take a segment: ``length`` bytes on the wire, of which ``data`` were captured."""
        end = offset + length
        if held.fin_at is not None and end > held.fin_at:
            self.losses.beyond_bytes += max(end - max(held.fin_at, offset, held.next), 0)
            end = held.fin_at
            data = data[: max(end - offset, 0)]
        if end <= max(held.next, offset):
            return
        before, conflicts = held.cost, held.conflicts
        captured = offset + len(data)
        if offset <= held.next and captured == end and not (held.pieces and held.pieces[0].start < end):
            # The usual case once the hole is filled: nothing has to be kept.
            skip = held.next - offset
            held.next = end
            self._consumer_of(held.key).data(held.key & 1, data[skip:], offset + skip, *moment)
        else:
            if captured > held.next:
                held.add(Piece(offset, captured, bytes(data), *moment))
            if captured < end:
                held.add(Piece(captured, end, None, *moment))
            self.losses.conflicting_bytes += held.conflicts - conflicts
        self._hand_over(held, held.take_ready(), moment, before)
        while held.cost > self._half_limit:
            self._give_up(held, held.cost, held.skip_hole(), moment)
        while self._cost > self._total_limit:
            victim = next(iter(self._full.values()))
            self._give_up(victim, victim.cost, victim.skip_to(victim.pieces[-1].end), moment)

    def lost(self, held: Held, offset: int, moment: Moment) -> None:
        """What comes before an offset and is not there will not come."""
        before = held.cost
        if held.fin_at is not None:
            offset = min(offset, held.fin_at)
        self._hand_over(held, held.skip_to(offset), moment, before)

    def close(self, held: Held, offset: int, moment: Moment) -> None:
        """The FIN stands at this offset; the first one counts."""
        if held.fin_at is None and offset >= held.next:
            before = held.cost
            held.fin_at, held.fin = offset, moment
            self.losses.beyond_bytes += held.cut(offset)
            self._hand_over(held, [], moment, before)

    def break_off(self, held: Held, moment: Moment) -> None:
        """There is a RST; the first one counts."""
        if held.reset is None:
            held.reset = moment
            self._hand_over(held, [], moment, held.cost)

    def flush(self, held: Held, moment: Moment) -> None:
        """Nothing more comes: hand over all there is, with its holes, and how it ended."""
        before = held.cost
        end = held.fin_at
        if end is None:
            end = held.pieces[-1].end if held.pieces else held.next
        self._hand_over(held, held.skip_to(end), moment, before)

    def _give_up(self, held: Held, before: int, pieces: list[Piece], moment: Moment) -> None:
        """Hand over pieces of which some stand for holes that are not waited for any longer."""
        holes = [piece for piece in pieces if piece.frame == 0]
        self.losses.holes += len(holes)
        self.losses.missing_bytes += sum(piece.end - piece.start for piece in holes)
        self._hand_over(held, pieces, moment, before)

    def _hand_over(self, held: Held, pieces: list[Piece], moment: Moment, before: int) -> None:
        """Tell of pieces that come next, and of the end if that is where they lead.

        ``before`` is what all pieces took before these were taken and others were added.
        """
        self._cost += held.cost - before
        self._touched[held.key] = held
        if held.pieces:
            self._full[held.key] = held
        else:
            self._full.pop(held.key, None)
        side = held.key & 1
        for start, end, data, frame, time_ns in pieces:
            consumer = self._consumer_of(held.key)  # another one may take over after each call
            if data is not None:
                consumer.data(side, memoryview(data), start, frame, time_ns)
            else:
                consumer.gap(side, Gap(start, end - start), *((frame, time_ns) if frame else moment))
        if held.fin_at == held.next and held.ending is not Ending.FIN:
            held.ending = Ending.FIN
            self._consumer_of(held.key).end(side, Ending.FIN, *held.fin)
        if held.reset is not None and not held.broken_off and not held.waits:
            held.broken_off = True
            held.ending = held.ending or Ending.RESET
            self._consumer_of(held.key).end(side, Ending.RESET, *held.reset)
