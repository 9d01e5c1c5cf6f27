"""What a row of a table is: a record whose fields are the columns, in order.

The record is the one place that defines a table. Its fields give the columns of the text output,
the keys of the JSON, the header of the CSV and the documentation; what each field means, in which
unit, and when text output shows it, stands beside the field.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Unit(StrEnum):
    """What a column's values are; it decides how text output shows them and what sorting does."""

    TEXT = "text"
    ADDRESS = "address"
    FILE = "file"
    PORT = "port"
    NUMBER = "number"
    FRAME = "frame number"
    COUNT = "count"
    BYTES = "bytes"
    DURATION = "ns"
    TIME = "ns since 1970-01-01 UTC"
    FLAGS = "bits"
    HEXADECIMAL = "16 bits"
    TRUTH = "true or false"
    SHARE = "percent"
    RATE = "bits per second"


QUANTITIES = frozenset({Unit.COUNT, Unit.BYTES, Unit.DURATION, Unit.RATE})
"""Units of amounts: both directions can be added up, and sorting puts the biggest first."""

NUMBERS = QUANTITIES | {
    *(Unit.PORT, Unit.NUMBER, Unit.FRAME, Unit.TIME, Unit.FLAGS, Unit.HEXADECIMAL, Unit.SHARE),
}
"""Units whose values are integers."""

AMOUNTS = frozenset({Unit.COUNT, Unit.BYTES, Unit.RATE, Unit.SHARE})
"""Units of what is added up over packets: it is too low, or wrong, where some are missing."""

WIDE = 9
"""Priority of a column that text output shows only when all columns are asked for."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """Base of all rows: immutable, and holding nothing that could form a reference cycle."""


def column(  # noqa: PLR0913 - all but two are by name
    description: str,
    unit: Unit = Unit.TEXT,
    *,
    show: int = 1,
    flags: str = "",
    note: bool = False,
    suffers: bool | None = None,
) -> msgspec.Meta:
    """Describe a field of a record, inside ``Annotated``.

    Args:
        description: what the value is; a sentence without a full stop.
        unit: what kind of value it is.
        show: when text output is too narrow, columns with a high number go first; 0 stays as
            long as anything does, ``WIDE`` is shown only with all columns.
        flags: for ``Unit.FLAGS``: one letter for each bit, the highest first.
        note: whether it is a sentence, which text output has below the row, uncut.
        suffers: whether packets that were lost while capturing make it uncertain; where nothing is said, they
            do so with amounts (``AMOUNTS``).
    """
    uncertain = unit in AMOUNTS if suffers is None else suffers
    schema: dict[str, Any] = {} if unit in (Unit.TEXT, Unit.FILE, Unit.TRUTH) else {"unit": unit.value}
    if uncertain:
        schema["uncertain_if_lost"] = True
    return msgspec.Meta(
        description=description + ".",
        extra_json_schema=schema or None,
        extra={"unit": unit, "show": show, "flags": flags, "note": note, "suffers": uncertain},
    )


class Field(msgspec.Struct, frozen=True):
    """One column of a table, read from its record.

    Attributes:
        name: of the column.
        description: what it holds.
        unit: of its values.
        kind: the Python type of its values; ``object`` where it is none of int, bool, str.
        nullable: whether a row may have no value there.
        show: see ``column``.
        flags: see ``column``.
        parts: the columns that are added up for it: itself, or those of both directions.
        note: see ``column``.
        suffers: see ``column``.
    """

    name: str
    description: str
    unit: Unit
    kind: type
    nullable: bool
    show: int
    flags: str
    parts: tuple[str, ...]
    note: bool = False
    suffers: bool = False

    @property
    def short(self) -> str:
        """The name without the unit, as text output has it above the column."""
        return self.name.removesuffix("_ns").removesuffix("_bps")


def select_type(record: type[Record], names: Sequence[str]) -> type[Record]:
    """A record with some of the fields of another, in this order, all of which text output shows."""
    types = field_types(record)
    selected: Any = msgspec.defstruct(
        record.__name__,
        [(name, _always(types[name])) for name in names],
        bases=(Record,),
        module=record.__module__,
        frozen=True,
        gc=False,
    )
    selected.__doc__ = record.__doc__
    return selected  # type: ignore[no-any-return] # one of the bases is Record


def _always(hint: Any) -> Any:  # noqa: ANN401 - a type annotation can be any object
    """The type of a field without ``WIDE``: somebody asked for the column by name."""
    bare, meta = get_args(hint)
    return Annotated[bare, column(meta.description.removesuffix("."), **{**meta.extra, "show": 1})]


def field_types(record: type[msgspec.Struct]) -> dict[str, Any]:
    """The annotated types of a record's fields, by name and in order."""
    hints = get_type_hints(record, include_extras=True)
    return {name: hints[name] for name in record.__struct_fields__}


@cache
def fields(record: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The columns of a table with this record, in order."""
    return tuple(_field(name, hint) for name, hint in field_types(record).items())


def _field(name: str, hint: Any) -> Field:  # noqa: ANN401 - a type annotation can be any object
    meta = msgspec.Meta()
    if get_origin(hint) is Annotated:
        hint, meta = get_args(hint)[:2]
    types = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    kind = types[0] if len(types) == 1 and types[0] in (int, bool, str) else object
    extra = meta.extra or {}
    return Field(
        name=name,
        description=meta.description or "",
        unit=extra.get("unit", Unit.TEXT),
        kind=kind,
        nullable=NoneType in get_args(hint),
        show=extra.get("show", 1),
        flags=extra.get("flags", ""),
        parts=(name,),
        note=extra.get("note", False),
        suffers=extra.get("suffers", False),
    )


def find_field(known: Sequence[Field], name: str) -> Field | None:
    """The column that a user means by a name, or None.

    That is a column's own name, or the name without ``_ns``. ``bytes`` also means the sum of
    ``client_bytes`` and ``server_bytes``, and so do the other amounts that both directions have.
    """
    by_name = {field.name: field for field in known}
    for candidate in (name, name + "_ns", name + "_bps"):
        if candidate in by_name:
            return by_name[candidate]
    pair = [by_name.get(f"{side}_{name}") for side in ("client", "server")]
    client, server = pair
    if client is None or server is None or client.unit not in QUANTITIES:
        return None
    return Field(
        name=name,
        description=f"{client.name} and {server.name} together.",
        unit=client.unit,
        kind=int,
        nullable=client.nullable or server.nullable,
        show=client.show,
        flags="",
        parts=(client.name, server.name),
        suffers=client.suffers,
    )
