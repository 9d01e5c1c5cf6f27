"""Nobody there: TCP to a closed port, UDP to a closed port, a filtered port, an unreachable host.

TCP to a closed port is answered with RST, over IPv4 and IPv6. UDP to a closed port brings back an ICMP
(ICMPv6) port unreachable that quotes the datagram. A firewall refuses one port with ICMP "administratively
prohibited", and a router says "host unreachable" for an address of its network that answers no ARP.
"""

from __future__ import annotations

import socket

from capturing import Capture
from lab import Lab, run
from measure import counted, drops

TRY = "netanalyze analyze captures/refused.pcapng --report streams --report udp"


def attempt(made: socket.socket, address: tuple[str, int]) -> dict[str, object]:
    """Connect (UDP: send and wait for an answer) and tell what the application saw."""
    saw = "answer"
    try:
        made.connect(address)
        if made.type == socket.SOCK_DGRAM:
            made.send(b"is anybody there?")
            made.recv(100)
    except OSError as error:
        saw = type(error).__name__ if type(error) is not OSError else str(error.strerror)
    transport = "udp" if made.type == socket.SOCK_DGRAM else "tcp"
    made.close()
    return {"transport": transport, "address": address[0], "port": address[1], "client_saw": saw}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True, forwards=True)
    lab.cable(client, server, ("10.5.0.2/24", "10.5.0.1/24"), ("fd00:5::2/64", "fd00:5::1/64"))
    client.ip("route", "add", "default", "via", "10.5.0.1")
    # A second network, on which nobody answers ARP.
    desert = lab.namespace("desert")
    lab.cable(server, desert, names=("eth1", "eth0"))
    server.ip("address", "add", "10.5.1.1/24", "dev", "eth1")
    prohibited = ["-j", "REJECT", "--reject-with", "icmp-admin-prohibited"]
    server.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9003", *prohibited)

    capture = Capture(lab, client, "eth0", "refused.pcapng")
    with counted(client) as client_counters, counted(server) as server_counters:
        attempts = [
            attempt(client.new_socket(), ("10.5.0.1", 9001)),
            attempt(client.new_socket(), ("10.5.0.1", 9001)),
            attempt(client.new_socket(socket.AF_INET6), ("fd00:5::1", 9001)),
            attempt(client.new_socket(kind=socket.SOCK_DGRAM), ("10.5.0.1", 9002)),
            attempt(client.new_socket(socket.AF_INET6, socket.SOCK_DGRAM), ("fd00:5::1", 9002)),
            attempt(client.new_socket(), ("10.5.0.1", 9003)),
            attempt(client.new_socket(), ("10.5.1.77", 9004)),
        ]
        capture.finish(client.quiet)
    lab.truth = {
        "attempts": attempts,
        "server_rejects": drops(server, "INPUT"),
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
