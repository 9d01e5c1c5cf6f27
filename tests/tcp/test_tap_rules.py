"""Where a connection was captured: each rule, and what of handshakes can be used."""

from __future__ import annotations

import pytest
from handshakes import (
    CLIENT6,
    FAR_TIMES,
    LEFT,
    MS,
    SERVER6,
    START_NS,
    US,
    WRONG,
    Connection,
    only,
)

from netanalyze.model import NULL
from netanalyze.tcp import tap

AT_CLIENT = Connection(to_server=20 * MS, to_client=50 * US)
AT_SERVER = Connection(to_server=50 * US, to_client=20 * MS)
NEAR = Connection()
FAR = Connection(to_server=20 * MS, to_client=9 * MS)
LOOPBACK = {"address": "127.0.0.1"}

CASES = {
    # Rule 1: addresses.
    "equal addresses": (NEAR.but(server={"address": "10.1.2.3"}), "both"),
    "loopback": (FAR.but(LOOPBACK, {"address": "127.3.2.1", "ttl": 61}), "both"),
    "one loopback address": (FAR.but(LOOPBACK), "between"),
    # Rule 2: a checksum left to the card.
    "client's checksum": (NEAR.but({"checksum": LEFT}), "client"),
    "server's checksum": (NEAR.but(None, {"checksum": LEFT}), "server"),
    "server's checksum against times": (AT_CLIENT.but(None, {"checksum": LEFT}), "server"),
    "checksum left and forwarded": (NEAR.but({"checksum": LEFT, "ttl": 63}), "server"),
    "wrong checksum": (NEAR.but({"checksum": WRONG}), "both"),
    # Rule 3: segments above the MSS, and times.
    "large and near the client": (
        Connection(20 * MS, 50 * US, server_bytes=5000).but({"ttl": 60}, {"ttl": 50}),
        "client",
    ),
    "large and near the server": (
        Connection(50 * US, 20 * MS, client_bytes=5000).but({"ttl": 50}, {"ttl": 60}),
        "server",
    ),
    "large, other side has no hops": (
        Connection(50 * US, 20 * MS, client_bytes=5000).but(None, {"ttl": 60}),
        "client",
    ),
    "not large": (
        Connection(20 * MS, 50 * US, server_bytes=1460).but({"ttl": 60}, {"ttl": 50}),
        "between",
    ),
    "large for a small MSS only": (
        Connection(20 * MS, 50 * US, server_bytes=5000).but({"ttl": 60, "mss": 9000}, {"ttl": 50}),
        "between",
    ),
    "large but no MSS": (
        Connection(20 * MS, 50 * US, server_bytes=5000).but({"ttl": 60, "mss": None}, {"ttl": 50}),
        "between",
    ),
    # Rules 4 and 5: hops.
    "hops to the server": (AT_CLIENT.but(None, {"ttl": 61}), "client"),
    "hops to the client": (AT_SERVER.but({"ttl": 120}), "server"),
    "hops to the server against times": (AT_SERVER.but(None, {"ttl": 61}), "client"),
    "hops to both": (AT_CLIENT.but({"ttl": 127}, {"ttl": 250}), "between"),
    # Rule 6: times name a side.
    "near the client": (AT_CLIENT, "client"),
    "near the server": (AT_SERVER, "server"),
    "near the server, both checksums left": (AT_SERVER.but({"checksum": LEFT}, {"checksum": LEFT}), "server"),
    "hops that no way has": (AT_CLIENT.but({"ttl": 95}, {"ttl": 200}), "client"),
    "TTL of 0": (AT_SERVER.but({"ttl": 0}, {"ttl": 0}), "server"),
    "times of a side with hops": (AT_CLIENT.but({"ttl": 63}, {"ttl": 200}), None),
    "an ACK with data in time": (Connection(20 * MS, 50 * US, ack_bytes=100), "client"),
    # Rules 7 to 9, and nothing.
    "near": (NEAR, "both"),
    "near, over IPv6": (Connection(client=CLIENT6, server=SERVER6), "both"),
    "near, no hops known": (NEAR.but({"ttl": 0}, {"ttl": 90}), "both"),
    "near, hops to one side": (NEAR.but({"ttl": 0}, {"ttl": 63}), None),
    "in no time": (Connection(0, 0), "both"),
    "far": (FAR, "between"),
    "far, both checksums left": (FAR.but({"checksum": LEFT}, {"checksum": LEFT}), "between"),
    "both checksums left, times not clear": (
        Connection(3 * MS, 500 * US).but({"checksum": LEFT}, {"checksum": LEFT}),
        "both",
    ),
    "not clearly nearer to one": (Connection(3 * MS, 500 * US), None),
    "an ACK with data that may have waited": (Connection(50 * US, 40 * MS, ack_bytes=100), None),
}


