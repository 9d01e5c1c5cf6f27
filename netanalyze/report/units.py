"""Numbers for people: durations, byte counts, counts, times, rates, shares.

Lengths and durations are shown with three significant digits and decimal prefixes; exact numbers
are what the JSON and CSV are for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TWO_UNITS_FROM = 2 * MINUTE
_TWO_UNITS = (
    ("min", MINUTE, "s", SECOND, 60),
    ("h", HOUR, "min", MINUTE, 24),
    ("d", DAY, "h", HOUR, 1 << 63),
)
"""Larger unit, smaller unit, and how many of the larger are too many for it."""

_SIGNIFICANT = 1000
"""Numbers of three significant digits are below this."""


def duration(ns: int) -> str:
    """A length of time: ``870 ns``, ``43.8 ms``, ``1.27 s``, ``2 min 05 s``, ``3 h 07 min``, ``4 d 02 h``."""
    if ns < 0:
        return "-" + duration(-ns)
    if ns == 0:
        return "0 s"
    text = ""
    if ns < _TWO_UNITS_FROM:
        return _scaled(ns, (("ns", 1), ("µs", 1_000), ("ms", 1_000_000), ("s", SECOND)))
    for large, large_ns, small, small_ns, limit in _TWO_UNITS:
        whole, rest = divmod((ns + small_ns // 2) // small_ns, large_ns // small_ns)
        text = f"{whole} {large} {rest:02} {small}"
        if whole < limit:
            break
    return text


def _scaled(number: int, units: tuple[tuple[str, int], ...]) -> str:
    """Three significant digits in the first unit that leaves less than 1000 of it, or in the last."""
    text = ""
    for unit, size in units:
        decimals = 0 if size == 1 or number >= 100 * size else 1 if number >= 10 * size else 2
        digits = _rounded(number, decimals, size)
        if digits >= _SIGNIFICANT and decimals:  # 9.999 became 10.00
            decimals -= 1
            digits = _rounded(number, decimals, size)
        text = str(digits).rjust(decimals + 1, "0")
        text = f"{text[:-decimals]}.{text[-decimals:]} {unit}" if decimals else f"{text} {unit}"
        if digits < _SIGNIFICANT:
            break
    return text


def _rounded(number: int, decimals: int, size: int) -> int:
    """``number / size`` with its decimals moved before the point, rounded half up without floats."""
    shifted: int = number * 10**decimals
    return (shifted * 2 + size) // (2 * size)


def size(number: int) -> str:
    """A number of bytes with a decimal prefix: ``999 B``, ``1.23 MB``."""
    if number < 0:
        return "-" + size(-number)
    return _scaled(
        number, (("B", 1), ("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12), ("PB", 10**15))
    )


def rate(number: int, ns: int) -> str:
    """Bytes within a time as bits per second: ``12.3 Mbit/s``."""
    return bit_rate(number * 8 * SECOND // ns)


def bit_rate(bits: int) -> str:
    """Bits per second with a decimal prefix: ``12.3 Mbit/s``."""
    return _scaled(
        bits, (("bit/s", 1), ("kbit/s", 10**3), ("Mbit/s", 10**6), ("Gbit/s", 10**9), ("Tbit/s", 10**12))
    )


def per_second(number: int, ns: int) -> str:
    """How many in a second, to two significant places where there are few."""
    each = number * SECOND / ns
    return count(round(each)) if each >= 10 else f"{each:.2g}"  # noqa: PLR2004 - two digits from here on


def count(number: int) -> str:
    """A number with its digits in groups of three: ``1 234 567``."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 frame``, ``2 frames``.

    Args:
        number: how many.
        one: the noun for one.
        many: the noun for another number, if it is not just ``one`` with an s.
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent: ``42 %``; what is there is never shown as 0, nor a part as all."""
    if whole <= 0:
        return ""
    if 0 < part * 100 < whole:
        return "<1 %"
    if part < whole and part * 200 >= whole * 199:
        return ">99 %"
    return f"{(part * 200 + whole) // (2 * whole)} %"


def moment(ns: int) -> str:
    """A point in time, UTC, to the millisecond: ``2024-05-01 12:30:00.123``."""
    time = _EPOCH + timedelta(milliseconds=ns // 1_000_000)
    return time.isoformat(" ", "milliseconds").removesuffix("+00:00")


def flags(number: int, letters: str) -> str:
    """Bits as letters, the highest first, a dot for each that is not set: ``·FDASS``."""
    top = len(letters) - 1
    return "".join(letter if number >> (top - place) & 1 else "·" for place, letter in enumerate(letters))
