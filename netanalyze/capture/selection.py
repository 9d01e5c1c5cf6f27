"""The part of a capture to look at: ``--from`` and ``--to``.

A bound is a frame number or a time; both bounds belong to the part. Everything is integers: a bound
given to the nanosecond means that nanosecond. Written without a zone, a time is UTC.
"""

from __future__ import annotations

import enum
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from netanalyze.capture.batch import Batch

NS_PER_SECOND = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND
FIRST_EPOCH_SECONDS = 1_000_000_000
"""A plain number from here on is seconds since 1970, not since the first frame (2001-09-09)."""

FORMS = (
    "a frame (frame 100, #100), time since the first frame (12.5, 1.5s, 200ms, 2min), a date and time "
    "(2024-05-01T10:00:00, with Z or +02:00 if not UTC), a time of the capture's first day (10:00:00), "
    "or seconds since 1970 (1714557600.25)"
)
"""What a bound may look like, for messages and help."""

TIME_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": NS_PER_SECOND,
    "min": 60 * NS_PER_SECOND,
    "h": 3600 * NS_PER_SECOND,
    "d": 86_400 * NS_PER_SECOND,
}
_EPOCH = date(1970, 1, 1).toordinal()
_LIMITS_NS = (-(1 << 63), (1 << 63) - 1)  # what the column of times has room for

_FRAME = re.compile(r"(?:frame\s*|#\s*)([0-9]{1,18})", re.IGNORECASE)
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,18}))?\s*([a-zµμ]*)", re.IGNORECASE)
_CLOCK = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,18}))?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
_TIME_OF_DAY = re.compile(f"T?{_CLOCK}", re.IGNORECASE)
_DATE_TIME = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:(?:T|\s+){_CLOCK})?", re.IGNORECASE)


class Kind(enum.Enum):
    """What a bound counts."""

    FRAME = "frame number"
    SINCE_FIRST = "nanoseconds since the first frame"
    ABSOLUTE = "nanoseconds since 1970-01-01 UTC"
    TIME_OF_DAY = "nanoseconds since midnight of the capture's first day"


class Bound(NamedTuple):
    """One end of a selection.

    Attributes:
        kind: what ``value`` counts.
        value: frame number or nanoseconds.
        zone_ns: for a time of day, how far its zone is ahead of UTC.
    """

    kind: Kind
    value: int
    zone_ns: int = 0

    def time_ns(self, first_ns: int) -> int:
        """The bound as a time, in a capture whose first frame is of this time; not for frame numbers."""
        if self.kind is Kind.SINCE_FIRST:
            return first_ns + self.value
        if self.kind is Kind.TIME_OF_DAY:
            local_ns = first_ns + self.zone_ns
            return local_ns - local_ns % NS_PER_DAY + self.value - self.zone_ns
        return self.value


def parse_bound(text: str) -> Bound:
    """Read what a user wrote as the beginning or end of a selection.

    Raises:
        UsageError: it has none of the accepted forms, names a time that does not exist, or is more
            precise than a nanosecond.
    """
    written = text.strip()
    for pattern, read in (
        (_FRAME, _frame),
        (_NUMBER, _number),
        (_TIME_OF_DAY, _time_of_day),
        (_DATE_TIME, _date_time),
    ):
        found = pattern.fullmatch(written)
        if found:
            try:
                return read(*found.groups())
            except ValueError as error:
                message = f"{_shown(text)}: {error}"
                raise UsageError(message) from error
    message = f"{_shown(text)} is neither a time nor a frame; write {FORMS}"
    raise UsageError(message)


