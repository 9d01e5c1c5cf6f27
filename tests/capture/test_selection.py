"""Bounds as users write them, and the frames between two of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.capture.batch import Batch
from netanalyze.capture.selection import Bound, Kind, Selection, parse_bound
from netanalyze.errors import UsageError

S = 1_000_000_000
NOON = 1_714_557_600 * S  # 2024-05-01T10:00:00Z
MIDNIGHT = NOON - 10 * 3600 * S


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("frame 100", Bound(Kind.FRAME, 100)),
        ("Frame  7", Bound(Kind.FRAME, 7)),
        ("#100", Bound(Kind.FRAME, 100)),
        ("# 1", Bound(Kind.FRAME, 1)),
        ("0", Bound(Kind.SINCE_FIRST, 0)),
        ("12.5", Bound(Kind.SINCE_FIRST, 12_500_000_000)),
        (" 1.5s ", Bound(Kind.SINCE_FIRST, 1_500_000_000)),
        ("200ms", Bound(Kind.SINCE_FIRST, 200_000_000)),
        ("0.000000001", Bound(Kind.SINCE_FIRST, 1)),
        ("3us", Bound(Kind.SINCE_FIRST, 3000)),
        ("3 \N{MICRO SIGN}s", Bound(Kind.SINCE_FIRST, 3000)),
        ("3\N{GREEK SMALL LETTER MU}s", Bound(Kind.SINCE_FIRST, 3000)),
        ("40ns", Bound(Kind.SINCE_FIRST, 40)),
        ("1.5min", Bound(Kind.SINCE_FIRST, 90 * S)),
        ("2H", Bound(Kind.SINCE_FIRST, 7200 * S)),
        ("999999999", Bound(Kind.SINCE_FIRST, 999_999_999 * S)),
        ("1000000000", Bound(Kind.ABSOLUTE, 10**18)),
        ("1000000000s", Bound(Kind.SINCE_FIRST, 10**18)),
        ("1714557600.123456789", Bound(Kind.ABSOLUTE, NOON + 123_456_789)),
        ("2024-05-01T10:00:00", Bound(Kind.ABSOLUTE, NOON)),
        ("2024-05-01 10:00", Bound(Kind.ABSOLUTE, NOON)),
        ("2024-05-01t10:00:00.000000001z", Bound(Kind.ABSOLUTE, NOON + 1)),
        ("2024-05-01T12:00:00+02:00", Bound(Kind.ABSOLUTE, NOON)),
        ("2024-05-01T04:30:00,5-0530", Bound(Kind.ABSOLUTE, NOON + S // 2)),
        ("2024-05-01", Bound(Kind.ABSOLUTE, MIDNIGHT)),
        ("1969-12-31T23:59:59", Bound(Kind.ABSOLUTE, -S)),
        ("2024-02-29", Bound(Kind.ABSOLUTE, MIDNIGHT - 62 * 86_400 * S)),
        ("10:00:00", Bound(Kind.TIME_OF_DAY, 36_000 * S)),
        ("T10:00", Bound(Kind.TIME_OF_DAY, 36_000 * S)),
        ("23:59:59.999999999Z", Bound(Kind.TIME_OF_DAY, 86_400 * S - 1)),
        ("10:00:00-03:00", Bound(Kind.TIME_OF_DAY, 36_000 * S, -10_800 * S)),
    ],
)
def test_accepted_forms(text: str, bound: Bound) -> None:
    assert parse_bound(text) == bound


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "soon",
        "frame",
        "frame -1",
        "#",
        "-5",
        "+5",
        "1e9",
        "1.",
        ".5",
        "0x10",
        "1,5",
        "10:0",
        "1:00:00",
        "10:00:00 CET",
        "2024-5-1",
        "2024-05-01T",
        "20240501T100000",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "5\0",
        "9" * 5000,
    ],
)
def test_other_forms_are_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"write a frame .*#100.*200ms.*2024-05-01T10:00:00.*1714557600\.25"
    ) as caught:
        parse_bound(text)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("frame 0", "counted from 1"),
        ("5 days", "'days' is no unit of time; there are ns, us, ms, s, min, h"),
        ("2m", "'m' is no unit"),
        ("1.0000000001", "whole nanoseconds"),
        ("0.5ns", "whole nanoseconds"),
        ("24:00:00", "no hour 24"),
        ("10:60:00", "no minute 60"),
        ("10:00:60", "no second 60"),
        ("10:00:00+24:00", "no time zone"),
        ("2024-02-30", "2024-02-30"),
        ("0000-01-01", "0000-01-01"),
        ("2023-02-29T10:00:00", "2023-02-29"),
        ("1714557600000", "out of range"),
        ("9999-12-31", "out of range"),
        ("0001-01-01", "out of range"),
    ],
)
def test_times_that_do_not_exist(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        parse_bound(text)
    assert text in str(caught.value)


@given(
    moment=st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - given above
    nanoseconds=st.integers(0, 999),
    offset=st.integers(-1439, 1439),
)
def test_any_moment_is_read_exactly(moment: datetime, nanoseconds: int, offset: int) -> None:
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000 + nanoseconds
    local = moment + timedelta(minutes=offset)
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    text = f"{local:%H:%M:%S.%f}{nanoseconds:03}{zone}"
    bound = parse_bound(f"{local.year:04}-{local:%m-%d}T{text}")
    assert bound.time_ns(0) == expected
    # The same time of the same day, whatever the first frame's time on that day is.
    day_start = expected - (expected + offset * 60 * S) % (86_400 * S)
    clock = parse_bound(text)
    assert clock.time_ns(day_start) == clock.time_ns(day_start + 86_400 * S - 1) == expected


@given(seconds=st.integers(10**9, 9_223_372_035), digits=st.text("0123456789", min_size=1, max_size=9))
def test_seconds_since_1970_are_exact(seconds: int, digits: str) -> None:
    assert parse_bound(f"{seconds}.{digits}") == Bound(Kind.ABSOLUTE, seconds * S + int(digits.ljust(9, "0")))


@given(st.text())
def test_any_text_is_a_bound_or_a_usage_error(text: str) -> None:
    try:
        bound = parse_bound(text)
    except UsageError:
        return
    assert bound.value >= 0 or bound.kind is Kind.ABSOLUTE


def batches(times: list[int], size: int) -> list[Batch]:
    result = []
    for at in range(0, len(times), size):
        batch = Batch(size)
        part = times[at : at + size]
        batch.count = len(part)
        batch.first_frame = at + 1
        batch.arrays["time_ns"][: len(part)] = part
        batch.arrays["keep"][: len(part)] = 1
        result.append(batch)
    return result


def chosen(start: str | None, stop: str | None, times: list[int], size: int = 4) -> list[int]:
    """Numbers of the frames that stay."""
    selection = Selection(*(None if text is None else parse_bound(text) for text in (start, stop)))
    frames: list[int] = []
    for batch in batches(times, size):
        selection.apply(batch)
        frames += (batch.arrays["keep"][: batch.count].nonzero()[0] + batch.first_frame).tolist()
    return frames


TIMES = [NOON + number * S for number in range(10)]


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize(
    ("start", "stop", "frames"),
    [
        (None, None, range(1, 11)),
        ("frame 3", "frame 5", range(3, 6)),
        ("#10", None, range(10, 11)),
        ("#11", None, range(0)),
        (None, "#1", range(1, 2)),
        ("frame 999999999999999999", None, range(0)),
        ("2", "4s", range(3, 6)),
        ("2.000000001", "3999999999ns", range(4, 5)),
        ("2s", "frame 4", range(3, 5)),
        ("2024-05-01T10:00:01", "2024-05-01T12:00:03+02:00", range(2, 5)),
        ("10:00:08", None, range(9, 11)),
        (None, "09:59:59", range(0)),
        ("12:00:08+02:00", "10:00:08", range(9, 10)),
        ("1714557605", "1714557606.9", range(6, 8)),
        ("2261-01-01", None, range(0)),
        ("999999999999999999h", None, range(0)),
        (None, "999999999999999999h", range(1, 11)),
    ],
)
def test_both_ends_are_included(start: str | None, stop: str | None, frames: range, size: int) -> None:
    assert chosen(start, stop, TIMES, size) == list(frames)


def test_time_counts_from_the_first_frame_even_if_it_is_not_the_earliest() -> None:
    assert chosen("0", "1s", [NOON, NOON - 1, NOON + S, NOON + S + 1, NOON + 5]) == [1, 3, 5]


def test_the_first_day_is_that_of_the_zone() -> None:
    late = MIDNIGHT + 23 * 3600 * S  # already the second of May two hours further east
    times = [late, late + 3600 * S]
    assert chosen("23:30", None, times) == [2]
    assert chosen("00:30+02:00", None, times) == [1, 2]
    assert chosen("02:00+02:00", None, times) == [2]


def test_frames_that_were_out_stay_out() -> None:
    (batch,) = batches(TIMES, 10)
    batch.arrays["keep"][4] = 0
    Selection(parse_bound("#3"), parse_bound("#6")).apply(batch)
    assert batch.arrays["keep"].tolist() == [0, 0, 1, 1, 0, 1, 0, 0, 0, 0]


def test_an_empty_batch_does_not_set_the_beginning() -> None:
    selection = Selection(parse_bound("1s"), None)
    selection.apply(Batch(4))
    (batch,) = batches(TIMES, 10)
    selection.apply(batch)
    assert batch.arrays["keep"].tolist() == [0] + [1] * 9


@pytest.mark.parametrize(
    ("start", "stop", "said"),
    [
        ("#5", "#4", "frame 4 is before frame 5"),
        ("2.5", "1", r"1\.000000000 s is before 2\.500000000 s"),
        ("2024-05-02", "2024-05-01", "2024-05-01T00:00:00.000000000Z is before 2024-05-02"),
        ("10:00:00.5", "10:00", r"10:00:00\.000000000 is before 10:00:00\.500000000"),
    ],
)
def test_a_selection_that_ends_before_it_begins(start: str, stop: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Selection(parse_bound(start), parse_bound(stop))


def test_a_single_moment_is_a_selection() -> None:
    assert chosen("#4", "#4", TIMES) == [4]
    assert chosen("3s", "3s", TIMES) == [4]
