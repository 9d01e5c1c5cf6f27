from __future__ import annotations

import contextlib
import operator
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import sample_report, stream_columns, stream_table

from netanalyze.errors import UsageError
from netanalyze.report.quantity import BYTE_UNITS, DURATION_UNITS, parse_number, parse_time
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.table import Table
from netanalyze.report.where import parse_condition

if TYPE_CHECKING:
    from netanalyze.report.report import Report


@pytest.mark.parametrize(
    ("condition", "streams"),
    [
        ("app=http", [0, 3]),
        ("app==http", [0, 3]),
        (" app = http ", [0, 3]),
        ("app!=http", [1, 2]),
        ("app=null", [2]),
        ("app!=null", [0, 1, 3]),
        ("app~^t", [1]),
        ("app!~^t", [0, 2, 3]),
        ("app~HTTP", []),
        ("app~(?i)HTTP", [0, 3]),
        ("app=", None),
        ("handshake=null", [2]),
        ("handshake_ns!=null", [0, 1, 3]),
        ("handshake>1ms", [0, 1, 3]),
        ("handshake<1h", [0, 1, 3]),
        ("handshake!=43.8ms", [2]),
        ("duration>1.26s", [0, 1, 2]),
        ("duration>=1.27s", [0, 1, 2]),
        ("duration>1.27s", []),
        ("duration<=61ms", [3]),
        ("duration_ns<1e9", [3]),
        ("duration_ns=61_000_000", [3]),
        ("duration>0", [0, 1, 2, 3]),
        ("server_bytes>1MB", [0, 1]),
        ("server_bytes>1MiB", [0, 1]),
        ("server_bytes<1kB", [2, 3]),
        ("server_bytes=99", [3]),
        ("server_bytes=98.5", []),
        ("server_bytes!=98.5", [0, 1, 2, 3]),
        ("server_bytes>98.5", [0, 1, 3]),
        ("server_bytes>=98.5", [0, 1, 3]),
        ("server_bytes<98.5", [2]),
        ("server_bytes<=98.5", [2]),
        ("bytes=100", [3]),
        ("bytes>1MB", [0, 1]),
        ("packets=11", [0, 1, 2, 3]),
        ("server_bytes<1e300", [0, 1, 2, 3]),
        ("server_bytes>1e300", []),
        ("server_bytes>-1e300", [0, 1, 2, 3]),
        ("server_bytes=1e300", []),
        ("client=10.0.0.1", [0]),
        ("client!=10.0.0.1", [1, 2, 3]),
        ("client=10.0.0.0/8", [0, 2, 3]),
        ("client=10.0.0.2/31", [2]),
        ("client=2001:db8::/32", [1]),
        ("client=2001:DB8:0::1", [1]),
        ("client=0.0.0.0/0", [0, 2, 3]),
        ("client=::/0", [1]),
        ("client~^10[.]0", [0, 2]),
        ("server_port=443", [1]),
        ("completeness=31", [0, 1, 3]),
        ("start>2024-05-01T12:30:00.124", [1, 2, 3]),
        ("start>=2024-05-01T14:30:00.125456789+02:00", [2, 3]),
        ("start_ns=1714566600123456789", [0]),
    ],
)
def test_conditions(report: Report, condition: str, streams: list[int] | None) -> None:
    if streams is None:
        with pytest.raises(UsageError):
            report["streams"].where(condition)
        return
    assert [row.stream for row in report["streams"].where(condition)] == streams


def test_conditions_are_all_to_hold(report: Report) -> None:
    table = report["streams"].where("client=10.0.0.0/8", "app=http").where("duration<1s")
    assert [row.stream for row in table] == [3]
    assert (len(table), table.matched, table.total) == (1, 1, 4)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("app", "is not a condition"),
        ("=http", "is not a condition"),
        ("app>http", "app is not a number"),
        ("foo=1", "no column in streams named 'foo'"),
        ("server_byte=1", "did you mean server_bytes"),
        ("client_bytes=many", "'many' is not a number"),
        ("client_bytes=1_", ""),
        ("client_bytes>1 parsec", "has no unit 'parsec': B, kB"),
        ("duration>5", "'5' needs a unit: ns, us"),
        ("duration>5 weeks", "has no unit 'weeks'"),
        ("stream>5s", "'5s' is not a number"),
        ("stream~5", "stream is not text"),
        ("app~(", "is not a regular expression"),
        ("client=10.0.0.256", "not an IP address"),
        ("client=10.0.0.0/33", "not an IP address"),
        ("client=fe80::1%eth0", "not an IP address"),
        ("client>10.0.0.1", "can be compared with ="),
        ("client=example.com", "not an IP address"),
        ("app<null", "can be = null"),
        ("start>yesterday", "neither a time nor a frame"),
        ("start>12:30", "is not a date and time"),
    ],
)
def test_mistakes_are_usage_errors(report: Report, condition: str, message: str) -> None:
    if not message:
        report["streams"].where(condition)  # an underscore at the end is nobody's problem
        return
    with pytest.raises(UsageError) as caught:
        report["streams"].where(condition)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_condition_or_a_usage_error(text: str) -> None:
    report = sample_report()
    try:
        report["streams"].where(text)
    except UsageError:
        return
    parse_condition(text)


