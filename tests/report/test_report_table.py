from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import FLOWS, STREAMS, many_streams, stream_columns, stream_table, udp_columns

from netanalyze.errors import UsageError
from netanalyze.model import NULL
from netanalyze.report import tables
from netanalyze.report.column import (
    AddressColumn,
    BoolColumn,
    CodeColumn,
    Column,
    IntColumn,
    ListColumn,
    PackedColumn,
    column_of,
)
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.report.report import Report


class Thing(Record, frozen=True):
    """A row of tests."""

    name: Annotated[str | None, column("Name")]
    size_ns: Annotated[int | None, column("Size", Unit.DURATION)]
    good: Annotated[bool, column("Good", Unit.TRUTH)]
    huge: Annotated[int, column("Beyond 64 bits", Unit.COUNT)] = 0


THINGS = st.builds(
    Thing,
    name=st.none() | st.sampled_from(["a", "b", "", "ä", "c"]),
    size_ns=st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    good=st.booleans(),
    huge=st.integers(0, 5) | st.integers(0, 2**70),
)


@given(st.lists(THINGS), st.data())
def test_rows_come_back_as_they_went_in(rows: list[Thing], data: st.DataObject) -> None:
    table = Table.from_rows("capture", Thing, rows)
    assert list(table) == rows
    assert len(table) == len(rows)
    assert table.to_dicts() == [msgspec.structs.asdict(row) for row in rows]
    assert [row for chunk in table.chunks(size=3) for row in chunk] == rows
    cut = data.draw(st.slices(len(rows)))
    assert list(table[cut]) == rows[cut]
    assert list(table[cut][1:]) == rows[cut][1:]
    if rows:
        place = data.draw(st.integers(-len(rows), len(rows) - 1))
        assert table[place] == rows[place]
        turned = table[::-1]
        assert turned[place] == rows[::-1][place]


def test_index_beyond_the_rows() -> None:
    with pytest.raises(IndexError):
        Table.from_rows("capture", Thing, [])[0]


@given(st.lists(THINGS), st.sampled_from(["name", "size_ns", "good", "huge"]), st.sampled_from("+-"))
def test_sort_orders_like_python_with_nothing_last(rows: list[Thing], key: str, sign: str) -> None:
    present = [row for row in rows if getattr(row, key) is not None]
    missing = [row for row in rows if getattr(row, key) is None]
    ordered = sorted(present, key=lambda row: getattr(row, key), reverse=sign == "-")
    assert list(Table.from_rows("capture", Thing, rows).sort(sign + key)) == [*ordered, *missing]


def test_sort_puts_amounts_biggest_first_and_all_else_smallest_first() -> None:
    rows = [Thing("b", 1, good=True), Thing("a", 3, good=True), Thing("c", 2, good=True)]
    table = Table.from_rows("capture", Thing, rows)
    assert [row.size_ns for row in table.sort("size_ns")] == [3, 2, 1]
    assert [row.size_ns for row in table.sort("size")] == [3, 2, 1]
    assert [row.name for row in table.sort("name")] == ["a", "b", "c"]
    assert [row.name for row in table.sort("good", "-name")] == ["c", "b", "a"]
    assert [row.size_ns for row in table.top(2, by="size")] == [3, 2]
    assert len(table.top(0)) == 3


def test_values_that_do_not_compare_are_sorted_by_their_text() -> None:
    assert ListColumn([2, "1", None]).ranks().tolist() == [1, 0, NULL]


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (column_of([1, None], int), IntColumn),
        (column_of([1, 2**70], int), ListColumn),
        (column_of([True, False], bool), BoolColumn),
        (column_of([True, None], bool), ListColumn),
        (column_of(["a"], str), ListColumn),
    ],
)
def test_narrowest_column(made: Column, kind: type) -> None:
    assert type(made) is kind


def test_columns_of_every_kind_agree_with_themselves() -> None:
    two = np.array([1, 0], np.int64)
    for made in (
        IntColumn(np.array([3, NULL, 5])),
        IntColumn(np.array([3, 200], np.uint8)),
        BoolColumn(np.array([0, 1, 1], np.uint8)),
        ListColumn(["x", None, "y"]),
        CodeColumn(np.array([1, -1, 0], np.int32), ["tls", "http"]),
        CodeColumn(np.array([1, 0]), [None, "http"]),
        AddressColumn(np.array([0, 0]), np.array([5, 1 << 30]), np.array([0, 4])),
    ):
        values = made.values()
        assert len(made) == len(values)
        assert made.values(two) == [values[1], values[0]]
        assert made.values(slice(1, 2)) == values[1:2]
        assert list(made.array()) == values
        codes, distinct = made.distinct()
        assert [None if code < 0 else distinct[code] for code in codes.tolist()] == values
        ranks = made.ranks().tolist()
        assert [rank == NULL for rank in ranks] == [value is None for value in values]


def test_sum_of_two_columns() -> None:
    total = IntColumn(np.array([1, NULL, 3])).plus(IntColumn(np.array([10, 20, NULL])))
    assert total.values() == [11, None, None]


def test_streams_from_columns(report: Report) -> None:
    table = report["streams"]
    assert len(table) == len(STREAMS)
    first, second, third, _ = table
    assert (first.client, first.server, first.app, first.handshake_ns) == (
        "10.0.0.1",
        "192.0.2.80",
        "http",
        43_800_000,
    )
    assert second.server == "2001:db8:0:1:202:b3ff:fe1e:8329"
    assert (third.app, third.handshake_ns) == (None, None)
    assert repr(table) == "<Table streams: 4 rows, 28 columns>"
    assert [row.stream for row in table.top(2, by="bytes")] == [0, 1]
    assert [row.stream for row in table.stream(3, 1)] == [1, 3]
    assert list(table.sort("client")) == [table[0], table[2], table[3], table[1]]


