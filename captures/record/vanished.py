"""Clients that vanish while connections are being closed, and others that stay.

Each client asks, says that it is done (FIN), and waits. In `vanished-gone.pcap` the cable to the clients is
cut before the server closes: nobody acknowledges its FINs, and its kernel sends them again and again from
LAST-ACK. In `vanished-there.pcap` nobody cuts anything. The truth file has what `ss` said of the server's
sockets at the end.
"""

from __future__ import annotations

import socket
import time
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import everything, exactly, socket_states

TRY = "netanalyze analyze captures/vanished-gone.pcap --report findings"

SERVER = ("10.74.0.1", 9740)
CLIENTS = 4
STUCK_S = 2.5
QUESTION, ANSWER = b"Q" * 30, b"A" * 90


def scenario(lab: Lab, name: str, *, vanish: bool) -> dict[str, Any]:
    """Record one of the two and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    lab.cable(client, server, ("10.74.0.2/24", f"{SERVER[0]}/24"))
    capture = Capture(lab, server, "eth0", f"vanished-{name}.pcap")
    listener = server.listener(*SERVER)
    pairs = []
    for _ in range(CLIENTS):
        connection = client.new_socket()
        connection.connect(SERVER)
        accepted, _ = listener.accept()
        connection.sendall(QUESTION)
        exactly(accepted, len(QUESTION))
        accepted.sendall(ANSWER)
        exactly(connection, len(ANSWER))
        connection.shutdown(socket.SHUT_WR)
        accepted.recv(1)
        pairs.append((connection, accepted))
    if vanish:
        # The server keeps its link, and knows the client's Ethernet address.
        client.run("iptables", "-A", "INPUT", "-j", "DROP")
        client.run("iptables", "-A", "OUTPUT", "-j", "DROP")
    for _, accepted in pairs:
        accepted.close()
    if vanish:
        time.sleep(STUCK_S)
    else:
        for connection, _ in pairs:
            everything(connection)
            connection.close()
    states = socket_states("end", server=server)
    if vanish:
        capture.stop()
    else:
        capture.finish(client.quiet, server.quiet)
    for connection, _ in pairs:
        connection.close()
    listener.close()
    return {"clients": CLIENTS, "states": states}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ss", "iptables")
    lab.truth = {
        "gone": scenario(lab, "gone", vanish=True),
        "there": scenario(lab, "there", vanish=False),
    }


if __name__ == "__main__":
    run(record, __file__)
