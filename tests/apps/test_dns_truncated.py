"""Queries over TCP that follow truncated answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_talk import SECOND, TRUNCATED, Talk, framed, picked, question, reply

if TYPE_CHECKING:
    from pathlib import Path

A = "example.org. 60 IN A 192.0.2.1"


def truncated(talk: Talk, at_s: float, number: int, port: int, name: str = "example.org") -> int:
    """A query over UDP whose answer does not fit. Returns its frame."""
    asked = question(name, "A", number)
    frame = talk.ask(at_s, asked, port=port)
    talk.answer(at_s + 0.01, reply(asked, flags=TRUNCATED), port=port)
    return frame


def over_tcp(talk: Talk, at_s: float, number: int, port: int, name: str = "example.org") -> int:
    """The same over TCP."""
    asked = question(name, "A", number)
    talk.connect(at_s, port=port)
    frame = talk.segment(at_s + 0.01, query=True, payload=framed(asked), port=port)
    talk.segment(at_s + 0.02, query=False, payload=framed(reply(asked, A)), port=port)
    return frame


def tcp_rows(talk: Talk, folder: Path) -> list[tuple[object, ...]]:
    rows = [row for row in talk.rows(folder) if row["transport"] == "tcp"]
    return picked(rows, "frame", "first_frame", "other_frame", "attempts", "pattern", "latency_ns")


def test_each_follows_its_own(tmp_path: Path) -> None:
    """Five lookups of one name, whose datagrams are read before their streams."""
    talk, expected = Talk(), []
    for turn in range(5):
        frame = truncated(talk, turn, 2 * turn + 1, 40000 + turn)
        again = over_tcp(talk, turn + 0.02, 2 * turn + 2, 50000 + turn)
        expected.append((again, frame, frame, 2, "retry_over_tcp", 40_000_000))
    assert tcp_rows(talk, tmp_path) == expected


def test_one_follows_one(tmp_path: Path) -> None:
    """What comes after that over TCP is a lookup of its own."""
    talk = Talk()
    frame = truncated(talk, 0, 1, 40000)
    first = over_tcp(talk, 0.1, 2, 50000)
    second = over_tcp(talk, 0.2, 3, 50001)
    truncated(talk, 1, 4, 40001)
    assert tcp_rows(talk, tmp_path) == [
        (first, frame, frame, 2, "retry_over_tcp", 120_000_000),
        (second, second, None, 1, None, 10_000_000),
    ]


def test_what_does_not_follow(tmp_path: Path) -> None:
    """Another name; before it; and half a minute later."""
    talk = Talk()
    alone = [over_tcp(talk, 0, 1, 50000)]
    truncated(talk, 1, 2, 40000)
    truncated(talk, 1.5, 3, 40001, "example.net")
    alone += [over_tcp(talk, 2, 4, 50001, "example.com"), over_tcp(talk, 40, 5, 50002)]
    truncated(talk, 41, 6, 40002, "example.com")
    assert tcp_rows(talk, tmp_path) == [(frame, frame, None, 1, None, 10_000_000) for frame in alone]


def test_another_server(tmp_path: Path) -> None:
    """It is asked over TCP what the first one could not say."""
    talk = Talk()
    asked = question("example.org", "A", 1)
    frame = talk.ask(0, asked, server=SECOND)
    talk.answer(0.01, reply(asked, flags=TRUNCATED), server=SECOND)
    over_tcp(talk, 0.02, 2, 50000)
    truncated(talk, 1, 3, 40001)
    (row,) = [row for row in talk.rows(tmp_path) if row["transport"] == "tcp"]
    assert (row["first_frame"], row["attempts"]) == (frame, 2)
    assert "went to another server" in row["note"]
