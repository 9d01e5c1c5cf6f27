"""Which answer belongs to which query, and what is said of those that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crafting import icmp, ip4, udp
from dns_talk import CLIENT, SECOND, SERVER, TRUNCATED, Talk, framed, picked, question, reply

if TYPE_CHECKING:
    from pathlib import Path

A = "example.org. 60 IN A 192.0.2.1"


def test_a_query_and_its_answer(tmp_path: Path) -> None:
    talk, asked = Talk(), question("Example.ORG")
    talk.ask(0, asked)
    talk.answer(
        0.004, reply(asked, "example.org. 300 IN CNAME a.example.net.", "a.example.net. 60 IN A 192.0.2.1")
    )
    row = talk.rows(tmp_path)[0]
    assert (row["frame"], row["response_frame"], row["latency_ns"], row["attempts"]) == (1, 2, 4_000_000, 1)
    assert (row["name"], row["type"], row["rcode"], row["answers"]) == ("Example.ORG", "A", "NOERROR", 2)
    assert (row["answer"], row["ttl_s"], row["end"]) == ("CNAME a.example.net, 192.0.2.1", 60, "answered")
    assert (row["client"], row["server"], row["client_port"], row["server_port"]) == (
        CLIENT,
        SERVER,
        40000,
        53,
    )
    assert row["note"] is None


def test_the_case_of_an_answer_does_not_matter(tmp_path: Path) -> None:
    talk = Talk()
    talk.ask(0, question("eXample.org"))
    talk.answer(0.1, reply(question("exAMPLE.org"), A))
    assert picked(talk.rows(tmp_path), "name", "end") == [("eXample.org", "answered")]


def test_two_questions_of_one_port_do_not_mix(tmp_path: Path) -> None:
    talk = Talk()
    one, two = question("a.example", "A", 1), question("a.example", "AAAA", 2)
    talk.ask(0, one)
    talk.ask(0, two)
    talk.answer(0.01, reply(two))
    talk.answer(0.03, reply(one))
    rows = talk.rows(tmp_path)
    assert picked(rows, "type", "latency_ns") == [("A", 30_000_000), ("AAAA", 10_000_000)]


def test_sent_again_by_the_same_port(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    for at_s in (0, 1, 3):
        talk.ask(at_s, asked)
    talk.answer(3.5, reply(asked, A))
    rows = talk.rows(tmp_path)
    assert picked(rows, "frame", "attempts", "latency_ns", "end") == [(1, 3, 3_500_000_000, "answered")]
    assert rows[0]["response_ns"] == 3_500_000_000


def test_wireshark_measures_from_a_query_that_is_much_later(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.ask(5.1, asked)
    talk.answer(5.2, reply(asked, A))
    row = talk.rows(tmp_path)[0]
    assert (row["latency_ns"], row["response_ns"]) == (5_200_000_000, 100_000_000)


@pytest.mark.parametrize("port", [40000, 40001])
def test_another_server_is_asked(tmp_path: Path, port: int) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.ask(5, question("example.org", number=9), port, SECOND)
    talk.answer(5.02, reply(question("example.org", number=9), A), port, SECOND)
    rows, patterns = talk.tables(tmp_path, "dns", "dns_patterns")
    assert picked(rows, "server", "end", "attempts", "latency_ns", "first_frame", "pattern") == [
        (SERVER, "retried", 1, None, 1, None),
        (SECOND, "answered", 2, 5_020_000_000, 1, "failover"),
    ]
    assert "another server" in rows[1]["note"]
    assert picked(patterns, "pattern", "server", "count", "wait_ns") == [
        ("failover", SECOND, 1, 5_000_000_000)
    ]


def test_an_answer_after_the_client_has_turned_elsewhere_is_late(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    second = question("example.org", number=9)
    talk.ask(0, asked)
    talk.ask(5, second, 40001, SECOND)
    talk.answer(5.5, reply(asked, A))
    talk.answer(6, reply(second, A), 40001, SECOND)
    assert picked(talk.rows(tmp_path), "end") == [("late",), ("answered",)]


def test_a_server_that_does_not_listen(tmp_path: Path) -> None:
    """The client hears of it by ICMP, and does not wait before it asks another one."""
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.frame(0.0001, ip4(icmp(3, 3, ip4(udp(asked, 40000, 53), 17, CLIENT, SERVER)), 1, SERVER, CLIENT))
    talk.ask(0.0003, question("example.org", number=9), 40001, SECOND)
    talk.answer(0.001, reply(question("example.org", number=9), A), 40001, SECOND)
    rows = talk.rows(tmp_path)
    assert picked(rows, "end", "attempts", "pattern") == [("retried", 1, None), ("answered", 2, "failover")]
    assert "ICMP" in rows[0]["note"]


def test_several_servers_at_once_are_no_failover(tmp_path: Path) -> None:
    """As musl asks: one port, one id, all servers."""
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.ask(0, asked, server=SECOND)
    talk.answer(0.001, reply(asked, A), server=SECOND)
    talk.answer(0.002, reply(asked, A))
    rows = talk.rows(tmp_path)
    assert picked(rows, "end", "attempts", "pattern") == [("answered", 1, None), ("answered", 2, None)]
    assert "at the same time" in rows[1]["note"]


def test_the_same_name_at_once_is_no_second_attempt(tmp_path: Path) -> None:
    talk = Talk()
    for number in range(5):
        talk.ask(0.01 * number, question("example.org", number=number))
    talk.ask(30, question("other.example"), 40009)
    assert picked(talk.rows(tmp_path), "attempts", "end") == [(1, "unanswered")] * 5 + [(1, "open")]


def test_more_answers_than_queries(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.answer(0.1, reply(asked, A))
    talk.answer(0.2, reply(asked, "example.org. 60 IN A 203.0.113.6"))
    rows = talk.rows(tmp_path)
    assert picked(rows, "frame", "response_frame", "end", "other_frame") == [
        (1, 2, "answered", None),
        (None, 3, "duplicate", 1),
    ]
    assert rows[0]["responses"] == 2
    assert "something else" in rows[1]["note"]


def test_two_queries_may_have_two_answers(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.ask(1, asked)
    talk.answer(1.1, reply(asked, A))
    talk.answer(1.2, reply(asked, A))
    assert picked(talk.rows(tmp_path), "responses", "end", "attempts") == [(2, "answered", 2)]


def test_answers_that_nobody_asked_for(tmp_path: Path) -> None:
    talk = Talk()
    talk.answer(0, reply(question("example.org"), A))
    talk.ask(1, question("example.net"))
    talk.answer(1.1, reply(question("example.com"), A))
    talk.answer(1.2, reply(question("example.net"), A), server=SECOND)
    rows = talk.rows(tmp_path)
    assert picked(rows, "name", "end", "other_frame") == [
        ("example.org", "unasked", None),
        ("example.net", "open", None),
        ("example.com", "unasked", 2),
        ("example.net", "unasked", 2),
    ]
    assert "differs" in rows[2]["note"]
    assert "another address" in rows[3]["note"]


@pytest.mark.parametrize("step", [0, 1, 2, 13])
def test_truncated_and_asked_again_over_tcp(tmp_path: Path, step: int) -> None:
    """However the stream is cut."""
    talk = Talk()
    asked, again = question("example.org", "TXT", 3), question("example.org", "TXT", 4)
    talk.ask(0, asked)
    talk.answer(0.01, reply(asked, flags=TRUNCATED))
    talk.connect(0.02)
    answer = framed(reply(again, f'example.org. 60 IN TXT "{"x" * 200}"'))
    for query, data, at_s in ((True, framed(again), 0.03), (False, answer, 0.05)):
        size = step or len(data)
        for start in range(0, len(data), size):
            talk.segment(at_s, query=query, payload=data[start : start + size])
    rows, patterns = talk.tables(tmp_path, "dns", "dns_patterns")
    assert picked(rows, "transport", "end", "attempts", "latency_ns", "pattern", "truncated") == [
        ("udp", "truncated", 1, 10_000_000, None, True),
        ("tcp", "answered", 2, 50_000_000, "retry_over_tcp", False),
    ]
    assert rows[1]["answer"] == f'"{"x" * 200}"'
    assert rows[1]["first_frame"] == 1
    assert [row["pattern"] for row in patterns] == ["retry_over_tcp"]


def test_one_answer_of_a_and_aaaa_is_lost(tmp_path: Path) -> None:
    talk = Talk()
    four, six = question("db.example.org", "A", 21), question("db.example.org", "AAAA", 22)
    talk.ask(0, four)
    talk.ask(0.0001, six)
    talk.answer(0.001, reply(four, "db.example.org. 5 IN A 10.9.9.9"))
    talk.ask(5.002, four)
    talk.answer(5.003, reply(four, "db.example.org. 5 IN A 10.9.9.9"))
    talk.ask(5.0031, six)
    talk.answer(5.004, reply(six))
    rows, patterns = talk.tables(tmp_path, "dns", "dns_patterns")
    lost = [row for row in rows if row["pattern"] == "lost_twin"]
    assert picked(lost, "type", "attempts") == [("AAAA", 2)]
    assert picked(patterns, "pattern", "count") == [("lost_twin", 1)]
    assert 5_000_000_000 <= patterns[0]["wait_ns"] < 5_010_000_000


def test_a_search_list(tmp_path: Path) -> None:
    talk = Talk()
    tries = [
        "api.shop.default.svc.cluster.local",
        "api.shop.svc.cluster.local",
        "api.shop.cluster.local",
        "api.shop",
    ]
    for place, name in enumerate(tries):
        asked = question(name, number=place)
        talk.ask(place * 0.01, asked, 40000 + place)
        talk.answer(place * 0.01 + 0.004, reply(asked, rcode=3 if place < 3 else 0), 40000 + place)
    rows, patterns = talk.tables(tmp_path, "dns", "dns_patterns")
    assert picked(rows, "pattern") == [("search_list",)] * 3 + [(None,)]
    assert picked(patterns, "pattern", "count", "wait_ns") == [("search_list", 3, 12_000_000)]
    assert "ndots" in patterns[0]["advice"]


def test_names_that_have_nothing_to_do_with_each_other_are_no_search_list(tmp_path: Path) -> None:
    talk = Talk()
    for place, name in enumerate(["a.example.org", "b.example.org", "a.example.com"]):
        asked = question(name, number=place)
        talk.ask(place * 0.01, asked)
        talk.answer(place * 0.01 + 0.004, reply(asked, rcode=3))
    assert {row["pattern"] for row in talk.rows(tmp_path)} == {None}


def test_ttl_0(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    talk.answer(0.1, reply(asked, "example.org. 0 IN A 192.0.2.1"))
    assert picked(talk.rows(tmp_path), "pattern", "ttl_s") == [("ttl_0", 0)]


def test_multicast_answers_come_from_elsewhere(tmp_path: Path) -> None:
    talk = Talk()
    group, asked = ("224.0.0.251", 5353), question("printer.local", number=0)
    talk.datagram(0, (CLIENT, 5353), group, asked)
    told = bytearray(reply(asked, "printer.local. 120 IN A 10.0.0.77"))
    told[4:6] = b"\0\0"  # answers of multicast DNS repeat no question
    end = 12 + len("printer.local") + 2 + 4
    body = bytes(told[end:])
    answer = bytes(told[:12]) + b"\x07printer\x05local\0" + body[2:]
    talk.datagram(0.05, ("10.0.0.77", 5353), group, answer)
    talk.datagram(20, ("10.0.0.77", 5353), group, answer)
    rows = talk.rows(tmp_path)
    assert picked(rows, "protocol", "frame", "response_frame", "server", "end") == [
        ("mdns", 1, 2, "10.0.0.77", "answered"),
        ("mdns", None, 3, "10.0.0.77", "announced"),
    ]
    assert rows[0]["answer"] == "10.0.0.77"


def test_link_local_names(tmp_path: Path) -> None:
    talk, asked = Talk(), question("wpad", number=77)
    talk.datagram(0, (CLIENT, 50111), ("224.0.0.252", 5355), asked)
    talk.datagram(0.01, ("10.0.0.78", 5355), (CLIENT, 50111), reply(asked, "wpad. 30 IN A 10.0.0.78"))
    assert picked(talk.rows(tmp_path), "protocol", "server", "end") == [("llmnr", "10.0.0.78", "answered")]


def test_quoted_queries_are_not_read(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.ask(0, asked)
    quoted = ip4(udp(asked, 40000, 53), 17, CLIENT, SERVER)
    talk.frame(0.1, ip4(icmp(3, 3, quoted), 1, SERVER, CLIENT))
    assert len(talk.rows(tmp_path)) == 1


def test_a_flow_that_gets_its_name_late_is_read_from_the_start(tmp_path: Path) -> None:
    talk, asked = Talk(), question("example.org")
    talk.datagram(0, (CLIENT, 40000), (SERVER, 5300), b"\0" * 13)
    filler = question("x.example", number=1)
    for place in range(5000):  # so that the name comes in a later batch
        talk.ask(1 + place / 1e6, filler, 41000)
    talk.datagram(2, (CLIENT, 40000), (SERVER, 5300), asked)
    talk.datagram(2.1, (SERVER, 5300), (CLIENT, 40000), reply(asked, A))
    rows = [row for row in talk.rows(tmp_path) if row["client_port"] == 40000]
    assert picked(rows, "frame", "name", "end") == [
        (1, None, "open"),
        (5002, "example.org", "answered"),
    ]


def test_servers_and_names(tmp_path: Path) -> None:
    talk = Talk()
    for place in range(100):
        asked = question("www.example.org" if place % 2 else "nx.example.org", number=place)
        talk.ask(place, asked)
        if place != 99:
            talk.answer(place + 0.001 * (place + 1), reply(asked, rcode=0 if place % 2 else 3))
    talk.ask(200, question("end.example"), 40002)
    alone = talk.tables(tmp_path, "dns_servers")[0]
    servers, names, _ = talk.tables(tmp_path, "dns_servers", "dns_names", "dns")
    assert alone == servers
    server = servers[0]
    assert (server["queries"], server["answered"], server["unanswered"], server["open"]) == (101, 99, 1, 1)
    assert (server["nxdomain"], server["top_nxdomain"]) == (50, "nx.example.org (50)")
    assert (server["response_p50_ns"], server["response_p95_ns"]) == (50_000_000, 95_000_000)
    assert server["response_p99_ns"] == server["response_max_ns"] == 99_000_000
    assert picked(names, "name", "queries", "nxdomain", "unanswered") == [
        ("nx.example.org", 50, 50, 0),
        ("www.example.org", 50, 0, 1),
        ("end.example", 1, 0, 0),
    ]
