"""What must hold of the sequence analysis whatever the segments are, and the rules one by one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from crafting import ACK, FIN, PSH, RST, SYN
from frames import COMPILED, INTERPRETED, Kernels, load
from hypothesis import given, settings
from hypothesis import strategies as st
from segments import MS, SEQUENCE, Found, Segment, analyse, anything, sack, timestamps

from netanalyze.model import NULL
from netanalyze.tcp import causes, scoreboard_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from frames import Frame

SCALE = b"\x02\x04\x05\xb4\x01\x03\x03\x02\x04\x02\x01\x01"
"""MSS 1460, a window scale of 2, SACK permitted."""
OPEN = [
    Segment(0, 999, 0, SYN, window=5000, options=SCALE),
    Segment(1, 4999, 1000, SYN | ACK, window=5000, options=SCALE, at_ns=20 * MS),
    Segment(0, 1000, 5000, ACK, at_ns=21 * MS),
]
"""A handshake of 21 ms at the client's side; then the windows are 4000 bytes."""


def frames_of(segments: Sequence[Segment], shifts: tuple[int, int] = (0, 0)) -> list[Frame]:
    """The segments as frames; one without a time comes a millisecond after the one before."""
    frames, now = [], 0
    for segment in segments:
        now = segment.at_ns or now + MS
        frames.append(segment._replace(at_ns=now).frame(shifts))
    return frames


def found(kernels: Kernels, *segments: Segment, opened: bool = True) -> Found:
    """What is found out about these segments; frame 4 is the first after the handshake."""
    return analyse(kernels, frames_of([*(OPEN if opened else ()), *segments]))


def data(seq: int, size: int = 1000, **more: Any) -> Segment:  # noqa: ANN401 - fields of a segment
    """From the server, which acknowledges nothing new."""
    return Segment(1, seq, 1000, ACK | PSH, bytes(size), **more)


def ack(number: int, **more: Any) -> Segment:  # noqa: ANN401 - fields of a segment
    """From the client."""
    return Segment(0, 1000, number, ACK, **more)


# What must hold.


@pytest.mark.parametrize("like_wireshark", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_compiled_and_interpreted_kernels_agree(seed: int, *, like_wireshark: bool) -> None:
    compiled, interpreted = load(COMPILED), load(INTERPRETED)
    if compiled is None or interpreted is None:
        pytest.skip("the kernels are not compiled here")
    frames = anything(1000 + seed)
    one = analyse(compiled, frames, like_wireshark=like_wireshark)
    other = analyse(interpreted, frames, like_wireshark=like_wireshark)
    assert one == other
    assert len(one.labels) > 100


@pytest.mark.parametrize("size", [1, 7, 100])
def test_batches_do_not_matter(fastest: Kernels, size: int) -> None:
    for like_wireshark in (False, True):
        frames = anything(7)
        whole = analyse(fastest, frames, like_wireshark=like_wireshark)
        assert analyse(fastest, frames, size=size, like_wireshark=like_wireshark) == whole


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)))
def test_initial_sequence_numbers_do_not_matter(seed: int, shifts: tuple[int, int]) -> None:
    kernels = load(COMPILED) or load(INTERPRETED)
    assert kernels is not None
    segments = conversation(random.Random(seed))
    plain = analyse(kernels, frames_of(segments))
    assert analyse(kernels, frames_of(segments, shifts)) == plain


