"""Why Wireshark labels a segment in another way, a sentence for each kind of difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.explain_case import SYN
from netanalyze.report.units import duration
from netanalyze.tcp import kinds
from netanalyze.tcp import sequence_fields as ours
from netanalyze.tcp import wireshark_fields as fields
from netanalyze.tcp.half_stream import later

if TYPE_CHECKING:
    from netanalyze.report.explain_case import Case


def differences(case: Case) -> list[str]:
    """Why Wireshark labels a segment differently, a sentence for each kind of difference."""
    if case.found.ours is None:
        return ["It is a copy of a packet that was captured before; Wireshark takes it for another segment"]
    mine, theirs = case.bits, _wireshark_bits(case)
    if mine & kinds.OUT_OF_WINDOW:
        return ["Wireshark does not ask whether the other side can accept a segment"]
    extra, missing = theirs & ~mine, mine & ~theirs
    reasons = [
        *_about_acks(case, extra, missing),
        *_about_repeats(case, extra, missing),
        *_about_windows(case, extra, missing),
        *_about_gaps(case, extra, missing),
    ]
    if not reasons and case.found.copies_before:
        return [
            "Copies of earlier segments of this stream were left out here; Wireshark counts them as segments"
        ]
    return reasons


def _about_acks(  # noqa: PLR0911 - one return for each kind of difference
    case: Case, extra: int, missing: int
) -> list[str]:
    facts = case.found.ours.facts if case.found.ours else {}
    if missing & kinds.ZERO_WINDOW_PROBE_ACK:
        return []  # what it answers is the whole difference
    if missing & kinds.DUPLICATE_ACK:
        if facts["sack_told"]:
            return [
                (
                    "Its SACK option has news, so it is a duplicate ACK whatever its window is (RFC 6675"
                    " section 2); Wireshark 4.0 does not look at SACK here, only at the window"
                )
            ]
        return [
            (
                "Wireshark compares with its sender's last segment as it was captured; here with the last one"
                " that was not older"
            )
        ]
    if extra & kinds.DUPLICATE_ACK:
        if missing & kinds.WINDOW_UPDATE:
            return [
                "Wireshark compares windows as they stand in the header; the window of a SYN is not scaled"
            ]
        return [
            (
                "A duplicate ACK needs data that is outstanding (RFC 5681 section 2), and here there is none;"
                " Wireshark does not ask for that"
            )
        ]
    if (extra | missing) & kinds.WINDOW_UPDATE:
        return ["Windows are compared after scaling here, in Wireshark as they stand in the header"]
    if (extra | missing) & kinds.KEEP_ALIVE_ACK:
        return ["It answers a segment that only one of the two takes for a keep-alive"]
    return []


def _about_repeats(  # noqa: C901 - a list of cases
    case: Case, extra: int, missing: int
) -> list[str]:
    again = kinds.RETRANSMISSION | kinds.OUT_OF_ORDER
    facts = case.found.ours.facts if case.found.ours else {}
    reasons = []
    if missing & kinds.NETWORK_COPY:
        reasons.append(
            f"It is frame {facts['again_of']} again, with its IP identification: its sender sent it once."
            " Wireshark does not look at that"
        )
    elif missing & kinds.OUT_OF_ORDER and facts["old_bytes"]:
        reasons.append(
            f"It was sent before frame {facts['again_of']}, as its timestamp or IP identification says;"
            " Wireshark goes by the order of the capture"
        )
    elif extra & kinds.OUT_OF_ORDER and missing & kinds.RETRANSMISSION:
        seen = (
            f"these bytes were captured before, in frame {facts['again_of']}"
            if facts["again_of"]
            else "its timestamp, its IP identification or duplicate ACKs show that it was sent again"
        )
        reasons.append(
            "Wireshark goes by time: what comes within a round trip of the highest sequence number is out of"
            f" order. Here {seen}"
        )
    elif missing & kinds.OUT_OF_ORDER and extra & again and case.end == case.shark[0][fields.NEXT]:
        reasons.append(
            "For Wireshark nothing is out of order that ends at the highest sequence number sent; here these"
            " bytes were never captured before, and nothing shows that they were sent twice"
        )
    elif missing & kinds.OUT_OF_ORDER:
        reasons.append(
            "Wireshark goes by time and duplicate ACKs; here the bytes were never captured before, and"
            " timestamp, IP identification or time show that they were only late"
        )
    elif extra & again and not missing & again:
        if case.bits & (kinds.KEEP_ALIVE | kinds.ZERO_WINDOW_PROBE):
            reasons.append("Wireshark takes the byte of a probe for a retransmission")
        elif not case.found.copies_before:
            reasons.append(_other_highest(case))
    elif missing & kinds.FAST_RETRANSMISSION and not extra & again:
        reasons.append(_fast_missed(case))
    elif extra & kinds.FAST_RETRANSMISSION:
        reasons.append(
            "For Wireshark two duplicate ACKs within 20 ms are enough; here the repair that was going on,"
            " or the time since, tells another cause"
        )
    if (extra | missing) & kinds.SPURIOUS_RETRANSMISSION and not reasons:
        reasons.append(
            "Wireshark goes by the acknowledgement number of the other side's last segment; here by the"
            " highest"
        )
    if missing & kinds.DIFFERING_RETRANSMISSION:
        reasons.append("Wireshark does not compare the bytes of a retransmission")
    return reasons


def _fast_missed(case: Case) -> str:
    """Which condition of Wireshark's does not hold for what is fast by our rules."""
    if case.found.wireshark is not None and case.found.wireshark.bits & kinds.SPURIOUS_RETRANSMISSION:
        return (
            "Wireshark calls nothing fast that was acknowledged already; here it is both: duplicate ACKs"
            " or SACK had asked its sender for it"
        )
    theirs = case.shark[1]
    if theirs[fields.LAST_ACK] != case.packet["seq"]:
        return (
            "For Wireshark a fast retransmission begins where the other side's acknowledgement stands;"
            " here those that belong to the same repair are fast as well"
        )
    if 0 <= theirs[fields.DUPLICATES] < 2:  # noqa: PLR2004 - the rule's own number
        return (
            f"For Wireshark a fast retransmission follows 2 duplicate ACKs, and it has counted"
            f" {theirs[fields.DUPLICATES]}; here SACK and a repair that goes on count as well"
        )
    ago = case.packet["time_ns"] - theirs[fields.LAST_NS]
    return (
        f"For Wireshark a fast retransmission comes within {duration(fields.FAST_NS)} of the other side's"
        f" last segment, and this comes {duration(ago)} after it"
    )


