"""Limits: what can be written, what it comes to, what is refused."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import sample_report

from netanalyze.errors import UsageError
from netanalyze.report.checks.limit import RATES, parse_limit
from netanalyze.report.record import fields
from netanalyze.report.registry import table_kind

REPORT = sample_report()
DURATIONS = [row.duration_ns for row in REPORT["streams"]]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("streams.count=4", True),
        ("streams.count==4", True),
        ("streams.count != 4", False),
        ("streams.max_duration<1h", True),
        (f"streams.max_duration_ns<={max(DURATIONS)}", True),
        (f"streams.max_duration_ns<{max(DURATIONS)}", False),
        ("streams.sum_client_bytes>0", True),
        ("streams.sum_bytes>=1kB", True),
        ("streams.min_duration_ms<=0.001", min(DURATIONS) <= 1000),
        ("streams.retransmission_rate<100%", True),
        ("streams.retransmission_rate<1", True),
        ("streams[app=http].count<=4", True),
        ("streams[app=nothing].count=0", True),
        ("capture.drop_rate<=0.5%", True),
        ("udp.p50_client_datagrams>=1", True),
    ],
)
def test_limits(text: str, kept: bool) -> None:  # noqa: FBT001 - a parameter
    assert parse_limit(text).measure(REPORT).kept is kept


@pytest.mark.parametrize("text", ["http.p99_ms<200", "http.error_rate<1%", "streams[app=no].max_duration<1s"])
def test_where_there_is_nothing_to_measure_no_limit_is_kept_or_broken(text: str) -> None:
    measured = parse_limit(text).measure(REPORT)
    assert measured.kept is None
    assert measured.shown == "nothing to measure"


@given(st.integers(1, 99))
def test_percentiles_are_values_that_so_many_do_not_exceed(percent: int) -> None:
    value = parse_limit(f"streams.p{percent}_duration<1s").measure(REPORT).value
    assert value in DURATIONS
    assert sum(other <= value for other in DURATIONS) * 100 >= percent * len(DURATIONS)
    assert sum(other < value for other in DURATIONS) * 100 < percent * len(DURATIONS)


def test_an_average_is_exact() -> None:
    value = parse_limit("streams.avg_duration<1s").measure(REPORT).value
    assert value == Fraction(sum(DURATIONS), len(DURATIONS))


def test_the_row_that_breaks_a_limit_is_named() -> None:
    measured = parse_limit("streams.max_duration<1ns").measure(REPORT)
    longest = max(REPORT["streams"], key=lambda row: row.duration_ns)
    assert measured.frame == longest.first_frame
    assert measured.kept is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http.p99_ms", "write a table, a dot, a metric"),
        ("http p99 < 3", "write a table, a dot, a metric"),
        ("htp.p99_ms<200", "no table 'htp'"),
        ("http.p99_msec<200", "no column in http named 'msec'"),
        ("http.p0_ms<200", "no metric 'p0_ms'"),
        ("http.median_ms<200", "no metric 'median_ms'"),
        ("http.p99_mb<200", "duration_ns is not in mb"),
        ("streams.max<200", "max of which column?"),
        ("streams.max_app<200", "app is no amount that has a max"),
        ("streams.max_client_port<200", "client_port is no amount that has a max"),
        ("http.p99<200", "'200' needs a unit"),
        ("http.p99<200 parsecs", "has no unit 'parsecs'"),
        ("streams.count<many", "'many' is not a number"),
        ("streams.retransmission_rate<few", "'few' is not a share"),
        ("streams.retransmission_rate<nan", "'nan' is not a share"),
        ("streams[app].count<3", "'app' is not a condition"),
        ("streams[apps=http].count<3", "no column in streams named 'apps'"),
        ("windows.count<3", "windows is about connections that have to be chosen"),
        ("__import__('os').count<3", "write a table, a dot, a metric"),
    ],
)
def test_mistakes_are_found_without_data(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_limit(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"rule {text!r}: ")


@given(st.text(max_size=40))
def test_any_text_is_a_limit_or_refused(text: str) -> None:
    with suppress(UsageError):
        parse_limit(text)


@pytest.mark.parametrize(("table", "name"), RATES)
def test_rates_are_of_columns_that_there_are(table: str, name: str) -> None:
    limit = parse_limit(f"{table}.{name}<1%")
    assert limit.rate is not None
    names = {field.name for field in fields(table_kind(table).record)}
    assert set(limit.rate.whole) <= names
    limit.measure(REPORT)
