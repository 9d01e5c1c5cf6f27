"""What the table ``udp`` says of the datagrams of a flow, with either kernel."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from crafting import eth, ethernet_of, icmp, ip4, ip6, udp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenarios import fragments

import netanalyze
from netanalyze.udp import datagrams, flow_kernel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

X, Y = "10.0.0.1", "10.0.0.2"
CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SOURCE = Path(datagrams.__file__).with_name("flow_kernel.py")
SECOND = 10**9


def interpreted() -> ModuleType:
    """The kernel's source, run as it is."""
    spec = importlib.util.spec_from_file_location("udp_flow_kernel_source", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["installed", "interpreted"], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = flow_kernel if request.param == "installed" else interpreted()
    monkeypatch.setattr(datagrams, "measure_datagrams", chosen.measure_datagrams)


def table(folder: Path, frames: Iterable[tuple[int, bytes]], link: int = 1) -> list[dict[str, Any]]:
    """The rows of ``udp`` for frames at these times in ns."""
    path = folder / "made.pcap"
    records = b"".join(
        struct.pack("<IIII", at // SECOND, at % SECOND, len(data), len(data)) + data for at, data in frames
    )
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link) + records)
    return rows_of(path)


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(netanalyze.analyze(path, reports=["udp"]).to_json())["udp"]
    return found


def packet(a: str, b: str, size: int, ports: tuple[int, int] = (40000, 9999), ident: int = 1) -> bytes:
    return ip4(udp(bytes(size), *ports), 17, a, b, ident=ident)


def test_sizes_rates_and_silence(tmp_path: Path) -> None:
    steps = [(0, X, Y, 10), (1, X, Y, 0), (4, Y, X, 500), (5, X, Y, 30), (10, Y, X, 100)]
    frames = [
        (at * SECOND, ethernet_of(packet(a, b, size, (40000, 9999) if a == X else (9999, 40000))))
        for at, a, b, size in steps
    ]
    (row,) = table(tmp_path, frames)
    sizes = [row[f"{what}_{side}_bytes"] for side in ("client", "server") for what in ("min", "avg", "max")]
    assert sizes == [0, 13, 30, 100, 300, 500]
    assert (row["client_bps"], row["server_bps"]) == (32, 480)
    assert (row["silence_ns"], row["silence_frame"]) == (5 * SECOND, 5)
    assert (row["senders"], row["cast"], row["aligned"], row["coalesced"]) == ("both", "unicast", 5, 0)
    assert row["icmp_error"] is None


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        (3, 3, "port unreachable"),
        (3, 1, "host unreachable"),
        (3, 13, "prohibited"),
        (3, 200, "ICMP type 3 code 200"),
    ],
)
def test_sent_to_nobody(tmp_path: Path, kind: int, code: int, words: str) -> None:
    sent = packet(X, Y, 20)
    answer = ethernet_of(ip4(icmp(kind, code, sent), 1, Y, X))
    later = ethernet_of(ip4(icmp(3, 0, sent), 1, Y, X))
    (row,) = table(tmp_path, [(0, ethernet_of(sent)), (1, answer), (2, later)])
    assert (row["icmp_error"], row["icmp_frame"], row["icmp_errors"]) == (words, 2, 2)
    assert (row["senders"], row["silence_ns"], row["min_server_bytes"]) == ("client", None, None)


def test_error_about_a_flow_that_was_not_seen(tmp_path: Path) -> None:
    sent = ip6(udp(b"x", 40000, 9999), 17, "2001:db8::1", "2001:db8::2")
    answer = ip6(icmp(1, 4, sent), 58, "2001:db8::2", "2001:db8::1")
    (row,) = table(tmp_path, [(0, ethernet_of(answer))])
    assert (row["icmp_error"], row["icmp_frame"]) == ("port unreachable", 1)
    assert (row["senders"], row["min_client_bytes"], row["client_bps"]) == (None, None, None)


