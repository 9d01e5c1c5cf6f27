"""Guesses the framing of a stream whose protocol is not known from its first bytes.

A message must have ended where the other side began to speak, and mostly ends where a write does (PSH, or a
segment that is not full). A framing that only seems to fit would come by these places as often as chance
has it: as often as it has ends among the bytes. What it hits beyond that is evidence, counted in bits
(the divergence of the two frequencies, times the number of places; Cover and Thomas, Elements of Information
Theory, theorem 11.1.4 bounds the chance by two to the power of minus that). Enough of it is asked for to make
up for the number of framings that are tried, and a lot more.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.columns import view_of
from netanalyze.tcp.writes import framing, layout_fields
from netanalyze.tcp.writes import guess_fields as fields
from netanalyze.tcp.writes.framing import Framing, StreamFraming
from netanalyze.tcp.writes.guess_kernel import try_framings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netanalyze.tcp.writes.layout import Facts

SIDE_BYTES = 16 << 10
"""So much of each side is looked at."""
TRIED_BITS = 12
"""Some 4000 framings are tried: by chance one of them fits as well as one in 2**12 would."""
LEAST_BITS = 24
"""What a framing has to show beyond that: a chance of one in sixteen million."""
ONE_SIDE_BITS = 12
"""What it has to show more where only one side said anything."""
_ODD_BITS = 5
"""What the number between a length and the end of its field costs, unless it is a usual one."""
_SKIP_BITS = 3
"""What it costs to leave out the first write of a side."""
_LEAST_ENDS = 4
_LEAST_ALONE = 3
_LEAST_CHANGES = 2
_MOST_EMPTY = 3
"""One message in so many may be empty: more are the zeros before a shorter number."""
_LEAST_COVERED = 0.95
_LEAST_COVERED_CUT = 0.5
_MOST_ROWS = 2048
_LARGEST_PERCENT = 99
_DELIMITERS = {
    (1, 10): framing.LINE,
    (1, 0): framing.NULL,
    (2, 0x0D0A): framing.CRLF,
    (4, 0x0D0A0D0A): framing.delimiter(b"\r\n\r\n"),
}


class Guess(Struct, frozen=True):
    """A framing that fits.

    Attributes:
        framing: the framing, side 0 as client.
        confidence: in percent: the share of places at which messages have to end where they do.
        bits: evidence.
    """

    framing: StreamFraming
    confidence: int
    bits: float


class Sample(Struct):
    """The first bytes of one side.

    Attributes:
        data: the bytes.
        writes: offsets at which a write ends.
        turns: offsets at which the other side begins to speak.
        whole: whether it has all that the side said.
    """

    data: bytes
    writes: list[int]
    turns: list[int]
    whole: bool

    def marks(self) -> bytes:
        """The kernel's marks."""
        found = bytearray(len(self.data) + 1)
        for places, bit in ((self.writes, fields.MARK_WRITE), (self.turns, fields.MARK_TURN)):
            for place in places:
                if 0 < place < len(found):
                    found[place] |= bit
        return bytes(found)


Piece = tuple[int, Any, int, int, int, "Facts | None"]
"""Side, bytes or something else, offset, frame, time, facts."""


def samples(pieces: Iterable[Piece]) -> tuple[Sample, Sample]:
    """The first bytes of both sides, up to the first hole of each."""
    parts: tuple[list[bytes], list[bytes]] = ([], [])
    sizes = [0, 0]
    found = Sample(b"", [], [], whole=True), Sample(b"", [], [], whole=True)
    largest = [0, 0]
    speaker = -1
    for side, what, offset, _, _, facts in pieces:
        mine = found[side]
        if not isinstance(what, bytes):
            mine.whole = mine.whole and not hasattr(what, "length")
            continue
        if speaker != side and speaker >= 0 and sizes[speaker]:
            found[speaker].turns.append(sizes[speaker])
        speaker = side
        if not mine.whole or offset != sizes[side] or sizes[side] >= SIDE_BYTES:
            mine.whole = False
            continue
        parts[side].append(what)
        sizes[side] += len(what)
        pushed = facts is not None and facts[0] & layout_fields.PUSH
        if pushed or len(what) < largest[side]:
            mine.writes.append(sizes[side])
        largest[side] = max(largest[side], len(what))
    for side in (0, 1):
        found[side].data = b"".join(parts[side])[:SIDE_BYTES]
    return found


def guess(pieces: Sequence[Piece]) -> Guess | None:
    """The framing of a stream by what came first, None if nothing fits well enough."""
    return guess_samples(*samples(pieces))


def guess_samples(one: Sample, other: Sample) -> Guess | None:
    """The framing of a stream by samples of its sides, None if nothing fits well enough."""
    if not one.data and not other.data:
        return None
    rows = np.zeros((_MOST_ROWS, fields.WORDS), np.int64)
    skips = sorted({(first, second) for first in _skips(one) for second in _skips(other)})
    count = try_framings(
        memoryview(one.data), memoryview(one.marks()), memoryview(other.data), memoryview(other.marks()),
        view_of(np.array(skips, np.int64)),
        view_of(np.zeros(fields.WORDS, np.int64)), view_of(rows),
    )  # fmt: skip
    best: tuple[float, int, int] | None = None
    chosen: list[int] = []
    for row in rows[:count].tolist():
        bits = _evidence(row, one, other)
        if bits is None:
            continue
        # Of framings that say the same, the one with the widest field, and the one without exceptions.
        rank = (round(bits, 6), row[fields.SIZE], -row[fields.OFFSET])
        if best is None or rank > best:
            best, chosen = rank, row
    if best is None or best[0] < TRIED_BITS + LEAST_BITS:
        return None
    return Guess(_framing(chosen), _confidence(chosen), best[0])


