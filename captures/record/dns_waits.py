"""What makes looking up a name slow: a lost answer, a dead server, a list of domains to try.

The C library asks for A and AAAA on one socket. Of one name the answer with AAAA is lost, so that it waits
five seconds and asks for both again, although it has the A; with ``single-request`` in resolv.conf it asks
one after the other. A name with less dots than ``ndots:5`` is tried with each domain of the search list
before it is tried as it is (six questions that end in NXDOMAIN). A first server that says nothing costs five
seconds for each name; one whose port is closed costs nothing, because ICMP says so. Recorded at the
client; each program tells how long it took.
"""

from __future__ import annotations

import sys

from capturing import Capture
from lab import Lab, run
from relay import Relay
from resolving import HERE, NSSWITCH, dnsmasq, log_of, told

TRY = "netanalyze analyze captures/dns-waits.pcap --report dns"

CLIENT, RESOLVER, MUTE, CLOSED = "10.41.0.2", "10.41.0.1", "10.41.0.9", "10.41.0.10"
SEARCH = "search ns.svc.cluster.test svc.cluster.test cluster.test\noptions ndots:5\n"

RECORDS = (
    "no-resolv",
    "local=/test/",
    "host-record=both.lab.test,10.41.0.80,fd00:41::80,300",
    "host-record=single.lab.test,10.41.0.81,fd00:41::81,300",
    "host-record=api.shop.test,10.41.0.82,300",
    "host-record=failover.lab.test,10.41.0.83,300",
    "host-record=closed.lab.test,10.41.0.84,300",
)

CASES = (
    ("AAAA answer lost", f"nameserver {RESOLVER}\n", "both.lab.test"),
    ("single-request", f"nameserver {RESOLVER}\noptions single-request\n", "single.lab.test"),
    ("search list", f"nameserver {RESOLVER}\n{SEARCH}", "api.shop.test"),
    ("first server mute", f"nameserver {MUTE}\nnameserver {RESOLVER}\n", "failover.lab.test"),
    ("first server closed", f"nameserver {CLOSED}\nnameserver {RESOLVER}\n", "closed.lab.test"),
)


class LoseOnce:
    """The relay's rule: the first answer about AAAA of both.lab.test does not arrive."""

    def __init__(self) -> None:
        """Nothing lost yet."""
        self.lost = 0

    def __call__(self, port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        """Where frames go."""
        to = "client" if port == "server" else "server"
        about = b"\x04both\x03lab\x04test\0\0\x1c\0\x01"
        if port == "server" and about in frame and not self.lost:
            self.lost += 1
            return []
        return [(to, frame, 0.0)]


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq")
    client, server = lab.namespace("client"), lab.namespace("server")
    lose = LoseOnce()
    relay = Relay(lab, lose)
    relay.device("client", client, "eth0", f"{CLIENT}/24")
    relay.device("server", server, "eth0", f"{RESOLVER}/24")
    for address in (MUTE, CLOSED):
        server.address("eth0", f"{address}/24")
    relay.start()
    client.etc("nsswitch.conf", NSSWITCH)
    program = dnsmasq(lab, server, (RESOLVER,), *RECORDS)
    mute = server.datagrams(MUTE, 53)
    capture = Capture(lab, client, "eth0", "dns-waits.pcap")
    looked_up = []
    for case, configuration, name in CASES:
        client.etc("resolv.conf", configuration)
        (found,) = told(client, sys.executable, HERE / "lookups.py", f"lookup:{name}")
        looked_up.append({"case": case, **found})
    capture.finish(relay.idle)
    mute.close()
    lab.truth = {"getaddrinfo": looked_up, "answers_lost": lose.lost, "dnsmasq": log_of(program)}


if __name__ == "__main__":
    run(record, __file__)
