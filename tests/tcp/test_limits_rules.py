"""Each rule of what limits a sender, on a stream made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limit_streams import MSS, Download

from netanalyze.tcp.limits import percentages

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000


def growing(transfer: Download, rounds: int = 4, first_ms: float = 50.0) -> tuple[float, int]:
    """Slow start: flights of 4, 8 … segments, one a round trip; returns the next round's time and byte."""
    at, now, count = 0, first_ms, 4
    for _ in range(rounds):
        end = transfer.flight(now, at, count)
        now += 40
        transfer.ack(now, end)
        at, now, count = end, now + 0.03, count * 2
    return now, at


@pytest.mark.parametrize("near_us", [20, 10_000, 40_000])
def test_slow_start(tmp_path: Path, near_us: int) -> None:
    # The nearer the capture point is to the client, the sooner after the data the acknowledgement.
    far_us = 40_000 - near_us + 20
    transfer = Download(near_us=near_us, far_us=far_us)
    at, now, count = 0, 90.0, 4
    for _ in range(4):
        end = transfer.flight(now, at, count)
        transfer.ack(now + far_us / 1000, end)
        at, now, count = end, now + 40.05, count * 2
    transfer.data(now, at, 100, push=True)
    transfer.ack(now + far_us / 1000, at + 100)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "slow_start"
    assert row["slow_start_ns"] == pytest.approx(160 * MS, rel=0.02)
    # The last segment has to arrive, too.
    assert row["application_ns"] == pytest.approx(40 * MS, rel=0.05)


def test_a_flight_that_does_not_grow_is_bounded_by_something_else(tmp_path: Path) -> None:
    transfer = Download()
    at, now = 0, 50.0
    for _ in range(12):
        end = transfer.flight(now, at, 8)
        transfer.ack(now + 40, end)
        at, now = end, now + 40.03
    transfer.data(now, at, 100, push=True)
    transfer.ack(now + 40, at + 100)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "send_buffer"
    assert row["slow_start_ns"] == 0


def test_after_a_loss_the_same_flight_is_the_congestion_window(tmp_path: Path) -> None:
    transfer = Download()
    now, at = growing(transfer, 3)
    end = transfer.flight(now, at, 8)
    for number in range(4):
        transfer.ack(now + 40 + number / 100, at)
    transfer.data(now + 40.05, at)
    transfer.ack(now + 80.1, end)
    now, at = now + 80.13, end
    for _ in range(6):
        end = transfer.flight(now, at, 8)
        transfer.ack(now + 40, end)
        at, now = end, now + 40.03
    transfer.data(now, at, 100, push=True)
    transfer.ack(now + 40, at + 100)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "loss"
    assert row["recovery_ns"] == pytest.approx(40 * MS, rel=0.02)
    assert row["congestion_window_ns"] == pytest.approx(240 * MS, rel=0.02)
    assert row["slow_start_ns"] == pytest.approx(160 * MS, rel=0.02)
    assert row["send_buffer_ns"] == 0


def test_a_timer_is_waited_for(tmp_path: Path) -> None:
    transfer = Download()
    now, at = growing(transfer, 2)
    end = transfer.flight(now, at, 4)
    transfer.data(now + 300, at)
    transfer.ack(now + 340, end)
    transfer.fin(now + 341, end)
    row = transfer.limits(tmp_path)
    assert row["recovery_ns"] == pytest.approx(340 * MS, rel=0.01)
    assert row["verdict"] == "loss"


def test_a_window_too_small_for_a_segment(tmp_path: Path) -> None:
    transfer = Download(window=4 * MSS + 100)
    at, now = 0, 50.0
    for _ in range(10):
        end = transfer.flight(now, at, 4)
        transfer.ack(now + 40, end)
        at, now = end, now + 40.03
    transfer.data(now, at, 100, push=True)
    transfer.ack(now + 40, at + 100)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "receiver_window"
    assert row["receiver_window_ns"] == pytest.approx(400 * MS, rel=0.01)


def test_a_sender_that_was_slow_to_answer_may_yet_be_near(tmp_path: Path) -> None:
    # Its SYN-ACK took 30 ms, but data follows each acknowledgement at once.
    transfer = Download(near_us=30_000, far_us=40_000, window=4 * MSS + 100)
    at, now = 0, 90.0
    for _ in range(10):
        end = transfer.flight(now, at, 4)
        transfer.ack(now + 40, end)
        at, now = end, now + 40.03
    transfer.data(now, at, 100, push=True)
    transfer.ack(now + 40, at + 100)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "receiver_window"
    assert row["receiver_window_ns"] == pytest.approx(400 * MS, rel=0.01)


def closed(transfer: Download, *, probe: bool, goes_on_ms: float) -> None:
    """Four segments fill the window, which then is closed for 500 ms; at last four more are sent."""
    end = transfer.flight(50, 0, 4, push=True)
    transfer.ack(90, end, 0)
    if probe:
        transfer.probe(350, end)
        transfer.ack(390, end, 0)
    transfer.ack(590, end)
    at = transfer.flight(goes_on_ms, end, 4, push=True)
    transfer.ack(goes_on_ms + 40, at)


