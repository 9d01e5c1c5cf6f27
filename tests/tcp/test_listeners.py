"""Listening sockets, from segments made for the purpose, either kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from crafting import ACK, FIN, PSH, RST, SYN, ethernet_of, icmp, ip4, ip6, tcp
from frames import Frame, Kernels, batches
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.model import NULL
from netanalyze.tcp.queues import sweep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SERVER, CLIENT = "10.0.0.1", "10.0.0.2"
SERVER6, CLIENT6 = "2001:db8::1", "2001:db8::2"
PORT = 9000
MS = 1_000_000
SECOND = 1000 * MS
DATA = PSH | ACK
SCALE_AND_SACK = bytes.fromhex("0402010303070000")
"""SACK permitted, a window scale of 7, padding."""


class Step(NamedTuple):
    """A segment: when, which client's (by its port), from the server or from it, flags and bytes."""

    at_ns: int
    client: int
    from_server: bool
    flags: int
    size: int = 0
    seq: int = 0
    options: bytes = b""


def c(at_ms: float, client: int, flags: int, size: int = 0, **more: Any) -> Step:  # noqa: ANN401
    return Step(int(at_ms * MS), client, from_server=False, flags=flags, size=size, **more)


def s(at_ms: float, client: int, flags: int, size: int = 0, **more: Any) -> Step:  # noqa: ANN401
    return Step(int(at_ms * MS), client, from_server=True, flags=flags, size=size, **more)


def opened(at_ms: float, client: int) -> list[Step]:
    """A handshake that takes two milliseconds."""
    return [c(at_ms, client, SYN), s(at_ms + 1, client, SYN | ACK), c(at_ms + 2, client, ACK)]


def packet(step: Step, *, ipv6: bool = False) -> bytes:
    sport, dport = (PORT, 40_000 + step.client) if step.from_server else (40_000 + step.client, PORT)
    seq = 1000 + step.seq + (0 if step.flags & SYN else 1)
    ack = 1001 if step.flags & ACK else 0
    header = tcp(bytes(step.size), sport, dport, seq, ack, step.flags, options=step.options)
    source, target = (SERVER6, CLIENT6) if ipv6 else (SERVER, CLIENT)
    if not step.from_server:
        source, target = target, source
    return ip6(header, 6, source, target) if ipv6 else ip4(header, 6, source, target)


def frames(*steps: Step, last_ms: float | None = None) -> list[Frame]:
    """In order of time; ``last_ms`` is when something else of the client's ends the capture."""
    made = [Frame(ethernet_of(packet(step)), time_ns=step.at_ns) for step in sorted(steps)]
    if last_ms is not None:
        made.append(Frame(b"\xff" * 12 + b"\x08\x06" + bytes(28), time_ns=int(last_ms * MS)))
    return made


def table(modules: Kernels, captured: list[Frame], size: int | None = None) -> list[dict[str, Any]]:
    """The rows of the table."""
    decoder = modules.decode.Decoder(size or max(len(captured), 1))
    flows = modules.table.FlowTable(decoder.facts, keep_duplicates=True)
    handshakes = modules.listeners.Handshakes()
    for batch in batches(captured, size or max(len(captured), 1)):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        handshakes.feed(batch, packets, flows.tcp.count)
    columns = handshakes.columns(flows.tcp, flows.udp)
    rows: list[dict[str, Any]] = []
    for place in range(len(columns["server_port"])):
        row = {name: column[place] for name, column in columns.items() if not name.endswith("_names")}
        for name in ("verdict", "signs", "retry_schedule"):
            row[name] = columns[f"{name}_names"][row[name]]
        rows.append({name: None if value == NULL else value for name, value in row.items()})
    return rows


def only(modules: Kernels, captured: list[Frame]) -> dict[str, Any]:
    (row,) = table(modules, captured)
    return row


def test_nothing(kernels: Kernels) -> None:
    assert table(kernels, []) == []
    assert table(kernels, frames(s(0, 1, SYN | ACK), c(1, 1, ACK), s(2, 1, DATA, 5))) == []


