"""Two taps of the same traffic: clocks, delays, where packets died, and what was changed between them.

The near tap is the client's, the far one the server's. What a client sends comes by at the near one first,
what a server sends at the far one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.comparison.clocks import estimate
from netanalyze.comparison.pairing import ACK, FIN, RST, SYN, Matched, Pair, match_packets, pair_streams
from netanalyze.report.records import two_sided as records
from netanalyze.wire.packets import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.comparison.packets import Tap

DIRECTIONS = ("to_server", "to_client")
LOST, INJECTED, DOUBLED = "lost", "injected", "doubled"
_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"))
_ECN = 3


@dataclass(frozen=True, slots=True)
class TwoSided:
    """What there is to say, as rows of tables."""

    clock: records.Clock
    totals: list[records.Total]
    ways: list[records.Way]
    traces: list[records.Trace]
    differences: list[records.Difference]


def compare_taps(near: Tap, far: Tap) -> TwoSided:
    """Compare what two taps have of the same traffic."""
    pairs = pair_streams(near, far)
    return _Comparison(near, far, pairs, match_packets(near, far, pairs)).result()


class _Comparison:
    """Two taps whose packets have been matched."""

    def __init__(self, near: Tap, far: Tap, pairs: list[Pair], matched: Matched) -> None:
        self.taps = (near, far)
        self.pairs = pairs
        self.matched = matched
        nothing = np.zeros(0, np.int64)
        self.sender = near.columns["sender"][matched.near] if near.columns else nothing
        self.times = (
            near.columns["time_ns"][matched.near] if near.columns else nothing,
            far.columns["time_ns"][matched.far] if far.columns else nothing,
        )
        out, home = self.sender == 0, self.sender == 1
        self.clock = estimate(
            (self.times[0][out], self.times[1][out]), (self.times[0][home], self.times[1][home])
        )
        self.rest = (matched.near_only, matched.far_only)
        self.copies = (matched.near_copies, matched.far_copies)
        self.ways = (self._by_way(0), self._by_way(1))
        self.changed = self._changed(matched.near, matched.far) if near.columns and far.columns else []
        self.touched = np.zeros(len(matched.near), np.bool_)
        for _, _, _, some in self.changed:
            self.touched |= some

    def result(self) -> TwoSided:
        near, far = self.taps
        clock, both = self.clock, len(self.pairs)
        traces: list[records.Trace] = []
        ways: list[records.Way] = []
        differences: list[records.Difference] = []
        pair_of = self.matched.numbers[0][0][self.matched.near]
        order = np.lexsort((self.sender, pair_of))
        keys = 2 * pair_of[order] + self.sender[order]
        for number, pair in enumerate(self.pairs):
            for sender in (0, 1):
                key = 2 * number + sender
                rows = order[np.searchsorted(keys, key) : np.searchsorted(keys, key + 1)]
                ways.append(self._way(number, pair, sender, rows, traces))
                differences += self._differences(pair, sender, rows)
        traces.sort(key=lambda trace: (trace.stream, trace.time_ns))
        return TwoSided(
            records.Clock(
                ahead_ns=clock.ahead_ns if clock else None,
                unsure_ns=clock.unsure_ns if clock else None,
                drift_ppb=clock.drift_ppb if clock else None,
                at_ns=clock.at_ns if clock else None,
                streams=both,
                client_only=len(near.ends) - both,
                server_only=len(far.ends) - both,
                packets=len(self.matched.near),
            ),
            [self._total(sender, ways) for sender in (0, 1)] if ways else [],
            ways,
            traces,
            differences,
        )

    # Packets that one tap alone has.

    def _by_way(self, place: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places among the packets that only this tap (0 or 1) has, in the order of their ways, and these."""
        rows = self.rest[place]
        if not len(rows):
            return rows, rows
        keys = 2 * self.matched.numbers[place][0][rows] + self.taps[place].columns["sender"][rows]
        order = np.argsort(keys, kind="stable")
        return order, keys[order]

    def _alone(self, place: int, number: int, sender: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of a way that only this tap has, and which of them are copies."""
        order, keys = self.ways[place]
        key = 2 * number + sender
        mine = order[np.searchsorted(keys, key) : np.searchsorted(keys, key + 1)]
        return self.rest[place][mine], self.copies[place][mine]

    def _way(
        self, number: int, pair: Pair, sender: int, rows: NDArray[np.int64], traces: list[records.Trace]
    ) -> records.Way:
        first, second = (0, 1) if sender == 0 else (1, 0)
        sent, _ = self._alone(first, number, sender)
        came, copies = self._alone(second, number, sender)
        doubled, came = came[copies], came[~copies]
        split_sent, split_came = self._resegmented(first, sent, came)
        sent, came = sent[~split_sent], came[~split_came]
        outside = self._outside(first, sent)
        lost = sent[~outside]
        before = self._outside(second, came)
        injected = came[~before]
        for kind, place, some in (
            (LOST, first, lost),
            (DOUBLED, second, doubled),
            (INJECTED, second, injected),
        ):
            traces += [self._trace(kind, pair, sender, place, row) for row in some.tolist()]
        delays = self._delays(rows, sender)
        columns = self.taps[first].columns
        ttl = [
            self.taps[place]
            .columns["ttl"][(self.matched.near, self.matched.far)[place][rows]]
            .astype(np.int64)
            for place in (first, second)
        ]
        return records.Way(
            stream=pair.near,
            server_stream=pair.far,
            direction=DIRECTIONS[sender],
            sent=len(rows) + len(sent) + int(split_sent.sum()),
            arrived=len(rows) + int(split_sent.sum()),
            lost=len(lost),
            lost_bytes=int(columns["payload_bytes"][lost].sum()) if len(lost) else 0,
            resegmented=int(split_sent.sum()),
            doubled=len(doubled),
            injected=len(injected),
            outside=int(outside.sum() + before.sum()),
            delay_min_ns=_at(delays, 0),
            delay_median_ns=_at(delays, 50),
            delay_p95_ns=_at(delays, 95),
            delay_max_ns=_at(delays, 100),
            routers=int(np.median(ttl[0] - ttl[1])) if len(rows) else None,
            matched_by=pair.matched_by,
        )

    def _total(self, sender: int, ways: list[records.Way]) -> records.Total:
        """One direction of all streams."""
        mine = [way for way in ways if way.direction == DIRECTIONS[sender]]
        delays = self._delays(np.flatnonzero(self.sender == sender), sender)
        sent, lost = sum(way.sent for way in mine), sum(way.lost for way in mine)
        return records.Total(
            direction=DIRECTIONS[sender],
            sent=sent,
            arrived=sum(way.arrived for way in mine),
            lost=lost,
            lost_percent=100 * lost / sent if sent else None,
            lost_bytes=sum(way.lost_bytes for way in mine),
            resegmented=sum(way.resegmented for way in mine),
            doubled=sum(way.doubled for way in mine),
            injected=sum(way.injected for way in mine),
            outside=sum(way.outside for way in mine),
            delay_min_ns=_at(delays, 0),
            delay_median_ns=_at(delays, 50),
            delay_p95_ns=_at(delays, 95),
            delay_max_ns=_at(delays, 100),
        )

    def _resegmented(
        self, first: int, sent: NDArray[np.int64], came: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which packets carry bytes that came in packets of another size: offload, or a middlebox."""
        if not len(sent) or not len(came):
            return np.zeros(len(sent), np.bool_), np.zeros(len(came), np.bool_)
        return self._covered(first, sent, 1 - first, came), self._covered(1 - first, came, first, sent)

    def _covered(
        self, place: int, rows: NDArray[np.int64], other: int, others: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which of these carry payload all of which the others carry, too."""
        sizes = self.taps[place].columns["payload_bytes"][rows]
        begins = self.matched.numbers[place][1][rows]
        other_sizes = self.taps[other].columns["payload_bytes"][others]
        spans = sorted(
            (begin, begin + size)
            for begin, size in zip(
                self.matched.numbers[other][1][others].tolist(), other_sizes.tolist(), strict=True
            )
            if size > 0
        )
        joined: list[list[int]] = []
        for begin, end in spans:
            if joined and begin <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([begin, end])
        starts = np.array([span[0] for span in joined], np.int64)
        ends = np.array([span[1] for span in joined], np.int64)
        if not len(starts):
            return np.zeros(len(rows), np.bool_)
        at = np.searchsorted(starts, begins, "right") - 1
        found: NDArray[np.bool_] = (sizes > 0) & (at >= 0) & (ends[np.maximum(at, 0)] >= begins + sizes)
        return found

    def _outside(self, place: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which packets of a tap came by when the other capture had not begun, or was over."""
        other = self.taps[1 - place]
        if other.first_ns is None or other.last_ns is None or not len(rows):
            return np.ones(len(rows), np.bool_)
        times = self.taps[place].columns["time_ns"][rows]
        ahead = self.clock.ahead_at(times) if self.clock else np.zeros(len(rows), np.int64)
        there = times + ahead if place == 0 else times - ahead
        outside: NDArray[np.bool_] = (there < other.first_ns) | (there > other.last_ns)
        return outside

    def _trace(self, kind: str, pair: Pair, sender: int, place: int, row: int) -> records.Trace:
        columns = self.taps[place].columns
        flags = int(columns["flags"][row])
        frame = int(columns["frame"][row])
        shift = pair.bases[1 - sender] + (pair.shifts[1 - sender] if place else 0)
        return records.Trace(
            kind=kind,
            direction=DIRECTIONS[sender],
            stream=pair.near,
            client_frame=None if place else frame,
            server_frame=frame if place else None,
            time_ns=int(columns["time_ns"][row]),
            flags=" ".join(name for bit, name in _FLAGS if flags & bit),
            offset=int(self.matched.numbers[place][1][row]),
            payload_bytes=int(columns["payload_bytes"][row]),
            answer=(int(columns["ack"][row]) - shift) & 0xFFFFFFFF if flags & ACK else None,
        )

    def _delays(self, rows: NDArray[np.int64], sender: int) -> NDArray[np.int64]:
        """Times between the taps, in order."""
        if self.clock is None:
            return np.zeros(0, np.int64)
        near, far = self.times[0][rows], self.times[1][rows]
        way = far - self.clock.ahead_at(near) - near
        return np.sort(way if sender == 0 else -way)

    # What was changed.

    def _differences(self, pair: Pair, sender: int, rows: NDArray[np.int64]) -> list[records.Difference]:
        near, far = self.matched.near[rows], self.matched.far[rows]
        found: list[records.Difference] = []

        def note(what: str, at_client: Any, at_server: Any, some: NDArray[np.bool_]) -> None:  # noqa: ANN401
            places = np.flatnonzero(some)
            if len(places):
                frames = (
                    int(self.taps[0].columns["frame"][near[places[0]]]),
                    int(self.taps[1].columns["frame"][far[places[0]]]),
                )
                found.append(
                    records.Difference(
                        pair.near,
                        DIRECTIONS[sender],
                        what,
                        str(at_client),
                        str(at_server),
                        len(places),
                        *frames,
                    )
                )

        every = np.ones(len(rows), np.bool_)
        if sender == 0:
            ends = (self.taps[0].ends[pair.near], self.taps[1].ends[pair.far])
            for side in ("client", "server"):
                one, other = (f"{getattr(end, side)} port {getattr(end, f'{side}_port')}" for end in ends)
                if one != other:
                    note(side, one, other, every)
        if pair.shifts[sender]:
            note("sequence_numbers", 0, f"+{pair.shifts[sender]}", every)
        if self.touched[rows].any():
            for what, ours, theirs, some in self.changed:
                places = np.flatnonzero(some[rows])
                if len(places):
                    note(what, ours[rows[places[0]]], theirs[rows[places[0]]], some[rows])
        return found

    def _changed(
        self, near: NDArray[np.int64], far: NDArray[np.int64]
    ) -> list[tuple[str, NDArray[Any], NDArray[Any], NDArray[np.bool_]]]:
        """Fields of the same packets at both taps, and where they are not alike."""
        ours = {name: column[near] for name, column in self.taps[0].columns.items()}
        theirs = {name: column[far] for name, column in self.taps[1].columns.items()}
        syn = (ours["flags"] & SYN) != 0
        found = []
        for what in ("mss", "window_scale"):
            texts = [
                np.where(side[what] == UNKNOWN, "none", side[what].astype(str)) for side in (ours, theirs)
            ]
            found.append((what, texts[0], texts[1], syn & (ours[what] != theirs[what])))
        words = np.array(["no", "yes"])
        sack = [words[(side["sack_permitted"] != 0).astype(np.int64)] for side in (ours, theirs)]
        found.append(("sack_permitted", sack[0], sack[1], syn & (sack[0] != sack[1])))
        stamps = [words[(side["tsval"] != UNKNOWN).astype(np.int64)] for side in (ours, theirs)]
        found.append(("timestamps", stamps[0], stamps[1], stamps[0] != stamps[1]))
        found.append(("window", ours["window"], theirs["window"], ours["window"] != theirs["window"]))
        for what, values in (
            ("dscp", [side["tos"] >> 2 for side in (ours, theirs)]),
            ("ecn", [side["tos"] & _ECN for side in (ours, theirs)]),
            ("ip_id", [side["ip_id"] for side in (ours, theirs)]),
        ):
            found.append((what, values[0], values[1], values[0] != values[1]))
        return found


def _at(ordered: NDArray[np.int64], percent: int) -> int | None:
    """The smallest value that at least this share is not above; None if there is none."""
    if not len(ordered):
        return None
    return int(ordered[max(-(-percent * len(ordered) // 100), 1) - 1])