def _skips(sample: Sample) -> tuple[int, ...]:
    """What may be left out at the beginning of a side: nothing, or what it wrote first."""
    first = min(sample.writes, default=0)
    return (0, first) if 0 < first < len(sample.data) else (0,)


def _evidence(row: Sequence[int], one: Sample, other: Sample) -> float | None:
    """How many bits speak for a candidate, None if it is none."""
    sides = [(sample, mine) for sample, mine in zip((one, other), _sides(row), strict=True) if sample.data]
    if not all(_covers(sample, mine) for sample, mine in sides) or not _varied(row):
        return None
    if row[fields.KIND] == fields.DELIMITER and not _one_at_a_time(row):
        return None
    bits = sum(
        _surprise(mine[fields.HITS], mine[fields.WRITES], mine[fields.ENDS] / max(mine[fields.COVERED], 1))
        for _, mine in sides
    )
    if len(sides) == 1:
        bits -= ONE_SIDE_BITS
    behind, size, offset = row[fields.BEHIND], row[fields.SIZE], row[fields.OFFSET]
    if row[fields.KIND] == fields.LENGTH and behind not in {0, offset + size}:
        bits -= _ODD_BITS
    return bits - _SKIP_BITS * sum(1 for side in (0, 1) if row[fields.SKIPPED + side])


def _covers(sample: Sample, mine: Sequence[int]) -> bool:
    """Whether whole messages make up nearly all of a sample, or half of one that breaks off in a message."""
    looked = mine[fields.LOOKED]
    least = _LEAST_COVERED if sample.whole else _LEAST_COVERED_CUT
    return bool(mine[fields.ENDS]) and mine[fields.COVERED] >= least * looked


def _varied(row: Sequence[int]) -> bool:
    """Whether there are enough messages, of more than one length, and not too many empty ones."""
    ends, changes, empty = (
        sum(side[word] for side in _sides(row)) for word in (fields.ENDS, fields.CHANGES, fields.EMPTY)
    )
    if ends < _LEAST_ENDS or empty * _MOST_EMPTY > ends:
        return False
    return changes >= _LEAST_CHANGES or _two_sizes(row)


def _sides(row: Sequence[int]) -> list[Sequence[int]]:
    """The words of both sides."""
    begin, size = fields.SIDE, fields.SIDE_WORDS
    return [row[begin : begin + size], row[begin + size : begin + 2 * size]]


def _two_sizes(row: Sequence[int]) -> bool:
    """Whether a field of two bytes or more tells a length for one side and another for the other.

    Lengths that are all the same may be anything; two that are both right are hardly chance.
    """
    one, other = (side[fields.LATEST] for side in _sides(row))
    return row[fields.KIND] == fields.LENGTH and row[fields.SIZE] > 1 and one != other and min(one, other) > 0


def _one_at_a_time(row: Sequence[int]) -> bool:
    """Whether one side mostly says one line at a time, as in a conversation of lines.

    Where both say many, as heads of HTTP are, lines are parts of messages.
    """
    for mine in _sides(row):
        times = mine[fields.ALL_TURNS] or mine[fields.WRITES]
        if mine[fields.ALONE] >= _LEAST_ALONE and mine[fields.ALONE] * 2 >= times:
            return True
    return False


def _surprise(hits: int, places: int, chance: float) -> float:
    """Bits of evidence in ``hits`` of ``places`` where each is hit with this chance."""
    if not places or chance >= 1:
        return 0.0
    share = hits / places
    if share <= chance:
        return 0.0
    bits = share * log2(share / chance)
    if share < 1:
        bits += (1 - share) * log2((1 - share) / (1 - chance))
    return places * bits


def _confidence(row: Sequence[int]) -> int:
    """The share of turns, or for want of them of writes, at which messages end, in percent."""
    sides = _sides(row)
    turns, all_turns = (sum(side[word] for side in sides) for word in (fields.TURNS, fields.ALL_TURNS))
    hits, writes = (sum(side[word] for side in sides) for word in (fields.HITS, fields.WRITES))
    share = (turns + hits) / max(all_turns + writes, 1)
    return min(int(100 * share), _LARGEST_PERCENT)


def _framing(row: Sequence[int]) -> StreamFraming:
    """The framing of a candidate."""
    size, offset, behind = row[fields.SIZE], row[fields.OFFSET], row[fields.BEHIND]
    if row[fields.KIND] == fields.DELIMITER:
        found = _DELIMITERS[size, behind]
    elif row[fields.KIND] == fields.VARINT:
        found = framing.varint(offset=offset, adjust=behind)
    else:
        order = "" if size == 1 else "le" if row[fields.LITTLE] else "be"
        found = framing.length(
            f"u{8 * size}{order}",
            offset=offset,
            include_header=behind == 0,
            adjust=behind - offset - size if behind else 0,
        )
    first, second = (_after(skipped, found) for skipped in row[fields.SKIPPED :][:2])
    return StreamFraming(first, second)


def _after(skipped: int, found: Framing) -> tuple[Framing, ...]:
    return (framing.fixed(skipped, once=True), found) if skipped else (found,)