@pytest.mark.parametrize(
    ("address", "mac", "cast"),
    [
        ("239.1.2.3", "01005e010203", "multicast"),
        ("255.255.255.255", "ffffffffffff", "broadcast"),
        ("10.0.0.255", "ffffffffffff", "broadcast"),
        ("10.0.0.255", "020000000001", "unicast"),
    ],
)
def test_cast(tmp_path: Path, address: str, mac: str, cast: str) -> None:
    frame = eth(0x0800, packet(X, address, 20), bytes.fromhex(mac + "02000000000a"))
    (row,) = table(tmp_path, [(0, frame)])
    assert (row["cast"], row["client"], row["server"]) == (cast, X, address)


def test_cast_on_any_interface(tmp_path: Path) -> None:
    cooked = bytes.fromhex("0001 0001 0006 02000000000a 0000 0800") + packet(X, "10.0.0.255", 20)
    assert [row["cast"] for row in table(tmp_path, [(0, cooked)], link=113)] == ["broadcast"]


def test_large_packets_are_several_datagrams_unless_in_fragments_or_on_one_host(tmp_path: Path) -> None:
    whole = [ethernet_of(packet(X, Y, size)) for size in (1472, 1473, 20000)]
    local = [ethernet_of(packet("127.0.0.1", "127.0.0.2", 20000))]
    parts = fragments(udp(bytes(3000), 40000, 9999), 17, X, "10.0.0.3", (1480, 2960))
    pieces = [ethernet_of(part) for part in parts]
    rows = table(tmp_path, [(0, frame) for frame in (*whole, *local, *pieces)])
    assert [(row["coalesced"], row["aligned"], row["fragmented"]) for row in rows] == [
        (2, 1, 0),
        (0, 1, 0),
        (0, 1, 1),
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 20 * SECOND), st.booleans(), st.integers(0, 1400)), min_size=1, max_size=30
    )
)
def test_against_lists(tmp_path: Path, steps: list[tuple[int, bool, int]]) -> None:
    frames = [
        (at, ethernet_of(packet(X, Y, size, ident=n) if up else packet(Y, X, size, (9999, 40000), n)))
        for n, (at, up, size) in enumerate(steps, 1)
    ]
    (row,) = table(tmp_path, frames)
    for side, up in (("client", True), ("server", False)):
        sizes = [size for _, sent_up, size in steps if sent_up == up]
        assert row[f"min_{side}_bytes"] == (min(sizes) if sizes else None)
        assert row[f"max_{side}_bytes"] == (max(sizes) if sizes else None)
        assert row[f"avg_{side}_bytes"] == (sum(sizes) // len(sizes) if sizes else None)
    latest, longest = steps[0][0], None
    for at, _, _ in steps[1:]:
        if at - latest > (longest or 0):
            longest = at - latest
        latest = max(latest, at)
    assert row["silence_ns"] == longest


def test_a_recorded_exchange() -> None:
    truth = json.loads((CAPTURES / "udp-exchange.truth.json").read_text())["datagrams"]
    for row in rows_of(CAPTURES / "udp-exchange.pcap"):
        ends = [(row["client"], row["client_port"]), (row["server"], row["server_port"])]
        for side, source, target in zip(("client", "server"), ends, ends[::-1], strict=True):
            sizes = [
                one["sent_bytes"]
                for one in truth
                if tuple(one["source"]) == source and tuple(one["destination"]) == target
            ]
            expected = (min(sizes), sum(sizes) // len(sizes), max(sizes)) if sizes else (None, None, None)
            assert tuple(row[f"{what}_{side}_bytes"] for what in ("min", "avg", "max")) == expected
    casts = {row["server"]: row["cast"] for row in rows_of(CAPTURES / "udp-exchange.pcap")}
    assert casts["10.6.0.255"] == "broadcast"
    assert casts["239.6.0.1"] == "multicast"
