"""The command ``follow --udp``, and DNS in words."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from crafting import DST, SRC, ethernet_of, ip4, udp
from frames import Frame, write_pcapng
from hypothesis import given
from hypothesis import strategies as st
from test_follow import CAPTURES, KEEPALIVE, SAMPLES, run, said

import netanalyze

DNS = str(CAPTURES / "dns-edns.pcap")
EXCHANGE = str(CAPTURES / "udp-exchange.pcap")
MALFORMED = Path(
    os.environ.get("NETANALYZE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"), "malformed"
)


def capture(folder: Path, *payloads: bytes, port: int = 53, cut: int | None = None) -> str:
    frames = [
        Frame(ethernet_of(ip4(udp(payload, 40000, port), 17, SRC, DST, ident=number)), time_ns=number)
        for number, payload in enumerate(payloads, 1)
    ]
    path = folder / "made.pcapng"
    write_pcapng(path, [frame if cut is None else frame.cut(cut) for frame in frames])
    return str(path)


def test_dns_over_udp() -> None:
    assert said(DNS, "0", "--udp").startswith(
        "UDP flow 0: 10.43.0.2:50953 → 10.43.0.1:53, dns, from 2026-11-25 09:17:39.029 UTC\n"
        "\n"
        "client → server, frame 1, 0 s, 30 bytes\n"
        ";; opcode QUERY, status NOERROR, id 52572; flags: rd ad;"
        " QUERY 1, ANSWER 0, AUTHORITY 0, ADDITIONAL 0\n"
        ";; QUESTION\n"
        ";www.lab.test.  IN A\n"
        "\n"
        "server → client, frame 2, 183 µs, 79 bytes\n"
    )


def test_dns_over_tcp_is_the_same_with_a_length() -> None:
    text = said(DNS, "0")
    assert text.startswith("TCP stream 0: 10.43.0.2:34545 → 10.43.0.1:53, dns")
    assert "\nclient → server, frame 52, 106 µs, 34 bytes\n;; opcode QUERY" in text
    assert "\n;large.lab.test.  IN TXT\n" in text
    assert "\n00000000  00 20 f9 7d" in said(DNS, "0", "--as-sent")
    assert said(DNS, "0", "--hex") == text  # the words are not what was sent


def test_bytes_of_datagrams() -> None:
    assert "\n00000000  cd 5c 01 20" in said(DNS, "0", "--udp", "--as-sent")
    status, out, err = run(DNS, "0", "--udp", "--raw", "--side", "client")
    assert (status, len(out), err) == (0, 30, "")


def test_each_datagram_is_a_turn(tmp_path: Path) -> None:
    path = capture(tmp_path, b"one\n", b"", b"two\n", port=9)
    text = said(path, "0", "--udp")
    assert text.partition("\n\n")[2] == (
        "client → server, frame 1, 0 s, 4 bytes\none\n\n"
        "client → server, frame 2, 1 ns, 0 bytes\n\n"
        "client → server, frame 3, 2 ns, 4 bytes\ntwo\n"
    )
    found = json.loads(said(path, "0", "--udp", "--format", "json"))
    assert (found["transport"], found["flow"], "stream" in found) == ("udp", 0, False)
    assert [turn["text"] for turn in found["turns"]] == ["one\n", "", "two\n"]
    assert [turn["first_frame"] for turn in found["turns"]] == [1, 2, 3]


def test_datagrams_that_were_not_captured_whole(tmp_path: Path) -> None:
    assert said(capture(tmp_path, b"x" * 100, port=9, cut=62), "0", "--udp").endswith(
        "client → server, frame 1, 0 s, 20 bytes\n" + "x" * 20 + "\n[80 bytes missing]\n"
    )
    query = bytes.fromhex("123401000001000000000000") + b"\x07example\x00\x00\x01\x00\x01"
    assert ";; cut short: 20 of 25 bytes were captured\n" in said(
        capture(tmp_path, query, cut=62), "0", "--udp"
    )


def test_every_flow_has_all_its_datagrams() -> None:
    for sample in SAMPLES[::4]:
        for flow in list(netanalyze.analyze(str(sample), reports=["udp"])["udp"])[:3]:
            found = json.loads(said(str(sample), str(flow.flow), "--udp", "--as-sent", "--format", "json"))
            assert found["client"] == flow.client
            for side in ("client", "server"):
                sizes = [turn["wire_bytes"] for turn in found["turns"] if turn["sender"] == side]
                assert sum(sizes) == getattr(flow, f"{side}_bytes"), sample


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (EXCHANGE, "no UDP flow 99; there are 0 to 0"),
        (KEEPALIVE, "no UDP flow 99: there is none in the capture"),
    ],
)
def test_there_is_no_such_flow(file: str, message: str) -> None:
    status, out, err = run(file, "99", "--udp")
    assert (status, out) == (2, b"")
    assert message in err or "no UDP flow 99; there are" in err


@given(st.lists(st.binary(max_size=120), min_size=1, max_size=6), st.sampled_from([53, 5353, 5355, 137, 9]))
def test_random_datagrams(payloads: list[bytes], port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = capture(Path(folder), *payloads, port=port)
        text = said(path, "0", "--udp")
        assert text.count("\nclient → server, frame ") + text.count("\nserver → client, frame ") == len(
            payloads
        )
        json.loads(said(path, "0", "--udp", "--format", "json"))


@pytest.mark.skipif(not MALFORMED.is_dir(), reason="the corpus is not here")
def test_hostile_messages_are_lines() -> None:
    for path in sorted(MALFORMED.glob("*dns*")):
        report = netanalyze.analyze(str(path), reports=["udp", "streams"])
        for row in list(report["udp"])[:5]:
            assert said_anyhow(str(path), str(row.flow), "--udp").startswith("UDP flow ")
        for row in list(report["streams"])[:5]:
            assert said_anyhow(str(path), str(row.stream)).startswith("TCP stream ")


def said_anyhow(*arguments: str) -> str:
    status, out, _ = run(*arguments)
    assert status == 0
    return out.decode()
