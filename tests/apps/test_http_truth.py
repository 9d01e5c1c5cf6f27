"""What programs logged while they were recorded, against what is read out of the recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netanalyze.pipeline import Options, run

CAPTURES = Path(__file__).parents[2] / "captures"
OPCODES = {"CONT": "continuation"}


def truth(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((CAPTURES / f"{name}.truth.json").read_text())


def rows(name: str, table: str = "http") -> list[Any]:
    return list(run([str(CAPTURES / name)], Options(tables=(table,)))[table])


def test_bodies_in_every_coding() -> None:
    found, logged = rows("http-encodings.pcap"), truth("http-encodings")["exchanges"]
    assert len(found) == len(logged) == 42
    verdicts = set()
    for row, entry in zip(found, logged, strict=True):
        assert (row.client_port, row.method, row.target) == (
            entry["client_port"],
            entry["method"],
            entry["target"],
        )
        assert (row.status, row.end) == (entry["status"], "complete")
        assert row.wire_bytes == entry["wire_bytes"], row.target
        verdicts.add(row.body_verdict)
        bomb = row.target == "/bomb-br"  # stops at the cap
        assert (row.body_verdict == "limit") == bomb
        if entry["decodes"] and not bomb:
            assert row.body_bytes == entry["decoded_bytes"], row.target
            assert row.body_sha256 == (entry["decoded_sha256"] if row.body_bytes else None), row.target
        # Said to be wrong where it is, and only there.
        assert (row.body_verdict in {None, "decoded", "limit"}) == bool(entry["decodes"]), row.target
    assert verdicts >= {"not_coded", "cut", "damaged", "trailing_data", "limit", "unknown_coding"}


def pairs_of(name: str) -> list[tuple[Any, Any]]:
    """What was found in a recording of ``http-loss``, each with the logged exchange of this request."""
    found = rows(name)
    logged = truth("http-loss")["exchanges"]
    assert logged
    pairs = []
    for port in {entry["client_port"] for entry in logged}:
        mine = [row for row in found if row.client_port == port]
        entries = iter([entry for entry in logged if entry["client_port"] == port])
        for row in mine:
            # Requests come in order; those that the capture does not have are passed over.
            entry = next(
                (one for one in entries if (one["method"], one["target"]) == (row.method, row.target)), None
            )
            assert row.method is None or entry is not None, row
            if entry is not None:
                pairs.append((row, entry))
    return pairs


def test_losses_that_were_made_good() -> None:
    """Retransmitted and reordered segments are read like others."""
    pairs = pairs_of("http-loss.pcap")
    assert len(pairs) == len(truth("http-loss")["exchanges"])
    for row, entry in pairs:
        assert (row.status, row.end, row.uncertain) == (entry["status"], "complete", None)
        if entry["method"] != "HEAD":
            assert (row.wire_bytes, row.body_sha256) == (entry["wire_bytes"], entry["decoded_sha256"])


@pytest.mark.parametrize("name", ["http-loss-gaps.pcap", "http-loss-snap.pcap", "http-loss-snap-heads.pcap"])
def test_bytes_that_were_not_captured(name: str) -> None:
    """No request gets the response to another; what is missing is said to be."""
    pairs = pairs_of(name)
    answered = [(row, entry) for row, entry in pairs if row.status is not None]
    assert len(answered) >= 12
    for row, entry in answered:
        assert row.status == entry["status"]
        if row.body_sha256 is None or row.body_sha256 == entry.get("decoded_sha256"):
            continue
        assert row.missing_bytes > 0 or row.end in {"truncated", "uncertain"}, row
        assert row.body_verdict in {"hole", "cut"} or row.body_bytes < entry["decoded_bytes"], row
    missing = sum(row.missing_bytes for row, _ in answered)
    assert missing > 1000 if name != "http-loss-snap-heads.pcap" else missing == 0


def test_a_recording_that_begins_in_the_middle() -> None:
    found, logged = rows("http-loss-midstream.pcap"), truth("http-loss")["midstream"]["whole"]
    for row, entry in zip(found, logged, strict=False):
        assert (row.target, row.status) == (entry["target"], entry["status"])
        assert (row.end, row.body_sha256) == ("complete", entry["decoded_sha256"])
    assert len(found) >= len(logged) > 0


def test_what_went_through_a_proxy() -> None:
    found = {row.client_port: row for row in rows("http-proxy.pcap") if row.through is None}
    inside = [row for row in rows("http-proxy.pcap") if row.through is not None]
    through = [entry for entry in truth("http-proxy")["transfers"] if entry["tunnel"] and entry["status"]]
    plain = [entry for entry in through if entry["target"].startswith("http:")]
    assert [(row.client_port, row.status, row.body_bytes) for row in inside] == [
        (entry["client_port"], entry["status"], entry["body_bytes"]) for entry in plain
    ]
    assert [row.inside for row in found.values() if row.method == "CONNECT"][:2] == ["http", "tls"]
    logged = truth("http-proxy")["transfers"]
    kinds = set()
    for entry in logged:
        row = found[entry["client_port"]]
        kinds.add((entry["tunnel"], row.status))
        if not entry["tunnel"]:
            assert (row.method, row.target, row.status) == (entry["method"], entry["target"], entry["status"])
            assert row.body_bytes == entry["body_bytes"]
            continue
        assert row.method == "CONNECT"
        if entry["connect_status"] is not None:
            assert row.status == entry["connect_status"]
    assert kinds >= {(False, 200), (False, 404), (True, 200), (True, 403), (True, 500)}


def test_frames_of_websockets() -> None:
    frames = rows("websocket.pcap", "websocket")
    port_of = {row.stream: row.client_port for row in rows("websocket.pcap")}
    compared = 0
    for entry in truth("websocket")["connections"]:
        for side in ("client", "server"):
            sent = [
                (OPCODES.get(one["opcode"], one["opcode"].lower()), one["payload_bytes"])
                for one in entry.get(f"frames_of_{side}", ())
            ]
            found = [
                (frame.opcode, frame.payload_bytes)
                for frame in frames
                if port_of[frame.stream] == entry["client_port"] and frame.sender == side
            ]
            compared += len(found)
            if entry.get("extensions"):  # the program logged lengths before deflating
                sent, found = ([(opcode, 0) for opcode, _ in some] for some in (sent, found))
            # A pong may be sent before or after the message that is under way.
            assert sorted(sent) == sorted(found), (entry["target"], side)
            assert [one for one in sent if one[0] != "pong"] == [one for one in found if one[0] != "pong"]
    assert compared == len(frames)


def test_cookies_as_programs_sent_them() -> None:
    fields = rows("http-cookies.pcap", "http_headers")
    port_of = {row.frame: (row.client_port, row.target) for row in rows("http-cookies.pcap")}
    logged = truth("http-cookies")["exchanges"]
    assert len(port_of) == len(logged)
    for name, key in (("cookie", "cookies"), ("set-cookie", "set_cookies")):
        values = [field.value for field in fields if field.name.lower() == name]
        if key == "cookies":
            found = [pair.strip() for value in values for pair in value.split(";")]
            sent = [one if isinstance(one, str) else "=".join(one) for entry in logged for one in entry[key]]
        else:
            found, sent = values, [one for entry in logged for one in entry[key]]
        # A cookie without a name is logged with a sign of equality before its value.
        assert sorted(one.strip("=") for one in found) == sorted(one.strip("=") for one in sent)
        assert found
