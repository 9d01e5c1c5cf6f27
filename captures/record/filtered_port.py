"""Silence: a port behind a firewall that drops, and a host that is not there.

Port 9240 of the server answers. SYNs for its port 9241 are dropped by iptables, and those for an address
behind the server, which nobody has, by a blackhole route. The client gives up after two and a half seconds.
"""

from __future__ import annotations

import time
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import counted, drops

TRY = "netanalyze analyze captures/filtered-port.pcap --report listeners"

SERVER, NOBODY = "10.24.0.1", "10.24.1.1"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    client, server = lab.namespace("client"), lab.namespace("server", forwards=True)
    lab.cable(client, server, ("10.24.0.2/24", f"{SERVER}/24"))
    client.ip("route", "add", "10.24.1.0/24", "via", SERVER)
    server.ip("route", "add", "blackhole", "10.24.1.0/24")
    # A blackhole makes the router say "host unreachable", which this one keeps to itself.
    server.run("iptables", "-A", "OUTPUT", "-p", "icmp", "-j", "DROP")
    server.run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "9241", "-j", "DROP")
    capture = Capture(lab, client, "eth0", "filtered-port.pcap")
    attempts: list[dict[str, Any]] = []
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(SERVER, 9240)
        for address in ((SERVER, 9240), (SERVER, 9241), (NOBODY, 9242)):
            connection = client.new_socket()
            connection.settimeout(2.5)
            began, saw = time.monotonic(), "connected"
            try:
                connection.connect(address)
            except TimeoutError:
                saw = "timeout"
            took_s = round(time.monotonic() - began, 6)
            attempts.append(
                {"address": address[0], "port": address[1], "client_saw": saw, "connect_s": took_s}
            )
            connection.close()
        listener.accept()[0].close()
        listener.close()
        capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "attempts": attempts,
        "server_drops": drops(server, "INPUT"),
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
