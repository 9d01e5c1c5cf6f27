"""More half-open connections than a listener holds, without SYN cookies and with them.

A server listens with a backlog of 8. scapy crafts twelve SYNs from twelve addresses at which nobody
answers, so that the server waits in vain for their ACKs, and then a real client connects and asks for a
greeting. Without SYN cookies (`syn-queue-full.pcap`) the listener holds eight of them and drops the rest,
and the client's SYN, until it has given up the eight. With cookies (`syn-queue-cookies.pcap`) it answers
all, but remembers only eight, whose SYN-ACKs it sends again; the client gets in at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import counted, exactly
from namespace import wait_until

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/syn-queue-full.pcap --report listeners"

SERVER = ("10.23.0.1", 9230)
BACKLOG, FLOOD = 8, 12
LINGER_S = 4.5


def flood(client: Namespace, interface: str, macs: tuple[str, str]) -> None:
    """Send the crafted SYNs."""
    from scapy.layers.inet import IP, TCP  # noqa: PLC0415  (half a second, and few recordings need it)
    from scapy.layers.l2 import Ether  # noqa: PLC0415

    options = [("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7)]
    with client.entered():
        import socket  # noqa: PLC0415

        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((interface, 0))
    for number in range(FLOOD):
        syn = (
            Ether(src=macs[0], dst=macs[1])
            / IP(src=f"10.23.1.{1 + number}", dst=SERVER[0])
            / TCP(sport=40_001 + number, dport=SERVER[1], flags="S", seq=1000 * number, options=options)
        )
        raw.send(bytes(syn))
        time.sleep(0.005)
    raw.close()


def address_of(host: Namespace, interface: str) -> str:
    """The Ethernet address of an interface."""
    return host.run("cat", f"/sys/class/net/{interface}/address").stdout.strip()


def scenario(lab: Lab, name: str, *, cookies: bool) -> dict[str, Any]:
    """Record one of the two and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    lab.cable(client, server, ("10.23.0.2/24", "10.23.0.1/24"))
    # Nobody has these addresses: the client's kernel throws away what comes for them.
    server.ip("route", "add", "10.23.1.0/24", "via", "10.23.0.2")
    server.sysctl("net/ipv4/tcp_syncookies", int(cookies))
    server.sysctl("net/ipv4/tcp_synack_retries", 1)
    capture = Capture(lab, server, "eth0", f"syn-queue-{name}.pcap")
    macs = address_of(client, "eth0"), address_of(server, "eth0")
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(*SERVER, backlog=BACKLOG)
        flood(client, "eth0", macs)
        half_open = len(server.run("ss", "-Hnt", "state", "syn-recv").stdout.splitlines())
        began = time.monotonic()
        connection = client.new_socket()
        connection.connect(SERVER)
        connect_s = round(time.monotonic() - began, 6)
        accepted, _ = listener.accept()
        accepted.sendall(b"welcome\n")
        exactly(connection, 8)
        connection.close()
        accepted.recv(1)
        accepted.close()
        time.sleep(max(0.0, LINGER_S - (time.monotonic() - began)))
        listener.close()
        wait_until(lambda: client.quiet() and server.quiet(), "the connections to be closed")
        capture.finish()
    return {
        "syn_cookies": cookies,
        "half_open": half_open,
        "connect_s": connect_s,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ss")
    lab.uses_scapy()
    lab.truth = {
        "listen_backlog": BACKLOG,
        "crafted_syns": FLOOD,
        "full": scenario(lab, "full", cookies=False),
        "cookies": scenario(lab, "cookies", cookies=True),
    }


if __name__ == "__main__":
    run(record, __file__)