def conversation(rng: random.Random, count: int = 60) -> list[Segment]:
    """A transfer with losses, repetitions, disorder and SACK, all within the window."""
    segments, top, acked = list(OPEN), 5000, 5000
    for _ in range(count):
        turn = rng.random()
        if turn < 0.5:
            size = rng.randrange(2, 500)
            segments.append(data(top, size, ident=rng.choice([0, len(segments)])))
            top += size
        elif turn < 0.6:
            top += rng.randrange(2, 300)  # not captured
        elif turn < 0.8:
            start = rng.randrange(max(5000, top - 2000), top + 1)
            segments.append(data(start, rng.randrange(2, 500)))
            top = max(top, start + len(segments[-1].payload))
        elif turn < 0.9:
            acked = rng.randrange(acked, top + 1)
            segments.append(ack(acked))
        else:
            left = rng.randrange(acked, top + 1)
            options = sack((left, rng.randrange(left, top + 1) + 1))
            segments.append(ack(acked, options=options))
    return segments


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_bytes_are_counted_as_a_set_counts_them(seed: int) -> None:
    kernels = load(COMPILED) or load(INTERPRETED)
    assert kernels is not None
    segments = conversation(random.Random(seed))
    result = analyse(kernels, frames_of(segments))
    seen: set[int] = set()
    sacked: set[int] = set()
    top, acked, sent = 5000, 5000, 0
    for place, segment in enumerate(segments):
        if segment.side == 1 and segment.payload:
            sent += len(segment.payload)
            seen |= set(range(segment.seq, segment.seq + len(segment.payload)))
            top = max(top, segment.seq + len(segment.payload))
        elif place > 2:
            acked = max(acked, segment.ack)
            top = max(top, acked)
            if segment.options:
                left, right = (int.from_bytes(segment.options[at : at + 4]) for at in (4, 8))
                if right <= top and left >= acked:
                    sacked |= set(range(left, right))
            sacked = {number for number in sacked if number >= acked}
        if segment.side == 1 and segment.payload:
            assert result.windows["bytes_in_flight"][place] == max(top - acked - len(sacked), 0)
    server = result.half(0, 1)
    assert server["bytes"] == sent
    assert server["unique_bytes"] == len(seen)
    assert server["retransmitted_bytes"] == sent - len(seen)
    assert server["missed_bytes"] == top - 5000 - len(seen)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_nothing_is_negative_that_cannot_be(seed: int) -> None:
    kernels = load(COMPILED) or load(INTERPRETED)
    assert kernels is not None
    result = analyse(kernels, anything(seed, 200))
    for name, column in result.directions.items():
        differences = {"silent_max_ns", "data_ns"}
        if name not in {*differences, "rtt_path"} and not name.startswith("retransmission_wait"):
            flat = [part for value in column for part in (value if isinstance(value, list) else [value])]
            assert all(value >= 0 or value == NULL for value in flat), name
    assert all(value < 2**31 or value == NULL for value in result.windows["bytes_in_flight"])


# The rules.


def test_a_clean_connection_has_no_events(kernels: Kernels) -> None:
    result = found(
        kernels, data(5000), ack(6000), data(6000), ack(7000), Segment(1, 7000, 1000, FIN | ACK), ack(7001),
        Segment(0, 1000, 7001, FIN | ACK), Segment(1, 7001, 1001, ACK),
    )  # fmt: skip
    assert result.labels == set()
    server = result.half(0, 1)
    assert (server["bytes"], server["unique_bytes"], server["stream_bytes"]) == (2000, 2000, 2000)
    assert (server["rtt_samples"], server["rtt_min_ns"]) == (4, MS)  # SYN, two of data, FIN
    assert (server["mss"], server["window_scale"]) == (1460, 2)
    assert (server["max_window"], server["initial_window_bytes"]) == (4000, 1000)


def test_three_duplicates_and_a_fast_retransmission(kernels: Kernels) -> None:
    result = found(
        kernels,
        *(data(5000 + 900 * place, 900) for place in range(4)),
        *(ack(5000) for _ in range(3)),
        data(5000, 900),
    )
    assert result.kinds() == {
        **{frame: ["duplicate_ack"] for frame in (8, 9, 10)},
        11: ["fast_retransmission", "retransmission"],
    }
    again = result.event(11, "retransmission")
    assert (again["cause_code"], again["other_frame"], again["ago_ns"]) == (causes.FAST, 4, 7 * MS)
    third = result.event(10, "duplicate_ack")
    assert (third["number"], third["other_frame"], third["ack"]) == (3, 3, 1)


def test_more_repairs_belong_to_the_same_recovery(kernels: Kernels) -> None:
    result = found(
        kernels, *(data(5000 + 500 * place, 500) for place in range(6)),
        ack(5000, options=sack((6000, 6500))), ack(5000, options=sack((6000, 7000))),
        data(5000, 500), data(5500, 500), ack(8000),
    )  # fmt: skip
    assert result.event(12, "fast_retransmission")["cause_code"] == causes.FAST
    assert result.event(13, "fast_retransmission")["cause_code"] == causes.RECOVERY_GOES_ON


