"""Real captures: what the programs themselves measured, and what tshark reads."""

from __future__ import annotations

import json
import os
from collections import Counter
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from netanalyze.pipeline import Options, run

CAPTURES = Path(__file__).parents[2] / "captures"
CORPUS = Path(os.environ.get("NETANALYZE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))


def exchanges(path: Path, **options: object) -> list[Any]:
    return list(run([str(path)], Options(tables=("http",), **options))["http"])


@pytest.mark.parametrize(
    "name", ["http-keepalive.pcapng", "http-variety.pcap", "ipv6-http.pcap", "loopback.pcap"]
)
def test_what_curl_got(name: str) -> None:
    truth = json.loads((CAPTURES / f"{name.split('.', maxsplit=1)[0]}.truth.json").read_text())
    rows = exchanges(CAPTURES / name)
    transfers = [entry for entry in truth.get("curl", ()) if entry.get("response_code")]
    assert transfers or name not in ("http-keepalive.pcapng", "http-variety.pcap")
    for entry in transfers:
        mine = [
            row
            for row in rows
            if row.client_port == entry["local_port"]
            and row.method == entry["method"]
            and entry["url"].endswith(row.target)
        ]
        assert mine, entry["url"]
        assert entry["response_code"] in {row.status for row in mine}
        if entry.get("saved_sha256") and entry["saved_bytes"] and entry["method"] != "HEAD":
            decoded = {(row.body_bytes, row.body_sha256) for row in mine}
            as_sent = {row.wire_bytes for row in mine if row.content_encoding}  # curl was not asked to decode
            saved = entry["saved_bytes"]
            assert (saved, entry["saved_sha256"]) in decoded or saved in as_sent
        assert entry["size_download"] in {row.wire_bytes or 0 for row in mine} or mine[0].promised_bytes


OUTCOMES = {
    "answered": {None},
    "answered-early": {None},
    "after-fin": {"after_fin"},
    "after-rst": {"after_reset"},
    "behind-the-last": {"closed_unanswered"},
    # A FIN alone may mean that the client only sends no more: the RST after it is not told to readers yet.
    "client-gave-up": {"client_gave_up", None},
    "closed-without-answer": {"closed_unanswered"},
    "crossing-fin": {"crossing_fin"},
    "crossing-rst": {"crossing_reset"},
    "forgotten": {"reset_unanswered", "after_reset"},  # at the server the RST that got lost was captured
    "request-cut-short": {"client_gave_up"},
    "reset-in-response": {"reset_mid_response"},
    "reset-without-answer": {"reset_unanswered"},
    "short-response": {"short_response"},
    "unasked-408": {None, "crossing_fin"},  # at the server it comes before the request
    "waiting": {"capture_ended"},
}


@pytest.mark.parametrize("side", ["client", "server"])
def test_hang_ups_are_what_was_done_to_them(side: str) -> None:
    truth = json.loads((CAPTURES / "http-hang-ups.truth.json").read_text())["requests"]
    rows = exchanges(CAPTURES / f"http-hang-ups-{side}.pcap")
    seen = set()
    for entry in truth:
        mine = [
            row
            for row in rows
            if (row.client_port, row.request_of_connection, row.target, row.server_port)
            == (entry["client_port"], entry["request_of_connection"], entry["target"], entry["server_port"])
        ]
        if not entry["sent"]:
            assert not mine
            continue
        assert len(mine) == 1, entry
        assert mine[0].hang_up in OUTCOMES[entry["outcome"]], entry
        seen.add(entry["outcome"])
    assert seen == set(OUTCOMES)


def test_cross_origin_verdicts_are_those_of_chromium() -> None:
    truth = json.loads((CAPTURES / "http-cors.truth.json").read_text())
    rows = list(run([str(CAPTURES / "http-cors.pcap")], Options(tables=("cors",)))["cors"])
    assert len(truth["cases"]) > 20
    for case in truth["cases"]:
        if case["case"] in ("no-cors", "any-field-not-authorization"):
            continue  # no page asked to read it; docs/http.md
        mine = [row for row in rows if row.target.split("?")[0] == case["asked"]["target"].split("?")[0]]
        preflights = [row.allowed for row in mine if row.preflight]
        requests = [row.allowed for row in mine if not row.preflight]
        assert (len(preflights), len(requests)) == (case["preflights"], case["requests"]), case
        readable = all(result["readable"] for result in case["results"])
        assert readable == (all(preflights) and all(requests) and bool(requests)), case


# What differs, and why; docs/http.md has the same.
LEFT_OUT = {
    "gopacket__test301.pcapng": "HTTP inside TLS, which tshark decrypts",
    "mercury__emix.pcap": "HTTP inside SOCKS 4A, which tshark does not read",
    "suricata-verify__http2-continuation__input.pcap": "HTTP/2",
    "zeek__methods.pcap": "requests without a version, which tshark reads; TRACE, whose body is a message",
    "zeek__connect-with-smtp.pcap": "tshark cuts the target at its blank; what runs in a tunnel is no body",
    "zeek__mixed-vlan-mpls.pcap": "tshark exports segments that it could not put together",
    "fpcap__pcapng-example.pcapng.zst": "only the first 40 bytes of the response were captured",
}


def oracle() -> list[Path]:
    found = sorted((CORPUS / "oracle").glob("*.json")) if CORPUS.is_dir() else []
    return [path for path in found if json.loads(path.read_text()).get("http")]


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("path", oracle(), ids=lambda path: path.stem)
def test_requests_and_responses_are_those_of_tshark(path: Path) -> None:
    if path.stem in LEFT_OUT:
        pytest.skip(LEFT_OUT[path.stem])
    theirs = json.loads(path.read_text())["http"]
    rows = exchanges(CORPUS / "captures" / path.stem)
    requests = Counter(
        (entry["stream"], method, target)
        for entry in theirs
        if entry["stream"] is not None and "request.method" in entry
        for method, target in zip(
            listed(entry["request.method"]), listed(entry.get("request.uri")), strict=True
        )
    )
    # tshark cuts long targets in its output.
    mine = Counter((row.stream, row.method, row.target) for row in rows if row.frame is not None)
    assert sorted((stream, method, target[:200]) for stream, method, target in mine.elements()) == sorted(
        (stream, method, target[:200]) for stream, method, target in requests.elements()
    )
    statuses = Counter(
        (entry["stream"], int(code))
        for entry in theirs
        if entry["stream"] is not None and "response.code" in entry
        for code in listed(entry["response.code"])
        if int(code) >= 200 or int(code) == 101  # interim responses have no row of their own
    )
    found = Counter((row.stream, row.status) for row in rows if row.status is not None)
    assert not statuses - found  # none is missing; where bytes were lost we may find more


class One:
    """Takes one body."""

    def __init__(self, found: list[tuple[int, str]]) -> None:
        """Nothing taken yet."""
        self._found = found
        self._hash = md5(usedforsecurity=False)
        self._size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)

    def close(self, verdict: str | None) -> None:
        del verdict
        self._found.append((self._size, self._hash.hexdigest()))


class Md5s:
    """Takes bodies and keeps their hashes."""

    def __init__(self) -> None:
        """Nothing taken yet."""
        self.found: list[tuple[int, str]] = []

    def open(self, exchange: object, *, request: bool) -> One:
        del exchange, request
        return One(self.found)


@pytest.mark.parametrize("path", oracle(), ids=lambda path: path.stem)
def test_bodies_are_those_that_tshark_exports(path: Path) -> None:
    if path.stem in LEFT_OUT:
        pytest.skip(LEFT_OUT[path.stem])
    objects = json.loads(path.read_text()).get("http_objects") or []
    theirs = Counter((entry["size"], entry["md5"]) for entry in objects if entry["size"])
    bodies = Md5s()
    exchanges(CORPUS / "captures" / path.stem, bodies=bodies)
    assert not theirs - Counter(bodies.found)
