"""Four connections that end with RST, for four reasons.

1. The server closes while a request lies unread in its buffer: its kernel sends RST instead of FIN.
2. The client closes with `SO_LINGER` of no time in the middle of an answer.
3. The server answers and closes (FIN) while the client has more to send: that is refused with RST.
4. The client closes with `SO_LINGER` of no time right after the handshake, without a byte sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from measure import abort, counted, exactly
from namespace import wait_until

if TYPE_CHECKING:
    import socket

TRY = "netanalyze analyze captures/reset.pcap --report streams --wide"

SERVER = ("10.4.0.1", 9101)


def failure(connection: socket.socket) -> str:
    """The name of the error that ends a connection for its application, empty if it ended well."""
    try:
        while connection.recv(4096):
            pass
    except OSError as error:
        return type(error).__name__
    return ""


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.4.0.2/24", "10.4.0.1/24"))
    listener = server.listener(*SERVER)

    def pair() -> tuple[socket.socket, socket.socket]:
        connection = client.new_socket()
        connection.connect(SERVER)
        return connection, listener.accept()[0]

    capture = Capture(lab, client, "eth0", "reset.pcap")
    outcomes = []
    with counted(client) as client_counters, counted(server) as server_counters:
        connection, accepted = pair()
        connection.sendall(b"a request that nobody reads\n" * 20)
        wait_until(
            lambda: len(accepted.recv(4096, 0x42)) == 28 * 20, "the request to arrive"
        )  # peek, no wait
        accepted.close()
        outcomes.append(
            {"who": "server", "why": "closed with unread data", "client_saw": failure(connection)}
        )
        connection.close()

        connection, accepted = pair()
        connection.sendall(b"send me much\n")
        exactly(accepted, 13)
        accepted.sendall(bytes(6000))
        exactly(connection, 2000)
        abort(connection)
        outcomes.append(
            {"who": "client", "why": "SO_LINGER 0 in the answer", "server_saw": failure(accepted)}
        )
        accepted.close()

        connection, accepted = pair()
        connection.sendall(b"upload part 1\n")
        exactly(accepted, 14)
        accepted.sendall(b"enough, thank you\n")
        accepted.close()
        exactly(connection, 18)
        connection.sendall(b"upload part 2\n")
        outcomes.append({"who": "server", "why": "data came after close", "client_saw": failure(connection)})
        connection.close()

        connection, accepted = pair()
        abort(connection)
        outcomes.append({"who": "client", "why": "SO_LINGER 0 at once", "server_saw": failure(accepted)})
        accepted.close()
        listener.close()
        capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "connections": outcomes,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