def _other_highest(case: Case) -> str:
    """How far Wireshark takes its sender to have come, and how far we do."""
    highest, mine = case.shark[0][fields.NEXT], case.ours[ours.NEXT]
    if highest == mine or not highest or not case.ours.seen:
        return "Wireshark goes by the sequence numbers alone, whatever the segments before were"
    return (
        f"For Wireshark the next new sequence number is {case.own(highest)}, from frame"
        f" {case.shark[0][fields.NEXT_FRAME]}; here it is {case.own(mine)}"
    )


def _gap_missed(case: Case) -> str:
    """Why Wireshark does not tell of bytes that are acknowledged and were not captured."""
    theirs = case.shark[1]
    if not theirs[fields.CONTIGUOUS]:
        return "Wireshark knows nothing of the other side that could be missing"
    if later(case.packet["ack"], theirs[fields.CONTIGUOUS]) and theirs[fields.DUPLICATES]:
        return (
            "Wireshark tells of bytes that were not captured once, and not again before the other side"
            " moves on"
        )
    return (
        "Wireshark remembers of the bytes that were not captured only where the first are missing; here"
        " each hole is told of when it is acknowledged"
    )


def _about_windows(case: Case, extra: int, missing: int) -> list[str]:
    reasons = []
    if missing & kinds.ZERO_WINDOW_PROBE:
        reasons.append(
            "The window was closed until a moment ago, and the prober may not know yet that it is open;"
            " Wireshark does not ask for that"
            if case.theirs.window
            else "Wireshark knows only probes that carry the next byte; Linux sends one below it"
        )
    if missing & kinds.ZERO_WINDOW_PROBE_ACK:
        reasons.append("Wireshark did not take the segment that this answers for a probe of a closed window")
    if missing & kinds.KEEP_ALIVE:
        reasons.append(_other_highest(case))
    if extra & kinds.KEEP_ALIVE and not missing & kinds.ZERO_WINDOW_PROBE:
        reasons.append("A keep-alive is sent when nothing is outstanding; Wireshark does not ask for that")
    if extra & kinds.WINDOW_FULL:
        repeated = case.bits & (kinds.RETRANSMISSION | kinds.OUT_OF_ORDER)
        reasons.append(
            "Bytes that were sent before use no more of the window; Wireshark compares every segment with"
            " its end"
            if repeated
            else "Wireshark goes by the other side's last segment; here by the furthest that it has offered"
        )
    if missing & kinds.WINDOW_FULL:
        reasons.append(
            "Wireshark goes by the other side's last segment; here by the furthest that it has offered"
        )
    if extra & kinds.ZERO_WINDOW:
        reasons.append("Without ACK its window means nothing; Wireshark does not ask for the flag")
    if missing & kinds.ZERO_WINDOW:
        reasons.append("Wireshark looks no further at a probe")
    if extra & kinds.ZERO_WINDOW_PROBE:
        reasons.append("Wireshark goes by the last window of the other side, even of an older segment")
    return reasons


def _about_gaps(case: Case, extra: int, missing: int) -> list[str]:
    reasons = []
    if (extra | missing) & kinds.LOST_SEGMENT:
        reasons.append(
            "Bytes that are acknowledged count as sent here, even where they were not captured; Wireshark"
            " tells of the gap again at the next segment of their sender"
            if extra & kinds.LOST_SEGMENT and case.packet["seq"] == case.ours[ours.NEXT]
            else _other_highest(case)
        )
    if missing & kinds.ACK_LOST_SEGMENT:
        reasons.append(_gap_missed(case))
    if extra & kinds.ACK_LOST_SEGMENT:
        reasons.append(
            "Wireshark tells again of a gap that an earlier frame has told of"
            if case.theirs.seen
            else "Nothing of the other side was captured, so that nothing is known to be missing"
        )
    if extra & kinds.REUSED_PORTS and not case.flags & SYN:
        reasons.append("Wireshark begins a new connection here")
    return reasons


def _wireshark_bits(case: Case) -> int:
    return case.found.wireshark.bits if case.found.wireshark is not None else 0
