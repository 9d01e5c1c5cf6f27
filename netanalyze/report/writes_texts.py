"""The column ``verdict`` of the table ``writes``: of a reader that takes one recv() for one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.column import PackedColumn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray


def verdict_column(words: NDArray[Any]) -> PackedColumn:
    """Texts made of numbers (``tcp.writes.columns.VERDICT_WORDS``) for the rows that are shown."""
    return PackedColumn(words, lambda rows: [_verdict(row) for row in rows.tolist()])


def _verdict(row: Sequence[int]) -> str | None:
    fails, segments, frame, size, whole, part, number, message = row
    if not fails:
        return None
    times = "only there" if fails == 1 else f"at {fails} of {segments} segments"
    return (
        f"A reader that takes one recv() for one message first fails at frame {frame}: it gets"
        f" {size} bytes, {_content(whole, part, number, message)}; this happens {times}."
    )


def _content(whole: int, part: int, number: int, message: int) -> str:
    """What a segment holds, by the number of messages that are whole in it and what of others is."""
    of = f" of {message} bytes" if message else ""
    parts = []
    if part & 1 and part & 2 and not whole:
        return f"a middle part of message {number}{of}"
    if part & 1:
        parts.append(f"the end of message {number}{of}")
    if whole:
        parts.append("1 whole message" if whole == 1 else f"{whole} whole messages")
    if part & 2:
        parts.append(
            f"the beginning of message {number}{of}"
            if not whole and not part & 1
            else "the beginning of the next"
        )
    return " and ".join(parts) if len(parts) < 3 else f"{parts[0]}, {parts[1]} and {parts[2]}"  # noqa: PLR2004
