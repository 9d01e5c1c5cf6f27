"""What resolvers and servers logged while they were recorded, against what is read out of the recordings."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from netanalyze.pipeline import Options, run

CAPTURES = Path(__file__).parents[2] / "captures"
WAIT_NS = 5 * 10**9
"""What glibc waits before it asks again (resolv.conf(5), option timeout)."""
SLACK_NS = 60 * 10**6
"""What a program takes beside the lookup, on a machine that has other things to do."""
ONE_NAME = {"CNAME", "NS", "PTR"}
LONGEST = 1024
"""Characters of a record that are shown."""


def truth(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((CAPTURES / f"{name}.truth.json").read_text())


@cache
def tables(name: str) -> dict[str, list[Any]]:
    report = run([str(CAPTURES / f"{name}.pcap")], Options(tables=("dns", "dns_patterns")))
    return {table: list(report[table]) for table in ("dns", "dns_patterns")}


def rows(name: str) -> list[Any]:
    return tables(name)["dns"]


def patterns(name: str) -> dict[str, Any]:
    found = {row.pattern: row for row in tables(name)["dns_patterns"]}
    assert len(found) == len(tables(name)["dns_patterns"])
    return found


def question(words: list[str]) -> tuple[str, str]:
    """Name and type that dig was asked for."""
    if words[0] == "-x":
        return ".".join(reversed(words[1].split("."))) + ".in-addr.arpa", "PTR"
    return words[0], words[1]


def lookups(found: list[Any], digs: list[Any]) -> list[tuple[Any, list[Any]]]:
    """Each run of dig with its rows: as many as messages it sent, in order."""
    rest = iter(found)
    pairs = []
    for entry in digs:
        count = 2 if entry["truncated_first"] or entry.get("timed_out") else 1
        pairs.append((entry, [next(rest) for _ in range(count)]))
    assert next(rest, None) is None
    return pairs


def compare_with_dig(entry: Any, row: Any) -> None:  # noqa: ANN401 - JSON, records
    """What every answer that dig printed has in common with its row."""
    assert (row.name, row.type) == question(entry["dig"])
    assert (row.id, row.rcode, row.answers) == (entry["id"], entry["status"], entry["answers"])
    assert row.response_bytes == entry["answer_bytes"]
    assert row.transport == ("tcp" if entry["truncated_first"] else "udp")
    assert (row.end, row.truncated, row.responses) == ("answered", False, 1)
    assert (row.protocol, row.opcode, row.qclass, row.server_port) == ("dns", "query", "IN", 53)
    assert row.response_frame > row.frame
    assert row.attempts == (2 if entry["truncated_first"] else 1)


def compare_truncated(before: Any, row: Any, counted: int) -> None:  # noqa: ANN401 - records
    """A query whose answer did not fit, and the one over TCP that dig sent then."""
    assert (before.transport, before.end, before.truncated) == ("udp", "truncated", True)
    assert "TC" in before.response_flags.split()
    assert "TC" not in row.response_flags.split()
    assert (before.name, before.type, before.attempts) == (row.name, row.type, 1)
    assert before.answers < counted
    assert (row.first_frame, row.other_frame) == (before.frame, before.frame)
    assert row.pattern == "retry_over_tcp"
    assert before.pattern != "retry_over_tcp"
    assert "asked again over TCP" in row.note
    assert row.latency_ns == row.time_ns + row.response_ns - before.time_ns


def options(text: str | None) -> dict[str, str]:
    return dict(one.partition(" ")[::2] for one in (text or "").split(", ") if one)


def query_bytes(name: str, sent: dict[str, str] | None) -> int:
    """Header, question, the record of EDNS with its options (RFC 1035 section 4, RFC 6891 section 6.1)."""
    length = 12 + len(name) + 2 + 4
    if sent is None:
        return length
    subnet = 4 + 3  # RFC 7871 section 6: an address without what is not said of it, here of 24 bits
    sizes = {"COOKIE": len(sent.get("COOKIE", "")) // 2, "ECS": subnet, "NSID": 0}
    return length + 11 + sum(4 + sizes[option] for option in sent)


def in_words(line: list[str], asked: str) -> str:
    """A line of dig's answer section as the table has it: master files' form, as dnspython writes it."""
    _, _, group, kind, *data = line
    read = dns.rdata.from_text(dns.rdataclass.from_text(group), dns.rdatatype.from_text(kind), " ".join(data))
    text = read.to_text()
    if kind in ONE_NAME:
        text = text.removesuffix(".")
    if len(text) > LONGEST:
        text = text[: LONGEST - 4] + " ..."
    return text if kind in {asked, "A", "AAAA"} else f"{kind} {text}"


def test_what_dig_printed_of_answers_of_named() -> None:
    """Names, types, codes, every record, sizes, times, and the options of EDNS."""
    digs = truth("dns-edns")["dig"]
    seen = set()
    for entry, (*_, row) in lookups(rows("dns-edns"), digs):
        compare_with_dig(entry, row)
        answers = entry["lines"][: entry["answers"]]
        expected = ", ".join(in_words(line, row.type) for line in answers) or None
        assert row.answer == expected
        assert row.ttl_s == min((int(line[1]) for line in answers), default=None)
        # dig's watch starts before the query leaves and stops after the answer came.
        assert 0 <= entry["query_time_us"] * 1000 + 1000 - row.response_ns < SLACK_NS / 10
        seen |= {row.type, row.rcode}
    assert seen >= {"HTTPS", "SVCB", "TLSA", "SSHFP", "NAPTR", "TYPE65400", "SERVFAIL", "REFUSED", "NXDOMAIN"}


def test_options_of_edns_as_dig_sent_and_printed_them() -> None:
    digs = truth("dns-edns")["dig"]
    compared = Counter[str]()
    for entry, found in lookups(rows("dns-edns"), digs):
        flags = set(entry["dig"][2:])
        for row in found:
            assert row.dnssec_ok == ("+dnssec" in flags)
            assert (row.edns_bytes is None) == (row.server_edns_bytes is None) == ("+noedns" in flags)
            assert row.extended_error is None
        row = found[-1]
        assert row.server_edns_bytes == entry["udp_payload"]
        sent, told = options(row.edns_options), options(row.server_edns_options)
        expected_sent, expected_told = {}, {}
        if entry["cookie"]:
            # The first eight bytes are the client's own (RFC 7873 section 4).
            expected_sent["COOKIE"], expected_told["COOKIE"] = entry["cookie"][:16], entry["cookie"]
            if entry["truncated_first"]:
                # By then dig has the server's part, too, and sends it back.
                assert options(found[0].edns_options) == expected_sent
                expected_sent["COOKIE"] = options(found[0].server_edns_options)["COOKIE"]
        if entry["subnet"]:
            network, scope = entry["subnet"].rsplit("/", 1)
            expected_sent["ECS"] = expected_told["ECS"] = f"{network} scope/{scope}"
        if "+nsid" in flags:
            expected_sent["NSID"], expected_told["NSID"] = "", "lab-server"
        assert (sent, told) == (expected_sent, expected_told), entry["dig"]
        assert row.query_bytes == query_bytes(row.name, sent if row.edns_bytes else None)
        compared.update(list(told))
    assert compared == {"COOKIE": 21, "ECS": 1, "NSID": 1}


@pytest.mark.parametrize("name", ["dns-edns", "dns-dnsmasq"])
def test_truncated_answers_and_what_dig_asked_over_tcp(name: str) -> None:
    digs = truth(name)["dig"]
    expected = [entry for entry in digs if entry["truncated_first"]]
    over_tcp = [row for row in rows(name) if row.transport == "tcp"]
    assert len(over_tcp) == len(expected) > 0
    for entry, row in zip(expected, over_tcp, strict=True):
        before = rows(name)[rows(name).index(row) - 1]
        compare_with_dig(entry, row)
        compare_truncated(before, row, entry["answers"])
    told = patterns(name)["retry_over_tcp"]
    assert (told.count, told.example) == (len(expected), over_tcp[0].name)
    assert (told.first_frame, told.last_frame) == (over_tcp[0].frame, over_tcp[-1].frame)
    assert told.wait_ns == sum(row.latency_ns - row.response_ns for row in over_tcp)
    assert Counter(row.pattern for row in rows(name))["retry_over_tcp"] == told.count


def test_what_dig_printed_of_answers_of_dnsmasq() -> None:
    logged, found = truth("dns-dnsmasq"), rows("dns-dnsmasq")
    # Between dig's tenth and eleventh question the C library asks for both kinds of addresses.
    *_, first = [place for place, row in enumerate(found) if row.type in {"A", "AAAA"} and not row.edns_bytes]
    own = found[first - 1 : first + 1]
    name = logged["getaddrinfo"]["name"]
    assert [(row.name, row.type) for row in own] == [(name, "A"), (name, "AAAA")]
    assert own[0].client_port == own[1].client_port
    assert sum(row.answers for row in own) == logged["getaddrinfo"]["addresses"]
    by_dig = [row for row in found if row not in own]
    for entry, rows_of_it in lookups(by_dig, logged["dig"]):
        if entry["timed_out"]:
            assert_timed_out(rows_of_it)
            continue
        compare_with_dig(entry, rows_of_it[-1])
        if entry["truncated_first"]:
            compare_truncated(rows_of_it[0], rows_of_it[-1], entry["answers"])


def assert_timed_out(found: list[Any]) -> None:
    """``dig +tries=2 +timeout=1``: nobody answers, and after a second it asks again."""
    assert [(row.name, row.type, row.response_frame, row.answer) for row in found] == [
        ("www.silent.test", "A", None, None)
    ] * 2
    assert [(row.attempts, row.end, row.latency_ns) for row in found] == [
        (1, "retried", None),
        (2, "open", None),
    ]
    assert {row.first_frame for row in found} == {found[0].frame}
    assert found[1].other_frame == found[0].frame
    assert found[0].id == found[1].id
    assert 0 <= found[1].time_ns - found[0].time_ns - 10**9 < SLACK_NS


LOG = re.compile(r"(\S+)#(\d+) (?:query\[(\w+)\] (\S+) from \S+|config (\S+) is (\S+))")


def asked_of_dnsmasq(log: list[str]) -> Counter[tuple[str, int, str, str]]:
    """How often dnsmasq got each question: client, port, type, name."""
    found: Counter[tuple[str, int, str, str]] = Counter()
    for line in log:
        client, port, kind, name, _, _ = LOG.fullmatch(line).groups()  # type: ignore[union-attr]
        if kind:
            found[client, int(port), kind, name] += 1
    return found


def said_by_dnsmasq(log: list[str]) -> list[tuple[int, str, str, list[str]]]:
    """Each question in the log with what was answered: port, type, name, answers."""
    found: list[tuple[int, str, str, list[str]]] = []
    for line in log:
        _, port, kind, name, _, answer = LOG.fullmatch(line).groups()  # type: ignore[union-attr]
        if kind:
            found.append((int(port), kind, name, []))
        else:
            assert found[-1][0] == int(port)
            found[-1][3].append(answer)
    return found


def times_sent(row: Any) -> int:  # noqa: ANN401 - a record
    """How often this port sent it: attempts of ports before it are not its own."""
    others = row.attempts - 1 if row.first_frame != row.frame else 0
    assert isinstance(row.attempts, int)
    return row.attempts - others


@pytest.mark.parametrize(("name", "server"), [("dns-waits", "10.41.0.1"), ("dns-stub", "10.45.0.1")])
def test_questions_and_answers_that_dnsmasq_logged(name: str, server: str) -> None:
    log = truth(name)["dnsmasq"]
    mine = [row for row in rows(name) if row.server == server and row.protocol == "dns"]
    got: Counter[tuple[str, int, str, str]] = Counter()
    for row in mine:
        got[row.client, row.client_port, row.type, row.name] += times_sent(row)
    assert got == asked_of_dnsmasq(log)
    said = said_by_dnsmasq(log)
    for row in mine:
        answers = next(
            answers for port, kind, asked, answers in said
            if (port, kind, asked) == (row.client_port, row.type, row.name)
        )  # fmt: skip
        assert row.rcode == ("NXDOMAIN" if answers == ["NXDOMAIN"] else "NOERROR")
        addresses = [one for one in answers if one[0] != "<" and one[:2] != "NX" and one[:2] != "NO"]
        shown = [one for one in (row.answer or "").split(", ") if one and not one.startswith("CNAME")]
        assert shown == addresses
        assert row.answers == len(answers) - answers.count("NXDOMAIN") - answers.count("NODATA-IPv6")
        assert row.end == "answered"


def addresses_in(found: list[Any]) -> set[str]:
    return {
        one for row in found for one in (row.answer or "").split(", ") if one and not one.startswith("CNAME")
    }


def took_ns(found: list[Any]) -> int:
    """From the first of some queries to the last answer."""
    starts = {row.frame: row.time_ns for row in found}
    ends = [starts[row.first_frame] + row.latency_ns for row in found if row.response_frame]
    return int(max(ends) - min(starts.values()))


def waits() -> dict[str, tuple[Any, list[Any]]]:
    """The cases of ``dns-waits``, each with what was logged and its rows."""
    return {
        entry["case"]: (entry, [row for row in rows("dns-waits") if row.name.startswith(entry["name"])])
        for entry in truth("dns-waits")["getaddrinfo"]
    }


def test_how_long_programs_waited_for_names() -> None:
    cases = waits()
    assert sum(len(found) for _, found in cases.values()) == len(rows("dns-waits"))
    for entry, found in cases.values():
        assert addresses_in(found) == set(entry["addresses"])
        assert 0 <= entry["took_ns"] - took_ns(found) < SLACK_NS, entry["case"]


def test_a_lost_answer_to_one_of_two_queries() -> None:
    entry, found = waits()["AAAA answer lost"]
    first, lost, again = found
    assert [row.type for row in found] == ["A", "AAAA", "A"]
    assert first.client_port == lost.client_port == again.client_port
    assert (lost.pattern, lost.attempts, lost.end, lost.responses) == ("lost_twin", 2, "answered", 1)
    assert WAIT_NS <= lost.latency_ns <= entry["took_ns"]
    assert lost.response_ns < SLACK_NS  # the answer to the second one came at once
    assert lost.server_ns == lost.response_ns
    assert lost.wait_ns == lost.latency_ns - lost.server_ns
    assert (first.pattern, first.attempts) == (None, 1)
    assert (again.pattern, again.other_frame, again.note) == (
        None, first.frame, "asked again after it was answered",
    )  # fmt: skip
    told = patterns("dns-waits")["lost_twin"]
    assert (told.client, told.server) == ("10.41.0.2", "10.41.0.1")
    assert told.count == truth("dns-waits")["answers_lost"] == 1
    assert (told.first_frame, told.last_frame, told.example) == (lost.frame, lost.frame, entry["name"])
    assert told.wait_ns == told.longest_ns
    assert 0 <= told.wait_ns - WAIT_NS < SLACK_NS


def test_one_query_after_the_other() -> None:
    """``options single-request``: AAAA is asked for once the A is there."""
    _, (first, second) = waits()["single-request"]
    assert (first.type, second.type) == ("A", "AAAA")
    assert second.time_ns > first.time_ns + first.response_ns
    assert (first.pattern, second.pattern) == (None, None)


def test_names_that_a_search_list_made() -> None:
    entry, found = waits()["search list"]
    suffixes = ["ns.svc.cluster.test", "svc.cluster.test", "cluster.test"]
    tried = [f"{entry['name']}.{suffix}" for suffix in suffixes]
    assert [row.name for row in found] == [name for name in [*tried, entry["name"]] for _ in range(2)]
    assert [row.type for row in found] == ["A", "AAAA"] * 4
    assert [row.pattern for row in found] == ["search_list"] * 6 + [None] * 2
    assert {row.rcode for row in found[:6]} == {"NXDOMAIN"}
    told = patterns("dns-waits")["search_list"]
    assert (told.count, told.example, told.server) == (6, tried[0], "10.41.0.1")
    # A and AAAA of a name were asked at the same time, and waited for once.
    pairs = [found[at : at + 2] for at in (0, 2, 4)]
    assert told.wait_ns == sum(took_ns(pair) for pair in pairs) < sum(row.latency_ns for row in found[:6])
    assert told.longest_ns == max(row.latency_ns for row in found[:6])


def test_a_first_server_that_says_nothing() -> None:
    entry, found = waits()["first server mute"]
    mute, answered = found[:2], found[2:]
    assert [(row.server, row.end, row.attempts) for row in mute] == [("10.41.0.9", "retried", 1)] * 2
    assert [(row.server, row.end, row.attempts) for row in answered] == [("10.41.0.1", "answered", 2)] * 2
    for before, row in zip(mute, answered, strict=True):
        assert (before.latency_ns, before.rcode, before.responses) == (None, None, 0)
        assert (row.type, row.id) == (before.type, before.id)
        assert (row.pattern, row.first_frame, row.other_frame) == ("failover", before.frame, before.frame)
        assert WAIT_NS <= row.latency_ns <= entry["took_ns"]
        assert row.response_ns < SLACK_NS
    told = patterns("dns-waits")["failover"]
    assert told.example == entry["name"]
    waited = [row.time_ns - before.time_ns for before, row in zip(mute, answered, strict=True)]
    assert told.longest_ns >= max(waited) >= WAIT_NS
    assert [row.wait_ns for row in mute] == waited
    assert [row.wait_ns for row in answered] == [None, None]
    assert max(waited) <= told.wait_ns <= entry["took_ns"] + SLACK_NS  # A and AAAA waited together


def test_a_first_server_whose_port_is_closed() -> None:
    """It says so with ICMP: the next server is asked at once, with the same number by another port."""
    entry, found = waits()["first server closed"]
    closed, answered = found[:2], found[2:]
    assert entry["took_ns"] < SLACK_NS
    assert [(row.server, row.rcode, row.latency_ns) for row in closed] == [("10.41.0.10", None, None)] * 2
    assert [(row.server, row.rcode) for row in answered] == [("10.41.0.1", "NOERROR")] * 2
    for before, row in zip(closed, answered, strict=True):
        assert (row.type, row.id) == (before.type, before.id)
        assert row.time_ns - before.time_ns < SLACK_NS


def test_a_closed_port_leads_to_the_next_server() -> None:
    _, found = waits()["first server closed"]
    for before, row in zip(found[:2], found[2:], strict=True):
        assert (before.end, before.attempts) == ("retried", 1)
        assert (row.attempts, row.pattern, row.other_frame) == (2, "failover", before.frame)
        assert row.latency_ns == row.time_ns - before.time_ns + row.response_ns


def test_a_stub_that_asks_for_others() -> None:
    """Programs ask 127.0.0.53, which asks once and then knows."""
    found = rows("dns-stub")
    stub = [row for row in found if row.server == "127.0.0.53"]
    steps = truth("dns-stub")["getaddrinfo"]
    at = 0
    for step in steps:
        mine = stub[at : at + 2]
        at += 2
        assert [(row.name, row.type) for row in mine] == [(step["name"], "A"), (step["name"], "AAAA")]
        assert addresses_in(mine) == set(step["addresses"])
        assert (mine[0].rcode == "NXDOMAIN") == (step["error"] is not None)
        assert 0 <= step["took_ns"] - took_ns(mine) < SLACK_NS
        for row in mine:
            assert (row.end, row.attempts, row.edns_options) == ("answered", 1, None)
            assert row.edns_bytes is not None  # options edns0
    assert at == len(stub)
    # The second lookup of a name came out of the cache: nothing was asked of the server for it.
    known = [row for row in found if row.server != "127.0.0.53" and row.name == "www.lab.test"]
    assert [row.type for row in known] == ["A", "AAAA"]
    for row in known:
        outer = next(one for one in stub if (one.name, one.type) == (row.name, row.type))
        assert outer.frame < row.frame < row.response_frame < outer.response_frame
        assert outer.latency_ns > row.latency_ns
    # dnsmasq, however, is asked twice for what does not exist.
    twice = [row for row in found if row.server == "10.45.0.1" and row.name == "nothing.lab.test"]
    assert [row.note for row in twice] == [None, "asked again after it was answered"] * 2


def test_names_that_hosts_on_the_link_know() -> None:
    """LLMNR: one name is answered by its host, the other by nobody."""
    peer, nobody = [row for row in rows("dns-stub") if row.protocol == "llmnr"]
    steps = {step["name"]: step for step in truth("dns-stub")["getaddrinfo"]}
    assert (peer.name, peer.type, peer.server, peer.rcode) == ("peer", "A", "10.45.0.1", "NOERROR")
    assert peer.answer == steps["peer"]["addresses"][0]
    assert (peer.server_port, peer.end, peer.attempts) == (5355, "answered", 1)
    assert (nobody.name, nobody.type, nobody.server, nobody.rcode) == ("nobody", "A", "224.0.0.252", None)
    assert (nobody.attempts, nobody.answer, nobody.responses) == (3, None, 0)
    assert steps["nobody"]["error"] is not None


def test_names_in_multicast_dns() -> None:
    found, logged = rows("mdns-avahi"), truth("mdns-avahi")
    asks, web = logged["hosts"]["asks"], logged["hosts"]["web"]
    assert {row.protocol for row in found} == {"mdns"}
    lookups_ = [row for row in found if row.type == "A" and row.frame is not None]
    # The second lookup of web.local came out of avahi's cache.
    assert [row.name for row in lookups_] == ["web.local", "nobody.local"]
    known, unknown = lookups_
    cached = logged["getaddrinfo"][1]
    assert (known.client, known.server, known.answer) == (asks, web, web)
    assert [known.answer] == logged["getaddrinfo"][0]["addresses"] == cached["addresses"]
    assert known.latency_ns <= logged["getaddrinfo"][0]["took_ns"]
    assert cached["took_ns"] < 10**6
    assert (known.end, known.attempts, known.responses, known.rcode) == ("answered", 1, 1, "NOERROR")
    assert (unknown.server, unknown.answer, unknown.attempts) == ("224.0.0.251", None, 3)
    assert logged["getaddrinfo"][2]["addresses"] == []
    # Each host asks three times whether its name is free (RFC 6762 section 8.1) and says then that it has it.
    for host, address, name in (("asks", asks, "asks.local"), ("web", web, "web.local")):
        reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
        probes = [
            row
            for row in found
            if row.type == "ANY" and row.client == address and row.name in {name, reverse}
        ]
        assert {row.name for row in probes} == {name, reverse}, host
        assert [(row.attempts, row.questions, row.responses) for row in probes] == [(3, 2, 0)] * 2
        announced = [row for row in found if row.end == "announced" and row.server == address]
        assert announced[0].response_frame > probes[0].frame
        own = [row.answer for row in announced if row.name == reverse]
        assert f"{name}, {address}" in own
        assert all(row.latency_ns is None and row.attempts is None for row in announced)
    assert not tables("mdns-avahi")["dns_patterns"]


def test_netbios_names() -> None:
    """What nmblookup asked for and found, and the names that nmbd said were its own."""
    logged = truth("netbios")["nmblookup"]
    found = rows("netbios")
    assert {row.protocol for row in found} == {"nbns"}
    asked = [row for row in found if row.client == "10.46.0.2"]
    assert len(asked) == len(logged)
    for entry, row in zip(logged, asked, strict=True):
        words = entry["nmblookup"]
        status = words[0] == "-A"
        server = words[-1] if status else words[0].split("=")[1]
        assert row.name == ("*<00>" if status else f"{words[1]}<00>")
        assert row.type == ("NBSTAT" if status else "NB")
        assert (row.opcode, row.attempts, row.server_port) == ("query", 1, 137)
        assert ("B" in (row.query_flags or "").split()) == words[0].startswith("--broadcast")
        if entry["failed"]:
            assert (row.server, row.rcode, row.answer) == (server, None, None)
            continue
        assert (row.server, row.rcode, row.end, row.answers) == ("10.46.0.1", "NOERROR", "answered", 1)
        if not status:
            assert row.answer == ", ".join(entry["addresses"])
    said = asked[-1].answer
    assert said == "FILES<00>, FILES<03>, FILES<20>, LAB<00> group, LAB<1e> group"
    registered = [row for row in found if row.opcode == "registration"]
    assert [row.name for row in registered] == ["FILES<20>", "FILES<03>", "FILES<00>", "LAB<00>", "LAB<1e>"]
    for row in registered:
        assert (row.client, row.server, row.attempts, row.responses) == ("10.46.0.1", "10.46.0.255", 4, 0)
    assert not tables("netbios")["dns_patterns"]