class Selection:
    """The frames from one bound to another, both included; a bound that is None leaves that end open."""

    def __init__(self, start: Bound | None, stop: Bound | None) -> None:
        """Make sure that the bounds make sense together, as far as can be told without a capture.

        Raises:
            UsageError: the end is before the beginning.
        """
        if start and stop and (start.kind, start.zone_ns) == (stop.kind, stop.zone_ns) and start > stop:
            message = f"the selection ends before it begins: {_said(stop)} is before {_said(start)}"
            raise UsageError(message)
        self.start = start
        self.stop = stop
        self._first_ns: int | None = None

    def apply(self, batch: Batch) -> None:
        """Clear ``keep`` of the frames outside; batches come in the order of the capture."""
        if batch.count == 0:
            return
        times = batch.arrays["time_ns"][: batch.count]
        if self._first_ns is None:
            self._first_ns = int(times[0])
        keep = batch.arrays["keep"][: batch.count]
        if self.start is not None:
            if self.start.kind is Kind.FRAME:
                keep[: max(self.start.value - batch.first_frame, 0)] = 0
            else:
                keep[times < _limited(self.start.time_ns(self._first_ns))] = 0
        if self.stop is not None:
            if self.stop.kind is Kind.FRAME:
                keep[max(self.stop.value - batch.first_frame + 1, 0) :] = 0
            else:
                keep[times > _limited(self.stop.time_ns(self._first_ns))] = 0


def _frame(number: str) -> Bound:
    if int(number) == 0:
        message = "frames are counted from 1"
        raise ValueError(message)
    return Bound(Kind.FRAME, int(number))


def _number(whole: str, fraction: str | None, unit: str) -> Bound:
    # Folding makes the Greek letter of the micro sign: both are written.
    scale = TIME_UNITS_NS.get(unit.casefold().replace("μ", "u") or "s")
    if scale is None:
        message = f"{unit!r} is no unit of time; there are {', '.join(TIME_UNITS_NS)}"
        raise ValueError(message)
    value = int(whole) * scale + _fraction_ns(fraction, scale)
    if unit or int(whole) < FIRST_EPOCH_SECONDS:
        return Bound(Kind.SINCE_FIRST, value)
    return Bound(Kind.ABSOLUTE, _in_range(value))


def _time_of_day(hour: str, minute: str, second: str | None, fraction: str | None, zone: str | None) -> Bound:
    return Bound(Kind.TIME_OF_DAY, _clock_ns(hour, minute, second, fraction), _zone_ns(zone))


def _date_time(  # noqa: PLR0913, PLR0917 - the groups of the pattern
    year: str,
    month: str,
    day: str,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    zone: str | None,
) -> Bound:
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    clock_ns = _clock_ns(hour or "0", minute or "0", second, fraction)
    return Bound(Kind.ABSOLUTE, _in_range(days * NS_PER_DAY + clock_ns - _zone_ns(zone)))


def _clock_ns(hour: str, minute: str, second: str | None, fraction: str | None) -> int:
    limits = ((int(hour), 23, "hour"), (int(minute), 59, "minute"), (int(second or "0"), 59, "second"))
    for value, limit, name in limits:
        if value > limit:
            message = f"there is no {name} {value}"
            raise ValueError(message)
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second or "0")
    return seconds * NS_PER_SECOND + _fraction_ns(fraction, NS_PER_SECOND)


def _zone_ns(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a clock
        message = f"there is no time zone {zone}"
        raise ValueError(message)
    ahead_ns = (hours * 60 + minutes) * 60 * NS_PER_SECOND
    return -ahead_ns if zone.startswith("-") else ahead_ns


def _fraction_ns(digits: str | None, scale: int) -> int:
    """The digits behind the point, of a unit of ``scale`` nanoseconds."""
    divisor: int = 10 ** len(digits or "")
    value, rest = divmod(int(digits or "0") * scale, divisor)
    if rest:
        message = "times are whole nanoseconds, this is more precise"
        raise ValueError(message)
    return value


def _in_range(time_ns: int) -> int:
    if _limited(time_ns) != time_ns:
        message = "the time is out of range: it must lie in the years 1678 to 2261"
        raise ValueError(message)
    return time_ns


def _limited(time_ns: int) -> int:
    return min(max(time_ns, _LIMITS_NS[0]), _LIMITS_NS[1])


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")  # noqa: PLR2004 - fits a line


def _said(bound: Bound) -> str:
    """A bound in words."""
    if bound.kind is Kind.FRAME:
        return f"frame {bound.value}"
    seconds, fraction = divmod(bound.value, NS_PER_SECOND)
    if bound.kind is Kind.ABSOLUTE:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"
    if bound.kind is Kind.TIME_OF_DAY:
        zone = timezone(timedelta(seconds=bound.zone_ns // NS_PER_SECOND))
        moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(seconds=seconds)
        return f"{moment:%H:%M:%S}.{fraction:09}"
    return f"{seconds}.{fraction:09} s"
