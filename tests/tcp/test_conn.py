"""Zeek's ``conn_state`` and ``history``, packet by packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from crafting import ACK, FIN, RST, SYN, ethernet_of, ip4, tcp
from frames import Frame, Kernels, batches
from hypothesis import given
from hypothesis import strategies as st
from zeek_model import Model, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

X, Y = "10.0.0.1", "10.0.0.2"
PORTS = 40000, 9999
A, B = 0, 1
DATA = ACK | 8


def frame(segment: Segment, ports: tuple[int, int] = PORTS) -> Frame:
    sport, dport = ports if segment.side == A else ports[::-1]
    addresses = (X, Y) if segment.side == A else (Y, X)
    header = tcp(
        bytes(segment.size),
        sport,
        dport,
        segment.seq % 2**32,
        segment.ack % 2**32,
        segment.flags,
        window=segment.window,
    )
    made = Frame(ethernet_of(ip4(header, 6, *addresses)))
    return made if segment.captured is None else made.cut(54 + segment.captured)


def follow(
    modules: Kernels, frames: Sequence[Frame], size: int | None = None
) -> tuple[list[str], list[str | None]]:
    """The states and histories of the streams."""
    decoder = modules.decode.Decoder(size or len(frames))
    flows = modules.table.FlowTable(decoder.facts, keep_duplicates=True)
    connections = modules.conn.Connections()
    for batch in batches(frames, size or len(frames)):
        packets = decoder.decode(batch)
        flows.mark_duplicates(batch, packets)
        flows.add(batch, packets)
        connections.feed(packets, flows.tcp.count)
    columns: dict[str, Any] = connections.columns(flows.tcp.count)
    names = columns["conn_state_names"]
    return [names[code] for code in columns["conn_state"].tolist()], columns["history_texts"](
        columns["history_words"]
    )


def one(
    modules: Kernels, segments: Sequence[Segment], ports: tuple[int, int] = PORTS
) -> tuple[str, str | None]:
    """The state and history of the one stream there is."""
    (state,), (history,) = follow(modules, [frame(segment, ports) for segment in segments])
    return state, history


def s(side: int, flags: int, seq: int, ack: int = 0, size: int = 0, **more: int) -> Segment:
    return Segment(side, flags, seq, ack, size, **more)


SYN_A, SYN_ACK_B, ACK_A = s(A, SYN, 100), s(B, SYN | ACK, 500, 101), s(A, ACK, 101, 501)
OPEN = [SYN_A, SYN_ACK_B, ACK_A]
FIN_A, FIN_B = s(A, FIN | ACK, 101, 501), s(B, FIN | ACK, 501, 101)

STORIES: dict[str, tuple[list[Segment], str, str]] = {
    # Every line of the decision table.
    "no answer": ([SYN_A], "S0", "S"),
    "no answer to retries": ([SYN_A, SYN_A, SYN_A], "S0", "S"),
    "an answer that is no SYN-ACK": ([SYN_A, s(B, ACK, 7, 9)], "S0", "Sa"),
    "refused": ([SYN_A, s(B, RST | ACK, 0, 101)], "REJ", "Sr"),
    "refused, then reset": ([SYN_A, s(B, RST | ACK, 0, 101), s(A, RST, 101)], "REJ", "SrR"),
    "a SYN-ACK refused, then reset": ([SYN_ACK_B, s(A, RST, 101), s(B, RST, 501)], "REJ", "HrR"),
    "responder reset half-way": ([s(B, DATA, 5, 6, 1), s(A, RST, 6)], "RSTRH", "Dr"),
    "only a responder's reset": ([s(B, RST, 5)], "OTH", "R"),
    "responder resets": ([*OPEN, s(B, RST, 501)], "RSTR", "ShAr"),
    "both reset after data": (
        [*OPEN, s(A, DATA, 101, 501, 5), s(B, RST, 501), s(A, RST, 106)],
        "RSTR",
        "ShADrR",
    ),
    "both reset, nothing sent": ([*OPEN, s(B, RST, 501), s(A, RST, 101)], "REJ", "ShArR"),
    "given up": ([SYN_A, s(A, RST, 101)], "RSTOS0", "SR"),
    "given up after an odd answer": ([SYN_A, s(B, ACK, 7, 9), s(A, RST, 9)], "RSTOS0", "SaR"),
    "given up with an ACK in between": ([SYN_A, s(A, ACK, 101, 7), s(A, RST, 101)], "OTH", "SAR"),
    "reset half-way": ([s(A, DATA, 5, 6, 1), s(A, RST, 6)], "OTH", "DR"),
    "originator resets": ([*OPEN, s(A, RST, 101)], "RSTO", "ShAR"),
    "normal": ([*OPEN, FIN_A, FIN_B], "SF", "ShAFf"),
    "FIN, RST, FIN is normal too": ([*OPEN, FIN_A, s(A, RST, 102), FIN_B], "SF", "ShAFRf"),
    "a reset after both FINs": ([*OPEN, FIN_A, FIN_B, s(A, RST, 102)], "SF", "ShAFfR"),
    "FIN then RST": ([*OPEN, FIN_A, s(A, RST, 102)], "RSTO", "ShAFR"),
    "closed without an answer": ([SYN_A, s(A, FIN | ACK, 101, 0)], "SH", "SF"),
    "closed by the originator": ([*OPEN, FIN_A], "S2", "ShAF"),
    "closed half-way": ([s(B, DATA, 5, 6, 1), s(A, FIN | ACK, 6, 6)], "SHR", "Df"),
    "closed by the responder": ([*OPEN, FIN_B], "S3", "ShAf"),
    "open": (OPEN, "S1", "ShA"),
    "a SYN-ACK opens": ([SYN_A, SYN_ACK_B], "S1", "Sh"),
    "joined half-way": ([s(A, DATA, 5, 6, 1), s(B, ACK, 6, 6)], "OTH", "Da"),
    "only a SYN-ACK": ([SYN_ACK_B], "OTH", "H"),
    # Letters.
    "simultaneous open": ([SYN_A, s(B, SYN, 500), s(A, SYN | ACK, 100, 501)], "S1", "Ss"),
    "a second FIN": ([*OPEN, FIN_A, FIN_A], "S2", "ShAF"),
    "a FIN that moved": ([*OPEN, FIN_A, s(A, FIN | ACK, 101, 501, 3)], "S2", "ShAFF"),
    "a second reset": ([*OPEN, s(A, RST, 101), s(A, RST, 101)], "RSTO", "ShAR"),
    "a reset elsewhere": ([*OPEN, s(A, RST, 101), s(A, RST, 190)], "RSTO", "ShARR"),
    "a retried SYN-ACK": ([*OPEN, SYN_ACK_B], "S1", "ShA"),
    "another SYN-ACK after the end": (
        [*OPEN, FIN_A, FIN_B, s(B, SYN | ACK, 900, 101)],
        "SF",
        "ShAFfh",
    ),
    "data": ([*OPEN, s(A, DATA, 101, 501, 9), s(B, DATA, 501, 110, 9)], "S1", "ShADd"),
    "data with a FIN is no D": ([*OPEN, s(A, FIN | ACK, 101, 501, 9)], "S2", "ShAF"),
    "again": ([*OPEN, s(A, DATA, 101, 501, 9), s(A, DATA, 101, 501, 9)], "S1", "ShADT"),
    "keep-alive with a byte": ([*OPEN, s(A, DATA, 101, 501, 9), s(A, ACK, 109, 501, 1)], "S1", "ShADT"),
    "data with a reset brings nothing new": ([*OPEN, s(A, RST | ACK, 101, 501, 9)], "RSTO", "ShART"),
    "a gap": ([*OPEN, s(B, ACK, 501, 120)], "S1", "ShAaG"),
    "a gap filled in time": (
        [*OPEN, s(A, DATA, 110, 501, 10), s(A, DATA, 101, 501, 9), s(B, ACK, 501, 120)],
        "S1",
        "ShADTa",
    ),
    "a gap between": (
        [*OPEN, s(A, DATA, 101, 501, 4), s(A, DATA, 110, 501, 10), s(B, ACK, 501, 120)],
        "S1",
        "ShADaG",
    ),
    "bytes that were not captured": (
        [*OPEN, s(A, DATA, 101, 501, 9, captured=4), s(B, ACK, 501, 110)],
        "S1",
        "ShADaG",
    ),
    "no gap half-way": ([s(A, DATA, 5, 6, 1), s(B, ACK, 6, 90)], "OTH", "Da"),
    "zero window": ([*OPEN, s(A, ACK, 101, 501, window=0)], "S1", "ShAW"),
    "zero window after the peer's FIN": ([*OPEN, FIN_B, s(A, ACK, 101, 502, window=0)], "S3", "ShAf"),
    "zero window after a reset": ([*OPEN, s(A, RST, 101), s(A, ACK, 101, 501, window=0)], "RSTO", "ShAR"),
    "zero window with a reset": ([*OPEN, s(B, RST, 501, window=0)], "RSTR", "ShAr"),
    "zero window of a SYN-ACK": ([SYN_A, s(B, SYN | ACK, 500, 101, window=0)], "S1", "Shw"),
    "FIN and RST": ([*OPEN, s(A, FIN | RST, 101)], "RSTO", "ShAI"),
    "FIN and RST twice": ([*OPEN, s(A, FIN | RST, 101), s(A, FIN | RST, 201)], "RSTO", "ShAI"),
    "SYN and FIN": ([s(A, SYN | FIN, 100)], "SH", "Q"),
    "SYN and RST": ([s(A, SYN | RST, 100), s(B, SYN | RST, 100)], "REJ", "Qq"),
    "SYN after data": ([s(A, DATA, 100, 1, 5), s(A, SYN, 99)], "S0", "DS"),
    # Roles.
    "the SYN was missed": ([SYN_ACK_B, ACK_A], "S1", "^hA"),
    "the SYN was missed, data next": ([SYN_ACK_B, s(B, DATA, 501, 101, 4)], "OTH", "^hd"),
    "SYN-ACK and SYN in the wrong order": ([SYN_ACK_B, SYN_A, ACK_A], "S1", "Hs^A"),
    "a SYN-ACK refused": ([SYN_ACK_B, s(A, RST, 101)], "REJ", "Hr"),
    "a SYN-ACK refused, then data": ([SYN_ACK_B, s(A, RST, 101), s(B, DATA, 501, 101, 1)], "REJ", "HrD"),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(kernels: Kernels, name: str) -> None:
    segments, state, history = STORIES[name]
    assert one(kernels, segments) == (state, history)
    assert told(segments) == (state, history)


@pytest.mark.parametrize("shift", [1, 2**31, 2**32 - 100, 2**32 - 105, 2**32 - 505])
@pytest.mark.parametrize("name", STORIES)
def test_numbers_may_begin_anywhere(fastest: Kernels, name: str, shift: int) -> None:
    segments, state, history = STORIES[name]
    moved = [
        Segment(
            **{
                **vars(segment),
                "seq": segment.seq + shift,
                "ack": segment.ack + shift if segment.flags & ACK else 0,
            }
        )
        for segment in segments
    ]
    assert one(fastest, moved) == (state, history)


def told(segments: Sequence[Segment], ports: tuple[int, int] = PORTS) -> tuple[str, str]:
    """What the model says."""
    from netanalyze.tcp.conn import SERVER_PORTS  # noqa: PLC0415 - beside the kernels under test

    model = Model(ports, SERVER_PORTS)
    for segment in segments:
        model.segment(segment)
    return model.state, model.history


@pytest.mark.parametrize(
    ("ports", "first", "history"),
    [
        ((40000, 80), s(B, SYN | ACK, 500, 101), "^h"),  # a server's port answers: the SYN was missed
        ((40000, 80), s(B, DATA, 500, 101, 3), "^d"),
        ((40000, 80), s(A, DATA, 500, 101, 3), "D"),
        ((40000, 81), s(B, ACK, 500, 101), "^a"),
        ((40000, 9999), s(B, DATA, 500, 101, 3), "D"),  # not a port that Zeek knows
        ((8080, 80), s(B, DATA, 500, 101, 3), "^d"),  # both could be: the lower port is the server's
        ((8080, 80), s(A, DATA, 500, 101, 3), "D"),
        ((8080, 80), s(B, SYN | ACK, 500, 101), "H"),  # perhaps a scan
        ((40000, 80), s(B, SYN, 500), "S"),  # who sends a SYN is never turned round
    ],
)
def test_well_known_ports_tell_the_responder(
    kernels: Kernels, ports: tuple[int, int], first: Segment, history: str
) -> None:
    assert one(kernels, [first], ports)[1] == history


@pytest.mark.parametrize(
    ("count", "letters"), [(1, 1), (2, 1), (9, 1), (10, 2), (11, 2), (99, 2), (100, 3), (1000, 4)]
)
def test_letters_of_what_repeats(fastest: Kernels, count: int, letters: int) -> None:
    again = [s(A, DATA, 101, 501, 1)] * (count + 1)
    assert one(fastest, [*OPEN, *again])[1] == "ShAD" + "T" * letters
    zero = [s(B, ACK, 501, 101, window=0)] * count
    assert one(fastest, [*OPEN, *zero])[1] == "ShAa" + "w" * letters
    gaps = [s(B, ACK, 501, 101 + 10 * number) for number in range(1, count + 1)]
    assert one(fastest, [*OPEN, *gaps])[1] == "ShAa" + "G" * letters


def test_more_holes_than_are_kept(fastest: Kernels) -> None:
    # Two stretches beyond the first hole are kept; the holes between others are taken for filled.
    islands = [s(A, DATA, 111 + 20 * number, 501, 10) for number in range(4)]
    state, history = one(fastest, [*OPEN, *islands, s(B, ACK, 501, 181)])
    assert (state, history) == ("S1", "ShADaG")


def test_one_sided_capture_has_no_gaps(kernels: Kernels) -> None:
    # Nothing acknowledges: after 16 kB beyond a hole gaps are not looked for any more.
    far = [s(A, DATA, 1000 + 1400 * number, 501, 1400) for number in range(13)]
    late = s(B, ACK, 501, 1000 + 1400 * 13)
    assert one(kernels, [*OPEN, *far, late])[1] == "ShADa"
    assert one(kernels, [*OPEN, *far[:2], late])[1] == "ShADaG"


def test_a_long_history_says_that_it_ends(kernels: Kernels) -> None:
    resets = [s(A, RST, 101 + number) for number in range(40)]
    state, history = one(kernels, [*OPEN, *resets[:25]])
    assert (state, history) == ("RSTO", "ShA" + "R" * 25)
    state, history = one(kernels, [*OPEN, *resets])
    assert (state, history) == ("RSTO", "ShA" + "R" * 25 + "…")


def test_long_streams(fastest: Kernels) -> None:
    # Three times around the sequence numbers, acknowledged as it goes: nothing is missed.
    step = 2**28
    segments = list(OPEN)
    at = 101
    for _ in range(48):
        segments += [s(A, ACK, at, 501, 0), s(B, ACK, 501, at)]
        at += step
    history = one(fastest, segments)[1]
    assert history is not None
    assert history.startswith("ShAa")
    assert "T" not in history


def test_streams_do_not_mix(kernels: Kernels) -> None:
    names = sorted(STORIES)
    told = [
        [frame(segment, (10_000 + place, 9999)) for segment in STORIES[name][0]]
        for place, name in enumerate(names)
    ]
    mixed = [story[step] for step in range(8) for story in told if step < len(story)]
    expected = ([STORIES[name][1] for name in names], [STORIES[name][2] for name in names])
    for size in (None, 7, 1):
        assert follow(kernels, mixed, size) == expected


def test_no_streams(kernels: Kernels) -> None:
    assert follow(kernels, [Frame(b"")]) == ([], [])


FLAGS = st.sampled_from(
    [ACK, ACK, DATA, DATA, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0, 63, SYN | FIN, 41]
)
SEGMENTS = st.lists(
    st.builds(
        Segment,
        side=st.integers(0, 1),
        flags=FLAGS,
        seq=st.integers(0, 30).map(lambda number: 2**32 - 10 + number),
        ack=st.integers(0, 30).map(lambda number: 2**32 - 10 + number),
        size=st.sampled_from([0, 0, 1, 3, 9]),
        window=st.sampled_from([0, 9, 9, 9]),
        captured=st.sampled_from([None, None, None, 0, 1]),
    ),
    min_size=1,
    max_size=30,
)


@given(
    segments=SEGMENTS,
    begun=st.integers(0, 3),
    ports=st.sampled_from([PORTS, (80, 9999), (40000, 80), (80, 81)]),
)
def test_any_segments_are_told_as_by_the_model(
    segments: list[Segment], begun: int, ports: tuple[int, int]
) -> None:
    from frames import COMPILED, INTERPRETED, load  # noqa: PLC0415 - hypothesis and fixtures do not mix

    opened = [
        Segment(**{**vars(segment), "seq": segment.seq + 2**32 - 600, "ack": segment.ack + 2**32 - 600})
        for segment in OPEN[:begun]
    ]
    segments = [
        Segment(**{**vars(each), "seq": each.seq % 2**32, "ack": each.ack % 2**32})
        for each in (*opened, *segments)
    ]
    kinds = {(each.side, each.flags & (SYN | FIN | RST)) for each in segments if each.flags & FIN}
    if len({kind for _, kind in kinds}) > 1:
        return  # the number of one FIN is kept for each side, and a plain one is kept rather than an odd one
    modules = load(COMPILED) or load(INTERPRETED)
    assert modules is not None
    states, histories = follow(modules, [frame(segment, ports) for segment in segments])
    if len(states) > 1:
        return  # a SYN with another number opened a stream of its own, which the model knows nothing of
    state, history = told(segments, ports)
    if len(history) <= 28:
        assert (states[0], histories[0] or "") == (state, history)
    else:
        assert histories[0] == history[:28] + "…"