def test_a_timeout_and_what_is_sent_after_it(kernels: Kernels) -> None:
    result = found(
        kernels, data(5000), data(6000), data(7000), data(5000, at_ns=400 * MS), ack(6000),
        data(6000), data(7000), ack(8000),
    )  # fmt: skip
    assert [result.event(frame, "retransmission")["cause_code"] for frame in (7, 9, 10)] == [
        causes.TIMEOUT, causes.AFTER_TIMEOUT, causes.AFTER_TIMEOUT,
    ]  # fmt: skip
    assert result.half(0, 1)["timeouts"] == 1
    assert not any("fast" in kind for _, kind in result.labels)


def test_timeouts_that_back_off_are_one_each(kernels: Kernels) -> None:
    result = found(kernels, *(data(5000, at_ns=at * MS) for at in (30, 330, 930, 2130)))
    # Of the only segment on its way the first one may be a tail loss probe.
    assert [result.event(frame, "retransmission")["cause_code"] for frame in (5, 6, 7)] == [
        causes.TAIL_TIMER, causes.TIMEOUT, causes.TIMEOUT,
    ]  # fmt: skip
    server = result.half(0, 1)
    assert (server["timeouts"], server["tail_timers"], server["most_retransmissions"]) == (2, 1, 3)


def test_a_tail_loss_probe_is_sooner_than_a_timer(kernels: Kernels) -> None:
    result = found(kernels, data(5000), data(6000), data(6000, at_ns=80 * MS))
    assert result.event(6, "retransmission")["cause_code"] == causes.TAIL_LOSS_PROBE


def test_a_repeated_syn_waits_for_an_answer(kernels: Kernels) -> None:
    syn = Segment(0, 999, 0, SYN, options=SCALE)
    result = found(kernels, syn, syn._replace(at_ns=1030 * MS), opened=False)
    assert result.event(2, "retransmission")["cause_code"] == causes.HANDSHAKE


def test_acknowledged_bytes_sent_again_are_spurious(kernels: Kernels) -> None:
    result = found(
        kernels, data(5000), ack(6000), data(5000, at_ns=300 * MS), ack(6000, options=sack((5000, 6000)))
    )
    assert result.kinds()[6] == ["retransmission", "spurious_retransmission"]
    event = result.event(6, "retransmission")
    assert (event["other_frame"], event["later_frame"], event["later"]) == (4, 7, scoreboard_kernel.UNNEEDED)
    assert result.half(0, 0)["d_sacks"] == 1
    assert result.event(7, "duplicate_ack")["cause_code"] == causes.D_SACK


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        ({"options": timestamps(5, 0)}, {"options": timestamps(4, 0)}, causes.OLDER_TIMESTAMP),
        ({}, {}, causes.SOON),
    ],
)
def test_a_segment_that_was_overtaken(
    kernels: Kernels, first: dict[str, Any], second: dict[str, Any], cause: int
) -> None:
    result = found(kernels, data(5000), data(7000, **first), data(6000, **second), ack(8000))
    assert result.kinds() == {5: ["lost_segment"], 6: ["out_of_order"]}
    event = result.event(6, "out_of_order")
    assert (event["cause_code"], event["other_frame"], event["ago_ns"]) == (cause, 5, MS)
    lost = result.event(5, "lost_segment")
    assert (lost["missing_bytes"], lost["later_frame"], lost["later"]) == (1000, 6, scoreboard_kernel.FILLED)
    assert result.half(0, 1)["missed_bytes"] == 0


def test_identifications_tell_the_order(kernels: Kernels) -> None:
    steady = [data(5000 + 100 * place, 100, ident=10 + place) for place in range(4)]
    late = found(kernels, *steady, data(5500, 100, ident=15), data(5400, 100, ident=14, at_ns=400 * MS))
    assert late.event(9, "out_of_order")["cause_code"] == causes.OLDER_ID
    again = found(kernels, *steady, data(5500, 100, ident=15), data(5400, 100, ident=16))
    assert again.kinds()[9] == ["retransmission"]


def test_a_newer_timestamp_is_a_retransmission_however_soon(kernels: Kernels) -> None:
    result = found(
        kernels, data(5000, options=timestamps(1, 0)), data(7000, options=timestamps(1, 0)),
        data(6000, options=timestamps(2, 0)),
    )  # fmt: skip
    assert "retransmission" in result.kinds()[6]
    assert result.event(6, "retransmission")["other_frame"] == NULL  # the first copy was lost before


