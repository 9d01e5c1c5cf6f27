from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netanalyze.errors import UsageError
from netanalyze.report.registry import TABLES
from netanalyze.report.selection import Selection, choose
from netanalyze.report.tables import empty_table

if TYPE_CHECKING:
    from netanalyze.report.report import Report


def test_nothing_asked_for(report: Report) -> None:
    assert not Selection()
    assert Selection(top=0)
    assert choose(report.values(), Selection()) == list(report.values())


def test_conditions_apply_to_the_tables_that_have_the_column(report: Report) -> None:
    streams, udp, protocols = choose(
        report.tables(["streams", "udp", "protocols"]), Selection(where=("app=dns", "bytes>400"))
    )
    assert (len(streams), len(udp), len(protocols)) == (0, 1, 3 - 0)
    assert [row.bytes for row in protocols] == [1_190_000, 9_000, 600]


def test_streams_and_flows_have_numbers(report: Report) -> None:
    chosen = choose(report.tables(["streams", "udp", "ledger"]), Selection(streams=(1, 3, 99, 10**30)))
    assert [row.stream for row in chosen[0]] == [1, 3]
    assert [row.flow for row in chosen[1]] == [1]
    assert len(chosen[2]) == 4


def test_sort_top_and_columns(report: Report) -> None:
    (table,) = choose(
        report.tables(["streams"]),
        Selection(sort=("app", "-client"), top=2, columns=("stream", "client", "stream")),
    )
    assert [(row.stream, row.client) for row in table] == [(3, "10.1.2.3"), (0, "10.0.0.1")]
    assert (table.matched, table.total) == (4, 4)
    assert len(choose(report.tables(["streams"]), Selection(top=0))[0]) == 4


@pytest.mark.parametrize(
    ("names", "selection", "message"),
    [
        (["streams"], Selection(where=("frames>1",)), "no column in streams named 'frames'"),
        (["streams", "udp"], Selection(where=("x=1",)), "no column in streams or udp named 'x'"),
        (["streams"], Selection(where=("duration>1",)), "needs a unit"),
        (["protocols"], Selection(streams=(1,)), "--stream: protocols has no stream numbers"),
        (["streams"], Selection(sort=("-size",)), "no column in streams named 'size'"),
        (["streams"], Selection(columns=("clients",)), "did you mean client"),
        (["streams", "ledger"], Selection(columns=("client",)), "ledger has none of the columns client"),
    ],
)
def test_mistakes_are_found_without_any_rows(names: list[str], selection: Selection, message: str) -> None:
    kinds = [kind for kind in TABLES if kind.name in names]
    with pytest.raises(UsageError) as caught:
        choose([empty_table(kind.name, kind.record) for kind in kinds], selection)
    assert message in str(caught.value)
