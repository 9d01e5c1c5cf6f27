"""What got better, worse, appeared and disappeared between two captures, by their tables.

Times are compared by the Mann-Whitney test: they are never normally distributed. Shares (of packets lost,
connections refused, responses with an error) by the z-test for two shares; packets are lost in bursts, so
that its p is too small where losses come together. A difference counts if its p is below ``SURE`` and it is
larger than ``LARGE_PERCENT`` of what was: with many samples anything is sure.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from netanalyze.comparison.statistics import rank_test, share_test
from netanalyze.report.records.change import Change
from netanalyze.report.registry import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from netanalyze.report.report import Report

    Row = Mapping[str, Any]

SURE = 0.01
LARGE_PERCENT = 5
ALL = "*"

BETTER, WORSE, SAME, UNSURE = "better", "worse", "same", "unsure"
APPEARED, DISAPPEARED, MORE, FEWER = "appeared", "disappeared", "more", "fewer"
_ERROR = 400
_SERVER_ERROR = 500


class Times(Struct, frozen=True):
    """A column of times: lower is better."""

    column: str


class Share(Struct, frozen=True):
    """How many of how many, of each row: fewer is better."""

    name: str
    part: Callable[[Row], int]
    whole: Callable[[Row], int]


class Subject(Struct, frozen=True):
    """What of a table is compared.

    Attributes:
        table: its name; the next ones are of its columns.
        group: makes the name of the group of a row, None for none.
        measures: what is compared in each group and in all.
        listed: whether groups that come and go are named, and how often they come.
    """

    table: str
    group: Callable[[Row], str | None]
    measures: tuple[Times | Share, ...] = ()
    listed: bool = True


def _one(_: Row) -> int:
    return 1


def _server(row: Row) -> str:
    return f"{row['server']} port {row['server_port']}"


def _either(*columns: str) -> Callable[[Row], int]:
    return lambda row: sum(row.get(name) or 0 for name in columns)


def _in(column: str, *values: str) -> Callable[[Row], int]:
    return lambda row: int(row.get(column) in values)


SUBJECTS = (
    Subject(
        "streams",
        _server,
        (
            Times("handshake_ns"),
            Share("refused", _in("conn_state", "REJ"), _one),
            Share("unanswered", _in("conn_state", "S0"), _one),
            Share("reset", _in("conn_state", "RSTO", "RSTR"), _one),
            Share("retransmissions", _either("retransmissions"), _either("client_packets", "server_packets")),
            Share("out_of_order", _either("out_of_order"), _either("client_packets", "server_packets")),
        ),
    ),
    Subject("directions", lambda row: f"from {row['sender']}", (Times("rtt_avg_ns"),), listed=False),
    Subject(
        "http",
        lambda row: row["host"] or row["server"],
        (
            Times("ttfb_ns"),
            Times("duration_ns"),
            Share("client_errors", lambda row: int(_ERROR <= (row["status"] or 0) < _SERVER_ERROR), _one),
            Share("server_errors", lambda row: int((row["status"] or 0) >= _SERVER_ERROR), _one),
            Share("broken_off", lambda row: int(row["end"] not in ("complete", "uncertain")), _one),
        ),
    ),
    Subject(
        "dns",
        lambda row: row.get("server"),
        (
            Times("latency_ns"),
            Share("failed", lambda row: int(row.get("rcode") not in ("NOERROR", None)), _one),
        ),
    ),
    Subject("events", lambda row: row["kind"]),
    Subject("listeners", lambda row: f"{_server(row)}: {row['verdict']}" if row["verdict"] != "ok" else None),
    Subject("findings", lambda row: row.get("code")),
)
"""What is compared. Tables that this program does not have are left out."""

TABLES = tuple(subject.table for subject in SUBJECTS if subject.table in NAMES)
"""What has to be made of both captures."""


def compare_reports(before: Report, after: Report) -> list[Change]:
    """The changes from one report to the other, those of a table together."""
    changes: list[Change] = []
    for subject in SUBJECTS:
        if subject.table in before and subject.table in after:
            changes += compare_rows(
                subject, before[subject.table].to_dicts(), after[subject.table].to_dicts()
            )
    return changes


def compare_rows(subject: Subject, before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """The changes of a table."""
    ours, theirs = _grouped(subject, before), _grouped(subject, after)
    changes = _measured(subject, ALL, before, after)
    groups = sorted(ours.keys() | theirs.keys())
    for group in groups:
        one, other = ours.get(group, []), theirs.get(group, [])
        if subject.listed:
            changes.append(_counted(subject, group, len(one), len(other)))
        if one and other and len(groups) > 1:
            changes += _measured(subject, group, one, other)
    return changes


def _grouped(subject: Subject, rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        group = subject.group(row)
        if group is not None:
            groups[group].append(row)
    return groups


def _counted(subject: Subject, group: str, before: int, after: int) -> Change:
    """How many rows a group has; captures are of different length, so that more is no verdict."""
    verdict = SAME
    if before != after:
        verdict = APPEARED if not before else DISAPPEARED if not after else MORE if after > before else FEWER
    return Change(subject.table, group, "rows", verdict, before, after, "count", before, after, None)


def _measured(subject: Subject, group: str, before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    changes = []
    for measure in subject.measures:
        made = (
            _times(subject, group, measure, before, after)
            if isinstance(measure, Times)
            else _share(subject, group, measure, before, after)
        )
        if made is not None:
            changes.append(made)
    return changes


def _times(
    subject: Subject, group: str, measure: Times, before: Sequence[Row], after: Sequence[Row]
) -> Change | None:
    first, second = (
        [row[measure.column] for row in rows if row.get(measure.column) is not None]
        for rows in (before, after)
    )
    test = rank_test(first, second)
    if test is None:
        return None
    one, other = median(first), median(second)
    verdict = _verdict(test.p, one, other)
    return Change(
        subject.table, group, measure.column, verdict, one, other, "ns", len(first), len(second), test.p
    )


def _share(
    subject: Subject, group: str, measure: Share, before: Sequence[Row], after: Sequence[Row]
) -> Change | None:
    first, second = (
        (sum(map(measure.part, rows)), sum(map(measure.whole, rows))) for rows in (before, after)
    )
    if not first[1] or not second[1] or not (first[0] or second[0]):
        return None
    one, other = 100 * first[0] / first[1], 100 * second[0] / second[1]
    p = share_test(first, second)
    return Change(
        subject.table,
        group,
        measure.name,
        _verdict(p, one, other),
        one,
        other,
        "percent",
        first[1],
        second[1],
        p,
    )


def _verdict(p: float | None, before: float, after: float) -> str:
    """What to say of a measure of which less is better."""
    if before == after:
        return SAME
    if p is None:
        return UNSURE
    if p >= SURE or abs(after - before) * 100 < LARGE_PERCENT * before:
        return SAME
    return WORSE if after > before else BETTER