def test_a_plain_connection(kernels: Kernels) -> None:
    row = only(kernels, frames(*opened(0, 1), s(3, 1, DATA, 5), c(4, 1, ACK)))
    assert (row["attempts"], row["established"], row["refused"], row["unanswered"]) == (1, 1, 0, 0)
    assert (row["connect_avg_ns"], row["connect_max_ns"]) == (2 * MS, 2 * MS)
    assert (row["max_half_open"], row["max_waiting"]) == (1, 1)
    assert (row["verdict"], row["signs"], row["cost_ns"], row["overflows"]) == ("ok", "", 0, 0)
    assert (row["first_drop"], row["first_drop_frame"], row["first_frame"]) == (None, None, 1)


@pytest.mark.parametrize("times", [(0, 0, 0), (-5 * SECOND, 0, 7 * SECOND), (2**62, 2**62, 2**62)])
def test_any_time_is_a_time(kernels: Kernels, times: tuple[int, int, int]) -> None:
    steps = zip(opened(0, 1), times, strict=True)
    row = only(kernels, [Frame(ethernet_of(packet(step)), time_ns=at_ns) for step, at_ns in steps])
    assert row["connect_max_ns"] == times[2] - times[0]


def test_average_and_longest(kernels: Kernels) -> None:
    slow = [c(10, 2, SYN), s(18, 2, SYN | ACK), c(20, 2, ACK)]
    row = only(kernels, frames(*opened(0, 1), *slow))
    assert (row["connect_avg_ns"], row["connect_max_ns"]) == (6 * MS, 10 * MS)


def test_queue_peaks(kernels: Kernels) -> None:
    steps = [step for client in range(5) for step in opened(client, client)]
    steps += [s(10, client, DATA, 3) for client in (0, 1)] + [c(10, 2, RST)] + [s(11, 3, FIN | ACK)]
    steps += opened(20, 7)
    row = only(kernels, frames(*steps))
    # Each handshake begins a millisecond after the last one, and is half-open for one.
    assert (row["max_half_open"], row["max_waiting"]) == (1, 5)
    together = [step for client in range(4) for step in (c(0, client, SYN), s(1 + client, client, SYN | ACK))]
    together += [c(30, 0, ACK), c(31, 1, ACK), c(32, 2, RST), s(33, 3, RST | ACK)]
    row = only(kernels, frames(*together))
    assert (row["max_half_open"], row["max_waiting"]) == (4, 2)


def test_a_half_open_connection_is_given_up(kernels: Kernels) -> None:
    # SYN-ACKs at 0, 1 and 3 s: the next one is due at 7 s, and does not come.
    first = [c(0, 1, SYN), *(s(at, 1, SYN | ACK) for at in (0.5, 1000.5, 3000.5))]
    row = only(kernels, frames(*first, *opened(6000, 2)))
    assert row["max_half_open"] == 2
    row = only(kernels, frames(*first, *opened(7002, 2)))
    assert (row["max_half_open"], row["syn_ack_retries"]) == (1, 2)


def full(client: int) -> list[Step]:
    """Three SYNs, a second between them, of which the last one is answered."""
    return [c(at, client, SYN) for at in (100, 1100)] + opened(2100, client)


WAITING = [*opened(0, 1), *opened(3, 2)]


def test_accept_queue_full(kernels: Kernels) -> None:
    greetings = [s(1500, client, DATA, 8) for client in (1, 2)]
    row = only(kernels, frames(*WAITING, *greetings, *full(3), *full(4)))
    assert (row["verdict"], row["signs"]) == ("accept queue full", "SYNs dropped")
    assert (row["first_drop"], row["first_drop_frame"], row["overflows"]) == (2, 7, 4)
    assert (row["cost_ns"], row["connect_max_ns"]) == (4 * SECOND, 2 * SECOND + 2 * MS)
    assert (row["syn_retries"], row["retry_schedule"], row["established"]) == (4, "linear", 4)


def test_those_who_give_up_count(kernels: Kernels) -> None:
    row = only(kernels, frames(*WAITING, c(100, 3, SYN), c(1100, 3, SYN), c(3100, 3, SYN)))
    assert (row["verdict"], row["unanswered"], row["overflows"]) == ("accept queue full", 1, 3)
    assert (row["cost_ns"], row["retry_schedule"]) == (3 * SECOND, "exponential")


