"""The rules that stand in ``identify_kernel``'s docstring, one after the other, and the bookkeeping."""

from __future__ import annotations

import numpy as np
import pytest
from app_streams import ACK, ANY_PORT, CLIENT, FIRST_SEQ, SERVER, SYN, Row, make_packets, name_of, talk

from netanalyze.apps.codes import TCP, UDP, Confidence
from netanalyze.apps.identify import Identifier
from netanalyze.errors import UsageError
from netanalyze.wire.packets import CARRIER, DAMAGED, QUOTED

GET = b"GET / HTTP/1.1\r\n\r\n"
NOISE = bytes(range(0x80, 0xD0))


def one_way(*payloads: bytes) -> list[tuple[int, bytes]]:
    return [(CLIENT, payload) for payload in payloads]


def test_no_payload_no_name() -> None:
    assert name_of(talk(TCP, [], port=80)).name == ""
    assert name_of([Row(b"", transport=UDP, server_port=53)]).name == ""


def test_the_user_decides_whatever_the_bytes_are() -> None:
    decode_as = {("tcp", 9000): "http", ("udp", 9000): "dns"}
    named = name_of(talk(TCP, one_way(NOISE), port=9000), decode_as)
    assert (named.name, named.confidence) == ("http", Confidence.FORCED)
    assert name_of(talk(TCP, one_way(b"SSH-2.0-x\r\n"), port=9000), decode_as).name == "http"
    assert name_of(talk(UDP, one_way(NOISE), port=9000), decode_as).name == "dns"
    assert name_of(talk(TCP, one_way(NOISE), port=5, client_port=9000), decode_as).name == "http"
    assert name_of(talk(TCP, [], port=9000), decode_as).name == ""
    assert name_of(talk(TCP, one_way(NOISE), port=9001), decode_as).name == ""


