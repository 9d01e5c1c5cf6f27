"""The network interfaces of this machine: what they are called, their state and addresses.

On Linux from rtnetlink; elsewhere scapy knows them.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING

from msgspec import Struct, field

from netanalyze.capture.live.packet_socket import link_of
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANY = "any"
"""All interfaces at once."""

UP = 1
LOOPBACK_FLAG = 8
_GET_FLAGS = 0x8913  # SIOCGIFFLAGS
_GET_LINKS, _NEW_LINK, _GET_ADDRESSES, _NEW_ADDRESS, _DONE, _ERROR = 18, 16, 22, 20, 3, 2
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER_BYTES = 16
_LINK = struct.Struct("=HHiII")
_FAMILY = struct.Struct("=BBBBI")
_LINK_ADDRESS, _IFNAME, _MTU, _STATE = 1, 3, 4, 16  # IFLA_…
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL
_STATES = dict(enumerate(("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")))
_ETHERNET = 1


class Device(Struct):
    """An interface.

    Attributes:
        index: the system's number of it.
        name: such as ``eth0``.
        up: whether it is switched on.
        state: ``up``, ``down``, ``lowerlayerdown``, … (RFC 2863), ``unknown`` where the driver does not say.
        mtu: bytes of a packet at most; None where it is not known.
        hardware_type: ARPHRD_ number of Linux; -1 elsewhere.
        link_type: LINKTYPE_ number of its frames.
        mac: its link address; empty if it has none.
        addresses: IP addresses with the length of the prefix.
        loopback: whether it leads to this machine only.
    """

    index: int
    name: str
    up: bool = True
    state: str = "unknown"
    mtu: int | None = None
    hardware_type: int = -1
    link_type: int = _ETHERNET
    mac: str = ""
    addresses: list[str] = field(default_factory=list)
    loopback: bool = False


def devices() -> list[Device]:
    """Every interface, by index."""
    if not sys.platform.startswith("linux"):
        return _by_scapy()
    found = list(_links())
    by_index = {device.index: device for device in found}
    for index, address in _addresses():
        if index in by_index:
            by_index[index].addresses.append(address)
    return found


def find(names: Sequence[str]) -> list[Device]:
    """The interfaces of these names; none for ``any``.

    Raises:
        UsageError: there is none of this name; the message says which there are.
    """
    wanted = list(dict.fromkeys(names))
    if ANY in wanted:
        if len(wanted) > 1:
            message = "any has all interfaces in it already: name it alone, or name the others"
            raise UsageError(message)
        return []
    there = {device.name: device for device in devices()}
    for name in wanted:
        if name not in there:
            message = f"no interface {name!r}; there are: {', '.join((*there, ANY))}"
            raise UsageError(message)
    return [there[name] for name in wanted]


def index_of(name: str) -> int:
    """The number of an interface now; 0 if there is none of this name."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def name_of(index: int) -> str:
    """The name of an interface; made up if it has gone."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"


def is_up(name: str) -> bool:
    """Whether an interface is switched on."""
    import fcntl  # noqa: PLC0415 - not there on Windows

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            request = struct.pack("16s16x8x", name.encode())
            _, flags = struct.unpack_from("16sH", fcntl.ioctl(sock.fileno(), _GET_FLAGS, request))
    except OSError:
        return False
    return bool(flags & UP)


def _links() -> Iterator[Device]:
    for body in _dump(_GET_LINKS, _NEW_LINK):
        if len(body) < _LINK.size:
            continue
        _, hardware, index, flags, _ = _LINK.unpack_from(body)
        found = _attributes(body, _LINK.size)
        name = found.get(_IFNAME, b"").split(b"\0")[0].decode("utf-8", "replace")
        mtu = int.from_bytes(found.get(_MTU, b""), sys.byteorder)
        mac = found.get(_LINK_ADDRESS, b"")
        yield Device(
            index=index,
            name=name or name_of(index),
            up=bool(flags & UP),
            state=_STATES.get(found.get(_STATE, b"\0")[0], "unknown"),
            mtu=mtu or None,
            hardware_type=hardware,
            link_type=link_of(hardware)[0],
            mac=mac.hex(":") if any(mac) else "",
            loopback=bool(flags & LOOPBACK_FLAG),
        )


def _addresses() -> Iterator[tuple[int, str]]:
    """Index of an interface and an address of it; this end's where the two ends of a line have one each."""
    for body in _dump(_GET_ADDRESSES, _NEW_ADDRESS):
        if len(body) < _FAMILY.size:
            continue
        family, prefix, _, _, index = _FAMILY.unpack_from(body)
        found = _attributes(body, _FAMILY.size)
        packed = found.get(_LOCAL) or found.get(_ADDRESS)
        if packed and family in (socket.AF_INET, socket.AF_INET6):
            yield index, f"{socket.inet_ntop(family, packed)}/{prefix}"


def _dump(request: int, kind: int) -> Iterator[bytes]:
    """The bodies of the kernel's answers to a request (rtnetlink(7)).

    Sysfs has the same, but of the network namespace in which it was mounted.
    """
    asked = struct.pack("=IHHIIB15x", _HEADER_BYTES + 16, request, _DUMP, 1, 0, socket.AF_UNSPEC)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
            sock.settimeout(2)
            sock.send(asked)
            while True:
                answer = sock.recv(1 << 18)
                for found, body in _messages(answer):
                    if found in (_DONE, _ERROR):
                        return
                    if found == kind:
                        yield body
    except OSError:
        return


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message of an answer."""
    at = 0
    while at + _HEADER_BYTES <= len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        if length < _HEADER_BYTES or at + length > len(answer):
            return
        yield kind, answer[at + _HEADER_BYTES : at + length]
        at += (length + 3) & ~3


def _attributes(body: bytes, at: int) -> dict[int, bytes]:
    """The attributes of a message by their kinds."""
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:  # noqa: PLR2004 - the header's own length
            break
        found[kind] = body[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _by_scapy() -> list[Device]:
    from scapy.config import conf  # noqa: PLC0415 - slow to import, and not needed on Linux
    from scapy.interfaces import get_working_ifaces  # noqa: PLC0415 - the same

    found = []
    for iface in get_working_ifaces():
        ips = [address for kind in (4, 6) for address in iface.ips.get(kind, ())]
        flags = int(getattr(iface, "flags", 0) or 0)
        found.append(
            Device(
                index=int(iface.index),
                name=str(iface.network_name),
                up=bool(flags & UP) or not flags,
                state="up" if flags & UP else "unknown",
                mac=str(iface.mac or ""),
                addresses=ips,
                loopback=iface.network_name == getattr(conf, "loopback_name", "lo"),
            )
        )
    return found
