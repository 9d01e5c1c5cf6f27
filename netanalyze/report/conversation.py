"""A conversation for people, for programs, and as the bytes it was."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from netanalyze._version import VERSION
from netanalyze.report import units
from netanalyze.report.json_object import SCHEMA_VERSION, encode, visible
from netanalyze.report.overview import endpoint
from netanalyze.report.payload import payload_lines, text_bytes
from netanalyze.report.printable import plain, printable
from netanalyze.report.turns import Turn, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netanalyze.apps.transcript import Ends, Passage
    from netanalyze.report.style import Style
    from netanalyze.report.turns import Run

_COLORS = {"client": "\x1b[36m", "server": "\x1b[33m", "gap": "\x1b[31m", "note": "\x1b[35m"}
_BOLD = "\x1b[1m"
_RESET = "\x1b[0m"


def text(
    ends: Ends, passages: Iterable[Passage], style: Style, *, as_hex: bool, color: bool
) -> Iterator[str]:
    """The conversation turn by turn, as lines.

    Args:
        ends: who the two sides are.
        passages: what they said.
        style: how to show it.
        as_hex: show everything in hexadecimal.
        color: the sides in colours.
    """
    tidy: Callable[[str], str] = plain if style.ascii_only else str
    arrow = "->" if style.ascii_only else "→"
    yield tidy(_title(ends, arrow))
    said = False
    for turn in turns(passages):
        said = True
        sender, other = _names(ends, turn.side)
        paint = _COLORS[sender] if color else ""
        reset = _RESET if color else ""
        yield ""
        heading = tidy(_heading(ends, turn, f"{sender} {arrow} {other}"))
        yield f"{paint}{_BOLD if color else ''}{heading}{reset}"
        cut = turn.continued
        for run in turn.runs:
            if run.note:
                line = f"[{printable(run.note, ascii_only=style.ascii_only)}]"
                yield f"{_COLORS['note']}{line}{reset}" if color else line
                cut = False
            if run.data is None:
                line = f"[{units.counted(run.wire_bytes, 'byte')} missing]"
                yield f"{_COLORS['gap']}{line}{reset}" if color else line
                cut = True
                continue
            offset = run.offset if run.body_offset is None else run.body_offset
            for line in payload_lines(
                bytes(run.data),
                offset,
                as_hex=as_hex and run.part != "message",
                ascii_only=style.ascii_only,
                cut=cut,
            ):
                yield f"{paint}{line}{reset}"
            cut = False
    if not said:
        yield "No payload was captured."


def _title(ends: Ends, arrow: str) -> str:
    parties = f"{endpoint(ends.client, ends.client_port)} {arrow} {endpoint(ends.server, ends.server_port)}"
    app = f", {ends.app}" if ends.app else ""
    what = "UDP flow" if ends.transport == "udp" else "TCP stream"
    return f"{what} {ends.stream}: {parties}{app}, from {units.moment(ends.start_ns)} UTC"


def _heading(ends: Ends, turn: Turn, parties: str) -> str:
    first, last = turn.frames
    frames = f"frame {first}" if first == last else f"frames {first}–{last}"  # noqa: RUF001 - a range
    when = units.duration(turn.runs[0].time_ns - ends.start_ns)
    parts = [parties, frames, when, units.counted(turn.wire_bytes, "byte")]
    if turn.continued:
        parts.insert(1, "continued")
    return ", ".join(parts)


def _names(ends: Ends, side: int) -> tuple[str, str]:
    return ("client", "server") if side == ends.client_side else ("server", "client")


def json(
    ends: Ends, passages: Iterable[Passage], warnings: list[str], complete: Callable[[], bool]
) -> Iterator[bytes]:
    """The conversation as one JSON object, in pieces.

    Args:
        ends: who the two sides are.
        passages: what they said.
        warnings: read when everything has been said.
        complete: asked then, whether everything was read.
    """
    head: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "generator": f"netanalyze {VERSION}",
        "transport": ends.transport,
        "flow" if ends.transport == "udp" else "stream": ends.stream,
        "app": ends.app,
        "client": ends.client,
        "client_port": ends.client_port,
        "server": ends.server,
        "server_port": ends.server_port,
        "first_frame": ends.first_frame,
        "start_ns": ends.start_ns,
    }
    yield visible(encode(head)[:-1]) + b',\n"turns":['
    between = b"\n"
    for turn in turns(passages):
        for run in turn.runs:
            yield between + visible(encode(_run(ends, turn, run)))
            between = b",\n"
    tail = {"complete": complete(), "warnings": warnings}
    yield b"\n],\n" + visible(encode(tail))[1:] + b"\n"


def _run(ends: Ends, turn: Turn, run: Run) -> dict[str, Any]:
    """Bytes or a gap; bytes are ``text`` where they are, else ``base64``."""
    row: dict[str, Any] = {
        "sender": _names(ends, turn.side)[0],
        "first_frame": run.first_frame,
        "last_frame": run.last_frame,
        "time_ns": run.time_ns,
        "offset": run.offset,
        "wire_bytes": run.wire_bytes,
        "missing": run.data is None,
    }
    for name in ("part", "coding", "note"):
        if getattr(run, name):
            row[name] = getattr(run, name)
    if run.body_offset is not None:
        row["body_offset"] = run.body_offset
    if run.data is not None:
        row |= _content(bytes(run.data))
    return row


def _content(data: bytes) -> dict[str, str]:
    if text_bytes(data) == len(data):
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:  # a character is cut off
            pass
    return {"base64": b64encode(data).decode("ascii")}
