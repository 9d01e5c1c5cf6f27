"""What a conversation adds up to: completeness, handshakes, times, sizes; and who is the client."""

from __future__ import annotations

import pytest
from crafting import ACK, FIN, RST, SYN, ethernet_of, icmp, ip4, ip6, tcp, udp, vxlan
from frames import Frame, Kernels, address, analyse
from scenarios import DATA, OPENED, A, B, fragments, numbering
from wrappings import over_udp

X, Y = "10.0.0.1", "10.0.0.2"
SECOND = 10**9
NULL = -(2**63)

# Wireshark's bits: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST.
COMPLETENESS = [
    ([(A, SYN, 100, 0)], 1),
    ([(A, SYN, 100, 0), (B, RST | ACK, 0, 101)], 37),
    (OPENED[:2], 3),
    (OPENED, 7),
    ([*OPENED, (A, DATA, 101, 501)], 15),
    ([*OPENED, (A, DATA, 101, 501), (A, FIN | ACK, 102, 501)], 31),
    ([*OPENED, (A, FIN | ACK, 101, 501)], 23),
    ([*OPENED, (B, RST, 501, 0)], 39),
    ([(A, DATA, 1, 1)], 0),
    ([(A, DATA, 1, 1), (B, ACK, 1, 2), (A, FIN | ACK, 2, 1)], 20),
    ([(B, SYN | ACK, 500, 101)], 0),
]


@pytest.mark.parametrize(("steps", "bits"), COMPLETENESS)
def test_completeness(kernels: Kernels, steps: list[tuple[int, int, int, int]], bits: int) -> None:
    assert analyse(kernels, numbering(*steps)(X, Y)).tcp()["completeness"] == [bits]


def timed(frames: list[bytes], *times_ns: int) -> list[Frame]:
    return [Frame(frame, time_ns=time_ns) for frame, time_ns in zip(frames, times_ns, strict=True)]


@pytest.mark.parametrize("start", [0, 1, 1_700_000_000 * SECOND, -5 * SECOND, -(2**62)])
def test_handshake_time(kernels: Kernels, start: int) -> None:
    # From the first SYN, retries included, to the ACK; a time of 0 or before 1970 is one like any other.
    steps = [(A, SYN, 100, 0), *OPENED, (A, ACK, 101, 501)]
    frames = timed(numbering(*steps)(X, Y), *(start + at for at in (0, 30, 35, 41, 99)))
    columns = analyse(kernels, frames).tcp()
    assert columns["handshake_ns"] == [41]
    assert columns["start_ns"] == [start]
    assert columns["duration_ns"] == [99]


@pytest.mark.parametrize(
    "steps",
    [
        OPENED[:1],
        OPENED[:2],
        OPENED[1:],
        [OPENED[0], OPENED[2]],
        [(A, SYN, 100, 0), (B, RST | ACK, 0, 101)],
        [(A, SYN, 100, 0), (B, SYN | ACK, 500, 101), (A, RST | ACK, 101, 501)],
        [(A, SYN, 100, 0), (B, SYN | ACK, 500, 101), (B, ACK, 501, 101)],
    ],
)
def test_no_handshake(kernels: Kernels, steps: list[tuple[int, int, int, int]]) -> None:
    frames = timed(numbering(*steps)(X, Y), *range(len(steps)))
    assert analyse(kernels, frames).tcp()["handshake_ns"] == [NULL]


def test_handshake_of_a_split_open(kernels: Kernels) -> None:
    steps = [(A, SYN, 100, 0), (B, SYN, 500, 0), (A, SYN | ACK, 100, 501), (B, ACK, 501, 101)]
    frames = timed(numbering(*steps)(X, Y), 0, 10, 20, 30)
    assert analyse(kernels, frames).tcp()["handshake_ns"] == [30]


