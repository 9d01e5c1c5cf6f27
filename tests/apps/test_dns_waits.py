"""How long clients waited for servers in vain, from rows made by hand."""

from __future__ import annotations

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.queries import Rows
from netanalyze.apps.dns.waits import PATIENCE_NS, served_ns, waits_ns
from netanalyze.model import NULL

S = 10**9


def row(frame: int, time_s: float, **more: float) -> dict[str, float]:
    """A query; times in seconds."""
    return {"frame": frame, "first": frame, "time": time_s, "last": time_s, "sent": 1, "responses": 0, **more}


def rows_of(*told: dict[str, float]) -> Rows:
    words = np.full((len(told), fields.WORDS), NULL, np.int64)
    numbers = np.zeros((len(told), fields.NOTE + 20), np.int32)
    for place, one in enumerate(told):
        words[place, fields.FRAME], words[place, fields.FIRST_FRAME] = one["frame"], one["first"]
        words[place, fields.TIME], words[place, fields.LAST_NS] = one["time"] * S, one["last"] * S
        if "response" in one:
            words[place, fields.RESPONSE_NS] = one["response"] * S
        numbers[place, fields.SENT], numbers[place, fields.RESPONSES] = one["sent"], one["responses"]
        numbers[place, fields.END] = one.get("end", fields.UNANSWERED)
        numbers[place, fields.NOTE] = one.get("note", 0)
        numbers[place, fields.QTYPE] = one.get("type", 1)
    return Rows(words, np.zeros((len(told), fields.ADDRESS_WORDS), np.uint64), numbers)


def waited_s(*told: dict[str, float]) -> list[float | None]:
    return [None if wait == NULL else wait / S for wait in waits_ns(rows_of(*told)).tolist()]


ANSWERED = {"responses": 1, "end": fields.ANSWERED}


def test_until_the_next_server_is_asked() -> None:
    chain = (
        row(1, 0, end=fields.RETRIED),
        row(2, 5, first=1, end=fields.RETRIED),
        row(3, 8, first=1, **ANSWERED, response=8.1),
    )
    assert waited_s(*chain) == [5, 3, None]
    assert served_ns(rows_of(*chain)).tolist() == [NULL, NULL, S // 10]


def test_types_and_lookups_do_not_mix() -> None:
    assert waited_s(
        row(1, 0, end=fields.RETRIED), row(2, 0, end=fields.RETRIED, type=28),
        row(3, 5, first=1, **ANSWERED), row(4, 6, first=2, type=28, **ANSWERED),
        row(5, 1, **ANSWERED),
    ) == [5, 6, None, None, None]  # fmt: skip


def test_sent_again_by_the_same_port() -> None:
    lost = row(1, 0, last=5, sent=2, response=5.5, **ANSWERED)
    assert waited_s(lost) == [5]
    assert served_ns(rows_of(lost)).tolist() == [S // 2]
    slow = row(1, 0, last=1, sent=2, response=1.5, responses=2, end=fields.ANSWERED)
    assert waited_s(slow) == [None]  # both were answered: the server took its time
    assert served_ns(rows_of(slow)).tolist() == [3 * S // 2]


def test_two_servers_by_turns_share_the_time() -> None:
    """c-ares keeps port and number: the first row goes on while the second server is asked."""
    assert waited_s(
        row(1, 0, last=10, sent=2, response=10.1, **ANSWERED), row(2, 5, first=1, end=fields.RETRIED)
    ) == [5, 5]


def test_servers_asked_at_once_wait_together() -> None:
    assert waited_s(
        row(1, 0, last=5, sent=2, **ANSWERED, response=5.1),
        row(2, 0.001, first=1, end=fields.RETRIED, note=fields.AT_ONCE),
    ) == [5, 4.999]


def test_who_gave_up_does_not_wait() -> None:
    gap = PATIENCE_NS / S + 1
    assert waited_s(row(1, 0, end=fields.RETRIED, last=7, sent=3), row(2, 7 + gap, first=1)) == [7, None]
    assert waited_s(row(1, 0, end=fields.RETRIED), row(2, gap, first=1)) == [None, None]


def test_none() -> None:
    assert waited_s() == []
    assert waited_s(row(1, 0)) == [None]
