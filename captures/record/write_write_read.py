"""Two small writes, then a read: Nagle's algorithm waits for a delayed acknowledgement.

A client asks ten times, each time with a header and a body in two writes. On the first connection the
body waits until the header is acknowledged, and the server delays that acknowledgement by 40 ms. On the
second the client has set `TCP_NODELAY`; on the third it gives header and body to one write. The truth
file has the time that each question took.
"""

from __future__ import annotations

import socket
import time

from capturing import Capture
from lab import Lab, run
from measure import exactly

TRY = "netanalyze analyze captures/write-write-read.pcap --report streams"

SERVER = ("10.24.0.1", 9124)
HEADER, BODY, ANSWER = b"H" * 12, b"B" * 150, b"A" * 60
ROUNDS = 10


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.24.0.2/24", "10.24.0.1/24"))
    capture = Capture(lab, client, "eth0", "write-write-read.pcap")
    listener = server.listener(*SERVER)
    took: dict[str, list[int]] = {}
    for way in ("two writes", "two writes with TCP_NODELAY", "one write"):
        connection = client.new_socket()
        if "NODELAY" in way:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(SERVER)
        accepted, _ = listener.accept()
        took[way] = []
        for _ in range(ROUNDS):
            began = time.monotonic_ns()
            if way == "one write":
                connection.sendall(HEADER + BODY)
            else:
                connection.sendall(HEADER)
                connection.sendall(BODY)
            exactly(accepted, len(HEADER) + len(BODY))
            accepted.sendall(ANSWER)
            exactly(connection, len(ANSWER))
            took[way].append((time.monotonic_ns() - began) // 1000)
        connection.close()
        accepted.recv(1)
        accepted.close()
    listener.close()
    capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "request_bytes": len(HEADER) + len(BODY),
        "answer_bytes": len(ANSWER),
        "question_took_us": took,
    }


if __name__ == "__main__":
    run(record, __file__)
