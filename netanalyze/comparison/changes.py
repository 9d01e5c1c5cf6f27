"""What was changed on packets between two taps: addresses, numbers, options, fields of headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netanalyze.comparison.packets import SYN
from netanalyze.model import format_addresses
from netanalyze.wire.packets import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.comparison.matching import Matched
    from netanalyze.comparison.packets import Tap
    from netanalyze.comparison.pairing import Pairs

WHAT = (
    "client", "server", "sequence_numbers",
    "mss", "window_scale", "sack_permitted", "timestamps", "window", "dscp", "ecn", "ip_id",
)  # fmt: skip
_NUMBER, _MORE, _NONE, _NO, _YES, _END = range(1, 7)
"""What the first word of a value says that it is; then a number (or port and version), and an address."""
_WORDS = 4
_ECN = 3


class Changes(NamedTuple):
    """Changes, in the order of their ways: one for each field of each way.

    Attributes:
        way: whose packets were changed.
        what: a place in ``WHAT``.
        at_near, at_far: the value in the first of them at both taps, in words for ``texts_of``.
        packets: in how many.
        first: the first of them, a place in ``Matched.near``.
    """

    way: NDArray[np.int64]
    what: NDArray[np.int64]
    at_near: NDArray[np.uint64]
    at_far: NDArray[np.uint64]
    packets: NDArray[np.int64]
    first: NDArray[np.int64]


def find_changes(taps: tuple[Tap, Tap], pairs: Pairs, matched: Matched, ways: NDArray[np.int64]) -> Changes:
    """Find what differs; ``ways`` is the way of each pair of packets."""
    parts = [*_of_streams(taps, pairs, ways), *_of_packets(taps, matched, ways)]
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    way, what = columns[:2]
    order = np.lexsort((what, way))
    return Changes(*(column[order] for column in columns))


def _of_streams(taps: tuple[Tap, Tap], pairs: Pairs, ways: NDArray[np.int64]) -> Iterator[Changes]:
    """What is different for a stream as a whole."""
    count = 2 * len(pairs)
    packets = np.bincount(ways, minlength=count)
    first = np.zeros(count, np.int64)
    first[ways[::-1]] = np.arange(len(ways))[::-1]  # of assignments to one element the last one holds
    for what, end in enumerate(("client", "server")):
        ours, theirs = _ends(taps[0], end, pairs.near), _ends(taps[1], end, pairs.far)
        some = np.flatnonzero((ours != theirs).any(axis=1) & (packets[::2] > 0))
        yield _changes(2 * some, what, (ours[some], theirs[some]), packets, first)
    shifts = pairs.shifts.reshape(-1)
    some = np.flatnonzero((shifts != 0) & (packets > 0))
    values = _valued(_NUMBER, np.zeros(len(some), np.int64)), _valued(_MORE, shifts[some])
    yield _changes(some, WHAT.index("sequence_numbers"), values, packets, first)


def _ends(tap: Tap, end: str, streams: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The endpoints of streams as values."""
    version, port = (tap.streams[f"{end}_{part}"][streams] for part in ("version", "port"))
    hi, lo = (tap.streams[f"{end}_{part}"][streams] for part in ("hi", "lo"))
    words = _valued(_END, port.astype(np.int64) << 8 | version)
    words[:, 2], words[:, 3] = hi, lo
    return words


def _changes(
    ways: NDArray[np.int64],
    what: int,
    values: tuple[NDArray[np.uint64], NDArray[np.uint64]],
    packets: NDArray[np.int64],
    first: NDArray[np.int64],
) -> Changes:
    return Changes(ways, np.full(len(ways), what), *values, packets[ways], first[ways])


def _of_packets(taps: tuple[Tap, Tap], matched: Matched, ways: NDArray[np.int64]) -> Iterator[Changes]:
    """Fields of the same packets at both taps that are not alike."""
    columns = [tap.columns for tap in taps]
    every = (matched.near, matched.far)
    opening = np.flatnonzero(columns[0]["flags"][matched.near] & SYN)
    syns = (every[0][opening], every[1][opening])
    for what, name in enumerate(WHAT[3:], 3):
        column = {"timestamps": "tsval", "dscp": "tos", "ecn": "tos"}.get(name, name)
        of_syn = name in ("mss", "window_scale", "sack_permitted")
        rows = syns if of_syn else every
        ours, theirs = (_field(name, part[column][row]) for part, row in zip(columns, rows, strict=True))
        some = np.flatnonzero(ours != theirs)
        places = opening[some] if of_syn else some
        found, begins, counts = np.unique(ways[places], return_index=True, return_counts=True)
        values = (_shown(name, ours[some[begins]]), _shown(name, theirs[some[begins]]))
        yield Changes(found, np.full(len(found), what), *values, counts, places[begins])


def _field(name: str, column: NDArray[Any]) -> NDArray[Any]:
    """What of a column makes the difference."""
    found = column
    if name == "timestamps":
        found = column != UNKNOWN
    elif name == "sack_permitted":
        found = column != 0
    elif name == "dscp":
        found = column >> 2
    elif name == "ecn":
        found = column & _ECN
    return found


def _shown(name: str, column: NDArray[Any]) -> NDArray[np.uint64]:
    """Values to be shown."""
    if name in ("timestamps", "sack_permitted"):
        return _valued(np.where(column, _YES, _NO), np.zeros(len(column), np.int64))
    if name in ("mss", "window_scale"):
        return _valued(np.where(column == UNKNOWN, _NONE, _NUMBER), np.maximum(column, 0))
    return _valued(_NUMBER, column)


def _valued(kind: int | NDArray[np.int64], numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """Words of values that are numbers, or nothing but a kind."""
    words = np.zeros((len(numbers), _WORDS), np.uint64)
    words[:, 0] = kind
    words[:, 1] = numbers.astype(np.int64).astype(np.uint64)
    return words


def texts_of(words: NDArray[np.uint64]) -> list[str | None]:
    """Values as text."""
    version = np.where(words[:, 0] == _END, words[:, 1] & np.uint64(0xFF), 0).astype(np.uint8)
    addresses = format_addresses(words[:, 2], words[:, 3], version)
    numbers = words[:, 1].astype(np.int64).tolist()
    return [
        _text(kind, number, address)
        for kind, number, address in zip(words[:, 0].tolist(), numbers, addresses, strict=True)
    ]


def _text(kind: int, number: int, address: str | None) -> str:
    if kind == _END:
        return f"{address} port {number >> 8}"
    if kind == _MORE:
        return f"+{number}"
    return {_NONE: "none", _NO: "no", _YES: "yes"}.get(kind, str(number))
