"""A limit that a project sets: ``http.p99_ms<200``, ``streams.retransmission_rate<0.1%``.

::

    limit     = TABLE ["[" CONDITION {";" CONDITION} "]"] "." METRIC OPERATOR VALUE
    METRIC    = "count" | RATE | AGGREGATE ["_" COLUMN] ["_" UNIT]
    AGGREGATE = "sum" | "min" | "max" | "avg" | "p50" | "p90" | "p95" | "p99" (any of p1 to p99)
    OPERATOR  = "<" | "<=" | ">" | ">=" | "=" | "!="
    VALUE     = NUMBER [UNIT]

Conditions are those of ``--where``. Without a column the one of ``USUAL_COLUMN`` is meant. A unit at the end
of the metric is that of a bare number; otherwise durations need one behind the number. Percentiles are by
nearest rank, as in the tables. Nothing of this is evaluated as a program.
"""

from __future__ import annotations

import operator
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.model import NULL
from netanalyze.report import units
from netanalyze.report.names import unknown
from netanalyze.report.quantity import BYTE_UNITS, DURATION_UNITS, parse_number
from netanalyze.report.record import QUANTITIES, Field, Unit, fields, find_field
from netanalyze.report.registry import table_kind
from netanalyze.report.where import parse_condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netanalyze.report.report import Report
    from netanalyze.report.table import Table

_LIMIT = re.compile(
    r"\s*([a-z_]\w*)\s*(?:\[([^\]]*)\])?\s*\.\s*([a-z_]\w*)\s*(<=|>=|==|!=|<|>|=)\s*(.*?)\s*\Z", re.DOTALL
)
_METRIC = re.compile(r"(sum|min|max|avg|p[1-9]\d?)(?:_(\w+))?\Z")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_BARE_UNITS: Mapping[str, int] = {
    **DURATION_UNITS,
    **{name.lower(): size for name, size in BYTE_UNITS.items()},
}
"""Units that may stand at the end of a metric."""

USUAL_COLUMN = {"http": "duration_ns", "dns": "latency_ns"}
"""The column that is meant where a metric names none."""


class Rate(Struct, frozen=True):
    """A share with a name.

    Attributes:
        table: whose rows it is of.
        part: columns whose sum is the part, or conditions that rows of the part fulfil.
        whole: columns whose sum is the whole; none for the number of rows.
        about: what it is, for the documentation.
    """

    table: str
    part: tuple[str, ...]
    whole: tuple[str, ...]
    about: str


RATES: Mapping[tuple[str, str], Rate] = {
    (rate.table, name): rate
    for name, rate in (
        (
            "retransmission_rate",
            Rate(
                "streams", ("retransmissions",), ("client_packets", "server_packets"), "segments sent again"
            ),
        ),
        (
            "out_of_order_rate",
            Rate("streams", ("out_of_order",), ("client_packets", "server_packets"), "segments overtaken"),
        ),
        (
            "reset_rate",
            Rate("streams", ("conn_state~^(RSTO|RSTR|REJ)$",), (), "connections reset or refused"),
        ),
        ("failure_rate", Rate("listeners", ("refused", "unanswered"), ("attempts",), "attempts that failed")),
        ("error_rate", Rate("http", ("status>=500",), (), "responses with status 500 and above")),
        (
            "client_error_rate",
            Rate("http", ("status>=400", "status<500"), (), "responses with status 400 to 499"),
        ),
        ("hang_up_rate", Rate("http", ("end!=complete",), (), "exchanges that did not end well")),
        ("drop_rate", Rate("capture", ("dropped",), ("dropped", "frames"), "packets lost while capturing")),
    )
}
"""Shares that have a name, by table and name."""


class Measured(Struct, frozen=True):
    """What a limit came to.

    Attributes:
        limit: the limit.
        value: what was measured, in ns, bytes, a count or a share of 1; None where there were no rows.
        rows: how many rows it is of.
        frame: of the row that has the value, where there is such a row and it names one.
    """

    limit: Limit
    value: Fraction | None
    rows: int
    frame: int | None

    @property
    def kept(self) -> bool | None:
        """Whether the limit is kept; None where nothing was measured."""
        if self.value is None:
            return None
        return _COMPARE[self.limit.sign](self.value, Fraction(self.limit.bound))

    @property
    def shown(self) -> str:
        """The value as people read it."""
        return "nothing to measure" if self.value is None else self.limit.shown(self.value)