@pytest.mark.parametrize("case", CASES)
def test_each_rule(case: str) -> None:
    connection, expected = CASES[case]
    assert only(connection.frames())["tap"] == expected


@pytest.mark.parametrize(
    ("to_server", "to_client", "expected"),
    [
        (tap.NEAR_NS, tap.NEAR_NS, "both"),
        (tap.NEAR_NS + 1, tap.NEAR_NS + 1, "between"),
        (tap.NEAR_NS * tap.CLEARLY, tap.NEAR_NS, None),
        (tap.NEAR_NS * tap.CLEARLY + 1, tap.NEAR_NS, "client"),
        (tap.NEAR_NS, tap.NEAR_NS * tap.CLEARLY + 1, "server"),
        (tap.LONGEST_NS, US, "client"),
        (tap.LONGEST_NS + 1, US, None),
        (US, tap.LONGEST_NS + 1, None),
    ],
)
def test_thresholds_are_those_stated(to_server: int, to_client: int, expected: str | None) -> None:
    assert only(Connection(to_server, to_client).frames())["tap"] == expected


@pytest.mark.parametrize(
    ("ttl", "hops"),
    [
        (64, 0), (63, 1), (33, 31), (32, 0), (31, 1), (1, 31), (65, NULL), (95, NULL), (96, 32), (128, 0),
        (129, NULL), (222, NULL), (223, 32), (255, 0), (0, NULL),
    ],
)  # fmt: skip
def test_hops_follow_from_the_ttl(ttl: int, hops: int) -> None:
    row = only(NEAR.but({"ttl": ttl}).frames())
    assert (row["client_ttl"], row["client_hops"]) == (ttl, hops)
    assert (row["server_ttl"], row["server_hops"]) == (64, 0)


@pytest.mark.parametrize("sides", [(NEAR.client, NEAR.server), (CLIENT6, SERVER6)])
@pytest.mark.parametrize("kind", [LEFT, WRONG])
def test_a_checksum_left_to_the_card_is_told_from_a_wrong_one(
    sides: tuple[object, object], kind: str
) -> None:
    client, server = sides
    connection = Connection(client=client, server=server)  # type: ignore[arg-type]
    row = only(connection.but({"checksum": kind}).frames())
    assert (row["client_left"], row["server_left"]) == (kind == LEFT, False)
    row = only(connection.but(None, {"checksum": kind}).frames())
    assert (row["client_left"], row["server_left"]) == (False, kind == LEFT)


def test_a_header_that_was_cut_says_nothing_about_its_checksum() -> None:
    frames = NEAR.but({"checksum": LEFT}).frames()
    whole = len(frames[0].data)
    assert only(frames)["client_left"]
    assert not only([frames[0].cut(whole - 1), *frames[1:]])["client_left"]


def test_sizes_that_the_way_does_not_carry() -> None:
    row = only(Connection(client_bytes=2920, server_bytes=1461).but({"mss": 1400}).frames())
    assert (row["client_large"], row["client_mss"]) == (2920, 1460)
    assert (row["server_large"], row["server_mss"]) == (1461, 1400)
    more = Connection(client_bytes=5000), Connection(client_bytes=4999)
    frames = [*NEAR.frames(), *(frame for one in more for frame in one.data(START_NS + 9 * MS))]
    assert only(frames)["client_large"] == 5000
    row = only(Connection(client_bytes=1460, server_bytes=1448).frames())
    assert (row["client_large"], row["server_large"]) == (0, 0)


