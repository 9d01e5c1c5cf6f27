"""Columns whose values are made when somebody looks at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netanalyze import analyze
from netanalyze.apps.reading import MadeWhenSeen
from netanalyze.report import made_columns
from netanalyze.report.column import column_of
from netanalyze.report.made_columns import LazyColumn
from netanalyze.report.records.two_sided import Clock
from netanalyze.report.table import Table

CAPTURES = Path(__file__).parent.parent.parent / "captures"
NUMBERS = [3, None, 1, 2, 3]


def test_values_are_made_of_what_is_looked_at() -> None:
    seen: list[int] = []

    def make(place: int) -> int | None:
        seen.append(place)
        return NUMBERS[place]

    column = LazyColumn(MadeWhenSeen(range(5), make), int)
    assert len(column) == 5
    assert not seen
    assert column.values(slice(1, 3)) == [None, 1]
    assert column.values(np.array([4, 0])) == [3, 3]
    assert seen == [1, 2, 4, 0]


@pytest.mark.parametrize(
    ("values", "kind"), [(NUMBERS, int), (["b", None, "a"], str), ([True, False], bool), ([1 << 70, 1], int)]
)
def test_they_are_as_any_other(values: list[object], kind: type) -> None:
    lazy, plain = LazyColumn(MadeWhenSeen(values, lambda value: value), kind), column_of(values, kind)
    assert lazy.ranks().tolist() == plain.ranks().tolist()
    assert [part if isinstance(part, list) else part.tolist() for part in lazy.distinct()] == [
        part if isinstance(part, list) else part.tolist() for part in plain.distinct()
    ]
    assert list(lazy.array()) == list(plain.array())
    assert lazy.values() == plain.values() == values  # now that it has them all
    assert type(lazy.whole()) is type(plain)


def test_a_sequence_of_them() -> None:
    made = MadeWhenSeen([1, 2, 3], str)
    assert (list(made), made[1], made[1:], len(made)) == (["1", "2", "3"], "2", ["2", "3"], 3)


def test_a_table_sorts_and_filters_them() -> None:
    names = Clock.__struct_fields__
    columns = {name: LazyColumn(MadeWhenSeen([5, 1, 3], int), int) for name in names}
    table: Table[Clock] = Table("clock", Clock, columns)
    assert [row.packets for row in table.sort("+packets")] == [1, 3, 5]
    assert [row.packets for row in table.where("packets>2")] == [5, 3]


@pytest.mark.parametrize(
    "capture", ["port-reuse.pcap", "backlog-overflow.pcap", "mixed.pcapng", "time-wait-pile.pcap.zst"]
)
@pytest.mark.parametrize("others", [(), ("events", "transitions")])
def test_rows_are_the_same_however_many_are_computed(
    capture: str, others: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("streams", "directions", "limits")
    report = analyze(CAPTURES / capture, reports=[*names, *others])
    monkeypatch.setattr(made_columns, "FEW_ROWS", 0)
    rng = np.random.default_rng(1)
    by_rows = analyze(CAPTURES / capture, reports=names)
    for name in names:
        whole = list(report[name])
        assert whole
        for rows in (rng.permutation(len(whole)), rng.integers(0, len(whole), 5), np.array([0])):
            assert list(by_rows[name].at(rows)) == [whole[row] for row in rows.tolist()]
        assert list(by_rows[name][1:3]) == whole[1:3]
        assert by_rows[name][-1] == whole[-1]
        assert list(by_rows[name].sort("-stream")) == list(report[name].sort("-stream"))
    assert list(by_rows["streams"].sort("bytes")) == list(report["streams"].sort("bytes"))
    assert list(by_rows["streams"].where("tap!=client")) == list(report["streams"].where("tap!=client"))
