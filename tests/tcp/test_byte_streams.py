"""The bytes of TCP streams: every byte once, in order, whatever the network and the capture did."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from byte_stream import CLIENT, ISN, SERVER, Recorder, Result, Talk, oracle, put_together
from crafting import ACK, FIN, RST, SYN, ethernet_of, ip4, tcp
from frames import COMPILED, INTERPRETED, Frame, Kernels, load
from hypothesis import given
from hypothesis import strategies as st
from segments import SEQUENCE, Segment, anything

from netanalyze.tcp.assembler import FIRST, LAST, POLICIES, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence


def both(frames: Sequence[Frame], **options: Any) -> Result:  # noqa: ANN401 - of ``Reassembly``
    """What comes out, by the compiled kernel if there is one; it must be what the interpreted one gives."""
    made = [
        put_together(modules, frames, **options)
        for modules in (load(COMPILED), load(INTERPRETED))
        if modules is not None
    ]
    for other in made[1:]:
        assert seen(other) == seen(made[0])
    return made[0]


def seen(result: Result) -> dict[int, Any]:
    return {
        number: (recorder.calls, recorder.finished, repr(recorder.facts))
        for number, recorder in result.streams.items()
    }


def only(talk: Talk, **options: Any) -> Recorder:  # noqa: ANN401 - of ``Reassembly``
    return both(talk.frames(), **options).only


def test_a_conversation_with_its_frames() -> None:
    talk = Talk().open().send(CLIENT, 0, b"GET ").send(CLIENT, 4, b"/").send(SERVER, 0, b"200")
    talk.fin(SERVER, 3, b"!").fin(CLIENT, 5).ack(SERVER, 6)
    recorder = only(talk)
    assert recorder.of(CLIENT) == [(0, b"GET ", 4), (4, b"/", 5)]
    assert recorder.of(SERVER) == [(0, b"200", 6), (3, b"!", 7)]
    assert recorder.ends() == [(SERVER, "FIN", 7), (CLIENT, "FIN", 8)]
    facts = recorder.facts
    assert (facts.number, facts.client_side, facts.first_frame, facts.from_the_start) == (0, 0, 1, True)
    assert facts.ports == (1024, 80)
    assert recorder.calls[1].time_ns - recorder.calls[0].time_ns == 1000


@pytest.mark.parametrize("policy", POLICIES)
@given(data=st.data())
def test_any_segments_give_what_byte_after_byte_would(policy: str, data: st.DataObject) -> None:
    """Overlaps of different contents included: each byte is the first or the last copy that came in time."""
    pieces = data.draw(
        st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=12)), min_size=1, max_size=25)
    )
    shift = data.draw(st.integers(0, SEQUENCE - 1))
    size = data.draw(st.sampled_from([1, 3, 4096]))
    talk = Talk((shift, 5000)).open()
    for offset, payload in pieces:
        talk.send(CLIENT, offset, payload)
    expected, after = oracle(pieces, policy)
    result = both(talk.frames(), size=size, policy=policy)
    if not result.streams or not expected:
        return
    recorder = result.only
    assert bytes(byte for byte in recorder.contents(CLIENT)[: len(expected)]) == expected
    # What one segment made deliverable is told before the next one: by its frame, or in one go with it.
    told = [(call.offset, call.offset + len(call.what)) for call in recorder.calls if call.kind == "data"]
    assert {end for _, end in told if end <= len(expected)} >= {
        end for end in after if end and end in {stop for _, stop in told}
    }


MESSAGE = bytes(range(256)) * 3


@given(
    cuts=st.lists(st.integers(1, len(MESSAGE) - 1), max_size=20),
    seed=st.integers(0, 10**6),
    isn=st.sampled_from([1000, SEQUENCE - 1, SEQUENCE - 300, 0, 2**31 - 100]),
    size=st.sampled_from([1, 2, 5, 4096]),
)
def test_however_it_is_cut_and_shuffled_the_bytes_are_the_same(
    cuts: list[int], seed: int, isn: int, size: int
) -> None:
    rng = random.Random(seed)
    bounds = sorted({0, *cuts, len(MESSAGE)})
    parts = list(pairwise(bounds))
    parts += rng.sample(parts, len(parts) // 3)  # retransmissions
    for place in range(len(parts) - 1):
        if rng.random() < 0.4:
            parts[place], parts[place + 1] = parts[place + 1], parts[place]
    talk = Talk((isn, 7)).open()
    fin_at = rng.randrange(len(parts) + 1)
    for place, (start, end) in enumerate(parts):
        if place == fin_at:
            talk.fin(CLIENT, len(MESSAGE))
        talk.send(CLIENT, start, MESSAGE[start:end])
    if fin_at == len(parts):
        talk.fin(CLIENT, len(MESSAGE))
    recorder = only(talk, size=size)
    assert bytes(recorder.contents(CLIENT)) == MESSAGE
    assert [end[:2] for end in recorder.ends()] == [(CLIENT, "FIN")]
    for call in recorder.calls:
        if call.kind == "data":  # its frame really carried these bytes
            segment = talk.segments[call.frame - 1]
            place = (segment.seq - isn - 1) % SEQUENCE
            assert segment.payload[call.offset - place :][: len(call.what)] == call.what


@given(seed=st.integers(0, 10**6), shift=st.integers(0, SEQUENCE - 1), other=st.integers(0, SEQUENCE - 1))
def test_where_sequence_numbers_begin_does_not_matter(seed: int, shift: int, other: int) -> None:
    talk = Talk((0, 0)).open()
    rng = random.Random(seed)
    for _ in range(30):
        side = rng.randrange(2)
        offset = max(talk.sent[side] + rng.choice([0, 0, 0, 5, -5, 20]), 0)
        flags = ACK | (rng.random() < 0.05) * FIN | (rng.random() < 0.02) * RST
        talk.send(side, offset, bytes([rng.randrange(256)]) * rng.randrange(12), flags)
    modules = load(COMPILED) or load(INTERPRETED)
    assert modules is not None
    plain = put_together(modules, talk.frames())
    moved = put_together(modules, talk.frames((shift, other)))
    assert seen(plain) == seen(moved)


@pytest.mark.parametrize("seed", range(30))
def test_nonsense_does_no_harm(seed: int) -> None:
    frames = anything(seed)
    result = both(frames, size=[1, 7, 4096][seed % 3], half_limit=2000, total_limit=5000)
    assert result.streams
    for recorder in result.streams.values():
        for side in (CLIENT, SERVER):
            place = 0
            for offset, what, _ in recorder.of(side):
                assert offset == place
                place += what if isinstance(what, int) else len(what)


def test_batches_of_any_size_tell_the_same() -> None:
    modules = load(COMPILED) or load(INTERPRETED)
    assert modules is not None
    for seed in range(20):
        frames = anything(seed)
        expected = seen(put_together(modules, frames))
        for size in (1, 2, 33):
            assert seen(put_together(modules, frames, size=size)) == expected


class TestHoles:
    def test_what_comes_too_early_waits_and_is_told_with_its_own_frame(self) -> None:
        talk = Talk().open().send(CLIENT, 3, b"def").send(CLIENT, 6, b"ghi").send(CLIENT, 0, b"abc")
        recorder = only(talk)
        assert recorder.of(CLIENT) == [(0, b"abc", 6), (3, b"def", 4), (6, b"ghi", 5)]

    def test_one_that_is_acknowledged_and_left_behind_is_a_gap(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"ab").send(CLIENT, 5, b"fg")
        talk.send(SERVER, 0, b"", acked=7).send(CLIENT, 7, b"h")
        recorder = only(talk)
        assert recorder.of(CLIENT) == [(0, b"ab", 4), (2, 3, 7), (5, b"fg", 5), (7, b"h", 7)]

    def test_an_acknowledgement_captured_before_the_data_makes_no_gap(self) -> None:
        talk = Talk().open().send(SERVER, 0, b"", acked=3).send(CLIENT, 0, b"abc")
        talk.send(SERVER, 0, b"", acked=6).send(CLIENT, 3, b"def").send(SERVER, 0, b"", acked=6)
        assert only(talk).text(CLIENT) == "abcdef"

    def test_a_segment_that_was_never_captured(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"ab").send(SERVER, 0, b"", acked=4).send(CLIENT, 4, b"ef")
        assert only(talk).text(CLIENT) == "ab[2]ef"

    def test_duplicate_acknowledgements_prove_nothing(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"ab").send(SERVER, 0, b"", acked=2)
        talk.send(CLIENT, 4, b"ef").send(SERVER, 0, b"", acked=2).send(CLIENT, 6, b"gh")
        talk.send(SERVER, 0, b"", acked=2).send(CLIENT, 2, b"cd")
        assert only(talk).text(CLIENT) == "abcdefgh"

    def test_at_the_end_what_waits_is_told_with_its_gaps(self) -> None:
        talk = Talk().open().send(CLIENT, 2, b"c").send(CLIENT, 5, b"f")
        recorder = only(talk)
        assert recorder.text(CLIENT) == "[2]c[2]f"
        assert [call.kind for call in recorder.calls] == ["gap", "data", "gap", "data"]

    def test_at_the_end_what_was_acknowledged_is_missing(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"ab").send(SERVER, 0, b"x", acked=9)
        assert only(talk).text(CLIENT) == "ab[7]"

    def test_the_number_of_a_fin_that_was_not_captured_is_no_byte(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"ab").send(SERVER, 0, b"x", acked=3)
        talk.raw(Segment(CLIENT, ISN[0] + 4, ISN[1] + 2))
        assert only(talk).text(CLIENT) == "ab"

    def test_one_sided(self) -> None:
        talk = Talk()
        for place in range(0, 50, 10):
            talk.send(CLIENT, place, b"0123456789", acked=place * 100)
        recorder = only(talk)
        assert recorder.text(CLIENT) == "0123456789" * 5
        assert recorder.text(SERVER) == "[4000]"

    def test_more_than_a_sequence_number_counts(self) -> None:
        talk = Talk((SEQUENCE - 10, 1)).open().send(CLIENT, 0, b"begin")
        acked = 5
        for _ in range(12):
            acked += 2**29
            talk.send(SERVER, 0, b"", acked=acked % SEQUENCE)
        talk.raw(Segment(CLIENT, (talk.isn[0] + 1 + acked) % SEQUENCE, 2, payload=b"end"))
        recorder = only(talk)
        assert recorder.of(CLIENT) == [(0, b"begin", 4), (5, 12 * 2**29, 17), (acked, b"end", 17)]

    def test_a_stream_of_five_gigabytes(self) -> None:
        """Each segment stands for one that a snap length cut."""
        talk = Talk((SEQUENCE - 5, 1)).open()
        frames = talk.frames()
        step = 60000
        count = 5 * 2**30 // step
        for number in range(0, count, 2000):
            # One of each 2000 is captured, the acknowledgement tells of the others.
            seq = talk.isn[0] + 1 + number * step
            frames.append(Segment(SERVER, 2, seq % SEQUENCE).frame())
            frames.append(Segment(CLIENT, seq % SEQUENCE, 2, payload=b"x").frame())
        recorder = both(frames).only
        assert [offset for offset, what, _ in recorder.of(CLIENT) if what == b"x"] == [
            number * step for number in range(0, count, 2000)
        ]


class TestSnapLength:
    def test_the_missing_tail_is_a_gap_at_once(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abcdef").cut(2).send(CLIENT, 6, b"gh")
        assert only(talk).of(CLIENT) == [(0, b"ab", 4), (2, 4, 4), (6, b"gh", 5)]

    def test_of_one_that_came_early_a_copy_may_have_more(self) -> None:
        talk = Talk().open().send(CLIENT, 3, b"defghi").cut(2).send(CLIENT, 5, b"fg").send(CLIENT, 0, b"abc")
        assert only(talk).of(CLIENT) == [
            (0, b"abc", 6), (3, b"de", 4), (5, b"fg", 5), (7, 2, 4),
        ]  # fmt: skip

    def test_nothing_of_the_payload_was_captured(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").cut(0).fin(CLIENT, 3)
        recorder = only(talk)
        assert recorder.of(CLIENT) == [(0, 3, 4)]
        assert recorder.ends() == [(CLIENT, "FIN", 5)]


class TestBeginnings:
    def test_data_on_the_syn(self) -> None:
        talk = Talk().syn(CLIENT, b"fast").syn(SERVER, flags=SYN | ACK).send(CLIENT, 4, b"er")
        assert only(talk).text(CLIENT) == "faster"

    def test_data_on_the_syn_that_was_refused_comes_again(self) -> None:
        talk = Talk().syn(CLIENT, b"fast").syn(SERVER, flags=SYN | ACK).send(CLIENT, 0, b"faster")
        assert only(talk).text(CLIENT) == "faster"

    def test_both_open_at_once(self) -> None:
        talk = Talk().syn(CLIENT).syn(SERVER).syn(CLIENT, flags=SYN | ACK).syn(SERVER, flags=SYN | ACK)
        recorder = only(talk.send(CLIENT, 0, b"one").send(SERVER, 0, b"two"))
        assert (recorder.text(CLIENT), recorder.text(SERVER)) == ("one", "two")
        assert recorder.facts.client_side == 0

    def test_a_syn_ack_alone_tells_who_the_client_is(self) -> None:
        talk = Talk().syn(SERVER, flags=SYN | ACK).send(CLIENT, 0, b"hi")
        facts = only(talk).facts
        assert (facts.client_side, facts.ports, facts.from_the_start) == (1, (80, 1024), True)

    def test_from_the_middle_the_first_byte_seen_is_the_first(self) -> None:
        recorder = only(Talk().send(SERVER, 100, b"abc").send(SERVER, 103, b"def"))
        assert recorder.of(0) == [(0, b"abc", 1), (3, b"def", 2)]
        assert not recorder.facts.from_the_start
        assert recorder.facts.client_side == 1  # by the ports

    def test_from_the_middle_an_acknowledgement_tells_where_the_other_side_is(self) -> None:
        talk = Talk().send(CLIENT, 10, b"abc", acked=50).send(SERVER, 52, b"cd").send(SERVER, 50, b"ab")
        assert only(talk).of(SERVER) == [(0, b"ab", 3), (2, b"cd", 2)]

    def test_bytes_before_the_first_one_are_counted(self) -> None:
        talk = Talk().send(CLIENT, 10, b"abc").send(CLIENT, 5, b"fghij").send(CLIENT, 8, b"..abcd")
        result = both(talk.frames())
        assert result.only.text(CLIENT) == "abcd"
        assert result.losses.early_bytes == 7

    def test_a_single_byte_at_the_beginning_is_a_probe(self) -> None:
        talk = Talk().send(CLIENT, 9, b"\0").send(CLIENT, 10, b"abc")
        assert only(talk).text(CLIENT) == "abc"

    def test_probes_are_no_data(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").send(SERVER, 0, b"", acked=3)
        talk.send(CLIENT, 2, b"\0").send(CLIENT, 2, b"").send(CLIENT, 3, b"d")
        assert only(talk).text(CLIENT) == "abcd"

    def test_the_byte_of_a_window_probe_counts_once(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").send(CLIENT, 3, b"d").send(CLIENT, 3, b"def")
        assert only(talk).text(CLIENT) == "abcdef"

    def test_the_ports_of_a_connection_are_used_again(self) -> None:
        first = Talk().open().send(CLIENT, 0, b"one")
        second = Talk((77, 88)).open().send(CLIENT, 0, b"two")
        result = both([*first.frames(), *second.frames()])
        assert [recorder.text(CLIENT) for recorder in result.streams.values()] == ["one", "two"]

    def test_a_syn_ack_with_another_number(self) -> None:
        talk = Talk().syn(CLIENT).raw(Segment(SERVER, 123456, ISN[0] + 1, SYN | ACK))
        talk.syn(SERVER, flags=SYN | ACK).send(CLIENT, 0, b"hi").send(SERVER, 0, b"yes")
        assert only(talk).text(SERVER) == "yes"


class TestEnds:
    def test_data_that_comes_after_its_fin_is_not_lost(self) -> None:
        talk = Talk().open().fin(CLIENT, 3, b"def").send(CLIENT, 0, b"abc")
        recorder = only(talk)
        assert recorder.text(CLIENT) == "abcdef"
        assert recorder.ends() == [(CLIENT, "FIN", 4)]
        assert [call.kind for call in recorder.calls] == ["data", "data", "end"]

    def test_a_fin_is_told_once(self) -> None:
        talk = Talk().open().fin(CLIENT, 0, b"abc").fin(CLIENT, 0, b"abc").fin(CLIENT, 3)
        assert only(talk).ends() == [(CLIENT, "FIN", 4)]

    def test_what_comes_behind_a_fin_is_counted(self) -> None:
        talk = Talk().open().fin(CLIENT, 0, b"abc").send(CLIENT, 3, b"more")
        result = both(talk.frames())
        assert result.only.text(CLIENT) == "abc"
        assert result.losses.beyond_bytes == 4

    def test_what_waits_behind_a_fin_is_counted(self) -> None:
        talk = Talk().open().send(CLIENT, 5, b"fghi").fin(CLIENT, 7).send(CLIENT, 6, b"ghijk")
        talk.send(CLIENT, 0, b"abcde")
        result = both(talk.frames())
        assert result.only.text(CLIENT) == "abcdefg"
        assert result.losses.beyond_bytes == 2 + 4

    def test_a_stream_without_data_can_close(self) -> None:
        recorder = only(Talk().open().fin(CLIENT, 0).fin(SERVER, 0))
        assert recorder.ends() == [(CLIENT, "FIN", 4), (SERVER, "FIN", 5)]

    def test_a_stream_that_is_over_is_finished_at_once(self) -> None:
        talk = Talk().open().fin(CLIENT, 0, b"a").fin(SERVER, 0, b"b").send(CLIENT, 0, b"a")
        recorder = only(talk)
        assert recorder.finished == recorder.calls[-1].time_ns

    def test_a_reset_ends_its_side_and_carries_no_data(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").send(SERVER, 0, b"why: no", RST | ACK)
        recorder = only(talk)
        assert recorder.ends() == [(SERVER, "RESET", 5)]
        assert recorder.text(SERVER) == ""

    def test_data_after_a_forged_reset_is_not_lost(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").send(CLIENT, 3, b"", RST).send(CLIENT, 3, b"def")
        assert only(talk).text(CLIENT) == "abcdef"

    def test_a_reset_waits_for_what_is_missing(self) -> None:
        talk = Talk().open().send(CLIENT, 3, b"def").send(CLIENT, 6, b"", RST).send(CLIENT, 0, b"abc")
        recorder = only(talk)
        assert recorder.text(CLIENT) == "abcdef"
        assert recorder.ends() == [(CLIENT, "RESET", 5)]

    def test_a_refused_connection_has_nothing_to_tell(self) -> None:
        talk = Talk().syn(CLIENT).raw(Segment(SERVER, 0, ISN[0] + 1, RST | ACK))
        assert not both(talk.frames()).streams

    def test_slots_are_used_again(self, kernels: Kernels) -> None:
        frames = []
        for number in range(200):
            talk = Talk((number, number), pair=number % 100).open()
            talk.fin(CLIENT, 0, b"%d" % number).fin(SERVER, 0, b"ok")
            frames += talk.frames()
        decoder = kernels.decode.Decoder(64)
        made = put_together(kernels, frames, size=64)
        assert [recorder.text(CLIENT) for recorder in made.streams.values()] == [str(n) for n in range(200)]
        del decoder


class TestLimits:
    def test_too_much_behind_a_hole_gives_the_hole_up(self) -> None:
        talk = Talk().open()
        for place in range(10, 2010, 10):
            talk.send(CLIENT, place, b"0123456789")
        result = both(talk.frames(), half_limit=10_000)
        recorder = result.only
        assert recorder.text(CLIENT) == "[10]" + "0123456789" * 200
        assert (result.losses.holes, result.losses.missing_bytes) == (1, 10)
        assert recorder.calls[0].frame < 60  # long before the end
        assert result.losses.lines(FIRST) == [
            "1 holes in TCP streams, 10 bytes, were given up because too much waited behind them"
        ]

    def test_in_all_those_that_waited_longest_go_first(self) -> None:
        talks = [Talk(pair=pair).open().send(CLIENT, 5, b"x" * 1000) for pair in range(4)]
        frames = [frame for talk in talks for frame in talk.frames()]
        late = Talk(pair=0)
        late.send(CLIENT, 0, b"abcde")
        frames += [Segment(CLIENT, ISN[0] + 1, payload=b"abcde", pair=pair).frame() for pair in range(4)]
        result = both(frames, total_limit=3 * (1000 + 256))
        texts = [recorder.text(CLIENT)[:6] for recorder in result.streams.values()]
        assert texts == ["[5]xxx", "abcdex", "abcdex", "abcdex"]
        assert result.losses.holes == 1

    def test_many_small_pieces_cost_what_they_take(self) -> None:
        talk = Talk().open()
        for place in range(1, 400, 2):
            talk.send(CLIENT, place, b"x")
        result = both(talk.frames(), half_limit=100 * 257)
        assert result.losses.holes > 90
        assert result.only.text(CLIENT) == "[1]x" * 200


class TestOverlaps:
    def test_conflicts_are_counted_and_the_policy_decides(self) -> None:
        talk = Talk().open().send(CLIENT, 3, b"DEF").send(CLIENT, 2, b"cde").send(CLIENT, 0, b"ab")
        for policy, expected in ((FIRST, "abcDEF"), (LAST, "abcdeF")):
            result = both(talk.frames(), policy=policy)
            assert result.only.text(CLIENT) == expected
            assert result.losses.conflicting_bytes == 2
            assert policy in result.losses.lines(policy)[0]

    def test_what_was_handed_over_stays(self) -> None:
        talk = Talk().open().send(CLIENT, 0, b"abc").send(CLIENT, 1, b"BCD")
        assert only(talk, policy=LAST).text(CLIENT) == "abcD"


def test_a_segment_far_from_all_others_is_left_out() -> None:
    talk = Talk().open().send(CLIENT, 0, b"abc").send(CLIENT, 2**30 + 5, b"far").send(CLIENT, 3, b"def")
    result = both(talk.frames())
    assert result.only.text(CLIENT) == "abcdef"
    assert result.losses.implausible_segments == 1


def test_frames_captured_twice_count_once() -> None:
    talk = Talk().open().send(CLIENT, 0, b"abc").send(CLIENT, 3, b"def")
    frames = [again for frame in talk.frames() for again in (frame, frame)]
    result = both(frames, keep_duplicates=False)
    assert result.only.of(CLIENT) == [(0, b"abc", 7), (3, b"def", 9)]


def test_a_packet_put_together_from_fragments() -> None:
    talk = Talk().open()
    segment = tcp(b"abcdefghijklmnopqrst", 1024, 80, ISN[0] + 1, ISN[1] + 1, ACK)
    hosts = "10.0.0.1", "10.1.0.1"
    pieces = [
        ip4(segment[:32], 6, *hosts, ident=9, bits=1),
        ip4(segment[32:], 6, *hosts, ident=9, offset=32),
    ]
    frames = [*talk.frames(), *(Frame(ethernet_of(piece)) for piece in pieces)]
    frames += Talk().send(CLIENT, 20, b"uvw").frames()
    assert both(frames).only.of(CLIENT) == [(0, b"abcdefghijklmnopqrst", 5), (20, b"uvw", 6)]


def test_only_streams_that_somebody_asked_for(kernels: Kernels) -> None:
    import numpy as np  # noqa: PLC0415 - this test alone
    from frames import batches  # noqa: PLC0415 - the same

    from netanalyze.columns import view_of  # noqa: PLC0415 - the same

    frames = [frame for pair in range(3) for frame in Talk(pair=pair).open().send(CLIENT, 0, b"x").frames()]
    decoder = kernels.decode.Decoder(64)
    flows = kernels.table.FlowTable(decoder.facts)
    opened = []

    def consumer(facts: Any) -> Recorder:  # noqa: ANN401 - from either set of modules
        opened.append(facts.number)
        return Recorder(facts)

    reassembly = kernels.reassembly.Reassembly(decoder.packets.capacity, consumer)
    for batch in batches(frames, 64):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        asked = np.array([[0], [2], [4]], np.uint8)
        reassembly.feed(batch, packets, 3, view_of(asked))
    reassembly.finish(0)
    assert opened == [1]


def test_a_piece_is_as_large_as_its_range() -> None:
    assert Piece(3, 9, b"abcdef", 1, 2).part(4, 6) == Piece(4, 6, b"bc", 1, 2)


class TestHandshake:
    """Round trips to both sides, and what a RST behind a FIN is."""

    def test_round_trips_are_measured(self) -> None:
        facts = only(Talk().open().send(CLIENT, 0, b"a")).facts
        assert (facts.server_rtt_ns, facts.client_rtt_ns) == (1000, 1000)

    def test_a_repeated_syn_leaves_the_server_unknown(self) -> None:
        facts = only(Talk().syn(CLIENT).open().send(CLIENT, 0, b"a")).facts
        assert (facts.server_rtt_ns, facts.client_rtt_ns) == (None, 1000)

    def test_a_reset_behind_a_fin_is_told(self) -> None:
        talk = Talk().open().fin(CLIENT, 0, b"a").send(SERVER, 0, b"b")
        talk.send(CLIENT, 2, b"", RST)
        ends = [(call.side, call.what) for call in only(talk).calls if call.kind == "end"]
        assert ends == [(CLIENT, "FIN"), (CLIENT, "RESET")]
