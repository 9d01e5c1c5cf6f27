"""The recording room: network namespaces, cables between them, programs in them.

A recording runs inside ``with Lab(...)``. Whatever the room made (namespaces, devices, processes, files)
is removed when the block ends, however it ends. Only real kernels and real programs talk: the room just
puts them into namespaces of their own, with addresses that mean nothing outside.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import programs
from namespace import Namespace, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent
ATTEMPTS = 5
"""How often to record when chance has to help."""


class CannotRecordError(Exception):
    """Something that a recording needs is not there: a program, a privilege, a kernel feature."""


class ChanceError(Exception):
    """Chance did not bring what the recording is to show; record again."""


class Program:
    """A program running in a namespace; stopped with the room at the latest."""

    def __init__(self, namespace: Namespace, argv: list[str], log: Path, stop: signal.Signals) -> None:
        """Start ``argv``; its output goes to the file ``log``, the signal ``stop`` ends it."""
        self.argv = argv
        self.log = log
        self._stop = stop
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace.name, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        """What the program has written so far."""
        return self.log.read_text(errors="replace")

    def ready(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> Self:
        """Wait until ``condition`` holds; an end of the program before that is an error."""

        def done() -> bool:
            if self.process.poll() is not None:
                msg = f"{self.argv[0]} ended with status {self.process.returncode}: {self.said().strip()}"
                raise CannotRecordError(msg)
            return condition()

        wait_until(done, f"{self.argv[0]} to be ready; it said: {self.said().strip()}", timeout_s)
        return self

    def stop(self) -> str:
        """End the program, kindly first, and return all that it wrote."""
        if self.process.poll() is None:
            self.process.send_signal(self._stop)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.said()


class Lab:
    """One recording: makes the room, gathers captures and what was measured, removes the room.

    Attributes:
        name: name of the recording; its captures and its truth file begin with it.
        folder: temporary folder, readable by every user.
        truth: what programs and kernels reported, written to ``NAME.truth.json``.
    """

    def __init__(self, script: str, out: Path = CAPTURES) -> None:
        """A room for the recording script ``script``, whose captures go to the folder ``out``."""
        self.name = Path(script).stem.replace("_", "-")
        self.out = out
        self.truth: dict[str, Any] = {}
        self._captures: dict[str, dict[str, Any]] = {}
        self._programs: dict[str, str] = {}
        self._cleanup = contextlib.ExitStack()
        self._macs = 0
        self._logs = 0

    def __enter__(self) -> Self:
        """Check the privileges and make the temporary folder."""
        if os.geteuid() != 0:
            msg = "recording needs root: it makes network namespaces"
            raise CannotRecordError(msg)
        self.require("ip", "ethtool")
        self.folder = Path(tempfile.mkdtemp(prefix="netanalyze-record-"))
        self.folder.chmod(0o755)
        self._cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Remove everything; keep captures and truth only if nothing went wrong."""
        self._cleanup.close()
        if kind is None:
            self._write_truth()

    def require(self, *names: str) -> None:
        """Note that the recording uses the programs ``names``.

        Raises:
            CannotRecordError: programs are missing; the message names their Debian packages.
        """
        missing = [name for name in names if shutil.which(name, path=programs.PATH) is None]
        if missing:
            packages = " ".join(sorted({programs.PACKAGES.get(name, name) for name in missing}))
            msg = f"missing: {', '.join(missing)} (Debian: apt-get install {packages})"
            raise CannotRecordError(msg)
        for name in names:
            if name in programs.VERSIONS:
                self._programs[name] = programs.version(name)

    def uses_scapy(self) -> None:
        """Note that scapy made frames of this recording."""
        import scapy  # noqa: PLC0415  (half a second, and few recordings need it)

        self._programs["scapy"] = scapy.__version__

    def library(self, name: str) -> Any:  # noqa: ANN401
        """Import a library that takes part in the recording and is not among those of the project.

        Raises:
            CannotRecordError: it is not installed.
        """
        try:
            module = importlib.import_module(name)
        except ImportError:
            msg = f"missing: the Python library {name} (pip install {name})"
            raise CannotRecordError(msg) from None
        package = name.partition(".")[0]
        self._programs[package] = importlib.metadata.version(package)
        return module

    def later(self, action: Callable[..., object], *arguments: object) -> None:
        """Call ``action`` when the room is removed, before anything that was made earlier goes."""
        self._cleanup.callback(action, *arguments)

    def mac(self) -> str:
        """The next Ethernet address of the block that RFC 7042 section 2.1.2 reserves for documentation."""
        self._macs += 1
        return f"00:00:5e:00:53:{self._macs:02x}"

    def namespace(self, name: str, *, ipv6: bool = False, forwards: bool = False) -> Namespace:
        """A new host: a network namespace with ``lo`` up.

        Args:
            name: short name; the system's name for it has this process's number before.
            ipv6: whether its interfaces speak IPv6 at all.
            forwards: whether it is a router.
        """
        made = Namespace(f"na{os.getpid()}-{name}")
        self.later(made.remove)
        for family in ("all", "default"):
            made.sysctl(f"net/ipv6/conf/{family}/disable_ipv6", int(not ipv6))
        made.sysctl("net/ipv4/ip_forward", int(forwards))
        if ipv6:
            made.sysctl("net/ipv6/conf/all/forwarding", int(forwards))
        made.ip("link", "set", "lo", "up")
        return made

    def device(self, host: Namespace, name: str, kind: str, *words: str) -> None:
        """Make a virtual interface of a kind that a kernel may not know.

        Raises:
            CannotRecordError: the kernel cannot make it.
        """
        try:
            host.ip("link", "add", name, "type", kind, *words)
        except subprocess.CalledProcessError as error:
            msg = f"this kernel makes no {kind} devices"
            raise CannotRecordError(msg) from error

    def cable(
        self,
        one: Namespace,
        other: Namespace,
        *addresses: tuple[str, str],
        names: tuple[str, str] = ("eth0", "eth0"),
        offload: bool = False,
    ) -> None:
        """Join two hosts with a pair of Ethernet interfaces and give them addresses.

        Args:
            one: the first host.
            other: the second host.
            addresses: pairs of addresses with prefix length, for one end and the other.
            names: what the interfaces are called.
            offload: leave checksums and segmentation to the "card", as most computers do.
        """
        ends = (one, names[0]), (other, names[1])
        self.device(one, names[0], "veth", "peer", "name", names[1], "netns", other.name)
        for host, interface in ends:
            host.ip("link", "set", interface, "address", self.mac())
            if not offload:
                host.no_offload(interface)
        for pair in addresses:
            for (host, interface), address in zip(ends, pair, strict=True):
                host.address(interface, address)
        for host, interface in ends:
            host.ip("link", "set", interface, "up")

    def start(
        self, namespace: Namespace, *argv: str | Path, stop: signal.Signals = signal.SIGTERM
    ) -> Program:
        """Start a program in ``namespace``; it is stopped with the room at the latest."""
        self._logs += 1
        words = [str(word) for word in argv]
        program = Program(namespace, words, self.folder / f"{self._logs}-{Path(words[0]).name}.log", stop)
        self.later(program.stop)
        return program

    def keep(self, path: Path, name: str, frames: int, **facts: object) -> None:
        """Put a finished capture among the results.

        Args:
            path: the capture; ``.gz`` or ``.zst`` at the end of ``name`` has it compressed.
            name: its file name, which begins with the name of the recording.
            frames: how many frames are in it.
            facts: what else is known of the capture, for the truth file.

        Raises:
            ValueError: the name does not begin with that of the recording.
        """
        if not name.startswith(self.name):
            msg = f"{name} does not begin with {self.name}"
            raise ValueError(msg)
        if name.endswith(".gz"):
            self._pack(["gzip", "-9", "-n", "-c", str(path)], name)
        elif name.endswith(".zst"):
            self.require("zstd")
            self._pack(["zstd", "-19", "-q", "-c", str(path)], name)
        else:
            shutil.copyfile(path, self.out / name)
        self._captures[name] = {"frames": frames, **facts}
        print(f"{name}: {frames} frames, {(self.out / name).stat().st_size} bytes")

    def _pack(self, argv: list[str], name: str) -> None:
        with (self.out / name).open("wb") as output:
            subprocess.run(argv, stdout=output, check=True)

    def _write_truth(self) -> None:
        self._programs["Python"] = platform.python_version()
        self._programs["Linux"] = os.uname().release.split("-")[0]
        truth = {
            "recording": self.name,
            "script": f"record/{self.name.replace('-', '_')}.py",
            "programs": dict(sorted(self._programs.items())),
            "captures": self._captures,
            **self.truth,
        }
        path = self.out / f"{self.name}.truth.json"
        path.write_text(json.dumps(truth, indent=2) + "\n")


def run(record: Callable[[Lab], None], script: str) -> None:
    """Be the program of a recording script: parse the command line, record, say what is missing."""
    parser = argparse.ArgumentParser(description=record.__doc__)
    parser.add_argument("--out", type=Path, default=CAPTURES, help="folder for the captures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    # A terminated recording cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with Lab(script, out) as lab:
                record(lab)
            break
        except CannotRecordError as error:
            sys.exit(f"{Path(script).name}: {error}")
        except ChanceError as error:
            print(f"{Path(script).name}: attempt {attempt}: {error}", file=sys.stderr)
    else:
        sys.exit(1)
    print(f"{Path(script).name}: recorded in {time.monotonic() - began:.1f} s")
