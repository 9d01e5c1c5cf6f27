"""Round numbers for axes, and how they are written there.

All labels of an axis have one unit and as many decimals as its step needs, so that no two are the
same; ``units.py`` writes single numbers and rounds to three digits.
"""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

from netanalyze.report import units
from netanalyze.report.plot.picture import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 40
"""More ticks than this no axis has, whatever was asked for."""

_TIME = (("ns", 1), ("µs", 10**3), ("ms", 10**6), ("s", units.SECOND))
_SIZE = (("B", 1), ("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12), ("PB", 10**15))
_RATE = (("bit/s", 1), ("kbit/s", 10**3), ("Mbit/s", 10**6), ("Gbit/s", 10**9), ("Tbit/s", 10**12))
UNITS = {Scale.BYTES: _SIZE, Scale.TIME: _TIME, Scale.RATE: _RATE}

_LONG_STEPS = tuple(
    number * unit
    for unit, numbers in (
        (units.SECOND, (10, 20, 30)),
        (units.MINUTE, (1, 2, 5, 10, 20, 30)),
        (units.HOUR, (1, 2, 6, 12)),
        (units.DAY, (1, 2, 5)),
    )
    for number in numbers
)
"""Steps of a time axis from ten seconds on, where decimal ones would not be round."""

Ticks = list[tuple[float, str]]


def round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below a number above 0."""
    power = 10.0 ** floor(log10(least))
    for factor in (1, 2, 5):
        if factor * power >= least * (1 - 1e-9):
            return factor * power
    return 10 * power


def time_step(least: float) -> float:
    """The smallest step in ns that is round for people and not below a number above 0."""
    if least <= _LONG_STEPS[0] / 2:
        return round_step(least)
    for step in _LONG_STEPS:
        if step >= least:
            return float(step)
    return units.DAY * round_step(least / units.DAY)


def multiples(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step from ``low`` to ``high``, at most ``MOST``."""
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, min(last, first + MOST - 1) + 1)]


def linear_ticks(low: float, high: float, most: int, scale: Scale) -> Ticks:
    """Ticks of a linear axis.

    Args:
        low: end of the axis.
        high: other end, above it.
        most: about how many there is room for.
        scale: unit of the axis.
    """
    least = (high - low) / max(most, 1)
    if not isfinite(least) or least <= 0:
        return []
    if scale is Scale.TIME:
        step = time_step(least)
    else:
        step = max(1.0, round_step(least)) if scale is Scale.BYTES else round_step(least)
    values = multiples(low, high, step)
    largest = max((abs(value) for value in values), default=0)
    if scale is Scale.TIME and step >= units.SECOND and largest >= 2 * units.MINUTE:
        return [(value, units.duration(round(value))) for value in values]
    return list(zip(values, _labels(values, step, UNITS[scale]), strict=True))


def _labels(values: list[float], step: float, known: Sequence[tuple[str, int]]) -> list[str]:
    largest = max((abs(value) for value in values), default=0)
    unit, size = [pair for pair in known if pair[1] <= max(largest, 1)][-1]
    decimals = min(9, max(0, -floor(log10(step / size) + 1e-9)))
    return [
        "0" if value == 0 else f"{value / size:,.{decimals}f} {unit}".replace(",", " ") for value in values
    ]


def log_ticks(low: float, high: float, scale: Scale) -> Ticks:
    """Ticks of a logarithmic axis from a number above 0: 1, 2, 5, 10 …, or powers of ten only."""
    if not 0 < low < high or not isfinite(high):
        return []
    first, last = floor(log10(low)), ceil(log10(high))
    factors = (1, 2, 5) if last - first <= 3 else (1,)  # noqa: PLR2004 - labels for three decades fit
    values = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    inside = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)][:MOST]
    return [
        (
            value,
            units.duration(round(value))
            if scale is Scale.TIME and value >= units.MINUTE
            else _labels([value], value, UNITS[scale])[0],
        )
        for value in inside
    ]
