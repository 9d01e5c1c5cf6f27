"""Streams go to the reader of the protocol they carry, with nothing lost on the way."""

from __future__ import annotations

import struct
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import line_protocol
import pytest
from crafting import ACK, FIN, ethernet_of, ip4, tcp
from frames import Frame, batches
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.apps import backlog, readers
from netanalyze.apps.identify import Identifier
from netanalyze.apps.messages import Messages
from netanalyze.flow.table import FlowTable
from netanalyze.model import Gap
from netanalyze.report import registry
from netanalyze.report import report as report_module
from netanalyze.wire.decode import Decoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLIENT, SERVER = 0, 1
SYN = 2
REDIS = b"*1\r\n$4\r\nPING\r\n"
"""What Redis is known by, two lines."""


def conversation(
    said: Sequence[tuple[int, bytes]],
    *,
    port: int = 6379,
    client_port: int = 40000,
    handshake: bool = True,
    close: bool = False,
) -> list[Frame]:
    """The frames of a connection."""
    ports = client_port, port
    hosts = "10.0.0.1", "10.0.0.2"
    at = [100, 900]
    frames: list[Frame] = []

    def send(side: int, payload: bytes, flags: int) -> None:
        ack = at[1 - side] if flags & ACK else 0
        segment = tcp(payload, ports[side], ports[1 - side], at[side], ack, flags)
        packet = ip4(segment, 6, hosts[side], hosts[1 - side])
        frames.append(Frame(ethernet_of(packet), time_ns=1000 * len(frames)))
        at[side] += len(payload) + bool(flags & (SYN | FIN))

    if handshake:
        send(CLIENT, b"", SYN)
        send(SERVER, b"", SYN | ACK)
        send(CLIENT, b"", ACK)
    for side, payload in said:
        send(side, payload, ACK)
    if close:
        send(SERVER, b"", FIN | ACK)
        send(CLIENT, b"", FIN | ACK)
    return frames


def read(
    frames: Sequence[Frame], *, size: int = 4096, decode_as: dict[tuple[str, int], str] | None = None
) -> tuple[line_protocol.Lines, Messages]:
    """What the readers found in frames that go through all stages."""
    decoder = Decoder(size)
    flows = FlowTable(decoder.facts, keep_duplicates=True)
    identifier = Identifier(decode_as)
    lines = line_protocol.Lines()
    messages = Messages(decoder.packets.capacity, identifier, {"redis": lines})
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        identifier.feed(packets, batch.data)
        messages.feed(batch, packets, flows.tcp.count)
    messages.finish()
    for reader in lines.readers:
        assert reader.log[-1][0] == "finish"
        assert [entry[0] for entry in reader.log].count("finish") == 1
    return lines, messages


def told(lines: line_protocol.Lines) -> dict[int, list[bytes]]:
    """By stream what each side said."""
    found: dict[int, list[bytes]] = {}
    for reader in lines.readers:
        sides = found[reader.facts.number] = [b"", b""]
        for kind, side, what, *_ in (entry for entry in reader.log if entry[0] in {"data", "gap"}):
            sides[side] += what if kind == "data" else b"[%d]" % what.length
    return found


def test_a_stream_is_read_from_its_first_byte() -> None:
    lines, messages = read(conversation([(CLIENT, REDIS), (SERVER, b"+PONG\r\n")], close=True))
    assert told(lines) == {0: [REDIS, b"+PONG\r\n"]}
    assert [row.line for row in lines.found][:2] == ["*1\r", "$4\r"]
    assert lines.found[0].answer == "+PONG\r"
    assert not messages.warnings()


@given(
    cuts=st.lists(st.integers(1, len(REDIS) - 1), max_size=5),
    size=st.integers(1, 12),
    answer=st.sampled_from([b"+PONG\r\n", b"-ERR no\r\n"]),
)
def test_however_it_is_cut(cuts: list[int], size: int, answer: bytes) -> None:
    """Undecided bytes are kept: the name comes with the last cut, or in a later batch."""
    bounds = sorted({0, *cuts, len(REDIS)})
    said = [(CLIENT, REDIS[a:b]) for a, b in pairwise(bounds)]
    said += [(SERVER, answer[:3]), (SERVER, answer[3:]), (CLIENT, b"QUIT\r\n")]
    lines, _ = read(conversation(said), size=size)
    assert told(lines) == {0: [REDIS + b"QUIT\r\n", answer]}
    offsets = [entry[3:] for entry in lines.readers[0].log if entry[0] == "data"]
    assert offsets == [(offset, 4 + place) for place, offset in enumerate(bounds[:-1])] + [
        (0, 4 + len(bounds) - 1),
        (3, 5 + len(bounds) - 1),
        (len(REDIS), 6 + len(bounds) - 1),
    ]


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_other_protocols_are_not_read(size: int) -> None:
    talk = conversation([(CLIENT, b"GET / HTTP/1.1\r\n\r\n"), (SERVER, b"HTTP/1.1 200 OK\r\n\r\n")], port=80)
    lines, messages = read(talk, size=size)
    assert not lines.readers
    assert not messages._backlogs