@pytest.mark.parametrize(
    ("key", "name", "words"),
    [
        (("tcp", 80), "gopher", "gopher"),
        (("tcp", 80), "dhcp", "known over tcp"),
        (("sctp", 80), "http", "give tcp or udp"),
        (("tcp", 65536), "http", "65536"),
        (("tcp", -1), "http", "-1"),
        (("tcp", 80), "", "''"),
    ],
)
def test_decisions_that_make_no_sense(key: tuple[str, int], name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Identifier({key: name})


def test_content_wins_over_port() -> None:
    named = name_of(talk(TCP, one_way(b"SSH-2.0-x\r\n"), port=80))
    assert (named.name, named.confidence) == ("ssh", Confidence.CONTENT)


def test_a_beginning_that_contradicts_the_port_leaves_no_name() -> None:
    for port in (22, 80, 443, 3306, 9092):
        named = name_of(talk(TCP, one_way(NOISE), port=port))
        assert (named.name, named.confidence) == ("", Confidence.NONE)
    assert name_of(talk(UDP, one_way(NOISE) * 9, port=53)).name == ""


def test_a_protocol_without_signs_goes_by_its_port() -> None:
    named = name_of(talk(TCP, one_way(b"l"), port=23))
    assert (named.name, named.confidence) == ("telnet", Confidence.PORT)
    # The server of active FTP opens the connection, from port 20.
    assert name_of(talk(TCP, one_way(b"data"), port=40000, client_port=20)).name == "ftp-data"


def test_the_clients_port_suggests_nothing_unless_it_is_well_known() -> None:
    cut = [row._replace(wire_bytes=500) for row in talk(TCP, one_way(NOISE[:9]), client_port=3306)]
    assert name_of(cut).name == ""


def test_seen_from_the_middle_the_port_may_tell() -> None:
    for rows in (
        talk(TCP, one_way(NOISE), port=443, handshake=False),
        talk(TCP, [(SERVER, NOISE)], port=443, handshake=False),
    ):
        named = name_of(rows)
        assert (named.name, named.confidence) == ("tls", Confidence.PORT)
    # Who opened the connection is unknown: the lower port is the server's.
    assert name_of(talk(TCP, one_way(NOISE), port=3306, client_port=80, handshake=False)).name == "http"


def test_a_byte_that_may_be_a_keep_alive_tells_nothing() -> None:
    rows = talk(TCP, one_way(b"\0"), port=22, handshake=False)
    assert name_of(rows).name == ""
    assert name_of([*rows, Row(NOISE, server_port=22, seq=99)]).name == "ssh"


def test_a_name_by_port_gives_way_to_content() -> None:
    rows = talk(TCP, [*one_way(NOISE), (SERVER, b"HTTP/1.1 200 OK\r\n")], port=443, handshake=False)
    assert name_of(rows[:1]).name == "tls"
    named = name_of(rows)
    assert (named.name, named.confidence) == ("http", Confidence.CONTENT)


def test_a_name_by_content_stays() -> None:
    assert name_of(talk(TCP, [*one_way(GET), (SERVER, b"SSH-2.0-x\r\n")])).name == "http"


def test_bytes_that_were_not_captured_leave_the_port() -> None:
    for transport, port, name in ((TCP, 80, "http"), (UDP, 53, "dns")):
        rows = talk(transport, one_way(b"\x80" * 5), port=port)
        assert name_of(rows).name == ""
        cut = [row._replace(wire_bytes=100 if row.payload else 0) for row in rows]
        named = name_of(cut)
        assert (named.name, named.confidence) == (name, Confidence.PORT)
        none = [row._replace(payload=b"") for row in cut]
        assert name_of(none).name == name
    # More than what is looked at was captured: nothing is missing.
    long = [row._replace(wire_bytes=9000) for row in talk(UDP, one_way(NOISE), port=53)]
    assert name_of(long).name == ""


def test_a_missing_beginning_leaves_the_port_and_the_segments() -> None:
    rows = talk(TCP, one_way(NOISE, NOISE, GET), port=22)
    del rows[2]
    assert name_of(rows[:3]).name == "ssh"
    assert name_of(rows).name == "http"


def test_segments_out_of_order() -> None:
    rows = talk(TCP, one_way(b"SS", b"H-", b"2.0-x\r\n"))
    rows[2], rows[3] = rows[3], rows[2]
    assert name_of(rows).name == ""  # what came late is not waited for
    assert name_of([*rows, *rows[2:]]).name == "ssh"  # until it is sent again


def test_retransmissions_and_overlaps_add_nothing() -> None:
    syn, syn_ack, first, second = talk(TCP, one_way(b"SSH-2", b".0-x\r\n"))
    both = first._replace(payload=b"SSH-2.0-x\r\n")
    keep_alive = first._replace(payload=b"S", seq=first.seq - 1)
    assert name_of([syn, syn_ack, keep_alive, first, first, keep_alive, second]).name == "ssh"
    assert name_of([syn, syn_ack, first, both]).name == "ssh"
    assert name_of([syn, syn_ack, first, second._replace(duplicate=1)]).name == ""


def test_data_on_the_syn_counts() -> None:
    syn = Row(GET[:5], flags=SYN, seq=7)
    rest = Row(GET[5:], seq=7 + 1 + 5)
    assert name_of([syn, rest]).name == "http"
    # A server that did not take the data gets it again.
    assert name_of([syn, Row(GET, seq=8)]).name == "http"


def test_the_syn_ack_alone_tells_both_beginnings() -> None:
    rows = talk(TCP, [*one_way(b"SSH", b"-2.0-x"), (SERVER, b"x")])[1:]
    swapped = [row._replace(side=1 - row.side) for row in rows]  # the flow begins with the server then
    assert name_of([row._replace(server_port=54321, client_port=ANY_PORT) for row in swapped]).name == "ssh"


def test_who_sends_matters_where_it_is_known() -> None:
    greeting = b"* OK ready\r\n"
    assert name_of(talk(TCP, [(SERVER, greeting)])).name == "imap"
    assert name_of(talk(TCP, [(CLIENT, greeting)])).name == ""
    assert name_of(talk(TCP, [(CLIENT, greeting)], handshake=False)).name == "imap"


def test_one_format_three_names() -> None:
    query = b"\0\0\0\0\0\1\0\0\0\0\0\0\4host\5local\0\0\1\0\1"
    names = {port: name_of(talk(UDP, one_way(query), port=port)).name for port in (53, 5353, 5355, 137, 99)}
    assert names == {53: "dns", 5353: "mdns", 5355: "llmnr", 137: "nbns", 99: "dns"}
    assert name_of(talk(UDP, one_way(query), port=53, client_port=5353)).name == "dns"


def test_only_the_first_payloads_are_looked_at() -> None:
    assert name_of(talk(UDP, one_way(*[NOISE] * 5, b"SIP/2.0 200 OK\r\n"))).name == "sip"
    assert name_of(talk(UDP, one_way(*[NOISE] * 6, b"SIP/2.0 200 OK\r\n"))).name == ""
    assert name_of(talk(TCP, one_way(NOISE, GET))).name == ""
    assert name_of(talk(TCP, one_way(b"x" * 10, GET))).name == ""
    # The other direction has its own.
    late = [*one_way(*[NOISE] * 6), (SERVER, b"SIP/2.0 200 OK\r\n")]
    assert name_of(talk(UDP, late)).name == "sip"


def test_quoted_and_damaged_packets_are_not_looked_at() -> None:
    for role in (QUOTED, DAMAGED):
        named = name_of([Row(GET, role=role)])
        assert (named.name, named.apps) == ("", [0])


def test_a_tunnel_s_datagrams_are_looked_at() -> None:
    assert name_of([Row(GET, role=CARRIER)]).name == "http"


def test_bytes_of_reassembled_packets() -> None:
    assert name_of([Row(GET, source=1), Row(b"", source=1)]).name == "http"


def test_packets_get_the_code_known_by_then() -> None:
    rows = talk(TCP, [(SERVER, b"HT"), (SERVER, b"TP/1.1 200 OK\r\n"), (CLIENT, b""), (SERVER, b"x")])
    identifier = Identifier()
    http = identifier.names.index("http")
    named = name_of([*rows, rows[-1]._replace(duplicate=1)], batch=2)
    assert named.apps == [0, 0, 0, http, 0, http, http]


def test_without_streams() -> None:
    identifier = Identifier()
    packets, data = make_packets([])
    identifier.feed(packets, data)
    assert identifier.tcp_apps()[0].tolist() == []
    assert identifier.udp_confidences().tolist() == []
    packets, data = make_packets([Row(GET, stream=-1), Row(GET, stream=2)])
    packets.arrays["protocol"][0] = 1
    app = np.full(2, 7, np.int16)
    identifier.feed(packets, data, memoryview(app))
    codes, names = identifier.tcp_apps()
    assert names[0] == ""
    assert [names[code] for code in codes] == ["", "", "http"]
    assert app.tolist() == [0, codes[2]]
    assert identifier.tcp_confidences().tolist() == [0, 0, Confidence.CONTENT]


@pytest.mark.parametrize("transport", [TCP, UDP])
def test_many_streams_at_once(transport: str) -> None:
    """More than there is room for at first, all of them undecided over several batches."""
    identifier = Identifier()
    streams = 5000
    parts = [b"SIP/2.", b"0 200 OK\r\n"] if transport == TCP else [NOISE, b"SIP/2.0 200 OK\r\n"]
    ends = {"transport": transport, "flags": ACK}
    for number, part in enumerate(parts):
        rows = []
        for stream in range(streams):
            if number == 0 and transport == TCP:
                rows.append(Row(b"", stream=stream, transport=TCP, flags=SYN, seq=FIRST_SEQ[0]))
            seq = FIRST_SEQ[0] + 1 + (len(parts[0]) if number else 0)
            rows.append(Row(part, stream=stream, seq=seq, **ends))
        packets, data = make_packets(rows)
        identifier.feed(packets, data)
    codes, names = identifier.tcp_apps() if transport == TCP else identifier.udp_apps()
    assert len(codes) == streams
    assert {names[code] for code in codes} == {"sip"}


def test_places_for_first_bytes_are_used_again() -> None:
    identifier = Identifier()
    for stream in range(3000):
        packets, data = make_packets(
            talk(TCP, one_way(*(bytes((byte,)) for byte in b"SSH-2.0")), stream=stream)
        )
        identifier.feed(packets, data)
    codes, names = identifier.tcp_apps()
    assert {names[code] for code in codes} == {"ssh"}
    assert identifier._tcp.streams.free_heads() < 100


def test_streams_that_are_let_go_of() -> None:
    """Those that are left keep their names, or what is known of them yet; places are used again."""
    identifier = Identifier()

    def begin(streams: range, payload: bytes = GET[:2]) -> None:
        opened = [Row(b"", stream=stream, flags=SYN, seq=FIRST_SEQ[CLIENT]) for stream in streams]
        identifier.feed(*make_packets(opened))
        go_on(streams, payload, 0)

    def go_on(streams: range, payload: bytes, at: int) -> None:
        seq = FIRST_SEQ[CLIENT] + 1 + at
        identifier.feed(*make_packets([Row(payload, stream=stream, seq=seq) for stream in streams]))

    def names() -> list[str]:
        return [identifier.names[code] for code in identifier.tcp_apps()[0]]

    begin(range(40))
    places = set()
    for _ in range(20):
        go_on(range(0, 40, 4), GET[2:], 2)
        assert names() == ["http", "", "", ""] * 10
        identifier.keep_tcp(np.arange(0, 40, 2))
        assert names() == ["http", ""] * 10
        begin(range(20, 40), b"SS")
        go_on(range(1, 20, 2), GET[2:], 2)
        assert names() == ["http"] * 20 + [""] * 20
        identifier.keep_tcp(np.zeros(0, np.int64))
        assert names() == []
        begin(range(40))
        places.add(identifier._tcp._free.size)
    assert len(places) == 1