def test_time_runs_backwards(kernels: Kernels) -> None:
    frames = timed(numbering((A, DATA, 1, 1), (A, DATA, 2, 1), (B, ACK, 1, 3))(X, Y), 50, -20, 40)
    columns = analyse(kernels, frames).tcp()
    assert (columns["start_ns"], columns["duration_ns"]) == ([-20], [70])
    assert (columns["first_frame"], columns["last_frame"]) == ([1], [3])


def test_sizes(kernels: Kernels) -> None:
    sizes = [3, 0, 1400, 9]
    frames = [ethernet_of(ip4(udp(bytes(size), 4000, 53), 17, X, Y)) for size in sizes]
    frames.append(ethernet_of(ip4(udp(bytes(70), 53, 4000), 17, Y, X)))
    analysis = analyse(kernels, frames)
    columns = analysis.udp()
    assert (columns["client_datagrams"], columns["server_datagrams"]) == ([4], [1])
    assert (columns["client_bytes"], columns["server_bytes"]) == ([1412], [70])


def test_fragments_and_errors(kernels: Kernels) -> None:
    asked = ip4(udp(bytes(300), 4000, 53), 17, X, Y)
    frames = [ethernet_of(part) for part in fragments(udp(bytes(300), 4000, 53), 17, X, Y, (104,))]
    frames += [ethernet_of(asked), ethernet_of(ip4(icmp(3, 3, asked[:28]), 1, Y, X))]
    columns = analyse(kernels, frames).udp()
    assert (columns["fragments"], columns["icmp_errors"], columns["client_datagrams"]) == ([2], [1], [2])


def test_damaged_segments_are_not_counted(kernels: Kernels) -> None:
    frames = [
        ethernet_of(ip4(tcp(b"data", 1, 2, words=3), 6, X, Y)),
        ethernet_of(ip4(tcp(b"data", 1, 2), 6, X, Y)),
        ethernet_of(ip4(tcp(b"data", 1, 2, words=15), 6, X, Y)),
    ]
    analysis = analyse(kernels, frames)
    assert analysis.streams() == [0, 0, 0]
    columns = analysis.tcp()
    assert columns["client_packets"][0] + columns["server_packets"][0] == 1
    assert columns["client_bytes"][0] + columns["server_bytes"][0] == 4


def test_carriers_are_counted(kernels: Kernels) -> None:
    inner = ethernet_of(ip4(udp(b"data", 9000, 53), 17, X, Y))
    columns = analyse(kernels, [over_udp(4789, vxlan(inner))] * 3).udp()
    assert columns["client_datagrams"] == [3, 3]
    assert columns["client_bytes"] == [3 * (8 + len(inner)), 12]
    assert columns["server_port"] == [4789, 53]


def client(kernels: Kernels, *frames: bytes, services: tuple[int, ...] = ()) -> tuple[str, int]:
    """Address and port of the client of the only conversation in these frames."""
    analysis = analyse(kernels, frames)
    columns = analysis.tcp(services) if analysis.flows.tcp.count else analysis.udp(services)
    (high,), (low,), (version,) = columns["client_hi"], columns["client_lo"], columns["client_version"]
    return address(high, low, version), columns["client_port"][0]


def one(sport: int, dport: int, flags: int = ACK, *, src: str = X, dst: str = Y) -> bytes:
    seq = 4 if flags == SYN else 5  # a SYN that fits what was seen before it
    return ethernet_of(ip4(tcp(b"", sport, dport, seq, 5, flags), 6, src, dst))


def datagram(sport: int, dport: int, src: str = X, dst: str = Y) -> bytes:
    if ":" in src:
        return ethernet_of(ip6(udp(b"", sport, dport), 17, src, dst))
    return ethernet_of(ip4(udp(b"", sport, dport), 17, src, dst))


