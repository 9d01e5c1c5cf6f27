"""The program as a process of its own: pipes, signals, encodings, start-up time."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
FAKE = [sys.executable, str(Path(__file__).parent / "fake_program.py")]
REAL = [sys.executable, "-m", "netanalyze"]
PLAIN = {**os.environ, "PYTHONUTF8": "1", "COLUMNS": "120", "PYTHONWARNINGS": "error"}
PATIENCE = 20


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, check=False, cwd=ROOT, env=PLAIN | environment, timeout=60
    )


@pytest.mark.parametrize(
    "arguments", [["-r", "streams", "--format", "json"], ["-r", "streams", "--top", "0"]]
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        [*FAKE, "analyze", "many", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=PLAIN,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(PATIENCE) == 0
    assert err == b""


def test_a_full_device() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(  # noqa: S603 - our own program
            [*FAKE, "analyze", "x"], stdout=full, stderr=subprocess.PIPE, check=False, cwd=ROOT, env=PLAIN
        )
    assert process.returncode == 2
    assert process.stderr == b"netanalyze: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [
        ("ascii", []),
        ("latin-1", ["-r", "streams", "--wide"]),
        ("cp1252", ["-r", "streams", "--format", "markdown"]),
    ],
)
def test_any_encoding_of_standard_output(encoding: str, arguments: list[str]) -> None:
    result = run([*FAKE, "analyze", "x", *arguments], PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.isascii()
    assert rb"\u4f8b\u3048" in result.stdout.replace(rb"\\u", rb"\u")


def test_programs_get_utf_8_in_any_encoding() -> None:
    result = run([*FAKE, "analyze", "x", "--format", "json"], PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert json.loads(result.stdout.decode("utf-8"))["streams"][0]["app"] == "例え"


def test_tables_in_any_encoding() -> None:
    result = run([*FAKE, "tables"], PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, b"")


def test_utf_8() -> None:
    assert "  例え" in run([*FAKE, "analyze", "x", "-r", "streams"]).stdout.decode("utf-8")


@pytest.fixture
def started(tmp_path: Path) -> Path:
    return tmp_path / "started"


def wait_for(path: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def start(argument: str, started: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*FAKE, "analyze", argument, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=PLAIN | {"STARTED": str(started)},
    )
    wait_for(started)
    return process


def test_interrupted_is_reported(started: Path) -> None:
    process = start("endless", started)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == b"netanalyze: interrupted; the report is on what was read until then\n"
    assert json.loads(out)["complete"] is False


def test_a_second_interrupt_kills(started: Path) -> None:
    process = start("stuck", started)
    process.send_signal(signal.SIGINT)
    wait_for(Path(f"{started}2"))
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT


def seen_on_terminal(command: list[str], environment: dict[str, str], stop: Path | None = None) -> bytes:
    """What a command writes to standard error if that is a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.DEVNULL, stderr=slave, cwd=ROOT, env=environment
    ) as process:
        os.close(slave)
        seen = b"".join(read_until_closed(master, process, stop))
        process.wait(PATIENCE)
    os.close(master)
    return seen


def read_until_closed(master: int, process: subprocess.Popen[bytes], stop: Path | None) -> Iterator[bytes]:
    end = time.monotonic() + PATIENCE
    interrupt_at = None
    while time.monotonic() < end:
        if stop and stop.exists() and interrupt_at is None:
            interrupt_at = time.monotonic() + 0.8
        if interrupt_at and time.monotonic() > interrupt_at:
            process.send_signal(signal.SIGINT)
            interrupt_at = float("inf")
        if select.select([master], [], [], 0.05)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:  # Linux says so when the other side is closed
                return
            if not data:
                return
            yield data
        elif process.poll() is not None:
            return


def test_progress_is_for_terminals_and_long_runs(started: Path) -> None:
    environment = PLAIN | {"STARTED": str(started), "TERM": "xterm"}
    assert b"kB" in seen_on_terminal([*FAKE, "analyze", "endless"], environment, started)
    assert seen_on_terminal([*FAKE, "analyze", "x"], environment) == b""
    started.unlink()
    command = [*FAKE, "analyze", "endless", "--no-progress"]
    assert b"kB" not in seen_on_terminal(command, environment, started)


def test_the_module_is_the_program() -> None:
    result = run([*REAL, "--version"])
    assert result.returncode == 0
    assert result.stdout.startswith(b"netanalyze ")
    assert result.stderr == b""


def test_help_is_quick_because_little_is_imported() -> None:
    code = (
        "import sys\n"
        "from netanalyze.cli.main import main\n"
        "sys.argv = ['netanalyze', *sys.argv[1:]]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'numpy', 'rich', 'tabulate', 'scapy', 'pydantic', 'lz4'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for arguments in (["--help"], ["analyze", "--help"]):
        result = run([sys.executable, "-c", code, *arguments])
        assert (result.returncode, result.stderr) == (0, b"")


def test_importing_the_package_is_quick() -> None:
    code = (
        "import sys, netanalyze\n"
        "heavy = {'numpy', 'msgspec', 'typer', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'open_capture' in dir(netanalyze)\n"
        "assert netanalyze.Table.__name__ == 'Table'\n"
    )
    result = run([sys.executable, "-c", code])
    assert (result.returncode, result.stderr) == (0, b"")
