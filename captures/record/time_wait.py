"""A client that opens a connection for each request and closes it first, and one that keeps its connection.

In `time-wait-pile.pcap.zst` the client asks a server 640 times, each time on a connection of its own, which
it closes before the server does: each of its ports waits out TIME-WAIT, and `ss` counts them. In
`time-wait-kept.pcap.zst` it asks as often on one connection. Only the headers were kept (the first 54
bytes), and the hosts use no TCP timestamps, so that the files stay small.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import ChanceError, Lab, run
from measure import exactly

if TYPE_CHECKING:
    import socket

    from namespace import Namespace

TRY = "netanalyze analyze captures/time-wait-pile.pcap.zst --report findings"

SERVER = ("10.73.0.1", 9730)
REQUESTS, CONNECTIONS_A_S = 640, 600
QUESTION, ANSWER = b"Q" * 20, b"A" * 30
HEADERS = 54
"""Ethernet, IPv4 and TCP without options."""


def answer(listener: socket.socket, connections: int) -> None:
    """Answer every question on so many connections, one after the other."""
    for _ in range(connections):
        accepted, _ = listener.accept()
        accepted.settimeout(10.0)
        with accepted:
            while exactly(accepted, len(QUESTION)):
                accepted.sendall(ANSWER)


def ask(connection: socket.socket) -> None:
    """One question and its answer."""
    connection.sendall(QUESTION)
    exactly(connection, len(ANSWER))


def scenario(lab: Lab, name: str, *, keeps: bool) -> dict[str, Any]:
    """Record one of the two and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    lab.cable(client, server, ("10.73.0.2/24", f"{SERVER[0]}/24"))
    for host in (client, server):
        host.sysctl("net/ipv4/tcp_timestamps", 0)
    listener = server.listener(*SERVER, backlog=64)
    thread = threading.Thread(target=answer, args=(listener, 1 if keeps else REQUESTS), daemon=True)
    capture = Capture(lab, client, "eth0", f"time-wait-{name}.pcap.zst", snap=HEADERS)
    thread.start()
    began = time.monotonic()
    with client.entered():
        # Sockets are made here, so that entering the namespace does not take longer than they do.
        times = kept(client) if keeps else one_each(began)
    took_s = time.monotonic() - began
    waiting = len(client.run("ss", "-Hnt", "state", "time-wait").stdout.splitlines())
    thread.join()
    listener.close()
    capture.finish(client.quiet, server.quiet, snap_bytes=HEADERS)
    return {
        "requests": REQUESTS,
        "connections": len(times),
        "took_s": round(took_s, 6),
        "first_to_last_close_s": round(times[-1] - times[0], 6),
        "in_time_wait": waiting,
    }


def kept(client: Namespace) -> list[float]:
    """Ask on one connection; returns when it was closed."""
    connection = client.new_socket()
    connection.connect(SERVER)
    for _ in range(REQUESTS):
        ask(connection)
    connection.close()
    return [time.monotonic()]


def one_each(began: float) -> list[float]:
    """Ask each time on a connection of its own, at a steady rate; returns when each was closed."""
    import socket  # noqa: PLC0415 - of the thread's namespace

    times = []
    for number in range(REQUESTS):
        time.sleep(max(0.0, began + number / CONNECTIONS_A_S - time.monotonic()))
        with socket.create_connection(SERVER, timeout=10.0) as connection:
            ask(connection)
        times.append(time.monotonic())
    if times[-1] - times[0] > 1.3 * REQUESTS / CONNECTIONS_A_S:
        msg = "this computer was too busy for so many connections a second"
        raise ChanceError(msg)
    return times


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ss")
    lab.truth = {
        "connections_a_second": CONNECTIONS_A_S,
        "pile": scenario(lab, "pile", keeps=False),
        "kept": scenario(lab, "kept", keeps=True),
    }


if __name__ == "__main__":
    run(record, __file__)