def test_who_sent_a_syn_is_the_client(kernels: Kernels) -> None:
    assert client(kernels, one(80, 40000, SYN)) == (X, 80)
    assert client(kernels, one(80, 40000), one(40000, 80, SYN, src=Y, dst=X)) == (Y, 40000)
    # Over any port number; and where both did, who did first.
    assert client(kernels, one(22, 40000), one(22, 40000, SYN)) == (X, 22)
    assert client(kernels, one(1, 2, SYN), one(2, 1, SYN, src=Y, dst=X)) == (X, 1)


def test_who_was_sent_a_syn_ack_is_the_client(kernels: Kernels) -> None:
    assert client(kernels, one(40000, 80, SYN | ACK)) == (Y, 80)
    assert client(kernels, one(40000, 80), one(80, 40000, SYN | ACK, src=Y, dst=X)) == (X, 40000)


@pytest.mark.parametrize(
    ("ports", "services", "side"),
    [
        ((1023, 5000), (), 1),  # a port below 1024 is a server's
        ((5000, 1023), (), 0),
        ((1024, 5000), (), 0),  # nothing known: who was seen first
        ((5000, 1024), (), 0),
        ((22, 80), (), 0),
        ((8080, 5000), (8080,), 1),  # a known service
        ((5000, 8080), (8080,), 0),
        ((8080, 9090), (8080, 9090), 0),
        ((8080, 443), (8080,), 0),  # the lower rule is the stronger one
        ((9999, 32768), (), 1),  # an ephemeral port
        ((32768, 9999), (), 0),
        ((32767, 9999), (), 0),
        ((32768, 40000), (40000,), 0),
        ((40000, 32768), (40000,), 1),
        ((0, 0), (), 0),
        ((65535, 65535), (), 0),
    ],
)
def test_ports_tell_the_client(
    kernels: Kernels, ports: tuple[int, int], services: tuple[int, ...], side: int
) -> None:
    for frame in (one(*ports), datagram(*ports), datagram(*ports, "2001:db8::1", "2001:db8::2")):
        assert client(kernels, frame, services=services)[1] == ports[side]


@pytest.mark.parametrize(
    ("src", "dst", "side"),
    [
        ("224.0.0.251", X, 1),
        ("239.255.255.255", X, 1),
        ("240.0.0.1", X, 0),
        ("223.255.255.255", X, 0),
        ("255.255.255.255", X, 1),
        (X, "255.255.255.255", 0),
        ("ff02::fb", "2001:db8::1", 1),
        ("fe80::1", "2001:db8::1", 0),
        ("2001:db8::ffff:ffff", "2001:db8::1", 0),
        ("::e000:1", "2001:db8::1", 0),
        ("ff02::1", "ff02::2", 0),
    ],
)
def test_a_group_is_never_the_client(kernels: Kernels, src: str, dst: str, side: int) -> None:
    # Not even with the ephemeral port.
    wanted = (src, dst)[side]
    assert client(kernels, datagram(5353, 5353, src, dst)) == (wanted, 5353)
    if side:
        assert client(kernels, datagram(50000, 53, src, dst)) == (dst, 53)


def test_columns_by_role(kernels: Kernels) -> None:
    # Seen from the server first: everything is turned round.
    frames = [
        ethernet_of(ip4(tcp(b"response", 80, 40000, 5, 6, DATA), 6, X, Y)),
        ethernet_of(ip4(tcp(b"get", 40000, 80, 6, 13, DATA), 6, Y, X)),
        ethernet_of(ip4(tcp(b"", 80, 40000, 13, 9, FIN | ACK), 6, X, Y)),
    ]
    columns = analyse(kernels, frames).tcp()
    assert (columns["client_port"], columns["server_port"]) == ([40000], [80])
    assert (columns["client_packets"], columns["server_packets"]) == ([1], [2])
    assert (columns["client_bytes"], columns["server_bytes"]) == ([3], [8])


def test_no_conversations(kernels: Kernels) -> None:
    analysis = analyse(kernels, [])
    assert {len(column) for column in (*analysis.tcp({80}).values(), *analysis.udp().values())} == {0}