class Limit(Struct, frozen=True):
    """A limit that has been taken apart.

    Attributes:
        text: as the user wrote it.
        table: the table that it is about.
        conditions: which rows of it.
        aggregate: ``count``, ``rate``, ``sum``, ``min``, ``max``, ``avg`` or ``p99``.
        field: the column; None for a count or a rate.
        rate: the rate if it is one.
        sign: how to compare.
        bound: with what, in the base unit.
    """

    text: str
    table: str
    conditions: tuple[str, ...]
    aggregate: str
    field: Field | None
    rate: Rate | None
    sign: str
    bound: Decimal

    def measure(self, report: Report) -> Measured:
        """What a report says of it."""
        table = report[self.table].where(*self.conditions) if self.conditions else report[self.table]
        if self.aggregate == "count":
            return Measured(self, Fraction(len(table)), len(table), None)
        if self.rate is not None:
            return Measured(self, self._share(table, self.rate), len(table), None)
        assert self.field is not None  # noqa: S101 - whatever is no count and no rate is of a column
        values = _numbers(table, self.field)
        present = values[values != NULL]
        if not len(present):
            return Measured(self, None, 0, None)
        value = _AGGREGATES[self.aggregate[0]](present, self.aggregate)
        return Measured(self, value, len(present), self._frame(table, values, value))

    @staticmethod
    def _share(table: Table[Any], rate: Rate) -> Fraction | None:
        if rate.whole:
            part, whole = (
                sum(_total(_numbers(table, table.field(name))) for name in names)
                for names in (rate.part, rate.whole)
            )
        else:
            part, whole = len(table.where(*rate.part)), len(table)
        return Fraction(part, whole) if whole else None

    def _frame(self, table: Table[Any], values: np.ndarray[Any, Any], value: Fraction) -> int | None:
        """The frame of the row with a value, where it is one of the values."""
        names = [name for name in ("frame", "first_frame") if find_field(table.fields, name)]
        if self.aggregate[0] not in "mp" or not names:
            return None
        row: int = int(np.flatnonzero(values == int(value))[0])
        frame: int | None = getattr(table[row], names[0])
        return frame

    def shown(self, value: Fraction) -> str:
        """A value of its metric as people read it."""
        if self.rate is not None:
            return f"{float(100 * value):.3g} %"
        unit = self.field.unit if self.field is not None else Unit.COUNT
        if unit is Unit.DURATION:
            return units.duration(round(value))
        if unit is Unit.BYTES:
            return units.size(round(value))
        return units.count(int(value)) if value.denominator == 1 else f"{float(value):.4g}"


def _total(values: np.ndarray[Any, Any]) -> int:
    return int(values[values != NULL].sum())


def _numbers(table: Table[Any], field: Field) -> np.ndarray[Any, Any]:
    """The column of the rows that are left of a table."""
    chosen = table.select(field.name) if len(field.parts) == 1 else None
    if chosen is None:
        return np.array([NULL if value is None else value for value in _sums(table, field)], np.int64)
    values = chosen.columns[field.name]
    if isinstance(values, list):
        return np.array([NULL if value is None else value for value in values], np.int64)
    return np.asarray(values, np.int64)


def _sums(table: Table[Any], field: Field) -> list[int | None]:
    pairs = zip(*(table.columns[name] for name in field.parts), strict=True)
    return [None if None in pair else sum(pair) for pair in pairs]