def test_a_lost_syn_is_no_overflow(kernels: Kernels) -> None:
    # Nobody waits.
    row = only(kernels, frames(*opened(0, 1), s(3, 1, DATA, 1), c(100, 3, SYN), *opened(1100, 3)))
    assert (row["verdict"], row["overflows"], row["cost_ns"], row["first_drop"]) == (
        "packet loss",
        0,
        0,
        None,
    )
    # Two wait, but others get in meanwhile.
    others = [step for client in range(4, 8) for step in opened(50 * client, client)]
    row = only(kernels, frames(*WAITING, *full(3), *others))
    assert (row["verdict"], row["syn_retries"]) == ("packet loss", 2)


def test_acks_ignored(kernels: Kernels) -> None:
    data = [c(at, 1, DATA, 5) for at in (3, 200, 600)]
    steps = [*opened(0, 1), *data, s(1001, 1, SYN | ACK), c(1002, 1, ACK), c(1400, 1, DATA, 5)]
    row = only(kernels, frames(*steps, s(1401, 1, ACK), s(1402, 1, DATA, 3)))
    assert (row["verdict"], row["signs"]) == ("accept queue full", "ACKs ignored")
    # An ACK and three times the data before the SYN-ACK came again, and the ACK after it.
    assert (row["overflows"], row["first_drop_frame"]) == (5, 3)
    assert row["cost_ns"] == 1399 * MS


def test_a_lost_ack_is_no_overflow(kernels: Kernels) -> None:
    steps = [*opened(0, 1), s(1001, 1, SYN | ACK), c(1002, 1, ACK), s(1100, 1, DATA, 8)]
    row = only(kernels, frames(*steps))
    assert (row["verdict"], row["syn_ack_retries"], row["overflows"]) == ("packet loss", 1, 0)


def test_lost_data_is_no_overflow(kernels: Kernels) -> None:
    steps = [*opened(0, 1), c(3, 1, DATA, 5), c(203, 1, DATA, 5), s(204, 1, ACK)]
    assert only(kernels, frames(*steps))["verdict"] == "ok"


def test_reset_after_the_handshake(kernels: Kernels) -> None:
    row = only(kernels, frames(*WAITING, *opened(10, 3), s(12.1, 3, RST)))
    assert (row["verdict"], row["signs"]) == ("accept queue full", "reset after the handshake")
    assert (row["first_drop"], row["first_drop_frame"], row["overflows"]) == (2, 9, 1)
    assert row["max_waiting"] == 2
    # A program that closes acknowledges in its RST.
    assert only(kernels, frames(*WAITING, *opened(10, 3), s(12.1, 3, RST | ACK)))["verdict"] == "ok"
    # So does the kernel when the connection was once accepted.
    assert only(kernels, frames(*opened(0, 3), s(3, 3, DATA, 1), s(4, 3, RST)))["verdict"] == "ok"


def test_a_server_that_begins_anew_ignores_nothing(kernels: Kernels) -> None:
    # Another SYN-ACK, with another number: the answer of a path that was down to the second SYN.
    data = [c(at, 1, DATA, 5) for at in (3, 6000)]
    row = only(kernels, frames(*opened(0, 1), *data, s(6300, 1, SYN | ACK, seq=77), s(6400, 1, DATA, 1)))
    assert (row["verdict"], row["overflows"]) == ("packet loss", 0)


def test_a_reset_of_who_has_closed_is_none_of_a_queue(kernels: Kernels) -> None:
    row = only(kernels, frames(*opened(0, 1)[:2], c(2, 1, FIN | ACK), s(300, 1, RST)))
    assert row["verdict"] == "ok"


def test_syn_queue_full(kernels: Kernels) -> None:
    flood = [step for client in range(4) for step in (c(client, client, SYN), s(client, client, SYN | ACK))]
    lost = [c(10 + client, client, SYN) for client in range(4, 7)]
    again = [s(1010, client, SYN | ACK) for client in range(4)]
    row = only(kernels, frames(*flood, *lost, *again))
    assert (row["verdict"], row["signs"]) == ("SYN queue full", "SYNs dropped")
    assert (row["max_half_open"], row["first_drop"], row["first_drop_frame"], row["overflows"]) == (
        4,
        4,
        9,
        3,
    )


