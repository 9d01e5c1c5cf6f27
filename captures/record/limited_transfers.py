"""Eight downloads, each held up by something else, with the kernel's own account of what it waited for.

The way is 30 ms there and back; the ports of the client, from 42001 on, tell the downloads apart. In order:
a receiver with a small buffer which reads at once, one which reads slowly, a sender with little to send at
a time, a sender with a small buffer, two segments lost, a way that carries 2 Mbit/s (a relay sends the
frames one after the other and has room for all that wait), a sender that was told to pace itself, and
nothing but slow start. The truth file has the sender's `TCP_INFO` at the end: how long there was something
to send (`busy_time_us`), and how much of that time it waited for the receiver's window and for its own
buffer, counted in ticks of some milliseconds. Recorded at the sender, headers only.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capturing import Capture
from faults import CONGESTION_CONTROL, DELAY_S, MSS_BYTES, Lost, Path, through, usual
from headers import SNAP_BYTES, Segment
from lab import ChanceError, Lab, run
from measure import counted, everything, exactly, sending, tcp_info, tcp_only
from namespace import wait_until
from relay import Relay
from web import prose

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults import Outcome
    from namespace import Namespace

TRY = "netanalyze analyze captures/limited-transfers.pcap --report streams"

SERVER = ("10.28.0.1", 9128)
CLIENT = "10.28.0.2"
BITS_PER_S = 2_000_000
PACE_BYTES_PER_S = 250_000
PACE_UNHEARD_BYTES_PER_S = 10_000_000
"""Too fast to matter. But the kernel sees that the send buffer is too small only when something that it
had to leave in it goes; without any pacing nothing is left there."""
SO_MAX_PACING_RATE = 47
"""From asm-generic/socket.h, which Python's socket module does not name."""
TOLD = ("busy_time_us", "rwnd_limited_us", "sndbuf_limited_us", "total_retrans")


