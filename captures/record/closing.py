"""Ways in which connections end, with what `ss` said of both ends meanwhile.

1. `closing-leak.pcap`: the client closes six connections, one every 300 ms, and the server closes none of
   them: each stays in CLOSE-WAIT. At the end the server's process exits, and the kernel closes all of
   them: those in which it had left something unread with RST.
2. `closing-half.pcap`: the client says with `shutdown` that it sends no more, and the server goes on
   sending for half a second before it closes as well.
3. `closing-both.pcap`: both close in the same instant, a tenth of a second apart from each other, so
   that the two FINs cross: CLOSING on both sides, then TIME-WAIT on both.
4. `closing-lost.pcap`: the client's last ACK is lost behind the tap, twice. The server stays in LAST-ACK
   and sends its FIN again, and each time the client answers from TIME-WAIT.
5. `closing-nginx.pcap`: nginx without keep-alive closes first, so that TIME-WAIT is on its side.

All were captured at the client. A snapshot tells between which two times `ss` ran. A relay in user space
delays the frames of 3 and drops those of 4.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import web
from capturing import Capture
from lab import ChanceError, Lab, run
from measure import exactly, socket_states
from namespace import wait_until
from relay import DELAY_S, Relay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from namespace import Namespace

TRY = "netanalyze analyze captures/closing-leak.pcap --report closers --report populations"

PORT = 9161
LEAKS, LEAK_EVERY_S = 6, 0.3
CROSSING_S = 0.1
"""How long a frame takes from one side to the other while both close."""
LOST_ACKS = 2
FIN, ACK = 0x01, 0x10


def serve_and_exit(host: Namespace, address: str) -> int:
    """Begin a process that accepts connections, reads a line of each second one, and closes none.

    Returns:
        Its process id; it exits when it gets SIGTERM.
    """
    listener = host.listener(address, PORT)
    pid = os.fork()
    if pid == 0:  # nothing here may run the parent's clean-up
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        kept = []
        while True:
            listener.settimeout(None)
            accepted, _ = listener.accept()
            kept.append(accepted)
            if len(kept) % 2:
                exactly(accepted, len(b"question\n"))
    listener.close()
    return pid


def leak(lab: Lab) -> dict[str, Any]:
    """Connections that the server's application does not close."""
    client, server = lab.namespace("leak-c"), lab.namespace("leak-s")
    lab.cable(client, server, ("10.41.0.2/24", "10.41.0.1/24"))
    pid = serve_and_exit(server, "10.41.0.1")
    ports = []
    try:
        capture = Capture(lab, client, "eth0", "closing-leak.pcap")
        for _ in range(LEAKS):
            connection = client.new_socket()
            connection.connect(("10.41.0.1", PORT))
            ports.append(connection.getsockname()[1])
            connection.sendall(b"question\n")
            time.sleep(0.05)
            connection.close()
            time.sleep(LEAK_EVERY_S - 0.05)
        time.sleep(1.2)
        snapshots = [socket_states("all leaked", client=client, server=server)]
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    time.sleep(0.1)
    snapshots.append(socket_states("the process has gone", client=client, server=server))
    capture.finish(client.quiet, server.quiet)
    return {"client_ports": ports, "leak_every_s": LEAK_EVERY_S, "snapshots": snapshots}


def half(lab: Lab) -> dict[str, Any]:
    """Half-close in use."""
    client, server = lab.namespace("half-c"), lab.namespace("half-s")
    lab.cable(client, server, ("10.42.0.2/24", "10.42.0.1/24"))
    listener = server.listener("10.42.0.1", PORT)
    capture = Capture(lab, client, "eth0", "closing-half.pcap")
    connection = client.new_socket()
    connection.connect(("10.42.0.1", PORT))
    accepted, _ = listener.accept()
    connection.sendall(b"all that I have to say\n")
    connection.shutdown(socket.SHUT_WR)
    exactly(accepted, 23)
    exactly(accepted, 1)  # until the end of the stream
    snapshots = []
    for number in range(5):
        accepted.sendall(b"answer %d\n" % number * 40)
        time.sleep(0.1)
        if number == 2:
            snapshots.append(socket_states("half closed", client=client, server=server))
    accepted.close()
    time.sleep(0.1)
    snapshots.append(socket_states("closed", client=client, server=server))
    connection.close()
    listener.close()
    capture.finish(client.quiet, server.quiet)
    return {"snapshots": snapshots}


