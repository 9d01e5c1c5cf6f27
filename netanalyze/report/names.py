"""What to say when a user gives a name that does not exist."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netanalyze.report.record import Field


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """A line that says that there is no such thing, which one may be meant, and which there are.

    Args:
        what: the kind of thing, as "table".
        name: what the user wrote.
        known: the names that exist, in the order to list them.
    """
    names = list(known)
    near = get_close_matches(name, names, n=2, cutoff=0.6)
    near += [other for other in names if name and other.endswith("_" + name) and other not in near]
    meant = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"no {what} {name!r}{meant}; there are: {', '.join(names)}"


def no_such_column(name: str, tables: Mapping[str, Sequence[Field]]) -> str:
    """What to say about a column that none of these tables has.

    Args:
        name: what the user wrote.
        tables: the columns of each table that was looked at.
    """
    known = dict.fromkeys(field.name for columns in tables.values() for field in columns)
    return unknown(f"column in {' or '.join(tables)} named", name, known)
