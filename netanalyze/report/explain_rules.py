"""The rule behind each label in words, with the numbers of the segment put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.explain_case import ACK, FIN, RST, SYN, Case, window_words
from netanalyze.report.units import count, counted, duration
from netanalyze.tcp import causes
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp.half_stream import MASK32, later

if TYPE_CHECKING:
    from collections.abc import Callable

_REACH = 1 << 30
_BYTES = "bytes"


def rule(kind: str, case: Case) -> str:
    """The rule that gave a segment one of its labels."""
    return _RULES[kind](case)


def _retransmission(case: Case) -> str:
    facts = _facts(case)
    following = f"{case.own(case.ours[fields.NEXT])}, the next new sequence number{_since(case)}"
    text = f"Begins at {case.seq}, before {following}"
    if facts["old_bytes"] or case.flags & (SYN | FIN):
        if facts["new_bytes"]:
            return (
                f"{text}: {count(facts['old_bytes'])} of its {counted(case.size, 'byte')} were captured"
                " before"
            )
        return f"{text}, and what it carries was captured before"
    return f"{text}: its bytes were not captured before, but it is no segment that was only overtaken"


def _since(case: Case) -> str:
    """Since which frame the next new sequence number is what it is, where that is known."""
    frame = case.ours.next_frame
    return f" since frame {frame}" if frame is not None else ""


def _fast(case: Case) -> str:
    ours, theirs = case.ours, case.theirs
    if _facts(case)["cause"] == causes.RECOVERY_GOES_ON:
        return (
            "Belongs to a repair that duplicate ACKs or SACK began, which goes on until"
            f" {case.own(ours[fields.RECOVERY_END])} is acknowledged (RFC 6675 section 5)"
        )
    if theirs[fields.DUPLICATES] >= 2:  # noqa: PLR2004 - the rule's own number
        why = f"{counted(theirs[fields.DUPLICATES], 'duplicate ACK')} asked for it"
    elif ours[fields.SACKED_BYTES]:
        why = f"SACK reports {counted(ours[fields.SACKED_BYTES], 'byte')} beyond what is acknowledged"
    else:
        why = "Duplicate ACKs came until shortly before it was acknowledged"
    ago = case.packet["time_ns"] - theirs[fields.NEWS_NS]
    return f"{why}, the latest {duration(ago)} ago (RFC 5681 section 3.2)"


def _spurious(case: Case) -> str:
    theirs = case.theirs
    return (
        f"Ends at {case.own(case.end)}, and frame {theirs[fields.ACK_FRAME]} acknowledged"
        f" {case.own(theirs[fields.HIGH_ACK])}: the other side had all of it"
    )


def _out_of_order(case: Case) -> str:
    facts = _facts(case)
    if facts["old_bytes"]:
        older = "timestamp" if facts["cause"] == causes.OLDER_TIMESTAMP else "IP identification"
        return (
            f"Frame {facts['again_of']} brought the same bytes {duration(facts['again_ns'])} before, but"
            f" the {older} of this one is older: it was sent first, and that frame is its repetition"
        )
    trip = case.found.opener[fields.HANDSHAKE_NS] if case.found.opener else 0
    why = {
        causes.OLDER_TIMESTAMP: "its timestamp is older than that of the one behind it, so it went first",
        causes.OLDER_ID: "its IP identification is lower than that of the one behind it, so it went first",
        causes.SOON: f"that is too soon to have been asked for, a round trip being {duration(trip)}"
        if trip > 0
        else "that is too soon to have been asked for",
        causes.AFTER_ACK: "even the acknowledgement of its bytes was captured before it",
    }[facts["cause"]]
    return (
        f"Its bytes were missing when frame {facts['again_of']} came, {duration(facts['again_ns'])} before;"
        f" {why}"
    )


def _lost(case: Case) -> str:
    following = case.ours[fields.NEXT]
    gap = (case.packet["seq"] - following) & MASK32
    return (
        f"Begins at {case.seq}, but {case.own(following)} would be next{_since(case)}:"
        f" the {counted(gap, 'byte')} between were not captured before it"
    )


def _ack_lost(case: Case) -> str:
    following = case.theirs[fields.NEXT]
    beyond = (case.packet["ack"] - following) & MASK32
    if 0 < beyond <= _REACH:
        return (
            f"Acknowledges {case.ack}, but what was captured ends at {case.other(following)}:"
            f" {counted(beyond, 'byte')} arrived that the capture lacks"
        )
    holes = [
        f"{case.other(hole[fields.SEQ])} to {case.other(hole[fields.END])}"
        for hole in case.theirs.holes
        if not hole[fields.COUNT] and later(case.packet["ack"], hole[fields.SEQ])
    ]
    return (
        f"Acknowledges {case.ack}, and with it bytes that were never captured: {_listed(holes)}."
        " They arrived; only the capture lacks them"
    )


def _duplicate_ack(case: Case) -> str:
    facts = _facts(case)
    text = f"Carries nothing, acknowledges {case.ack} as frame {facts['dup_of']} did"
    following = case.theirs[fields.NEXT]
    if facts["sack_told"] & 1:
        return (
            f"{text}, and its SACK option reports bytes that were not known to have arrived:"
            f" {_sack(case)} (RFC 6675 section 2)"
        )
    text += f", the window is unchanged ({case.window})"
    if facts["sack_told"]:
        return f"{text}, and its SACK option reports bytes that came twice: {_sack(case)} (RFC 2883)"
    if not case.theirs.seen:
        return f"{text}, and nothing of the other side was captured, so that data may be outstanding"
    return f"{text}, and data is outstanding up to {case.other(following)} (RFC 5681 section 2)"


def _zero_window(case: Case) -> str:
    return (
        "Its window is 0, and it is no SYN, FIN or RST: its sender has no room for bytes from"
        f" {case.ack} on (RFC 9293 section 3.8.6)"
    )


def _probe(case: Case) -> str:
    ours, theirs, start = case.ours, case.theirs, case.packet["seq"]
    carries = (
        f"it carries {counted(case.size, 'byte')} at {case.seq}" if case.size else f"this is at {case.seq}"
    )
    if start == (ours[fields.NEXT] - 1) & MASK32:
        where = f"one below {case.own(ours[fields.NEXT])}, the next new sequence number"
    elif start == ours[fields.NEXT]:
        where = "the next new sequence number"
    else:
        where = f"one below {case.own(theirs[fields.HIGH_ACK])}, which is acknowledged"
    if theirs.window == 0:
        closed = "The other side offers a window of 0"
    else:
        ago = duration(case.packet["time_ns"] - theirs[fields.OPENED_NS])
        closed = f"The other side has opened its window {ago} ago, which this may have crossed on the way"
    return (
        f"{closed}, and {carries}, {where}: so a sender learns whether there is"
        " room again (RFC 9293 section 3.8.6.1)"
    )


def _probe_ack(case: Case) -> str:
    return (
        f"Carries nothing, acknowledges {case.ack} again with the same window ({case.window}), and the other"
        " side's last segment was a zero window probe"
    )


def _window_full(case: Case) -> str:
    theirs = case.theirs
    room = (theirs[fields.EDGE] - theirs[fields.HIGH_ACK]) & MASK32
    return (
        f"Ends at {case.own(case.end)}, which is as far as the other side has offered to take:"
        f" {counted(room, 'byte')} behind {case.own(theirs[fields.HIGH_ACK])}, which frame"
        f" {theirs[fields.ACK_FRAME]} acknowledged. Its sender must wait for the other side"
    )


def _window_update(case: Case) -> str:
    ours = case.ours
    before = window_words(ours.window_bytes, ours.window or 0) if ours.window is not None else "no known one"
    return f"Carries nothing and acknowledges {case.ack} again, but offers {case.window} instead of {before}"


def _keep_alive(case: Case) -> str:
    following = case.own(case.ours[fields.NEXT])
    carries = f"Carries {counted(case.size, 'byte')}" if case.size else "Carries nothing"
    known = (
        f"and frame {case.theirs[fields.ACK_FRAME]} acknowledged everything before {following}"
        if case.theirs.acked
        else "and nothing shows that anything is outstanding"
    )
    return (
        f"{carries} at {case.seq}, one below {following}, the next new sequence number, {known}: it only"
        " makes the other side answer (RFC 9293 section 3.8.4)"
    )


def _keep_alive_ack(case: Case) -> str:
    return (
        f"Carries nothing, acknowledges {case.ack} again with the same window ({case.window}), and the other"
        " side's last segment was a keep-alive"
    )


def _reused(case: Case) -> str:
    isn = count(case.packet["seq"])
    if case.flags & ACK:
        known = count(case.ours[fields.BASE])
        return f"A SYN-ACK with the initial sequence number {isn}, where {known} was known and not accepted"
    earlier = case.found.earlier_stream
    which = f"stream {earlier}" if earlier >= 0 else "an earlier stream"
    return (
        f"A SYN with a new initial sequence number ({isn}) between the endpoints of {which}: it opens another"
        " connection, which gets its own number"
    )


def _differing(case: Case) -> str:
    return (
        f"The same sequence numbers carried other bytes in frame {_facts(case)['again_of']}: what the"
        " receiver took depends on which came first"
    )


def _network_copy(case: Case) -> str:
    facts = _facts(case)
    stamp = " and timestamp" if case.packet["tsval"] >= 0 else ""
    return (
        f"The same bytes as in frame {facts['again_of']}, {duration(facts['again_ns'])} before, with the"
        f" same IP identification ({case.packet['ip_id']}){stamp}, and its sender counts those: it was sent"
        " once and copied on the way"
    )


def _out_of_window(case: Case) -> str:
    ours, theirs, start = case.ours, case.theirs, case.packet["seq"]
    if case.flags & SYN and ours.seen and start != ours[fields.BASE]:
        return (
            f"A SYN with the initial sequence number {count(start)}, where {count(ours[fields.BASE])} was"
            " accepted before: the other side refuses it (RFC 5961 section 4)"
        )
    if case.flags & RST:
        return (
            f"A reset at {case.seq}, where the other side takes one only from"
            f" {case.own(theirs[fields.HIGH_ACK])}"
            + (f" to {case.own(theirs[fields.EDGE])}" if theirs.edge_known else "")
            + " (RFC 5961 section 3)"
        )
    distance = (start - ours[fields.NEXT]) & MASK32
    distance = min(distance, MASK32 + 1 - distance)
    if ours.seen and distance > _REACH:
        return (
            f"Its sequence number is {counted(distance, 'byte')} away from what would be next, and no"
            f" window is larger than {count(_REACH)} bytes (RFC 7323 section 2.3)"
        )
    beyond = (case.packet["ack"] - theirs[fields.NEXT]) & MASK32
    return (
        f"Acknowledges {counted(beyond, 'byte')} beyond everything that was sent, and no window is larger"
        f" than {count(_REACH)} bytes (RFC 7323 section 2.3)"
    )


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
    "differing_retransmission": _differing,
    "out_of_window": _out_of_window,
    "network_copy": _network_copy,
}


def unlabelled(case: Case) -> list[str]:
    """Why none of the rules gave a segment a label."""
    if case.flags & RST:
        return [_reset(case)]
    parts = [*_sequence(case), *_acknowledgement(case)]
    if case.packet["window"] == 0 and not case.flags & (SYN | FIN) and not case.flags & ACK:
        parts.append("a window of 0 without ACK means nothing")
    return parts


def _reset(case: Case) -> str:
    theirs = case.theirs
    if not theirs.acked:
        return f"a reset at {case.seq}: the other side has acknowledged nothing that it could contradict"
    to = f" to {case.own(theirs[fields.EDGE])}" if theirs.edge_known else " on"
    return (
        f"a reset at {case.seq}, which the other side takes from {case.own(theirs[fields.HIGH_ACK])}{to}"
        " (RFC 5961 section 3): it ends the connection"
    )


def _sequence(case: Case) -> list[str]:
    """About its bytes."""
    ours, theirs = case.ours, case.theirs
    takes = case.size or case.flags & (SYN | FIN)
    if not ours.seen:
        first = "the first segment captured of its sender: nothing to compare its sequence number with"
        return ["a SYN: it begins the numbering" if case.flags & SYN else first]
    following = case.own(ours[fields.NEXT])
    if not takes:
        if case.packet["seq"] == ours[fields.NEXT]:
            return []
        return [f"its sequence number {case.seq} is not the next one, {following}, but it carries nothing"]
    parts = [f"begins at {case.seq}, where {following} was next: in order, nothing missing before it"]
    if case.size and theirs.edge_known:
        room = (theirs[fields.EDGE] - case.end) & MASK32
        if room == 0:
            parts.append("ends where the window ends, but it closes: no window_full")
        elif room < 1 << 31:
            parts.append(f"the window has room for {counted(room, 'byte')} more: no window_full")
        else:
            parts.append(
                f"it goes {counted(MASK32 + 1 - room, 'byte')} beyond what the other side is known to take"
            )
    return parts


def _acknowledgement(case: Case) -> list[str]:  # noqa: PLR0911 - one return for each reason
    """About what it acknowledges."""
    if not case.flags & ACK:
        return []
    ours, theirs = case.ours, case.theirs
    acked = case.packet["ack"]
    if not ours.acked:
        return [
            f"its acknowledgement number ({case.ack}) is the first of its sender: there is none to repeat"
        ]
    before = case.other(ours[fields.HIGH_ACK])
    if later(acked, ours[fields.HIGH_ACK]):
        return [f"acknowledges {case.ack}, where {before} was acknowledged before: no duplicate"]
    if acked != ours[fields.HIGH_ACK]:
        return [f"acknowledges {case.ack}, less than {before} before: an older segment, no duplicate"]
    if case.size or case.flags & (SYN | FIN):
        return [f"acknowledges {case.ack} again, but with {_BYTES if case.size else 'a flag'}: no duplicate"]
    if case.packet["seq"] != ours[fields.NEXT]:
        return [f"acknowledges {case.ack} again, out of turn: no duplicate"]
    if case.packet["window"] == 0:
        return [f"acknowledges {case.ack} again with the window closed: no duplicate"]
    if theirs.seen and not later(theirs[fields.NEXT], acked):
        return [
            f"acknowledges {case.ack} again, but all that the other side sent is acknowledged: no duplicate"
        ]
    return [f"acknowledges {case.ack} again"]


def _facts(case: Case) -> dict[str, int]:
    assert case.found.ours is not None  # noqa: S101 - words about rules are for analysed segments
    return dict(case.found.ours.facts)


def _sack(case: Case) -> str:
    return _listed([f"{case.other(left)} to {case.other(right)}" for left, right in case.found.sack])


def _listed(parts: list[str], most: int = 4) -> str:
    shown = ", ".join(parts[:most])
    return shown + (f" and {count(len(parts) - most)} more" if len(parts) > most else "")
