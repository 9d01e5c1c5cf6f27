"""The overview: one screen that says what a capture is, what is in it and what was not understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from msgspec.structs import replace

from netanalyze.apps.readers import ALIKE
from netanalyze.report import units
from netanalyze.report.printable import printable, shorten
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.registry import TABLES, table_kind
from netanalyze.report.table import Table
from netanalyze.report.text import GLUE, INTERRUPTED, MARK, draw, fold, not_analysed
from netanalyze.report.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netanalyze.report.records.capture import Capture, Protocol
    from netanalyze.report.records.tcp import Stream
    from netanalyze.report.records.udp import UdpFlow
    from netanalyze.report.report import Report
    from netanalyze.report.style import Style

_FILES = 2
_WITHIN = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9:.])|(?!from|of)[A-Za-zµ])")
"""The space before the next three digits of a number, or before its unit."""
_RATE_SPAN_NS = 60 * 10**9
"""Below a frame a minute a rate says nothing: captures were put together from others."""
_PROTOCOLS = 5
_STREAMS = 5
_FLOWS = 3
_REASONS = 3
"""How many lines of each kind one screen has room for."""


class _Path(Record, frozen=True):
    protocol: Annotated[str, column("Path of protocols", show=0)]
    frames: Annotated[int, column("Frames", Unit.COUNT, show=0)]
    of_frames: Annotated[str, column("Share of all frames", Unit.SHARE, show=2)]
    bytes: Annotated[int, column("Bytes", Unit.BYTES, show=1)]
    of_bytes: Annotated[str, column("Share of all bytes", Unit.SHARE, show=2)]


class _Stream(Record, frozen=True):
    stream: Annotated[int, column("Number of the connection", Unit.NUMBER, show=0)]
    client: Annotated[str, column("Address and port of the client", Unit.ADDRESS, show=0)]
    server: Annotated[str, column("Address and port of the server", Unit.ADDRESS, show=0)]
    app: Annotated[str | None, column("Application protocol", show=1)]
    packets: Annotated[int, column("Packets of both sides", Unit.COUNT, show=3)]
    bytes: Annotated[int, column("Payload of both sides", Unit.BYTES, show=2)]
    duration_ns: Annotated[
        int, column("From the first packet to the last", Unit.DURATION, show=2, suffers=True)
    ]


class _Flow(Record, frozen=True):
    flow: Annotated[int, column("Number of the flow", Unit.NUMBER, show=0)]
    client: Annotated[str, column("Address and port of the client", Unit.ADDRESS, show=0)]
    server: Annotated[str, column("Address and port of the server", Unit.ADDRESS, show=0)]
    app: Annotated[str | None, column("Application protocol", show=1)]
    datagrams: Annotated[int, column("Datagrams of both sides", Unit.COUNT, show=3)]
    bytes: Annotated[int, column("Payload of both sides", Unit.BYTES, show=2)]
    duration_ns: Annotated[
        int, column("From the first datagram to the last", Unit.DURATION, show=2, suffers=True)
    ]


def render(report: Report, style: Style) -> Iterator[str]:
    """The overview as lines without line ends."""
    style = replace(style, lossy=bool(report.lost or report.passed_over))
    yield from _captures(report["capture"], style)
    if report.frames_read and "findings" in report:
        yield ""
        yield from verdict(report, style)
    if report.frames_read:
        for name, section in (("protocols", _protocols), ("streams", _streams), ("udp", _flows)):
            if report.get(name):
                yield from section(report, style)
        yield from _ledger(report, style)
    if style.lossy or not report.complete:
        yield ""
    if style.lossy:
        yield from fold(f"{MARK} uncertain, because packets are missing", style)
    if not report.complete:
        yield from fold(INTERRUPTED, style)
    if style.hints:
        yield ""
        yield from fold(
            f"More: --report {', '.join(['streams', 'udp', *_read(report), 'protocols'])} or ledger for whole"
            " tables, --format json for programs, netanalyze tables for what each column means.",
            style,
        )


def _read(report: Report) -> list[str]:
    """The main table of each application protocol that is read and is there."""
    paths = report.get("protocols") or ()
    spoken = {row.path.rpartition(".")[2] for row in paths}
    first: dict[str, str] = {}
    for kind in TABLES:
        if spoken.intersection((kind.protocol, *ALIKE.get(kind.protocol, ()))):
            first.setdefault(kind.protocol, kind.name)
    return list(first.values())


def _captures(table: Table[Capture], style: Style) -> Iterator[str]:
    rows = list(table[:_FILES])
    for row in rows:
        yield from _file(row, style)
    if len(table) > len(rows):
        more = len(table) - len(rows)
        yield from fold(f"and {units.counted(more, 'more file')} (--report capture)", style)
    if len(table) > 1:
        yield from fold("together: " + _joined(_amounts(list(table))), style)


def _name(row: Capture, style: Style) -> str:
    mark = ".." if style.ascii_only else "…"
    name = "standard input" if row.file == "-" else printable(row.file, ascii_only=style.ascii_only)
    return shorten(name, max(1, style.width // 2), mark, middle=True)


def _file(row: Capture, style: Style) -> Iterator[str]:
    kind = f"{row.format} in {row.compression}" if row.compression else row.format
    parts = [kind, _some(row.link_types.split(", ")), *_amounts([row])]
    text = _joined(printable(part, ascii_only=style.ascii_only) for part in parts if part)
    yield from fold(f"{_name(row, style)}: {text}", style)
    flaws = []
    if row.dropped:
        seen = f" of {units.count(row.received)}" if row.received else ""
        flaws.append(f"{units.count(row.dropped)}{seen} packets were lost while capturing")
    if row.cut_short:
        flaws.append(f"cut short: {printable(row.cut_short, ascii_only=style.ascii_only)}")
    if flaws:
        yield from fold("  " + "; ".join(flaws), style)


def _joined(parts: Iterable[str]) -> str:
    """Parts of a line that does not break inside a number, or between one and its unit."""
    return _WITHIN.sub(GLUE, ", ".join(parts))


def _some(names: Sequence[str]) -> str:
    """The first three of many names."""
    more = f" and {len(names) - 3} more" if len(names) > 4 else ""  # noqa: PLR2004 - one more would take no more room
    return ", ".join(names[: 3 if more else None]) + more


def _amounts(rows: Sequence[Capture]) -> Iterator[str]:
    """Frames, bytes, time and rates of some captures."""
    frames, captured, wire = (
        sum(numbers)
        for numbers in zip(*((row.frames, row.bytes, row.wire_bytes) for row in rows), strict=True)
    )
    yield units.counted(frames, "frame")
    if not frames:
        return
    cut = f" of {units.size(wire)} on the wire" if captured < wire else ""
    yield units.size(captured) + cut
    first = min((row.first_ns for row in rows if row.first_ns is not None), default=None)
    last = max((row.last_ns for row in rows if row.last_ns is not None), default=None)
    if first is None or last is None:
        return
    yield f"{units.duration(last - first)} from {units.moment(first)} UTC"
    if 0 < last - first <= frames * _RATE_SPAN_NS:
        yield f"{units.per_second(frames, last - first)} frames/s"
        yield units.rate(wire, last - first)


def _protocols(report: Report, style: Style) -> Iterator[str]:
    table: Table[Protocol] = report["protocols"]
    frames = sum(row.frames for row in table)
    size = sum(row.bytes for row in table)
    rows = [
        _Path(row.path, row.frames, units.share(row.frames, frames), row.bytes, units.share(row.bytes, size))
        for row in table.top(_PROTOCOLS, by="bytes")
    ]
    yield from _largest(table, Table.from_rows("protocols", _Path, rows), style)


def _streams(report: Report, style: Style) -> Iterator[str]:
    table: Table[Stream] = report["streams"]
    rows = [
        _Stream(
            row.stream,
            *ends(row),
            row.client_packets + row.server_packets,
            row.client_bytes + row.server_bytes,
            row.duration_ns,
        )
        for row in table.top(_STREAMS, by="bytes")
    ]
    yield from _largest(table, Table.from_rows("streams", _Stream, rows), style)


def _flows(report: Report, style: Style) -> Iterator[str]:
    table: Table[UdpFlow] = report["udp"]
    rows = [
        _Flow(
            row.flow,
            *ends(row),
            row.client_datagrams + row.server_datagrams,
            row.client_bytes + row.server_bytes,
            row.duration_ns,
        )
        for row in table.top(_FLOWS, by="bytes")
    ]
    yield from _largest(table, Table.from_rows("udp", _Flow, rows), style)


def _largest(table: Table[Any], top: Table[Any], style: Style) -> Iterator[str]:
    """The rows that were chosen from a table, under its name."""
    rows = table_kind(top.name).rows
    most = f", the {len(top)} with the most bytes" if len(top) < len(table) else ""
    yield ""
    yield from fold(f"{rows[0].upper()}{rows[1:]}: {units.count(len(table))}{most}", style)
    yield from draw(top, top.fields, style).lines


def ends(row: Stream | UdpFlow) -> tuple[str, str, str | None]:
    """Client and server with their ports, and what they speak."""
    client, server = endpoint(row.client, row.client_port), endpoint(row.server, row.server_port)
    return client, server, row.app


def endpoint(address: str, port: int) -> str:
    """Address and port as people write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _ledger(report: Report, style: Style) -> Iterator[str]:
    rows = report.unused
    left_out = report.frames_read - report.frames_analysed - sum(row.frames for row in rows)
    if not rows and not left_out:
        return
    yield ""
    if left_out:
        yield from fold(
            f"{units.counted(left_out, 'frame')} left out by the filter or range asked for", style
        )
    yield from not_analysed(report, style)
    for row in rows[:_REASONS]:
        reason = printable(row.reason, ascii_only=style.ascii_only)
        yield from fold(f"  {units.count(row.frames)}: {reason}, first in frame {row.first_frame}", style)
    if len(rows) > _REASONS:
        yield from fold(f"  and {units.counted(len(rows) - _REASONS, 'more reason')}", style)
