"""A full accept queue on a server that resets what it has no room for (`tcp_abort_on_overflow`).

A server listens with a backlog of 3, which is a queue of four, and accepts nobody. Two clients connect.
Four more do so at once, and iptables drops what the server answers until it has answered all four, so that
their ACKs come together when the SYN-ACKs are sent again: two find room, two are reset, by a RST without
ACK. Nothing is sent on any of the connections.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from measure import counted
from namespace import wait_until

if TYPE_CHECKING:
    import socket

    from namespace import Namespace

TRY = "netanalyze analyze captures/abort-on-overflow.pcap --report listeners"

SERVER = ("10.22.0.1", 9220)
BACKLOG, BEFORE, TOGETHER = 3, 2, 4
HOLD = ["-p", "tcp", "--tcp-flags", "SYN,ACK", "SYN,ACK", "-j", "DROP"]


def recv_q(server: Namespace) -> int:
    """Connections in the accept queue of the listener: ``Recv-Q`` of ``ss -ltn``."""
    (line,) = server.run("ss", "-Hltn").stdout.splitlines()
    return int(line.split()[1])


def half_open(server: Namespace) -> int:
    """Connections that have a SYN-ACK and no ACK."""
    return len(server.run("ss", "-Hnt", "state", "syn-recv").stdout.splitlines())


def outcome(connection: socket.socket) -> str:
    """What the client knows of its connection."""
    try:
        connection.recv(1)
    except BlockingIOError:
        return "connected"
    except ConnectionResetError:
        return "reset"
    return "closed"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ss", "iptables")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.22.0.2/24", "10.22.0.1/24"))
    server.sysctl("net/ipv4/tcp_abort_on_overflow", 1)
    server.sysctl("net/ipv4/tcp_syncookies", 0)
    capture = Capture(lab, server, "eth0", "abort-on-overflow.pcap")
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(*SERVER, backlog=BACKLOG)
        connections = [client.new_socket() for _ in range(BEFORE + TOGETHER)]
        for connection in connections[:BEFORE]:
            connection.connect(SERVER)
        before = recv_q(server)
        client.run("iptables", "-A", "INPUT", *HOLD)
        for connection in connections[BEFORE:]:
            connection.settimeout(0)
            connection.connect_ex(SERVER)
        wait_until(lambda: half_open(server) == TOGETHER, "the SYNs to be answered")
        client.run("iptables", "-D", "INPUT", *HOLD)
        wait_until(lambda: half_open(server) == 0, "the handshakes to end")
        time.sleep(0.1)
        after = recv_q(server)
        for connection in connections:
            connection.settimeout(0)
        outcomes = [outcome(connection) for connection in connections]
        for connection in connections:
            connection.close()
        listener.close()
        capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "listen_backlog": BACKLOG,
        "half_open": TOGETHER,
        "recv_q": [before, after],
        "client_saw": outcomes,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
