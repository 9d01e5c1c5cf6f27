"""The states of the sample captures, against what the kernels and programs that made them said."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import netanalyze

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
TABLES = ("streams", "transitions", "populations", "closers")
NAMES_OF_SS = {"ESTAB": "ESTABLISHED", "SYN-RECV": "SYN-RECEIVED"}
NOTHING = {None, "CLOSED", "LISTEN"}
"""States of which ``ss`` shows no connection."""
CLOSING = json.loads((CAPTURES / "closing.truth.json").read_text())
RELAYED_NS = 10_000_000
"""More than the relay delays a frame where it is not the subject."""


class Sample(NamedTuple):
    """A capture's tables as rows."""

    streams: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    populations: dict[tuple[str, str], dict[str, Any]]
    closers: list[dict[str, Any]]

    def moves(self, stream: int, endpoint: str) -> list[str]:
        """Trigger and state after, of one endpoint."""
        return [
            f"{row['trigger']} {row['to_state']}"
            for row in self.transitions
            if (row["stream"], row["endpoint"]) == (stream, endpoint)
        ]


def sample(name: str) -> Sample:
    report = netanalyze.analyze(CAPTURES / name, reports=TABLES)
    rows = {table: report[table].to_dicts() for table in TABLES}
    populations = {(row["host"], row["state"]): row for row in rows["populations"]}
    return Sample(rows["streams"], rows["transitions"], populations, rows["closers"])


def truth(recording: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURES / f"{recording}.truth.json").read_text())
    return found


def states_between(found: Sample, stream: int, endpoint: str, begin_ns: int, end_ns: int) -> set[str | None]:
    """Every state that the endpoint was in at some time between the two."""
    state: str | None = None
    states = set()
    for row in found.transitions:
        if (row["stream"], row["endpoint"]) != (stream, endpoint):
            continue
        if row["time_ns"] > end_ns:
            break
        if row["time_ns"] >= begin_ns:
            states.add(state)
        state = row["to_state"]
    return states | {state}


@pytest.mark.parametrize("name", [name for name in CLOSING if name.startswith("closing-")])
def test_ss_says_the_same(name: str) -> None:
    found = sample(name)
    compared = 0
    for snapshot in CLOSING[name]["snapshots"]:
        for host in ("client", "server"):
            # The captures are the client's: the other side is as far away as a frame travels.
            away_ns = 0 if host == "client" else round(CLOSING[name].get("one_way_s", 0) * 1e9) + RELAYED_NS
            span = (snapshot["from_ns"] - away_ns, snapshot["to_ns"] + away_ns)
            said = {(one["local"], one["peer"]): one["state"] for one in snapshot[host]}
            for row in found.streams:
                ends = [f"{row[role]}:{row[f'{role}_port']}" for role in ("client", "server")]
                if host == "server":
                    ends.reverse()
                states = states_between(found, row["stream"], host, *span)
                state = said.pop((ends[0], ends[1]), None)
                if state is None:
                    assert states & NOTHING, (snapshot["moment"], ends)
                else:
                    assert NAMES_OF_SS.get(state, state) in states, (snapshot["moment"], ends)
                assert away_ns or len(states) == 1
                compared += 1
            assert not said
    assert compared >= 2


