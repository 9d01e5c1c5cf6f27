"""Messages cut into segments, what the package says of them, and the same by an obviously right way."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.boundaries.halves import Framed
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.writes import layout_fields as fields
from netanalyze.tcp.writes.layout import HalfLayout, Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from netanalyze.tcp.writes.framing import Framing

WRITES = Path(__file__).parent.parent.parent / "netanalyze" / "tcp" / "writes"
COMPILED, INTERPRETED = "compiled", "interpreted"


@cache
def kernel(name: str, kind: str) -> ModuleType | None:
    """A kernel of this kind, None if it was not built."""
    if kind == COMPILED:
        module = importlib.import_module(f"netanalyze.tcp.writes.{name}")
        return None if str(module.__file__).endswith(".py") else module
    spec = importlib.util.spec_from_file_location(f"interpreted_{name}", WRITES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Laid:
    """What was found of one half-stream.

    Attributes:
        messages: (offset, length, segments, kind, case) of each.
        counts: words of ``layout_fields`` by name.
        half: the half-stream.
    """

    messages: list[tuple[int, int, int | None, str | None, str | None]]
    counts: dict[str, int]
    half: HalfLayout = field(repr=False)


def lay_out(framings: Sequence[Framing], pieces: Sequence[bytes], *, lost: bool = False) -> Laid:
    """Cut segments into messages by framings, and lay these over them; frames are numbered from 1."""
    layout = Layout(1, Segments(1), keep_messages=True)
    half = layout.open(0)
    framed = Framed(layout, half, tuple(framings), lost=lost)
    offset = 0
    for number, piece in enumerate(pieces, 1):
        framed.data(memoryview(piece), offset, number, number * 1000, layout.facts(number, len(piece)))
        offset += len(piece)
    framed.close(offset)
    return laid_of(layout, half)


def laid_of(layout: Layout, half: HalfLayout) -> Laid:
    """What a layout has found of its only half-stream."""
    found = []
    for row in layout.messages().tolist():
        kind, case = row[fields.CLASS], row[fields.CASE]
        found.append(
            (
                row[fields.OFFSET],
                row[fields.LENGTH],
                row[fields.PIECES] if kind >= 0 else None,
                fields.CLASSES[kind] if kind >= 0 else None,
                fields.CASES[case] if case >= 0 else None,
            )
        )
    names = ("MESSAGES", "SEGMENTS", "BYTES", "FAILS", "FAIL_FRAME", "FAIL_BYTES", "FAIL_WHOLE", "UNFRAMED")
    counts = {name: int(half.row[getattr(fields, name)]) for name in names}
    for place, name in enumerate(fields.CLASSES):
        counts[name] = int(half.row[fields.ALIGNED + place])
    for place, name in enumerate(fields.CASES):
        counts[name] = int(half.row[fields.CASE_A + place])
    return Laid(found, counts, half)


def oracle(lengths: Sequence[int], sizes: Sequence[int]) -> Laid:
    """The same from the lengths of whole messages and of segments, byte by byte."""
    message_of = [number for number, length in enumerate(lengths) for _ in range(length)]
    segment_of = [number for number, size in enumerate(sizes) for _ in range(size)]
    assert len(message_of) == len(segment_of)
    lies_in: list[set[int]] = [set() for _ in lengths]
    holds: list[set[int]] = [set() for _ in sizes]
    for message, segment in zip(message_of, segment_of, strict=True):
        lies_in[message].add(segment)
        holds[segment].add(message)
    kinds = [_kind(number, lies_in, holds) for number in range(len(lengths))]
    cases: list[str | None] = [None]
    cases += [_case(lies_in[n - 1], lies_in[n], kinds[n - 1 : n + 1]) for n in range(1, len(lengths))]
    messages, offset = [], 0
    for number, length in enumerate(lengths):
        messages.append((offset, length, len(lies_in[number]), kinds[number], cases[number]))
        offset += length
    good = [len(held) == 1 and len(lies_in[next(iter(held))]) == 1 for held in holds]
    counts = {"MESSAGES": len(lengths), "SEGMENTS": len(sizes), "BYTES": offset, "FAILS": good.count(False)}
    counts["UNFRAMED"] = counts["FAIL_FRAME"] = counts["FAIL_BYTES"] = counts["FAIL_WHOLE"] = 0
    if False in good:
        first = good.index(False)
        whole = [number for number in holds[first] if lies_in[number] == {first}]
        counts |= {"FAIL_FRAME": first + 1, "FAIL_BYTES": sizes[first], "FAIL_WHOLE": len(whole)}
    counts |= {name: kinds.count(name) for name in fields.CLASSES}
    counts |= {name: cases.count(name) for name in fields.CASES}
    return Laid(messages, counts, None)  # type: ignore[arg-type] # the oracle has none


def _kind(number: int, lies_in: list[set[int]], holds: list[set[int]]) -> str:
    mine = lies_in[number]
    if all(holds[segment] == {number} for segment in mine):
        return "aligned" if len(mine) == 1 else "split"
    others = {other for segment in mine for other in holds[segment]}
    return "coalesced" if all(lies_in[other] == mine and len(mine) == 1 for other in others) else "mixed"


def _case(before: set[int], mine: set[int], kinds: list[str]) -> str | None:
    if kinds == ["aligned", "aligned"]:
        return "A"
    if len(before) == 1 and before == mine:
        return "B"
    if len(before) == 1 and before < mine:
        return "C"
    if len(mine) == 1 and mine < before:
        return "D"
    return None


def cut_at(data: bytes, places: Iterator[int] | Sequence[int]) -> list[bytes]:
    """The bytes in pieces that end at these places and at the end; none is empty."""
    edges = sorted({0, len(data), *(place for place in places if 0 < place < len(data))})
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def words(*values: Any) -> memoryview:  # noqa: ANN401 - integers
    """Words for a kernel."""
    return memoryview(np.array(values, np.int64))
