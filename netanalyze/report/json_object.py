"""JSON: the whole report as one object, a row on each line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from netanalyze._version import VERSION
from netanalyze.report.json_kernel import COMPILED
from netanalyze.report.registry import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netanalyze.report.record import Record
    from netanalyze.report.report import Report
    from netanalyze.report.table import Table

SCHEMA_VERSION = 1
"""Of the JSON. It changes when something in it is renamed or removed, not when something is added."""

_ENCODER = msgspec.json.Encoder()

_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that act on a terminal or an editor instead of showing: C1 controls, direction
overrides, separators, invisible ones. JSON lets them be written as escapes with the same meaning;
the other control characters it demands to be."""

_PLAIN = bytes(range(0x7F))


def render(report: Report, tables: Sequence[Table[Any]]) -> Iterator[bytes]:
    """The object in pieces, UTF-8."""
    head: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "generator": f"netanalyze {VERSION}",
        "complete": report.complete,
        "warnings": report.warnings,
    }
    shown = with_ledger(report, tables)
    if report.lost or report.passed_over:
        suffering = {table.name: [field.name for field in table.fields if field.suffers] for table in shown}
        head["uncertain"] = {name: columns for name, columns in suffering.items() if columns}
    yield visible(encode(head)[:-1])
    for table in shown:
        yield f',\n"{table.name}":['.encode()
        yield from rows_of(table)
        yield b"\n]" if len(table) else b"]"
    yield b"}\n"


def rows_of(table: Table[Any]) -> Iterator[bytes]:
    """The rows of a table in pieces: each on a line of its own, with commas between them."""
    if COMPILED:
        from netanalyze.report import json_rows  # noqa: PLC0415 - which encodes values as is done here

        for place, piece in enumerate(json_rows.pieces(table, b",\n{", b"}")):
            yield piece if place else piece[1:]
        return
    between = b"\n"
    for rows in table.chunks():
        yield between + lines(rows)[:-1].replace(b"\n{", b",\n{")
        between = b",\n"


def with_ledger(report: Report, tables: Sequence[Table[Any]]) -> list[Table[Any]]:
    """The tables, and before them those that every report for programs has."""
    names = {table.name for table in tables}
    return [*(report[name] for name in ALWAYS if name not in names), *tables]


def lines(rows: Sequence[Record]) -> bytes:
    """Rows as JSON, a line each; no line but a row's first begins with a brace."""
    try:
        encoded = _ENCODER.encode_lines(rows)
    except UnicodeEncodeError:
        encoded = _ENCODER.encode_lines([_whole(msgspec.structs.asdict(row)) for row in rows])
    return visible(encoded)


def encode(value: object) -> bytes:
    """Any plain value as JSON."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_whole(value))


def _whole(value: Any) -> Any:  # noqa: ANN401 - plain JSON values
    """The value with code points that UTF-8 cannot hold (half a surrogate pair) written as escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _whole(part) for name, part in value.items()}
    return [_whole(part) for part in value] if isinstance(value, list) else value


def visible(encoded: bytes) -> bytes:
    """JSON with every character that would not show written as an escape; it means the same."""
    # Only what is not plain ASCII can be meant; UTF-8 keeps it apart from what is taken out around it.
    special = encoded.translate(None, _PLAIN)
    if not special or not _UNSEEN.search(special.decode()):
        return encoded
    return _UNSEEN.sub(_escape, encoded.decode()).encode()


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
