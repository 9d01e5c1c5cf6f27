"""A server that is restarted while clients keep coming, once with a hole and once without.

A client connects ten times, every 40 ms, and asks for a greeting. In `restarted-hole.pcap` the server closes
its listening socket and opens a new one 150 ms later: attempts in between are refused. In
`restarted-handed-over.pcap` the new socket listens on the same port (`SO_REUSEPORT`) before the old one is
closed. The truth file has what each attempt met.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import ChanceError, Lab, run
from measure import exactly

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/restarted-hole.pcap --report findings"

SERVER = ("10.75.0.1", 9750)
ATTEMPTS, PAUSE_S, HOLE_S = 10, 0.04, 0.15
GREETING = b"welcome\n"


def listener(server: Namespace) -> socket.socket:
    """A listening socket that lets others listen beside it, and a thread that greets."""
    made = server.new_socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    made.bind(SERVER)
    made.listen(16)

    def greet() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = made.accept()
                with accepted:
                    accepted.sendall(GREETING)
                    accepted.recv(1)

    threading.Thread(target=greet, daemon=True).start()
    return made


def close(made: socket.socket) -> None:
    """Close a listening socket although a thread waits for it."""
    made.shutdown(socket.SHUT_RDWR)
    made.close()


def restart(server: Namespace, old: socket.socket, *, hole: bool) -> socket.socket:
    """Put a new listening socket in the place of the old one."""
    if not hole:
        new = listener(server)
        close(old)
        return new
    close(old)
    time.sleep(HOLE_S)
    return listener(server)


def attempts(client: Namespace, began: float) -> list[dict[str, Any]]:
    """Connect again and again; returns what each attempt met."""
    found = []
    for number in range(ATTEMPTS):
        time.sleep(max(0.0, began + number * PAUSE_S - time.monotonic()))
        connection = client.new_socket()
        try:
            connection.connect(SERVER)
            met = "greeting" if exactly(connection, len(GREETING)) == GREETING else "end"
        except ConnectionRefusedError:
            met = "refused"
        connection.close()
        found.append({"attempt": number, "met": met})
    return found


def scenario(lab: Lab, name: str, *, hole: bool) -> list[dict[str, Any]]:
    """Record one of the two and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    lab.cable(client, server, ("10.75.0.2/24", f"{SERVER[0]}/24"))
    capture = Capture(lab, server, "eth0", f"restarted-{name}.pcap")
    old = listener(server)
    new: list[socket.socket] = []
    began = time.monotonic()

    def work() -> None:
        time.sleep(3.5 * PAUSE_S)
        new.append(restart(server, old, hole=hole))

    worker = threading.Thread(target=work)
    worker.start()
    found = attempts(client, began)
    worker.join()
    capture.finish(client.quiet, server.quiet)
    close(new[0])
    refused = sum(attempt["met"] == "refused" for attempt in found)
    if any(attempt["met"] == "end" for attempt in found) or (refused > 0) != hole:
        msg = "the restart met an attempt at another moment"
        raise ChanceError(msg)
    return found


def record(lab: Lab) -> None:
    """Record it."""
    lab.truth = {
        "hole": scenario(lab, "hole", hole=True),
        "handed_over": scenario(lab, "handed-over", hole=False),
    }


if __name__ == "__main__":
    run(record, __file__)
