"""Frames under the lens: the labels are those of the table, and the explanations name what proves them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from crafting import ACK, RST, SYN, eth, icmp, ip4, tcp
from explaining import CLIENT_ISN, MS, Talk, write_pcap

from netanalyze.closeup import explain_frame
from netanalyze.errors import NetanalyzeError, UsageError
from netanalyze.pipeline import Options, run
from netanalyze.report.explain_frame import document, render
from netanalyze.report.style import Style
from netanalyze.tcp import kinds
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp.retrace import retrace

if TYPE_CHECKING:
    from netanalyze.tcp.explain import Explained

CAPTURES = Path(__file__).parent.parent.parent / "captures"
SAMPLES = sorted(path for path in CAPTURES.iterdir() if path.suffix in {".pcap", ".pcapng", ".gz", ".zst"})


def told(path: Path, number: int, **more: bool) -> dict[str, Any]:
    return document(explain_frame([str(path)], number, **more))


def rules(made: dict[str, Any]) -> dict[str, str]:
    return {label["kind"]: label["rule"] for label in made["labels"]}


def labels_of_table(path: Path, *, like_wireshark: bool = False) -> tuple[int, dict[int, list[Any]]]:
    report = run([str(path)], Options(tables=("events",), like_wireshark=like_wireshark))
    found = defaultdict(list)
    for event in report["events"]:
        found[event.frame].append((event.kind, event.cause))
    return report.frames_read, found


# Every kind of event: capture, frame, kind, and what its rule must name.
CASES = [
    ("lossy-transfer-server.pcap", 77, "retransmission", ["28 961", "63 713", "since frame 71"]),
    ("lossy-transfer-server.pcap", 77, "fast_retransmission", ["6 duplicate ACKs", "213 µs ago"]),
    ("injected-faults-receiver.pcap", 95, "retransmission", ["5 793", "28 961", "not captured before"]),
    ("injected-faults-receiver.pcap", 105, "fast_retransmission", ["until 28 961 is acknowledged"]),
    ("injected-faults-receiver.pcap", 612, "spurious_retransmission", ["14 481", "frame 611"]),
    ("reordered.pcap", 136, "fast_retransmission", ["Duplicate ACKs came", "8.60 ms ago"]),
    ("reordered.pcap", 36, "out_of_order", ["frame 34", "1.15 ms", "IP identification is lower"]),
    ("injected-faults-receiver.pcap", 67, "lost_segment", ["7 241", "5 793", "1 448 bytes", "frame 64"]),
    ("injected-faults-sender.pcap", 770, "duplicate_ack", ["7 289", "frame 759", "5 792 bytes", "13 081"]),
    ("duplicate-frames-mirror.pcap", 35, "duplicate_ack", ["SACK option reports bytes that were not known"]),
    ("injected-faults-receiver.pcap", 521, "duplicate_ack", ["came twice: 5 793 to 7 241", "frame 519"]),
    ("zero-window.pcap", 18, "zero_window", ["from 7 289 on"]),
    ("zero-window.pcap", 17, "zero_window_probe", ["at 7 288, one below 7 289"]),
    ("zero-window.pcap", 18, "zero_window_probe_ack", ["7 289", "same window (0 bytes)"]),
    ("injected-faults-receiver.pcap", 741, "window_full", ["7 289", "48 bytes behind 7 241"]),
    ("zero-window.pcap", 22, "window_update", ["7 289", "5 792 bytes instead of 0 bytes"]),
    ("injected-faults-receiver.pcap", 748, "zero_window_probe", ["opened its window 12.5 ms ago", "7 289"]),
    ("injected-faults-receiver.pcap", 749, "zero_window_probe_ack", ["same window (5 792 bytes)"]),
    ("injected-faults-receiver.pcap", 578, "out_of_order", ["Frame 574 brought the same", "timestamp"]),
    ("port-reuse.pcap", 21, "reused_ports", ["stream 1"]),
    ("injected-faults-receiver.pcap", 672, "network_copy", ["frame 650", "29.9 ms before", "(29761)"]),
]


@pytest.mark.parametrize(("capture", "frame", "kind", "parts"), CASES)
def test_the_rule_names_what_proves_it(capture: str, frame: int, kind: str, parts: list[str]) -> None:
    text = rules(told(CAPTURES / capture, frame))[kind]
    for part in parts:
        assert part in text, text


def test_bytes_that_nobody_captured_are_acknowledged(tmp_path: Path) -> None:
    talk = Talk().handshake().client(1, 1, b"a" * 100).server(1, 401).server(1, 401)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    text = rules(told(path, 5))["ack_lost_segment"]
    assert "Acknowledges 401, but what was captured ends at 101: 300 bytes" in text
    assert told(path, 6)["labels"] == []


def test_a_hole_that_is_acknowledged_is_named(tmp_path: Path) -> None:
    talk = Talk().handshake().client(1, 1, b"a" * 100).client(201, 1, b"c" * 100).server(1, 301)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    assert "100 bytes between" in rules(told(path, 5))["lost_segment"]
    assert "never captured: 101 to 201" in rules(told(path, 6))["ack_lost_segment"]
    later = told(path, 5, later=True)["labels"][0]
    assert "frame 6 acknowledges them" in later["detail"]
    assert "frame 6" not in told(path, 5)["labels"][0]["detail"]


def test_a_keep_alive_and_its_answer(tmp_path: Path) -> None:
    talk = Talk().handshake().client(1, 1, b"a" * 100).server(1, 101)
    talk.client(100, 1, after_ns=60_000 * MS).server(1, 101).client(100, 1, b"a").server(1, 101)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    for number, carries in ((6, "Carries nothing at 100"), (8, "Carries 1 byte at 100")):
        text = rules(told(path, number))["keep_alive"]
        assert carries in text
        assert "one below 101, the next new sequence number, and frame 5 acknowledged everything" in text
        answer = rules(told(path, number + 1))["keep_alive_ack"]
        assert "acknowledges 101 again with the same window (1 000 bytes" in answer


def test_other_bytes_in_a_retransmission(tmp_path: Path) -> None:
    talk = Talk().handshake().client(1, 1, b"a" * 100).client(1, 1, b"b" * 100, after_ns=300 * MS)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    made = told(path, 5)
    assert "other bytes in frame 4" in rules(made)["differing_retransmission"]
    assert made["conclusion"] == "timeout"
    assert [test["test"] for test in made["tests"]][-2:] == ["tail_loss_probe", "timer"]
    assert made["tests"][-1]["answer"].startswith("yes, 300 ms since it was sent")
    assert "does not compare" in made["wireshark"]["because"][0]


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (
            {"seq": 5000, "flags": RST},
            "A reset at 5 000, where the other side takes one only from 101 to 1 101",
        ),
        ({"seq": 101 + (1 << 30) + 5, "flags": ACK}, "away from what would be next"),
        ({"seq": 101, "ack": 1 + (1 << 30) + 5}, "beyond everything that was sent"),
    ],
)
def test_what_cannot_be_accepted(tmp_path: Path, more: dict[str, int], part: str) -> None:
    seq, ack = more.pop("seq"), more.pop("ack", 1)
    talk = Talk().handshake().client(1, 1, b"a" * 100).server(1, 101).client(seq, ack, **more)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    made = told(path, 6)
    assert part in rules(made)["out_of_window"]
    assert made["before"]["sender"] == made["after"]["sender"]


def test_a_syn_ack_with_another_number(tmp_path: Path) -> None:
    talk = Talk().client(0, flags=SYN).server(0, 1, flags=SYN | ACK).server(9, 1, flags=SYN | ACK)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    assert "77 009, where 77 000 was known" in rules(told(path, 3))["reused_ports"]
    accepted = Talk().handshake().server(9, 1, flags=SYN | ACK)
    path = write_pcap(tmp_path / "y.pcap", accepted.frames)
    assert "77 009, where 77 000 was accepted" in rules(told(path, 4))["out_of_window"]


def test_every_kind_has_a_case() -> None:
    crafted = {
        "ack_lost_segment",
        "keep_alive",
        "keep_alive_ack",
        "differing_retransmission",
        "out_of_window",
    }
    assert {kind for _, _, kind, _ in CASES} | crafted == set(kinds.KINDS)


@pytest.mark.parametrize("like_wireshark", [False, True], ids=["ours", "wireshark"])
@pytest.mark.parametrize(
    "name",
    [
        "reordered.pcap",
        "zero-window.pcap",
        "port-reuse.pcap",
        "duplicate-frames-mirror.pcap",
        "duplicate-frames-bridge.pcapng",
        "handshake-retry.pcap",
        "midstream.pcap.gz",
        "tunnels.pcap",
    ],
)
def test_labels_are_those_of_the_table(name: str, *, like_wireshark: bool) -> None:
    path = CAPTURES / name
    frames, table = labels_of_table(path, like_wireshark=like_wireshark)
    for number in range(1, frames + 1):
        made = told(path, number, like_wireshark=like_wireshark)
        assert [(label["kind"], label["cause"]) for label in made["labels"]] == table.get(number, []), number


@pytest.mark.parametrize("name", ["injected-faults-receiver.pcap", "lossy-transfer-client.pcap"])
def test_details_are_those_of_the_table_once_all_is_read(name: str) -> None:
    path = CAPTURES / name
    table = defaultdict(list)
    for event in run([str(path)], Options(tables=("events",)))["events"]:
        table[event.frame].append((event.kind, event.detail))
    for number in sorted(table)[::6]:
        made = told(path, number, later=True)
        assert [(label["kind"], label["detail"]) for label in made["labels"]] == table[number]


@pytest.mark.parametrize("name", ["lossy-transfer-client.pcap", "injected-faults-receiver.pcap"])
def test_what_wireshark_would_say_is_what_the_other_mode_says(name: str) -> None:
    path = CAPTURES / name
    _, ours = labels_of_table(path)
    _, theirs = labels_of_table(path, like_wireshark=True)
    differ = [
        number
        for number in sorted(ours.keys() | theirs.keys())
        if [kind for kind, _ in ours[number]] != [kind for kind, _ in theirs[number]]
    ]
    assert differ
    for number in differ[::5]:
        shown = told(path, number)["wireshark"]
        assert shown["labels"] == [kind for kind, _ in theirs[number]]
        assert shown["because"]
    same = next(number for number in sorted(ours) if number not in differ)
    assert told(path, same)["wireshark"]["because"] == []


def check_tests(found: Explained) -> int:
    """The tests made again come to what the kernel found; returns how many there were."""
    untested = kinds.OUT_OF_WINDOW | kinds.KEEP_ALIVE | kinds.ZERO_WINDOW_PROBE | kinds.REUSED_PORTS
    if found.ours is None or found.ours.bits & untested or found.segment["flags"] & RST:
        return 0
    assert found.before is not None
    assert found.opener is not None
    again = retrace(found.segment, *found.before, found.opener[fields.HANDSHAKE_NS])
    bits = found.ours.bits
    again_bits = bits & (kinds.RETRANSMISSION | kinds.OUT_OF_ORDER | kinds.NETWORK_COPY)
    assert (again is not None) == bool(again_bits)
    if again is None:
        return 0
    assert again.cause == found.ours.facts["cause"]
    assert again.kind == again_bits
    return len(again.checks)


@pytest.mark.parametrize(
    "name", ["reordered.pcap", "lossy-transfer-server.pcap", "injected-faults-sender.pcap"]
)
def test_the_tests_made_again_agree_with_the_kernel(name: str) -> None:
    frames, table = labels_of_table(CAPTURES / name)
    numbers = sorted({*table, *range(1, frames, 7)})
    assert sum(check_tests(explain_frame([str(CAPTURES / name)], number)) for number in numbers) > 15


def check_shown(found: Explained) -> None:
    """It can be shown in every form, within its width."""
    check_tests(found) if not found.like_wireshark else None
    for width, ascii_only in ((120, False), (80, True), (40, False)):
        text = b"".join(render(found, "text", Style(width=width, ascii_only=ascii_only))).decode()
        assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
        assert not ascii_only or text.isascii()
        if width >= 80:
            assert max(map(len, text.splitlines())) <= width
    made = json.loads(b"".join(render(found, "json", Style())))
    assert made["frame"] == found.frame
    if "wireshark" in made and made["wireshark"]["labels"] != [label["kind"] for label in made["labels"]]:
        assert made["wireshark"]["because"]


def check_capture(path: Path, most: int) -> int:
    """Look at frames all over a capture; returns how many."""
    try:
        frames = run([str(path)], Options(tables=("capture",))).frames_read
    except NetanalyzeError:
        return 0
    numbers = range(1, frames + 1, max(1, frames // most))
    for number in numbers:
        for like_wireshark in (False, True):
            check_shown(explain_frame([str(path)], number, like_wireshark=like_wireshark))
    return len(numbers)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_frames_of_samples_can_be_shown(path: Path) -> None:
    assert check_capture(path, 25)


def test_frames_of_the_corpus_can_be_shown(corpus: Path) -> None:
    paths = [*corpus.joinpath("captures").iterdir(), *corpus.joinpath("malformed").iterdir()]
    assert sum(check_capture(path, 5) for path in sorted(paths)) > 500


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    talk = Talk().client(50, 70, b"a" * 10)
    made = told(write_pcap(tmp_path / "x.pcap", talk.frames), 1)
    assert made["before"] == {"sender": {}, "receiver": {}}
    assert made["after"]["receiver"] == {}
    assert "window_bytes" not in made
    assert (made["seq"], made["ack"]) == (1, 1)
    assert "smoothed_rtt_ns" not in made["after"]["sender"]


def test_relative_numbers_go_on_where_the_header_wraps(tmp_path: Path) -> None:
    assert CLIENT_ISN + 500 > 1 << 32
    talk = Talk().handshake().client(1, 1, b"a" * 400).client(401, 1, b"b" * 100).server(1, 501)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    assert told(path, 5)["seq"] == 401
    assert told(path, 5)["after"]["sender"]["in_flight_bytes"] == 500
    made = told(path, 6)
    assert made["before"]["receiver"]["acknowledged"] == 1
    assert made["after"]["receiver"]["acknowledged"] == 501
    assert made["after"]["receiver"]["in_flight_bytes"] == 0
    assert any("501, where 1 was acknowledged before" in reason for reason in made["no_label_because"])


def test_a_copy_says_what_tells_so(tmp_path: Path) -> None:
    talk = Talk().handshake().client(1, 1, b"a" * 100)
    when, octets = talk.frames[-1]
    moved = bytearray(octets)
    moved[22] -= 1  # the time to live
    frames = [*talk.frames, (when + 5_000, octets), (when + MS, bytes(moved)), (when + 2 * MS, octets)]
    path = write_pcap(tmp_path / "x.pcap", frames)
    for number, part in (
        (5, "sooner than its sender"),
        (6, "TTL 63 here, 64 there"),
        (7, "IP identification"),
    ):
        made = told(path, number)
        assert not made["analysed"]
        assert made["labels"] == []
        assert "in frame 4" in made["notes"][0]
        assert part in made["notes"][0]
        assert "--keep-duplicates" in made["notes"][1]
        assert "retransmission" in made["wireshark"]["labels"]
        assert "copy" in made["wireshark"]["because"][0]
        kept = told(path, number, keep_duplicates=True)
        assert kept["analysed"]
        assert "retransmission" in rules(kept)


def test_what_an_icmp_error_quotes_is_no_segment(tmp_path: Path) -> None:
    talk = Talk().handshake()
    quoted = talk.frames[0][1][14:]
    error = eth(0x0800, ip4(icmp(3, 1, quoted), 1, src="10.9.9.9", dst="10.1.2.3"))
    made = told(write_pcap(tmp_path / "x.pcap", [*talk.frames, (5 * MS, error)]), 4)
    assert not made["analysed"]
    assert any("quotes a TCP segment 10.1.2.3:1111 → 10.4.5.6:80, stream 0" in line for line in made["notes"])
    assert "in another frame" in made["notes"][-1]


def test_frames_that_hold_no_segment(tmp_path: Path) -> None:
    cut = eth(0x0800, ip4(tcp())[:10])
    bad = eth(0x0800, ip4(tcp(words=2)))
    part = eth(0x0800, ip4(tcp(b"x" * 60)[:40], bits=1))
    frames = [(0, eth(0x0806, bytes(28))), (MS, cut), (2 * MS, bad), (3 * MS, part), (4 * MS, b"")]
    path = write_pcap(tmp_path / "x.pcap", frames)
    notes = [" ".join(told(path, number)["notes"]) for number in range(1, 6)]
    assert "not IP: ARP" in notes[0]
    assert "damaged IP header" in notes[1]
    assert "damaged transport header" in notes[2]
    assert "in the frame that completes it" in notes[3]
    assert "damaged link header" in notes[4]


def test_a_segment_in_fragments_is_explained_where_it_is_complete(tmp_path: Path) -> None:
    whole = tcp(b"x" * 60)
    frames = [(0, eth(0x0800, ip4(whole[:40], bits=1))), (MS, eth(0x0800, ip4(whole[40:], offset=40)))]
    made = told(write_pcap(tmp_path / "x.pcap", frames), 2)
    assert made["analysed"]
    assert made["payload_bytes"] == 60


@pytest.mark.parametrize(("number", "part"), [(0, "from 1"), (-3, "from 1"), (31, "its last is 30")])
def test_frames_that_are_not_there(number: int, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        explain_frame([str(CAPTURES / "port-reuse.pcap")], number)


def test_several_files_are_one_capture() -> None:
    paths = [str(path) for path in sorted(CAPTURES.glob("rotated_*.pcap"))]
    frames = run(paths, Options(tables=("capture",))).frames_read
    assert document(explain_frame(paths, frames))["frame"] == frames
    with pytest.raises(UsageError):
        explain_frame(paths, frames + 1)


def test_the_frame_may_lie_in_any_batch(tmp_path: Path) -> None:
    talk = Talk().handshake()
    for place in range(5000):
        talk.client(1 + 10 * place, 1, b"a" * 10, after_ns=1000).server(1, 11 + 10 * place, after_ns=1000)
    path = write_pcap(tmp_path / "x.pcap", talk.frames)
    made = told(path, 9002)
    assert made["analysed"]
    assert made["seq"] == 1 + 10 * ((9002 - 4) // 2)
    assert made["before"]["sender"]["next_frame"] == 9000
    assert made["after"]["sender"]["next_frame"] == 9002
