"""Captures of real traffic, in network namespaces of their own (see ``live_lab.py``)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze.capture import open_live
from netanalyze.capture.info import FileInfo
from netanalyze.capture.live import capture as live_capture
from netanalyze.capture.live import devices, packet_socket
from netanalyze.capture.live.capture import LiveCapture
from netanalyze.capture.live.options import LiveOptions
from netanalyze.capture.notices import Notices
from netanalyze.errors import FilterError, UsageError

if TYPE_CHECKING:
    from netanalyze.capture.batch import Batch

LAB = Path(__file__).with_name("live_lab.py")


def may_capture() -> bool:
    """Whether namespaces and packet sockets can be had here."""
    if not packet_socket.SUPPORTED or shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    command = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    if subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603 - a literal
        return False
    try:
        packet_socket.open_socket().close()
    except Exception:  # noqa: BLE001 - whatever the reason
        return False
    return True


needs_rights = pytest.mark.skipif(not may_capture(), reason="no packet sockets or network namespaces here")


def lab(scenario: str, folder: Path, **environment: str) -> Any:  # noqa: ANN401 - JSON
    made = subprocess.run(  # noqa: S603 - our own script
        [str(shutil.which("unshare")), "--net", sys.executable, str(LAB), scenario, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@needs_rights
@pytest.mark.parametrize("scenario", ["pair", "nginx", "dnsmasq"])
def test_the_live_report_is_that_of_the_file(tmp_path: Path, scenario: str) -> None:
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    if scenario != "pair" and shutil.which(scenario, path=path) is None:
        pytest.skip(f"{scenario} is not installed")
    found = lab(scenario, tmp_path)
    assert found["live"] == found["file"]
    assert found["warnings"] == []
    (capture,) = found["live"]["capture"]
    assert capture["received"] == capture["frames"]
    assert capture["dropped"] == 0
    if scenario == "pair":
        assert len(found["live"]["streams"]) == 52
        assert [row["retransmissions"] for row in found["live"]["streams"]] == [0] * 52
    elif scenario == "nginx":
        assert [row["status"] for row in found["live"]["http"]] == [404, 200, 200] * 20
    else:
        answered = sum(row["app"] == "dns" and row["server_datagrams"] > 0 for row in found["live"]["udp"])
        assert answered == 1


@needs_rights
def test_scapy_sees_the_same(tmp_path: Path) -> None:
    found = lab("scapy", tmp_path, NETANALYZE_CAPTURE="scapy")
    assert found["live"] == found["file"]
    assert found["live"]["capture"][0]["received"] is None
    (flow,) = found["live"]["udp"]
    assert (flow["client_datagrams"], flow["client_bytes"]) == (50, 49 * 25)


@needs_rights
def test_vlan_tags(tmp_path: Path) -> None:
    found = lab("vlan", tmp_path)
    assert all(live == file for live, file in found.values())
    paths = {name: [row["path"] for row in live] for name, (live, _) in found.items()}
    assert "eth.vlan.ip.udp" in paths["udp"]
    assert "eth.ip.udp" in paths["udp"]
    assert paths["vlan 5"] == ["eth.vlan.ip.udp"]
    assert paths["vlan 6"] == []


@needs_rights
def test_several_interfaces(tmp_path: Path) -> None:
    if not Path("/dev/net/tun").exists():
        pytest.skip("no /dev/net/tun")
    found = lab("several", tmp_path)
    for one in found.values():
        assert one["live"] == one["file"]
        assert one["warnings"] == []
    seen = {name: {row["path"] for row in one["live"]["protocols"]} for name, one in found.items()}
    assert {"eth.ip.udp", "raw.ip.udp", "eth.ip.tcp", "eth.ipv6.tcp"} <= seen["any"]
    assert seen["t0+v1"] == {"eth.ip.udp", "raw.ip.udp"}
    assert {"raw.ip.udp", "eth.ip.tcp"} <= seen["lo+t0"]
    assert found["lo+t0"]["live"]["capture"][0]["interfaces"] == 2
    servers = {row["server"] for row in found["lo+t0"]["live"]["udp"]}
    assert servers == {"127.0.0.1", "203.0.113.2"}


@needs_rights
def test_an_interface_that_comes_and_goes(tmp_path: Path) -> None:
    found = lab("changes", tmp_path)
    assert [line.split(";")[0] for line in found["warnings"]] == [
        "v1: the interface is down",
        "v1: the interface is up again",
        "v1: the interface is gone",
        "v1: the interface is up again",
    ]
    assert sum(row["client_datagrams"] for row in found["udp"]) == 3


@needs_rights
def test_limits(tmp_path: Path) -> None:
    found = lab("limits", tmp_path)
    assert found["frames"]["frames"] == 7
    assert (found["snap"]["frames"], found["snap"]["bytes"]) == (3, 300)
    assert found["snap"]["wire_bytes"] > 2000
    assert found["seconds"]["frames"] > 20
    assert 0.5 <= found["seconds"]["seconds"] < 3
    assert found["filter"]["frames"] > 20  # port unreachable
    assert found["filter"]["link_types"] == "ETHERNET"
    assert 0.5 <= found["idle"]["seconds"] < 3
    assert found["down"]["warnings"] == ["v1: the interface is down; waiting for it to come up"]


@needs_rights
def test_what_is_lost_is_told(tmp_path: Path) -> None:
    found = lab("overrun", tmp_path)
    assert found["dropped"] > 0
    assert found["frames"] + found["dropped"] == found["received"]
    assert "packets were lost while capturing" in found["warnings"][-1]


@needs_rights
def test_what_analysis_has_no_time_for_is_written(tmp_path: Path) -> None:
    found = lab("behind", tmp_path)
    (capture,) = found["live"]["capture"]
    frames = capture["frames"]
    assert frames + capture["dropped"] == capture["received"] == 30_000
    assert found["file"]["capture"] == [capture]
    assert [row["client_datagrams"] for row in found["file"]["udp"]] == [frames]
    over = found["passed_over"]
    assert capture["dropped"] < over < frames  # a busy machine may leave this process alone for too long
    assert [row["client_datagrams"] for row in found["live"]["udp"]] == [frames - over]
    ledger = {row["reason"]: row["frames"] for row in found["live"]["ledger"]}
    assert ledger["passed over: analysis was slower than packets came"] == over
    assert found["warnings"][-1].startswith(f"{over} frames were not analysed")


def test_unknown_interfaces() -> None:
    with pytest.raises(UsageError, match=r"no interface 'nope'; there are: .*any"):
        open_live(["nope"])
    with pytest.raises(UsageError, match="name it alone"):
        open_live(["any", "lo"])
    with pytest.raises(UsageError, match="no interface is named"):
        open_live([])


@pytest.mark.skipif(not packet_socket.SUPPORTED, reason="Linux only")
def test_the_loopback_interface_is_known() -> None:
    (lo,) = devices.find(["lo"])
    assert lo.loopback
    assert lo.link_type == 1


def test_filters_of_several_kinds() -> None:
    program = packet_socket.build_filter("tcp port 80", [1, 65534, 772], 96, [3, 4])
    assert {step.k for step in program if step.code == 0x06} == {0, 96}
    for at, step in enumerate(program):
        if step.code & 7 == 5:
            targets = (step.k,) if step.code == 5 else (step.jt, step.jf)
            assert all(at + 1 + target < len(program) for target in targets)
    with pytest.raises(FilterError, match="tcp prt"):
        packet_socket.build_filter("tcp prt", [1], 96)
    with pytest.raises(FilterError):
        packet_socket.build_filter("ether host 02:00:00:00:00:01", [65534], 96)
    assert packet_socket.build_filter("ether host 02:00:00:00:00:01", [1, 65534], 96)


class Quiet:
    """A tap that nothing comes from."""

    format = "live"
    depth = 2
    crowded = 0.0

    def __init__(self, lines: list[str]) -> None:
        """Tell these lines, one each time."""
        self.lines = lines

    def fill(self, batch: Batch) -> None:
        batch.count = 0

    def release(self) -> None:
        pass

    def wait(self, seconds: float) -> int:
        del seconds
        return 0

    def counts(self) -> tuple[int, int]:
        return 100, 7

    def stop(self) -> None:
        pass

    def renew(self) -> list[str]:
        return self.lines

    def close(self) -> None:
        pass


def test_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_capture, "LOOK_NS", 0)
    times = iter([0, 0, 3_000_000_000, 3_000_000_000, -1_000_000_000])
    last = [0]

    def clock() -> int:
        last[0] = next(times, last[0])
        return live_capture._steady_ns() + last[0]

    asked = LiveOptions(duration_ns=10**8)
    capture = LiveCapture(Quiet([]), FileInfo("lo"), Notices(), asked, clock=clock)
    assert sum(batch.count for batch in capture) == 0
    lines = [line for line in capture.warnings if "clock" in line]
    assert [line.split(":")[0] for line in lines] == [
        "the clock was set forward by 3.0 s",
        "the clock was set back by 4.0 s",
    ]
    assert next(line for line in capture.warnings if "lost" in line).startswith(
        "packets are being lost, 7 so far"
    )
    assert capture.warnings[-1].startswith("7 of 100 packets were lost while capturing (7 %)")


def test_how_long_the_ring_lasts() -> None:
    asked = LiveOptions(buffer_bytes=64 << 20)
    tap = Quiet([])
    capture = LiveCapture(tap, FileInfo("lo"), Notices(), asked)
    assert capture.lasts_seconds(0, 64 << 20) == 1
    tap.crowded = 0.5
    assert capture.lasts_seconds(0, 64 << 20) == 0.5
    assert capture.lasts_seconds(1 << 20, 64 << 20) < 0.2  # frames take room beside their bytes
    assert capture.lasts_seconds(0, 0) > 10**6
