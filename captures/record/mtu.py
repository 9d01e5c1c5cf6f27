"""A link that takes smaller packets than the hosts believe, with and without the ICMP message that says so.

Client, router, server; the router's link to the client takes packets of 1400 bytes, while both hosts have
1500. In `mtu-black-hole.pcap` the router's ICMP messages ("fragmentation needed") are dropped, as careless
firewalls do: greetings and short answers arrive, an answer of 6000 bytes never does, and the client gives up
after three seconds. Then the server is told to find out for itself (`tcp_mtu_probing`), and a second client
gets its answer after a few seconds. In `mtu-clamped.pcap` the messages are dropped as well, but the router
corrects the MSS of the handshake (iptables `TCPMSS`), and the same answer comes at once. Both were recorded
at the server.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import counted, drops, exactly, tcp_only
from web import prose

if TYPE_CHECKING:
    import socket

    from namespace import Namespace

TRY = "netanalyze analyze captures/mtu-black-hole.pcap --report findings"

SERVER = ("10.71.1.2", 9710)
NARROW = 1400
GREETING, SHORT, LONG = b"hello\n", 300, 6000
GIVES_UP_S = 3.0
UNREACHABLE = "-p icmp --icmp-type fragmentation-needed -j DROP"
CLAMP = "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360"


def answer(listener: socket.socket) -> None:
    """Greet one client, answer its two questions, wait until it goes."""
    accepted, _ = listener.accept()
    accepted.settimeout(30.0)
    with accepted, contextlib.suppress(OSError):
        accepted.sendall(GREETING)
        while asked := accepted.recv(100):
            accepted.sendall(prose(LONG, 7).encode()[: int(asked)])


def ask(client: Namespace, listener: socket.socket, patience_s: float) -> dict[str, Any]:
    """Connect, ask for a short answer and a long one, and say how long each took."""
    thread = threading.Thread(target=answer, args=(listener,), daemon=True)
    thread.start()
    connection = client.new_socket()
    connection.settimeout(patience_s)
    connection.connect(SERVER)
    got: dict[str, Any] = {"greeting_bytes": len(exactly(connection, len(GREETING)))}
    for size in (SHORT, LONG):
        began = time.monotonic()
        connection.sendall(b"%d" % size)
        try:
            received = len(exactly(connection, size))
        except TimeoutError:
            received = 0
        got[f"answer_of_{size}"] = {"bytes": received, "waited_s": round(time.monotonic() - began, 6)}
    connection.close()
    thread.join(timeout=1.0)
    return got


def scenario(lab: Lab, name: str, *, clamped: bool) -> dict[str, Any]:
    """Record one of the two and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    router = lab.namespace(f"router-{name}", forwards=True)
    lab.cable(router, client, ("10.71.0.1/24", "10.71.0.2/24"))
    lab.cable(router, server, ("10.71.1.1/24", f"{SERVER[0]}/24"), names=("eth1", "eth0"))
    client.ip("route", "add", "default", "via", "10.71.0.1")
    server.ip("route", "add", "default", "via", "10.71.1.1")
    # Only the router knows.
    router.ip("link", "set", "eth0", "mtu", str(NARROW))
    router.run("iptables", "-A", "OUTPUT", *UNREACHABLE.split())
    if clamped:
        router.run("iptables", "-t", "mangle", "-A", "FORWARD", *CLAMP.split())
    capture = Capture(lab, server, "eth0", f"mtu-{name}.pcap")
    with counted(server) as server_counters:
        listener = server.listener(*SERVER)
        clients = [ask(client, listener, 20.0 if clamped else GIVES_UP_S)]
        if not clamped:
            server.sysctl("net/ipv4/tcp_mtu_probing", 1)
            clients.append(ask(client, listener, 20.0))
        listener.close()
        capture.settle(client.quiet, server.quiet)
    capture.stop()
    return {
        "clamped": clamped,
        "clients": clients,
        "router_drops": drops(router, "OUTPUT"),
        "server_counters": tcp_only(server_counters),
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    lab.truth = {
        "narrow_link_mtu": NARROW,
        "gives_up_s": GIVES_UP_S,
        "black_hole": scenario(lab, "black-hole", clamped=False),
        "clamped": scenario(lab, "clamped", clamped=True),
    }


if __name__ == "__main__":
    run(record, __file__)
