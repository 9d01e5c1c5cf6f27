"""Linux's packet sockets: what packet(7) and linux/if_packet.h say about them, and the filter of one.

A socket is opened without a protocol and takes in nothing until it is bound: the ring and the filter are in
place by then, so that no packet that does not match has to be drained (libpcap, which attaches its filter
later, has to).
"""

from __future__ import annotations

import array
import ctypes
import errno
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, NamedTuple

from netanalyze.capture.bpf import Instruction, Program, compile_expression
from netanalyze.capture.live.ring_kernel import COOKED, FROM_LINK, FROM_NETWORK, LOOPBACK, RESERVE_BYTES
from netanalyze.errors import CaptureError, FilterError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUPPORTED = sys.platform == "linux" and sys.byteorder == "little"
"""Whether there is a ring here; the walk over it knows little-endian machines only."""

ETH_P_ALL = 3
SOL_PACKET = 263
ADD_MEMBERSHIP, RX_RING, STATISTICS, VERSION, RESERVE, FANOUT, IGNORE_OUTGOING = 1, 5, 6, 10, 12, 18, 23
TPACKET_V3 = 2
PROMISCUOUS = 1
SO_ATTACH_FILTER = 26

_LIKE_ETHERNET = (1, LOOPBACK | FROM_LINK)
_RAW = (101, FROM_NETWORK)
_SLL2 = (276, COOKED)
LINK_TYPES = {
    1: (1, FROM_LINK),  # ARPHRD_ETHER
    772: _LIKE_ETHERNET,  # ARPHRD_LOOPBACK
    **dict.fromkeys((768, 769, 776, 778, 823, 825, 65534), _RAW),  # tunnels, 6LoWPAN, ARPHRD_NONE
    801: (105, FROM_LINK),  # ARPHRD_IEEE80211
    802: (119, FROM_LINK),  # ARPHRD_IEEE80211_PRISM
    803: (127, FROM_LINK),  # ARPHRD_IEEE80211_RADIOTAP
    804: (230, FROM_LINK),  # ARPHRD_IEEE802154
}
"""LINKTYPE_ number by hardware type (linux/if_arp.h), and what the walk does with the frames. All others
are cooked: their link headers depend on the driver."""

_LOOPBACK_HARDWARE = 772
_OUTGOING = 4

# Classic BPF.
_LOAD, _EQUAL, _JUMP, _RETURN, _RETURN_A = 0x20, 0x15, 0x05, 0x06, 0x16
_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PACKET_TYPE, _INTERFACE, _HARDWARE = 4, 8, 28
_NETWORK = 0xFFF00000  # SKF_NET_OFF
_FROM_FRAME = {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xB1}


class Statistics(NamedTuple):
    """What the kernel counted since it was asked last.

    Attributes:
        received: packets that matched the filter, those lost included.
        dropped: packets lost because the ring was full.
        freezes: how often the ring was full.
    """

    received: int
    dropped: int
    freezes: int


def open_socket() -> socket.socket:
    """A packet socket that takes in nothing yet.

    Raises:
        PermissionDeniedError: the process may not have one.
        CaptureError: the system has none.
    """
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise PermissionDeniedError(not_allowed()) from None
    except OSError as error:
        message = f"this system has no packet sockets: {error.strerror}"
        raise CaptureError(message) from error


def not_allowed() -> str:
    """What to run when the process may not capture."""
    python = os.path.realpath(sys.executable)
    return (
        "capturing needs the right to open packet sockets (CAP_NET_RAW): run it with sudo, or give the right "
        f"to Python once and for all: sudo setcap cap_net_raw+ep {python}"
    )


def bind(sock: socket.socket, index: int) -> None:
    """Take in the packets of one interface, 0 for all.

    Raises:
        OSError: there is no such interface.
    """
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ETH_P_ALL), index, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(sock.fileno(), address, len(address)) != 0:  # Python's bind knows interfaces by name only
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def set_up_ring(sock: socket.socket, blocks: int, block_bytes: int, timeout_ms: int) -> None:
    """Give the socket a ring.

    Args:
        sock: a socket that is not bound.
        blocks: how many.
        block_bytes: of each; a multiple of the page size.
        timeout_ms: a block with something in it is handed over after so long at the latest.

    Raises:
        CaptureError: the kernel refuses, for want of memory as a rule.
    """
    try:
        sock.setsockopt(SOL_PACKET, VERSION, TPACKET_V3)
        sock.setsockopt(SOL_PACKET, RESERVE, RESERVE_BYTES)
        request = struct.pack("=7I", block_bytes, blocks, block_bytes, blocks, timeout_ms, 0, 0)
        sock.setsockopt(SOL_PACKET, RX_RING, request)
    except OSError as error:
        size = blocks * block_bytes >> 20
        why = "not enough memory" if error.errno == errno.ENOMEM else error.strerror
        message = (
            f"the kernel gives no buffer of {size} MB for packets ({why}): make it smaller with --buffer"
        )
        raise CaptureError(message) from error


def ignore_outgoing(sock: socket.socket) -> None:
    """Have the kernel not even offer what is sent (since Linux 4.20): for loopback, where it comes again."""
    try:
        sock.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    except OSError:
        return  # the filter sees to it


