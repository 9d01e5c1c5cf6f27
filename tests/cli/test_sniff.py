"""The command ``sniff``: what is asked of the capture, how it ends, what it says where it may not capture."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from netanalyze.capture import open_capture
from netanalyze.capture.live import packet_socket, privileges
from netanalyze.cli.app import app
from netanalyze.errors import NetanalyzeError, PermissionDeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = [sys.executable, "-m", "netanalyze", "sniff"]


def may_capture() -> bool:
    if not packet_socket.SUPPORTED:
        return False
    try:
        packet_socket.open_socket().close()
    except NetanalyzeError:
        return False
    return True


needs_rights = pytest.mark.skipif(not may_capture(), reason="no packet sockets here")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not may_capture(), reason="for root only"
)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["sniff", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "no interface 'nope'; there are: "),
        (["any", "lo"], "any has all interfaces in it already"),
        (["lo", "--rotate-size", "1"], "--rotate-size is about the file that is written: add --write FILE"),
        (["lo", "--write", "x.pcap", "--rotate-files", "1"], "--rotate-files needs --rotate-size"),
        (["lo", "--write", "-"], "standard output has the report"),
        (["lo", "--write", "x", "-o", "x", "--format", "json"], "x is to have the report"),
        (["lo", "-r", "nope"], "no table 'nope'"),
        (["lo", "-r", "windows"], "windows is about a stream"),
        (["lo", "--duration", "nan"], "--duration takes a number"),
        (["lo", "--decode-as", "x"], "x"),
        (["lo", "--names", "--format", "table"], "--names is about tables"),
        (["lo", "--names", "-r", "streams", "--format", "json"], "--names changes text, not json"),
        (["lo", "--framing", "nope", "-r", "writes"], "nope"),
    ],
)
def test_bad_usage_is_a_line(arguments: list[str], said: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_without_the_right_to_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(packet_socket.socket, "socket", refuse)
    with pytest.raises(PermissionDeniedError, match="setcap cap_net_raw"):
        packet_socket.open_socket()


@needs_root
def test_without_rights_as_another_user(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None or not os.access(Path(sys.executable).resolve(), os.X_OK):
        pytest.skip("no setpriv")
    command = [setpriv, "--reuid", "65534", "--clear-groups", *PROGRAM, "lo", "--write", str(tmp_path / "x")]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603 - ours
    if "No module named" in made.stderr or "Permission denied" in made.stderr:
        pytest.skip("another user may not read the program")
    assert (made.returncode, made.stdout) == (2, "")
    assert "sudo" in made.stderr
    assert "setcap cap_net_raw+ep" in made.stderr
    assert made.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.fixture
def talk() -> Iterator[int]:
    """Somebody who sends datagrams to a port all the time."""
    command = (
        "import socket, time\n"
        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "while True: sock.sendto(b'x', ('127.0.0.1', 47999)); time.sleep(0.002)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", command])  # noqa: S603 - ours
    try:
        yield 47999
    finally:
        process.kill()
        process.wait()


def wait_for(path: Path, size: int) -> None:
    for _ in range(200):
        if path.exists() and path.stat().st_size > size:
            return
        time.sleep(0.05)
    pytest.fail(f"{path} does not grow")


@needs_rights
def test_count_and_table(talk: int) -> None:
    status, out, err = run("lo", "-f", f"udp port {talk}", "--count", "3", "-r", "udp", "--format", "json")
    assert (status, err) == (0, "")
    (flow,) = json.loads(out)["udp"]
    assert (flow["client_datagrams"], flow["server_port"]) == (3, talk)


@needs_rights
def test_the_overview_of_nothing() -> None:
    status, out, err = run("lo", "-f", "udp port 1", "--duration", "0.1", "--format", "table")
    assert (status, err) == (0, "")
    assert out.startswith("lo: live, ETHERNET, 0 frames")


@needs_rights
def test_interrupted_it_reports(talk: int, tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    command = [
        *PROGRAM,
        "lo",
        "-f",
        f"udp port {talk}",
        "--write",
        str(path),
        "-r",
        "udp",
        "--format",
        "json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    wait_for(path, 1000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "netanalyze: interrupted; the report is on what was read until then\n"
    (live,) = json.loads(out)["udp"]
    again = CliRunner().invoke(app, ["analyze", str(path), "-r", "udp", "--format", "json"])
    (file,) = json.loads(again.stdout)["udp"]
    assert file["client_process"] is None
    assert "/python" in live["client_process"]
    assert {**file, "client_process": None} == {**live, "client_process": None}
    assert live["client_datagrams"] > 5


@needs_rights
def test_killed_it_leaves_a_readable_file(talk: int, tmp_path: Path) -> None:
    path = tmp_path / "out.pcapng"
    command = [*PROGRAM, "lo", "-f", f"udp port {talk}", "--write", str(path), "-r", "udp"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    wait_for(path, 1000)
    process.kill()
    process.wait()
    with open_capture([path]) as capture:
        assert sum(batch.count for batch in capture) > 5
        assert capture.warnings == []


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that every user may write to; those of pytest are its own user's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@needs_root
@pytest.mark.parametrize("by", ["sudo", "option"])
def test_rights_are_given_up(reachable: Path, talk: int, by: str) -> None:
    nobody = pwd.getpwnam("nobody")
    path, report = reachable / "out.pcapng", reachable / "report.json"
    command = [
        *PROGRAM,
        "lo",
        "-f",
        f"udp port {talk}",
        "--count",
        "5",
        "--write",
        str(path),
        "-o",
        str(report),
    ]
    environment = {**os.environ}
    if by == "sudo":
        environment |= {"SUDO_UID": str(nobody.pw_uid), "SUDO_GID": str(nobody.pw_gid), "SUDO_USER": "nobody"}
    else:
        command += ["--drop-to", "nobody"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    assert (made.returncode, made.stderr) == (0, "")
    assert {path.stat().st_uid, report.stat().st_uid} == {nobody.pw_uid}
    assert json.loads(report.read_text())["capture"][0]["frames"] == 5


@needs_root
def test_who_to_become(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    assert privileges.user_to_be() is None
    assert privileges.user_to_be("root") is None
    nobody = pwd.getpwnam("nobody")
    assert privileges.user_to_be("nobody") == privileges.User("nobody", nobody.pw_uid, nobody.pw_gid)
    with pytest.raises(UsageError, match="no user 'nobody-at-all'"):
        privileges.user_to_be("nobody-at-all")
    monkeypatch.setenv("SUDO_UID", "0")
    monkeypatch.setenv("SUDO_GID", "0")
    assert privileges.user_to_be() is None


def interfaces(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["interfaces", *arguments])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_interfaces() -> None:
    rows = json.loads(interfaces("--format", "json"))["interfaces"]
    assert [row["name"] for row in rows] == [name for _, name in sorted(socket.if_nameindex())]
    (lo,) = [row for row in rows if row["name"] == "lo"]
    assert (lo["loopback"], lo["link_type"], lo["mac"]) == (True, "ETHERNET", None)
    if lo["state"] == "up":
        assert "127.0.0.1/8" in lo["addresses"]
    text = interfaces()
    assert len(text.splitlines()) >= 3
    assert max(map(len, text.splitlines())) <= 80
