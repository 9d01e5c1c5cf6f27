"""A receiver that does not read: zero window, window probes, and the transfer going on when it reads.

The client has a small receive buffer and reads nothing until the server's kernel has sent three window
probes, twice in the course of the transfer. Only the first 96 bytes of each frame were kept.
"""

from __future__ import annotations

import socket
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import await_probes, counted, everything, exactly, sending, tcp_info
from web import prose

TRY = "netanalyze analyze captures/zero-window.pcap --report streams"

SIZE = 60_000
PROBES = 3


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.23.0.2/24", "10.23.0.1/24"))
    capture = Capture(lab, server, "eth0", "zero-window.pcap", snap=96)
    pauses: list[dict[str, Any]] = []
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener("10.23.0.1", 9123)
        connection = client.new_socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 6000)
        connection.connect(("10.23.0.1", 9123))
        accepted, _ = listener.accept()
        received = 0
        with sending(accepted, prose(SIZE, 6).encode()[:SIZE]):
            for part in (SIZE // 2, SIZE // 2):
                pauses.append({"probes": PROBES, "client_waited_s": await_probes(server, PROBES)})
                received += len(exactly(connection, part))
        info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
        accepted.close()
        received += len(everything(connection))
        connection.close()
        listener.close()
        capture.finish(client.quiet, server.quiet, snap_bytes=96)
    lab.truth = {
        "sent_bytes": SIZE,
        "received_bytes": received,
        "pauses": pauses,
        "tcp_info": info,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