def test_syn_cookies_are_not_sent_again(kernels: Kernels) -> None:
    flood = [step for client in range(4) for step in (c(client, client, SYN), s(client, client, SYN | ACK))]
    again = [s(at, client, SYN | ACK) for client in range(2) for at in (1010, 3010)]
    row = only(kernels, frames(*flood, *again, last_ms=4000))
    assert row["verdict"] == "SYN cookies"
    # Too early to tell, or nothing to compare with.
    assert only(kernels, frames(*flood, *again[:1], last_ms=3000))["verdict"] != "SYN cookies"
    assert only(kernels, frames(*flood, last_ms=9000))["verdict"] != "SYN cookies"


def test_syn_cookies_have_no_room_for_options(kernels: Kernels) -> None:
    def handshake(at_ms: float, client: int, options: bytes) -> list[Step]:
        return [
            c(at_ms, client, SYN, options=SCALE_AND_SACK),
            s(at_ms, client, SYN | ACK, options=options),
            c(at_ms + 1, client, ACK),
        ]

    rich, poor = handshake(0, 1, SCALE_AND_SACK), handshake(9, 2, b"")
    assert only(kernels, frames(*rich, *poor))["verdict"] == "SYN cookies"
    assert only(kernels, frames(*poor))["verdict"] == "ok"


def test_refused(kernels: Kernels) -> None:
    row = only(kernels, frames(c(0, 1, SYN), s(1, 1, RST | ACK)))
    assert (row["verdict"], row["refused"], row["unanswered"], row["connect_max_ns"]) == (
        "refused",
        1,
        0,
        None,
    )
    row = only(kernels, frames(*opened(0, 1), c(9, 2, SYN), s(9, 2, RST | ACK)))
    assert (row["verdict"], row["refused"], row["established"]) == ("ok", 1, 1)


def test_silence(kernels: Kernels) -> None:
    tries = [c(at, 1, SYN) for at in (0, 1000, 2000)]
    row = only(kernels, frames(*tries))
    assert (row["verdict"], row["unanswered"], row["syn_retries"]) == ("host dead", 1, 2)
    other = ethernet_of(ip4(tcp(b"", 80, 5, 1, 1, ACK), 6, SERVER, CLIENT))
    assert only(kernels, [*frames(*tries), Frame(other)])["verdict"] == "filtered"
    assert only(kernels, frames(tries[0]))["verdict"] == "no answer"
    assert only(kernels, frames(tries[0], last_ms=1000))["verdict"] == "host dead"


@pytest.mark.parametrize(
    ("kind", "code", "verdict"),
    [
        (3, 0, "net unreachable"),
        (3, 1, "host unreachable"),
        (3, 3, "port unreachable"),
        (3, 13, "prohibited"),
        (3, 2, "ICMP error"),
        (11, 0, "ICMP error"),
    ],
)
def test_icmp_errors(kernels: Kernels, kind: int, code: int, verdict: str) -> None:
    syn = packet(c(0, 1, SYN))
    error = Frame(ethernet_of(ip4(icmp(kind, code, syn), 1, "10.0.0.9", CLIENT)), time_ns=MS)
    row = only(kernels, [Frame(ethernet_of(syn)), error, Frame(ethernet_of(syn), time_ns=SECOND)])
    assert (row["verdict"], row["unanswered"]) == (verdict, 0)


@pytest.mark.parametrize(("code", "verdict"), [(1, "prohibited"), (3, "host unreachable"), (7, "ICMP error")])
def test_icmpv6_errors(kernels: Kernels, code: int, verdict: str) -> None:
    syn = packet(c(0, 1, SYN), ipv6=True)
    error = ethernet_of(ip6(icmp(1, code, syn), 58, "2001:db8::9", CLIENT6))
    assert only(kernels, [Frame(ethernet_of(syn)), Frame(error)])["verdict"] == verdict


