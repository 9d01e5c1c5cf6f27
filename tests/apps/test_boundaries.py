"""Messages of whole captures: against what programs logged, HTTP cut anywhere, protocols of the corpus."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from http_play import chunked, get, ok
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps.boundaries import stage
from netanalyze.apps.boundaries.http import HttpHalf, HttpMessages
from netanalyze.apps.reading import Ending, StreamFacts
from netanalyze.errors import UsageError
from netanalyze.pipeline import Options, run
from netanalyze.tcp.segments import Segments
from netanalyze.tcp.writes import layout_fields
from netanalyze.tcp.writes.layout import Layout

if TYPE_CHECKING:
    from netanalyze.report.report import Report

CAPTURES = Path(__file__).parent.parent.parent / "captures"
CLIENT, SERVER = 0, 1


def analysed(path: Path, *framings: str, streams: tuple[int, ...] = ()) -> Report:
    return run([str(path)], Options(("writes", "messages", "streams"), framings=framings, streams=streams))


@pytest.mark.parametrize("framing", [(), ("length=u32be",), ("9000=line", "length=u32be")])
def test_messages_that_programs_logged(framing: tuple[str, ...]) -> None:
    """Given or inferred, the framing gives the lengths that client and server wrote down."""
    truth = json.loads((CAPTURES / "framed-messages.truth.json").read_text(encoding="utf-8"))
    report = analysed(CAPTURES / "framed-messages.pcap", *framing)
    messages = report["messages"].to_dicts()
    for sender, lengths in (("client", truth["request_bytes"]), ("server", truth["answer_bytes"])):
        assert [row["bytes"] for row in messages if row["sender"] == sender] == lengths
    client = report["writes"].to_dicts()[0]
    assert client["framing_source"] == ("option" if framing else "inferred")
    assert client["framing"] == "length=u32be"
    assert (client["misread_frame"], client["misread_bytes"], client["misread_messages"]) == (14, 540, 6)
    assert "first fails at frame 14: it gets 540 bytes, 6 whole messages" in client["verdict"]
    assert (client["aligned"], client["split"], client["coalesced"], client["mixed"]) == (4, 2, 6, 2)
    assert client["unframed_bytes"] == 0


def test_streams_chosen() -> None:
    report = analysed(CAPTURES / "http-keepalive.pcapng", streams=(1,))
    assert {row["stream"] for row in report["writes"].to_dicts()} == {1}


def test_a_framing_for_a_port_comes_first() -> None:
    path = CAPTURES / "http-keepalive.pcapng"
    port = analysed(path)["streams"].to_dicts()[0]["server_port"]
    assert {row["framing"] for row in analysed(path, "line")["writes"].to_dicts()} == {"http"}
    found = {row["framing"] for row in analysed(path, f"{port}=crlf")["writes"].to_dicts()}
    assert found == {"crlf"}
    with pytest.raises(UsageError, match="--framing nonsense"):
        analysed(path, "nonsense")


def test_http_messages_are_those_of_the_reader() -> None:
    """As many requests and responses as the table http has, and as long as they are there."""
    path = CAPTURES / "http-keepalive.pcapng"
    report = run([str(path)], Options(("writes", "http")))
    exchanges = report["http"].to_dicts()
    for row in report["writes"].to_dicts():
        mine = [each for each in exchanges if each["stream"] == row["stream"]]
        assert row["messages"] == len(mine)
        assert row["unframed_bytes"] == 0


REQUESTS = [get("/1"), get("/2") + b"", get("/3", "Content-Length: 5", method="POST") + b"a\r\n\r\n"]
RESPONSES = [ok(b"one"), chunked(b"x" * 20, b"\r\n\r\n"), ok(b"\r\n\r\n" * 3), b"HTTP/1.1 304 X\r\n\r\n"]


@given(st.lists(st.integers(1, 400)), st.booleans())
def test_http_cut_anywhere(places: list[int], bytewise: bool) -> None:  # noqa: FBT001 - from hypothesis
    layout = Layout(1, Segments(1), keep_messages=True)
    reader = HttpMessages(StreamFacts(0, 0, (40000, 80), 1, 0, from_the_start=True))
    halves = [HttpHalf(reader, side, layout, layout.open(side)) for side in (CLIENT, SERVER)]
    expected = {CLIENT: [*REQUESTS, get("/4")], SERVER: RESPONSES}
    frame = 0
    for side, messages in expected.items():
        data = b"".join(messages)
        cuts = range(len(data)) if bytewise else places
        edges = sorted({0, len(data), *(place for place in cuts if place < len(data))})
        for begin, end in zip(edges, edges[1:], strict=False):  # noqa: RUF007 - pairs
            frame += 1
            facts = layout.facts(frame, end - begin)
            halves[side].data(memoryview(data)[begin:end], begin, frame, frame, facts)
        halves[side].end(Ending.FIN, len(data), frame, frame)
        halves[side].close(len(data))
    rows = layout.messages()
    for side, messages in expected.items():
        mine = rows[rows[:, layout_fields.HALF] == side]
        assert mine[:, layout_fields.LENGTH].tolist() == [len(message) for message in messages]


def inferred(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[int, str], dict[str, Any]]:
    """Half-streams with the framing that was inferred, with what is known of protocols switched off."""
    begin = stage.Boundaries.__init__

    def without(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 - whatever it takes
        begin(self, *args, **{**options, "use_protocols": False})

    with monkeypatch.context() as patch:
        patch.setattr(stage.Boundaries, "__init__", without)
        report = analysed(path)
    ends: dict[tuple[int, str], set[int]] = {}
    for row in report["messages"].to_dicts():
        ends.setdefault((row["stream"], row["sender"]), set()).add(row["offset"] + row["bytes"])
    return {
        (row["stream"], row["sender"]): {**row, "ends": ends.get((row["stream"], row["sender"]), set())}
        for row in report["writes"].to_dicts()
        if row["framing_source"] == "inferred"
    }


CORPUS = {
    "dcerpc": "mercury__emix.pcap",
    "ftp": "zeek__ipv4.pcap",
    "http2": "gRPC-Go-for-Professionals__Bidi_Streaming.pcapng",
    "mysql": "mercury__emix.pcap",
    "nfs": "zeek__nfs_base.pcap",
    "openvpn": "mercury__emix.pcap",
    "smb": "mercury__emix.pcap",
    "smtp": "zeek__smtp.pcap",
    "stratum": "peafowl__stratum.pcap",
    "thrift": "beats__thrift_tutorial_framed_transport.pcap",
    "tls": "gopacket__test301.pcapng",
}


@pytest.mark.parametrize("protocol", CORPUS)
def test_protocols_are_inferred(protocol: str, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without knowing the protocol, messages end where its own framing says."""
    path = corpus / "captures" / CORPUS[protocol]
    report = analysed(path)
    apps = {row["stream"]: row["app"] for row in report["streams"].to_dicts()}
    ends: dict[tuple[int, str], set[int]] = {}
    for row in report["messages"].to_dicts():
        ends.setdefault((row["stream"], row["sender"]), set()).add(row["offset"] + row["bytes"])
    found = {half: row for half, row in inferred(path, monkeypatch).items() if apps[half[0]] == protocol}
    assert found
    for half, row in found.items():
        assert row["ends"] <= ends[half], half
        # What was said before the first message of this framing may count as one.
        assert len(ends[half] - row["ends"]) <= 3, half
        assert row["confidence"] >= 75