def test_an_original_behind_its_repetition_is_late(kernels: Kernels) -> None:
    result = found(
        kernels, data(5000, options=timestamps(1, 0)), data(7000, options=timestamps(1, 0)),
        data(6000, options=timestamps(9, 0)), data(6000, options=timestamps(1, 0)),
    )  # fmt: skip
    assert result.kinds()[7] == ["out_of_order"]


def test_a_copy_made_on_the_way_is_no_retransmission(kernels: Kernels) -> None:
    steady = [data(5000 + 100 * place, 100, ident=10 + place) for place in range(4)]
    result = found(kernels, *steady, data(5300, 100, ident=13, at_ns=60 * MS))
    assert result.kinds() == {8: ["network_copy"]}
    assert result.half(0, 1)["retransmissions"] == 0


def test_acknowledged_but_not_captured(kernels: Kernels) -> None:
    result = found(kernels, data(5000), ack(7000), data(7000), ack(8000))
    assert result.kinds() == {5: ["ack_lost_segment"]}
    assert result.event(5, "ack_lost_segment")["missing_bytes"] == 1000
    assert result.half(0, 1)["missed_bytes"] == 1000


def test_a_hole_that_is_acknowledged_is_the_captures(kernels: Kernels) -> None:
    result = found(kernels, data(5000), data(7000), ack(8000))
    assert result.kinds() == {5: ["lost_segment"], 6: ["ack_lost_segment"]}
    assert result.event(5, "lost_segment")["later"] == scoreboard_kernel.ARRIVED


def test_captured_behind_its_acknowledgement(kernels: Kernels) -> None:
    result = found(kernels, data(5000), ack(7000), data(6000, at_ns=25 * MS))
    assert result.event(6, "out_of_order")["cause_code"] == causes.AFTER_ACK


@pytest.mark.parametrize(("size", "offset"), [(0, -1), (1, -1), (1, 0)])
def test_window_probes_of_every_shape(kernels: Kernels, size: int, offset: int) -> None:
    closed = ack(6000, window=0)
    probe = data(6000 + offset, size)
    result = found(kernels, data(5000), closed, probe, closed, ack(6000, window=700))
    assert result.kinds() == {
        5: ["zero_window"],
        6: ["zero_window_probe"],
        7: ["zero_window", "zero_window_probe_ack"],
        8: ["window_update"],
    }
    client = result.half(0, 0)
    assert client["zero_window_ns"] == 3 * MS
    assert result.half(0, 1)["probe_bytes"] == size


def test_a_probe_that_crosses_the_window_update(kernels: Kernels) -> None:
    result = found(kernels, data(5000), ack(6000, window=0), ack(6000), data(5999, 0), ack(6000))
    assert result.kinds()[7] == ["zero_window_probe"]
    assert result.kinds()[8] == ["zero_window_probe_ack"]
    assert result.event(8, "zero_window_probe_ack")["window_bytes"] == 4000


def test_keep_alive_and_its_answer(kernels: Kernels) -> None:
    result = found(kernels, data(5000), ack(6000), data(5999, 0, at_ns=10**4 * MS), ack(6000))
    assert result.kinds() == {6: ["keep_alive"], 7: ["keep_alive_ack"]}


def test_a_lost_octet_is_no_keep_alive(kernels: Kernels) -> None:
    # Wireshark calls the second one a keep-alive.
    result = found(kernels, data(5000), ack(6000), data(6000, 1), data(6000, 1, at_ns=400 * MS))
    assert result.kinds() == {7: ["retransmission"]}


def test_the_window_is_full(kernels: Kernels) -> None:
    result = found(kernels, data(5000), data(6000, 3000), ack(9000))
    assert result.kinds() == {5: ["window_full"]}
    assert result.windows["peer_window_bytes"][4] == 4000


def test_a_smaller_window_does_not_pull_the_edge_back(kernels: Kernels) -> None:
    # An old acknowledgement arrives late: its window ends where nothing ends any more.
    result = found(kernels, data(5000), ack(6000), ack(5000), data(6000, 4000))
    assert "window_full" in result.kinds()[7]


def test_a_window_of_the_handshake_is_not_another(kernels: Kernels) -> None:
    # 5000 unscaled in the SYN-ACK and 1250 shifted by two are the same window.
    repeated = Segment(1, 5000, 1000, ACK, window=1250)
    assert found(kernels, repeated).labels == set()
    assert found(kernels, repeated._replace(window=1251)).kinds() == {4: ["window_update"]}