class Narrow(Path):
    """Carries so many bits a second: a segment waits until those before it have gone.

    Attributes:
        longest_wait_s: how long a segment has waited at most.
    """

    def __init__(self, bits_per_s: int) -> None:
        """An empty way of this rate; it counts all bits of a frame."""
        super().__init__()
        self._bits_per_s = bits_per_s
        self._free = 0.0
        self.longest_wait_s = 0.0

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Wait for those before, then as long as it takes to send this one."""
        del segment, number, tried
        now = time.monotonic()
        begins = max(now, self._free)
        self.longest_wait_s = max(self.longest_wait_s, begins - now)
        self._free = begins + len(frame) * 8 / self._bits_per_s
        return [(frame, self._free - now + DELAY_S)]


@dataclass
class Download:
    """One stream and what holds it up.

    Attributes:
        limit: short name of what holds it up.
        size: bytes to send.
        as_meant: whether the sender's ``TCP_INFO`` and the seconds that it took say so.
        path: the stream's way through the relay.
        receive_buffer: ``SO_RCVBUF`` of the client, 0 for the kernel's choice.
        send_buffer: ``SO_SNDBUF`` of the server, likewise.
        pace: ``SO_MAX_PACING_RATE`` of the server in bytes a second, 0 for none.
        read: bytes that the client reads at a time, and the seconds that it waits before each.
        write: bytes that the server writes at a time, and the seconds that it waits after each.
    """

    limit: str
    size: int
    as_meant: Callable[[dict[str, int], float], bool]
    path: Path = field(default_factory=Path)
    receive_buffer: int = 0
    send_buffer: int = 0
    pace: int = 0
    read: tuple[int, float] | None = None
    write: tuple[int, float] | None = None


def waited(info: dict[str, int], name: str) -> bool:
    """Whether the sender waited half of the time for what ``name`` stands for, and never for the other."""
    other = "sndbuf_limited_us" if name == "rwnd_limited_us" else "rwnd_limited_us"
    return info[name] > 0.45 * info["busy_time_us"] and not info[other] and not info["total_retrans"]


def hurried(info: dict[str, int]) -> bool:
    """Whether the sender waited for no buffer and sent nothing twice."""
    return not (info["rwnd_limited_us"] or info["sndbuf_limited_us"] or info["total_retrans"])


def downloads() -> list[Download]:
    """All of them, in order."""
    return [
        Download(
            "receiver's window",
            80_000,
            lambda info, _: waited(info, "rwnd_limited_us"),
            receive_buffer=8000,
        ),
        Download(
            "slow reader",
            48_000,
            lambda info, _: waited(info, "rwnd_limited_us"),
            receive_buffer=8000,
            read=(4000, 0.12),
        ),
        Download(
            "application",
            48_000,
            lambda info, took_s: hurried(info) and info["busy_time_us"] < took_s * 800_000,
            write=(4000, 0.1),
        ),
        Download(
            "send buffer",
            80_000,
            lambda info, _: waited(info, "sndbuf_limited_us"),
            send_buffer=8000,
            pace=PACE_UNHEARD_BYTES_PER_S,
        ),
        Download(
            "loss",
            120 * MSS_BYTES,
            lambda info, _: info["total_retrans"] == 2,
            path=Lost((15, 1), (60, 1)),
        ),
        Download("rate of the way", 100_000, lambda info, _: hurried(info), path=Narrow(BITS_PER_S)),
        Download(
            "pacing",
            60_000,
            lambda info, took_s: hurried(info) and took_s > 50_000 / PACE_BYTES_PER_S,
            pace=PACE_BYTES_PER_S,
        ),
        Download("slow start", 60_000, lambda info, _: hurried(info)),
    ]


def read_slowly(connection: socket.socket, size: int, step: tuple[int, float]) -> int:
    """Read ``size`` bytes as ``step`` says; return how many there were."""
    received = 0
    while received < size:
        time.sleep(step[1])
        part = len(exactly(connection, min(step[0], size - received)))
        if not part:
            break
        received += part
    return received


def write_slowly(connection: socket.socket, data: bytes, step: tuple[int, float]) -> None:
    """Write ``data`` as ``step`` says."""
    for at in range(0, len(data), step[0]):
        connection.sendall(data[at : at + step[0]])
        time.sleep(step[1])


def transfer(
    download: Download, client: Namespace, server: Namespace, relay: Relay, client_port: int
) -> dict[str, Any]:
    """Do one download and say what is known of it.

    Raises:
        ChanceError: something else has held it up.
    """
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(*SERVER)
        usual(listener)
        connection = client.new_socket()
        if download.receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, download.receive_buffer)
        connection.bind((CLIENT, client_port))
        connection.connect(SERVER)
        accepted, _ = listener.accept()
        if download.send_buffer:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, download.send_buffer)
        if download.pace:
            accepted.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, download.pace)
        data = prose(download.size, client_port).encode()[: download.size]
        began = time.monotonic()
        with sending(accepted, data if download.write is None else b""):
            if download.write:
                write_slowly(accepted, data, download.write)
            if download.read:
                received = read_slowly(connection, download.size, download.read)
            else:
                received = len(exactly(connection, download.size))
        took_s = time.monotonic() - began
        info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
        accepted.close()
        received += len(everything(connection))
        connection.close()
        listener.close()
        wait_until(lambda: client.quiet() and server.quiet() and relay.idle(), "the end of the download")
    if not download.as_meant(info["server"], took_s):
        told = {name: info["server"][name] for name in TOLD}
        msg = f"{download.limit}: something else held it up: {told} in {took_s:.3f} s"
        raise ChanceError(msg)
    path = download.path
    return {
        "client_port": client_port,
        "limit": download.limit,
        "sent_bytes": download.size,
        "received_bytes": received,
        "took_us": round(took_s * 1e6),
        "receive_buffer_asked_bytes": download.receive_buffer,
        "send_buffer_asked_bytes": download.send_buffer,
        "pace_bytes_per_s": download.pace,
        "read_bytes_and_pause_s": download.read,
        "write_bytes_and_pause_s": download.write,
        "bits_per_s": BITS_PER_S if isinstance(path, Narrow) else None,
        "longest_queue_us": round(path.longest_wait_s * 1e6) if isinstance(path, Narrow) else None,
        "injected": path.injected,
        "seen_at": path.taps(),
        "zero_windows": path.zero_windows,
        "window_probes": path.probes,
        "tcp_info": info,
        "client_counters": tcp_only(client_counters),
        "server_counters": tcp_only(server_counters),
    }


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    planned = {42001 + number: download for number, download in enumerate(downloads())}
    relay = Relay(lab, through({port: download.path for port, download in planned.items()}))
    relay.device("receiver", client, "eth0", f"{CLIENT}/24")
    relay.device("sender", server, "eth0", f"{SERVER[0]}/24")
    # The send buffer counts large segments whole, and lets one of 64 kB in while there is any room.
    server.ip("link", "set", "eth0", "gso_max_segs", "1")
    relay.start()
    capture = Capture(lab, server, "eth0", "limited-transfers.pcap", snap=SNAP_BYTES)
    streams = [transfer(download, client, server, relay, port) for port, download in planned.items()]
    capture.finish(snap_bytes=SNAP_BYTES, tap="at the server, which sends")
    lab.truth = {
        "sender": "server",
        "delay_ms_each_way": DELAY_S * 1000,
        "mss_bytes": MSS_BYTES,
        "congestion_control": CONGESTION_CONTROL,
        "streams": streams,
    }


if __name__ == "__main__":
    run(record, __file__)
