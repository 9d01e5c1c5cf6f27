"""Tables out of what the engine counted: plain arrays, and a few objects about the input.

The arrays become the columns as they are; who goes on writing into one hands over a copy.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from netanalyze.apps.reading import MadeWhenSeen, ManyRows, Pool
from netanalyze.capture.linktypes import link_type_name
from netanalyze.report import units
from netanalyze.report.column import (
    AddressColumn,
    BoolColumn,
    CodeColumn,
    Column,
    IntColumn,
    PackedColumn,
    PooledColumn,
    WordedColumn,
    column_of,
)
from netanalyze.report.made_columns import Computed, ComputedColumn, LazyColumn
from netanalyze.report.record import Field, Record, Unit, fields
from netanalyze.report.records.capture import Capture, Ledger
from netanalyze.report.records.capture import Protocol as ProtocolPath
from netanalyze.report.records.findings import Finding as FindingRow
from netanalyze.report.registry import table_kind
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.capture.info import FileInfo
    from netanalyze.columns import Rows
    from netanalyze.findings.finding import Finding
    from netanalyze.report.records.events import Event
    from netanalyze.report.records.listeners import Listener
    from netanalyze.report.records.states import Closer, Population, Transition
    from netanalyze.report.records.tcp import Stream
    from netanalyze.report.records.udp import UdpFlow
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.registry import TableKind
    from netanalyze.tcp.limits import Settled
    from netanalyze.tcp.streams import Streams
    from netanalyze.wire.checksums import Checksums

R = TypeVar("R", bound=Record)


def capture_table(files: Iterable[FileInfo]) -> Table[Capture]:
    """One row for each input file."""
    return Table.from_rows("capture", Capture, [_capture(file) for file in files])


def _capture(file: FileInfo) -> Capture:
    span = None if file.first_ns is None or file.last_ns is None else file.last_ns - file.first_ns
    return Capture(
        file=file.file,
        format=file.format,
        compression=file.compression or None,
        link_types=", ".join(dict.fromkeys(link_type_name(number) for number in file.link_types)),
        interfaces=file.interfaces,
        frames=file.frames,
        bytes=file.captured_bytes,
        wire_bytes=file.wire_bytes,
        first_ns=file.first_ns,
        last_ns=file.last_ns,
        duration_ns=span,
        received=file.received,
        dropped=file.dropped,
        cut_short=file.cut_short or None,
        clock_steps=file.clock_steps,
        clock_step_ns=file.clock_step_ns or None,
        clock_step_frame=file.clock_step_frame or None,
    )


def findings_table(found: Iterable[Finding]) -> Table[FindingRow]:
    """One row for each finding, in the order given."""
    return Table.from_rows("findings", FindingRow, [_finding(finding) for finding in found])


def _finding(finding: Finding) -> FindingRow:
    return FindingRow(
        code=finding.code,
        severity=finding.severity.label,
        title=finding.title,
        subject=finding.subject or None,
        stream=finding.stream,
        frame=finding.frame,
        count=finding.count,
        cost_ns=finding.cost_ns,
        cost_bytes=finding.cost_bytes,
        cost_requests=finding.cost_requests,
        confidence=finding.confidence.value,
        evidence=finding.evidence,
        advice=finding.advice,
        wireshark_filter=finding.wireshark_filter or None,
        frames=", ".join(map(str, finding.frames)) or None,
        counter_evidence=finding.counter,
        uncertain=finding.uncertain or None,
    )


def ledger_table(rows: Iterable[tuple[str, bool, int, int, int]]) -> Table[Ledger]:
    """One row for each reason: reason, analysed, frames, bytes, first frame."""
    return Table.from_rows("ledger", Ledger, [Ledger(*row) for row in rows])


def protocols_table(rows: Iterable[tuple[str, int, int]]) -> Table[ProtocolPath]:
    """One row for each protocol path: path, frames, bytes."""
    return Table.from_rows("protocols", ProtocolPath, [ProtocolPath(*row) for row in rows])


def streams_table(numbers: NDArray[np.int64], compute: Callable[[Rows], Mapping[str, Any]]) -> Table[Stream]:
    """One row for each TCP connection.

    Args:
        numbers: of all of them.
        compute: makes the arrays of some of them (``table_of_columns``).
    """
    record: Any = table_kind("streams").record
    computed, made = _computed(record, numbers, compute, {})
    made["tap_evidence"] = ComputedColumn(computed, "tap_facts", _evidence_column)
    return Table("streams", record, made)


def _evidence_column(columns: Mapping[str, Any], name: str) -> Column:
    from netanalyze.report.tap_texts import EvidenceColumn  # noqa: PLC0415 - for one table only

    return EvidenceColumn(columns[name])


def owner_columns(count: int, codes: NDArray[Any] | None = None, names: Sequence[str] = ()) -> dict[str, Any]:
    """The columns of the tables ``streams`` and ``udp`` about processes.

    Args:
        count: how many streams or flows there are.
        codes: a row for each, of the numbers of the names of the client's and the server's process, -1 for
            none; if None, nothing is known.
        names: by number.
    """
    known = np.full((count, 2), -1) if codes is None else codes
    return {
        "client_process": known[:, 0],
        "client_process_names": names,
        "server_process": known[:, 1],
        "server_process_names": names,
    }


def transitions_table(columns: Mapping[str, Any]) -> Table[Transition]:
    """One row for each change of state, from arrays (see ``table_of_columns``)."""
    return table_of_columns("transitions", columns)


def checksum_tables(checksums: Checksums | None) -> dict[str, Callable[[], Table[Any]]]:
    """What makes the tables about checksums, if any were checked."""
    if checksums is None:
        return {}
    return {
        "checksums": lambda: table_of_columns("checksums", checksums.columns()),
        "damaged": lambda: table_of_columns("damaged", checksums.damaged()),
    }


def populations_table(columns: Mapping[str, Any]) -> Table[Population]:
    """One row for each host and state, from arrays (see ``table_of_columns``)."""
    return table_of_columns("populations", columns)


def closers_table(columns: Mapping[str, Any]) -> Table[Closer]:
    """One row for each server port, from arrays (see ``table_of_columns``)."""
    return table_of_columns("closers", columns)


def udp_table(columns: Mapping[str, Any]) -> Table[UdpFlow]:
    """One row for each UDP flow, from arrays (see ``table_of_columns``)."""
    return table_of_columns("udp", columns)


SENDERS = ("client", "server")
"""Names of the two sides, by their numbers in a column ``sender``."""


def directions_table(
    numbers: NDArray[np.int64], compute: Callable[[Rows], Mapping[str, NDArray[Any]]]
) -> Table[Any]:
    """Two rows for each TCP connection; arguments as of ``streams_table``."""
    from netanalyze.tcp.tap import PATHS  # noqa: PLC0415 - for one table only

    record = table_kind("directions").record
    codes = {"sender": SENDERS, "rtt_path": PATHS}
    computed, made = _computed(record, np.repeat(numbers, 2), compute, codes)
    made["rtt_histogram"] = ComputedColumn(computed, "rtt_buckets", _histogram_column)
    return Table("directions", record, made)


def _computed(
    record: type[Record],
    numbers: NDArray[np.int64],
    compute: Callable[[Rows], Mapping[str, NDArray[Any]]],
    codes: Mapping[str, Sequence[str]],
) -> tuple[Computed, dict[str, Column]]:
    """What computes the columns of a record's fields, and these columns.

    ``numbers`` are those of the streams, ``codes`` has the texts of those whose arrays are numbers of texts.
    """
    computed = Computed(len(numbers), compute)
    made: dict[str, Column] = {
        field.name: ComputedColumn(computed, field.name, partial(_column, field)) for field in fields(record)
    }
    for name, texts in codes.items():
        made[name] = ComputedColumn(computed, name, partial(_code_column, texts))
    made["stream"] = IntColumn(numbers)
    return computed, made


def _histogram_column(columns: Mapping[str, Any], name: str) -> Column:
    return PackedColumn(columns[name], _histograms)


def _code_column(texts: Sequence[str | None], columns: Mapping[str, Any], name: str) -> Column:
    return CodeColumn(columns[name], texts)


def _histograms(buckets: NDArray[np.int64]) -> list[str | None]:
    """Counts by powers of two of nanoseconds from 2**16 on, as ``1.05ms:12 2.10ms:3``."""
    names = [units.duration(1 << (16 + place)).replace(" ", "") for place in range(buckets.shape[1])]
    return [
        " ".join(f"{name}:{count}" for name, count in zip(names, counts, strict=True) if count) or None
        for counts in buckets.tolist()
    ]


def limits_table(settled: Settled) -> Table[Any]:
    """One row for each half-stream that sent payload."""
    from netanalyze.tcp.limits import VERDICTS  # noqa: PLC0415 - for one table only

    codes = {"sender": SENDERS, "verdict": VERDICTS}
    record = table_kind("limits").record
    _, made = _computed(record, settled.stream, settled.columns, codes)
    return Table("limits", record, made)


def waits_table(name: str, columns: Mapping[str, Any]) -> Table[Any]:
    """A table of what was waited for: ``waits``, ``stalls`` or ``nagle`` (see ``table_of_columns``)."""
    return table_of_columns(name, {**columns, "sender_names": SENDERS})


def events_table(columns: Mapping[str, Any]) -> Table[Event]:
    """One row for each TCP event, from arrays (see ``table_of_columns``)."""
    from netanalyze.report.event_texts import DetailColumn  # noqa: PLC0415 - for one table only

    made = {"detail": DetailColumn(columns)}
    return table_of_columns("events", {**columns, "sender_names": SENDERS}, made)


def windows_table(columns: Mapping[str, Any]) -> Table[WindowPoint]:
    """One row for each segment of some connections, from arrays (see ``table_of_columns``)."""
    return table_of_columns("windows", {**columns, "sender_names": SENDERS})


def writes_table(columns: Mapping[str, Any]) -> Table[Any]:
    """One row for each half-stream that sent payload, from arrays (see ``table_of_columns``)."""
    from netanalyze.report.writes_texts import verdict_column  # noqa: PLC0415 - for one table only

    made = {"verdict": verdict_column(columns["verdict_words"])}
    return table_of_columns("writes", {**columns, "sender_names": SENDERS}, made)


def messages_table(columns: Mapping[str, Any]) -> Table[Any]:
    """One row for each message, from arrays (see ``table_of_columns``)."""
    return table_of_columns("messages", {**columns, "sender_names": SENDERS})


def listeners_table(columns: Mapping[str, Any]) -> Table[Listener]:
    """One row for each listening socket, from arrays (see ``table_of_columns``)."""
    return table_of_columns("listeners", columns)


def application_table(
    kind: TableKind, columns: Mapping[str, Sequence[Any]] | ManyRows, streams: Streams
) -> Table[Any]:
    """A table of what the readers of an application protocol found.

    Args:
        kind: the table.
        columns: by field of its record, an element for each row, None where there is no value, or what
            makes them; see ``apps.reading.Application``.
        streams: from which those fields come that name the endpoints and that the reader did not fill.

    Raises:
        KeyError: a column is missing.
    """
    if isinstance(columns, ManyRows):
        return _many_rows(kind, columns)
    numbers = np.asarray(columns.get("stream", ()), np.int64)
    places = np.searchsorted(streams.conversations.numbers, numbers)  # some may have been let go of
    ends = streams.ends(places)
    swapped = np.zeros(len(places), np.bool_)
    if "client_side" in columns:
        told = np.array([-1 if side is None else side for side in columns["client_side"]], np.int64)
        swapped = (told >= 0) & (told != streams.sides(places))
    made: dict[str, Column] = {}
    for field in fields(kind.record):
        if field.name in columns:
            values = columns[field.name]
            lazy = isinstance(values, MadeWhenSeen)
            made[field.name] = LazyColumn(values, field.kind) if lazy else column_of(values, field.kind)
        else:
            made[field.name] = _endpoint_column(field, swapped, ends)
    return Table(kind.name, kind.record, made)


def _many_rows(kind: TableKind, rows: ManyRows) -> Table[Any]:
    """A table whose columns are made for the rows that are shown."""
    computed = Computed(rows.length, rows.compute)
    made: dict[str, Column] = {}
    for field in fields(kind.record):
        make: Callable[[Mapping[str, Any], str], Column] = partial(_column, field)
        if field.name in rows.texts:
            make = partial(_code_column, rows.texts[field.name])
        elif field.name in rows.pooled:
            make = partial(_pooled_column, rows.pooled[field.name])
        elif field.name in rows.worded:
            make = partial(_worded_column, rows.worded[field.name])
        made[field.name] = ComputedColumn(computed, field.name, make)
    return Table(kind.name, kind.record, made)


def _address_column(columns: Mapping[str, Any], name: str) -> Column:
    return AddressColumn(*(columns[f"{name}_{part}"] for part in ("hi", "lo", "version")))


def _pooled_column(pool: Pool, columns: Mapping[str, Any], name: str) -> Column:
    return PooledColumn(columns[name], pool)


def _worded_column(
    words: Callable[[NDArray[np.int64]], list[str | None]], columns: Mapping[str, Any], name: str
) -> Column:
    return WordedColumn(columns[name], words)


def _endpoint_column(field: Field, swapped: NDArray[np.bool_], ends: Mapping[str, NDArray[Any]]) -> Column:
    """The address or port of the client or the server of each row's stream."""
    other = {"client": "server", "server": "client"}
    end, _, rest = field.name.partition("_")

    def pick(part: str) -> NDArray[Any]:
        return np.where(swapped, ends[f"{other[end]}_{part}"], ends[f"{end}_{part}"])

    if rest:
        return IntColumn(pick(rest))
    return AddressColumn(*(pick(part) for part in ("hi", "lo", "version")))


