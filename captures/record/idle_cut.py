"""Connections that a firewall forgets while they are idle, and one that keep-alives hold open.

Client, firewall, server; the firewall (`nf_conntrack`) forgets connections that were idle for 20 seconds, and
drops what belongs to none that it knows. After 32 seconds each of three clients asks again. In
`idle-cut-silent.pcap` nobody answers, and the client gives up after three seconds; in
`idle-cut-reset.pcap` the firewall answers with RST; in `idle-cut-kept.pcap` the client sends a TCP keep-alive
every 8 seconds, and gets its answer. All were recorded at the client.
"""

from __future__ import annotations

import socket
import time
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import drops, exactly

TRY = "netanalyze analyze captures/idle-cut-silent.pcap --report findings"

SERVER = ("10.72.1.2", 9720)
FORGETS_S, IDLE_S, GIVES_UP_S, KEEP_ALIVE_S = 20, 32.0, 3.0, 8
INVALID = "-A FORWARD -m conntrack --ctstate INVALID"
QUESTION, ANSWER = b"Q" * 40, b"A" * 200


class Way:
    """A client and a server with a forgetful firewall between them."""

    def __init__(self, lab: Lab, name: str, verdict: str) -> None:
        """Make the room; ``verdict`` is what the firewall does with segments it knows no connection of."""
        self.client, self.server = lab.namespace(f"c-{name}"), lab.namespace(f"s-{name}")
        self.firewall = lab.namespace(f"f-{name}", forwards=True)
        lab.cable(self.firewall, self.client, ("10.72.0.1/24", "10.72.0.2/24"))
        lab.cable(self.firewall, self.server, ("10.72.1.1/24", f"{SERVER[0]}/24"), names=("eth1", "eth0"))
        self.client.ip("route", "add", "default", "via", "10.72.0.1")
        self.server.ip("route", "add", "default", "via", "10.72.1.1")
        self.firewall.run("iptables", *INVALID.split(), "-p", "tcp", *verdict.split())
        self.firewall.sysctl("net/netfilter/nf_conntrack_tcp_timeout_established", FORGETS_S)
        self.firewall.sysctl("net/netfilter/nf_conntrack_tcp_loose", 0)
        self.capture = Capture(lab, self.client, "eth0", f"idle-cut-{name}.pcap")
        self._listener = self.server.listener(*SERVER)
        self._connection = self.client.new_socket()
        self._accepted: socket.socket

    def begin(self, *, keep_alive: bool) -> None:
        """Connect and ask once."""
        if keep_alive:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
                self._connection.setsockopt(socket.IPPROTO_TCP, option, KEEP_ALIVE_S)
        self._connection.connect(SERVER)
        self._accepted, _ = self._listener.accept()
        self._ask()
        self._asked = time.monotonic()

    def _ask(self) -> None:
        self._connection.sendall(QUESTION)
        exactly(self._accepted, len(QUESTION))
        self._accepted.sendall(ANSWER)
        exactly(self._connection, len(ANSWER))

    def again(self) -> dict[str, Any]:
        """Ask again after the pause, and say how it went and how long it took."""
        time.sleep(max(0.0, self._asked + IDLE_S - time.monotonic()))
        idle_s = time.monotonic() - self._asked
        self._connection.settimeout(GIVES_UP_S)
        self._accepted.settimeout(GIVES_UP_S)
        began, outcome = time.monotonic(), "answered"
        self._connection.sendall(QUESTION)
        try:
            if self.firewall_knows():
                exactly(self._accepted, len(QUESTION))
                self._accepted.sendall(ANSWER)
            exactly(self._connection, len(ANSWER))
        except TimeoutError:
            outcome = "gave up"
        except ConnectionResetError:
            outcome = "reset"
        return {
            "idle_s": round(idle_s, 3),
            "outcome": outcome,
            "waited_s": round(time.monotonic() - began, 6),
        }

    def firewall_knows(self) -> bool:
        """Whether the firewall still has the connection."""
        return "ESTABLISHED" in self.firewall.proc("nf_conntrack")

    def end(self) -> list[dict[str, object]]:
        """Close, and return what the firewall has taken away."""
        if self.firewall_knows():
            self._connection.close()
            self._accepted.recv(1)
            self._accepted.close()
            self.capture.finish(self.client.quiet, self.server.quiet)
        else:
            # What is closed now, nobody on the other side hears of; the capture ends before.
            self.capture.stop()
            self._connection.close()
            self._accepted.close()
        self._listener.close()
        return drops(self.firewall, "FORWARD")


def outcome(way: Way) -> dict[str, Any]:
    """Ask again, close, and say what the client and the firewall know."""
    asked = way.again()
    return {**asked, "firewall": way.end()}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    reject = "-j REJECT --reject-with tcp-reset"
    ways = {
        name: Way(lab, name, verdict)
        for name, verdict in (("reset", reject), ("kept", "-j DROP"), ("silent", "-j DROP"))
    }
    for name, way in ways.items():
        way.begin(keep_alive=name == "kept")
    lab.truth = {
        "firewall_forgets_s": FORGETS_S,
        "gives_up_s": GIVES_UP_S,
        "keep_alive_s": KEEP_ALIVE_S,
        "connections": {name: outcome(way) for name, way in ways.items()},
    }


if __name__ == "__main__":
    run(record, __file__)