def test_sockets_that_nobody_closes() -> None:
    found = sample("closing-leak.pcap")
    facts = CLOSING["closing-leak.pcap"]
    count = len(facts["client_ports"])
    (closer,) = found.closers
    assert (closer["server"], closer["server_port"], closer["connections"]) == ("10.41.0.1", 9161, count)
    assert (closer["client_first"], closer["server_leaks"], closer["client_leaks"]) == (count, count, 0)
    assert closer["leaks_ended_by_exit"] == count
    assert closer["leak_interval_ns"] == pytest.approx(facts["leak_every_s"] * 1e9, rel=0.1)
    assert closer["leaks_per_minute"] == pytest.approx(60 / facts["leak_every_s"], rel=0.1)
    waiting = found.populations["10.41.0.1", "CLOSE-WAIT"]
    assert (waiting["connections"], waiting["peak"], waiting["still_open"]) == (count, count, 0)
    # Of the kernel: RST for the half of the connections whose data was not read.
    ends = Counter(found.moves(row["stream"], "server")[-1] for row in found.streams)
    assert ends == {"rcv ACK of FIN CLOSED": count // 2, "snd RST CLOSED": count - count // 2}


def test_leaks_at_the_end_of_the_capture() -> None:
    # The same without the exit: the last frame comes 1.6 s after the first, so that only two of the
    # six connections have been in CLOSE-WAIT for more than a second.
    whole = CAPTURES / "closing-leak.pcap"
    report = netanalyze.analyze(whole, reports=TABLES, stop="2.5s")
    (closer,) = report["closers"]
    assert (closer.server_leaks, closer.leaks_ended_by_exit) == (2, 0)
    (waiting,) = [row for row in report["populations"] if row.state == "CLOSE-WAIT"]
    assert (waiting.still_open, waiting.stuck) == (6, 2)
    (peers,) = [row for row in report["populations"] if row.state == "FIN-WAIT-2"]
    assert (peers.still_open, peers.stuck) == (6, 2)


def test_half_close() -> None:
    found = sample("closing-half.pcap")
    assert found.moves(0, "client")[-3:] == [
        "snd FIN FIN-WAIT-1",
        "rcv ACK of FIN FIN-WAIT-2",
        "rcv FIN TIME-WAIT",
    ]
    assert found.populations["10.42.0.1", "CLOSE-WAIT"]["longest_ns"] == pytest.approx(0.5e9, rel=0.2)
    assert found.closers[0]["server_leaks"] == 0


def test_simultaneous_close() -> None:
    found = sample("closing-both.pcap")
    for endpoint in ("client", "server"):
        assert found.moves(0, endpoint)[-3:] == [
            "snd FIN FIN-WAIT-1",
            "rcv FIN CLOSING",
            "rcv ACK of FIN TIME-WAIT",
        ]
    assert (found.closers[0]["simultaneous"], found.closers[0]["client_first"]) == (1, 0)


def test_the_last_ack_is_lost() -> None:
    found = sample("closing-lost.pcap")
    assert found.streams[0]["server_state"] == "CLOSED"
    assert (
        found.populations["10.44.0.1", "LAST-ACK"]["longest_ns"]
        > 200_000_000 * CLOSING["closing-lost.pcap"]["lost_acks"]
    )


def test_nginx_closes_first() -> None:
    found = sample("closing-nginx.pcap")
    count = len(CLOSING["closing-nginx.pcap"]["client_ports"])
    (closer,) = found.closers
    assert (closer["server_first"], closer["client_first"]) == (count, 0)
    waiting = found.populations["10.45.0.1", "TIME-WAIT"]
    assert (waiting["peak"], waiting["still_open"], waiting["ports_percent"]) == (count, count, None)
    assert ("10.45.0.2", "TIME-WAIT") not in found.populations


def test_resets() -> None:
    found = sample("reset.pcap")
    who = [row["who"] for row in truth("reset")["connections"]]
    resets = Counter(row["endpoint"] for row in found.transitions if row["trigger"] == "snd RST")
    assert resets == Counter(who)
    assert {(row["client_state"], row["server_state"]) for row in found.streams} == {("CLOSED", "CLOSED")}


def test_refused() -> None:
    found = sample("refused.pcapng")
    moves = [found.moves(row["stream"], "client") for row in found.streams]
    refused = [
        attempt["transport"] == "tcp" and attempt["client_saw"] == "ConnectionRefusedError"
        for attempt in truth("refused")["attempts"]
    ]
    assert moves.count(["snd SYN SYN-SENT", "rcv RST CLOSED"]) == sum(refused) > 0
    assert sum(row["refused"] for row in found.closers) == sum(refused)


def test_handshakes_that_need_more_than_one_try() -> None:
    found = sample("handshake-retry.pcap")
    for attempt in truth("handshake-retry")["attempts"]:
        (row,) = [row for row in found.streams if row["server_port"] == attempt["port"]]
        opened = [move for move in found.moves(row["stream"], "client") if move.endswith(" ESTABLISHED")]
        assert bool(opened) == (attempt["client_saw"] == "connected")
        if attempt["client_saw"] != "connected":
            assert (row["client_state"], row["server_state"]) == ("SYN-SENT", None)
    # The last ACK of this one was lost: what moved the server came after its SYN,ACK was sent again.
    (late,) = [row for row in found.streams if row["server_port"] == 9153]
    (move,) = [
        row
        for row in found.transitions
        if (row["stream"], row["endpoint"], row["to_state"]) == (late["stream"], "server", "ESTABLISHED")
    ]
    assert move["dwell_ns"] > 900_000_000


def test_ports_that_are_used_again() -> None:
    found = sample("port-reuse.pcap")
    # The second connection's TIME-WAIT on the server ends when the third begins.
    assert found.moves(1, "server")[-2:] == ["rcv FIN,ACK of FIN TIME-WAIT", "new SYN CLOSED"]
    assert [row["client_state"] for row in found.streams] == ["CLOSED", "CLOSED", "TIME-WAIT"]


def test_a_capture_that_begins_in_the_middle() -> None:
    found = sample("midstream.pcap.gz")
    begins = [row for row in found.transitions if row["trigger"] == "mid-stream"]
    assert begins
    assert all(row["assumed"] and row["from_state"] is None for row in begins)


def test_taps_on_both_sides_see_the_same() -> None:
    client, server = sample("lossy-transfer-client.pcap"), sample("lossy-transfer-server.pcap")
    for endpoint in ("client", "server"):
        assert client.moves(0, endpoint) == server.moves(0, endpoint)


def test_syns_that_a_full_queue_swallows() -> None:
    # What moved the server is the SYN that it answered, not those that it did not take.
    found = sample("backlog-overflow.pcap")
    waits = [
        row["dwell_ns"]
        for row in found.transitions
        if row["trigger"] == "rcv SYN,ACK" and row["dwell_ns"] > 10**9
    ]
    late = [stream for stream in found.streams if stream["handshake_ns"] and stream["handshake_ns"] > 10**9]
    assert len(waits) == len(late) > 0
    for stream in late:
        (move,) = [
            row
            for row in found.transitions
            if row["stream"] == stream["stream"] and row["trigger"] == "rcv SYN"
        ]
        assert move["time_ns"] - stream["start_ns"] > 10**9
        assert move["proof_ns"] - move["time_ns"] < 10**6
