"""How arrows and dots of a ladder look in SVG, and what they say when they are pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report import svg, units
from netanalyze.report.plot.looks import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, Look
from netanalyze.report.rungs import told

if TYPE_CHECKING:
    from netanalyze.report.records.states import Transition
    from netanalyze.report.records.windows import WindowPoint

ARROWS = {
    "": "#404040",
    "again": VERMILLION,
    "moved": PURPLE,
    "lost": VERMILLION,
    "window": ORANGE,
    "ack": GREEN,
    "other": GREY,
    "reset": VERMILLION,
}
"""Colour by kind of arrow; ``again`` and ``moved`` are dashed as well."""
_LOOKS = (
    (
        "again",
        ("retransmission", "fast_retransmission", "spurious_retransmission", "differing_retransmission"),
    ),
    ("moved", ("out_of_order",)),
    ("lost", ("lost_segment", "ack_lost_segment")),
    ("window", ("zero_window", "window_full", "zero_window_probe", "zero_window_probe_ack", "window_update")),
    ("ack", ("duplicate_ack",)),
)
"""Of an arrow with several events the first applies."""
_RST = 4
OPENS_OR_ENDS = 1 | 2 | 4
"""FIN, SYN, RST: their arrows are thick."""

STYLE = {
    ".title": "font-size: 16px; font-weight: bold",
    ".note": f"font-size: 11px; fill: {svg.FAINT}",
    ".head": "font-weight: bold; text-anchor: middle",
    ".end": "text-anchor: end",
    ".mid": "text-anchor: middle",
    ".state": "font-weight: bold",
    ".faint": f"fill: {svg.FAINT}",
    ".said": "font-size: 11px; text-anchor: middle",
    ".life": f"stroke: {svg.RULE}; stroke-width: 2",
    ".tap": f"stroke: {BLUE}; stroke-width: 1; stroke-dasharray: 1 4",
    ".tapname": f"fill: {BLUE}; font-size: 11px; text-anchor: middle",
    ".fold": "fill: #f1f3f5; stroke: #d5d9dd",
    ".pause": "stroke: #ffffff; stroke-width: 3; stroke-dasharray: 3 4",
    ".dot": f"fill: {svg.TEXT}",
    ".guess": f"fill: {svg.PAPER}; stroke: {svg.TEXT}; stroke-width: 1.5",
    ".a": "stroke-width: 1.3; fill: none",
    ".strong": "stroke-width: 2.2",
    ".again": "stroke-dasharray: 8 4",
    ".moved": "stroke-dasharray: 2 3",
    **{f".a{kind}": f"stroke: {colour}; marker-end: url(#h{kind})" for kind, colour in ARROWS.items()},
    **{f".e{kind}": f"fill: {Look(colour).ink}; font-weight: bold" for kind, colour in ARROWS.items()},
    ".cross": f"stroke: {VERMILLION}; stroke-width: 2; fill: none",
    ".stub": f"stroke: {VERMILLION}; stroke-width: 1.3; stroke-dasharray: 3 3",
}


def kind_of(segment: WindowPoint) -> str:
    """Which arrow it gets."""
    events = set((segment.events or "").split(", ")) - {""}
    for kind, names in _LOOKS:
        if events & set(names):
            return kind
    if segment.flags & _RST:
        return "reset"
    return "other" if events else ""


def about_segment(segment: WindowPoint) -> str:
    """What shows when an arrow is pointed at."""
    parts = [
        f"frame {segment.frame}",
        units.duration(segment.elapsed_ns),
        f"{segment.sender}: {told(segment)}",
    ]
    if segment.sack is not None:
        parts.append(f"SACK to {segment.sack}")
    if segment.bytes_in_flight is not None:
        parts.append(f"{units.size(segment.bytes_in_flight)} in flight")
    if segment.rtt_ns is not None:
        parts.append(f"round trip {units.duration(segment.rtt_ns)}")
    if segment.events:
        parts.append(segment.events)
    return " · ".join(parts)


def about_move(move: Transition, begin_ns: int) -> str:
    """What a change of state is, and between which times it happened, from ``begin_ns`` on."""
    parts = [f"{move.endpoint}: {move.trigger}, {move.from_state or 'not seen'} to {move.to_state}"]
    if move.frame is not None:
        parts.append(f"frame {move.frame}")
    if move.proof_frame is not None:
        parts.append(f"proven by frame {move.proof_frame}")
    if move.assumed:
        parts.append("assumed")
    for name, bounds in (
        ("certainly", (("after", move.earliest_ns), ("before", move.latest_ns))),
        ("likely", (("after", move.likely_earliest_ns), ("before", move.likely_latest_ns))),
    ):
        known = [f"{word} {units.duration(at - begin_ns)}" for word, at in bounds if at is not None]
        if known:
            parts.append(f"{name} {' and '.join(known)}")
    return " · ".join(parts)
