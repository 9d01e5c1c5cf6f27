"""Where the addresses of connections came from, against what the programs that connected say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netanalyze
from netanalyze.apps.resolved import WAYS, name_columns
from netanalyze.apps.said_names import said_name

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def names_of(name: str) -> list[dict[str, Any]]:
    report = netanalyze.analyze(CAPTURES / f"{name}.pcap", reports=["names"])
    found: list[dict[str, Any]] = json.loads(report.to_json())["names"]
    return found


def expected(step: dict[str, Any], before: dict[str, Any]) -> tuple[str | None, set[str]]:
    """The name and the ways that are right for what a program did."""
    kind, _, rest = step["step"].partition(":")
    name = rest.partition(":")[0]
    if kind == "reconnect":
        return before["step"].split(":")[1], {"expired"}
    if name.startswith("known"):  # the hosts file
        return None, {"elsewhere"} if kind == "get" else {"unknown"}
    if name == "10.40.0.80":  # an address as it is, which an answer had before
        return "www.lab.test", {"answer"}
    if name == "10.40.0.85":
        return None, {"literal"} if kind == "get" else {"unknown"}
    return name, {"answer"}


def test_names_of_a_recording() -> None:
    truth = json.loads((CAPTURES / "dns-lookups.truth.json").read_text())
    rows = {row["client_port"]: row for row in names_of("dns-lookups") if row["transport"] == "tcp"}
    before: dict[str, Any] = {}
    checked = 0
    for step in [*truth["python"], *truth["node"]]:
        if "local_port" not in step:
            continue
        row = rows.pop(step["local_port"])
        name, ways = expected(step, before)
        assert (row["server"], row["name"]) == (step["address"], name), step
        assert row["resolved"] in ways, step
        assert (row["answer_frame"] is None) == (name is None)
        if step["step"].startswith("get:"):
            assert row["said_name"] == step["step"].split(":")[1]
        if name == "shop.lab.test":
            assert row["chain"] == "shop.cdn.lab.test edge.cdn.lab.test"
            assert row["ttl_s"] == 60
        before = step
        checked += 1
    assert checked == 15
    assert not rows


def test_names_heard_by_all() -> None:
    rows = names_of("mdns-avahi")
    assert {row["resolved"] for row in rows} == {"group"}


def client_hello(name: bytes, *, before: int = 0) -> bytes:
    sni = b"\0" + len(name).to_bytes(2, "big") + name
    sni = len(sni).to_bytes(2, "big") + sni
    extensions = b"\0\x15" + before.to_bytes(2, "big") + bytes(before)
    extensions += b"\0\0" + len(sni).to_bytes(2, "big") + sni
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (client_hello(b"Shop.Example"), "shop.example"),
        (client_hello(b"shop.example", before=900), "shop.example"),
        (b"GET / HTTP/1.1\r\nHost: Shop.example:8080\r\n\r\n", "shop.example"),
        (b"GET / HTTP/1.1\r\nA: b\r\nhost:[2001:db8::1]:80\r\n\r\n", "2001:db8::1"),
        (b"POST /x HTTP/1.1\r\nA: b\r\nHost: shop.example.\r\n\r\nHost: other\r\n", "shop.example"),
        (b"GET / HTTP/1.0\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", None),
        (b"SSH-2.0-x\r\nHost: shop.example\r\n", None),
        (client_hello(b""), None),
        (client_hello(b"a\0b"), None),
    ],
)
def test_said_name(data: bytes, name: str | None) -> None:
    assert said_name(data) == (name, False)


@pytest.mark.parametrize(
    "whole", [client_hello(b"shop.example"), b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"]
)
def test_said_name_wants_more_until_it_has_it(whole: bytes) -> None:
    begin = 16 if whole.startswith(b"GET") else 2
    for size in range(begin, len(whole)):
        name, more = said_name(whole[:size])
        assert (name, more) in ((None, True), ("shop.example", False))
    assert said_name(whole)[0] == "shop.example"


@given(data=st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for begin in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x00\x80\x01", b"GET / HTTP/1.1\r\nHost:"):
        said_name(begin + data)


def test_no_answers_at_all() -> None:
    empty = {
        f"{end}_{part}": np.array([], np.uint64)
        for end in ("client", "server")
        for part in ("hi", "lo", "version", "port")
    } | {"start_ns": np.array([], np.int64)}
    one = {name: np.array([7], np.uint64) for name in empty} | {"start_ns": np.array([5])}
    columns = name_columns(one, empty, None, {0: "192.0.2.1"})
    assert WAYS[columns["resolved"][0]] == "literal"
    assert columns["name"].tolist() == [-1]
