"""What findings say a trouble cost, against what the programs themselves wrote down."""

from __future__ import annotations

import pytest
from test_findings_captures import one, rows_of, truth


def near(seconds: float) -> object:
    """Within 10 % of so many seconds, in nanoseconds."""
    return pytest.approx(seconds * 1e9, rel=0.1)


def test_a_black_hole_costs_what_the_clients_waited() -> None:
    clients = truth("mtu")["black_hole"]["clients"]
    waited_s = sum(client["answer_of_6000"]["waited_s"] for client in clients)
    hole = one("mtu-black-hole.pcap", "TCP007")
    assert hole.cost_ns == near(waited_s)
    assert hole.cost_requests == len(clients)
    assert [client["answer_of_6000"]["bytes"] for client in clients] == [0, 6000]


def test_an_idle_cut_costs_the_question_that_got_no_answer() -> None:
    connections = truth("idle-cut")["connections"]
    for name in ("silent", "reset"):
        cut = one(f"idle-cut-{name}.pcap", "TCP009")
        assert cut.cost_requests == int(connections[name]["outcome"] != "answered")
        assert f"{connections[name]['idle_s']:.3g} s or more of silence" in (cut.evidence or "")
    assert connections["kept"]["outcome"] == "answered"


def test_ports_in_time_wait_are_as_many_as_the_kernel_says() -> None:
    told = truth("time-wait")["pile"]
    pile = one("time-wait-pile.pcap.zst", "FSM001")
    assert pile.count == told["in_time_wait"]
    lasts_s = 28_232 / ((told["connections"] - 1) / told["first_to_last_close_s"])
    said_s = float((pile.evidence or "").rpartition("they last ")[2].removesuffix(" s"))
    assert said_s == pytest.approx(lasts_s, rel=0.1)
    assert truth("time-wait")["kept"]["requests"] == told["requests"]


def test_unanswered_fins_are_the_sockets_in_last_ack() -> None:
    told = truth("vanished")
    left = [one for one in told["gone"]["states"]["server"] if one["state"] == "LAST-ACK"]
    found = one("vanished-gone.pcap", "FSM003")
    assert found.count == found.cost_requests == len(left) == told["gone"]["clients"]
    assert not told["there"]["states"]["server"]


def test_refused_attempts_are_those_that_the_client_saw() -> None:
    refused = [attempt for attempt in truth("restarted")["hole"] if attempt["met"] == "refused"]
    found = one("restarted-hole.pcap", "LSN007")
    assert found.count == found.cost_requests == len(refused)
    assert len((found.frames or "").split(", ")) == len(refused)


def test_a_slow_server_costs_the_time_that_it_worked() -> None:
    told = truth("http-slow")["server"]["origin"]
    worked = [one["worked_s"] for one in told if one["worked_s"] >= 1]
    found = one("http-slow-server.pcap", "HTTP008")
    assert found.count == found.cost_requests == len(worked)
    assert found.cost_ns == near(sum(worked))


def test_a_slow_way_costs_the_time_that_curl_waited_for_the_rest() -> None:
    told = truth("http-slow")["way"]["curl"]
    waited = [one["time_total"] - one["time_starttransfer"] for one in told]
    found = one("http-slow-way.pcap", "HTTP009")
    assert found.cost_ns == near(sum(wait for wait in waited if wait >= 1))
    assert found.count == sum(wait >= 1 for wait in waited)


def test_plain_text_costs_what_packing_it_saves() -> None:
    told = truth("http-text")
    saved = sum(plain["size_download"] for plain in told["plain"]) - sum(
        packed["size_download"] for packed in told["packed"]
    )
    assert one("http-text-plain.pcap", "HTTP010").cost_bytes == pytest.approx(saved, rel=0.1)


def test_lost_packets_are_those_that_dumpcap_lost() -> None:
    told = truth("capture-quality")["drops"]
    found = one("capture-quality-drops.pcapng.zst", "CAP001")
    assert found.count == told["dropped"]
    assert told["received"] + told["dropped"] == told["sent"]


def test_the_step_back_is_as_long_as_the_pause_and_what_came_before() -> None:
    told = truth("capture-quality")
    (found,) = rows_of("capture-quality-order.pcap")
    assert found.code == "CAP009"
    assert found.frame == 49
    assert told["pause_s"] >= 1


def test_both_connections_are_one_sided() -> None:
    found = one("capture-quality-one-side.pcap", "CAP007")
    assert found.count == truth("capture-quality")["connections"]


def test_damaged_packets_are_those_that_the_kernel_refused() -> None:
    told = truth("damaged")["way"]
    counters = told["client_counters"]
    found = one("damaged-way.pcap", "TCP010")
    assert found.count == len(told["damaged"])
    assert found.count == counters["TcpInCsumErrors"] + counters["UdpInCsumErrors"]
    assert f"{told['tcp_info']['total_retrans']} of them sent again" in (found.evidence or "")
    assert found.cost_bytes == told["tcp_info"]["bytes_retrans"]


def test_offload_is_a_remark() -> None:
    (found,) = [row for row in rows_of("damaged-offload.pcap") if row.code == "CAP011"]
    assert found.severity == "info"