def be_promiscuous(sock: socket.socket, index: int) -> None:
    """Take in what is for other hosts, until the socket is closed.

    Raises:
        OSError: the interface cannot.
    """
    sock.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("=iHH8x", index, PROMISCUOUS, 0))


def join_fanout(sock: socket.socket, group: int, mode: int = 0) -> None:
    """Share the packets with the other sockets of a group (packet(7), PACKET_FANOUT), which are bound.

    Args:
        sock: a bound socket.
        group: the group's number.
        mode: how they are shared: 0 by a hash of the flow, so that each of them sees whole streams.

    Raises:
        OSError: the group belongs to somebody else, or has another mode.
    """
    sock.setsockopt(SOL_PACKET, FANOUT, group | mode << 16)


def statistics(sock: socket.socket) -> Statistics:
    """What was counted since the last call."""
    return Statistics(*struct.unpack("=3I", sock.getsockopt(SOL_PACKET, STATISTICS, 12)))


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """Put a filter in place, or in the place of another.

    Raises:
        CaptureError: the kernel refuses it.
    """
    packed = array.array("B", b"".join(struct.pack("=HBBI", *step) for step in program))
    address, _ = packed.buffer_info()
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), address))
    except OSError as error:
        message = f"the kernel does not take the capture filter ({error.strerror}): make it simpler"
        raise CaptureError(message) from error


NOTHING = (Instruction(_RETURN, 0, 0, 0),)
"""The filter that lets nothing pass."""


def build_filter(
    expression: str, hardware_types: Iterable[int], snap: int, indexes: Iterable[int] = ()
) -> list[Instruction]:
    """The filter that the kernel runs.

    What is sent on loopback does not pass: it comes again as received. The expression is compiled for each
    kind of frames, by hardware type, and run on what the socket sees of them.

    Args:
        expression: as tcpdump takes it; empty for all frames.
        hardware_types: of the interfaces that there are; others may come, and have a program too.
        snap: bytes to take of each frame at most.
        indexes: of the interfaces to take in; all if there are none.

    Raises:
        FilterError: the expression compiles for none of the hardware types.
    """
    parts = _parts(expression, hardware_types, snap)
    steps = [
        Instruction(_LOAD, 0, 0, _ANCILLARY + _HARDWARE),
        Instruction(_EQUAL, 0, 3, _LOOPBACK_HARDWARE),
        Instruction(_LOAD, 0, 0, _ANCILLARY + _PACKET_TYPE),
        Instruction(_EQUAL, 0, 1, _OUTGOING),
        Instruction(_RETURN, 0, 0, 0),
    ]
    wanted = list(indexes)
    if wanted:
        steps.append(Instruction(_LOAD, 0, 0, _ANCILLARY + _INTERFACE))
        for place, index in enumerate(wanted):  # the last word belongs to those that match none
            steps.append(Instruction(_EQUAL, 0, 1, index))
            steps.append(Instruction(_JUMP, 0, 0, 2 * (len(wanted) - place - 1) + 1))
        steps.append(Instruction(_RETURN, 0, 0, 0))
    steps.append(Instruction(_LOAD, 0, 0, _ANCILLARY + _HARDWARE))
    for hardware, program in parts:
        if hardware is not None:
            steps.append(Instruction(_EQUAL, 1, 0, hardware))
            steps.append(Instruction(_JUMP, 0, 0, len(program)))
        steps += program
    return steps


def _parts(
    expression: str, hardware_types: Iterable[int], snap: int
) -> list[tuple[int | None, list[Instruction]]]:
    """Programs by hardware type; the last is for all others, and begins with the network header."""
    everything = [Instruction(_RETURN, 0, 0, snap)]
    if not expression.strip():
        return [(None, everything)]
    parts: list[tuple[int | None, list[Instruction]]] = []
    failure: FilterError | None = None
    compiled = 0
    for hardware in sorted(LINK_TYPES.keys() & set(hardware_types)) or [1]:
        link_type, mode = LINK_TYPES[hardware]
        try:
            program = compile_expression(expression, link_type)
        except FilterError as error:
            failure = failure or error
            parts.append((hardware, list(NOTHING)))
            continue
        compiled += 1
        parts.append((hardware, _cut_to(program, snap, from_network=mode & FROM_NETWORK != 0)))
    if failure is not None and not compiled:
        raise failure
    try:
        cooked = _cut_to(compile_expression(expression, _RAW[0]), snap, from_network=True)
    except FilterError:
        cooked = list(NOTHING)  # it asks for a link layer's header
    return [*parts, (None, cooked)]


def _cut_to(program: Program, snap: int, *, from_network: bool) -> list[Instruction]:
    """The program with the snapshot length as its answer, counted from the network header if asked for."""
    steps = []
    for step in program.instructions:
        if step.code == _RETURN and step.k:
            steps.append(step._replace(k=snap))
        elif from_network and step.code in _FROM_FRAME:
            steps.append(step._replace(k=(step.k + _NETWORK) & 0xFFFFFFFF))
        else:
            steps.append(step)
    return steps


def link_of(hardware_type: int) -> tuple[int, int]:
    """LINKTYPE_ number of the frames of an interface, and what the walk does with them."""
    return LINK_TYPES.get(hardware_type, _SLL2)
