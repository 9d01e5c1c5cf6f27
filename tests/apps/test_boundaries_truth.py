"""Messages in segments, against what programs logged of every ``send()`` and ``recv()``."""

from __future__ import annotations

import json
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze.pipeline import Options, run

if TYPE_CHECKING:
    from netanalyze.report.report import Report

CAPTURES = Path(__file__).parents[2] / "captures"
TRUTH = json.loads((CAPTURES / "sticky-writes.truth.json").read_text(encoding="utf-8"))
STREAMS = {stream["name"]: (number, stream) for number, stream in enumerate(TRUTH["streams"])}
IN_TWO_SENDS = ("two writes", "two writes, TCP_NODELAY", "MSG_MORE", "TCP_CORK")
"""Connections whose clients send each message as a head and a body."""
BYTE_BY_BYTE = ("one byte a write", "one byte a write, TCP_NODELAY")


@cache
def report() -> Report:
    asked = Options(tables=("messages", "writes"), framings=("length=u32be",))
    return run([str(CAPTURES / "sticky-writes.pcap")], asked)


def messages(name: str, sender: str) -> list[Any]:
    number, _ = STREAMS[name]
    return [row for row in report()["messages"] if row.stream == number and row.sender == sender]


@pytest.mark.parametrize("sender", ["client", "server"])
@pytest.mark.parametrize("name", STREAMS)
def test_every_boundary_is_where_a_send_ended(name: str, sender: str) -> None:
    sends = STREAMS[name][1][sender]["send_bytes"]
    found = messages(name, sender)
    if sender == "client" and name in IN_TWO_SENDS:
        sends = [head + body for head, body in zip(sends[::2], sends[1::2], strict=True)]
    elif sender == "client" and name in BYTE_BY_BYTE:
        # Only where messages end that are written a byte at a time the log does not say.
        assert set(accumulate(row.bytes for row in found)) <= set(accumulate(sends))
        assert sum(row.bytes for row in found) == sum(sends)
        return
    assert [row.bytes for row in found] == sends
    assert [row.offset for row in found] == [0, *accumulate(sends)][:-1]


def test_where_a_reader_fails_it_got_what_the_server_really_read() -> None:
    for case, misread in (("case A", None), ("case B", 500)):
        number, stream = STREAMS[case]
        (row,) = [row for row in report()["writes"] if row.stream == number and row.sender == "client"]
        assert row.misread_bytes == misread
        assert (row.misread_segments > 0) == (misread is not None)
        if misread is not None:
            assert stream["server"]["receive_bytes"] == [misread]


@pytest.mark.parametrize("case", "abcd")
def test_cases_are_those_that_were_made(case: str) -> None:
    number, _ = STREAMS[f"case {case.upper()}"]
    (row,) = [row for row in report()["writes"] if row.stream == number and row.sender == "client"]
    assert {name: getattr(row, f"case_{name}") for name in "abcd"} == {
        name: int(name == case) for name in "abcd"
    }
