"""The tests of a segment that begins before what would come next, in words: question, outcome, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.units import count, counted, duration
from netanalyze.tcp import causes, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netanalyze.report.explain_case import Case
    from netanalyze.tcp.retrace import Check, Retraced

_QUESTIONS = {
    "sent_before": "bytes captured before?",
    "older_timestamp": "older timestamp than the segment behind it?",
    "older_ip_id": "earlier IP identification than the segment behind it?",
    "soon": "sooner than it could have been asked for?",
    "acknowledged": "acknowledged already?",
    "handshake": "part of the handshake?",
    "older_timestamp_than_copy": "older timestamp than the copy before it?",
    "older_ip_id_than_copy": "earlier IP identification than the copy before it?",
    "network_copy": "the same packet, copied on the way?",
    "recovery": "part of a repair that goes on?",
    "after_timeout": "part of what a timeout sends again?",
    "asked_for": "asked for a moment ago?",
    "tail_loss_probe": "a tail loss probe?",
    "timer": "timer run out?",
}
_VERDICTS = {
    causes.HANDSHAKE: "handshake",
    causes.FAST: "fast",
    causes.RECOVERY_GOES_ON: "fast, recovery",
    causes.TIMEOUT: "timeout",
    causes.AFTER_TIMEOUT: "after timeout",
    causes.TAIL_LOSS_PROBE: "tail loss probe",
    causes.TAIL_TIMER: "tail timer: a tail loss probe or the retransmission timer, which look alike here",
    causes.EARLY: "early: nothing asked for it and no timer was due",
}


def question(check: Check) -> str:
    """What a test asks."""
    return _QUESTIONS[check.name]


def answer(check: Check, case: Case) -> str:
    """Its outcome with the numbers."""
    return f"{'yes' if check.holds else 'no'}{_because(check, case)}"


def conclusion(retraced: Retraced) -> str:
    """What the tests come to."""
    if retraced.kind == kinds.OUT_OF_ORDER:
        return "out of order"
    return "copied on the way" if retraced.kind == kinds.NETWORK_COPY else _VERDICTS[retraced.cause]


def _because(check: Check, case: Case) -> str:
    text = _numbers(check.name, check.numbers, case, holds=check.holds)
    return f", {text}" if text else ""


def _numbers(  # noqa: PLR0911, PLR0912, C901 - one return for each test
    name: str, number: Mapping[str, int], case: Case, *, holds: bool
) -> str:
    if name == "sent_before":
        return _before(number)
    if name in {"older_timestamp", "older_timestamp_than_copy"}:
        return f"{number['tsval']} against {number['other']} in frame {number['frame']}"
    if name in {"older_ip_id", "older_ip_id_than_copy"}:
        return f"{number['ip_id']} against {number['other']} in frame {number['frame']}"
    if name == "soon":
        return _soon(number)
    if name == "acknowledged":
        return (
            f"it ends at {case.own(number['end'])}; frame {number['frame']} acknowledged"
            f" {case.own(number['ack'])}"
        )
    if name == "handshake":
        return "it carries SYN: its sender had no answer"
    if name == "network_copy":
        return f"IP identification {number['ip_id']} as in frame {number['frame']}"
    if name == "recovery":
        return _recovery(number, case, holds=holds)
    if name == "after_timeout":
        end = case.own(number["end"])
        text = f"the timer ran out before, and that repair goes on until {end} is acknowledged"
        if holds:
            return text
        return (
            f"the timer ran out again: nothing was sent again for {duration(number['repair_ns'])} and nothing"
            f" acknowledged for {duration(number['moved_ns'])}"
        )
    if name == "asked_for":
        return _asked(number)
    if name == "tail_loss_probe":
        if not number["last"]:
            return "it does not end where its sender's last segment does"
        text = (
            f"it ends where its sender's last segment does, {duration(number['waited_ns'])} after it was sent"
        )
        return text if holds else f"{text}: the timer was due"
    return _timer(number, holds=holds)


def _before(number: Mapping[str, int]) -> str:
    if number["old"] == 0:
        if "hole_frame" not in number:
            return "they are new"
        return f"they were missing since frame {number['hole_frame']}"
    parts = [
        "all" if number["old"] == number["takes"] else f"{count(number['old'])} of {count(number['takes'])}"
    ]
    if "frame" in number:
        parts.append(f"first in frame {number['frame']}, {duration(number['ago_ns'])} ago")
    else:
        parts.append("or sent before; in which frame is not known")
    if number["beyond"]:
        parts.append(f"{counted(number['beyond'], 'byte')} beyond are new")
    return ", ".join(parts)


def _soon(number: Mapping[str, int]) -> str:
    limit = duration(number["limit_ns"])
    what = (
        f"a round trip is {limit}"
        if number["measured"]
        else f"{limit} is the limit, no round trip being known"
    )
    asked = f"; {counted(number['duplicates'], 'duplicate ACK')} before it" if number["duplicates"] else ""
    return (
        f"{duration(number['waited_ns'])} after frame {number['frame']}, which overtook it, and {what}{asked}"
    )


def _recovery(number: Mapping[str, int], case: Case, *, holds: bool) -> str:
    if holds:
        return (
            f"duplicate ACKs or SACK began it, and it goes on until {case.own(number['end'])} is acknowledged"
        )
    return (
        f"it was sent {duration(number['waited_ns'])} ago, nothing new came for"
        f" {duration(number['news_ns'])}, and the timer is about {duration(number['timeout_ns'])}"
    )


def _asked(number: Mapping[str, int]) -> str:
    parts = []
    if number["duplicates"]:
        parts.append(counted(number["duplicates"], "duplicate ACK"))
    if number["sacked_bytes"]:
        parts.append(f"SACK reports {counted(number['sacked_bytes'], 'byte')}")
    if number["past"]:
        parts.append("duplicate ACKs before it was acknowledged")
    if not parts:
        return "there is no duplicate ACK and no SACK"
    when = f", the latest {duration(number['news_ns'])} ago" if number["news_ns"] >= 0 else ""
    return f"{', '.join(parts)}{when}; {duration(number['limit_ns'])} is the limit"


def _timer(number: Mapping[str, int], *, holds: bool) -> str:
    waited, timer = duration(number["waited_ns"]), duration(number["timeout_ns"])
    if holds:
        return f"{waited} since it was sent; the timer is about {timer}"
    return f"only {waited} since it was sent"
