"""Wireshark's rules behind its labels, in words, with the numbers of the segment put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.explain_case import ACK, Case
from netanalyze.report.units import count, counted, duration
from netanalyze.tcp import kinds
from netanalyze.tcp import wireshark_fields as fields
from netanalyze.tcp.half_stream import MASK32, later

if TYPE_CHECKING:
    from collections.abc import Callable


def wireshark_rule(kind: str, case: Case) -> str:
    """The rule by which Wireshark gives a segment one of its labels."""
    return _RULES[kind](case)


def threshold_ns(case: Case) -> int:
    """How late a segment out of order may be; negative for "as late as it likes"."""
    return case.found.wireshark_trip or fields.OUT_OF_ORDER_NS


def _retransmission(case: Case) -> str:
    bits = _bits(case)
    if bits & kinds.SPURIOUS_RETRANSMISSION:
        return "All of it was acknowledged, and that makes it a retransmission as well"
    following = case.shark[0][fields.NEXT]
    text = f"Begins at {case.seq}, before {case.own(following)}, the highest sequence number sent and one"
    if bits & kinds.FAST_RETRANSMISSION:
        return text
    if case.end == following:
        return f"{text}, ends there, and is no fast retransmission"
    return (
        f"{text}, {_since_highest(case)}, which is too late for out of order, and is no fast retransmission"
    )


def _fast(case: Case) -> str:
    theirs = case.shark[1]
    duplicates = theirs[fields.DUPLICATES]
    many = (
        counted(duplicates, "duplicate ACK")
        if duplicates >= 0
        else "an acknowledgement of bytes that were not captured, which counts as many duplicates"
    )
    return (
        f"Begins at {case.seq}, which the other side acknowledges; before it came {many}, and the other"
        f" side's last segment was {duration(case.packet['time_ns'] - theirs[fields.LAST_NS])} ago, less than"
        f" {duration(fields.FAST_NS)}"
    )


def _spurious(case: Case) -> str:
    return (
        f"Ends at {case.own(case.packet['seq'] + case.size)}, not beyond"
        f" {case.own(case.shark[1][fields.LAST_ACK])}, the acknowledgement number of the other side's last"
        " segment"
    )


def _out_of_order(case: Case) -> str:
    following = case.own(case.shark[0][fields.NEXT])
    limit = threshold_ns(case)
    measured = "the first round trip took" if case.found.wireshark_trip else "the limit is"
    limited = f", and {measured} {duration(limit)}" if limit > 0 else ""
    return (
        f"Begins at {case.seq}, before {following}, the highest sequence number sent and one, does not end"
        f" there, and comes {_since_highest(case)}{limited}; whether the bytes were captured before is not"
        " asked"
    )


def _lost(case: Case) -> str:
    following = case.shark[0][fields.NEXT]
    gap = (case.packet["seq"] - following) & MASK32
    return (
        f"Begins at {case.seq}, {counted(gap, 'byte')} behind {case.own(following)}, the highest sequence"
        " number sent and one"
    )


def _ack_lost(case: Case) -> str:
    theirs = case.shark[1]
    text = (
        f"Acknowledges {case.ack}, but without a gap only bytes up to"
        f" {case.other(theirs[fields.CONTIGUOUS])} were captured"
    )
    if later(theirs[fields.NEXT], theirs[fields.CONTIGUOUS]):
        return text
    return f"{text}, and its last segments were no duplicates"


def _duplicate_ack(case: Case) -> str:
    facts = case.found.wireshark
    assert facts is not None  # noqa: S101 - it has this label
    return (
        f"Carries nothing, stands at {case.seq}, the next sequence number, and repeats the acknowledgement"
        f" number {case.ack} and the window field {count(case.packet['window'])} of its sender's last"
        f" segment; number {facts.facts['dup_number']} since frame {facts.facts['dup_of']}"
    )


def _zero_window(case: Case) -> str:
    del case
    return "Its window is 0, and it is no SYN, FIN or RST"


def _probe(case: Case) -> str:
    return f"Carries 1 byte at {case.seq}, the next sequence number, and the other side's last window was 0"


def _probe_ack(case: Case) -> str:
    return (
        f"Carries nothing, acknowledges {case.ack} again with a window of 0 as before, and the other side's"
        " last segment was a zero window probe"
    )


def _window_full(case: Case) -> str:
    theirs = case.shark[1]
    offered = ((case.packet["seq"] + case.size) - theirs[fields.LAST_ACK]) & MASK32
    return (
        f"Ends at {case.own(case.packet['seq'] + case.size)}, which is {case.own(theirs[fields.LAST_ACK])},"
        f" the other side's last acknowledgement number, and its window of {counted(offered, 'byte')}"
    )


def _window_update(case: Case) -> str:
    before = case.shark[0].window if case.shark[0].window is not None else -1
    instead = f"instead of {count(before)}" if before >= 0 else "and is the first segment of its sender"
    return (
        f"Carries nothing, stands at {case.seq}, the next sequence number, and acknowledges {case.ack}"
        f" again, but its window field is {count(case.packet['window'])} {instead}"
    )


def _keep_alive(case: Case) -> str:
    following = case.own(case.shark[0][fields.NEXT])
    return (
        f"Carries {counted(case.size, 'byte')} at {case.seq}, one below {following}, the highest sequence"
        " number sent and one, and is no SYN, FIN or RST"
    )


def _keep_alive_ack(case: Case) -> str:
    return (
        f"Carries nothing, repeats the acknowledgement number {case.ack} and the window, and the other side's"
        " last segment was a keep-alive"
    )


def _reused(case: Case) -> str:
    isn = count(case.packet["seq"])
    if case.flags & ACK:
        return f"A SYN-ACK with the initial sequence number {isn}, which is not the one known"
    return f"A SYN with a new initial sequence number ({isn}) between endpoints of an earlier stream"


_RULES: dict[str, Callable[[Case], str]] = {
    "retransmission": _retransmission,
    "fast_retransmission": _fast,
    "spurious_retransmission": _spurious,
    "out_of_order": _out_of_order,
    "lost_segment": _lost,
    "ack_lost_segment": _ack_lost,
    "duplicate_ack": _duplicate_ack,
    "zero_window": _zero_window,
    "zero_window_probe": _probe,
    "zero_window_probe_ack": _probe_ack,
    "window_full": _window_full,
    "window_update": _window_update,
    "keep_alive": _keep_alive,
    "keep_alive_ack": _keep_alive_ack,
    "reused_ports": _reused,
}


def wireshark_unlabelled(case: Case) -> list[str]:
    """Why none of Wireshark's rules gives a segment a label."""
    ours, theirs = case.shark
    following = ours[fields.NEXT]
    start = case.packet["seq"]
    if not following:
        return ["the first segment of its sender: nothing to compare it with"]
    parts = []
    if case.size or case.flags & 3:
        if start == following:
            parts.append(f"begins at {case.seq}, the highest sequence number sent and one: new bytes")
        elif later(start, following):
            parts.append(f"begins at {case.seq}, behind the highest sequence number sent, but is a reset")
        else:
            parts.append(f"begins at {case.seq}, one below {case.own(following)}, with more than one byte")
    elif start != following:
        parts.append(
            f"carries nothing, and {case.seq} is not the next sequence number, {case.own(following)}"
        )
    elif case.packet["ack"] != ours[fields.LAST_ACK]:
        parts.append(
            f"acknowledges {case.ack}, where its sender's last segment had"
            f" {case.other(ours[fields.LAST_ACK])}: no duplicate"
        )
    elif not case.flags & 7:
        parts.append(f"acknowledges {case.ack} again with the window closed, and no probe was before it")
    else:
        parts.append("a SYN, FIN or RST is no duplicate")
    if (
        theirs[fields.CONTIGUOUS]
        and not later(case.packet["ack"], theirs[fields.CONTIGUOUS])
        and case.flags & ACK
    ):
        parts.append("acknowledges nothing that was not captured")
    return parts


def _since_highest(case: Case) -> str:
    since = case.packet["time_ns"] - case.shark[0][fields.NEXT_NS]
    if since < 0:
        return f"{duration(-since)} before that was sent"
    return f"{duration(since)} after that was sent"


def _bits(case: Case) -> int:
    return case.found.wireshark.bits if case.found.wireshark is not None else 0
