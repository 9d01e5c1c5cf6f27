"""Two taps of the same traffic: clocks, delays, where packets died, what was changed between them, as tables.

The near tap is the client's, the far one the server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.comparison.between import KINDS, LOST, Between, Ordered, happened
from netanalyze.comparison.changes import WHAT, find_changes, texts_of
from netanalyze.comparison.matching import Matched, match_packets
from netanalyze.comparison.packets import ACK, FIN, RST, SYN
from netanalyze.comparison.pairing import HOWS, Pairs, pair_streams
from netanalyze.model import NULL, known
from netanalyze.report.column import CodeColumn, Column, IntColumn, PackedColumn
from netanalyze.report.records import two_sided as records
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.comparison.packets import Tap

DIRECTIONS = ("to_server", "to_client")
_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"))
_FLAG_TEXTS = [" ".join(name for bit, name in _FLAGS if number & bit) for number in range(8)]
_PERCENTS = (("delay_min_ns", 0), ("delay_median_ns", 50), ("delay_p95_ns", 95), ("delay_max_ns", 100))
_COUNTS = ("sent", "arrived", "lost", "lost_bytes", "resegmented", "doubled", "injected", "outside")


class TwoSided(Struct, frozen=True):
    """What there is to say, as rows of tables."""

    clock: records.Clock
    totals: list[records.Total]
    ways: Table[records.Way]
    traces: Table[records.Trace]
    differences: Table[records.Difference]


def compare_taps(near: Tap, far: Tap) -> TwoSided:
    """Compare what two taps have of the same traffic."""
    taps = (near, far)
    pairs = pair_streams(near, far)
    matched = match_packets(near, far, pairs)
    between = happened(taps, matched, len(pairs))
    ways = _way_columns(taps, pairs, matched, between)
    return TwoSided(
        _clock(taps, pairs, matched, between),
        [_total(sender, ways, between) for sender in (0, 1)] if len(pairs) else [],
        _table("ways", records.Way, ways, {"direction": DIRECTIONS, "matched_by": HOWS}),
        _traces(taps, pairs, matched, between),
        _differences(taps, pairs, matched, between),
    )


def _clock(taps: tuple[Tap, Tap], pairs: Pairs, matched: Matched, between: Between) -> records.Clock:
    clock, both = between.clock, len(pairs)
    return records.Clock(
        ahead_ns=clock.ahead_ns if clock else None,
        unsure_ns=clock.unsure_ns if clock else None,
        drift_ppb=clock.drift_ppb if clock else None,
        at_ns=clock.at_ns if clock else None,
        streams=both,
        client_only=len(taps[0].isn) - both,
        server_only=len(taps[1].isn) - both,
        packets=len(matched.near),
    )


def _way_columns(
    taps: tuple[Tap, Tap], pairs: Pairs, matched: Matched, between: Between
) -> dict[str, NDArray[np.int64]]:
    """One direction of each stream."""
    count = 2 * len(pairs)
    alone = dict.fromkeys(KINDS, np.zeros(count, np.int64))
    lost_bytes = np.zeros(count, np.int64)
    for kind, place, rows in between.alone:
        ways = matched.ways(place, rows)
        alone[kind] = alone[kind] + np.bincount(ways, minlength=count)
        if kind == LOST:
            sizes = taps[place].columns["payload_bytes"][rows]
            lost_bytes += np.bincount(ways, sizes, minlength=count).astype(np.int64)
    both = np.bincount(between.ways, minlength=count)
    columns = {
        "stream": np.repeat(pairs.near, 2),
        "server_stream": np.repeat(pairs.far, 2),
        "direction": np.arange(count) & 1,
        "sent": both + between.gone,
        "arrived": both + between.resegmented,
        "lost_bytes": lost_bytes,
        "resegmented": between.resegmented,
        "outside": between.outside,
        "routers": _routers(taps, matched, between, count),
        "matched_by": np.repeat(pairs.how, 2),
        **alone,
    }
    return columns | _delays(between.delays, between.ways, count)


def _delays(
    delays: NDArray[np.int64] | None, groups: NDArray[np.int64], count: int
) -> dict[str, NDArray[np.int64]]:
    """How long the packets of each group took."""
    if delays is None:
        return {name: np.full(count, NULL) for name, _ in _PERCENTS}
    ordered = Ordered(groups, delays, count)
    return {name: known(ordered.at(percent), ordered.sizes > 0) for name, percent in _PERCENTS}


def _routers(taps: tuple[Tap, Tap], matched: Matched, between: Between, count: int) -> NDArray[np.int64]:
    """What the time to live is lower by at the second tap, mostly."""
    near, far = (
        tap.columns["ttl"][rows].astype(np.int64)
        for tap, rows in zip(taps, (matched.near, matched.far), strict=True)
    )
    lower = np.where(between.ways & 1, far - near, near - far)
    ordered = Ordered(between.ways, lower, count)
    return known(np.trunc(ordered.medians()).astype(np.int64), ordered.sizes > 0)


def _total(sender: int, ways: Mapping[str, NDArray[np.int64]], between: Between) -> records.Total:
    """One direction of all streams."""
    sums = {name: int(ways[name][sender::2].sum()) for name in _COUNTS}
    delays = None if between.delays is None else between.delays[between.ways & 1 == sender]
    one = np.zeros(0 if delays is None else len(delays), np.int64)
    took: dict[str, Any] = {name: _value(column) for name, column in _delays(delays, one, 1).items()}
    return records.Total(
        direction=DIRECTIONS[sender],
        lost_percent=100 * sums["lost"] / sums["sent"] if sums["sent"] else None,
        **sums,
        **took,
    )


def _value(column: NDArray[np.int64]) -> int | None:
    """The first value of a column."""
    return None if column[0] == NULL else int(column[0])


def _traces(taps: tuple[Tap, Tap], pairs: Pairs, matched: Matched, between: Between) -> Table[records.Trace]:
    """The packets that one tap alone has, stream by stream in the order of their times."""
    parts = []
    for kind, place, rows in between.alone:
        columns, ways = taps[place].columns, matched.ways(place, rows)
        flags = columns["flags"][rows].astype(np.int64)
        nothing = np.full(len(rows), NULL)
        frames = (nothing, columns["frame"][rows]) if place else (columns["frame"][rows], nothing)
        parts.append(
            {
                "kind": np.full(len(rows), KINDS.index(kind)),
                "direction": ways & 1,
                "stream": pairs.near[ways >> 1],
                "client_frame": frames[0],
                "server_frame": frames[1],
                "time_ns": columns["time_ns"][rows],
                "flags": flags & (SYN | FIN | RST),
                "offset": matched.offsets(place, rows),
                "payload_bytes": columns["payload_bytes"][rows],
                "answer": known(matched.answers(place, rows), flags & ACK),
            }
        )
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    frame = np.maximum(whole["client_frame"], whole["server_frame"])
    order = np.lexsort((frame, whole["kind"], whole["direction"], whole["time_ns"], whole["stream"]))
    return _table(
        "traces",
        records.Trace,
        {name: column[order] for name, column in whole.items()},
        {"kind": KINDS, "direction": DIRECTIONS, "flags": _FLAG_TEXTS},
    )


def _differences(
    taps: tuple[Tap, Tap], pairs: Pairs, matched: Matched, between: Between
) -> Table[records.Difference]:
    """What was changed."""
    found = find_changes(taps, pairs, matched, between.ways)
    columns = {
        "stream": pairs.near[found.way >> 1],
        "direction": found.way & 1,
        "what": found.what,
        "packets": found.packets,
        "client_frame": taps[0].columns["frame"][matched.near[found.first]],
        "server_frame": taps[1].columns["frame"][matched.far[found.first]],
    }
    texts: dict[str, Column] = {
        "at_client": PackedColumn(found.at_near, texts_of),
        "at_server": PackedColumn(found.at_far, texts_of),
    }
    return _table("differences", records.Difference, columns, {"direction": DIRECTIONS, "what": WHAT}, texts)


def _table(
    name: str,
    record: type[Any],
    columns: Mapping[str, NDArray[Any]],
    names: Mapping[str, Any],
    made: Mapping[str, Column] | None = None,
) -> Table[Any]:
    """A table from arrays; ``names`` has the texts of those that are numbers of texts."""
    built: dict[str, Column] = dict(made or {})
    for key, column in columns.items():
        built[key] = CodeColumn(column, names[key]) if key in names else IntColumn(column)
    return Table(name, record, {key: built[key] for key in record.__struct_fields__})
