"""Which process of this machine owns a TCP or UDP socket, from /proc (proc(5)); Linux only, elsewhere nobody.

Looked up when a connection is seen first: its socket in ``/proc/net/tcp`` and ``tcp6``, or ``udp`` and
``udp6``, and the process that has the socket's inode among its open files. A connection that is over by then
has no socket any more; that of its server can be told all the same, by the socket that listens. A UDP socket
mostly has no remote end, and is found by its own. Files of other users' processes may be looked at by root
only.
"""

from __future__ import annotations

import codecs
import os
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

codecs.lookup("ascii")  # while it can be loaded: rights may be given up before it is used

_LISTENING = "0A"
_MOST_CACHED = 1 << 16
_MAPPED = 0xFFFF
"""What precedes an IPv4 address in an IPv6 socket (RFC 4291 section 2.5.5.2)."""
_LOOPBACK = 127

Address: TypeAlias = "tuple[int, int]"
"""The upper and the lower 64 bits; the upper ones of an IPv4 address are 0."""


class End(NamedTuple):
    """An endpoint."""

    address: Address
    port: int


_ANY = 0, 0
"""Instead of an address: any."""
_NOBODY = End(_ANY, 0)


class Sockets(NamedTuple):
    """The sockets that there are of a transport, as inodes.

    Attributes:
        connected: by local and remote endpoint.
        bound: those without a remote one (TCP: that listen) by local endpoint, whose address is 0 where
            the socket takes what comes to any; of several one.
    """

    connected: dict[tuple[End, End], int]
    bound: dict[End, int]


def sockets(folder: Path = Path("/proc/net"), transport: str = "tcp") -> Sockets:
    """What the kernel lists of a transport, ``tcp`` or ``udp``."""
    found = Sockets({}, {})
    for name in (transport, f"{transport}6"):
        with suppress(OSError):
            for line in (folder / name).read_text("ascii", "replace").splitlines()[1:]:
                _note(line.split(), found)
    return found


def _note(words: list[str], found: Sockets) -> None:
    """Take in a line: its second word is the local end, the third the remote one, then the state."""
    if len(words) < 10 or words[9] == "0":  # noqa: PLR2004 - columns; without inode nobody has it open
        return
    local, remote = _end(words[1]), _end(words[2])
    if words[3] == _LISTENING or remote == _NOBODY:
        found.bound.setdefault(local, int(words[9]))
    else:
        found.connected[local, remote] = int(words[9])


def _end(text: str) -> End:
    """``0100007F:1F90``: words of 32 bits as this machine has them in memory, and a port."""
    digits, _, port = text.partition(":")
    words = [int(digits[at : at + 8], 16) for at in range(0, len(digits), 8)]
    octets = struct.pack(f"={len(words)}I", *words)
    number = int.from_bytes(octets, "big")
    high, low = number >> 64, number & (1 << 64) - 1
    if len(words) > 1 and high == 0 and low >> 32 == _MAPPED:
        low &= (1 << 32) - 1
    return End((high, low), int(port, 16))


def local_addresses(folder: Path = Path("/proc/net")) -> frozenset[Address]:
    """The addresses of this machine, but for those of 127.0.0.0/8."""
    found = set()
    with suppress(OSError):
        # An address stands above the line that says what it is.
        text = (folder / "fib_trie").read_text("ascii", "replace")
        for match in re.finditer(r"([\d.]+)\n\s+/32 host LOCAL", text):
            octets = [int(part) & 0xFF for part in match[1].split(".") if part]
            found.add((0, int.from_bytes(bytes(octets), "big")))
    with suppress(OSError):
        for line in (folder / "if_inet6").read_text("ascii", "replace").splitlines():
            number = int(line.split()[0], 16)
            found.add((number >> 64, number & (1 << 64) - 1))
    return frozenset(found)


class Owners:
    """Finds processes, and remembers what it found."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        """Nothing known yet; ``root`` is where the system tells about processes."""
        self._root = root
        self._names: dict[int, str] = {}  # by inode; empty where nobody was found

    @property
    def there(self) -> bool:
        """Whether this system tells."""
        return (self._root / "net" / "tcp").exists()

    def of(self, pairs: list[tuple[End, End]], transport: str = "tcp") -> list[tuple[str, str]]:
        """Who owns either end of these connections or flows: ``1234/nginx``, empty where that is not known.

        One look at the sockets that there are serves all; processes are looked through where a socket is new.
        """
        there = sockets(self._root / "net", transport)
        mine = local_addresses(self._root / "net")
        inodes = [
            [_inodes(end, other, there, mine) for end, other in (pair, (pair[1], pair[0]))] for pair in pairs
        ]
        wanted = {inode for pair in inodes for either in pair for inode in either if inode}
        if not wanted <= self._names.keys():
            self._look(wanted)
        return [(self._name(*first), self._name(*second)) for first, second in inodes]

    def _name(self, connected: int, bound: int) -> str:
        """Who has the one socket, or the other where that was closed while we looked."""
        return self._names.get(connected) or self._names.get(bound, "")

    def _look(self, wanted: set[int]) -> None:
        """Go through the open files of all processes."""
        if len(self._names) + len(wanted) > _MOST_CACHED:
            self._names.clear()
        self._names |= dict.fromkeys(wanted - self._names.keys(), "")
        with suppress(OSError), os.scandir(self._root) as entries:
            for entry in entries:
                if entry.name.isdecimal():
                    self._look_at(entry.name)

    def _look_at(self, process: str) -> None:
        name = ""
        with suppress(OSError), os.scandir(self._root / process / "fd") as files:
            for file in files:
                target = os.readlink(file.path)  # noqa: PTH115 - for each open file of the machine
                if not target.startswith("socket:["):
                    continue
                inode = int(target[8:-1])
                if self._names.get(inode) == "":
                    name = name or (self._root / process / "comm").read_text("utf-8", "replace").strip()
                    self._names[inode] = f"{process}/{name}"


def _inodes(end: End, other: End, there: Sockets, mine: frozenset[Address]) -> tuple[int, int]:
    """The sockets of one end of a connection or flow: connected, and bound; 0 where there is none here."""
    high, low = end.address
    loopback = high == 0 and low >> 24 == _LOOPBACK
    connected = there.connected.get((end, other), 0)
    if not loopback and end.address not in mine:
        return connected, 0
    return connected, there.bound.get(end) or there.bound.get(End(_ANY, end.port), 0)