@given(
    st.sampled_from(["stream", "client", "app", "duration", "duration_ns", "start", "start_ns", "bytes"]),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "~", "!~"]),
    st.text(st.sampled_from("0123456789.eE+-:_/ *()[]nulskMB"), min_size=1, max_size=12),
)
def test_any_operand_is_understood_or_a_usage_error(name: str, sign: str, operand: str) -> None:
    report = sample_report()
    with contextlib.suppress(UsageError):
        assert 0 <= len(report["streams"].where(f"{name}{sign}{operand}")) <= 4


SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@given(
    st.lists(st.integers(0, 20) | st.none(), max_size=20),
    st.sampled_from(sorted(SIGNS)),
    st.integers(-10, 210),
)
def test_numbers_compare_as_in_python(values: list[int | None], sign: str, tenths: int) -> None:
    table = stream_table(stream_columns([{"handshake_ns": value} for value in values]))
    found = {row.stream for row in table.where(f"handshake_ns{sign}{tenths / 10}")}
    compare = SIGNS[sign]
    assert found == {
        place
        for place, value in enumerate(values)
        if (sign == "!=" if value is None else compare(value, tenths / 10))
    }


NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
)


@given(NETWORKS, st.lists(st.ip_addresses(), max_size=6), st.integers(-2, 2))
def test_networks_hold_what_the_standard_library_says(
    network: tuple[Any, int], addresses: list[Any], step: int
) -> None:
    text = f"{network[0]}/{network[1]}"
    inside = ip_network(text, strict=False)
    edges = [
        type(network[0])(number)
        for number in (int(inside.network_address) + step, int(inside.broadcast_address) + step)
        if 0 <= number < 1 << inside.max_prefixlen
    ]
    every = [*addresses, *edges]
    table = stream_table(stream_columns([{"client": str(address)} for address in every]))
    expected = [place for place, address in enumerate(every) if ip_address(str(address)) in inside]
    assert [row.stream for row in table.where(f"client={text}")] == expected
    left = [row.stream for row in table.where(f"client!={text}")]
    assert sorted(left + expected) == list(range(len(every)))


class Row(Record, frozen=True):
    """A row whose values are Python objects."""

    host: Annotated[str | None, column("Host", Unit.ADDRESS)]
    good: Annotated[bool | None, column("Good", Unit.TRUTH)]
    size: Annotated[int | None, column("Size", Unit.BYTES)]


def test_conditions_on_tables_of_objects() -> None:
    rows = [
        Row("10.0.0.1", good=True, size=2**80),
        Row("::1", good=False, size=3),
        Row("a name", good=None, size=None),
        Row(None, good=True, size=4),
    ]
    table = Table.from_rows("capture", Row, rows)
    for condition, places in (
        ("host=10.0.0.0/8", [0]),
        ("host!=10.0.0.0/8", [1, 2, 3]),
        ("host=null", [3]),
        ("good=yes", [0, 3]),
        ("good!=true", [1, 2]),
        ("good=null", [2]),
        ("size>1TB", [0]),
        ("size<=4", [1, 3]),
        ("size!=3", [0, 2, 3]),
        ("size=null", [2]),
        ("size!=null", [0, 1, 3]),
    ):
        assert list(table.where(condition)) == [rows[place] for place in places], condition
    with pytest.raises(UsageError, match="neither true nor false"):
        table.where("good=maybe")
    with pytest.raises(UsageError, match="good is not text"):
        table.where("good~x")


def test_quantities() -> None:
    assert parse_number("1.5s", DURATION_UNITS, None) == 1_500_000_000
    assert parse_number("0.1 µs", DURATION_UNITS, None) == 100
    assert parse_number("2 GiB", BYTE_UNITS, 1) == 2 << 30
    assert parse_number("1e9", {}, 1) == 10**9
    assert parse_number("-.5kB", BYTE_UNITS, 1) == -500
    for text in ("", ".", "e5", "1.2.3", "1e9999", "--1", "0x10", "٣"):
        with pytest.raises(UsageError):
            parse_number(text, {}, 1)


def test_times() -> None:
    assert parse_time("2024-05-01T12:30:00Z") == 1_714_566_600_000_000_000
    assert parse_time("2024-05-01T12:30:00.123456789") == 1_714_566_600_123_456_789


class Sums(Record, frozen=True):
    """A checksum."""

    sum: Annotated[int, column("The sum", Unit.HEXADECIMAL, show=0)]


@pytest.mark.parametrize(
    ("condition", "rows"),
    [("sum=0xe6d9", [0]), ("sum>0X10", [0]), ("sum=16", [1]), ("sum!=0x0010", [0])],
)
def test_what_is_shown_in_hexadecimal_is_asked_for_so(condition: str, rows: list[int]) -> None:
    found = Table.from_rows("capture", Sums, [Sums(0xE6D9), Sums(0x10)]).where(condition)
    assert [row.sum for row in found] == [(0xE6D9, 0x10)[row] for row in rows]