def test_a_closed_window_holds_up_who_sends_as_soon_as_it_opens(tmp_path: Path) -> None:
    transfer = Download(window=4 * MSS)
    closed(transfer, probe=False, goes_on_ms=590.03)
    row = transfer.limits(tmp_path)
    assert row["receiver_window_ns"] == pytest.approx(540 * MS, rel=0.01)
    assert row["busy_ns"] == pytest.approx(row["active_ns"], abs=MS)


def test_a_closed_window_does_not_hold_up_who_has_nothing_to_send(tmp_path: Path) -> None:
    transfer = Download(window=4 * MSS)
    closed(transfer, probe=False, goes_on_ms=2000)
    row = transfer.limits(tmp_path)
    assert row["receiver_window_ns"] == 0
    assert row["verdict"] == "application"
    assert row["busy_ns"] < 100 * MS


def test_who_asks_for_window_has_something_to_send(tmp_path: Path) -> None:
    transfer = Download(window=4 * MSS)
    closed(transfer, probe=True, goes_on_ms=700)
    row = transfer.limits(tmp_path)
    assert row["receiver_window_ns"] == pytest.approx(540 * MS, rel=0.01)


def test_a_pause_of_the_application(tmp_path: Path) -> None:
    transfer = Download()
    at, now = 0, 50.0
    for _ in range(5):
        transfer.flight(now, at, 2)
        transfer.data(now + 0.1, at + 2 * MSS, 700, push=True)
        at += 2 * MSS + 700
        transfer.ack(now + 40, at)
        now += 500
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "application"
    assert row["application_percent"] == 100
    assert row["busy_ns"] == pytest.approx(200 * MS, rel=0.02)


def test_small_writes_within_a_round_trip_are_the_applications(tmp_path: Path) -> None:
    transfer = Download()
    for number in range(100):
        transfer.data(50 + 7 * number, 300 * number, 300, push=True)
        transfer.ack(90 + 7 * number, 300 * (number + 1))
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "application"
    assert row["application_percent"] >= 95


def test_segments_at_an_even_pace(tmp_path: Path) -> None:
    transfer = Download()
    for number in range(100):
        transfer.data(50 + 5 * number, MSS * number)
        transfer.ack(90 + 5 * number, MSS * (number + 1))
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "path_rate"
    assert row["path_rate_percent"] >= 90


def test_a_queue_shows_in_the_round_trips(tmp_path: Path) -> None:
    transfer = Download()
    now, at = growing(transfer, 4)
    # Sixty segments are on their way; one arrives every 5 ms, and lets another one go.
    arrived, sent = at, transfer.flight(now, at, 40)
    for number in range(60):
        arrived += MSS
        transfer.ack(now + 40 + 5 * number, arrived)
        if number < 20:
            sent = transfer.flight(now + 40.03 + 5 * number, sent, 1)
    row = transfer.limits(tmp_path)
    assert row["verdict"] == "path_rate"


def test_a_reset_ends_the_active_time(tmp_path: Path) -> None:
    transfer = Download()
    end = transfer.flight(50, 0, 6)
    transfer.reset(80, end)
    transfer.ack(500, end)
    row = transfer.limits(tmp_path)
    assert row["active_ns"] == pytest.approx(30 * MS, rel=0.01)


def test_few_segments_get_no_verdict(tmp_path: Path) -> None:
    transfer = Download()
    end = transfer.flight(50, 0, 3)
    transfer.ack(90, end)
    row = transfer.limits(tmp_path)
    assert row["verdict"] is None
    assert row["active_ns"] == 40 * MS


def test_without_acknowledgements_nothing_is_known(tmp_path: Path) -> None:
    transfer = Download()
    transfer.frames.clear()
    transfer.flight(50, 0, 10)
    row = transfer.limits(tmp_path)
    assert row["bytes"] == 10 * MSS
    assert row["active_ns"] is row["verdict"] is row["application_percent"] is None


@pytest.mark.parametrize("base", [0, 0x7FFF_FFF0, 0xFFFF_FF00])
def test_sequence_numbers_may_wrap(tmp_path: Path, base: int) -> None:
    found = []
    for number in (1234, base):
        transfer = Download(base=number, window=20 * MSS, near_us=25_000, far_us=15_000)
        now, at = growing(transfer, 4)
        transfer.ack(now + 40, at, 0)
        transfer.ack(now + 80, at, 20 * MSS)
        transfer.flight(now + 105, at, 4)
        found.append(transfer.limits(tmp_path))
    assert found[0] == found[1]


@given(st.lists(st.lists(st.integers(0, 1 << 59), min_size=7, max_size=7), min_size=1, max_size=5))
def test_percentages_add_up(parts: list[list[int]]) -> None:
    found = percentages(np.array(parts, np.int64)).tolist()
    for row, shares in zip(parts, found, strict=True):
        assert sum(shares) == (100 if sum(row) else 0)
        for part, share in zip(row, shares, strict=True):
            assert abs(part * 100 / max(sum(row), 1) - share) < 1
            assert share >= 0


def test_percentages_of_a_tie_are_in_order() -> None:
    assert percentages(np.array([[1, 1, 1, 0, 0, 0, 0]], np.int64)).tolist() == [[34, 33, 33, 0, 0, 0, 0]]
