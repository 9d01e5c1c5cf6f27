"""Passages become turns."""

from __future__ import annotations

from msgspec.structs import replace

from netanalyze.apps.transcript import Passage
from netanalyze.report import turns as turns_module
from netanalyze.report.turns import MOST_BYTES, turns


def passage(side: int, offset: int, data: bytes | None, frame: int, note: str = "") -> Passage:
    return Passage(side, offset, len(data) if data is not None else 7, data, frame, frame, frame, note)


def test_neighbours_of_one_side_are_one_turn() -> None:
    found = list(
        turns(
            [
                passage(0, 0, b"one", 4),
                passage(0, 3, b"two", 3),
                passage(1, 0, b"three", 5),
                passage(0, 6, b"four", 6),
            ]
        )
    )
    assert [(turn.side, turn.frames, turn.wire_bytes) for turn in found] == [
        (0, (3, 4), 6),
        (1, (5, 5), 5),
        (0, (6, 6), 4),
    ]
    assert [run.data for run in found[0].runs] == [b"onetwo"]
    assert found[0].runs[0].time_ns == 4


def test_gaps_have_their_place() -> None:
    said = [
        passage(0, 0, b"one", 1),
        passage(0, 3, None, 2),
        passage(0, 10, None, 2),
        passage(0, 17, b"x", 2),
    ]
    (turn,) = turns(said)
    assert [(run.offset, run.wire_bytes, run.data) for run in turn.runs] == [
        (0, 3, b"one"),
        (3, 14, None),
        (17, 1, b"x"),
    ]
    assert turn.wire_bytes == 4


def test_a_note_or_another_part_begins_a_run() -> None:
    said = [
        replace(passage(0, 0, b"head", 1), part="head"),
        replace(passage(0, 4, b"bo", 2, "unpacked"), part="body", coding="gzip", body_offset=0),
        replace(passage(0, 6, b"dy", 2), part="body", coding="gzip", body_offset=2),
        replace(passage(0, 8, b"head", 3), part="head"),
        replace(passage(0, 12, b"more", 3), part="head"),
    ]
    (turn,) = turns(said)
    assert [(run.note, run.part, run.coding, run.body_offset, run.data) for run in turn.runs] == [
        ("", "head", "", None, b"head"),
        ("unpacked", "body", "gzip", 0, b"body"),
        ("", "head", "", None, b"headmore"),
    ]


def test_long_turns_come_in_parts() -> None:
    part = bytes(MOST_BYTES // 2)
    said = (passage(1, place * len(part), part, place + 1) for place in range(5))
    found = list(turns(said))
    assert [(turn.continued, turn.frames) for turn in found] == [
        (False, (1, 2)),
        (True, (3, 4)),
        (True, (5, 5)),
    ]
    assert list(turns_module.turns([])) == []
