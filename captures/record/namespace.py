"""One network namespace: a host with its own interfaces, addresses, counters and sockets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLONE_NEWNET = 0x40000000
LISTEN, TIME_WAIT = 10, 6
"""TCP states as numbered in ``/proc/net/tcp``."""

_libc = ctypes.CDLL(None, use_errno=True)


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    """Look every few milliseconds whether ``condition`` holds.

    Raises:
        TimeoutError: it did not hold within ``timeout_s``; the message says what was waited for.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            msg = f"waited {timeout_s:g} s for {what}"
            raise TimeoutError(msg)
        time.sleep(0.005)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


class Namespace:
    """A network namespace made with ``ip netns add``.

    Attributes:
        name: its name for ``ip netns exec``.
    """

    def __init__(self, name: str) -> None:
        """Make it."""
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)

    def remove(self) -> None:
        """Remove it, and the name server setting with it."""
        subprocess.run(["ip", "netns", "del", self.name], check=False)
        shutil.rmtree(f"/etc/netns/{self.name}", ignore_errors=True)
        with contextlib.suppress(OSError):
            Path("/etc/netns").rmdir()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread into this namespace for the time of a ``with`` block.

        Sockets, TUN devices and files below ``/proc/thread-self/net`` opened meanwhile belong to it.
        """
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                _setns(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _setns(back)
        finally:
            os.close(back)

    def new_socket(
        self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """A socket of this host, with a timeout of ten seconds."""
        with self.entered():
            made = socket.socket(family, kind, protocol)
        made.settimeout(10.0)
        return made

    def listener(self, address: str, port: int, backlog: int = 16) -> socket.socket:
        """A TCP socket of this host that listens."""
        made = self.new_socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(backlog)
        return made

    def datagrams(self, address: str, port: int = 0) -> socket.socket:
        """A UDP socket of this host, bound."""
        made = self.new_socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, port))
        return made

    def ip(self, *words: str) -> None:
        """Run ``ip`` with this namespace's interfaces."""
        subprocess.run(["ip", "-n", self.name, *words], check=True)

    def run(
        self, *argv: str | Path, check: bool = True, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program here to its end and return what it said."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *map(str, argv)],
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
        )

    def address(self, interface: str, address: str) -> None:
        """Give an interface an address, usable at once (no duplicate address detection)."""
        self.ip("address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))

    def no_offload(self, interface: str) -> None:
        """Have the kernel compute checksums and cut segments itself, so that frames are as on a wire."""
        settings = [word for feature in ("tx", "rx", "sg", "tso", "gso", "gro") for word in (feature, "off")]
        self.run("ethtool", "-K", interface, *settings)

    def sysctl(self, name: str, value: int) -> None:
        """Set a kernel parameter of this namespace."""
        with self.entered():
            Path("/proc/sys", name).write_text(f"{value}\n")

    def resolver(self, address: str) -> None:
        """Make ``address`` the name server of programs run here."""
        self.etc("resolv.conf", f"nameserver {address}\n")

    def etc(self, name: str, text: str) -> None:
        """Give programs run here their own ``/etc/NAME``; the system must have such a file."""
        folder = Path("/etc/netns", self.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def proc(self, name: str) -> str:
        """The text of ``/proc/net/NAME`` of this namespace."""
        with self.entered():
            return Path("/proc/thread-self/net", name).read_text()

    def frames(self, interface: str) -> int:
        """Frames that a capture on ``interface`` has had the chance to see; ``any`` is all of them.

        What goes out on ``lo`` comes in again, and a capture takes only what comes in.
        """
        total = 0
        for line in self.proc("dev").splitlines()[2:]:
            name, _, numbers = line.partition(":")
            received, sent = (int(numbers.split()[column]) for column in (1, 9))
            if interface in (name.strip(), "any"):
                total += received if name.strip() == "lo" else received + sent
        return total

    def _ports(self, table: str) -> Iterator[tuple[int, int]]:
        with contextlib.suppress(FileNotFoundError):
            for line in self.proc(table).splitlines()[1:]:
                words = line.split()
                yield int(words[1].rpartition(":")[2], 16), int(words[3], 16)

    def listens(self, port: int) -> bool:
        """Whether a TCP socket of this host listens on ``port``."""
        return any(
            one == port and state == LISTEN for table in ("tcp", "tcp6") for one, state in self._ports(table)
        )

    def receives(self, port: int) -> bool:
        """Whether a UDP socket of this host is bound to ``port``."""
        return any(one == port for table in ("udp", "udp6") for one, _ in self._ports(table))

    def quiet(self) -> bool:
        """Whether no TCP connection of this host is open or still being closed."""
        return all(
            state in (LISTEN, TIME_WAIT) for table in ("tcp", "tcp6") for _, state in self._ports(table)
        )

    def counters(self) -> dict[str, int]:
        """The kernel's counters of IP, ICMP, TCP and UDP, named as ``nstat`` names them."""
        found: dict[str, int] = {}
        for table in ("snmp", "netstat"):
            lines = self.proc(table).splitlines()
            for names, numbers in zip(lines[::2], lines[1::2], strict=True):
                prefix = names.partition(":")[0]
                for name, number in zip(names.split()[1:], numbers.split()[1:], strict=True):
                    found[prefix + name] = int(number)
        with contextlib.suppress(FileNotFoundError):
            for line in self.proc("snmp6").splitlines():
                name, number = line.split()
                found[name] = int(number)
        return found
