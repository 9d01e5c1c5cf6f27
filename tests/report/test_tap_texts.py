"""What is said of a capture point, and of losses before and behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sample_reports import NOTHING_TOLD

from netanalyze.model import NULL
from netanalyze.report.event_texts import DetailColumn
from netanalyze.report.tap_texts import EvidenceColumn
from netanalyze.tcp import causes, kinds, tap
from netanalyze.tcp.tap import BETWEEN, BOTH, CLIENT, SERVER, UNKNOWN

CAPTURED, NOT_CAPTURED = 17, NULL


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, None),
        (
            {"syn_ack_ns": 21_300_000, "ack_ns": 23_000, "client_ttl": 64, "server_ttl": 61},
            "SYN-ACK after 21.3 ms, ACK after 23.0 µs; client TTL 64, server TTL 61",
        ),
        (
            {"syn_ack_ns": 0, "syns": 3, "ack_ns": 1000, "syn_acks": 2, "ack_with_data": True},
            "SYN-ACK to SYN number 3 after 0 s, ACK with data to SYN-ACK number 2 after 1.00 µs",
        ),
        ({"server_ttl": 0}, "server TTL 0"),
        (
            {"one_host": True, "client_left": True, "server_large": 2896, "server_mss": 1460},
            (
                "addresses of one host; client's checksum left to the card;"
                " server's segments up to 2896 bytes, with MSS 1460"
            ),
        ),
    ],
)
def test_the_evidence_in_words(facts: dict[str, int], text: str | None) -> None:
    column = EvidenceColumn({name: np.array([value]) for name, value in (NOTHING_TOLD | facts).items()})
    assert column.values() == [text]
    assert len(column) == 1
    assert (column.ranks()[0] == NULL) == (text is None)


def detail(**values: Any) -> str | None:  # noqa: ANN401 - numbers and truths
    row = {
        "kind": 0, "cause_code": causes.FAST, "other_frame": CAPTURED, "ago_ns": 1000, "number": 0,
        "missing_bytes": 0, "window_bytes": 0, "seq": 1, "payload_bytes": 1, "ack": 1, "later_frame": NULL,
        "later": 0, "lost": True, "sender": CLIENT, "tap": UNKNOWN, "frame": 20,
    } | values  # fmt: skip
    found: str | None = DetailColumn({name: np.array([value]) for name, value in row.items()}).values()[0]
    return found


@pytest.mark.parametrize("kind", [kinds.RETRANSMISSION, kinds.FAST_RETRANSMISSION])
@pytest.mark.parametrize(
    ("place", "before", "behind"),
    [
        (UNKNOWN, "first copy lost before the tap", "lost behind the tap"),
        (BETWEEN, "first copy lost between client and tap", "lost between tap and server"),
        (SERVER, "first copy lost on the way", "lost at the server"),
        (CLIENT, "first copy not captured", ""),
        (BOTH, "first copy not captured", ""),
    ],
)
def test_a_loss_has_its_side_of_the_tap(kind: int, place: int, before: str, behind: str) -> None:
    why = "duplicate ACKs or SACK asked for it"
    number = kind.bit_length() - 1
    assert detail(kind=number, tap=place, other_frame=NOT_CAPTURED) == f"{before}; {why}"
    first = f"first sent in frame {CAPTURED}, 1.00 µs before; {why}"
    assert detail(kind=number, tap=place) == (f"{first}; {behind}" if behind else first)


def test_the_same_seen_from_the_other_side() -> None:
    assert "lost between tap and client" in str(detail(tap=BETWEEN, sender=SERVER))
    assert "lost between server and tap" in str(detail(tap=BETWEEN, sender=SERVER, other_frame=NOT_CAPTURED))
    assert "lost" not in str(detail(tap=SERVER, sender=SERVER))


def test_a_timeout_may_come_from_a_lost_acknowledgement() -> None:
    assert "; it or its ACK lost at the server" in str(detail(tap=SERVER, cause_code=causes.TIMEOUT))


@pytest.mark.parametrize("place", [UNKNOWN, *range(len(tap.TAPS))])
@pytest.mark.parametrize("other", [CAPTURED, NOT_CAPTURED])
def test_what_is_not_known_to_be_lost_is_not_called_so(place: int, other: int) -> None:
    assert " lost" not in str(detail(tap=place, other_frame=other, lost=False))