def test_sack_news_with_another_window_is_a_duplicate(kernels: Kernels) -> None:
    result = found(kernels, data(5000), data(7000), ack(5000, window=900, options=sack((7000, 8000))))
    assert result.kinds()[6] == ["duplicate_ack"]
    assert result.windows["bytes_in_flight"][4] == 3000
    later = found(kernels, data(5000), data(7000), ack(5000, options=sack((7000, 8000))), data(8000))
    assert later.windows["bytes_in_flight"][6] == 3000


def test_nothing_outstanding_means_no_duplicate(kernels: Kernels) -> None:
    assert found(kernels, data(5000), ack(6000), ack(6000)).labels == set()


@pytest.mark.parametrize(("seq", "refused"), [(6000, False), (5999, True), (6001, False), (90_000, True)])
def test_a_reset_counts_inside_the_window(kernels: Kernels, seq: int, *, refused: bool) -> None:
    reset = Segment(1, seq, 0, RST)
    result = found(kernels, data(5000), ack(6000), reset)
    assert result.kinds() == ({6: ["out_of_window"]} if refused else {})


def test_numbers_out_of_reach_move_nothing(kernels: Kernels) -> None:
    far = data((5000 + 2**30 + 5000) % SEQUENCE)
    result = found(kernels, data(5000), far, data(6000), ack(7000), ack(7000 + 2**30 + 1))
    assert result.kinds() == {5: ["out_of_window"], 8: ["out_of_window"]}
    assert result.half(0, 1)["missed_bytes"] == 0


def test_other_bytes_the_second_time(kernels: Kernels) -> None:
    first = Segment(1, 5000, 1000, ACK, b"a" * 500 + b"b" * 500)
    same = first._replace(at_ns=400 * MS)
    other = first._replace(payload=b"a" * 999 + b"x", at_ns=700 * MS)
    part = Segment(1, 5400, 1000, ACK, b"a" * 100 + b"b" * 100, at_ns=900 * MS)
    result = found(kernels, first, same, other, part)
    assert [frame for frame, kind in result.labels if kind == "differing_retransmission"] == [6]
    assert result.event(6, "differing_retransmission")["other_frame"] == 4


def test_ports_used_again(kernels: Kernels) -> None:
    result = found(
        kernels,
        Segment(0, 1000, 5000, FIN | ACK),
        Segment(1, 5000, 1001, FIN | ACK),
        Segment(0, 90_000, 0, SYN),
    )
    assert result.kinds() == {6: ["reused_ports"]}
    assert result.events["stream"] == [1]


def test_another_syn_ack_after_the_first_was_accepted(kernels: Kernels) -> None:
    again = Segment(1, 77_000, 1000, SYN | ACK, options=SCALE)
    result = found(kernels, again, data(5000), ack(6000))
    assert result.kinds() == {4: ["out_of_window"]}


def test_round_trips_by_karns_rule(kernels: Kernels) -> None:
    result = found(
        kernels,
        data(5000, at_ns=100 * MS),
        ack(6000, at_ns=130 * MS),  # a sample of 30 ms
        data(6000, at_ns=200 * MS),
        data(7000, at_ns=201 * MS),
        data(6000, at_ns=500 * MS),
        ack(8000, at_ns=540 * MS),  # waited for the repetition: none
        data(8000, at_ns=600 * MS),
        data(8000, at_ns=900 * MS),
        ack(9000, at_ns=950 * MS),  # of which copy? 50 ms after the last
    )
    server = result.half(0, 1)
    assert (server["rtt_samples"], server["rtt_max_ns"]) == (2, 30 * MS)  # with the SYN's
    assert (server["rtt_after_loss"], server["acked_cumulatively"]) == (1, 1)
    assert (server["ambiguous_rtt_samples"], server["ambiguous_rtt_max_ns"]) == (1, 50 * MS)
    assert server["syn_rtt_ns"] == MS
    assert result.windows["rtt_ns"][4] == 30 * MS
    assert sum(server["rtt_buckets"]) == 2


def test_timestamps_tell_which_copy_arrived(kernels: Kernels) -> None:
    result = found(
        kernels,
        data(5000, at_ns=100 * MS, options=timestamps(100, 1)),
        data(5000, at_ns=400 * MS, options=timestamps(400, 1)),
        ack(6000, at_ns=430 * MS, options=timestamps(50, 400)),
    )
    server = result.half(0, 1)
    assert (server["rtt_by_timestamp"], server["ambiguous_rtt_samples"]) == (1, 0)
    assert result.windows["rtt_ns"][5] == 30 * MS