def test_an_error_after_the_answer_says_nothing(kernels: Kernels) -> None:
    quote = packet(c(5, 1, ACK))
    error = Frame(ethernet_of(ip4(icmp(3, 1, quote), 1, "10.0.0.9", CLIENT)), time_ns=9 * MS)
    assert only(kernels, [*frames(*opened(0, 1)), error])["verdict"] == "ok"


def test_listeners_in_order_of_their_first_syn(kernels: Kernels) -> None:
    ports = (9, 443, 80, 443)
    made = [
        ethernet_of(ip4(tcp(b"", 50_000 + place, port, 1, 0, SYN), 6, CLIENT, SERVER))
        for place, port in enumerate(ports)
    ]
    rows = table(kernels, [Frame(each) for each in made])
    assert [(row["server_port"], row["attempts"], row["first_frame"]) for row in rows] == [
        (9, 1, 1),
        (443, 2, 2),
        (80, 1, 3),
    ]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches_do_not_matter(kernels: Kernels, size: int) -> None:
    captured = frames(*WAITING, *full(3), *full(4), *opened(10, 5), s(12.1, 5, RST))
    assert table(kernels, captured, size) == table(kernels, captured)


INTERVALS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 9)), max_size=12)
ASKS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 10)), min_size=1, max_size=6)


def numbers(values: Iterable[int]) -> NDArray[np.int64]:
    return np.array(list(values), np.int64)


@given(intervals=INTERVALS, asks=ASKS, scale=st.sampled_from([1, 2**58]))
def test_sweep(intervals: list[tuple[int, int, int]], asks: list[tuple[int, int]], scale: int) -> None:
    # Scaled, the times leave no room for the number of the queue.
    queues, enters, leaves = zip(*intervals, strict=True) if intervals else ((), (), ())
    asked, at = zip(*asks, strict=True)
    peaks, answers = sweep(
        numbers(queues),
        numbers(enters) * scale,
        numbers(leaves) * scale,
        (numbers(asked), numbers(at) * scale),
    )
    spans = [
        (queue, enter * scale, max(leave * scale, enter * scale + 1)) for queue, enter, leave in intervals
    ]

    def length(queue: int, time: int) -> int:
        """How many are in it just after this time."""
        return sum(one == queue and enter <= time * scale < end for one, enter, end in spans)

    assert len(peaks) == max((*queues, *asked)) + 1
    for queue, peak in enumerate(peaks.tolist()):
        assert peak == max(length(queue, time) for time in range(11))
    for answer, queue, time in zip(answers.tolist(), asked, at, strict=True):
        assert answer == sum(one == queue and enter < time * scale < end for one, enter, end in spans)


STEPS = st.lists(
    st.builds(
        Step,
        at_ns=st.integers(-2, 9).map(lambda second: second * SECOND),
        client=st.integers(0, 3),
        from_server=st.booleans(),
        flags=st.sampled_from(
            [SYN, SYN, SYN | ACK, SYN | ACK, ACK, ACK, DATA, RST, RST | ACK, FIN | ACK, 63, 0]
        ),
        size=st.sampled_from([0, 0, 5]),
        seq=st.sampled_from([0, 0, 0, 5, 2**31, 2**32 - 1002]),
        options=st.sampled_from([b"", SCALE_AND_SACK]),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_any_segments(steps: list[Step]) -> None:
    from frames import COMPILED, INTERPRETED, load  # noqa: PLC0415 - hypothesis and fixtures do not mix

    captured = [Frame(ethernet_of(packet(step)), time_ns=step.at_ns) for step in steps]
    found = [table(modules, captured) for modules in map(load, (COMPILED, INTERPRETED)) if modules]
    assert all(rows == found[0] for rows in found)
    for row in found[0]:
        assert row["attempts"] >= row["refused"] + row["unanswered"]
        assert row["attempts"] >= max(row["established"], row["max_half_open"], row["max_waiting"])
        assert (row["first_drop"] is None) == (row["first_drop_frame"] is None) == (row["overflows"] == 0)
        assert bool(row["signs"]) == (row["verdict"] in {"accept queue full", "SYN queue full"})
        assert min(row["overflows"], row["syn_retries"], row["syn_ack_retries"]) >= 0
