"""The network interfaces of this machine: what they are called, their state and addresses.

On Linux from sysfs and rtnetlink; elsewhere scapy knows them.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from netanalyze.capture.live.packet_socket import link_of
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANY = "any"
"""All interfaces at once."""

UP = 1
LOOPBACK_FLAG = 8
_FOLDER = Path("/sys/class/net")
_LOOPBACK_HARDWARE = 772

_GET_ADDRESSES, _NEW_ADDRESS, _DONE, _ERROR = 22, 20, 3, 2
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL
_ETHERNET = 1


@dataclass(slots=True)
class Device:
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
    found = [_device(index, name) for index, name in sorted(socket.if_nameindex())]
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
    return bool(_number(name, "flags") & UP)


def _device(index: int, name: str) -> Device:
    flags, hardware = _number(name, "flags"), _number(name, "type")
    mac = _text(name, "address")
    return Device(
        index=index,
        name=name,
        up=bool(flags & UP),
        state=_text(name, "operstate") or "unknown",
        mtu=_number(name, "mtu") or None,
        hardware_type=hardware,
        link_type=link_of(hardware)[0],
        mac=mac if mac.strip("0:") else "",
        loopback=hardware == _LOOPBACK_HARDWARE or bool(flags & LOOPBACK_FLAG),
    )


def _text(name: str, what: str) -> str:
    try:
        return (_FOLDER / name / what).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(name: str, what: str) -> int:
    text = _text(name, what)
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _addresses() -> Iterator[tuple[int, str]]:
    """Index of an interface and an address of it, from the kernel (rtnetlink(7), RTM_GETADDR)."""
    request = struct.pack("=IHHII B3x", 20, _GET_ADDRESSES, _DUMP, 1, 0, socket.AF_UNSPEC)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
            sock.settimeout(2)
            sock.send(request)
            while True:
                answer = sock.recv(1 << 16)
                for kind, body in _messages(answer):
                    if kind in (_DONE, _ERROR):
                        return
                    if kind == _NEW_ADDRESS:
                        yield from _address(body)
    except OSError:
        return


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message of an answer."""
    at = 0
    while at + 16 <= len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        if length < 16 or at + length > len(answer):  # noqa: PLR2004 - the header's own length
            return
        yield kind, answer[at + 16 : at + length]
        at += (length + 3) & ~3


def _address(body: bytes) -> Iterator[tuple[int, str]]:
    """The address in a message; that of this end where the two ends of a line have one each."""
    family, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
    found: dict[int, bytes] = {}
    at = 8
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:  # noqa: PLR2004 - the header's own length
            break
        found[kind] = body[at + 4 : at + length]
        at += (length + 3) & ~3
    packed = found.get(_LOCAL) or found.get(_ADDRESS)
    if packed and family in (socket.AF_INET, socket.AF_INET6):
        yield index, f"{socket.inet_ntop(family, packed)}/{prefix}"


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