def test_an_empty_name_is_no_value() -> None:
    columns = stream_columns([{}, {}, {}])
    columns |= {"app": np.array([0, 1, -1]), "app_names": ["", "tls"]}
    assert [row.app for row in stream_table(columns)] == [None, "tls", None]


def test_missing_column_is_our_own_mistake() -> None:
    columns = udp_columns(FLOWS)
    del columns["client_port"]
    with pytest.raises(KeyError):
        tables.udp_table(columns)
    columns["client_port"] = np.zeros(1)
    with pytest.raises(ValueError, match="differ in length"):
        tables.udp_table(columns)
    with pytest.raises(ValueError, match="columns of table capture"):
        Table("capture", Thing, {"name": ListColumn([])})


def test_unknown_names_are_usage_errors(report: Report) -> None:
    streams = report["streams"]
    with pytest.raises(UsageError, match="did you mean client_bytes"):
        streams.sort("client_byte")
    with pytest.raises(UsageError, match="there are: stream, client"):
        streams.select("nonsense")
    with pytest.raises(UsageError, match="no column in streams named 'bytes'"):
        streams.select("bytes")
    with pytest.raises(UsageError, match="capture has no stream or flow numbers"):
        report["capture"].stream(1)


def test_select_keeps_the_rows_and_says_what_they_are(report: Report) -> None:
    table = report["streams"].where("app=http").select("last_frame", "duration", "client")
    assert [field.name for field in table.fields] == ["last_frame", "duration_ns", "client"]
    assert table.to_dicts() == [
        {"last_frame": 100, "duration_ns": 1_270_000_000, "client": "10.0.0.1"},
        {"last_frame": 103, "duration_ns": 61_000_000, "client": "10.1.2.3"},
    ]
    assert table.record.__doc__ == "One TCP connection."
    assert table.fields[0].description == "Number of its last frame."
    assert all(field.show == 1 for field in table.fields)
    assert (table.matched, table.total) == (2, 4)


def test_few_of_many_rows_are_made() -> None:
    made = []

    class Counted(Record, frozen=True):
        number: Annotated[int, column("Number", Unit.COUNT)]

        def __post_init__(self) -> None:
            made.append(self.number)

    table = Table("streams", Counted, {"number": IntColumn(np.arange(1_000_000))})
    assert [row.number for row in table.top(20, by="number")] == list(range(999_999, 999_979, -1))
    assert len(made) == 20


def test_a_hundred_thousand_addresses_take_no_time() -> None:
    column = AddressColumn(
        np.arange(100_000) % 7, np.arange(100_000) * 2_654_435_761 % 2**32, np.full(100_000, 6)
    )
    start = time.perf_counter()
    assert len(set(column.values())) == 100_000
    assert time.perf_counter() - start < 2  # a tenth of that where nothing else runs


def table_for_frames() -> Table[Any]:
    return stream_table(many_streams(1000))


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = table_for_frames()
    frame = pandas.DataFrame(table.columns)
    assert list(frame.columns) == list(table.record.__struct_fields__)
    assert frame["client_bytes"].dtype == np.int64
    assert frame["start_ns"].tolist() == [row.start_ns for row in table]
    assert frame["client"].tolist() == [row.client for row in table]
    assert frame["handshake_ns"].isna().sum() == 200
    assert frame["app"].isna().sum() == 334


def test_polars() -> None:
    polars = pytest.importorskip("polars")
    table = table_for_frames().where("app=null").sort("-start")
    frame = polars.DataFrame(table.columns)
    assert frame.to_dicts() == table.to_dicts()
    assert frame.schema["handshake_ns"] == polars.Int64
    assert frame.schema["client_bytes"] == polars.Int64
    assert frame.schema["client"] == polars.String


def test_notebook_html_is_escaped() -> None:
    things = [Thing("<script>&", 1_500_000, good=False)] * 30
    html = Table.from_rows("capture", Thing, things)._repr_html_()
    assert "&lt;script&gt;&amp;" in html
    assert "<script>" not in html
    assert "<td>1.50 ms</td>" in html
    assert html.count("<tr>") == 21
    assert "20 of 30 rows" in html


def test_packed_texts() -> None:
    words = np.array([[2, 0], [0, 0], [1, 7], [2, 0]], np.uint64)
    made: list[int] = []

    def texts(rows: NDArray[Any]) -> list[str | None]:
        made.append(len(rows))
        return [f"{'abc'[first]}{second}" if first else None for first, second in rows.tolist()]

    column = PackedColumn(words, texts)
    assert len(column) == 4
    assert made == []
    assert column.values() == ["c0", None, "b7", "c0"]
    assert made == [3]  # each text once
    assert column.values(slice(1, 3)) == [None, "b7"]
    assert column.values(np.array([3, 1])) == ["c0", None]
    assert column.values(slice(0, 0)) == []
    assert column.ranks().tolist() == [1, NULL, 0, 1]
    codes, names = column.distinct()
    assert [None if code < 0 else names[code] for code in codes.tolist()] == ["c0", None, "b7", "c0"]
    empty = PackedColumn(words[:0], texts)
    assert (len(empty), empty.values(), empty.ranks().tolist()) == (0, [], [])
    assert empty.distinct()[0].tolist() == []