def _nearest_rank(values: np.ndarray[Any, Any], name: str) -> Fraction:
    place = max(-(-int(name[1:]) * len(values) // 100), 1) - 1
    return Fraction(int(np.partition(values, place)[place]))


def _of_extremes(values: np.ndarray[Any, Any], name: str) -> Fraction:
    return Fraction(int(values.min() if name == "min" else values.max()))


_AGGREGATES: Mapping[str, Callable[[np.ndarray[Any, Any], str], Fraction]] = {
    "s": lambda values, _name: Fraction(sum(values.tolist())),
    "m": _of_extremes,
    "a": lambda values, _name: Fraction(sum(values.tolist()), len(values)),
    "p": _nearest_rank,
}
"""By the first letter of an aggregate's name."""


def parse_limit(text: str) -> Limit:
    """Take a limit apart, and see that it makes sense, without any data.

    Raises:
        UsageError: it does not.
    """
    try:
        return _parsed(text)
    except UsageError as error:
        message = f"rule {text!r}: {error}"
        raise UsageError(message) from None


def _parsed(text: str) -> Limit:
    match = _LIMIT.match(text)
    if match is None or not match[5]:
        message = (
            "write a table, a dot, a metric, one of < <= > >= = !=, and a value, as in 'http.p99_ms<200'"
        )
        raise UsageError(message)
    name, where, metric, sign, value = match.groups()
    kind = table_kind(name)
    if kind.of_streams:
        message = f"{name} is about connections that have to be chosen, which a rule cannot"
        raise UsageError(message)
    known = fields(kind.record)
    conditions = tuple(part.strip() for part in (where or "").split(";") if part.strip())
    for condition in conditions:
        parsed = parse_condition(condition)
        parsed.test(_field(known, parsed.column, name))
    rate = RATES.get((name, metric))
    aggregate, field, bare = ("rate", None, "") if rate else _metric(name, metric, known)
    return Limit(
        text=text.strip(),
        table=name,
        conditions=conditions,
        aggregate=aggregate,
        field=field,
        rate=rate,
        sign="=" if sign == "==" else sign,
        bound=_bound(value, rate, field, bare),
    )


def _metric(table: str, metric: str, known: tuple[Field, ...]) -> tuple[str, Field | None, str]:
    """The aggregate, the column, and the unit of a bare number."""
    if metric == "count":
        return "count", None, ""
    match = _METRIC.match(metric)
    if match is None:
        rates = [name for of, name in RATES if of == table]
        raise UsageError(
            unknown("metric", metric, ["count", *rates, "sum_…", "min_…", "max_…", "avg_…", "p99_…"])
        )
    aggregate, rest = match[1], match[2] or ""
    column, _, unit = rest.rpartition("_")
    if rest in _BARE_UNITS or (unit in _BARE_UNITS and not find_field(known, rest)):
        bare = unit if column else rest
    else:
        column, bare = rest, "ns" if rest.endswith("_ns") else ""
    column = column or USUAL_COLUMN.get(table, "")
    if not column:
        message = f"{metric} of which column? Write it behind, as in {table}.{aggregate}_duration"
        raise UsageError(message)
    field = _field(known, column, table)
    if field.unit not in QUANTITIES | {Unit.SHARE, Unit.NUMBER}:
        message = f"{field.name} is no amount that has a {aggregate}"
        raise UsageError(message)
    if bare and bare not in (DURATION_UNITS if field.unit is Unit.DURATION else _sizes()):
        message = f"{field.name} is not in {bare}"
        raise UsageError(message)
    return aggregate, field, bare


def _sizes() -> Mapping[str, int]:
    return {name.lower(): size for name, size in BYTE_UNITS.items()}


def _field(known: tuple[Field, ...], name: str, table: str) -> Field:
    found = find_field(known, name)
    if found is None:
        raise UsageError(unknown(f"column in {table} named", name, [field.name for field in known]))
    return found


def _bound(value: str, rate: Rate | None, field: Field | None, bare: str) -> Decimal:
    """The value in the base unit of the metric."""
    if rate is not None:
        number, percent = (value[:-1].rstrip(), 100) if value.endswith("%") else (value, 1)
        try:
            share = Decimal(number) / percent
        except InvalidOperation:
            share = Decimal("NaN")
        if not share.is_finite():
            message = f"{value!r} is not a share: write 0.1% or 0.001"
            raise UsageError(message)
        return share
    unit = field.unit if field is not None else Unit.COUNT
    if unit is Unit.DURATION:
        return Decimal(parse_number(value, DURATION_UNITS, DURATION_UNITS[bare] if bare else None))
    if unit is Unit.BYTES:
        return Decimal(parse_number(value, BYTE_UNITS, _sizes()[bare] if bare else 1))
    return Decimal(parse_number(value.removesuffix("%") if unit is Unit.SHARE else value, {}, 1))