def test_the_user_decides() -> None:
    talk = conversation([(CLIENT, b"anything\n"), (SERVER, b"at all\n")], port=9000)
    lines, _ = read(talk, decode_as={("tcp", 9000): "redis"})
    assert [(row.line, row.answer) for row in lines.found] == [("anything", "at all")]
    assert not read(talk)[0].readers


@pytest.mark.parametrize("size", [1, 4096])
def test_a_port_decides_where_the_beginning_was_not_captured(size: int) -> None:
    said = [(SERVER, b"....half a line\r\n")] * 3
    lines, _ = read(conversation(said, handshake=False), size=size)
    assert [side[:4] for side in told(lines)[0] if side] == [b"...."]
    assert not lines.readers[0].facts.from_the_start


def test_what_is_undecided_and_large_goes_by_the_name_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "STREAM_LIMIT", 5000)
    said = [(SERVER, b"\x00\x01 no known beginning " + bytes([48 + n]) * 979) for n in range(9)]
    lines, messages = read(conversation(said, handshake=False), size=2)
    (reader,) = lines.readers
    side = reader.log[0][1]
    assert told(lines)[0][side] == b"".join(payload for _, payload in said)
    assert not messages.warnings()


def test_what_is_unknown_and_large_is_a_gap_if_it_gets_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "STREAM_LIMIT", 3000)
    unknown = b"\x00\x01 what is that".ljust(1000, b"?")
    talk = conversation([*[(CLIENT, unknown)] * 6, (SERVER, REDIS)], port=9999)
    lines, messages = read(talk, size=2)
    (entries,) = [reader.log for reader in lines.readers]
    assert [entry[:3] for entry in entries[:-1]] == [
        ("data", CLIENT, unknown),
        ("data", CLIENT, unknown),
        ("gap", CLIENT, Gap(2000, 3000)),
        ("data", CLIENT, unknown),  # in the batch in which the name was found
        ("data", SERVER, REDIS),
    ]
    assert messages.warnings() == [
        (
            "3000 bytes of TCP streams came before it was known which protocol they carry,"
            " and were too many to keep"
        )
    ]


def test_streams_without_a_name_leave_nothing() -> None:
    frames = [
        frame
        for number in range(50)
        for frame in conversation([(CLIENT, b"\x00?")] * (number % 2), client_port=1024 + number, close=True)
    ]
    lines, messages = read(frames, size=7)
    assert not messages._backlogs
    assert messages._budget.taken == 0
    assert all(reader.facts.number % 2 for reader in lines.readers)


@pytest.fixture
def lines_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol and its table, as if they were in the lists."""
    names = (*registry.NAMES, "lines")
    monkeypatch.setattr(registry, "NAMES", names)
    monkeypatch.setattr(report_module, "NAMES", names)
    monkeypatch.setitem(registry._BY_NAME, "lines", line_protocol.LINES)
    monkeypatch.setitem(readers.READERS, "redis", "line_protocol")
    monkeypatch.setitem(sys.modules, "netanalyze.report.records.lines", line_protocol)


@pytest.mark.usefixtures("lines_table")
def test_a_protocol_is_its_file_its_record_and_its_lines_in_the_lists(tmp_path: Path) -> None:
    import netanalyze  # noqa: PLC0415 - after the lists have been changed

    path = tmp_path / "lines.pcap"
    frames = conversation([(CLIENT, b"one\ntwo\n"), (SERVER, b"un\n")], port=9000)
    path.write_bytes(pcap(frames))
    report = netanalyze.analyze(path, reports=["lines"], decode_as={("tcp", 9000): "redis"})
    rows: list[dict[str, Any]] = report["lines"].to_dicts()
    ends = {"client": "10.0.0.1", "client_port": 40000, "server": "10.0.0.2", "server_port": 9000}
    assert rows == [
        {"stream": 0, "frame": 4, **ends, "line": "one", "answer": "un", "latency_ns": 1000},
        {"stream": 0, "frame": 4, **ends, "line": "two", "answer": None, "latency_ns": None},
    ]
    assert report["lines"].where("line=two").top(1)[0].client == "10.0.0.1"


@pytest.mark.usefixtures("lines_table")
def test_the_bytes_may_tell_who_the_client_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import netanalyze  # noqa: PLC0415 - after the lists have been changed

    class Swapped(line_protocol.Lines):
        def columns(self) -> Any:  # noqa: ANN401 - as in the class above it
            found = {name: list(values) for name, values in super().columns()["lines"].items()}
            found["client_side"] = [1, None]
            return {"lines": found}

    monkeypatch.setattr(line_protocol, "APPLICATION", lambda _asked: Swapped())
    path = tmp_path / "lines.pcap"
    path.write_bytes(pcap(conversation([(CLIENT, b"one\ntwo\n")], port=9000)))
    report = netanalyze.analyze(path, reports=["lines"], decode_as={("tcp", 9000): "redis"})
    assert [row.client_port for row in report["lines"]] == [9000, 40000]
    assert [row.server for row in report["lines"]] == ["10.0.0.1", "10.0.0.2"]


def pcap(frames: Sequence[Frame]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for frame in frames:
        parts += [struct.pack("<IIII", 0, frame.time_ns, len(frame.data), frame.wire), frame.data]
    return b"".join(parts)
