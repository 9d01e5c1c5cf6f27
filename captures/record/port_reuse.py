"""Three connections one after the other with the same addresses and ports.

The client binds its port, so that the four numbers are the same each time: three TCP streams all the
same. The first ends with RST, the second with the server's FIN first (so that the server's side is in
TIME-WAIT when the third begins), the third with the client's.
"""

from __future__ import annotations

import socket
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import abort, exactly

TRY = "netanalyze analyze captures/port-reuse.pcap --report streams"

CLIENT, SERVER = ("10.14.0.2", 40000), ("10.14.0.1", 9114)


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.14.0.2/24", "10.14.0.1/24"))
    listener = server.listener(*SERVER)
    capture = Capture(lab, client, "eth0", "port-reuse.pcap")
    connections: list[dict[str, Any]] = []
    for number, end in enumerate(("client aborts", "server closes first", "client closes first"), 1):
        connection = client.new_socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(CLIENT)
        connection.connect(SERVER)
        accepted, _ = listener.accept()
        request, answer = b"question %d" % number * number, b"answer %d" % number * 10 * number
        connection.sendall(request)
        exactly(accepted, len(request))
        accepted.sendall(answer)
        exactly(connection, len(answer))
        if end == "client aborts":
            abort(connection)
            accepted.close()
        else:
            first, last = (accepted, connection) if end == "server closes first" else (connection, accepted)
            first.close()
            last.recv(1)
            last.close()
        connections.append({"end": end, "client_bytes": len(request), "server_bytes": len(answer)})
    listener.close()
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"client": list(CLIENT), "server": list(SERVER), "connections": connections}


if __name__ == "__main__":
    run(record, __file__)
