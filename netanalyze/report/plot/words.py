"""What the points of a picture say when they are pointed at: their frame first."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from netanalyze.report import units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.report.plot.series import Rows

FLAGS = ("FIN", "SYN", "RST")
"""The flags worth a word, by bit."""
_SEPARATOR = " · "


def joined(parts: Iterable[str]) -> str:
    """Parts of a line with a dot between them, leaving out empty ones."""
    return _SEPARATOR.join(part for part in parts if part)


def where(rows: Rows, row: int) -> str:
    """Which frame, and when."""
    return joined((f"frame {int(rows.frame[row])}", duration(rows.time[row])))


def segment(rows: Rows, row: int) -> str:
    """A segment with its sequence numbers and what happened at it."""
    seq, payload = rows.seq[row], rows.payload[row]
    numbers = f"seq {number(seq)}"
    if payload > 0:
        numbers += f" … {number(seq + payload)}"
    return joined((where(rows, row), numbers, flag_words(int(rows.flags[row])), *rows.events[row]))


def acknowledgement(rows: Rows, row: int) -> str:
    """A segment as its acknowledgement, with the window and what happened at it."""
    window = rows.window[row]
    return joined(
        (
            where(rows, row),
            f"ack {number(rows.ack[row])}",
            "" if isnan(window) else f"window {size(window)}",
            flag_words(int(rows.flags[row])),
            *rows.events[row],
        )
    )


def flight(rows: Rows, row: int) -> str:
    """A segment with the bytes in flight after it and the window they may fill."""
    offered = rows.peer_window[row]
    return joined(
        (
            where(rows, row),
            f"{size(rows.flight[row])} in flight",
            "" if isnan(offered) else f"window {size(offered)}",
            *rows.events[row],
        )
    )


def round_trip(rows: Rows, row: int) -> str:
    """An acknowledgement with the round trip time that it measures."""
    return joined((where(rows, row), f"round trip {duration(rows.rtt[row])}", f"ack {number(rows.ack[row])}"))


def flag_words(flags: int) -> str:
    """The flags that open and end a connection."""
    return " ".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1)


def duration(ns: float) -> str:
    """A time; a question mark for none."""
    return "?" if isnan(ns) else units.duration(round(ns))


def size(number_of_bytes: float) -> str:
    """A length; a question mark for none."""
    return "?" if isnan(number_of_bytes) else units.size(round(number_of_bytes))


def number(value: float) -> str:
    """A sequence number with its digits in groups; a question mark for none."""
    return "?" if isnan(value) else units.count(round(value))
