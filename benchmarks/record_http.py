"""Record real HTTP: nginx, a router that loses packets, and wrk, each in a network namespace of its own.

::

    client 10.20.1.2 ── 10.20.1.1 router 10.30.250.1 ── 10.30.250.2 server
          │                  │
       tcpdump          loses packets

Segmentation and checksum offload are off everywhere, so that frames are those a real link of 1500 bytes
carries, with right checksums. Half of the losses happen in the router, before tcpdump (a gap, filled later),
half in the client, after it (a retransmission of something seen). Needs root, Linux, nginx, wrk, tcpdump,
ethtool, iptables and iproute2. Everything happens in namespaces made here, which are deleted afterwards.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import string
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

CLIENT, SERVER = "10.20.1.2", "10.30.250.2"
ROUTER_CLIENT, ROUTER_SERVER = "10.20.1.1", "10.30.250.1"
NEEDED = ("ip", "ethtool", "iptables", "nginx", "wrk", "tcpdump")
LOSS = 0.003
CONNECTIONS = 24
REQUESTS_OF_A_CONNECTION = 40
BUFFER_KIB = 1 << 20
TIMEOUT_SECONDS = 300

NGINX = """
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; application/json json; image/jpeg jpg; application/octet-stream bin; }}
    access_log off;
    sendfile on;
    keepalive_requests {requests};
    gzip on;
    gzip_comp_level 1;
    gzip_types application/json;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen {server}:80; root {folder}/files; }}
}}
"""

WRK = """
local paths = {{ {paths} }}
local headers = {{ ["Host"] = "files.example", ["User-Agent"] = "wrk" }}
local packed = {{ ["Host"] = "files.example", ["User-Agent"] = "wrk", ["Accept-Encoding"] = "gzip" }}
function init() math.randomseed(1) end
request = function()
    return wrk.format("GET", paths[math.random(#paths)], math.random(3) == 1 and packed or headers)
end
"""

FILES = {"index.html": 3_000, "list.json": 40_000, "photo.jpg": 180_000, "archive.bin": 600_000}
"""Sizes in bytes."""

DRAWN = ("index.html",) * 3 + ("list.json",) * 3 + ("photo.jpg",) * 3 + ("archive.bin",)
"""A request asks for one of these at random."""


class RecordingError(Exception):
    """The recording did not come out as it should; the message says why."""


def missing() -> list[str]:
    """The programs that would be needed and are not there; ``root`` where that is what is missing."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return absent if os.geteuid() == 0 else [*absent, "root"]


def run(*command: str) -> str:
    """Run ``command`` to its end; return its output."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        message = f"{' '.join(command)}: {done.stderr.strip()}"
        raise RecordingError(message)
    return done.stdout


class Network:
    """The three namespaces and the two links between them; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        """Choose names that are this process's own."""
        self.client, self.router, self.server = (
            f"nabench-{role}-{os.getpid()}" for role in ("client", "router", "server")
        )

    def __enter__(self) -> Self:
        """Make namespaces, links, addresses, routes and the losses."""
        try:
            for name in (self.client, self.router, self.server):
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
            self._link(self.client, CLIENT, "to-client", ROUTER_CLIENT)
            self._link(self.server, SERVER, "to-server", ROUTER_SERVER)
            self.within(self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            self._lose(self.router, "FORWARD")
            self._lose(self.client, "INPUT")
        except RecordingError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the namespaces; their links go with them."""
        for name in (self.client, self.router, self.server):
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True)

    def within(self, name: str, *command: str) -> str:
        """Run ``command`` to its end in one of the namespaces."""
        return run("ip", "netns", "exec", name, *command)

    def start(
        self, name: str, *command: str, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.Popen[str]:
        """Start ``command`` in one of the namespaces."""
        whole = ("ip", "netns", "exec", name, *command)
        return subprocess.Popen(whole, text=True, stdout=stdout, stderr=stderr)

    def _link(self, name: str, address: str, router_device: str, router_address: str) -> None:
        """A link between the router and ``name``, whose end is called ``eth0``."""
        peer = ("peer", "name", "eth0", "netns", name)
        run("ip", "-n", self.router, "link", "add", router_device, "type", "veth", *peer)
        for where, device, own in ((name, "eth0", address), (self.router, router_device, router_address)):
            run("ip", "-n", where, "address", "add", f"{own}/24", "dev", device)
            run("ip", "-n", where, "link", "set", device, "up")
            off = [word for feature in ("tso", "gso", "gro", "tx", "rx") for word in (feature, "off")]
            self.within(where, "ethtool", "-K", device, *off)
        run("ip", "-n", name, "route", "add", "default", "via", router_address)

    def _lose(self, name: str, chain: str) -> None:
        """Let half of the losses happen in ``chain``."""
        rule = ("-m", "statistic", "--mode", "random", "--probability", str(LOSS / 2), "-j", "DROP")
        self.within(name, "iptables", "-A", chain, "-p", "tcp", *rule)


def _write_files(folder: Path) -> None:
    """What the server serves: text that compresses, and bytes that do not."""
    chance = random.Random(1)
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(500)]
    folder.mkdir()
    for name, size in FILES.items():
        if name.endswith(("html", "json")):
            content = " ".join(chance.choices(words, k=size // 2)).encode()[:size]
        else:
            content = chance.randbytes(size)
        (folder / name).write_bytes(content)


def end(process: subprocess.Popen[str], signal_number: int = signal.SIGTERM) -> None:
    """Ask a process of ours to end, and see that it does."""
    if process.poll() is None:
        process.send_signal(signal_number)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def record_http(path: Path, frames: int) -> dict[str, str | int]:
    """Record exactly ``frames`` frames to ``path``; return how it was done.

    Raises:
        RecordingError: a program failed, tcpdump dropped frames, or it took too long.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nabench-")))
        network = stack.enter_context(Network())
        _write_files(folder / "files")
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, server=SERVER, requests=REQUESTS_OF_A_CONNECTION), encoding="utf-8"
        )
        paths = ", ".join(f'"/{name}"' for name in DRAWN)
        (folder / "wrk.lua").write_text(WRK.format(paths=paths), encoding="utf-8")

        nginx = network.start(
            network.server, "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"
        )
        stack.callback(end, nginx, signal.SIGQUIT)
        capture = ("tcpdump", "-i", "eth0", "-n", "-s", "0", "-B", str(BUFFER_KIB), "-Z", "root")
        tcpdump = network.start(
            network.client, *capture, "-c", str(frames), "-w", str(path), "tcp", stderr=subprocess.PIPE
        )
        stack.callback(end, tcpdump)
        wait_until_listening(tcpdump)
        load = ("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", str(TIMEOUT_SECONDS))
        wrk = network.start(
            network.client,
            *load,
            "-s",
            str(folder / "wrk.lua"),
            f"http://{SERVER}/",
            stdout=subprocess.DEVNULL,
        )
        stack.callback(end, wrk)
        try:
            _, said = tcpdump.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            message = f"fewer than {frames} frames in {TIMEOUT_SECONDS} s: does the load run?"
            raise RecordingError(message) from None
    dropped = re.search(r"(\d+) packets? dropped by kernel", said)
    if dropped is None or int(dropped[1]):
        message = f"tcpdump did not capture everything: {said.strip()}"
        raise RecordingError(message)
    return {
        "dropped_by_tcpdump": 0,
        "loss": str(LOSS),
        "connections_at_once": CONNECTIONS,
        "requests_of_a_connection": REQUESTS_OF_A_CONNECTION,
    }


def wait_until_listening(tcpdump: subprocess.Popen[str]) -> None:
    """Return when tcpdump has said that it listens; the load must not start before."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and tcpdump.stderr is not None:
        line = tcpdump.stderr.readline()
        if "listening on" in line:
            return
        if not line:
            break
    message = "tcpdump does not start"
    raise RecordingError(message)
