"""What kernels and programs know about an exchange: the other half of a capture's truth."""

from __future__ import annotations

import contextlib
import fcntl
import re
import socket
import struct
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

from lab import ChanceError
from namespace import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from namespace import Namespace

_TCP_INFO = struct.Struct("=8B24I4Q6I4Q2I2Q6I2HI")
_TCP_INFO_FIELDS = {
    7: "delivery_rate_app_limited",
    8: "rto_us",
    10: "snd_mss_bytes",
    11: "rcv_mss_bytes",
    23: "rtt_us",
    24: "rttvar_us",
    25: "snd_ssthresh_segments",
    26: "snd_cwnd_segments",
    28: "reordering_segments",
    29: "rcv_rtt_us",
    30: "rcv_space_bytes",
    31: "total_retrans",
    34: "bytes_acked",
    35: "bytes_received",
    36: "segs_out",
    37: "segs_in",
    39: "min_rtt_us",
    40: "data_segs_in",
    41: "data_segs_out",
    42: "delivery_rate_bytes_per_s",
    43: "busy_time_us",
    44: "rwnd_limited_us",
    45: "sndbuf_limited_us",
    46: "delivered_segments",
    48: "bytes_sent",
    49: "bytes_retrans",
    50: "dsack_dups",
    51: "reord_seen",
    52: "rcv_ooopack",
    53: "snd_wnd_bytes",
    54: "rcv_wnd_bytes",
    56: "total_rto",
    57: "total_rto_recoveries",
    58: "total_rto_time_ms",
}
"""Place of a field in ``struct tcp_info`` (linux/tcp.h), and a name with its unit."""


def tcp_info(connection: socket.socket) -> dict[str, int]:
    """What the kernel knows of a TCP connection; ask before it is closed."""
    data = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    values = _TCP_INFO.unpack(data.ljust(_TCP_INFO.size, b"\0"))
    found = {name: values[place] for place, name in _TCP_INFO_FIELDS.items()}
    # A byte of bit fields: the lowest bit is this one.
    found["delivery_rate_app_limited"] &= 1
    return found


def unacknowledged(connection: socket.socket) -> int:
    """Bytes sent or waiting to be sent that the other end has not acknowledged."""
    return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0])


@contextlib.contextmanager
def counted(host: Namespace) -> Iterator[dict[str, int]]:
    """Give a dict which holds, after the ``with`` block, the kernel counters of ``host`` that moved."""
    before = host.counters()
    moved: dict[str, int] = {}
    yield moved
    after = host.counters()
    steps = {name: value - before.get(name, 0) for name, value in after.items()}
    moved.update({name: step for name, step in steps.items() if step})


def tcp_only(counters: dict[str, int]) -> dict[str, int]:
    """Those of ``counters`` that are TCP's."""
    return {name: step for name, step in counters.items() if name.startswith("Tcp")}


def await_probes(host: Namespace, probes: int) -> float:
    """Wait until the kernel of ``host`` has sent ``probes`` more window probes; return the seconds."""
    began, before = time.monotonic(), host.counters()["TcpExtTCPWinProbe"]
    wait_until(lambda: host.counters()["TcpExtTCPWinProbe"] >= before + probes, "window probes")
    return round(time.monotonic() - began, 3)


@contextlib.contextmanager
def undisturbed(*hosts: Namespace) -> Iterator[None]:
    """Watch that no host sends a segment again in the ``with`` block, as it does when a relay is too slow.

    Raises:
        ChanceError: one did.
    """
    before = [host.counters()["TcpRetransSegs"] for host in hosts]
    yield
    if [host.counters()["TcpRetransSegs"] for host in hosts] != before:
        msg = "a segment was sent twice, for want of speed"
        raise ChanceError(msg)


def drops(host: Namespace, *chains: str, program: str = "iptables") -> list[dict[str, object]]:
    """What each dropping or rejecting rule of ``host`` has taken away, in order of the rules."""
    found: list[dict[str, object]] = []
    for chain in chains:
        listing = host.run(program, "-v", "-n", "-x", "-L", chain).stdout
        for line in listing.splitlines():
            match = re.match(r"\s*(\d+)\s+(\d+)\s+(DROP|REJECT)\s+(.*)", line)
            if match:
                rule = " ".join(match[4].split())
                found.append({"chain": chain, "rule": rule, "packets": int(match[1]), "bytes": int(match[2])})
    return found


def socket_states(moment: str, **hosts: Namespace) -> dict[str, Any]:
    """What ``ss`` says of the TCP sockets of some hosts, those that listen left out.

    Args:
        moment: a name for the time at which it is asked.
        hosts: by the name that they have in the answer.

    Returns:
        The moment; between which two times it was, in nanoseconds as in captures; and for each host a list
        of sockets, each with its state, local and remote address as ``ss`` writes them.
    """
    found: dict[str, Any] = {"moment": moment, "from_ns": time.time_ns()}
    for name, host in hosts.items():
        lines = host.run("ss", "-t", "-a", "-n", "-H").stdout.splitlines()
        sockets = [line.split() for line in lines]
        found[name] = [
            {"state": words[0], "local": words[3], "peer": words[4]}
            for words in sockets
            if words[0] != "LISTEN"
        ]
    found["to_ns"] = time.time_ns()
    return found


def exactly(connection: socket.socket, size: int) -> bytes:
    """Receive ``size`` bytes, fewer only at the end of the stream."""
    parts = []
    while size > 0:
        part = connection.recv(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def everything(connection: socket.socket) -> bytes:
    """Receive until the end of the stream."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def sending(connection: socket.socket, data: bytes) -> Iterator[None]:
    """Send ``data`` while the ``with`` block runs, and wait at its end until the other end has it all."""
    sender = threading.Thread(target=connection.sendall, args=(data,), daemon=True)
    sender.start()
    yield
    sender.join()
    wait_until(lambda: unacknowledged(connection) == 0, "the last acknowledgement")


def abort(connection: socket.socket) -> None:
    """Close a connection with RST (``SO_LINGER`` of no time)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
