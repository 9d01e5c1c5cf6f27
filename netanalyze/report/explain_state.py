"""The state of a half-stream: as numbers for programs, as words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.report.explain_case import kind_names, relative
from netanalyze.report.units import count, counted, duration
from netanalyze.tcp import causes
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp import wireshark_fields as shark
from netanalyze.tcp.half_stream import HALF, MASK32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netanalyze.tcp.half_stream import HalfStream, WiresharkHalf

_RANGES = 3
"""Ranges that text shows."""

State = dict[str, Any]


def half_state(half: HalfStream, peer: HalfStream, peer_base: int) -> State:
    """What is known of a half-stream by our own rules, sequence numbers relative; nothing else.

    Args:
        half: the half-stream.
        peer: the other one at the same time.
        peer_base: initial sequence number of the other side, for what it has acknowledged.
    """
    return {**_sending(half, peer), **_receiving(half, peer_base)}


def _sending(half: HalfStream, peer: HalfStream) -> State:
    """What became of what it sent."""
    state: State = {}
    if half.seen:
        base = half[fields.BASE]
        state["next_seq"] = relative(half[fields.NEXT], base)
        if half.next_frame is not None:
            state["next_frame"] = half.next_frame
        if peer.acked:
            state["acknowledged"] = relative(peer[fields.HIGH_ACK], base)
            distance = (half[fields.NEXT] - peer[fields.HIGH_ACK]) & MASK32
            flight = distance - half[fields.SACKED_BYTES] if distance < HALF else 0
            state["in_flight_bytes"] = max(0, flight)
        state["unacknowledged_segments"] = half[fields.UNACKED]
        if half.unacked:
            state["oldest_unacknowledged_frame"] = half.unacked[0][fields.FRAME]
        if half.sacked:
            state["sacked_bytes"] = half[fields.SACKED_BYTES]
            state["sacked"] = [[relative(edge, base) for edge in part] for part in half.sacked]
        if half.holes:
            state["holes"] = [
                [relative(hole[fields.SEQ], base), relative(hole[fields.END], base)] for hole in half.holes
            ]
        if half[fields.SRTT] > 0:
            state["smoothed_rtt_ns"] = half[fields.SRTT]
            state["timeout_ns"] = half.timeout_ns
        if half[fields.RECOVERY]:
            state["recovery"] = causes.CAUSES[half[fields.RECOVERY]]
            state["recovery_end"] = relative(half[fields.RECOVERY_END], base)
        if half.has(fields.CLOSING):
            state["fin"] = "acknowledged" if half.has(fields.CLOSED) else "sent"
    return state


def _receiving(half: HalfStream, peer_base: int) -> State:
    """What it has said about what it got."""
    state: State = {}
    if half.acked:
        state["acknowledges"] = relative(half[fields.HIGH_ACK], peer_base)
        state["acknowledges_since_frame"] = half[fields.ACK_FRAME]
        state["duplicate_acks"] = half[fields.DUPLICATES]
    if half.window is not None:
        state["window"] = half.window
        if half.window_bytes is not None:
            state["window_bytes"] = half.window_bytes
    if half.edge_known:
        state["window_end"] = relative(half[fields.EDGE], peer_base)
    return state


def wireshark_state(half: WiresharkHalf, base: int, peer_base: int) -> State:
    """What Wireshark's rules know of a half-stream, sequence numbers relative."""
    state: State = {}
    if half[shark.NEXT]:
        state["next_seq"] = relative(half[shark.NEXT], base)
        state["next_frame"] = half[shark.NEXT_FRAME]
        state["contiguous_seq"] = relative(half[shark.CONTIGUOUS], base)
        state["unacknowledged_segments"] = half[shark.UNACKED]
    if half.unacked:
        state["oldest_unacknowledged_frame"] = half.unacked[0][shark.FRAME]
    if half.window is not None:
        state["last_ack"] = relative(half[shark.LAST_ACK], peer_base) if half[shark.LAST_ACK] else 0
        state["window"] = half.window
        state["duplicate_acks"] = half[shark.DUPLICATES]
        if half[shark.DUPLICATE_OF]:
            state["duplicates_of_frame"] = half[shark.DUPLICATE_OF]
        state["last_labels"] = kind_names(half[shark.LABELS])
    if half[shark.SCALE] > 1:
        state["scale"] = half[shark.SCALE] - 2
    return state


