"""Amounts and times as people write them: ``1.5s``, ``200kB``, ``2024-05-01T12:30``.

Everything is exact: decimal fractions never go through floating point.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from netanalyze.capture.selection import TIME_UNITS_NS, Kind, parse_bound
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DURATION_UNITS = {
    **TIME_UNITS_NS,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
}
"""Nanoseconds in each unit."""

BYTE_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}
"""Bytes in each unit."""

_NUMBER = re.compile(r"([+-]?(?:[0-9][0-9_]*)?\.?[0-9]*(?:[eE][+-]?[0-9]{1,3})?)\s*([^\W\d_]*)\Z")


def parse_number(text: str, units: Mapping[str, int], default: int | None) -> Decimal:
    """A number with a unit behind it, in the smallest unit; it may have a fraction left.

    Args:
        text: as ``1.5s``, ``1e9``, ``20 MB``.
        units: how many of the smallest unit each unit is.
        default: what a bare number is multiplied with; None if it needs a unit (0 never does).

    Raises:
        UsageError: it is no number, its unit is unknown or missing.
    """
    match = _NUMBER.match(text)
    try:
        number = Decimal(match[1].replace("_", "")) if match else None
    except InvalidOperation:
        number = None
    if match is None or number is None:
        message = f"{text!r} is not a number"
        raise UsageError(message)
    unit = match[2]
    factor = units.get(unit) if unit else default
    if not unit and number == 0:
        return number
    if factor is None:
        wants = "needs a unit" if not unit else f"has no unit {unit!r}"
        message = f"{text!r} {wants}: {', '.join(name for name in units if name != 'μs')}"
        raise UsageError(message if units else f"{text!r} is not a number")
    return number * factor


def parse_time(text: str) -> int:
    """A date and time as nanoseconds since 1970: ``2024-05-01T10:00:00``, UTC unless it says otherwise.

    Raises:
        UsageError: it is none.
    """
    bound = parse_bound(text)
    if bound.kind is not Kind.ABSOLUTE:
        message = f"{text!r} is not a date and time such as 2024-05-01T10:00:00"
        raise UsageError(message)
    return bound.value
