"""Cells: the values of a table as text for people, safe to show on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.report import units
from netanalyze.report.printable import plain, printable
from netanalyze.report.record import Field, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netanalyze.report.table import Table

MISSING = "-"
"""Stands where a row has no value."""

_FORMATS: dict[Unit, Callable[[int], str]] = {
    Unit.COUNT: units.count,
    Unit.BYTES: units.size,
    Unit.DURATION: units.duration,
    Unit.TIME: units.moment,
    Unit.RATE: units.bit_rate,
    Unit.HEXADECIMAL: "0x{:04x}".format,
}


def header(field: Field) -> str:
    """The words above a column."""
    words = field.short.replace("_", " ")
    return f"{words} (UTC)" if field.unit is Unit.TIME else words


def cell(value: object, field: Field, *, ascii_only: bool = False) -> str:
    """One value as text."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _number(value, field) if isinstance(value, int) else None
    if text is None:
        return printable(str(value), ascii_only=ascii_only)
    return plain(text) if ascii_only else text


def _number(value: int, field: Field) -> str | None:
    """A number in its unit; None if it has none."""
    if field.unit is Unit.FLAGS and field.flags:
        return units.flags(value, field.flags)
    form = _FORMATS.get(field.unit)
    return form(value) if form else None


def cells(table: Table[Any], columns: Sequence[Field], *, ascii_only: bool = False) -> list[list[str]]:
    """All rows of some columns as text, one list for each column."""
    index = {field.name: place for place, field in enumerate(table.fields)}
    result: list[list[str]] = [[] for _ in columns]
    for chunk in table.value_chunks():
        for texts, field in zip(result, columns, strict=True):
            texts.extend(cell(value, field, ascii_only=ascii_only) for value in chunk[index[field.name]])
    return result
