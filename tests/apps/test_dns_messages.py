"""Names, records and EDNS as dnspython has them, whatever the bytes are; both kinds of kernel agree."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import dns.edns
import dns.exception
import dns.message
import dns.name
import numpy as np
import pytest
from dns_talk import CLIENT, SERVER, Talk, framed, picked, question, reply
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.queries import Queries
from netanalyze.apps.dns.statistics import EXACT, Latencies, bins_of, middle_of
from netanalyze.apps.dns.stream import begins_message
from netanalyze.apps.reading import Datagrams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read(*messages: bytes, protocol: int = 0, wire: Sequence[int] | None = None) -> Queries:
    """Messages, each in a datagram of its own from one port."""
    found = Datagrams(len(messages))
    found.count = len(messages)
    found.arena = memoryview(b"".join(messages))
    at = 0
    for place, message in enumerate(messages):
        values = {
            "frame": place + 1, "time_ns": place, "source": 1, "offset": at, "captured": len(message),
            "wire": len(message) if wire is None else wire[place], "version": 4, "src_lo": 1, "dst_lo": 2,
            "sport": 40000, "dport": 53, "protocol": protocol,
        }  # fmt: skip
        for name, value in values.items():
            found.views[name][place] = value
        at += len(message)
    queries = Queries(want_addresses=True)
    queries.take(found)
    return queries


def header(flags: int = 0, *counts: int) -> bytes:
    return struct.pack(">6H", 7, flags, *(counts or (1, 0, 0, 0)))


def asked(queries: Queries, row: int = 0) -> str | None:
    return queries.texts.text(int(queries.rows().number(fields.NAME)[row]))


def problem(queries: Queries) -> str | None:
    return fields.PROBLEMS[int(queries.rows().number(fields.PROBLEM)[0])]


label = st.binary(min_size=1, max_size=63)


@given(st.lists(label, max_size=6))
def test_names_are_written_as_dnspython_writes_them(labels: list[bytes]) -> None:
    try:
        name = dns.name.Name([*labels, b""])
    except dns.name.NameTooLong:
        return
    queries = read(header() + name.to_wire() + b"\0\1\0\1")
    assert asked(queries) == name.to_text(omit_final_dot=True) or not labels
    assert (asked(queries) or "").isascii()
    assert (asked(queries) or "").isprintable()
    assert problem(queries) is None
    folded = int(queries.rows().number(fields.NAME_FOLDED)[0])
    assert queries.texts.text(folded) == (asked(queries) or "").lower()


parts = st.one_of(
    label.map(lambda text: bytes([len(text)]) + text),
    st.just(b"\0"),
    st.integers(0, 80).map(lambda to: struct.pack(">H", 0xC000 | to)),
    st.binary(min_size=1, max_size=2),
)


@given(st.lists(parts, max_size=8), st.integers(0, 60))
def test_names_with_pointers_are_read_as_dnspython_reads_them(body: list[bytes], to: int) -> None:
    """The name is the target of an alias behind the question; what dnspython refuses is no name here."""
    before = header(0x8000, 1, 1, 0, 0) + b"\1a\2bc\0\0\5\0\1"
    data = b"".join(body) + struct.pack(">H", 0xC000 | to)
    message = before + b"\xc0\x0c\0\5\0\1\0\0\0\5" + struct.pack(">H", len(data)) + data
    try:
        name, used = dns.name.from_wire(message, len(message) - len(data))
    except dns.exception.DNSException:
        name, used = None, 0
    queries = read(message)
    text = queries.texts.text(int(queries.rows().number(fields.ANSWER_TEXT)[0])) or ""
    if name is not None and used == len(data):
        assert text == (name.to_text(omit_final_dot=True) if len(name) > 1 else ".")
    else:
        assert text.startswith("\\# ")


@given(st.lists(st.binary(max_size=120), max_size=6), st.integers(0, 3))
def test_anything_at_all(messages: list[bytes], protocol: int) -> None:
    queries = read(*messages, protocol=protocol) if messages else Queries()
    rows = queries.rows()
    names = queries.texts.words(np.concatenate([rows.number(fields.NAME), rows.number(fields.ANSWER_TEXT)]))
    assert all(name is None or (name.isascii() and name.isprintable()) for name in names)


@given(st.data())
def test_damaged_answers(data: st.DataObject) -> None:
    """One or more bytes of an answer are others."""
    whole = bytearray(
        reply(
            question("www.example.org", "ANY", use_edns=0),
            "www.example.org. 60 IN CNAME a.example.org.",
            "a.example.org. 60 IN MX 10 mail.example.org.",
            'a.example.org. 60 IN TXT "x" "y"',
            "a.example.org. 60 IN SOA ns.example.org. root.example.org. 1 2 3 4 5",
            "a.example.org. 60 IN HTTPS 1 . alpn=h2",
        )
    )
    for place in data.draw(st.lists(st.integers(2, len(whole) - 1), min_size=1, max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))
    whole = whole[: data.draw(st.integers(0, len(whole)))]
    test_anything_at_all.hypothesis.inner_test([bytes(whole)], data.draw(st.integers(0, 3)))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"\xc0\x0c", "pointer"),  # to itself
        (b"\1a\xc0\x0c", "pointer"),  # in a circle
        (b"\xc0\xff", "pointer"),  # forwards
        (b"\x40a\0", "reserved type"),
        (b"\x80a\0", "reserved type"),
        (b"\x3fa\0", "ends outside"),
        (b"\1a", "ends outside"),
        ((b"\x3f" + b"a" * 63) * 4 + b"\0", "255 bytes"),
    ],
)
def test_bad_names(name: bytes, said: str) -> None:
    assert said in (problem(read(header() + name + b"\0\1\0\1")) or "")


A_QUESTION = b"\1a\0\0\1\0\1"
A_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\5"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"\0\7\1", "shorter than a header"),
        (header(0, 2, 0, 0, 0) + b"\1a\0\0\1\0\1", "fewer records"),
        (header(0x8000, 1, 3, 0, 0) + A_QUESTION + A_RECORD + b"\0\4\1\2\3\4", "fewer records"),
        (header(0x8000, 1, 1, 0, 0) + A_QUESTION + A_RECORD + b"\0\x40\1\2\3\4", "a record that"),
        (header() + b"\1a\0\0\1\0\1xx", "after the last record"),
    ],
)  # fmt: skip
def test_other_damage(message: bytes, said: str) -> None:
    assert said in (problem(read(message)) or "")


def test_what_the_capture_cut_off_is_no_damage() -> None:
    whole = question("www.example.org")
    assert problem(read(whole[:20], wire=[len(whole)])) == "cut off by the capture"


RECORDS = [
    ("AAAA", "2001:db8::1:0:1", "2001:db8::1:0:1"),
    ("AAAA", "::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ("AAAA", "::", "::"),
    ("AAAA", "1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
    ("NS", "ns.example.org.", "ns.example.org"),
    ("PTR", r"a\.b.example.org.", r"a\.b.example.org"),
    ("MX", "10 mail.example.org.", "10 mail.example.org."),
    ("SOA", "ns.x. root.x. 1 2 3 4 5", "ns.x. root.x. 1 2 3 4 5"),
    ("TXT", r'"a;b" "\027[31m"', r'"a;b" "\027[31m"'),
    ("SRV", "1 2 389 host.x.", "1 2 389 host.x."),
    ("CAA", '0 issue "ca.example"', '0 issue "ca.example"'),
    ("HTTPS", "1 . alpn=h2 ipv4hint=192.0.2.1", '1 . alpn="h2" ipv4hint="192.0.2.1"'),
    ("DS", "1 8 2 " + "ab" * 32, "1 8 2 " + "ab" * 32),
    ("NSEC", "b.x. A RRSIG", "b.x. A RRSIG"),
    ("TYPE65280", r"\# 3 010203", r"\# 3 010203"),
]


@pytest.mark.parametrize(("kind", "data", "text"), RECORDS)
def test_records_in_words(tmp_path: Path, kind: str, data: str, text: str) -> None:
    talk, query = Talk(), question("example.org", kind)
    talk.ask(0, query)
    talk.answer(0, reply(query, f"example.org. 60 IN {kind} {data}"))
    assert picked(talk.rows(tmp_path), "type", "answer") == [(kind, text)]


@given(st.binary(min_size=16, max_size=16))
def test_addresses_as_the_system_writes_them(packed: bytes) -> None:
    import socket  # noqa: PLC0415

    body = b"\1a\0\0\x1c\0\1" + b"\xc0\x0c\0\x1c\0\1\0\0\0\5\0\x10" + packed
    queries = read(header(0x8000, 1, 1, 0, 0) + body)
    text = queries.texts.text(int(queries.rows().number(fields.ANSWER_TEXT)[0]))
    if not packed.startswith(bytes(8)):
        assert text == socket.inet_ntop(socket.AF_INET6, packed)


def test_edns(tmp_path: Path) -> None:
    options = [
        dns.edns.ECSOption("192.0.2.0", 24),
        dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"\1" * 8),
    ]
    query = question("example.org", use_edns=0, payload=1232, want_dnssec=True, options=options)
    made = dns.message.from_wire(reply(query))
    made.use_edns(0, 0x8000, 4096, options=[dns.edns.EDEOption(dns.edns.EDECode.PROHIBITED, "no\x1b[2J")])
    made.set_rcode(23)
    talk = Talk()
    talk.ask(0, query)
    talk.answer(0, made.to_wire())
    row = talk.rows(tmp_path)[0]
    assert (row["edns_bytes"], row["dnssec_ok"], row["server_edns_bytes"]) == (1232, True, 4096)
    assert "192.0.2.0/24" in row["edns_options"]
    assert "01" * 8 in row["edns_options"].replace(" ", "")
    assert "Prohibited" in row["extended_error"].title()
    assert "\x1b" not in row["extended_error"]
    assert row["rcode"] == "BADCOOKIE"


def test_netbios_names() -> None:
    name = b"".join(bytes([65 + (byte >> 4), 65 + (byte & 15)]) for byte in b"FRED           \x20")
    queries = read(header(0x0110) + b"\x20" + name + b"\0" + b"\0\x20\0\1", protocol=fields.NBNS)
    assert asked(queries) == "FRED<20>"
    answer = header(0x8500, 0, 1, 0, 0) + b"\x20" + name + b"\0" + b"\0\x20\0\1\0\0\0\5\0\6\0\0\x0a\0\0\7"
    queries = read(answer, protocol=fields.NBNS)
    assert asked(queries) == "FRED<20>"
    assert queries.texts.text(int(queries.rows().number(fields.ANSWER_TEXT)[0])) == "10.0.0.7"


def test_addresses_of_answers(tmp_path: Path) -> None:
    del tmp_path
    query = question("WWW.example.org")
    made = reply(query, "www.example.org. 300 IN CNAME a.example.net.", "a.example.net. 60 IN A 192.0.2.1")
    answers = read(query, made).answers()
    assert answers.count == 1
    address = np.array([0xC0000201], np.uint64)
    one = np.array([0], np.uint64)
    index = answers.find(one, address, np.array([4]), np.array([10]), one, np.array([2], np.uint64))
    assert answers.names(index) == ["www.example.org"]
    assert answers.chains(index) == ["a.example.net"]
    assert (answers.ttl_s[index[0]], answers.frame[index[0]]) == (60, 2)
    assert answers.find(one, address, np.array([4]), np.array([0]), one, one).tolist() == [-1]
    assert answers.names(np.array([-1])) == [None]


def test_a_stream_goes_on_after_a_gap(tmp_path: Path) -> None:
    talk = Talk()
    talk.connect(0)
    one, two = question("a.example", number=1), question("b.example", number=2)
    talk.segment(1, query=True, payload=framed(one))
    talk.segment(1, query=False, payload=framed(reply(one)))
    talk._next[CLIENT, 50000, SERVER, 53] += 100  # which were not captured
    talk.segment(2, query=True, payload=framed(two))
    talk.segment(2, query=False, payload=framed(reply(two)))
    rows = talk.rows(tmp_path)
    assert picked(rows, "name", "end") == [("a.example", "answered"), ("b.example", "answered")]


@given(st.binary(max_size=40))
def test_what_begins_a_message(data: bytes) -> None:
    begins_message(memoryview(data))
    assert begins_message(memoryview(framed(question("a.example")) + data))


@given(st.lists(st.integers(0, 1 << 62), min_size=1, max_size=50))
def test_ranges_of_latencies(values: list[int]) -> None:
    for value, place in zip(values, bins_of(np.array(values)).tolist(), strict=True):
        assert abs(middle_of(place) - value) <= value / 128


def test_percentiles_of_many() -> None:
    latencies = Latencies()
    latencies.add(np.arange(EXACT))
    assert latencies.percentile(50) == EXACT // 2 - 1
    latencies.add(np.arange(EXACT, 100_000))
    assert abs((latencies.percentile(99) or 0) - 99_000) < 800
    assert latencies.percentile(100) == 99_999


def test_both_kinds_of_kernel_agree(tmp_path: Path) -> None:
    talk = Talk()
    for place, (kind, data, _) in enumerate(RECORDS):
        query = question(f"Host{place}.example.org", kind, place, use_edns=0)
        talk.ask(place, query)
        talk.answer(place + 0.1, reply(query, f"Host{place}.example.org. 60 IN {kind} {data}"))
    talk.ask(90, header() + b"\xc0\x0c\0\1\0\1")
    file = talk.write(tmp_path / "talk.pcap")
    found: list[Any] = []
    for kernel in ("compiled", "interpreted"):
        command = [
            sys.executable,
            "-m",
            "netanalyze",
            "analyze",
            "-r",
            "dns",
            "-r",
            "dns_servers",
            "-r",
            "dns_names",
        ]
        done = subprocess.run(  # noqa: S603 - our own program
            [*command, "--format", "json", str(file)],
            env={**os.environ, "NETANALYZE_KERNEL": kernel}, capture_output=True, check=True,
        )  # fmt: skip
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert len(found[0]["dns"]) == len(RECORDS) + 1
