"""Remote procedure calls as messages with a length before each, cut into segments in every way.

JSON-RPC requests, each after its length in four bytes (big endian), as the client writes them: one
message a write, several in one write, one so large that it takes several segments, one whose length is
written apart from the rest, and a write that ends in the middle of a message. The truth file lists the
writes. The server answers each request with one message of the same form.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import exactly

TRY = "netanalyze analyze captures/framed-messages.pcap --report streams"

SERVER = ("10.25.0.1", 9125)


def framed(content: dict[str, Any]) -> bytes:
    """A message with its length before it."""
    body = json.dumps({"jsonrpc": "2.0", **content}, separators=(",", ":")).encode()
    return struct.pack("!I", len(body)) + body


def serve(accepted: socket.socket) -> None:
    """Answer every request until the client closes."""
    while head := exactly(accepted, 4):
        request = json.loads(exactly(accepted, struct.unpack("!I", head)[0]))
        accepted.sendall(framed({"id": request["id"], "result": {"length": len(request["params"][0])}}))
    accepted.close()


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.25.0.2/24", "10.25.0.1/24"))

    sizes = [40, 55, 70, *[30] * 6, 5200, 300, 900, 800, 20]
    calls = [
        framed({"id": number, "method": "length", "params": ["x" * size]})
        for number, size in enumerate(sizes)
    ]
    half = len(calls[11]) // 2
    # Pieces of the stream as the client writes them, and how many answers it awaits after each.
    writes = [
        (calls[0], 1),
        (calls[1], 1),
        (calls[2], 1),
        (b"".join(calls[3:9]), 6),
        (calls[9], 1),
        (calls[10][:4], 0),
        (calls[10][4:], 1),
        (calls[11][:half], 0),
        (calls[11][half:] + calls[12], 2),
        (calls[13], 1),
    ]
    capture = Capture(lab, client, "eth0", "framed-messages.pcap")
    listener = server.listener(*SERVER)
    connection = client.new_socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.connect(SERVER)
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server_thread = threading.Thread(target=serve, args=(accepted,))
    server_thread.start()
    answers = []
    for piece, awaited in writes:
        # With TCP_NODELAY each write goes out at once, in segments of its own.
        connection.sendall(piece)
        answers += [
            exactly(connection, struct.unpack("!I", exactly(connection, 4))[0]) for _ in range(awaited)
        ]
    connection.close()
    server_thread.join()
    listener.close()
    capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "requests": len(calls),
        "answers": len(answers),
        "request_bytes": [len(call) for call in calls],
        "answer_bytes": [len(answer) + 4 for answer in answers],
        "client_write_bytes": [len(piece) for piece, _ in writes],
    }


if __name__ == "__main__":
    run(record, __file__)
