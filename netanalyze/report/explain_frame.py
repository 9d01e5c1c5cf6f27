"""A frame explained: one object for programs, and the same as text for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from netanalyze._version import VERSION
from netanalyze.model import format_address
from netanalyze.report.event_texts import DetailColumn
from netanalyze.report.explain_case import ACK, Case, flag_names, kind_names
from netanalyze.report.explain_checks import answer, conclusion, question
from netanalyze.report.explain_differences import differences
from netanalyze.report.explain_notes import notes
from netanalyze.report.explain_rules import rule, unlabelled
from netanalyze.report.explain_state import half_state, state_rows, wireshark_state
from netanalyze.report.explain_wireshark import wireshark_rule, wireshark_unlabelled
from netanalyze.report.json_object import SCHEMA_VERSION, encode, visible
from netanalyze.report.layout import break_words
from netanalyze.report.printable import plain, printable, width
from netanalyze.report.text import GLUE, fold
from netanalyze.report.units import count, counted, duration, moment
from netanalyze.tcp import causes, kinds
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp.retrace import retrace
from netanalyze.wire.ledger import reason_text
from netanalyze.wire.packets import DAMAGED, QUOTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.report.style import Style
    from netanalyze.tcp.explain import Explained
    from netanalyze.tcp.retrace import Retraced

Document = dict[str, Any]

_SIDES = ("client", "server")
_AGAIN = kinds.RETRANSMISSION | kinds.OUT_OF_ORDER | kinds.NETWORK_COPY
_UNTESTED = kinds.OUT_OF_WINDOW | kinds.KEEP_ALIVE | kinds.ZERO_WINDOW_PROBE
_SECOND = 1_000_000_000
_NUMBER_SPACE = re.compile(r"(?<=\d) (?=(?:\d{3}|bytes?|[nµm]?s|B|[kMGTP]B|min|h|d|duplicate|segments?)\b)")
_FRAME_SPACE = re.compile(r"\b(frame|stream|below|number|at) (?=\d)")
_LEAST_CELL = 8


def document(found: Explained) -> Document:
    """Everything there is to say about a frame; keys whose values are not known are left out."""
    made: Document = {
        "schema": SCHEMA_VERSION,
        "generator": f"netanalyze {VERSION}",
        "frame": found.frame,
        "time_ns": found.time_ns,
        "wire_bytes": found.wire_bytes,
        "captured_bytes": found.captured_bytes,
        "ledger": reason_text(found.verdict, found.detail),
        "rules": "wireshark" if found.like_wireshark else "netanalyze",
        "analysed": found.ours is not None,
    }
    if found.row is None or found.segment["role"] in (QUOTED, DAMAGED) or found.segment["stream"] < 0:
        return {**made, "labels": [], "notes": notes(found)}
    case = Case(found)
    made |= _segment(case)
    if found.ours is None:
        made |= {"labels": [], "notes": notes(found)}
    else:
        made |= _by_wireshark(case) if found.like_wireshark else _by_our_rules(case)
    if not found.like_wireshark:
        made["wireshark"] = _wireshark(case)
    return made


def _segment(case: Case) -> Document:
    found, packet = case.found, case.packet
    made = {
        "stream": packet["stream"],
        "elapsed_ns": found.time_ns - found.start_ns,
        "sender": _SIDES[packet["side"] != found.client],
        "receiver": _SIDES[packet["side"] == found.client],
        "source": format_address(packet["src_hi"], packet["src_lo"], packet["ip_version"]),
        "source_port": packet["sport"],
        "destination": format_address(packet["dst_hi"], packet["dst_lo"], packet["ip_version"]),
        "destination_port": packet["dport"],
        "flags": flag_names(case.flags),
        "seq": case.own_number(packet["seq"]),
        "payload_bytes": case.size,
        "window": packet["window"],
    }
    if case.flags & ACK:
        made["ack"] = case.other_number(packet["ack"])
    if case.window_bytes is not None:
        made["window_bytes"] = case.window_bytes
    if found.sack:
        made["sack"] = [[case.other_number(edge) for edge in block] for block in found.sack]
    return made


def _labels(case: Case) -> list[Document]:
    """Each label with what the table ``events`` says of it, and its rule."""
    found = case.found
    explain = wireshark_rule if found.like_wireshark else rule
    names = kind_names(case.bits)
    details = DetailColumn(found.events).values()
    codes = found.events["cause_code"].tolist()
    return [
        {"kind": name, "detail": detail, "cause": causes.CAUSES[code], "rule": explain(name, case)}
        for name, detail, code in zip(names, details, codes, strict=True)
    ]


def _retraced(case: Case) -> Retraced | None:
    """The tests of a segment that begins before what would come next.

    None too where they come to something else than the analysis did: its word counts.
    """
    found = case.found
    if not case.bits & _AGAIN or case.bits & _UNTESTED or found.ours is None:
        return None
    trip = found.opener[fields.HANDSHAKE_NS] if found.opener is not None else 0
    again = retrace(case.packet, *case.before, trip)
    agrees = again is not None and again.kind & case.bits and again.cause == found.ours.facts["cause"]
    return again if agrees else None


def _by_our_rules(case: Case) -> Document:
    made: Document = {"labels": _labels(case)}
    retraced = _retraced(case)
    if retraced is not None:
        made["tests"] = [
            {
                "test": check.name,
                "holds": check.holds,
                "question": question(check),
                "answer": answer(check, case),
            }
            for check in retraced.checks
        ]
        made["conclusion"] = conclusion(retraced)
    if not case.bits:
        made["no_label_because"] = unlabelled(case)
    for name, (sender, receiver) in (("before", case.before), ("after", case.after)):
        own = sender[fields.BASE] if sender.seen else case.own_base
        other = receiver[fields.BASE] if receiver.seen else case.other_base
        made[name] = {
            "sender": half_state(sender, receiver, other),
            "receiver": half_state(receiver, sender, own),
        }
    return made


def _by_wireshark(case: Case) -> Document:
    made: Document = {"labels": _labels(case)}
    if not case.bits:
        made["no_label_because"] = wireshark_unlabelled(case)
    found = case.found
    for name, halves in (("before", found.wireshark_before), ("after", found.wireshark_after)):
        assert halves is not None  # noqa: S101 - there for every analysed segment
        made[name] = {
            "sender": wireshark_state(halves[0], case.own_base, case.other_base),
            "receiver": wireshark_state(halves[1], case.other_base, case.own_base),
        }
    return made


def _wireshark(case: Case) -> Document:
    """What Wireshark labels it, and why that is different."""
    theirs = case.found.wireshark
    assert theirs is not None  # noqa: S101 - there for every segment that is neither quoted nor damaged
    same = theirs.bits == case.bits
    return {"labels": kind_names(theirs.bits), "because": [] if same else differences(case)}


def render(found: Explained, form: str, style: Style) -> Iterator[bytes]:
    """A frame explained, as ``text`` or ``json``."""
    made = document(found)
    if form == "json":
        yield visible(encode(made)) + b"\n"
        return
    for line in _text(made, style):
        yield line.encode("utf-8", "backslashreplace") + b"\n"


def _text(made: Document, style: Style) -> Iterator[str]:
    yield from _folded(_headline(made), style)
    for line in made.get("notes", ()):
        yield from _folded(line, style)
    if made["analysed"]:
        yield ""
        yield from _label_lines(made, style)
        yield ""
        yield from _state_lines(made, style)
    if "wireshark" in made:
        yield from _wireshark_lines(made, style)


def _headline(made: Document) -> str:
    text = f"Frame {made['frame']}, {_moment(made['time_ns'])} UTC"
    if "stream" not in made:
        return f"{text}, {counted(made['wire_bytes'], 'byte')}"
    ends = [
        f"{made[side]} {_endpoint(made[end], made[end + '_port'])}"
        for side, end in (("sender", "source"), ("receiver", "destination"))
    ]
    window = count(made["window_bytes"] if "window_bytes" in made else made["window"])
    parts = [
        f"{text} ({duration(made['elapsed_ns'])} into stream {made['stream']})",
        " → ".join(ends),
        " ".join(made["flags"]) or "no flags",
        f"seq {count(made['seq'])}",
        *([f"ack {count(made['ack'])}"] if "ack" in made else []),
        f"len {count(made['payload_bytes'])}",
        f"window {window}" + ("" if "window_bytes" in made else " (scale not known)"),
    ]
    return ", ".join(parts)


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _moment(time_ns: int) -> str:
    """A point in time with all its digits."""
    rest = f"{time_ns % _SECOND:09}"
    return f"{moment(time_ns).rpartition('.')[0]}.{rest[:6] if rest.endswith('000') else rest}"


def _label_lines(made: Document, style: Style) -> Iterator[str]:
    by = " by Wireshark's rules" if made["rules"] == "wireshark" else ""
    if not made["labels"]:
        yield from _folded(f"labels{by}: none", style)
        for reason in made["no_label_because"]:
            yield from _folded(f"  {reason}", style)
    else:
        names = ", ".join(label["kind"] for label in made["labels"])
        yield from _folded(f"labels{by}: {names}", style)
        told: set[str | None] = {None}
        for label in made["labels"]:
            detail = "" if label["detail"] in told else f" ({label['detail']})"
            told.add(label["detail"])
            yield from _folded(f"  {label['kind']}{detail}: {_lower(label['rule'])}", style)
    if "tests" in made:
        yield ""
        yield "tests, in order:"
        for test in made["tests"]:
            yield from _folded(f"  {test['question']} {test['answer']}", style)
        yield from _folded(f"  so: {made['conclusion']}", style)


def _lower(sentence: str) -> str:
    """A sentence as it goes on behind a colon."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _state_lines(made: Document, style: Style) -> Iterator[str]:
    like_wireshark = made["rules"] == "wireshark"
    blocks = [
        (
            f"{made[side]} ({side})",
            state_rows(made["before"][side], made["after"][side], like_wireshark=like_wireshark),
        )
        for side in ("sender", "receiver")
    ]
    names = max([len(name) for _, rows in blocks for name, _, _ in rows] + [16])
    room = max(2 * _LEAST_CELL, style.width - names - 6)
    widest = [max([width(row[place]) for _, rows in blocks for row in rows] + [6]) for place in (1, 2)]
    limit = max(min(widest[0], room // 2), min(widest[0], room - widest[1]))
    limits = (limit, room - limit)
    yield f"{'state, * changed':<{names + 2}}  {'before':<{limits[0]}}  after"
    for title, rows in blocks:
        yield title
        for name, before, after in rows:
            mark = "*" if before != after else " "
            cells = [
                [part.replace(GLUE, " ") for part in break_words(_glued(cell), limit)]
                for cell, limit in zip((before, after), limits, strict=True)
            ]
            for line in range(max(map(len, cells))):
                shown = [cell[line] if line < len(cell) else "" for cell in cells]
                head = f"{mark} {name}" if line == 0 else ""
                yield _plain(f"{head:<{names + 2}}  {shown[0]:<{limits[0]}}  {shown[1]}".rstrip(), style)


def _wireshark_lines(made: Document, style: Style) -> Iterator[str]:
    theirs = made["wireshark"]["labels"]
    if theirs == [label["kind"] for label in made["labels"]]:
        return
    yield ""
    yield from _folded(f"Wireshark labels it: {', '.join(theirs) or 'nothing'}", style)
    for reason in made["wireshark"]["because"]:
        yield from _folded(f"  {reason}", style)


def _glued(text: str) -> str:
    """The text with spaces that no line may end at."""
    return _FRAME_SPACE.sub(rf"\1{GLUE}", _NUMBER_SPACE.sub(GLUE, text))


def _plain(text: str, style: Style) -> str:
    safe = printable(text)
    return plain(safe.replace("→", "->")) if style.ascii_only else safe


def _folded(text: str, style: Style) -> list[str]:
    return fold(_glued(_plain(text, style)), style)