def test_encrypted_streams_have_no_framing(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSH, whose packets are encrypted, has none, nor what an HTTP message says in its body."""
    for name in ("zeek__single-conn.pcap", "zeek__ssh-dups.pcap"):
        assert inferred(corpus / "captures" / name, monkeypatch) == {}


def test_damaged_captures(corpus: Path) -> None:
    """Whatever is wrong with a capture, nothing is raised and nothing is counted twice."""
    chance = random.Random(1)
    paths = sorted(path for path in (corpus / "captures").iterdir() if path.suffix in {".pcap", ".pcapng"})
    for path in chance.sample(paths, 12):
        for framing in ((), ("length=u16be,adjust=-1",), ("varint",)):
            for row in run([str(path)], Options(("writes",), framings=framing))["writes"].to_dicts():
                kinds = row["aligned"] + row["split"] + row["coalesced"] + row["mixed"]
                assert kinds <= row["messages"]
                assert row["unframed_bytes"] <= row["bytes"]
                assert row["misread_segments"] is None or row["misread_segments"] <= row["segments"]


def test_interpreted_kernels_agree() -> None:
    """The same tables where the kernels were not compiled."""
    paths = [CAPTURES / name for name in ("framed-messages.pcap", "http-keepalive.pcapng")]
    for path in paths:
        command = [sys.executable, "-m", "netanalyze", "analyze", str(path), "-r", "writes,messages"]
        found = [
            json.loads(
                subprocess.run(  # noqa: S603 - our own program
                    [*command, "--format", "json", "-q"],
                    env={**os.environ, "NETANALYZE_KERNEL": kind},
                    check=True,
                    capture_output=True,
                ).stdout
            )
            for kind in ("", "interpreted")
        ]
        assert found[0]["messages"]
        assert found[0] == found[1]
