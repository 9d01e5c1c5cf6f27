"""The columns of the tables ``writes`` and ``messages``, as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL, known
from netanalyze.tcp.writes import layout_fields as fields
from netanalyze.tcp.writes.layout import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from netanalyze.tcp.writes.layout import Layout

_PLAIN = {
    "messages": fields.MESSAGES,
    "segments": fields.SEGMENTS,
    "aligned": fields.ALIGNED,
    "split": fields.SPLIT,
    "coalesced": fields.COALESCED,
    "mixed": fields.MIXED,
    "case_a": fields.CASE_A,
    "case_b": fields.CASE_A + 1,
    "case_c": fields.CASE_A + 2,
    "case_d": fields.CASE_A + 3,
    "bytes": fields.BYTES,
    "unframed_bytes": fields.UNFRAMED,
    "message_segments": fields.MESSAGE_SEGMENTS,
    "max_message_segments": fields.MOST_SEGMENTS,
    "first_frame": fields.FIRST_FRAME,
    **{f"cause_{name}": fields.CAUSE + place for place, name in enumerate(fields.CAUSES)},
}
_MISREAD = {
    "misread_frame": fields.FAIL_FRAME,
    "misread_bytes": fields.FAIL_BYTES,
    "misread_messages": fields.FAIL_WHOLE,
}


def writes_columns(layout: Layout, client: NDArray[np.int64]) -> dict[str, Any]:
    """The columns of ``writes``: a row of each half-stream that sent payload, the client's first.

    Args:
        layout: what was found.
        client: which side of each stream is the client.
    """
    halves = sorted(
        layout.halves, key=lambda half: (half.half >> 1, (half.half & 1) ^ int(client[half.half >> 1]))
    )
    rows = np.stack([half.row for half in halves]) if halves else np.zeros((0, fields.WORDS), np.int64)
    numbers = np.array([half.half for half in halves], np.int64)
    stream = numbers >> 1
    some = rows[:, fields.MESSAGES] > 0
    told = np.array([half.source != SOURCES.index("writes") for half in halves], np.bool_)
    failed = (rows[:, fields.FAILS] > 0) & told
    medians = layout.medians(numbers)
    columns: dict[str, Any] = {
        "stream": stream,
        "sender": (numbers & 1) ^ client[stream],
        **_texts("framing", [half.framing for half in halves]),
        "framing_source": np.array([half.source for half in halves], np.int64),
        "framing_source_names": SOURCES,
        "confidence": np.array(
            [NULL if half.confidence < 0 else half.confidence for half in halves], np.int64
        ),
        **_texts("framing_fault", [half.fault for half in halves]),
        "framing_fault_frame": np.array([half.fault_frame or NULL for half in halves], np.int64),
        **{name: rows[:, word] for name, word in _PLAIN.items()},
        "misread_segments": known(rows[:, fields.FAILS], told),
        **{name: known(rows[:, word], failed) for name, word in _MISREAD.items()},
        "min_message_bytes": known(rows[:, fields.SMALLEST], some),
        "median_message_bytes": known(medians, medians >= 0),
        "max_message_bytes": known(rows[:, fields.LARGEST], some),
        "mss": known(rows[:, fields.MSS], rows[:, fields.MSS] > 0),
        "stalls": np.full(len(halves), NULL),
        "stall_ns": np.full(len(halves), NULL),
    }
    return {**columns, "verdict_words": _verdict_words(rows, told)}


VERDICT_WORDS = (
    fields.FAILS,
    fields.SEGMENTS,
    fields.FAIL_FRAME,
    fields.FAIL_BYTES,
    fields.FAIL_WHOLE,
    fields.FAIL_PART,
    fields.FAIL_NUMBER,
    fields.FAIL_MESSAGE,
)
"""Words of a row of ``layout_fields`` that the verdict is made of."""


def _verdict_words(rows: NDArray[np.int64], told: NDArray[np.bool_]) -> NDArray[np.int64]:
    words = rows[:, VERDICT_WORDS]
    # All zeros would mean no text.
    return np.where((told & (rows[:, fields.MESSAGES] > 0))[:, None], words, 0)


def _texts(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """A column of texts that repeat; the empty one is no value."""
    known_texts = sorted({text for text in texts if text})
    place = {text: number for number, text in enumerate(known_texts)} | {"": -1}
    return {name: np.array([place[text] for text in texts], np.int64), f"{name}_names": known_texts}


def message_columns(layout: Layout, client: NDArray[np.int64]) -> dict[str, Any]:
    """The columns of ``messages``: by stream and time of the first byte; ``client`` as above."""
    rows = layout.messages()
    half = rows[:, fields.HALF]
    order = np.lexsort((rows[:, fields.NUMBER], half & 1, rows[:, fields.FRAME], half >> 1))
    rows, half = rows[order], half[order]
    stream = half >> 1
    return {
        "stream": stream,
        "sender": (half & 1) ^ client[stream],
        "number": rows[:, fields.NUMBER],
        "frame": rows[:, fields.FRAME],
        "last_frame": rows[:, fields.END_FRAME],
        "time_ns": rows[:, fields.TIME_NS],
        "offset": rows[:, fields.OFFSET],
        "bytes": rows[:, fields.LENGTH],
        "segments": known(rows[:, fields.PIECES], rows[:, fields.CLASS] >= 0),
        "kind": rows[:, fields.CLASS],
        "kind_names": fields.CLASSES,
        "case": rows[:, fields.CASE],
        "case_names": fields.CASES,
        "cause": rows[:, fields.WHY],
        "cause_names": fields.CAUSES,
    }