# What of the handshake can be used.


def times(row: dict[str, int]) -> tuple[int | None, int | None]:
    found = (row["syn_ack_ns"], row["ack_ns"])
    return tuple(None if value == NULL else value for value in found)  # type: ignore[return-value]


def at(milliseconds: float) -> int:
    return START_NS + round(milliseconds * MS)


def test_the_latest_syn_and_the_latest_syn_ack_count() -> None:
    frames = [
        NEAR.syn(at(0)),
        NEAR.syn(at(1000)),
        NEAR.syn_ack(at(1020)),
        NEAR.syn_ack(at(2020)),
        NEAR.ack(at(2020.03)),
    ]
    row = only(frames)
    assert times(row) == (20 * MS, 30 * US)
    assert (row["syns"], row["syn_acks"], row["tap"]) == (2, 2, "client")


def test_a_syn_after_its_answer_changes_nothing() -> None:
    frames = [
        NEAR.syn(at(0)),
        NEAR.syn_ack(at(20)),
        NEAR.syn(at(1000)),
        NEAR.syn_ack(at(1020)),
        NEAR.ack(at(1020.03)),
        NEAR.syn(at(1030)),
        NEAR.syn_ack(at(1031)),
        NEAR.ack(at(1032)),
    ]
    row = only(frames)
    assert times(row) == (20 * MS, 30 * US)
    assert (row["syns"], row["syn_acks"], row["tap"]) == (2, 2, "client")


def test_times_that_run_backwards_are_none() -> None:
    row = only([NEAR.syn(at(0)), NEAR.syn_ack(at(-5)), NEAR.ack(at(0.1))])
    assert times(row) == (None, None)
    assert row["tap"] is None
    row = only([NEAR.syn(at(0)), NEAR.syn_ack(at(5)), NEAR.ack(at(4.9))])
    assert times(row) == (None, None)
    assert row["tap"] is None


@pytest.mark.parametrize("absurd", FAR_TIMES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_times_out_of_all_measure_are_none(absurd: int, place: int) -> None:
    frames = AT_CLIENT.frames()
    frames[place] = frames[place]._replace(time_ns=absurd)
    row = only(frames)
    assert None in times(row)
    assert row["tap"] is None


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_an_incomplete_handshake_has_no_times_to_compare(missing: int) -> None:
    frames = AT_CLIENT.frames()
    del frames[missing]
    row = only(frames)
    assert None in times(row)
    assert row["tap"] is None


def test_the_middle_of_a_connection_has_hops_only() -> None:
    connection = Connection(client_bytes=100, server_bytes=5000).but(None, {"ttl": 55})
    row = only(connection.data(START_NS))
    assert times(row) == (None, None)
    assert row["server_large"] == 0  # no MSS was captured
    assert row["tap"] == "client"


def test_what_acknowledges_something_else_does_not_end_the_handshake() -> None:
    client, server = NEAR.client, NEAR.server
    late = client.frame(server, at(80), 0x10, 1000, 6000)
    row = only([NEAR.syn(at(0)), NEAR.syn_ack(at(0.05)), late, NEAR.ack(at(90))])
    assert times(row) == (50 * US, None)
    reset = client.frame(server, at(80), 0x14, 1000, 5000)
    row = only([NEAR.syn(at(0)), NEAR.syn_ack(at(0.05)), reset])
    assert times(row) == (50 * US, None)


def test_a_simultaneous_open_has_no_times() -> None:
    client, server = NEAR.client, NEAR.server
    frames = [
        NEAR.syn(at(0)),
        server.frame(client, at(0.01), 0x02, 4999),
        NEAR.syn_ack(at(20)),
        NEAR.ack(at(20.02)),
    ]
    row = only(frames)
    assert times(row) == (None, None)
    assert row["tap"] is None


def test_a_refused_connection_tells_nothing() -> None:
    client, server = NEAR.client, NEAR.server
    row = only([NEAR.syn(at(0)), server.frame(client, at(0.02), 0x14, 0, 1000)])
    assert times(row) == (None, None)
    assert row["tap"] is None
