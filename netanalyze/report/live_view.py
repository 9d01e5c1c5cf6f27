"""The screen that a capture on a terminal shows while it goes on: plain lines, as wide and as many as fit.

Whatever the capture is like, a screen costs as much as its lines: the tables in it have as many rows as are
shown. All texts from the wire go through ``cells``, which makes them printable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from netanalyze.report import live_findings, units
from netanalyze.report.printable import plain, printable, shorten, width
from netanalyze.report.record import Unit
from netanalyze.report.style import Style
from netanalyze.report.text import MARK, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.report.record import Field
    from netanalyze.report.table import Table

VIEWS = {
    "s": "streams",
    "e": "events",
    "h": "http",
    "d": "dns",
    "u": "udp",
    "l": "listeners",
    "f": "findings",
}
"""Tables that can be looked at, by the key that shows them."""
TITLES = {
    "streams": "TCP connections, those of the last 10 s first, then by bytes",
    "events": "latest TCP events",
    "http": "latest HTTP exchanges",
    "dns": "latest DNS queries",
    "udp": "UDP flows, those of the last 10 s first, then by bytes",
    "listeners": "listeners",
    "findings": "findings so far, by rules that are quick",
}
_BESIDE = ("events", "http", "dns")
"""Tables of which the latest rows are shown below another one."""
_BESIDE_ROWS = 3
_HIGH = 20
"""Lines from which there is room for more than one table."""
_LOW = 12
"""Lines up to which none is left empty."""
_TABLE_HEAD = 3
"""Lines above a table's rows: its title, header and rule; a header may take more."""

TITLE, HEALTH, WARNING, ERROR, PLAIN, KEYS = "title", "health", "warning", "error", "plain", "keys"
"""What a line is."""


class Glance(Struct, frozen=True):
    """What there is to show at a moment.

    Attributes:
        source: the interfaces.
        seconds: how long the capture has gone on.
        frames, wire_bytes: captured so far.
        frames_a_second, bits_a_second: of late.
        open_streams, other_streams, flows: TCP streams that are open, all others that there were, UDP flows.
        received, lost: packets by the kernel's count, None where nobody counts.
        waiting: packets that were received and not analysed yet.
        ring_percent: how much of the room for them is taken.
        passed_over: packets that were written but not analysed for want of time.
        behind_ns: how old the newest frame is that was analysed, 0 where nothing waits.
        warnings: the latest ones last.
        paused: whether tables stand still.
        view: the table that is shown.
        tables: some rows of each table that can be shown, the latest ones last.
        left_out: tables that are not analysed.
    """

    source: str
    seconds: float
    frames: int
    wire_bytes: int
    frames_a_second: float
    bits_a_second: float
    open_streams: int
    other_streams: int
    flows: int
    received: int | None = None
    lost: int | None = None
    waiting: int = 0
    ring_percent: int = 0
    passed_over: int = 0
    behind_ns: int = 0
    warnings: Sequence[str] = ()
    paused: bool = False
    view: str = "streams"
    tables: dict[str, Table[Any]] = field(default_factory=dict)
    left_out: Sequence[str] = ()


def screen(glance: Glance, columns: int, lines: int, *, ascii_only: bool = False) -> list[tuple[str, str]]:
    """What each line is, and its text; no more lines than there are, none wider."""
    style = Style(width=max(columns, 1), hints=False, ascii_only=ascii_only, lossy=_lossy(glance))
    top = [(TITLE, _title(glance)), (HEALTH, _rates(glance)), (HEALTH, _health(glance))]
    top += [(WARNING, f"warning: {printable(line)}") for line in glance.warnings[-1:]]
    top += _findings(glance, lines)
    keys = (KEYS, _keys(glance, columns))
    if lines > _LOW:
        top.append((PLAIN, ""))
    room = lines - len(top) - 1
    body: list[tuple[str, str]] = []
    if room > 0:
        others = [name for name in _BESIDE if name != glance.view and len(glance.tables.get(name, ()))]
        beside: list[tuple[str, str]] = []
        for name in others if lines >= _HIGH else ():
            more = [(PLAIN, ""), *_table(name, glance, style, _BESIDE_ROWS + _TABLE_HEAD + 1)]
            if len(beside) + len(more) <= room // 2:
                beside += more
        body = _table(glance.view, glance, style, room - len(beside))
        body += [(PLAIN, "")] * (room - len(beside) - len(body)) + beside
    made = [*[*top, *body][: max(lines - 1, 0)], keys]
    return [(kind, _fitting(text, style)) for kind, text in made][:lines]


