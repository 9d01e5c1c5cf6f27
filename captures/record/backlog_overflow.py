"""More connections than the server's accept queue holds.

A server listens with a queue of length 2 and accepts nobody for two seconds, while six clients connect
at once. Two or three get in; the kernel drops the others' SYNs until there is room, so they try again
after one second and more. Each says hello when it is connected, and is greeted when it is accepted.
"""

from __future__ import annotations

import errno
import selectors
import time
from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from measure import counted, exactly
from namespace import wait_until

if TYPE_CHECKING:
    import socket

TRY = "netanalyze analyze captures/backlog-overflow.pcap --report streams"

SERVER = ("10.16.0.1", 9160)
CLIENTS, QUEUE = 6, 1
SLOW_S = 2.0


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.16.0.2/24", "10.16.0.1/24"))
    capture = Capture(lab, server, "eth0", "backlog-overflow.pcap")
    with counted(client) as client_counters, counted(server) as server_counters:
        # Linux takes one connection more than listen() says.
        listener = server.listener(*SERVER, backlog=QUEUE)
        began = time.monotonic()
        connections: list[socket.socket] = []
        connected_s: dict[int, float] = {}
        accepted: list[socket.socket] = []
        with selectors.DefaultSelector() as selector:
            for number in range(CLIENTS):
                connection = client.new_socket()
                connection.settimeout(0)
                if connection.connect_ex(SERVER) not in (0, errno.EINPROGRESS):
                    msg = "connect failed"
                    raise OSError(msg)
                selector.register(connection, selectors.EVENT_WRITE, number)
                connections.append(connection)
            while len(accepted) < CLIENTS:
                for key, _ in selector.select(0.01):
                    connected_s[key.data] = round(time.monotonic() - began, 6)
                    selector.unregister(key.fileobj)
                    connections[key.data].settimeout(10)
                    connections[key.data].sendall(b"hello\n")
                if time.monotonic() - began > SLOW_S:
                    listener.settimeout(0.01)
                    try:
                        accepted.append(listener.accept()[0])
                    except TimeoutError:
                        continue
        for one in accepted:
            exactly(one, 6)
            one.sendall(b"welcome\n")
        for connection in connections:
            exactly(connection, 8)
            connection.close()
        for one in accepted:
            one.recv(1)
            one.close()
        listener.close()
        wait_until(lambda: client.quiet() and server.quiet(), "the connections to be closed")
        capture.finish()
    lab.truth = {
        "listen_backlog": QUEUE,
        "connected_s": [connected_s[number] for number in range(CLIENTS)],
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
