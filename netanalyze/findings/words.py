"""Numbers and lists as they stand in the sentences of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import distinct
from netanalyze.findings.finding import FRAMES_NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_STEPS = ((86_400 * 10**9, "d"), (3600 * 10**9, "h"), (60 * 10**9, "min"), (10**9, "s"), (10**6, "ms"))
_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_LISTED = 3


def duration(ns: int) -> str:
    """A time with three digits: ``1.52 s``."""
    for step, unit in _STEPS:
        if abs(ns) >= step:
            return f"{_three(ns / step)} {unit}"
    return f"{_three(ns / 1000)} µs"


def size(count: int) -> str:
    """An amount of bytes with three digits: ``1.52 MB``."""
    for step, unit in _SIZES:
        if abs(count) >= step:
            return f"{_three(count / step)} {unit}"
    return f"{count} B"


def _three(value: float) -> str:
    digits = max(0, 3 - len(str(int(abs(value)))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(part: float, whole: float) -> str:
    """A share: ``1.2 %``."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.01:  # noqa: PLR2004 - two digits
        return "less than 0.01 %"
    return f"{share:.2g} %" if share < 10 else f"{share:.0f} %"  # noqa: PLR2004 - two digits


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it counts: ``1 frame``, ``2 frames``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def verb(count: int, one: str, many: str) -> str:
    """The verb that goes with a number of things."""
    return one if count == 1 else many


def listed(things: Iterable[object]) -> str:
    """The first three of some things."""
    texts = [str(thing) for thing in things]
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def endpoint(address: object, port: object) -> str:
    """Address and port as people write them."""
    text = str(address)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def frames_of(numbers: NDArray[np.int64] | Sequence[int]) -> tuple[int, ...]:
    """The first of these frames, each once; numbers below 1 are no frames."""
    found = distinct(np.asarray(numbers, np.int64))
    return tuple(int(number) for number in found[found > 0][:FRAMES_NAMED])
