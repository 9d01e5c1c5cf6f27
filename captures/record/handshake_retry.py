"""Handshakes that need more than one try, because a firewall drops their first packets.

Port 9151: the first SYN is lost. Port 9152: the first SYN-ACK is lost, so both ends send again. Port
9153: the client's last ACK is lost and it says nothing more, so the server sends its SYN-ACK again. Port
9154: every SYN is lost, and the client gives up after three and a half seconds. Port 9155 answers at
once. iptables drops (`quota`), on the computer which receives, so all packets are in the capture.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import counted, drops
from namespace import wait_until

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/handshake-retry.pcap --report streams --wide"

SERVER = "10.15.0.1"
SYN_BYTES, ACK_BYTES = 60, 52
"""IP packets of a Linux handshake, with all its TCP options."""


def lose(host: Namespace, match: str, quota_bytes: int = 0) -> None:
    """Have ``host`` drop what iptables' ``match`` describes, all of it or up to so many bytes."""
    quota = ["-m", "quota", "--quota", str(quota_bytes)] if quota_bytes else []
    host.run("iptables", "-A", "INPUT", "-p", "tcp", *match.split(), *quota, "-j", "DROP")


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.15.0.2/24", f"{SERVER}/24"))
    lose(server, "--dport 9151 --syn", SYN_BYTES)
    lose(client, "--sport 9152 --tcp-flags SYN,ACK SYN,ACK", SYN_BYTES)
    lose(server, "--dport 9153 --tcp-flags SYN,ACK ACK", ACK_BYTES)
    lose(server, "--dport 9154 --syn")
    capture = Capture(lab, client, "eth0", "handshake-retry.pcap")
    attempts: list[dict[str, Any]] = []
    with counted(client) as client_counters, counted(server) as server_counters:
        for port in (9151, 9152, 9153, 9154, 9155):
            listener = server.listener(SERVER, port)
            connection = client.new_socket()
            connection.settimeout(3.5 if port == 9154 else 10)
            began, saw = time.monotonic(), "connected"
            try:
                connection.connect((SERVER, port))
            except TimeoutError:
                saw = "timeout"
            attempts.append(
                {"port": port, "client_saw": saw, "connect_s": round(time.monotonic() - began, 6)}
            )
            if saw == "connected":
                accepted, _ = listener.accept()
                connection.close()
                accepted.recv(1)
                accepted.close()
            else:
                connection.close()
            listener.close()
            wait_until(lambda: client.quiet() and server.quiet(), "the connection to be closed")
        capture.finish()
    lab.truth = {
        "attempts": attempts,
        "server_drops": drops(server, "INPUT"),
        "client_drops": drops(client, "INPUT"),
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