def table_of_columns(
    name: str, columns: Mapping[str, Any], made: Mapping[str, Column] | None = None
) -> Table[Any]:
    """A table from arrays by name.

    Args:
        name: of the table, whose record is imported here: few are needed at a time.
        columns: for each field an integer array of its name, ``NULL`` where there is no value, or an
            array of flags. An address field has three: ``…_hi``, ``…_lo`` and ``…_version``. A field of
            text has an array of numbers, -1 for no value, and ``…_names``, the text of each number,
            empty for no value; or ``…_words``, a row of words for each text, and ``…_texts``, which
            makes text of such rows. Other names are not looked at.
        made: columns that are there already.

    Raises:
        KeyError: an array is missing.
    """
    record = table_kind(name).record
    built = {
        field.name: made[field.name] if made and field.name in made else _column(field, columns, field.name)
        for field in fields(record)
    }
    return Table(name, record, built)


def _column(field: Field, columns: Mapping[str, Any], name: str) -> Column:
    """The column of a field whose arrays have this name, as of ``table_of_columns``."""
    if field.kind is bool:
        return BoolColumn(columns[name])
    if field.unit is Unit.ADDRESS:
        return _address_column(columns, name)
    if field.kind is str and f"{name}_words" in columns:
        return PackedColumn(columns[f"{name}_words"], columns[f"{name}_texts"])
    if field.kind is str:
        return CodeColumn(columns[name], [text or None for text in columns[f"{name}_names"]])
    return IntColumn(columns[name])


def empty_table(name: str, record: type[R]) -> Table[R]:
    """A table without rows."""
    return Table.from_rows(name, record, ())
