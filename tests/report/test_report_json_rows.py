"""JSON Lines written column by column are what JSON says of the rows."""

from __future__ import annotations

import json
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps.reading import ManyRows, Pool
from netanalyze.model import NULL
from netanalyze.report import json_rows
from netanalyze.report.column import PooledColumn, WordedColumn, column_of
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.table import Table


class Row(Record, frozen=True):
    number: Annotated[int | None, column("A number", Unit.NUMBER)]
    flag: Annotated[bool, column("A flag", Unit.TRUTH)]
    text: Annotated[str | None, column("A text")]
    same: Annotated[str | None, column("The same in all rows")]


numbers = st.one_of(st.none(), st.integers(NULL + 1, (1 << 63) - 1))
texts = st.one_of(st.none(), st.text(max_size=12))
rows = st.lists(st.tuples(numbers, st.booleans(), texts), max_size=40)


def read(table: Table[Any]) -> list[dict[str, Any]]:
    written = b"".join(json_rows.pieces(table, b'{"table":"x",', b"}\n"))
    return [json.loads(line) for line in written.splitlines()]


@given(rows, texts)
def test_as_the_rows_are(values: list[tuple[int | None, bool, str | None]], same: str | None) -> None:
    table = Table.from_rows("x", Row, [Row(*value, same) for value in values])
    assert read(table) == [{"table": "x", **row} for row in table.to_dicts()]


def test_what_does_not_show_is_escaped() -> None:
    table = Table.from_rows(
        "x", Row, [Row(1, flag=True, text=text, same="\u202e") for text in ("\x1b\x7f", "\u200b", "\ud800")]
    )
    written = b"".join(json_rows.pieces(table, b"{", b"}\n"))
    assert written.isascii()
    assert b"\x7f" not in written
    assert b"\x1b" not in written


def test_a_row_that_is_larger_than_the_buffer() -> None:
    table = Table.from_rows("x", Row, [Row(1, flag=True, text=text * 400_000, same=None) for text in "abc"])
    assert [row["text"] for row in read(table)] == [text * 400_000 for text in "abc"]


@pytest.mark.parametrize("count", [1, 3, 40_000])
def test_texts_of_a_pool(count: int) -> None:
    said = ["", 'a "quoted" \\ one', "plain"]
    data = np.frombuffer("".join(said).encode(), np.uint8)
    length = np.array([len(text) for text in said])
    pool = Pool(data, np.cumsum(length) - length, length)
    codes = np.arange(count) % 3
    table = Table(
        "x",
        Row,
        {
            "number": column_of(range(count), int),
            "flag": column_of([True] * count, bool),
            "text": PooledColumn(codes, pool),
            "same": WordedColumn(np.zeros(count, np.int64), pool.words),
        },
    )
    assert [row["text"] for row in read(table)] == [(said[code] or None) for code in codes]
    assert [row["text"] for row in table.to_dicts()] == [(said[code] or None) for code in codes]
    assert ManyRows(0, lambda _: {}).length == 0