def _findings(glance: Glance, lines: int) -> list[tuple[str, str]]:
    """The most important findings, where they are looked for and there is room for more than a table."""
    table = glance.tables.get("findings")
    if table is None or glance.view == "findings" or lines <= _LOW:
        return []
    most = live_findings.LINES if lines >= _HIGH else 1
    kinds = {"error": ERROR, "warning": WARNING}
    return [
        (HEALTH, live_findings.summary(table)),
        *((kinds.get(kind, PLAIN), text) for kind, text in live_findings.lines(table, glance.seconds, most)),
    ]


def rows_shown(lines: int) -> int:
    """How many rows of a table can be seen at most on a screen of so many lines."""
    return max(lines - 2 - _TABLE_HEAD, 1)


def _lossy(glance: Glance) -> bool:
    """Whether packets are missing, so that figures are uncertain."""
    return bool(glance.lost or glance.passed_over)


def _fitting(text: str, style: Style) -> str:
    line = plain(text) if style.ascii_only else text
    return shorten(line, style.width, ".." if style.ascii_only else "…")


def _title(glance: Glance) -> str:
    minutes, seconds = divmod(int(glance.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    paused = "  paused" if glance.paused else ""
    return f"netanalyze  {printable(glance.source)}  {hours}:{minutes:02}:{seconds:02}{paused}"


def _rates(glance: Glance) -> str:
    parts = [
        f"{units.count(round(glance.frames_a_second))} frames/s",
        units.bit_rate(round(glance.bits_a_second)),
        f"{units.counted(glance.frames, 'frame')}, {units.size(glance.wire_bytes)}",
        f"TCP {units.count(glance.open_streams)} open, {units.count(glance.other_streams)} over",
        f"UDP {units.count(glance.flows)}",
    ]
    return "  ".join(parts)


def _health(glance: Glance) -> str:
    mark = MARK if _lossy(glance) else ""
    if glance.received is None:
        counted = "capture: the system does not count losses"
    else:
        lost = f"{units.count(glance.lost or 0)} lost{mark if glance.lost else ''}"
        counted = f"capture: {units.count(glance.received)} received, {lost}"
    if glance.passed_over:
        counted += f", {units.count(glance.passed_over)} not analyzed{mark}"
    counted += f"; {units.count(glance.waiting)} wait, ring {glance.ring_percent} % full"
    counted += f", {units.duration(max(glance.behind_ns, 0))} behind"
    return f"{counted}; {mark} uncertain" if mark else counted


def _keys(glance: Glance, columns: int) -> str:
    shown = [(key, name) for key, name in VIEWS.items() if name in glance.tables]
    keys = [f"[{key}] {name}" if name == glance.view else f" {key}  {name}" for key, name in shown]
    text = " ".join([*keys, " space  " + ("go on" if glance.paused else "pause"), " q  quit"])
    if width(text) > columns:
        each = [f"[{key}]{name}" if name == glance.view else f"{key}:{name}" for key, name in shown]
        text = " ".join([*each, "space:" + ("go on" if glance.paused else "pause"), "q:quit"])
    if width(text) > columns:
        text = " ".join([*(key for key, _ in shown), "space", "q"])
    return text


def _table(name: str, glance: Glance, style: Style, lines: int) -> list[tuple[str, str]]:
    """A table with its title in no more than so many lines: the latest rows, or the first ones."""
    if lines < 1:
        return []
    title = [(TITLE, TITLES[name])] if lines > _TABLE_HEAD + 1 else []
    table = glance.tables.get(name)
    if table is None:
        return [*title, (PLAIN, f"not analyzed; add {name} to --report")]
    if not len(table):
        return [*title, (PLAIN, "none yet")]
    count = max(lines - _TABLE_HEAD, 1)
    while True:
        rows = table[-count:] if name in _BESIDE else table[:count]
        fields = [_as_shown(each, rows) for each in table.fields if name == "findings" or not each.note]
        drawn = draw(rows, fields, style).lines
        beyond = len(title) + len(drawn) - lines
        if beyond <= 0 or count == 1:
            return [*title, *((PLAIN, line) for line in drawn)][:lines]
        count = max(count - beyond, 1)


def _as_shown(known: Field, rows: Table[Any]) -> Field:
    """A column, as important as it is here; those about processes are where any process is known."""
    show = _IMPORTANT.get(known.name)
    if show is None or (known.unit is Unit.TEXT and not any(rows.columns[known.name])):
        return known
    return msgspec.structs.replace(known, show=show)


_IMPORTANT = {"client_bytes": 1, "server_bytes": 1, "server_process": 1, "client_process": 2}
"""Columns that matter more here than in a report, and how much (``record.column``)."""