def relayed(lab: Lab, name: str, net: str, rule: Any) -> tuple[Namespace, Namespace]:  # noqa: ANN401
    """Two hosts with a relay between them; the client's interface is tap0."""
    client, server = lab.namespace(f"{name}-c"), lab.namespace(f"{name}-s")
    relay = Relay(lab, rule)
    relay.device("client", client, "tap0", f"{net}.2/24")
    relay.device("server", server, "tap0", f"{net}.1/24")
    relay.start()
    return client, server


def both(lab: Lab) -> dict[str, Any]:
    """Simultaneous close."""

    def carry(port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        yield ("server" if port == "client" else "client", frame, CROSSING_S)

    client, server = relayed(lab, "both", "10.43.0", carry)
    listener = server.listener("10.43.0.1", PORT)
    capture = Capture(lab, client, "tap0", "closing-both.pcap")
    connection = client.new_socket()
    connection.connect(("10.43.0.1", PORT))
    accepted, _ = listener.accept()
    connection.sendall(b"question\n")
    exactly(accepted, 9)
    accepted.sendall(b"answer\n")
    exactly(connection, 7)
    time.sleep(0.3)
    connection.close()
    accepted.close()
    snapshots = [socket_states("both have sent FIN", client=client, server=server)]
    time.sleep(CROSSING_S * 1.2)
    snapshots.append(socket_states("the FINs have crossed", client=client, server=server))
    time.sleep(CROSSING_S * 3)
    snapshots.append(socket_states("closed", client=client, server=server))
    listener.close()
    capture.finish(client.quiet, server.quiet)
    states = [[one["state"] for one in snapshots[1][host]] for host in ("client", "server")]
    if states != [["CLOSING"], ["CLOSING"]]:
        msg = f"the FINs did not cross in time: {states}"
        raise ChanceError(msg)
    return {"one_way_s": CROSSING_S, "snapshots": snapshots}


def lost(lab: Lab) -> dict[str, Any]:
    """The last ACK is lost."""
    dropped = []
    seen_fin = []

    def carry(port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        ip4 = frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_TCP
        flags = frame[14 + (frame[14] & 15) * 4 + 13] if ip4 else 0
        if port == "server":
            seen_fin.extend([1] if flags & FIN else [])
            yield "client", frame, DELAY_S
        elif flags == ACK and seen_fin and len(dropped) < LOST_ACKS:
            dropped.append(1)
        else:
            yield "server", frame, DELAY_S

    client, server = relayed(lab, "lost", "10.44.0", carry)
    listener = server.listener("10.44.0.1", PORT)
    capture = Capture(lab, client, "tap0", "closing-lost.pcap")
    connection = client.new_socket()
    connection.connect(("10.44.0.1", PORT))
    accepted, _ = listener.accept()
    connection.sendall(b"question\n")
    exactly(accepted, 9)
    connection.close()
    exactly(accepted, 1)  # until the end of the stream
    accepted.close()
    time.sleep(0.1)
    snapshots = [socket_states("the last ACK was lost", client=client, server=server)]
    wait_until(lambda: len(dropped) == LOST_ACKS, "another ACK to be lost")
    time.sleep(0.1)
    snapshots.append(socket_states("it was lost again", client=client, server=server))
    wait_until(server.quiet, "the last ACK to arrive")
    time.sleep(0.1)
    snapshots.append(socket_states("closed", client=client, server=server))
    listener.close()
    capture.finish(client.quiet, server.quiet)
    return {"lost_acks": len(dropped), "snapshots": snapshots}


def nginx(lab: Lab) -> dict[str, Any]:
    """Keep-alive off."""
    client, server = lab.namespace("nginx-c"), lab.namespace("nginx-s")
    lab.cable(client, server, ("10.45.0.2/24", "10.45.0.1/24"))
    web.nginx(lab, server, "10.45.0.1:80", keepalive_s=0)
    capture = Capture(lab, client, "eth0", "closing-nginx.pcap")
    transfers = []
    for _ in range(4):
        transfers += web.curl(lab, client, ("http://10.45.0.1/small.txt",))
        time.sleep(0.1)
    snapshots = [socket_states("all closed", client=client, server=server)]
    capture.finish(client.quiet, server.quiet)
    return {
        "client_ports": [transfer["local_port"] for transfer in transfers],
        "snapshots": snapshots,
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ss")
    for scenario in (leak, half, both, lost, nginx):
        lab.truth[f"closing-{scenario.__name__}.pcap"] = scenario(lab)


if __name__ == "__main__":
    run(record, __file__)