def test_the_timer_follows_from_the_round_trips(kernels: Kernels) -> None:
    server = found(kernels, data(5000, at_ns=100 * MS), ack(6000, at_ns=117 * MS)).half(0, 1)
    assert server["srtt_ns"] == (7 * MS + 17 * MS) // 8  # RFC 6298 section 2.3, after 1 ms for the SYN
    assert server["rto_ns"] == server["srtt_ns"] + 200 * MS


def test_begun_in_the_middle(kernels: Kernels) -> None:
    result = found(kernels, data(5000), ack(6000), data(6000), ack(7000), opened=False)
    assert result.labels == set()
    server = result.half(0, 0)  # the one whose port is below 1024 serves
    assert server["max_window"] == NULL  # the scale is not known
    server = result.half(0, 1)
    assert (server["stream_bytes"], server["initial_window_bytes"], server["rtt_samples"]) == (NULL, NULL, 2)


def test_one_side_only(kernels: Kernels) -> None:
    result = found(kernels, *(data(5000 + 1000 * place) for place in range(5)), data(6000), opened=False)
    assert result.kinds() == {6: ["retransmission"]}
    server = result.half(0, 1)
    assert (server["rtt_samples"], server["max_bytes_in_flight"], server["rto_ns"]) == (0, NULL, NULL)


def test_more_than_four_gigabytes(fastest: Kernels) -> None:
    step = 1 << 29
    segments = list(OPEN)
    for place in range(20):  # captured are the last 10 bytes of every half gigabyte
        top = 5000 + (place + 1) * step
        segments += [data((top - 10) % SEQUENCE, 10), ack(top % SEQUENCE)]
    server = analyse(fastest, frames_of(segments)).half(0, 1)
    assert server["unique_bytes"] == 200
    assert server["missed_bytes"] == 20 * step - 200


def test_simultaneous_open(kernels: Kernels) -> None:
    both = [
        Segment(0, 999, 0, SYN, options=SCALE),
        Segment(1, 4999, 0, SYN, options=SCALE),
        Segment(0, 999, 5000, SYN | ACK, options=SCALE),
        Segment(1, 4999, 1000, SYN | ACK, options=SCALE),
        Segment(0, 1000, 5000, ACK, b"data"),
        Segment(1, 5000, 1004, ACK),
    ]
    result = found(kernels, *both, opened=False)
    assert {kind for _, kind in result.labels} <= {"retransmission"}  # SYN-ACKs repeat the SYNs
    assert result.half(0, 0)["unique_bytes"] == 4


def test_data_in_the_syn(kernels: Kernels) -> None:
    result = found(
        kernels,
        Segment(0, 999, 0, SYN, b"early", options=SCALE),
        Segment(1, 4999, 1005, SYN | ACK, options=SCALE),
        Segment(0, 1005, 5000, ACK, b"late"),
        Segment(1, 5000, 1009, ACK),
        opened=False,
    )
    assert result.labels == set()
    client = result.half(0, 0)
    assert (client["unique_bytes"], client["missed_bytes"]) == (9, 0)


@pytest.mark.parametrize("acknowledged", [0, 1, 63, 64, 65, 500])
def test_the_first_copy_is_found_among_many(fastest: Kernels, acknowledged: int) -> None:
    # Every 64th segment is a mark from which the search may begin; late ones lie between them.
    rng = random.Random(acknowledged)
    first_sent: dict[int, int] = {}
    segments = list(OPEN)

    def send(number: int) -> None:
        segments.append(data(5000 + 2 * number, 2))
        first_sent.setdefault(number, len(segments))

    for number in range(1000):
        if number % 100 != 50:
            send(number)
    for number in range(50, 1000, 100):
        send(number)
    segments.append(ack(5000 + 2 * acknowledged))
    again = {}
    for _ in range(300):
        number = rng.randrange(max(acknowledged - 50, 0), 1000)
        send(number)
        again[len(segments)] = number
    result = analyse(fastest, frames_of(segments))
    for frame, number in again.items():
        event = result.event(frame, "retransmission")
        assert event["other_frame"] == first_sent[number]