def _since(state: Mapping[str, Any], name: str, frame: str) -> str:
    return f"{count(state[name])} (frame {state[frame]})" if state.get(frame) else count(state[name])


def _ranges(parts: list[list[int]]) -> str:
    shown = ", ".join(f"{count(low)} to {count(high)}" for low, high in parts[:_RANGES])
    return shown + (f" and {count(len(parts) - _RANGES)} more" if len(parts) > _RANGES else "")


def _unacked(state: Mapping[str, Any]) -> str:
    many = count(state["unacknowledged_segments"])
    oldest = state.get("oldest_unacknowledged_frame")
    return f"{many}, the oldest in frame {oldest}" if oldest else many


def _timer(state: Mapping[str, Any]) -> str:
    return f"{duration(state['smoothed_rtt_ns'])} / {duration(state['timeout_ns'])}"


def _window(state: Mapping[str, Any]) -> str:
    if "window_bytes" in state:
        return counted(state["window_bytes"], "byte")
    return f"{count(state['window'])} as in the header"


_ROWS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("next_seq", "next sequence number", lambda state: _since(state, "next_seq", "next_frame")),
    ("acknowledged", "acknowledged up to", lambda state: count(state["acknowledged"])),
    ("in_flight_bytes", "bytes in flight", lambda state: count(state["in_flight_bytes"])),
    ("unacknowledged_segments", "segments not acknowledged", _unacked),
    ("sacked", "reported with SACK", lambda state: _ranges(state["sacked"])),
    ("holes", "missing so far", lambda state: _ranges(state["holes"])),
    ("timeout_ns", "smoothed RTT / timer", _timer),
    (
        "recovery",
        "repair of losses",
        lambda state: f"{state['recovery']}, until {count(state['recovery_end'])}",
    ),
    ("fin", "FIN", lambda state: state["fin"]),
    (
        "acknowledges",
        "acknowledges",
        lambda state: _since(state, "acknowledges", "acknowledges_since_frame"),
    ),
    ("duplicate_acks", "duplicate ACKs sent", lambda state: count(state["duplicate_acks"])),
    ("window", "window offered", _window),
    ("window_end", "window ends at", lambda state: count(state["window_end"])),
)
_WIRESHARK_ROWS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("next_seq", "next sequence number", lambda state: _since(state, "next_seq", "next_frame")),
    ("contiguous_seq", "without a gap up to", lambda state: count(state["contiguous_seq"])),
    ("unacknowledged_segments", "segments not acknowledged", _unacked),
    ("last_ack", "last acknowledgement", lambda state: count(state["last_ack"])),
    (
        "duplicate_acks",
        "duplicate ACKs sent",
        lambda state: (
            "many (acknowledged the unseen)"
            if state["duplicate_acks"] < 0
            else count(state["duplicate_acks"])
        ),
    ),
    ("duplicates_of_frame", "duplicates repeat", lambda state: f"frame {state['duplicates_of_frame']}"),
    ("window", "last window field", lambda state: count(state["window"])),
    ("scale", "window scale", lambda state: f"times {count(1 << state['scale'])}"),
    (
        "last_labels",
        "labels of its last segment",
        lambda state: ", ".join(state["last_labels"]) or "none",
    ),
)


def state_rows(
    before: Mapping[str, Any], after: Mapping[str, Any], *, like_wireshark: bool
) -> list[tuple[str, str, str]]:
    """(name, before, after) of everything that is known before or after, in words."""
    rows = []
    for key, name, words in _WIRESHARK_ROWS if like_wireshark else _ROWS:
        if key in before or key in after:
            was, now = (words(state) if key in state else "-" for state in (before, after))
            rows.append((name, was, now))
    return rows
